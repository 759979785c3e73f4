//! A raw TCP peer that answers every connection with the bytes it was given, to say what no proper server says.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Serves `answer` to every connection, then closes it, or keeps it open for ever.
pub(crate) async fn answering(answer: Vec<u8>, keep_open: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut head = [0; 4096];
                let _request = stream.read(&mut head).await;
                let _written = stream.write_all(&answer).await;
                if keep_open {
                    std::future::pending::<()>().await;
                }
            });
        }
    });
    address
}

pub(crate) fn ok(headers: &str, body: &[u8]) -> Vec<u8> {
    let mut answer =
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    answer
}
