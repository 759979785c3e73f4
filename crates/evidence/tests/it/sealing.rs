use std::sync::Arc;

use assurance_evidence::audit::Class;
use assurance_evidence::manifest::{LegalHold, Release, Retention, Succession};
use assurance_evidence::proof::{Wanted, prove, verify_proof};
use assurance_evidence::seal::{Beginning, Log, Plan, SealErrorKind, plan, prune};
use assurance_evidence::verify_day;
use assurance_metrics_model::Duration;
use assurance_storage::{Memory, Storage};

use crate::backend::{day, text};
use crate::rig::{ORIGIN, Rig, findings, key, policy, witness};

fn names(storage: &dyn Storage, directory: &str) -> Vec<String> {
    storage.list(directory).expect("listed").into_iter().map(|entry| entry.name).collect()
}

#[test]
fn a_week_is_sealed_and_verifies() {
    let mut rig = Rig::new(Arc::new(Memory::new()));
    for events in [3, 0, 1, 0, 12, 2, 5] {
        rig.day(events);
    }
    let report = rig.verify(&rig.options());
    assert_eq!(findings(&report), [""; 0]);
    assert_eq!((report.days, report.events), (7, 23));
    assert_eq!(report.log.expect("a log").size, 8);
    insta::assert_snapshot!(
        "sealed_files",
        ["hot", "cold", "log", "log/checkpoints", "log/tile/entries", "state"]
            .map(|directory| names(&*rig.storage, directory).join("\n"))
            .join("\n\n")
    );
}

#[test]
fn the_checksums_of_a_sealed_day_are_checked_without_its_log() {
    let mut rig = Rig::new(Arc::new(Memory::new()));
    rig.day(3);
    let first = rig.verify(&rig.options()).first_day.expect("a day");
    let report = verify_day(&*rig.storage, first).unwrap();
    assert!(report.is_intact() && report.files.len() == 2, "{report:?}");
}

#[test]
fn sealing_twice_does_nothing_the_second_time() {
    let mut rig = Rig::new(Arc::new(Memory::new()));
    rig.day(3);
    let checkpoint = text(&*rig.storage, "log/checkpoint");
    rig.now += Duration::from_secs(60);
    assert_eq!(rig.try_seal().unwrap(), []);
    assert_eq!(text(&*rig.storage, "log/checkpoint"), checkpoint);
}

#[test]
fn a_log_is_created_once_and_never_by_itself() {
    let storage: Arc<dyn Storage> = Arc::new(Memory::new());
    let error = Log::open(storage.clone()).unwrap_err();
    assert!(matches!(error.kind, SealErrorKind::NotInitialised) && error.is_usage());
    let mut rig = Rig::new(storage.clone());
    rig.day(1);
    let beginning =
        Beginning { origin: ORIGIN.to_owned(), at: rig.now, first_day: day("2026-01-02"), succeeds: None };
    let error = Log::init(storage.clone(), &beginning, &rig.key).unwrap_err();
    assert!(matches!(error.kind, SealErrorKind::Exists), "{error}");
    // Whoever removes the state does not get a new log, but a refusal.
    storage.remove("state/log.json").unwrap();
    let error = Log::open(storage.clone()).unwrap_err();
    assert!(matches!(error.kind, SealErrorKind::StateMissing) && error.is_integrity(), "{error}");
    let error = Log::init(storage, &beginning, &rig.key).unwrap_err();
    assert!(matches!(error.kind, SealErrorKind::Exists), "{error}");
}

#[test]
fn a_log_that_was_rolled_back_is_not_continued() {
    let mut rig = Rig::new(Arc::new(Memory::new()));
    rig.day(1);
    let before = text(&*rig.storage, "log/checkpoint");
    rig.day(1);
    rig.storage.replace("log/checkpoint", before.as_bytes()).unwrap();
    let error = rig.try_seal().unwrap_err();
    assert!(matches!(error.kind, SealErrorKind::Checkpoint { .. }) && error.is_integrity(), "{error}");
}

#[test]
fn another_key_does_not_sign() {
    let mut rig = Rig::new(Arc::new(Memory::new()));
    rig.day(1);
    rig.collect(1);
    rig.key = key(2);
    rig.now += Duration::from_secs(86_400);
    rig.collect(0);
    let error = rig.try_seal().unwrap_err();
    assert!(matches!(error.kind, SealErrorKind::OtherKey { .. }) && error.is_usage(), "{error}");
}

