//! What the server tells of itself, and that it ends when it is told to.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use serde_json::Value;

use crate::net;
use crate::process::{eventually, expect};
use crate::start::{RULES, configuration, folder, serve, write};

#[test]
fn flags_configuration_and_process_are_told_without_secrets() {
    let mut config = configuration("127.0.0.1:9");
    config.push_str("    basic_auth: {username: probe, password: canary-1}\n");
    let folder = folder(&config, RULES);
    let server = serve(
        folder.path(),
        &[
            "--query.lookback-delta=2m",
            "--notify.webhook=http://127.0.0.1:9/canary-2",
            "--web.enable-lifecycle",
        ],
    );
    let ask = |path: &str| net::api(&server.address, path).unwrap();

    let flags = ask("/api/v1/status/flags");
    assert_eq!(flags["query.lookback-delta"], "2m");
    assert_eq!(flags["web.enable-lifecycle"], "true");
    assert_eq!(flags["notify.webhook"], "http://127.0.0.1:9/<secret>");
    assert!(flags.as_object().unwrap().values().all(Value::is_string), "{flags}");

    let yaml = || ask("/api/v1/status/config")["yaml"].as_str().unwrap().to_owned();
    assert!(yaml().contains("password: <secret>\n") && yaml().contains("username: probe\n"), "{}", yaml());
    let runtime = ask("/api/v1/status/runtimeinfo");
    let here = folder.path().canonicalize().unwrap();
    assert_eq!(runtime["CWD"], here.to_string_lossy().as_ref());
    assert_eq!(runtime["reloadConfigSuccess"], true);
    assert!(runtime["GOMAXPROCS"].as_u64() >= Some(1), "{runtime}");
    for path in ["flags", "config", "runtimeinfo", "tsdb"] {
        let body = net::get(&server.address, &format!("/api/v1/status/{path}")).unwrap().body;
        assert!(!body.contains("canary"), "{path}: {body}");
    }

    // What is in force is told: not what cannot be, and the new one once it is.
    let reload = || net::request("POST", &server.address, "/-/reload", &[], "").unwrap().status;
    write(folder.path().join("prometheus.yml"), "nonsense: 1\n");
    assert_eq!(reload(), 500);
    assert!(yaml().contains("username: probe\n"), "{}", yaml());
    assert_eq!(ask("/api/v1/status/runtimeinfo")["reloadConfigSuccess"], false);
    write(folder.path().join("prometheus.yml"), "global: {scrape_interval: 7s}\n");
    assert_eq!(reload(), 200);
    assert_eq!(yaml(), "global:\n  scrape_interval: 7s\n");
    assert_eq!(ask("/api/v1/status/runtimeinfo")["reloadConfigSuccess"], true);
}

#[test]
fn quit_ends_the_process_where_it_is_enabled() {
    let folder = folder(&configuration("127.0.0.1:9"), RULES);
    let mut deaf = serve(folder.path(), &[]);
    let quit =
        |address: &str, lines: &[&str]| net::request("POST", address, "/-/quit", lines, "").unwrap().status;
    assert_eq!(quit(&deaf.address, &[]), 403);

    let mut server = serve(folder.path(), &["--web.enable-lifecycle", "--storage.tsdb.path=other"]);
    assert_eq!(quit(&server.address, &["Origin: https://evil.example"]), 403);
    assert!(server.process.is_running() && deaf.process.is_running());
    assert_eq!(quit(&server.address, &[]), 200);
    assert_eq!(server.process.wait().code(), Some(0), "{}", server.process.said());
    assert!(deaf.process.is_running());
}

#[test]
fn pages_of_other_origins_read_the_api_as_the_flag_says() {
    let folder = folder(&configuration("127.0.0.1:9"), RULES);
    let allowed = |flags: &[&str]| {
        let server = serve(folder.path(), flags);
        let origin = ["Origin: https://grafana.example"];
        let answer = net::request("GET", &server.address, "/api/v1/query?query=1", &origin, "").unwrap();
        answer.header("access-control-allow-origin").map(str::to_owned)
    };
    assert_eq!(allowed(&[]), None);
    assert_eq!(allowed(&["--web.cors.origin=.*"]).as_deref(), Some("*"));
    assert_eq!(allowed(&["--web.cors.origin=https://other\\.example"]), None);
    let ours = allowed(&["--web.cors.origin=https?://grafana\\.example"]);
    assert_eq!(ours.as_deref(), Some("https://grafana.example"));
}

/// Not in process: a client that hangs up is seen by who reads its socket.
#[test]
fn what_a_client_asked_for_ends_when_it_hangs_up() {
    let target =
        net::Server::start(&(0..400).fold(String::new(), |body, n| body + &format!("m{{n=\"{n}\"}} {n}\n")));
    let folder = folder(&configuration(&target.address), RULES);
    let server = serve(folder.path(), &[]);
    eventually("samples", || {
        let count = net::value(&server.address, "count(m)")?;
        expect(count == "400", count)
    });
    let part = "max_over_time(count(max_over_time(count_values(%22a%22,m+@+end())[4000s:1s]))[4000s:1s])";
    let path = format!("/api/v1/query?query={}&timeout=30s", [part; 40].join("%2B"));
    // As many as run at once.
    for _ in 0..4 {
        let mut stream = std::net::TcpStream::connect(&server.address).unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
        stream.write_all(head.as_bytes()).unwrap();
        // Long enough for it to begin, too short for an answer.
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        assert!(stream.read(&mut [0]).is_err(), "it was to take long");
    }
    let next = net::get(&server.address, "/api/v1/query?query=1&timeout=10s").unwrap();
    assert_eq!(next.status, 200, "{}", next.body);
}
