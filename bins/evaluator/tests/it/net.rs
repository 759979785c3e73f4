//! Small servers and a small client: real sockets, nothing else.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::process::{PATIENCE, eventually};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn has_line(&self, line: &str) -> bool {
        self.head.lines().any(|l| l.eq_ignore_ascii_case(line))
    }
}

#[derive(Default)]
struct Script {
    body: String,
    silent: bool,
    requests: Vec<Request>,
}

/// A server on a free port that answers every request with the same body, and keeps what it was asked. It is
/// a target to be scraped, and a receiver of webhooks.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: String,
    script: Arc<Mutex<Script>>,
}

impl Server {
    /// Serves until the test's process ends.
    pub(crate) fn start(body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let script = Arc::new(Mutex::new(Script { body: body.to_owned(), ..Script::default() }));
        let shared = Arc::clone(&script);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, script }
    }

    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn answer(&self, body: &str) {
        body.clone_into(&mut self.script().body);
    }

    /// Takes requests from now on, and never answers.
    pub(crate) fn fall_silent(&self) {
        self.script().silent = true;
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.script().requests.clone()
    }

    /// The alerts of all webhook messages so far, each with its message.
    pub(crate) fn alerts(&self) -> Vec<(Value, Value)> {
        let mut all = Vec::new();
        for request in self.requests() {
            let message: Value = serde_json::from_str(&request.body).expect("a webhook message is JSON");
            for alert in message["alerts"].as_array().expect("alerts is a list") {
                all.push((alert.clone(), message.clone()));
            }
        }
        all
    }

    /// The first alert of this name and status, once it is there, with its message.
    pub(crate) fn wait_for_alert(&self, name: &str, status: &str) -> (Value, Value) {
        eventually(&format!("the message that {name} is {status}"), || {
            let alerts = self.alerts();
            let found =
                alerts.iter().find(|(a, _)| a["labels"]["alertname"] == name && a["status"] == status);
            found.cloned().ok_or_else(|| format!("{alerts:?}"))
        })
    }
}

fn serve(mut stream: TcpStream, script: &Mutex<Script>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if !matches!(stream.read(&mut byte), Ok(1)) {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    if stream.read_exact(&mut body).is_err() {
        return;
    }
    let (answer, silent) = {
        let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
        script.requests.push(Request { head, body: String::from_utf8_lossy(&body).into_owned() });
        (script.body.clone(), script.silent)
    };
    if silent {
        // Until the other side gives up.
        let _closed = stream.read(&mut byte);
        return;
    }
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        answer.len()
    );
    // The other side may be gone: that is its concern.
    let _sent = stream.write_all(format!("{head}{answer}").as_bytes());
}

/// An answer to one of our own requests.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (n, value) = line.split_once(':')?;
            n.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// One request on a connection of its own. `address` is `host:port`; `lines` are header lines.
pub(crate) fn request(
    method: &str,
    address: &str,
    path: &str,
    lines: &[&str],
    body: impl AsRef<[u8]>,
) -> Result<Answer, String> {
    let body = body.as_ref();
    let text = |error: std::io::Error| format!("{method} {address}{path}: {error}");
    let mut stream = TcpStream::connect(address).map_err(text)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(text)?;
    // HTTP/1.0: the answer comes in one piece and ends with the connection.
    let mut head = format!("{method} {path} HTTP/1.0\r\n");
    if !lines.iter().any(|line| line.starts_with("Host:")) {
        head.push_str(&format!("Host: {address}\r\n"));
    }
    for line in lines {
        head.push_str(&format!("{line}\r\n"));
    }
    if !body.is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    stream.write_all(&[head.as_bytes(), b"\r\n", body].concat()).map_err(text)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(text)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| format!("no HTTP: {answer:?}"))?;
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or_else(|| head.to_owned())?;
    Ok(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

pub(crate) fn get(address: &str, path: &str) -> Result<Answer, String> {
    request("GET", address, path, &[], "")
}

/// The data of an API answer.
pub(crate) fn api(address: &str, path: &str) -> Result<Value, String> {
    let answer = get(address, path)?;
    let json = answer.json();
    if answer.status == 200 && json["status"] == "success" {
        Ok(json["data"].clone())
    } else {
        Err(format!("{path} answered with {}: {json}", answer.status))
    }
}

/// The value of the one series that a query gives.
pub(crate) fn value(address: &str, expr: &str) -> Result<String, String> {
    let encoded: String = expr.bytes().map(|b| format!("%{b:02X}")).collect();
    let data = api(address, &format!("/api/v1/query?query={encoded}"))?;
    let results = data["result"].as_array().cloned().unwrap_or_default();
    match results.as_slice() {
        [one] => Ok(one["value"][1].as_str().expect("values are strings").to_owned()),
        other => Err(format!("{expr} gives {other:?}")),
    }
}
