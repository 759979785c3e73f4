use std::io::Write as _;
use std::time::Duration;

use assurance_runtime::http::{Client, ClientErrorKind, Limits};
use assurance_scrape::{Auth, Credential, HttpConfig, Secret};
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;

use crate::peer::{answering, ok};

const LIMITS: Limits = Limits { timeout: Duration::from_secs(10), body: 1000 };

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(body).expect("memory");
    encoder.finish().expect("memory")
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit_and_not_a_byte_further() {
    let client = Client::plain().expect("a client");
    for (length, fits) in [(1000, true), (1001, false)] {
        let address = answering(ok("", &vec![b'x'; length]), false).await;
        let answer = client.get(&format!("http://{address}/"), &[], LIMITS).await;
        match answer {
            Ok(answer) => assert!(fits && answer.body.len() == length),
            Err(error) => {
                assert!(!fits && matches!(error.kind, ClientErrorKind::BodyTooLong { limit: 1000 }));
            }
        }
    }
}

#[tokio::test]
async fn a_compressed_body_is_measured_decompressed() {
    let client = Client::plain().expect("a client");
    let small = answering(ok("content-encoding: gzip\r\n", &gzip(&[b'x'; 1000])), false).await;
    let answer = client.get(&format!("http://{small}/"), &[], LIMITS).await.expect("fits");
    assert_eq!(answer.body, vec![b'x'; 1000]);

    // A hundred megabytes of nothing in a hundred kilobytes.
    let bomb = gzip(&vec![0; 100 << 20]);
    assert!(bomb.len() < 200_000, "{}", bomb.len());
    let address = answering(ok("content-encoding: gzip\r\n", &bomb), false).await;
    let limits = Limits { body: 1 << 20, ..LIMITS };
    let error = client.get(&format!("http://{address}/"), &[], limits).await.expect_err("a bomb");
    assert!(matches!(error.kind, ClientErrorKind::BodyTooLong { .. }), "{error}");

    let broken = answering(ok("content-encoding: gzip\r\n", b"not gzip"), false).await;
    let error = client.get(&format!("http://{broken}/"), &[], LIMITS).await.expect_err("broken");
    assert!(matches!(error.kind, ClientErrorKind::Encoding { .. }), "{error}");
}

#[tokio::test]
async fn a_peer_that_never_finishes_is_left() {
    let client = Client::plain().expect("a client");
    let address = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc".to_vec(), true).await;
    let limits = Limits { timeout: Duration::from_millis(200), ..LIMITS };
    let error = client.get(&format!("http://{address}/x"), &[], limits).await.expect_err("unfinished");
    assert_eq!(error.to_string(), format!("GET http://{address}/x: no whole answer within 0.2s"));
}

#[tokio::test]
async fn nobody_there_is_said_with_the_cause() {
    let client = Client::plain().expect("a client");
    // Taken, so that nobody else listens there, and not listened on.
    let taken = tokio::net::TcpSocket::new_v4().expect("a socket");
    taken.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let address = taken.local_addr().expect("bound");
    let error = client.get(&format!("http://user:secret@{address}/"), &[], LIMITS).await.expect_err("nobody");
    let said = error.to_string();
    assert!(said.contains("Connection refused") && !said.contains("secret"), "{said}");
}

#[tokio::test]
async fn credentials_are_sent_and_read_anew_from_their_file() {
    let echo = Router::new().route(
        "/",
        get(async |headers: HeaderMap| {
            headers.get("authorization").map(|v| v.to_str().expect("text").to_owned()).unwrap_or_default()
        }),
    );
    let (url, _stop) = crate::server::serving(echo).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    fs_err::write(&file, "first\n").expect("written");
    let mut config = HttpConfig::default();
    config.auth = Some(Auth::Authorization {
        scheme: "Bearer".to_owned(),
        credentials: Credential::File(file.to_string_lossy().into_owned()),
    });
    let client = Client::new(config).expect("a client");
    let said = async || client.get(&url, &[], LIMITS).await.expect("answers").text().into_owned();
    assert_eq!(said().await, "Bearer first");
    fs_err::write(&file, "second\n").expect("written");
    assert_eq!(said().await, "Bearer second");

    let mut config = HttpConfig::default();
    config.auth = Some(Auth::Basic {
        username: Credential::Inline(Secret::new("prometheus")),
        password: Some(Credential::Inline(Secret::new("pass:word"))),
    });
    let client = Client::new(config).expect("a client");
    let answer = client.get(&url, &[], LIMITS).await.expect("answers");
    assert_eq!(answer.text(), "Basic cHJvbWV0aGV1czpwYXNzOndvcmQ=");
}

#[tokio::test]
async fn a_redirect_is_followed_at_home_and_nowhere_else() {
    let redirect =
        |to: &str| format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n").into_bytes();
    let client = Client::plain().expect("a client");
    let away = answering(redirect("http://127.0.0.2:1/metrics"), false).await;
    let error = client.get(&format!("http://{away}/"), &[], LIMITS).await.expect_err("another origin");
    assert!(error.to_string().contains("it leads to another origin"), "{error}");

    let home = Router::new()
        .route("/a", get(async || (StatusCode::FOUND, [("location", "/b")])))
        .route("/b", get(async || "there"));
    let (url, _stop) = crate::server::serving(home).await;
    let answer = client.get(&format!("{url}/a"), &[], LIMITS).await.expect("followed");
    assert_eq!(answer.text(), "there");

    let around = answering(redirect("/"), false).await;
    let error = client.get(&format!("http://{around}/"), &[], LIMITS).await.expect_err("for ever");
    assert!(error.to_string().contains("too many redirects"), "{error}");
}