#[test]
fn a_day_that_was_changed_after_it_was_published_is_not_sealed() {
    let mut rig = Rig::new(Arc::new(Memory::new()));
    rig.collect(3);
    rig.now += Duration::from_secs(86_400);
    rig.collect(0);
    rig.storage.remove("hot/audit-2026-01-02.jsonl").unwrap();
    rig.storage.publish("hot/audit-2026-01-02.jsonl", &mut &b"{}\n"[..]).unwrap();
    let error = rig.try_seal().unwrap_err();
    assert!(matches!(error.kind, SealErrorKind::Changed) && error.is_integrity(), "{error}");
}

#[test]
fn a_clock_that_runs_back_seals_nothing() {
    let mut rig = Rig::new(Arc::new(Memory::new()));
    rig.day(1);
    rig.day(1);
    let sealing = {
        let mut sealing = rig.sealing();
        sealing.now = rig.now - Duration::from_secs(86_400);
        sealing
    };
    rig.collect(1);
    rig.now += Duration::from_secs(86_400);
    rig.collect(0);
    let mut log = rig.open();
    let error = assurance_evidence::seal::seal_due(&*rig.storage, &mut log, &sealing, &rig.key).unwrap_err();
    assert!(matches!(error.kind, SealErrorKind::ClockBack { .. }), "{error}");
}

#[test]
fn late_events_become_a_supplement_with_a_leaf_of_its_own() {
    let mut rig = Rig::new(Arc::new(Memory::new()));
    rig.day(2);
    rig.backend.write(crate::backend::at("2026-01-02T23:00:00Z"));
    rig.day(1);
    let report = rig.verify(&rig.options());
    assert_eq!(findings(&report), [""; 0]);
    assert_eq!((report.days, report.events), (2, 4));
    assert!(
        names(&*rig.storage, "cold").contains(&"cold/audit-2026-01-02.supplement-1.jsonl.zst".to_owned())
    );
}

#[test]
fn a_key_is_passed_on_and_the_old_policy_still_leads_to_the_new_one() {
    let mut rig = Rig::new(Arc::new(Memory::new()));
    rig.day(1);
    let options = rig.options();
    let new = key(2);
    rig.open().rotate(rig.now, &rig.key, &new, "yearly").unwrap();
    rig.key = new;
    rig.day(1);
    let mut old = options.clone();
    old.now = rig.now;
    assert_eq!(findings(&rig.verify(&old)), [""; 0]);
    assert_eq!(findings(&rig.verify(&rig.options())), [""; 0]);
    // A key that never signed this log leads nowhere.
    old.policy = Some(policy(&key(3), None));
    let report = rig.verify(&old);
    assert!(report.findings.iter().any(|finding| finding.class == Class::KeySwap), "{report:?}");
    // Without the checkpoint that both keys signed, nothing shows that one passed the log to the other.
    let mut old = options;
    old.now = rig.now;
    rig.storage.remove("log/checkpoints/3").unwrap();
    let report = rig.verify(&old);
    assert_eq!(report.findings[0].class, Class::KeySwap, "{report:?}");
}

#[test]
fn a_lost_key_is_followed_by_a_log_that_commits_to_the_old_one() {
    let mut rig = Rig::new(Arc::new(Memory::new()));
    rig.day(1);
    let last = text(&*rig.storage, "log/checkpoint");
    let storage: Arc<dyn Storage> = Arc::new(Memory::new());
    let succeeds = Succession {
        origin: ORIGIN.to_owned(),
        checkpoint: last.clone(),
        reason: "the key was lost".to_owned(),
    };
    let first_day = day("2026-01-03");
    let beginning = Beginning { origin: ORIGIN.to_owned(), at: rig.now, first_day, succeeds: Some(succeeds) };
    let log = Log::init(storage.clone(), &beginning, &key(9)).unwrap();
    let assurance_evidence::manifest::Leaf::Start(start) = &log.leaves()[0] else { panic!("a start") };
    assert_eq!(start.succeeds.as_ref().unwrap().checkpoint, last);
}

