use assurance_evidence::{FetchError, Output};
use assurance_metrics_model::Duration;

use crate::backend::{Backend, at, ok, rig, round};

#[test]
fn rounds_keep_their_beat_and_never_pile_up() {
    let start = at("2026-01-02T12:00:00Z");
    let (_, mut exporter) = rig(1000, start);
    let backend = Backend::new();
    let seconds = Duration::from_secs;
    assert_eq!(exporter.poll_timeout(), Some(start));
    exporter.handle_timeout(start - seconds(1));
    assert_eq!(exporter.poll_output(), None, "not yet due");
    round(&mut exporter, start + seconds(2), &backend).unwrap();
    assert_eq!(exporter.poll_timeout(), Some(start + seconds(30)), "a late round does not shift the next");
    round(&mut exporter, start + seconds(100), &backend).unwrap();
    assert_eq!(exporter.poll_timeout(), Some(start + seconds(130)), "missed rounds are not made up for");
}

#[test]
fn one_thing_is_asked_for_at_a_time_and_the_count_first() {
    let start = at("2026-01-02T12:00:00Z");
    let (_, mut exporter) = rig(7, start);
    exporter.handle_timeout(start);
    assert_eq!(exporter.poll_timeout(), None, "an answer is awaited");
    let Some(Output::Get(first)) = exporter.poll_output() else { panic!("a request") };
    assert_eq!(first.path, "/api/sovereign-mode/statistics");
    assert_eq!(exporter.poll_output(), None);
    exporter.handle_timeout(start + Duration::from_secs(60));
    assert_eq!(exporter.poll_output(), None, "no second round beside the first");
    assert_eq!(exporter.handle_response(start, first.id, Ok(ok(r#"{"audit_entries":0}"#))).unwrap(), None);
    let Some(Output::Get(second)) = exporter.poll_output() else { panic!("a request") };
    assert_eq!(second.path, "/api/sovereign-mode/audit?limit=7");
    // An answer that comes twice, or after its request was given up, is not taken for the present one.
    assert_eq!(exporter.handle_response(start, first.id, Ok(ok("[]"))).unwrap(), None);
    let report = exporter.handle_response(start, second.id, Ok(ok("[]"))).unwrap().expect("the round's end");
    assert_eq!(report.outcome, Ok(0));
    let gone = Err(FetchError::Unreachable(String::new()));
    assert_eq!(exporter.handle_response(start, second.id, gone).unwrap(), None);
}
