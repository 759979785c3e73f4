use assurance_evidence::{FileVerdict, VerifyError, published_days, verify_day};
use assurance_metrics_model::Duration;
use assurance_storage::{Memory, Storage};

use crate::backend::{Backend, at, day, rig, round};

const EVENTS: &str = "hot/audit-2026-01-02.jsonl";
const SIDECAR: &str = "hot/audit-2026-01-02.jsonl.sha256";

fn published() -> std::sync::Arc<Memory> {
    let noon = at("2026-01-02T12:00:00Z");
    let (storage, mut exporter) = rig(1000, noon);
    let mut backend = Backend::new();
    backend.write(noon);
    round(&mut exporter, noon, &backend).expect("stored");
    round(&mut exporter, noon + Duration::from_secs(86_400), &backend).expect("stored");
    storage
}

/// What is found of the day's events after `harm`.
fn after(harm: impl FnOnce(&Memory)) -> FileVerdict {
    let storage = published();
    harm(&storage);
    let report = verify_day(&*storage, day("2026-01-02")).expect("read");
    let of_events: Vec<_> = report.files.iter().filter(|file| file.name == EVENTS).collect();
    assert_eq!(of_events.len(), 1);
    assert!(report.files.iter().all(|file| file.name == EVENTS || file.verdict == FileVerdict::Intact));
    assert_eq!(report.is_intact(), of_events[0].verdict == FileVerdict::Intact);
    of_events[0].verdict.clone()
}

#[test]
fn what_was_published_is_intact() {
    assert_eq!(after(|_| {}), FileVerdict::Intact);
    assert_eq!(published_days(&*published()).unwrap(), [day("2026-01-02")]);
}

#[test]
fn every_flipped_bit_is_seen() {
    let storage = published();
    let content = storage.read(EVENTS, 1 << 20).unwrap();
    for at in 0..content.len() * 8 {
        let mut flipped = content.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        storage.replace(EVENTS, &flipped).unwrap();
        assert!(!verify_day(&*storage, day("2026-01-02")).unwrap().is_intact(), "bit {at}");
    }
    storage.replace(EVENTS, &content).unwrap();
    assert!(verify_day(&*storage, day("2026-01-02")).unwrap().is_intact());
}

#[test]
fn each_harm_has_its_name() {
    assert!(matches!(
        after(|storage| storage.replace(EVENTS, b"forged\n").expect("written")),
        FileVerdict::Differs { expected, found } if expected != found
    ));
    assert_eq!(after(|storage| storage.remove(SIDECAR).expect("removed")), FileVerdict::NoChecksum);
    assert_eq!(after(|storage| storage.remove(EVENTS).expect("removed")), FileVerdict::Missing);
    for sidecar in ["", "nonsense\n", "  audit-2026-01-02.jsonl\n", &"x".repeat(10_000)] {
        let verdict = after(|storage| storage.replace(SIDECAR, sidecar.as_bytes()).expect("written"));
        assert_eq!(verdict, FileVerdict::BadChecksum, "{sidecar:?}");
    }
    // A sidecar that names another file, or has another line, is no sidecar of this one.
    let storage = published();
    let good = String::from_utf8(storage.read(SIDECAR, 1000).unwrap()).unwrap();
    for bad in
        [good.replace("01-02", "01-03"), good.repeat(2), good.replace("  ", " "), good.trim().to_owned()]
    {
        let verdict = after(|storage| storage.replace(SIDECAR, bad.as_bytes()).expect("written"));
        assert_eq!(verdict, FileVerdict::BadChecksum, "{bad:?}");
    }
}

#[test]
fn a_day_of_which_all_is_gone_is_not_intact() {
    let storage = published();
    for entry in storage.list("hot").unwrap() {
        storage.remove(&entry.name).unwrap();
    }
    let error = verify_day(&*storage, day("2026-01-02")).unwrap_err();
    assert!(matches!(error, VerifyError::NotPublished { .. }));
    insta::assert_snapshot!(error, @"hot: nothing is published for 2026-01-02; see which days are with `status`");
}
