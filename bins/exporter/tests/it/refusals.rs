use assurance_disk::Disk;
use assurance_storage::Storage;

use crate::backend::Backend;
use crate::command::{Ran, days_ago, entry, exporter, init, names, ran, run};

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/../../fixtures/evidence/{name}", env!("CARGO_MANIFEST_DIR"));
    fs_err::read(path).unwrap_or_else(|error| panic!("{error}"))
}

/// What stderr says, with the port replaced, which is another every time.
fn said(ran: &Ran, backend: &Backend) -> String {
    ran.stderr.replace(&backend.url, "http://backend:8000")
}

#[test]
fn answers_that_are_not_evidence_exit_with_4_and_leave_no_trace() {
    let backend = Backend::start();
    let directory = tempfile::tempdir().unwrap();
    let mut all = String::new();
    let mut answers: Vec<(u16, Vec<u8>)> = [
        "html.body",
        "detail.json",
        "truncated.json",
        "element-number.json",
        "no-timestamp.json",
        "empty.body",
    ]
    .into_iter()
    .map(|name| (200, fixture(name)))
    .collect();
    answers.push((500, b"Internal Server Error".to_vec()));
    answers.push((422, br#"{"detail":"limit"}"#.to_vec()));
    answers.push((401, br#"{"detail":"Not authenticated"}"#.to_vec()));
    for answer in answers {
        backend.with(|script| script.instead = Some(answer));
        let refused = run(directory.path(), &backend.url);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(4), ""), "{}", refused.stderr);
        assert_eq!(names(&directory.path().join("state")), ["lock", "log.json", "log.key"]);
        assert_eq!(names(&directory.path().join("hot")), [""; 0]);
        all.push_str(&said(&refused, &backend));
    }
    insta::assert_snapshot!(all);
    // After all of that a good answer is collected as if nothing had been.
    backend.with(|script| script.instead = None);
    backend.write(&entry(1, days_ago(0, 0)));
    assert_eq!(run(directory.path(), &backend.url).code, Some(0));
}

#[test]
fn a_backend_that_is_not_there_exits_with_4() {
    let directory = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let refused = run(directory.path(), &url);
    assert_eq!(refused.code, Some(4), "{}", refused.stderr);
    assert!(refused.stderr.contains("no answer: "), "{}", refused.stderr);
    assert!(refused.stderr.contains("check that the backend runs"), "{}", refused.stderr);
}

#[test]
fn a_backend_that_does_not_answer_is_given_up_after_the_timeout() {
    let directory = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    init(directory.path());
    let silent =
        ran(exporter().args(["run", "--timeout", "200ms", "--backend", &url, "--dir"]).arg(directory.path()));
    assert_eq!(silent.code, Some(4), "{}", silent.stderr);
    assert!(silent.stderr.contains("no answer: "), "{}", silent.stderr);
}

#[test]
fn a_directory_another_process_writes_to_exits_with_75() {
    let directory = tempfile::tempdir().unwrap();
    let backend = Backend::start();
    init(directory.path());
    let disk = Disk::open(directory.path()).unwrap();
    let held = disk.lock(assurance_evidence::LOCK_FILE).unwrap();
    let mut busy = exporter();
    busy.args(["run", "--wait", "0", "--backend", &backend.url, "--dir"]).arg(directory.path());
    let refused = ran(&mut busy);
    assert_eq!(refused.code, Some(75), "{}", refused.stderr);
    assert!(
        refused.stderr.contains(&format!("process {} holds the lock", std::process::id())),
        "{}",
        refused.stderr
    );
    drop(held);
    assert_eq!(ran(&mut busy).code, Some(0));
}

#[test]
fn a_directory_that_cannot_be_written_exits_with_5() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs_err::write(&file, "").unwrap();
    for command in [&["init"][..], &["run", "--backend", "http://127.0.0.1:9"], &["seal"], &["prune"]] {
        let refused = ran(exporter().args(command).arg("--dir").arg(&file));
        assert_eq!(refused.code, Some(5), "{command:?}: {}", refused.stderr);
        assert!(refused.stderr.contains("not a regular file"), "{}", refused.stderr);
    }
    let status = ran(exporter().args(["status", "--dir"]).arg(directory.path().join("nowhere")));
    assert_eq!(status.code, Some(5));
    assert!(status.stderr.contains("nowhere: there is no such file"), "{}", status.stderr);
}

#[test]
fn a_wrong_command_line_exits_with_2_and_says_what_to_give() {
    let mut all = String::new();
    for arguments in [
        &["run"][..],
        &["run", "--backend", "http://b"],
        &["run", "--dir", "d"],
        &["run", "--dir", "d", "--backend", "http://b", "--file", "f"],
        &["run", "--dir", "d", "--backend", "backend:8000"],
        &["run", "--dir", "d", "--backend", "http://user:secret@backend"],
        &["run", "--dir", "d", "--backend", "http://"],
        &["run", "--dir", "d", "--backend", "http://b/?x=1"],
        &["run", "--dir", "d", "--backend", "http://b", "--limit", "1001"],
        &["run", "--dir", "d", "--backend", "http://b", "--grace", "soon"],
    ] {
        let refused = ran(exporter().args(arguments));
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        let first = refused.stderr.lines().next().unwrap_or_default();
        all.push_str(&format!("{}\n  {first}\n", arguments.join(" ")));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_directory_of_another_kind_of_source_exits_with_2() {
    let directory = tempfile::tempdir().unwrap();
    let backend = Backend::start();
    assert_eq!(run(directory.path(), &backend.url).code, Some(0));
    let refused = ran(exporter().args(["run", "--file", "/dev/null", "--dir"]).arg(directory.path()));
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("collect that into another directory"), "{}", refused.stderr);
}

#[test]
fn a_token_or_certificate_that_cannot_be_read_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let backend = Backend::start();
    let dir = directory.path().join("evidence");
    let token = directory.path().join("token");
    init(&dir);
    let mut with_token = exporter();
    with_token.args(["run", "--backend", &backend.url, "--dir"]).arg(&dir).arg("--token-file").arg(&token);
    let refused = ran(&mut with_token);
    assert_eq!(refused.code, Some(4), "{}", refused.stderr);
    assert!(refused.stderr.contains(&token.display().to_string()), "{}", refused.stderr);
    assert_eq!(backend.with(|script| script.requests.len()), 0, "nothing is asked for without the token");
    fs_err::write(&token, "s3cret\n").unwrap();
    let accepted = ran(&mut with_token);
    assert_eq!(accepted.code, Some(0), "{}", accepted.stderr);
    assert!(!accepted.stderr.contains("s3cret") && !accepted.stdout.contains("s3cret"));
    let requests = backend.with(|script| script.requests.clone());
    assert_eq!(requests.len(), 2);
    for request in requests {
        assert!(request.to_lowercase().contains("\r\nauthorization: bearer s3cret\r\n"), "{request}");
    }
    let certificate = ran(exporter()
        .args(["run", "--backend", "https://127.0.0.1:9", "--ca-file", "/nowhere/ca.pem", "--dir"])
        .arg(&dir));
    assert_eq!(certificate.code, Some(2), "{}", certificate.stderr);
    assert!(certificate.stderr.contains("/nowhere/ca.pem"), "{}", certificate.stderr);
}
