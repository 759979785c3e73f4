//! A server of this binary's own that runs beside the test, and a client that sends what it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Long enough for a machine that does ten other things; reached only where something is broken.
const PATIENCE: Duration = Duration::from_secs(150);

pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    /// What it said before it listened.
    pub(crate) said: Vec<String>,
    lines: Receiver<String>,
}

impl Server {
    /// Starts it on a free port, and waits until it listens.
    pub(crate) fn start(command: &mut Command) -> Self {
        let command = command.args(["--web.listen-address", "127.0.0.1:0"]);
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the binary starts");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let (send, lines) = channel();
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).all(|line| send.send(line).is_ok()));
        let mut server = Self { child, address: String::new(), said: Vec::new(), lines };
        loop {
            let line = server.says();
            if let Some((_, url)) = line.split_once("listening on http://") {
                url.clone_into(&mut server.address);
                return server;
            }
            server.said.push(line);
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends a signal and waits; gives the exit code.
    pub(crate) fn stop(&mut self, signal: &str) -> Option<i32> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-s", signal, &id]).status().expect("kill");
        self.child.wait().expect("ends").code()
    }

    /// What it said since.
    pub(crate) fn says(&self) -> String {
        let line = self.lines.recv_timeout(PATIENCE);
        line.unwrap_or_else(|error| panic!("{error}, after {:?}", self.said))
    }

    pub(crate) fn get(&self, path: &str, headers: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n"), b"")
    }

    pub(crate) fn post(&self, path: &str, body: &[u8]) -> Answer {
        let length = body.len();
        self.send(
            &format!(
                "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
            ),
            body,
        )
    }

    fn send(&self, head: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.address).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        stream.write_all(head.as_bytes()).expect("sent");
        // One who refuses early need not read everything.
        stream.write_all(body).ok();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok();
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole head");
        let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Answer { status, head, body: answer[end + 4..].to_vec() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }
}
