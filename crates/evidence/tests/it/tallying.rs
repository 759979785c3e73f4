use std::sync::Arc;

use assurance_evidence::manifest::Retention;
use assurance_evidence::seal::{plan, prune};
use assurance_evidence::tally::{Moment, SIGNALS, Tally, keep};
use assurance_metrics_model::{Duration, Timestamp};
use assurance_storage::{Memory, Storage};

use crate::rig::Rig;

fn tally(storage: &dyn Storage) -> Tally {
    let mut tally = Tally::load(storage).expect("readable");
    tally.update(storage).expect("counted");
    tally
}

/// Counted from what is there, as if nothing had been kept.
fn anew(storage: &dyn Storage) -> Tally {
    let mut tally = Tally::default();
    tally.update(storage).expect("counted");
    tally
}

fn event(at: Timestamp, event_type: &str, rest: &str) -> String {
    let at = at.to_string();
    format!(r#"{{"timestamp":"{}","event_type":"{event_type}"{rest}}}"#, at.trim_end_matches('Z'))
}

#[test]
fn counts_are_the_same_whether_days_are_open_sealed_compressed_or_purged() {
    let mut rig = Rig::new(Arc::new(Memory::new()));
    rig.retention = Retention { hot_days: 2, cold_days: 5 };
    let gates = r#","metadata":{"metadata":{"blocking_gates":["dmz_gate","network_gate","gate_7"]}}"#;
    let first = rig.now;
    for (event_type, rest) in [
        ("sovereign.mode_changed", r#","mode_after":"online""#),
        ("sovereign.mode_changed", r#","mode_after":"lunar""#),
        ("sovereign.mode_preflight_failed", gates),
        ("sovereign.mode_preflight_failed", ""),
        ("sovereign.bundle_key_untrusted", ""),
        ("sovereign.connector_blocked", ""),
        ("axe.trust_tier_violation", ""),
        ("sovereign.bundle_quarantined", ""),
        ("sovereign.something_else", ""),
    ] {
        rig.backend.log.push(event(rig.now, event_type, rest));
    }
    rig.collect(0);
    let open = tally(&*rig.storage);
    assert_eq!((open.counts().events, open.open_days(), open.sealed_days()), (9, 1, 0));
    let of = |tally: &Tally, name: &str, value| tally.counts().signal(name, value);
    let once = Moment { count: 1, last: first.as_millis() };
    for (name, value) in [
        ("mode_switch", Some("online")),
        ("mode_switch", Some("other")),
        ("preflight_failure", Some("dmz_gate")),
        ("preflight_failure", Some("network_gate")),
        ("bundle_untrusted_source", Some("key_untrusted")),
        ("bundle_untrusted_source", Some("origin_denied")),
        ("axe_trust_violation", None),
        ("bundle_quarantine", None),
    ] {
        assert_eq!(of(&open, name, value), once, "{name} {value:?}");
    }
    assert_eq!(of(&open, "preflight_failure", Some("other")).count, 2);
    assert_eq!(of(&open, "mode_rollback", None), Moment::default());
    assert!(SIGNALS.iter().all(|signal| signal.label.is_none_or(|(_, values)| !values.is_empty())));

    // A gap: the backend was started anew, overnight, so that two days' facts tell it.
    keep(&*rig.storage).unwrap();
    rig.backend.restart();
    rig.now += Duration::from_minutes(20 * 60);
    let restarted = rig.now;
    rig.backend.log.push(event(restarted, "axe.trust_tier_violation", ""));
    rig.collect(0);
    let expected = |tally: &Tally, state: &str| {
        assert_eq!((tally.counts().events, tally.counts().gaps), (10, 1), "{state}");
        let violations = of(tally, "axe_trust_violation", None);
        assert_eq!(violations, Moment { count: 2, last: restarted.as_millis() }, "{state}");
    };
    expected(&tally(&*rig.storage), "open");
    expected(&anew(&*rig.storage), "open, anew");
    rig.end_day();
    expected(&tally(&*rig.storage), "sealed, and not counted then");
    keep(&*rig.storage).unwrap();
    expected(&tally(&*rig.storage), "sealed");
    expected(&anew(&*rig.storage), "sealed, anew");
    for _ in 0..8 {
        rig.day(0);
        keep(&*rig.storage).unwrap();
        let mut log = rig.open();
        let planned = plan(&*rig.storage, &log, rig.retention, rig.now).unwrap();
        prune(&*rig.storage, &mut log, &planned, rig.retention, rig.now, Some(&rig.key)).unwrap();
        expected(&tally(&*rig.storage), "pruned");
    }
    let purged = tally(&*rig.storage);
    assert!(purged.purged_days() >= 2, "the days with events are gone: {}", purged.purged_days());
    assert_eq!(purged.sealed_days(), 10);
    // Without what was kept, only the numbers of the leaves are left of them.
    let anew = anew(&*rig.storage).counts();
    assert_eq!((anew.events, anew.gaps, anew.signal("axe_trust_violation", None).count), (10, 1, 0));
}

#[test]
fn a_supplement_counts_once_on_its_way() {
    let mut rig = Rig::new(Arc::new(Memory::new()));
    rig.day(3);
    let yesterday = rig.now - Duration::from_minutes(24 * 60);
    rig.backend.write(yesterday);
    rig.collect(0);
    assert_eq!(tally(&*rig.storage).counts().events, 4);
    keep(&*rig.storage).unwrap();
    rig.end_day();
    assert!(rig.storage.list("hot").unwrap().iter().any(|entry| entry.name.contains("supplement-1")));
    assert_eq!(tally(&*rig.storage).counts().events, 4);
    keep(&*rig.storage).unwrap();
    assert_eq!((tally(&*rig.storage).counts().events, anew(&*rig.storage).counts().events), (4, 4));
}

#[test]
fn a_tally_that_cannot_be_read_is_counted_anew() {
    let mut rig = Rig::new(Arc::new(Memory::new()));
    rig.day(3);
    keep(&*rig.storage).unwrap();
    assert!(rig.storage.read("state/tally.json", 1 << 20).unwrap().len() > 100);
    for damage in [&b""[..], b"{\"v\":9}", b"\xff"] {
        rig.storage.replace("state/tally.json", damage).unwrap();
        assert_eq!(tally(&*rig.storage).counts().events, 3);
    }
}
