use assurance_storage::{Crashing, Fault, Memory, Plan, Storage, StorageError, StorageErrorKind, Survival};
use proptest::prelude::*;

/// A small life: two acknowledged appends, a published file and a cursor that counts them.
fn life(storage: &dyn Storage, acknowledged: &mut u32) -> Result<(), StorageError> {
    for round in 1..=3_u32 {
        let mut file = storage.open_append("state/log")?;
        file.append(format!("event {round}\n").as_bytes())?;
        file.sync()?;
        storage.replace("state/cursor", round.to_string().as_bytes())?;
        *acknowledged = round;
    }
    storage.publish("hot/day", &mut &b"whole\n"[..])?;
    storage.remove("state/log")?;
    *acknowledged = 4;
    Ok(())
}

fn steps_of_life() -> u64 {
    let storage = Crashing::counting();
    life(&storage, &mut 0).expect("nothing fails");
    storage.steps()
}

fn read(storage: &Memory, name: &str) -> Option<String> {
    match storage.read(name, 1 << 20) {
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => {
            assert!(error.is_not_found(), "{error}");
            None
        }
    }
}

fn survivals() -> impl Iterator<Item = Survival> {
    [Survival::Synced, Survival::Everything].into_iter().chain((0..40).map(Survival::Torn))
}

#[test]
fn a_crash_at_any_step_keeps_what_was_acknowledged() {
    let steps = steps_of_life();
    assert_eq!(steps, 3 * (3 + 4) + 4 + 2);
    for step in 1..=steps {
        for survival in survivals() {
            let storage = Crashing::new(Plan::new(step, Fault::Crash));
            let mut acknowledged = 0;
            life(&storage, &mut acknowledged).expect_err("the crash comes");
            assert!(storage.has_crashed());
            let after = storage.after_crash(survival);
            let cursor: u32 = read(&after, "state/cursor").map_or(0, |text| text.parse().expect("whole"));
            assert!(cursor == acknowledged.min(3) || cursor == acknowledged + 1, "step {step}, {survival:?}");
            let day = read(&after, "hot/day");
            assert!(day.is_none() || day.as_deref() == Some("whole\n"), "step {step}, {survival:?}");
            if let Some(log) = read(&after, "state/log") {
                let expected: String = (1..=cursor).map(|round| format!("event {round}\n")).collect();
                assert!(log.starts_with(&expected), "step {step}, {survival:?}: {log:?}");
            } else {
                assert!(cursor == 0 || day.is_some(), "the log went before its day came");
            }
        }
    }
}

#[test]
fn torn_survivals_differ() {
    let storage = Crashing::new(Plan::new(3, Fault::Crash));
    let mut file = storage.open_append("log").expect("step 1");
    file.append(b"0123456789").expect("step 2");
    file.sync().expect_err("step 3");
    let found: std::collections::BTreeSet<Option<String>> =
        (0..200).map(|seed| read(&storage.after_crash(Survival::Torn(seed)), "log")).collect();
    assert!(found.contains(&None), "a name may be lost");
    assert!(found.contains(&Some("0123".to_owned())), "a prefix may survive");
    assert!(found.contains(&Some("0123\0\0\0\0\0\0".to_owned())), "zeros may stand in for bytes");
    assert!(found.contains(&Some("0123456789".to_owned())), "everything may survive");
}

#[test]
fn a_dead_machine_does_nothing_more() {
    let storage = Crashing::new(Plan::new(1, Fault::Crash));
    storage.replace("a", b"x").expect_err("the crash");
    let dead = |error: StorageError| matches!(error.kind, StorageErrorKind::Crashed);
    assert!(dead(storage.replace("a", b"x").expect_err("dead")));
    assert!(dead(storage.read("a", 1).expect_err("dead")));
    assert!(dead(storage.list("").expect_err("dead")));
    assert!(dead(storage.lock("l").expect_err("dead")));
    assert_eq!(storage.steps(), 1);
}

#[test]
fn a_failed_sync_loses_the_bytes_for_good_and_poisons_the_handle() {
    let storage = Crashing::new(Plan::new(5, Fault::Io));
    let mut file = storage.open_append("log").expect("step 1");
    file.append(b"safe ").expect("step 2");
    file.sync().expect("step 3");
    file.append(b"lost").expect("step 4");
    let error = file.sync().expect_err("step 5 fails");
    assert!(matches!(error.kind, StorageErrorKind::Io(_)));
    for outcome in [file.sync(), file.append(b"more"), file.truncate(0)] {
        assert!(matches!(outcome.expect_err("poisoned").kind, StorageErrorKind::Poisoned));
    }
    // The page cache still shows them, and a second handle syncs without an error: this is the trap.
    assert_eq!(storage.read("log", 100).expect("read"), b"safe lost");
    storage.open_append("log").expect("opened").sync().expect("a lie");
    assert_eq!(read(&storage.after_crash(Survival::Synced), "log").expect("there"), "safe \0\0\0\0");
}

