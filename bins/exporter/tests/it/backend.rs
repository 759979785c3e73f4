//! A real HTTP server on a real socket, with an audit log in memory.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// What the server answers with, and what it was asked.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) log: Vec<String>,
    /// Answers the audit log with this instead: a status and a body.
    pub(crate) instead: Option<(u16, Vec<u8>)>,
    pub(crate) requests: Vec<String>,
}

pub(crate) struct Backend {
    pub(crate) url: String,
    script: Arc<Mutex<Script>>,
}

impl Backend {
    /// Serves until the test's process ends.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let script = Arc::new(Mutex::new(Script::default()));
        let shared = script.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(&mut stream.expect("accepted"), &shared);
            }
        });
        Self { url, script }
    }

    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        change(&mut self.script.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn write(&self, line: &str) {
        self.with(|script| script.log.push(line.to_owned()));
    }
}

/// One request a connection. A client that goes away, as a killed one does, is no concern of the server.
fn serve(stream: &mut TcpStream, script: &Mutex<Script>) {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        if !matches!(stream.read(&mut byte), Ok(1)) {
            return;
        }
        request.push(byte[0]);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
    let (status, body) = answer(&script, &request);
    script.requests.push(request);
    let head = format!(
        "HTTP/1.1 {status} Answer\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).ok();
}

fn answer(script: &Script, request: &str) -> (u16, Vec<u8>) {
    let path = request.split(' ').nth(1).unwrap_or_default();
    if path == "/api/sovereign-mode/statistics" {
        return (200, format!(r#"{{"audit_entries":{}}}"#, script.log.len()).into_bytes());
    }
    let Some(limit) = path.strip_prefix("/api/sovereign-mode/audit?limit=") else {
        return (404, br#"{"detail":"Not Found"}"#.to_vec());
    };
    if let Some((status, body)) = &script.instead {
        return (*status, body.clone());
    }
    match limit.parse::<usize>() {
        Ok(limit @ 1..=1000) => {
            let last = &script.log[script.log.len().saturating_sub(limit)..];
            (200, format!("[{}]", last.join(",")).into_bytes())
        }
        _ => (422, br#"{"detail":"limit"}"#.to_vec()),
    }
}
