//! A client for one server, over one connection that is kept.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// How long a server may be silent within an answer.
const SILENCE: Duration = Duration::from_secs(120);

#[derive(Debug)]
pub(crate) struct Client {
    address: String,
    stream: Option<BufReader<TcpStream>>,
}

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// A client of `host:port`; connects when asked.
    pub(crate) fn new(address: &str) -> Self {
        Self { address: address.to_owned(), stream: None }
    }

    pub(crate) fn get(&mut self, path: &str) -> Result<Response, String> {
        self.request("GET", path, "", &[])
    }

    /// Posts a form.
    pub(crate) fn form(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Response, String> {
        let fields: Vec<String> = fields.iter().map(|(k, v)| format!("{k}={}", encode(v))).collect();
        let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
        self.request("POST", path, kind, fields.join("&").as_bytes())
    }

    /// Sends one request; once more if the kept connection turns out to be closed.
    pub(crate) fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> Result<Response, String> {
        let kept = self.stream.is_some();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{headers}Content-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        match self.exchange(head.as_bytes(), body) {
            Err(_) if kept => self.exchange(head.as_bytes(), body),
            result => result,
        }
        .map_err(|error| format!("{method} http://{}{path}: {error}", self.address))
    }

    fn exchange(&mut self, head: &[u8], body: &[u8]) -> std::io::Result<Response> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(&self.address)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(SILENCE))?;
                BufReader::with_capacity(1 << 16, stream)
            }
        };
        stream.get_mut().write_all(&[head, body].concat())?;
        let (response, keep) = read(&mut stream)?;
        self.stream = keep.then_some(stream);
        Ok(response)
    }
}

fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<(Response, bool)> {
    let bad = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_owned());
    let line = read_line(stream)?;
    let status = line.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or_else(|| bad("no status line"))?;
    let (mut length, mut chunked, mut keep) = (None, false, true);
    loop {
        let line = read_line(stream)?.to_ascii_lowercase();
        match line.split_once(':').map(|(k, v)| (k, v.trim())) {
            None => break,
            Some(("content-length", value)) => length = value.parse().ok(),
            Some(("transfer-encoding", "chunked")) => chunked = true,
            Some(("connection", "close")) => keep = false,
            Some(_) => {}
        }
    }
    let mut body = Vec::new();
    if chunked {
        loop {
            let line = read_line(stream)?;
            let size = usize::from_str_radix(&line, 16).map_err(|_bad| bad("no size of a chunk"))?;
            stream.by_ref().take(size as u64).read_to_end(&mut body)?;
            read_line(stream)?;
            if size == 0 {
                break;
            }
        }
    } else if status != 204 {
        let length = length.ok_or_else(|| bad("no length"))?;
        stream.by_ref().take(length).read_to_end(&mut body)?;
        if body.len() as u64 != length {
            return Err(bad("the answer ends early"));
        }
    }
    Ok((Response { status, body }, keep))
}

fn read_line(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

/// Percent-encodes everything but letters and digits.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
