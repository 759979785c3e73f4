use assurance_evidence::{
    Archive, ArchiveErrorKind, Exporter, FetchError, Output, Policy, Report, Status, verify_day,
};
use assurance_metrics_model::{Duration, Timestamp};
use assurance_storage::{Memory, Storage};

use crate::backend::{Backend, all_events, at, config, day, facts, rig, round, text};

fn names(storage: &dyn Storage, directory: &str) -> Vec<String> {
    storage.list(directory).expect("listed").into_iter().map(|entry| entry.name).collect()
}

fn published(report: &Report) -> Vec<&str> {
    report.published.iter().map(|published| published.name.as_str()).collect()
}

fn unreachable(exporter: &mut Exporter, now: Timestamp) -> Report {
    exporter.handle_timeout(now);
    loop {
        let Some(Output::Get(get)) = exporter.poll_output() else { panic!("the round asks") };
        let error = FetchError::Unreachable("connection refused".to_owned());
        if let Some(report) = exporter.handle_response(now, get.id, Err(error)).expect("stored") {
            return report;
        }
    }
}

#[test]
fn a_day_is_published_after_its_midnight_and_the_grace() {
    let noon = at("2026-01-02T12:00:00Z");
    let (storage, mut exporter) = rig(1000, noon);
    let mut backend = Backend::new();
    backend.write(noon - Duration::from_secs(1));
    assert_eq!(published(&round(&mut exporter, noon, &backend).unwrap()), [""; 0]);
    assert_eq!(names(&*storage, "hot"), [""; 0]);
    backend.write(at("2026-01-02T23:59:59.999Z"));
    backend.write(at("2026-01-03T00:00:00Z"));
    let report = round(&mut exporter, at("2026-01-03T00:01:59.999Z"), &backend).unwrap();
    assert_eq!(published(&report), [""; 0]);
    let report = round(&mut exporter, at("2026-01-03T00:02:29.999Z"), &backend).unwrap();
    assert_eq!(published(&report), ["hot/audit-2026-01-02.jsonl"]);
    insta::assert_debug_snapshot!(names(&*storage, "hot"), @r#"
    [
        "hot/audit-2026-01-02.facts.jsonl",
        "hot/audit-2026-01-02.facts.jsonl.sha256",
        "hot/audit-2026-01-02.jsonl",
        "hot/audit-2026-01-02.jsonl.sha256",
    ]
    "#);
    let events = text(&*storage, "hot/audit-2026-01-02.jsonl");
    assert_eq!(events, format!("{}\n{}\n", backend.log[0], backend.log[1]));
    assert_eq!(all_events(&*storage), backend.log);
    assert_eq!(names(&*storage, "state"), ["state/audit-2026-01-03.open.jsonl", "state/cursor.json"]);
    assert!(verify_day(&*storage, day("2026-01-02")).unwrap().is_intact());
}

#[test]
fn facts_and_sidecar_read_as_documented() {
    let noon = at("2026-01-02T12:00:00Z");
    let (storage, mut exporter) = rig(1000, noon);
    let mut backend = Backend::new();
    backend.write(noon - Duration::from_secs(1));
    round(&mut exporter, noon, &backend).unwrap();
    backend.restart();
    backend.write(at("2026-01-02T13:00:00Z"));
    round(&mut exporter, at("2026-01-02T14:00:00Z"), &backend).unwrap();
    round(&mut exporter, at("2026-01-03T00:02:00Z"), &backend).unwrap();
    insta::assert_snapshot!(text(&*storage, "hot/audit-2026-01-02.facts.jsonl"));
    insta::assert_snapshot!(text(&*storage, "hot/audit-2026-01-02.jsonl.sha256"));
}

#[test]
fn a_second_run_does_nothing() {
    let noon = at("2026-01-02T12:00:00Z");
    let (storage, mut exporter) = rig(1000, noon);
    let mut backend = Backend::new();
    backend.write(noon);
    round(&mut exporter, noon, &backend).unwrap();
    let later = at("2026-01-04T08:00:00Z");
    let report = round(&mut exporter, later, &backend).unwrap();
    assert_eq!(published(&report), ["hot/audit-2026-01-02.jsonl", "hot/audit-2026-01-03.jsonl"]);
    let before: Vec<(String, String)> =
        names(&*storage, "hot").into_iter().map(|name| (name.clone(), text(&*storage, &name))).collect();
    drop(exporter);
    let mut archive = Archive::open(storage.clone(), Policy::USUAL).unwrap();
    assert_eq!(archive.publish_due(later).unwrap().published, []);
    drop(archive);
    let mut exporter = Exporter::open(storage.clone(), config(1000), later).unwrap();
    assert_eq!(published(&round(&mut exporter, later, &backend).unwrap()), [""; 0]);
    let after: Vec<(String, String)> =
        names(&*storage, "hot").into_iter().map(|name| (name.clone(), text(&*storage, &name))).collect();
    assert_eq!(before, after);
}

#[test]
fn a_quiet_day_is_an_empty_file_and_a_checksum() {
    let noon = at("2026-01-02T12:00:00Z");
    let (storage, mut exporter) = rig(1000, noon);
    let backend = Backend::new();
    round(&mut exporter, noon, &backend).unwrap();
    round(&mut exporter, at("2026-01-05T12:00:00Z"), &backend).unwrap();
    for quiet in ["2026-01-02", "2026-01-03", "2026-01-04"] {
        assert_eq!(text(&*storage, &format!("hot/audit-{quiet}.jsonl")), "");
        assert_eq!(
            text(&*storage, &format!("hot/audit-{quiet}.jsonl.sha256")),
            format!(
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  audit-{quiet}.jsonl\n"
            )
        );
        assert!(verify_day(&*storage, day(quiet)).unwrap().is_intact());
    }
}

#[test]
fn events_before_the_start_go_into_their_days_and_quiet_days_before_it_get_no_file() {
    let noon = at("2026-01-05T12:00:00Z");
    let (storage, mut exporter) = rig(1000, noon);
    let mut backend = Backend::new();
    backend.write(at("2026-01-02T08:00:00Z"));
    backend.write(at("2026-01-04T08:00:00Z"));
    let report = round(&mut exporter, noon, &backend).unwrap();
    assert_eq!(published(&report), ["hot/audit-2026-01-02.jsonl", "hot/audit-2026-01-04.jsonl"]);
    let facts = text(&*storage, "hot/audit-2026-01-02.facts.jsonl");
    assert!(facts.contains(r#""fact":"start""#), "{facts}");
    assert_eq!(facts.lines().count(), 2, "{facts}");
}

#[test]
fn late_events_go_into_supplements_and_never_into_a_published_file() {
    let noon = at("2026-01-02T12:00:00Z");
    let (storage, mut exporter) = rig(1000, noon);
    let mut backend = Backend::new();
    backend.write(noon);
    round(&mut exporter, noon, &backend).unwrap();
    round(&mut exporter, at("2026-01-03T01:00:00Z"), &backend).unwrap();
    let sealed = text(&*storage, "hot/audit-2026-01-02.jsonl");
    for (minute, number) in [(1, 1), (2, 2)] {
        let late = backend.write(at("2026-01-02T23:00:00Z"));
        let now = at(&format!("2026-01-03T01:0{minute}:00Z"));
        let report = round(&mut exporter, now, &backend).unwrap();
        let name = format!("hot/audit-2026-01-02.supplement-{number}.jsonl");
        assert_eq!(published(&report), [name.as_str()]);
        assert_eq!(text(&*storage, &name), format!("{late}\n"));
        assert!(facts(&report).contains(&"late".to_owned()));
        assert!(!report.is_incomplete(), "late is not missing");
    }
    assert_eq!(text(&*storage, "hot/audit-2026-01-02.jsonl"), sealed);
    let verified = verify_day(&*storage, day("2026-01-02")).unwrap();
    assert!(verified.is_intact());
    assert_eq!(verified.files.len(), 4);
    assert_eq!(all_events(&*storage), backend.log);
}

#[test]
fn an_event_from_the_future_waits_for_its_day() {
    let noon = at("2026-01-02T12:00:00Z");
    let (storage, mut exporter) = rig(1000, noon);
    let mut backend = Backend::new();
    backend.write(at("2026-01-04T00:00:00Z"));
    let report = round(&mut exporter, noon, &backend).unwrap();
    assert_eq!(facts(&report), ["start", "future"]);
    let report = round(&mut exporter, at("2026-01-04T12:00:00Z"), &backend).unwrap();
    assert_eq!(published(&report), ["hot/audit-2026-01-02.jsonl", "hot/audit-2026-01-03.jsonl"]);
    let report = round(&mut exporter, at("2026-01-05T12:00:00Z"), &backend).unwrap();
    assert_eq!(published(&report), ["hot/audit-2026-01-04.jsonl"]);
    assert_eq!(text(&*storage, "hot/audit-2026-01-04.jsonl"), format!("{}\n", backend.log[0]));
}

#[test]
fn a_day_waits_for_a_source_that_cannot_be_read_and_then_says_so() {
    let noon = at("2026-01-02T12:00:00Z");
    let (storage, mut exporter) = rig(1000, noon);
    let mut backend = Backend::new();
    backend.write(noon);
    round(&mut exporter, noon, &backend).unwrap();
    let report = unreachable(&mut exporter, at("2026-01-03T00:03:00Z"));
    assert_eq!(published(&report), [""; 0], "the rest of the day may still be read");
    let report = unreachable(&mut exporter, at("2026-01-04T00:02:00Z"));
    assert_eq!(published(&report), ["hot/audit-2026-01-02.jsonl"]);
    assert_eq!(facts(&report), ["unread"]);
    assert!(report.is_incomplete());
    let summary = text(&*storage, "hot/audit-2026-01-02.facts.jsonl");
    assert!(summary.ends_with("\"complete\":false}\n"), "{summary}");
    // What is read afterwards is late.
    backend.write(at("2026-01-02T22:00:00Z"));
    let report = round(&mut exporter, at("2026-01-04T00:03:00Z"), &backend).unwrap();
    assert_eq!(published(&report), ["hot/audit-2026-01-02.supplement-1.jsonl", "hot/audit-2026-01-03.jsonl"]);
    assert_eq!(all_events(&*storage), backend.log);
}

#[test]
fn a_gap_is_in_the_facts_of_every_day_it_touches() {
    let noon = at("2026-01-02T12:00:00Z");
    let (storage, mut exporter) = rig(3, noon);
    let mut backend = Backend::new();
    backend.write(noon);
    round(&mut exporter, noon, &backend).unwrap();
    for hour in 1..9 {
        backend.write(noon + Duration::from_secs(hour * 3600));
    }
    let report = round(&mut exporter, at("2026-01-04T12:00:00Z"), &backend).unwrap();
    assert!(report.is_incomplete());
    for gapped in ["2026-01-02", "2026-01-03"] {
        let facts = text(&*storage, &format!("hot/audit-{gapped}.facts.jsonl"));
        assert!(facts.contains(r#""fact":"gap","since":"2026-01-02T12:00:00Z","before":{"#), "{facts}");
        assert!(facts.ends_with("\"complete\":false}\n"), "{facts}");
    }
    let report = round(&mut exporter, at("2026-01-05T12:00:00Z"), &backend).unwrap();
    assert!(!report.is_incomplete(), "it is recorded once");
    let facts = text(&*storage, "hot/audit-2026-01-04.facts.jsonl");
    assert!(facts.contains(r#""fact":"gap""#), "{facts}");
}

#[test]
fn a_clock_far_ahead_publishes_nothing() {
    let noon = at("2026-01-02T12:00:00Z");
    let (storage, mut exporter) = rig(1000, noon);
    let backend = Backend::new();
    round(&mut exporter, noon, &backend).unwrap();
    let error = round(&mut exporter, at("2036-01-02T12:00:00Z"), &backend).unwrap_err();
    assert!(matches!(error.kind, ArchiveErrorKind::ClockJump { .. }));
    insta::assert_snapshot!(error, @"hot: the clock says 2036-01-02T12:00:00Z, and the last collection was at 2036-01-02T12:00:00Z; set the clock right, days are not published so far ahead");
    assert_eq!(names(&*storage, "hot"), [""; 0]);
}

#[test]
fn a_published_name_with_other_content_is_a_conflict() {
    let noon = at("2026-01-02T12:00:00Z");
    let (storage, mut exporter) = rig(1000, noon);
    let backend = Backend::new();
    round(&mut exporter, noon, &backend).unwrap();
    storage.publish("hot/audit-2026-01-02.jsonl", &mut &b"forged\n"[..]).unwrap();
    let error = round(&mut exporter, at("2026-01-03T12:00:00Z"), &backend).unwrap_err();
    assert!(error.is_integrity());
    insta::assert_snapshot!(error, @"hot/audit-2026-01-02.jsonl: it exists with other content than this day has; move it away and find out who wrote it, it is never overwritten");
    assert_eq!(text(&*storage, "hot/audit-2026-01-02.jsonl"), "forged\n");
    // After an error everything is refused, and opening again finds the same.
    let error = round(&mut exporter, at("2026-01-03T12:01:00Z"), &backend).unwrap_err();
    assert!(matches!(error.kind, ArchiveErrorKind::Broken));
}

#[test]
fn a_checksum_or_facts_file_that_another_put_there_is_a_conflict_too() {
    for name in ["hot/audit-2026-01-02.jsonl.sha256", "hot/audit-2026-01-02.facts.jsonl"] {
        let noon = at("2026-01-02T12:00:00Z");
        let (storage, mut exporter) = rig(1000, noon);
        let backend = Backend::new();
        round(&mut exporter, noon, &backend).unwrap();
        storage.publish(name, &mut &b"forged\n"[..]).unwrap();
        let error = round(&mut exporter, at("2026-01-03T12:00:00Z"), &backend).unwrap_err();
        assert!(matches!(error.kind, ArchiveErrorKind::Conflict), "{error}");
        assert_eq!(error.place, name);
        drop(exporter);
        // It stays so until someone looks: opening again does not get around it.
        let error = Exporter::open(storage.clone(), config(1000), noon).unwrap_err();
        assert!(matches!(error.kind, ArchiveErrorKind::Conflict), "{error}");
        storage.remove(name).unwrap();
        Exporter::open(storage.clone(), config(1000), noon).unwrap();
        assert!(verify_day(&*storage, day("2026-01-02")).unwrap().is_intact());
    }
}

#[test]
fn a_lost_or_damaged_state_is_not_begun_anew() {
    let noon = at("2026-01-02T12:00:00Z");
    let later = at("2026-01-03T12:00:00Z");
    let (storage, mut exporter) = rig(1000, noon);
    let mut backend = Backend::new();
    backend.write(noon);
    round(&mut exporter, noon, &backend).unwrap();
    backend.write(later);
    round(&mut exporter, later, &backend).unwrap();
    drop(exporter);
    let cursor = storage.read("state/cursor.json", 1 << 20).unwrap();
    let open = |what: &str| {
        let error = Exporter::open(storage.clone(), config(1000), later).expect_err(what);
        assert!(error.is_integrity(), "{error}");
        error.to_string()
    };
    storage.remove("state/cursor.json").unwrap();
    insta::assert_snapshot!(open("missing"), @"state/cursor.json: it is missing, while days up to 2026-01-02 are published; put it back from a backup, or collect into a new directory");
    storage.replace("state/cursor.json", &cursor[..cursor.len() / 2]).unwrap();
    insta::assert_snapshot!(open("torn"));
    let other = String::from_utf8(cursor.clone()).unwrap().replacen("\"v\":1", "\"v\":2", 1);
    storage.replace("state/cursor.json", other.as_bytes()).unwrap();
    insta::assert_snapshot!(open("newer"), @"state/cursor.json: it is not a cursor: its version is 2, this program knows 1; put it back from a backup, or collect into a new directory");
    storage.replace("state/cursor.json", &cursor).unwrap();
    storage.open_append("state/audit-2026-01-03.open.jsonl").unwrap().truncate(10).unwrap();
    insta::assert_snapshot!(open("cut"), @"state/audit-2026-01-03.open.jsonl: it has 10 bytes, but 82 were acknowledged; evidence was cut off, put it back from a backup");
}

#[test]
fn a_directory_belongs_to_one_kind_of_source_and_to_one_process() {
    let noon = at("2026-01-02T12:00:00Z");
    let (storage, mut exporter) = rig(1000, noon);
    round(&mut exporter, noon, &Backend::new()).unwrap();
    let error = Exporter::open(storage.clone(), config(1000), noon).unwrap_err();
    assert!(error.is_locked(), "{error}");
    drop(exporter);
    let file = assurance_evidence::Config::file("/var/log/brain/audit.jsonl");
    let error = Exporter::open(storage.clone(), file, noon).unwrap_err();
    assert!(error.is_usage());
    insta::assert_snapshot!(error, @"this directory holds what was read from a backend's API, which cannot be continued from a log file; collect that into another directory");
    let error = Exporter::open(storage, config(1001), noon).unwrap_err();
    assert!(error.is_usage());
    insta::assert_snapshot!(error, @"a limit of 1001 is not possible; the backend takes 1 to 1000");
}

#[test]
fn another_address_of_the_backend_is_recorded_and_is_no_gap() {
    let noon = at("2026-01-02T12:00:00Z");
    let (storage, mut exporter) = rig(1000, noon);
    let mut backend = Backend::new();
    backend.write(noon);
    round(&mut exporter, noon, &backend).unwrap();
    drop(exporter);
    let moved = assurance_evidence::Config::api("https://brain.example");
    let mut exporter = Exporter::open(storage.clone(), moved, noon).unwrap();
    backend.write(noon);
    let report = round(&mut exporter, noon, &backend).unwrap();
    assert_eq!((facts(&report), report.is_incomplete()), (vec!["source_changed".to_owned()], false));
    assert_eq!(all_events(&*storage), backend.log);
}

#[test]
fn the_status_says_where_it_stands_without_the_lock() {
    let nothing = Status::read(&Memory::new()).unwrap();
    insta::assert_json_snapshot!(nothing);
    let noon = at("2026-01-02T12:00:00Z");
    let (storage, mut exporter) = rig(1000, noon);
    let mut backend = Backend::new();
    backend.write(noon);
    round(&mut exporter, noon, &backend).unwrap();
    backend.write(at("2026-01-03T11:00:00Z"));
    round(&mut exporter, at("2026-01-03T12:00:00Z"), &backend).unwrap();
    insta::assert_json_snapshot!(Status::read(&*storage).unwrap());
}

#[test]
fn a_statistics_answer_that_fails_is_told_and_does_not_stop_the_collection() {
    let noon = at("2026-01-02T12:00:00Z");
    let (storage, mut exporter) = rig(1000, noon);
    let mut backend = Backend::new();
    backend.counts = false;
    backend.write(noon);
    let report = round(&mut exporter, noon, &backend).unwrap();
    assert_eq!(report.outcome, Ok(1));
    insta::assert_snapshot!(report.statistics.unwrap(), @r#"http://backend:8000/api/sovereign-mode/statistics: the backend answered with status 404: {"detail":"Not Found"}; check that the address is the backend's own, without /api/…"#);
    assert_eq!(all_events(&*storage), backend.log);
}

#[test]
fn collecting_alone_publishes_nothing_and_sealing_does_so_later() {
    let noon = at("2026-01-02T12:00:00Z");
    let storage = std::sync::Arc::new(Memory::new());
    let mut collecting = config(1000);
    collecting.publishes = false;
    let mut backend = Backend::new();
    backend.write(noon);
    let later = at("2026-01-03T12:00:00Z");
    for now in [noon, later] {
        let mut exporter = Exporter::open(storage.clone(), collecting.clone(), now).unwrap();
        assert_eq!(published(&round(&mut exporter, now, &backend).unwrap()), [""; 0]);
    }
    let mut archive = Archive::open(storage.clone(), Policy::USUAL).unwrap();
    let publication = archive.publish_due(later).unwrap();
    assert_eq!(publication.published.len(), 1);
    assert_eq!(publication.published[0].name, "hot/audit-2026-01-02.jsonl");
    assert_eq!(all_events(&*storage), backend.log);
}
