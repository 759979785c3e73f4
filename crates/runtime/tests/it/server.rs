use std::sync::Arc;
use std::time::{Duration, Instant};

use assurance_diagnostics::Source;
use assurance_runtime::http::{Client, Limits};
use assurance_runtime::server::{BODY_TIMEOUT, HEAD_TIMEOUT, MAX_HEAD_BYTES, Server, WebConfig};
use assurance_scrape::{Auth, Credential, HttpConfig, Secret, TlsConfig};
use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc, watch};

const LIMITS: Limits = Limits { timeout: Duration::from_secs(20), body: 1 << 20 };

/// Serves a router on a free port until the sender is dropped.
pub(crate) async fn serving(router: Router) -> (String, watch::Sender<bool>) {
    serving_with(router, &WebConfig::default()).await
}

async fn serving_with(router: Router, web: &WebConfig) -> (String, watch::Sender<bool>) {
    let server = Server::bind("127.0.0.1:0", web).await.expect("a free port");
    let url = server.url();
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(server.serve(router, stopped));
    (url, stop)
}

fn hello() -> Router {
    Router::new().route("/", get(async || "hello"))
}

fn address(url: &str) -> &str {
    url.split_once("://").expect("a URL").1
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the limit is on real time")]
async fn half_a_head_is_not_waited_for_long() {
    let (url, _stop) = serving(hello()).await;
    let mut stream = TcpStream::connect(address(&url)).await.expect("connects");
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").await.expect("written");
    let began = Instant::now();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(HEAD_TIMEOUT * 3, stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "still open after {:?}", began.elapsed());
}

#[tokio::test]
async fn a_connection_at_rest_is_closed() {
    let (url, _stop) = serving(hello()).await;
    let mut stream = TcpStream::connect(address(&url)).await.expect("connects");
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("written");
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(HEAD_TIMEOUT * 3, stream.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "still open");
    assert!(String::from_utf8_lossy(&answer).ends_with("hello"));
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up() {
    let echo = Router::new().route("/", axum::routing::post(async |body: String| body));
    let (url, _stop) = serving(echo).await;
    let mut stream = TcpStream::connect(address(&url)).await.expect("connects");
    let request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc";
    stream.write_all(request).await.expect("written");
    let mut answer = [0; 12];
    let answered = tokio::time::timeout(BODY_TIMEOUT * 2, stream.read_exact(&mut answer)).await;
    answered.expect("in time").expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 400");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let (url, _stop) = serving(hello()).await;
    let mut stream = TcpStream::connect(address(&url)).await.expect("connects");
    let head = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(MAX_HEAD_BYTES));
    let _refused_midway = stream.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer).await;
    let said = String::from_utf8_lossy(&answer);
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 431"), "{said}");
}

#[tokio::test]
async fn a_stop_lets_a_request_under_way_finish_and_takes_no_more() {
    let (began, mut begun) = mpsc::channel(1);
    let finish = Arc::new(Notify::new());
    let may_finish = Arc::clone(&finish);
    let slow = Router::new().route(
        "/",
        get(async move || {
            began.send(()).await.expect("the test waits");
            may_finish.notified().await;
            "done"
        }),
    );
    let (url, stop) = serving(slow).await;
    let client = Client::plain().expect("a client");
    let under_way = tokio::spawn({
        let (client, url) = (client.clone(), url.clone());
        async move { client.get(&url, &[], LIMITS).await }
    });
    begun.recv().await.expect("the request arrives");
    stop.send(true).expect("the server listens");
    // It takes no more while it finishes: the port is closed as soon as it has heard.
    let closed = async { while TcpStream::connect(address(&url)).await.is_ok() {} };
    tokio::time::timeout(LIMITS.timeout / 2, closed).await.expect("closed");
    finish.notify_one();
    let answer = under_way.await.expect("no panic").expect("finished");
    assert_eq!(answer.text(), "done");
    let late = client.get(&url, &[], LIMITS).await;
    assert!(late.is_err(), "{late:?}");
}

#[tokio::test]
async fn users_come_in_with_their_password_only() {
    let hash = bcrypt::hash("open sesame", 4).expect("hashes");
    let text = format!(
        "basic_auth_users:\n  auditor: {hash}\nhttp_server_config:\n  headers:\n    X-Frame-Options: deny\n"
    );
    let web = WebConfig::parse(&Source::new("web.yml", text), std::path::Path::new("")).expect("valid");
    let (url, _stop) = serving_with(hello(), &web).await;
    let status = async |user: &str, password: &str| {
        let mut config = HttpConfig::default();
        if !user.is_empty() {
            config.auth = Some(Auth::Basic {
                username: Credential::Inline(Secret::new(user)),
                password: Some(Credential::Inline(Secret::new(password))),
            });
        }
        let answer = Client::new(config).expect("a client").get(&url, &[], LIMITS).await.expect("answers");
        assert_eq!(answer.header("x-frame-options"), Some("deny"));
        answer.status
    };
    assert_eq!(status("", "").await, 401);
    assert_eq!(status("auditor", "wrong").await, 401);
    assert_eq!(status("nobody", "open sesame").await, 401);
    // Twice: checked, and remembered.
    assert_eq!(status("auditor", "open sesame").await, 200);
    assert_eq!(status("auditor", "open sesame").await, 200);
    assert_eq!(status("auditor", "wrong").await, 401);
}

#[tokio::test]
async fn tls_is_spoken_to_those_who_trust_the_certificate() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])
        .expect("made");
    fs_err::write(path("cert.pem"), made.cert.pem()).expect("written");
    fs_err::write(path("key.pem"), made.signing_key.serialize_pem()).expect("written");
    let text = "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n";
    let web = WebConfig::parse(&Source::new("web.yml", text), folder.path()).expect("valid");
    let (url, _stop) = serving_with(hello(), &web).await;
    assert!(url.starts_with("https://"));

    let get = async |tls: TlsConfig| {
        let mut config = HttpConfig::default();
        config.tls = tls;
        Client::new(config).expect("a client").get(&url, &[], LIMITS).await
    };
    let mut trusting = TlsConfig::default();
    trusting.ca = Some(Credential::File(path("cert.pem")));
    assert_eq!(get(trusting).await.expect("trusted").text(), "hello");
    let mut careless = TlsConfig::default();
    careless.insecure_skip_verify = true;
    assert_eq!(get(careless).await.expect("any certificate").text(), "hello");
    let error = get(TlsConfig::default()).await.expect_err("unknown issuer");
    assert!(error.to_string().contains("certificate"), "{error}");
}