#[test]
fn days_turn_cold_and_are_purged_and_are_not_taken_for_tampering() {
    let mut rig = Rig::new(Arc::new(Memory::new()));
    rig.retention = Retention { hot_days: 3, cold_days: 6 };
    for _ in 0..10 {
        rig.day(2);
    }
    let hold = LegalHold {
        v: 0,
        index: 0,
        at: rig.now,
        id: "case-7".to_owned(),
        from: day("2026-01-03"),
        to: Some(day("2026-01-03")),
        reason: "inquiry".to_owned(),
        by: "counsel".to_owned(),
    };
    rig.open().hold(hold, &rig.key).unwrap();
    let mut log = rig.open();
    let planned = plan(&*rig.storage, &log, rig.retention, rig.now).unwrap();
    insta::assert_json_snapshot!("plan", (&planned.cold, &planned.purge, &planned.held, planned.files.len()));
    prune(&*rig.storage, &mut log, &planned, rig.retention, rig.now, Some(&rig.key)).unwrap();
    let report = rig.verify(&rig.options());
    assert_eq!(findings(&report), [""; 0]);
    assert_eq!(report.purged_days, planned.purge.len() as u64);
    let again = plan(&*rig.storage, &rig.open(), rig.retention, rig.now).unwrap();
    assert_eq!((again.cold.len(), again.purge.len(), again.files.len()), (0, 0, 0));
    // Once released, the held day goes too.
    let release = Release {
        v: 0,
        index: 0,
        at: rig.now,
        id: "case-7".to_owned(),
        reason: "closed".to_owned(),
        by: "counsel".to_owned(),
    };
    rig.open().release(release, &rig.key).unwrap();
    let mut log = rig.open();
    let planned = plan(&*rig.storage, &log, rig.retention, rig.now).unwrap();
    assert_eq!(planned.purge, [day("2026-01-03")]);
    prune(&*rig.storage, &mut log, &planned, rig.retention, rig.now, Some(&rig.key)).unwrap();
    assert_eq!(findings(&rig.verify(&rig.options())), [""; 0]);
    // Purging without saying so is another thing.
    let left = planned.files.len();
    assert!(left > 0);
    for file in names(&*rig.storage, "cold").iter().chain(&names(&*rig.storage, "hot")) {
        if file.contains("2026-01-10") {
            rig.storage.remove(file).unwrap();
        }
    }
    let report = rig.verify(&rig.options());
    assert_eq!(
        report.findings.iter().map(|f| f.class).collect::<Vec<_>>(),
        [Class::MissingDay],
        "{report:?}"
    );
}

#[test]
fn what_comes_late_for_a_day_without_files_becomes_a_supplement() {
    let mut rig = Rig::new(Arc::new(Memory::new()));
    rig.retention = Retention { hot_days: 1, cold_days: 3 };
    for _ in 0..6 {
        rig.day(1);
    }
    let mut log = rig.open();
    let planned = plan(&*rig.storage, &log, rig.retention, rig.now).unwrap();
    prune(&*rig.storage, &mut log, &planned, rig.retention, rig.now, Some(&rig.key)).unwrap();
    let exists = |name: &str| rig.storage.read(name, 1 << 20).is_ok();
    let (purged, cold) = ("2026-01-02", "2026-01-05");
    assert!(!exists(&format!("cold/audit-{purged}.jsonl.zst")));
    assert!(!exists(&format!("hot/audit-{cold}.jsonl")) && exists(&format!("cold/audit-{cold}.jsonl.zst")));
    // Twice before the next seal, and once after it.
    for round in 0..3 {
        for day in [purged, cold] {
            rig.backend.write(crate::backend::at(&format!("{day}T23:0{round}:00Z")));
        }
        rig.now += Duration::from_minutes(30);
        rig.collect(0);
        if round == 1 {
            rig.end_day();
        }
    }
    rig.day(1);
    for day in [purged, cold] {
        assert!(
            rig.storage.read(&format!("hot/audit-{day}.jsonl"), 1 << 20).is_err(),
            "{day} is not begun anew"
        );
        for number in 1..4 {
            let name = format!("hot/audit-{day}.supplement-{number}.jsonl");
            assert!(rig.storage.read(&name, 1 << 20).is_ok(), "{name}");
        }
    }
    let report = rig.verify(&rig.options());
    assert_eq!(findings(&report), [""; 0]);
    // They outlast the next run that lets go of what is no longer kept.
    let mut log = rig.open();
    let planned = plan(&*rig.storage, &log, rig.retention, rig.now).unwrap();
    prune(&*rig.storage, &mut log, &planned, rig.retention, rig.now, Some(&rig.key)).unwrap();
    let report = rig.verify(&rig.options());
    assert_eq!(findings(&report), [""; 0]);
    assert!(rig.storage.read(&format!("cold/audit-{purged}.supplement-1.jsonl.zst"), 1 << 20).is_ok());
}

