use std::path::Path;
use std::process::Command;

use crate::backend::Backend;
use crate::command::{days_ago, exporter, init, ran, read, run};
use crate::server::Server;

fn serve(dir: &Path) -> Command {
    let mut command = exporter();
    command.arg("serve").arg("--dir").arg(dir);
    command
}

fn event(seconds: i64, event_type: &str, rest: &str) -> String {
    let at = days_ago(1, seconds).to_string();
    format!(r#"{{"timestamp":"{}","event_type":"{event_type}"{rest}}}"#, at.trim_end_matches('Z'))
}

/// The value of a series.
fn value(page: &str, series: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(&format!("{series} ")));
    line.unwrap_or_else(|| panic!("no {series} in {page}")).parse().expect("a number")
}

/// The metrics that the pack says this job has, with the values of their labels.
fn promised() -> Vec<String> {
    let contract = read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/policy/pack/metrics.yml"));
    let mut series = Vec::new();
    for metric in
        contract.split("\n  - name: ").skip(1).filter(|metric| metric.contains("job: brain-evidence"))
    {
        let name = metric.lines().next().expect("a name");
        match metric.lines().find_map(|line| line.trim().strip_prefix("labels: {")) {
            None => series.push(name.to_owned()),
            Some(label) => {
                let (label, values) = label.split_once(": [").expect("one label");
                for value in values.trim_end_matches("]}").split(", ") {
                    series.push(format!("{name}{{{label}=\"{value}\"}}"));
                }
            }
        }
    }
    series
}

#[test]
fn every_promised_metric_is_there_from_the_start_and_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("evidence");
    init(&dir);
    let mut server = Server::start(&mut serve(&dir));
    let fresh = server.get("/metrics", "");
    assert_eq!(
        (fresh.status, fresh.header("content-type")),
        (200, "text/plain; version=0.0.4; charset=utf-8")
    );
    let promised = promised();
    assert!(promised.len() > 30, "{promised:?}");
    let times = [
        "governance_evidence_last_collect_timestamp_seconds",
        "governance_evidence_last_publish_timestamp_seconds",
    ];
    for series in promised.iter().filter(|series| !series.contains("witnessed")) {
        let at_start = value(&fresh.text(), series);
        if times.contains(&series.as_str()) {
            assert!(at_start > 1_700_000_000.0, "{series}: the archive's beginning");
        } else if !series.contains("age_seconds") && !series.ends_with("log_size") {
            assert!(at_start == 0.0, "{series} is {at_start}");
        }
    }

    let backend = Backend::start();
    backend.write(&event(60, "axe.trust_tier_violation", ""));
    backend.write(&event(61, "sovereign.mode_changed", r#","mode_after":"sovereign""#));
    backend.write(&event(62, "sovereign.mode_changed", r#","mode_after":"online""#));
    assert_eq!(run(&dir, &backend.url).code, Some(0));
    let told = [
        ("governance_evidence_events_total", 3.0),
        ("governance_evidence_sealed_days", 1.0),
        ("governance_evidence_log_size", 2.0),
        ("governance_axe_trust_violation_total", 1.0),
        ("governance_axe_trust_violation_last_timestamp_seconds", days_ago(1, 60).as_secs_f64()),
        ("governance_mode_switch_total{target_mode=\"sovereign\"}", 1.0),
        ("governance_mode_switch_total{target_mode=\"offline\"}", 0.0),
        ("governance_mode_rollback_total", 0.0),
    ];
    let check = |page: &str| {
        told.iter().for_each(|(series, expected)| assert_eq!(value(page, series), *expected, "{series}"));
    };
    check(&server.get("/metrics", "").text());
    let open = server.get("/metrics", "accept: application/openmetrics-text\r\n").text();
    assert!(open.ends_with("# EOF\n") && open.contains("# TYPE governance_mode_switch counter"), "{open}");

    assert_eq!(server.stop("TERM"), Some(0));
    let mut server = Server::start(&mut serve(&dir));
    check(&server.get("/metrics", "").text());
    let textfile = directory.path().join("evidence.prom");
    let written = ran(exporter().arg("metrics").arg("--dir").arg(&dir).arg("--textfile").arg(&textfile));
    assert_eq!(written.code, Some(0), "{}", written.stderr);
    check(&read(&textfile));
    assert_eq!(server.stop("INT"), Some(0));
}

#[test]
fn a_policy_tells_what_no_witness_has_signed() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("evidence");
    init(&dir);
    let key = directory.path().join("witness.key");
    let witness =
        ran(exporter().args(["keygen", "--witness", "--name", "witness.example/w1"]).arg(&key)).stdout;
    let policy = directory.path().join("policy");
    let text = format!("log {}witness w1 {witness}quorum w1\n", read(dir.join("log/vkey")));
    fs_err::write(&policy, text).unwrap();
    let server = Server::start(serve(&dir).arg("--policy").arg(&policy));
    let page = server.get("/metrics", "").text();
    assert_eq!(value(&page, "governance_evidence_unwitnessed_checkpoints"), 1.0);
    assert_eq!(value(&page, "governance_evidence_last_witnessed_timestamp_seconds"), 0.0);
}

#[test]
fn the_tree_is_served_for_caches_and_nothing_else_is() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("evidence");
    let backend = Backend::start();
    backend.write(&event(60, "axe.trust_tier_violation", ""));
    assert_eq!(run(&dir, &backend.url).code, Some(0));
    let server = Server::start(&mut serve(&dir));
    let checkpoint = server.get("/log/checkpoint", "");
    assert_eq!(checkpoint.text(), read(dir.join("log/checkpoint")));
    assert_eq!(checkpoint.header("cache-control"), "no-cache");
    for (path, content_type) in [
        ("tile/0/000.p/2", "application/octet-stream"),
        ("tile/entries/000.p/2", "application/octet-stream"),
        ("checkpoints/1", "text/plain; charset=utf-8"),
        ("vkey", "text/plain; charset=utf-8"),
    ] {
        let answer = server.get(&format!("/log/{path}"), "");
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.body, fs_err::read(dir.join("log").join(path)).unwrap(), "{path}");
        assert_eq!(answer.header("content-type"), content_type);
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
        let tag = answer.header("etag").to_owned();
        let known = server.get(&format!("/log/{path}"), &format!("if-none-match: \"other\", {tag}\r\n"));
        assert_eq!((known.status, known.body.len()), (304, 0), "{path}");
    }
    let day = &crate::command::day(days_ago(1, 0));
    for path in [
        format!("/hot/audit-{day}.jsonl"),
        format!("/cold/audit-{day}.jsonl.zst"),
        format!("/log/../hot/audit-{day}.jsonl"),
        "/log/../state/log.key".to_owned(),
        "/log/%2e%2e/state/log.key".to_owned(),
        "/log/tile/../../state/log.key".to_owned(),
        "/log/checkpoints/../../state/log.key".to_owned(),
        "/log/checkpoints/01".to_owned(),
        "/log/tile/0/999".to_owned(),
        "/log/".to_owned(),
        "/state/log.key".to_owned(),
        "/".to_owned(),
    ] {
        assert_eq!(server.get(&path, "").status, 404, "{path}");
    }
    assert_eq!(server.post("/log/checkpoint", b"").status, 405);
}

#[test]
fn without_a_log_there_is_nothing_to_serve() {
    let directory = tempfile::tempdir().unwrap();
    let refused = ran(serve(directory.path()).args(["--web.listen-address", "127.0.0.1:0"]));
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("has no log"), "{}", refused.stderr);
}