#[test]
fn rewriting_after_a_failed_sync_makes_the_bytes_durable() {
    let storage = Crashing::new(Plan::new(5, Fault::Io));
    let mut file = storage.open_append("log").expect("step 1");
    file.append(b"safe ").expect("step 2");
    file.sync().expect("step 3");
    file.append(b"lost").expect("step 4");
    file.sync().expect_err("step 5 fails");
    let mut file = storage.open_append("log").expect("opened");
    file.truncate(5).expect("cut");
    file.append(b"back").expect("appended");
    file.sync().expect("synced");
    assert_eq!(read(&storage.after_crash(Survival::Synced), "log").expect("there"), "safe back");
}

#[test]
fn a_full_disk_says_so_and_a_short_write_leaves_a_part() {
    for (fault, left) in [(Fault::NoSpace, ""), (Fault::ShortWrite, "01234")] {
        let storage = Crashing::new(Plan::new(2, fault));
        let mut file = storage.open_append("log").expect("step 1");
        let error = file.append(b"0123456789").expect_err("step 2 fails");
        assert!(matches!(error.kind, StorageErrorKind::NoSpace));
        assert_eq!(storage.read("log", 100).expect("read"), left.as_bytes());
        file.truncate(0).expect("the handle is not poisoned by this");
    }
}

#[test]
fn an_error_while_publishing_leaves_all_or_nothing() {
    for step in 1..=4 {
        for fault in [Fault::Io, Fault::NoSpace, Fault::ShortWrite] {
            let storage = Crashing::new(Plan::new(step, fault));
            storage.publish("day", &mut &b"whole"[..]).expect_err("a fault");
            match storage.read("day", 100) {
                Ok(content) => assert_eq!((content.as_slice(), step), (&b"whole"[..], 4)),
                Err(error) => assert!(error.is_not_found() && step < 4),
            }
        }
    }
}

#[test]
fn a_second_fault_can_follow_the_first() {
    let storage = Crashing::new(Plan::new(1, Fault::Io));
    storage.replace("a", b"x").expect_err("the first");
    storage.replan(Plan::new(storage.steps() + 2, Fault::Crash));
    storage.replace("a", b"x").expect_err("the second");
    assert_eq!((storage.steps(), storage.has_crashed()), (3, true));
}

#[test]
fn a_copy_of_the_files_shares_nothing() {
    let memory = Memory::new();
    memory.replace("a", b"one").expect("written");
    let copy = Crashing::over(&memory, Plan::new(u64::MAX, Fault::Crash));
    copy.replace("a", b"two").expect("written");
    assert_eq!(memory.read("a", 10).expect("read"), b"one");
    assert_eq!(copy.read("a", 10).expect("read"), b"two");
}

#[derive(Clone, Debug)]
enum Act {
    Append(u8, Vec<u8>),
    Sync(u8),
    Truncate(u8, u8),
    Publish(u8, Vec<u8>),
    Replace(u8, Vec<u8>),
    Remove(u8),
}

fn act() -> impl Strategy<Value = Act> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..6);
    prop_oneof![
        (0..3_u8, bytes()).prop_map(|(file, bytes)| Act::Append(file, bytes)),
        (0..3_u8).prop_map(Act::Sync),
        (0..3_u8, 0..8_u8).prop_map(|(file, to)| Act::Truncate(file, to)),
        (0..3_u8, bytes()).prop_map(|(file, bytes)| Act::Publish(file, bytes)),
        (0..3_u8, bytes()).prop_map(|(file, bytes)| Act::Replace(file, bytes)),
        (0..3_u8).prop_map(Act::Remove),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever was done: with everything surviving, the image is what programs saw; and a file whose last
    /// act was a sync is the same under every survival.
    #[test]
    fn survivals_lie_between_synced_and_everything(acts in prop::collection::vec(act(), 1..20)) {
        let storage = Crashing::counting();
        for act in &acts {
            let outcome = match act {
                Act::Append(file, bytes) => storage.open_append(&format!("f{file}")).and_then(|mut f| f.append(bytes)),
                Act::Sync(file) => storage.open_append(&format!("f{file}")).and_then(|mut f| f.sync()),
                Act::Truncate(file, to) => storage.open_append(&format!("f{file}")).and_then(|mut f| {
                    let to = u64::from(*to).min(f.bytes());
                    f.truncate(to)
                }),
                Act::Publish(file, bytes) => storage.publish(&format!("f{file}"), &mut &bytes[..]),
                Act::Replace(file, bytes) => storage.replace(&format!("f{file}"), bytes),
                Act::Remove(file) => storage.remove(&format!("f{file}")),
            };
            if let Err(error) = outcome {
                prop_assert!(error.is_not_found() || error.is_already_exists(), "{}", error);
            }
        }
        let everything = storage.after_crash(Survival::Everything);
        prop_assert_eq!(everything.list("").unwrap(), storage.list("").unwrap());
        for entry in storage.list("").unwrap() {
            let live = storage.read(&entry.name, 1000).unwrap();
            prop_assert_eq!(&everything.read(&entry.name, 1000).unwrap(), &live);
            storage.open_append(&entry.name).unwrap().sync().unwrap();
            for seed in 0..4 {
                prop_assert_eq!(&storage.after_crash(Survival::Torn(seed)).read(&entry.name, 1000).unwrap(), &live);
            }
            prop_assert_eq!(&storage.after_crash(Survival::Synced).read(&entry.name, 1000).unwrap(), &live);
        }
    }
}
