use assurance_evidence::{Exporter, FetchError, Output, Response, SourceError, parse_answer};
use assurance_storage::Storage;

use crate::backend::{Backend, at, ok, rig, round_with};

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/../../fixtures/evidence/{name}", env!("CARGO_MANIFEST_DIR"));
    #[expect(
        clippy::disallowed_methods,
        reason = "fixtures are read in one place, and fs-err is for the edge"
    )]
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What a user reads when the audit log answers so.
fn refused(answer: &Response) -> String {
    let now = at("2026-01-02T10:00:00Z");
    let (storage, mut exporter) = rig(1000, now);
    let backend = Backend::new();
    let report = round_with(&mut exporter, now, |path| {
        if path.contains("statistics") { backend.answer(path) } else { answer.clone() }
    })
    .expect("the source's errors are not the archive's");
    let left = storage.list("state").expect("listed");
    assert!(left.is_empty(), "a refused answer leaves no trace: {left:?}");
    assert!(storage.list("hot").expect("listed").is_empty());
    report.outcome.expect_err("refused").to_string()
}

#[test]
fn bad_answers_say_where_what_and_what_next() {
    let mut all = String::new();
    for name in [
        "html.body",
        "detail.json",
        "truncated.json",
        "element-number.json",
        "element-array.json",
        "no-timestamp.json",
        "bad-timestamp.json",
        "number-timestamp.json",
        "two-timestamps.json",
        "trailing-comma.json",
        "trailing-text.json",
        "not-utf8.json",
        "empty.body",
    ] {
        let answer = Response { status: 200, body: fixture(name) };
        all.push_str(&format!("{name}\n  {}\n", refused(&answer)));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn bad_statuses_say_where_what_and_what_next() {
    let mut all = String::new();
    for (status, body) in [
        (500, "Internal Server Error"),
        (
            422,
            r#"{"detail":[{"type":"less_than_equal","loc":["query","limit"],"msg":"Input should be less than or equal to 1000"}]}"#,
        ),
        (401, r#"{"detail":"Not authenticated"}"#),
        (404, ""),
        (302, ""),
        (503, "busy"),
        (418, "\u{1b}[31mred"),
    ] {
        let answer = Response { status, body: body.as_bytes().to_vec() };
        all.push_str(&format!("{status}\n  {}\n", refused(&answer)));
    }
    insta::assert_snapshot!(all);
}

fn fetch_error(error: &FetchError) -> SourceError {
    let now = at("2026-01-02T10:00:00Z");
    let (_, mut exporter) = rig(1000, now);
    exporter.handle_timeout(now);
    loop {
        let Some(Output::Get(get)) = exporter.poll_output() else { panic!("the round asks") };
        let report = exporter.handle_response(now, get.id, Err(error.clone())).expect("no storage error");
        if let Some(report) = report {
            assert!(report.statistics.is_some(), "the missing count is told as well");
            return report.outcome.expect_err("no answer");
        }
    }
}

#[test]
fn no_answer_says_where_and_what_next() {
    insta::assert_snapshot!(
        fetch_error(&FetchError::Unreachable("connection refused".to_owned())),
        @"http://backend:8000/api/sovereign-mode/audit?limit=1000: no answer: connection refused; check that the backend runs and that the address is right"
    );
    insta::assert_snapshot!(
        fetch_error(&FetchError::TooLong),
        @"http://backend:8000/api/sovereign-mode/audit?limit=1000: the answer is longer than 65536000 bytes; ask for fewer entries at a time"
    );
}

#[test]
fn every_byte_of_an_event_is_kept() {
    let body = fixture("good-answer.json");
    let events = parse_answer(&body).unwrap();
    let lines: Vec<&str> = events.iter().map(assurance_evidence::Event::line).collect();
    assert_eq!(format!("[{}]", lines.join(",")).into_bytes(), body);
    assert!(events.iter().all(|event| !event.was_compacted()));
    assert_eq!(events[0].at(), at("2025-12-25T14:15:23.456Z"));
    assert_eq!(events[0].event_type(), Some("sovereign.mode_changed"));
    assert_eq!(events[1].id(), events[2].id());
    assert_eq!(events[1].at(), events[2].at());
}

#[test]
fn line_breaks_between_tokens_are_removed_and_nothing_in_strings() {
    let events = parse_answer(&fixture("good-pretty.json")).unwrap();
    assert_eq!(
        events[0].line(),
        r#"{"id":"mode_changed_1766672123456","timestamp":"2025-12-25T14:15:23.456789","event_type":"sovereign.mode_changed","reason":"two  spaces \"and  more\" a \\ backslash\n","metadata":{"empty":{},"list":[1,2.50]}}"#
    );
    assert!(events[0].was_compacted());
    // One that is on one line already keeps its spaces.
    assert_eq!(events[1].line(), r#"{"id":"one line", "timestamp":"2025-12-25T16:15:24+02:00"}"#);
    assert!(!events[1].was_compacted());
    assert_eq!(events[1].at(), at("2025-12-25T14:15:24Z"));
}

#[test]
fn compacting_is_recorded() {
    let now = at("2025-12-25T15:00:00Z");
    let (_, mut exporter) = rig(1000, now);
    let body = String::from_utf8(fixture("good-pretty.json")).unwrap();
    let report = round_with(&mut exporter, now, |_| ok(&body)).unwrap();
    assert_eq!(crate::backend::facts(&report), ["start", "compacted"]);
}

#[test]
fn after_bad_answers_nothing_is_lost() {
    let now = at("2026-01-02T10:00:00Z");
    let (storage, mut exporter) = rig(1000, now);
    let mut backend = Backend::new();
    backend.write(now);
    let step = |exporter: &mut Exporter, seconds: i64, backend: &Backend, bad: Option<&str>| {
        let now = now + assurance_metrics_model::Duration::from_secs(seconds);
        round_with(exporter, now, |path| match bad {
            Some(bad) if path.contains("audit?") => Response { status: 200, body: fixture(bad) },
            _ => backend.answer(path),
        })
        .unwrap()
    };
    assert!(step(&mut exporter, 0, &backend, None).outcome.is_ok());
    backend.write(now);
    assert!(step(&mut exporter, 30, &backend, Some("detail.json")).outcome.is_err());
    assert!(step(&mut exporter, 60, &backend, Some("truncated.json")).outcome.is_err());
    backend.write(now);
    let report = step(&mut exporter, 90, &backend, None);
    assert_eq!((report.outcome, report.facts.len()), (Ok(2), 0));
    assert_eq!(crate::backend::all_events(&*storage), backend.log);
}

#[test]
fn instants_without_a_zone_are_utc() {
    let same = at("2025-12-25T14:15:23Z");
    for text in [
        "2025-12-25T14:15:23",
        "2025-12-25T14:15:23.000999",
        "2025-12-25T16:15:23+02:00",
        "2025-12-25T14:15:23+00:00",
    ] {
        assert_eq!(at(text), same, "{text}");
    }
    assert_eq!(at("1969-12-31T23:59:59.9999").as_millis(), -1);
    for text in [
        "",
        "2025-12-25",
        "14:15:23",
        "2025-12-25 14:15",
        "2025-13-25T14:15:23",
        "2025-12-25T14:15:23+2",
        "é",
    ] {
        assert_eq!(assurance_evidence::parse_instant(text), None, "{text}");
    }
}