/// The retention may have been another when a supplement was sealed: the longest that was promised is kept.
#[test]
fn a_supplement_is_kept_as_long_as_it_was_promised() {
    let mut rig = Rig::new(Arc::new(Memory::new()));
    let short = Retention { hot_days: 1, cold_days: 2 };
    rig.retention = short;
    rig.day(1);
    rig.backend.write(crate::backend::at("2026-01-02T23:00:00Z"));
    rig.retention = Retention { hot_days: 5, cold_days: 10 };
    rig.day(1);
    rig.retention = short;
    rig.day(1);
    rig.day(1);
    let promised = day("2026-01-02");
    let mut log = rig.open();
    let planned = plan(&*rig.storage, &log, rig.retention, rig.now).unwrap();
    assert!(!planned.cold.contains(&promised) && !planned.purge.contains(&promised), "{planned:?}");
    prune(&*rig.storage, &mut log, &planned, rig.retention, rig.now, Some(&rig.key)).unwrap();
    assert_eq!(findings(&rig.verify(&rig.options())), [""; 0]);
    // Another program may keep less than was promised: an auditor sees it.
    let mut early = Plan::default();
    early.purge = vec![promised];
    let mut log = rig.open();
    prune(&*rig.storage, &mut log, &early, rig.retention, rig.now, Some(&rig.key)).unwrap();
    let report = rig.verify(&rig.options());
    assert!(report.findings.iter().any(|finding| finding.class == Class::EarlyPurge), "{report:?}");
}

#[test]
fn without_the_quorum_a_log_is_unwitnessed_and_nothing_else() {
    let mut rig = Rig::new(Arc::new(Memory::new()));
    rig.day(1);
    let mut options = rig.options();
    options.policy = Some(policy(&rig.key, Some(&witness(7))));
    let report = rig.verify(&options);
    assert_eq!(report.findings.iter().map(|f| f.class).collect::<Vec<_>>(), [Class::Unwitnessed]);
    assert!(report.is_intact() && report.is_complete());
    rig.witness(&witness(7));
    assert_eq!(findings(&rig.verify(&options)), [""; 0]);
    // The next day is not witnessed by what was signed before it.
    rig.day(1);
    options.now = rig.now;
    let report = rig.verify(&options);
    assert_eq!(report.findings.iter().map(|f| f.class).collect::<Vec<_>>(), [Class::Unwitnessed]);
    rig.witness(&witness(7));
    assert_eq!(findings(&rig.verify(&options)), [""; 0]);
}

#[test]
fn one_event_is_proven_with_nothing_but_a_policy() {
    let mut rig = Rig::new(Arc::new(Memory::new()));
    for events in [5, 1, 9] {
        rig.day(events);
    }
    rig.witness(&witness(7));
    let policy = policy(&rig.key, Some(&witness(7)));
    for line in 1..=9 {
        let proof = prove(&*rig.storage, &Wanted::line(day("2026-01-04"), line)).unwrap();
        let proven = verify_proof(&proof, &policy).unwrap();
        assert_eq!((proven.day, proven.line, proven.leaf), (day("2026-01-04"), line, 3));
        let events = text(&*rig.storage, "hot/audit-2026-01-04.jsonl");
        assert_eq!(Some(proven.event.as_str()), events.lines().nth(usize::try_from(line).unwrap() - 1));
        assert_eq!(proven.verdict.witnesses.len(), 1);
        // Any changed character is refused.
        for at in (usize::try_from(line).unwrap()..proof.len()).step_by(211) {
            let mut changed = proof.clone().into_bytes();
            changed[at] ^= 1;
            let Ok(changed) = String::from_utf8(changed) else { continue };
            let verified = verify_proof(&changed, &policy);
            assert!(verified.is_err() || verified.unwrap().event == proven.event, "byte {at}");
        }
    }
    assert!(prove(&*rig.storage, &Wanted::line(day("2026-01-04"), 10)).is_err());
    // From the compressed form alone, too.
    rig.storage.remove("hot/audit-2026-01-04.jsonl").unwrap();
    let id = "mode_changed_1767427440000";
    let found = prove(&*rig.storage, &Wanted::id(id, None));
    assert!(found.is_err() || verify_proof(&found.unwrap(), &policy).is_ok());
}

#[test]
fn several_days_at_a_time_give_the_same_report() {
    let mut rig = Rig::new(Arc::new(Memory::new()));
    for events in [3, 0, 1, 0, 12, 2, 5] {
        rig.day(events);
    }
    for (name, content) in
        [("hot/audit-2026-01-02.jsonl", "{}\n"), ("cold/audit-2026-01-06.jsonl.zst", "none")]
    {
        rig.storage.remove(name).unwrap();
        rig.storage.publish(name, &mut content.as_bytes()).unwrap();
    }
    rig.storage.remove("hot/audit-2026-01-08.jsonl.sha256").unwrap();
    let mut options = rig.options();
    let one = rig.verify(&options);
    assert!(one.findings.len() >= 3, "{one:?}");
    for threads in [2, 3, 100] {
        options.threads = threads;
        assert_eq!(rig.verify(&options), one, "{threads} threads");
    }
}
