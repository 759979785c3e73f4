//! Where an answer leaves events out, the backend's export shows them, or a gap stays.

use assurance_evidence::{FactKind, Report, SourceErrorKind};
use assurance_metrics_model::Duration;

use crate::backend::{Backend, all_events, at, ok, rig, round, round_with};

fn facts(report: &Report) -> Vec<String> {
    report.facts.iter().map(|fact| fact.kind.name()).collect()
}

/// Six events where an answer holds three.
fn burst(backend: &mut Backend) {
    for second in 1..7 {
        backend.write(at("2026-01-02T12:00:00Z") + Duration::from_secs(second));
    }
}

#[test]
fn what_an_answer_no_longer_holds_is_taken_from_the_export() {
    let noon = at("2026-01-02T12:00:00Z");
    let (storage, mut exporter) = rig(3, noon);
    let mut backend = Backend::exporting();
    backend.write(noon);
    round(&mut exporter, noon, &backend).unwrap();
    burst(&mut backend);
    let report = round(&mut exporter, noon + Duration::from_secs(30), &backend).unwrap();
    assert_eq!((report.outcome.clone(), report.is_incomplete()), (Ok(6), false), "{report:?}");
    assert_eq!(facts(&report), ["exported"]);
    assert!(matches!(report.facts[0].kind, FactKind::Exported { events: 3, .. }));
    assert_eq!(all_events(&*storage), backend.log);
    // It goes on from there.
    backend.write(noon + Duration::from_secs(40));
    let report = round(&mut exporter, noon + Duration::from_secs(60), &backend).unwrap();
    assert_eq!((report.outcome.clone(), facts(&report).len()), (Ok(1), 0), "{report:?}");
    assert_eq!(all_events(&*storage), backend.log);
}

#[test]
fn a_restart_that_hid_more_than_an_answer_is_a_restart_with_all_of_the_new_list() {
    let noon = at("2026-01-02T12:00:00Z");
    let (storage, mut exporter) = rig(3, noon);
    let mut backend = Backend::exporting();
    let before = backend.write(noon);
    round(&mut exporter, noon, &backend).unwrap();
    backend.restart();
    burst(&mut backend);
    let report = round(&mut exporter, noon + Duration::from_secs(30), &backend).unwrap();
    assert_eq!(facts(&report), ["restart", "exported"]);
    assert!(report.is_incomplete());
    assert!(matches!(report.facts[0].kind, FactKind::Restart { earlier_missing: false, .. }));
    assert_eq!(all_events(&*storage)[0], before);
    assert_eq!(all_events(&*storage)[1..], backend.log);
}

#[test]
fn the_first_collection_reaches_back_as_far_as_the_export() {
    let noon = at("2026-01-02T12:00:00Z");
    let (storage, mut exporter) = rig(3, noon);
    let mut backend = Backend::exporting();
    burst(&mut backend);
    let report = round(&mut exporter, noon + Duration::from_secs(30), &backend).unwrap();
    assert_eq!(facts(&report), ["start", "exported"]);
    assert!(matches!(report.facts[0].kind, FactKind::Start { entries: 6, earlier_missing: false, .. }));
    assert_eq!(all_events(&*storage), backend.log);
}

#[test]
fn an_export_that_is_not_what_it_says_leaves_the_gap_and_no_trace() {
    let noon = at("2026-01-02T12:00:00Z");
    for (export, wanted) in [
        (
            r#"{"success":true,"event_count":7,"content_hash":"00","timestamp":"2026-01-02T12:00:00"}"#,
            "gives the checksum of its content and not the content",
        ),
        ("{\"timestamp\":\"2026-01-02T12:00:01Z\"}\nSHA256:00", "nothing of it is taken"),
        ("{\"timestamp\":\"2026-01-02T12:00:01Z\"}", "does not end in its checksum"),
    ] {
        let (storage, mut exporter) = rig(3, noon);
        let mut backend = Backend::new();
        backend.write(noon);
        round(&mut exporter, noon, &backend).unwrap();
        burst(&mut backend);
        let report = round_with(&mut exporter, noon + Duration::from_secs(30), |path| {
            if path.ends_with("/export") { ok(export) } else { backend.answer(path) }
        })
        .unwrap();
        assert_eq!(facts(&report), ["gap"]);
        assert!(report.is_incomplete());
        let error = report.export.expect("said").to_string();
        assert!(error.contains(wanted), "{error}");
        assert_eq!(all_events(&*storage), [&backend.log[..1], &backend.log[4..]].concat());
    }
}

#[test]
fn nothing_is_exported_where_nothing_is_left_out_or_where_it_is_not_wanted() {
    let noon = at("2026-01-02T12:00:00Z");
    let (storage, mut exporter) = rig(3, noon);
    let mut backend = Backend::new();
    let report = round_with(&mut exporter, noon, |path| {
        assert!(!path.ends_with("/export"), "asked for nothing");
        backend.answer(path)
    });
    assert_eq!(report.unwrap().export, None);
    drop(exporter);
    let mut config = crate::backend::config(3);
    config.exports = false;
    let later = noon + Duration::from_secs(30);
    let mut exporter = assurance_evidence::Exporter::open(storage, config, later).unwrap();
    burst(&mut backend);
    let report = round_with(&mut exporter, later, |path| {
        assert!(!path.ends_with("/export"), "not wanted");
        backend.answer(path)
    });
    assert_eq!(facts(&report.unwrap()), ["gap"]);
}

#[test]
fn a_backend_without_an_export_is_said_so() {
    let noon = at("2026-01-02T12:00:00Z");
    let (_, mut exporter) = rig(3, noon);
    let mut backend = Backend::new();
    backend.write(noon);
    round(&mut exporter, noon, &backend).unwrap();
    burst(&mut backend);
    let report = round(&mut exporter, noon + Duration::from_secs(30), &backend).unwrap();
    let export = report.export.expect("said");
    assert!(matches!(export.kind, SourceErrorKind::Status { status: 500, .. }), "{export}");
}
