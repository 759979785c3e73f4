use std::collections::BTreeMap;
use std::sync::Arc;

use assurance_evidence::{Config, Exporter, FetchError, Output, Report};
use assurance_metrics_model::{Duration, Timestamp};
use assurance_storage::Memory;

use crate::backend::{all_events, at, facts};

const PATH: &str = "/var/log/brain/audit.jsonl";

/// Log files by path.
type Files = BTreeMap<String, Vec<u8>>;

struct Rig {
    storage: Arc<Memory>,
    exporter: Exporter,
    files: Files,
    now: Timestamp,
    written: Vec<String>,
}

impl Rig {
    fn new() -> Self {
        let now = at("2026-01-02T12:00:00Z");
        let storage = Arc::new(Memory::new());
        let exporter = Exporter::open(storage.clone(), Config::file(PATH), now).expect("opened");
        let files = Files::from([(PATH.to_owned(), Vec::new())]);
        Self { storage, exporter, files, now, written: Vec::new() }
    }

    fn write(&mut self, count: usize) {
        for _ in 0..count {
            let number = self.written.len();
            let line = format!(r#"{{"id":"x_{number}","timestamp":"2026-01-02T10:00:00.5"}}"#);
            let file = self.files.entry(PATH.to_owned()).or_default();
            file.extend_from_slice(format!("{line}\n").as_bytes());
            self.written.push(line);
        }
    }

    fn rotate(&mut self) {
        if let Some(content) = self.files.remove(PATH) {
            self.files.insert(format!("{PATH}.1"), content);
        }
    }

    fn round(&mut self) -> Report {
        self.now += Duration::from_secs(30);
        self.exporter.handle_timeout(self.now);
        loop {
            let Some(Output::Read(read)) = self.exporter.poll_output() else { panic!("the round reads") };
            let piece = match self.files.get(&read.path) {
                None => Err(FetchError::NoFile),
                Some(content) => {
                    let start = usize::try_from(read.offset).expect("small").min(content.len());
                    let end = content.len().min(start + usize::try_from(read.max_bytes).expect("small"));
                    Ok(content[start..end].to_vec())
                }
            };
            if let Some(report) = self.exporter.handle_piece(self.now, read.id, piece).expect("stored") {
                return report;
            }
        }
    }

    fn collected(&self) -> Vec<String> {
        all_events(&*self.storage)
    }
}

#[test]
fn a_growing_file_is_followed() {
    let mut rig = Rig::new();
    rig.write(2);
    let report = rig.round();
    assert_eq!((report.outcome, report.facts.len()), (Ok(2), 1));
    assert_eq!(rig.round().outcome, Ok(0));
    for _ in 0..100 {
        rig.write(3);
        let report = rig.round();
        assert_eq!((report.outcome, report.facts.len()), (Ok(3), 0));
    }
    assert_eq!(rig.collected(), rig.written);
}

#[test]
fn half_a_line_waits_for_its_rest() {
    let mut rig = Rig::new();
    rig.write(1);
    let whole = rig.files[PATH].clone();
    for cut in 0..whole.len() {
        rig.files.insert(PATH.to_owned(), whole[..cut].to_vec());
        assert_eq!(rig.round().outcome, Ok(0), "cut at {cut}");
    }
    rig.files.insert(PATH.to_owned(), whole);
    assert_eq!(rig.round().outcome, Ok(1));
    assert_eq!(rig.collected(), rig.written);
}

#[test]
fn the_rest_of_a_rotated_file_is_read_before_the_new_one() {
    let mut rig = Rig::new();
    rig.write(200);
    rig.round();
    for round in 0..5 {
        rig.write(2);
        rig.rotate();
        rig.write(3);
        let report = rig.round();
        assert_eq!(report.outcome, Ok(5), "round {round}");
        assert_eq!((facts(&report), report.is_incomplete()), (vec!["rotated".to_owned()], false));
    }
    assert_eq!(rig.collected(), rig.written);
}

#[test]
fn a_file_that_was_copied_and_cut_short_is_followed_too() {
    let mut rig = Rig::new();
    rig.write(5);
    rig.round();
    rig.write(2);
    rig.rotate();
    rig.files.insert(PATH.to_owned(), Vec::new());
    assert_eq!(rig.round().outcome, Ok(2));
    rig.write(1);
    assert_eq!(rig.round().outcome, Ok(1));
    assert_eq!(rig.collected(), rig.written);
}

#[test]
fn a_rest_that_cannot_be_found_is_recorded_as_lost() {
    let mut rig = Rig::new();
    rig.write(5);
    rig.round();
    rig.rotate();
    rig.files.remove(&format!("{PATH}.1"));
    rig.write(9);
    let report = rig.round();
    assert_eq!((report.outcome.clone(), report.is_incomplete()), (Ok(9), true));
    assert_eq!(facts(&report), ["rotated"]);
    // One that is there but is another file is no better.
    rig.files.insert(format!("{PATH}.1"), vec![b'x'; 9000]);
    rig.files.insert(PATH.to_owned(), Vec::new());
    assert!(rig.round().is_incomplete());
}

#[test]
fn a_missing_file_is_an_error_and_moves_nothing() {
    let mut rig = Rig::new();
    rig.write(5);
    rig.round();
    rig.write(1);
    let content = rig.files.remove(PATH).unwrap();
    let report = rig.round();
    insta::assert_snapshot!(report.outcome.unwrap_err(), @"/var/log/brain/audit.jsonl: there is no such file; check the path, and that the backend writes its audit log there");
    rig.files.insert(PATH.to_owned(), content);
    assert_eq!(rig.round().outcome, Ok(1));
    assert_eq!(rig.collected(), rig.written);
}

#[test]
fn a_torn_line_is_skipped_recorded_and_stops_nothing() {
    let mut rig = Rig::new();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/evidence/log.jsonl");
    #[expect(clippy::disallowed_methods, reason = "fixtures are read in place, and fs-err is for the edge")]
    let content = std::fs::read(path).unwrap();
    rig.files.insert(PATH.to_owned(), content);
    let report = rig.round();
    assert_eq!((report.outcome.clone(), report.is_incomplete()), (Ok(3), true));
    insta::assert_json_snapshot!(report.facts);
}

#[test]
fn a_file_of_many_pieces_is_read_in_one_round() {
    let mut rig = Rig::new();
    let line = format!(r#"{{"timestamp":"2026-01-02T10:00:00","padding":"{}"}}"#, "x".repeat(1 << 20));
    for _ in 0..10 {
        let file = rig.files.entry(PATH.to_owned()).or_default();
        file.extend_from_slice(format!("{line}\n").as_bytes());
    }
    assert_eq!(rig.round().outcome, Ok(10));
    rig.rotate();
    rig.write(1);
    assert_eq!(rig.round().outcome, Ok(1));
    assert_eq!(rig.collected().len(), 11);
}

#[test]
fn a_line_that_is_too_long_is_recorded_and_passed_over() {
    for length in [9 << 20, 17 << 20, 40 << 20] {
        let mut rig = Rig::new();
        rig.write(1);
        let begin = rig.files[PATH].len() as u64;
        rig.files.get_mut(PATH).unwrap().extend(std::iter::repeat_n(b'x', length));
        // Its end is not there yet, and then it is.
        let report = rig.round();
        assert_eq!((report.outcome.clone(), report.is_incomplete()), (Ok(1), true));
        assert_eq!(facts(&report), ["start", "damaged_line"]);
        let damaged = serde_json::to_value(&report.facts[1]).unwrap();
        assert_eq!(damaged["offset"], begin);
        assert!(damaged["bytes"].as_u64().unwrap() >= 8 << 20, "{damaged}");
        rig.files.get_mut(PATH).unwrap().extend(b"xx\n");
        rig.write(2);
        let report = rig.round();
        assert_eq!((report.outcome.clone(), report.is_incomplete()), (Ok(2), false), "{:?}", report.facts);
        assert_eq!(rig.collected(), rig.written);
    }
}

#[test]
fn a_line_that_is_too_long_may_end_with_its_file() {
    let mut rig = Rig::new();
    rig.files.get_mut(PATH).unwrap().extend(std::iter::repeat_n(b'x', 9 << 20));
    assert!(rig.round().is_incomplete());
    rig.files.get_mut(PATH).unwrap().extend(b"xx");
    rig.rotate();
    rig.write(1);
    let report = rig.round();
    assert_eq!((report.outcome.clone(), facts(&report)), (Ok(1), vec!["rotated".to_owned()]));
    assert_eq!(rig.collected(), rig.written);
}
