//! Threads that compute ahead change nothing of what is written, and nothing of the order it is written in.

use std::collections::BTreeMap;
use std::sync::Arc;

use assurance_evidence::Day;
use assurance_metrics_model::Duration;
use assurance_storage::{Crashing, Fault, Memory, Plan, Storage, Survival};

use crate::backend::at;
use crate::rig::Rig;

/// Every file of an archive but the lock.
fn image(storage: &dyn Storage) -> BTreeMap<String, Vec<u8>> {
    let directories = ["hot", "cold", "log", "log/tile/0", "log/tile/entries", "log/checkpoints", "state"];
    let entries = directories.iter().flat_map(|directory| storage.list(directory).expect("listed"));
    entries
        .map(|entry| {
            let bytes = storage.read(&entry.name, 1 << 24).expect("read");
            (entry.name, bytes)
        })
        .collect()
}

/// Four days and a supplement that are published and not sealed.
fn due(memory: &Memory) -> Rig {
    let mut rig = Rig::new(Arc::new(memory.clone()));
    rig.day(2);
    rig.backend.write(at("2026-01-02T23:00:00Z"));
    for events in [4, 0, 700, 1] {
        rig.collect(events);
        rig.now = Day::of(rig.now).end() + Duration::from_minutes(120);
        rig.collect(0);
    }
    rig
}

#[test]
fn several_threads_write_what_one_does_in_the_same_order() {
    let memory = Memory::new();
    let mut rig = due(&memory);
    // What is there when it is stopped at a step, and how far it came.
    let mut stopped = |threads, at_step| {
        let crashing = Crashing::over(&memory, Plan::new(at_step, Fault::Crash));
        rig.threads = threads;
        rig.storage = Arc::new(crashing.clone());
        let sealed = rig.try_seal().map(|sealed| sealed.len()).map_err(|error| error.to_string());
        (sealed, image(&crashing.after_crash(Survival::Everything)), crashing.steps())
    };
    let (sealed, _, steps) = stopped(1, u64::MAX);
    assert_eq!(sealed, Ok(5));
    assert!(steps > 50, "{steps}");
    for at_step in (1..=steps).chain([u64::MAX]) {
        let alone = stopped(1, at_step);
        for threads in [2, 3, 100] {
            assert!(stopped(threads, at_step) == alone, "{threads} threads, step {at_step}");
        }
    }
}

#[test]
fn what_one_thread_refuses_several_refuse_in_the_same_words() {
    for (name, content) in [
        ("hot/audit-2026-01-05.jsonl", Some("{}\n")),
        ("hot/audit-2026-01-05.jsonl", Some("")),
        ("hot/audit-2026-01-05.jsonl.sha256", None),
        ("hot/audit-2026-01-03.facts.jsonl", Some("{}\n")),
        ("cold/audit-2026-01-04.leaves", Some("other")),
        ("cold/audit-2026-01-05.jsonl.zst", Some("none")),
    ] {
        let memory = Memory::new();
        let mut rig = due(&memory);
        rig.storage.remove(name).ok();
        if let Some(content) = content {
            rig.storage.publish(name, &mut content.as_bytes()).expect("removed before");
        }
        let mut refused = |threads| {
            let crashing = Crashing::over(&memory, Plan::new(u64::MAX, Fault::Crash));
            rig.threads = threads;
            rig.storage = Arc::new(crashing.clone());
            let error = rig.try_seal().expect_err("not what was published").to_string();
            (error, image(&crashing))
        };
        let alone = refused(1);
        for threads in [2, 3] {
            assert!(refused(threads) == alone, "{name}, {threads} threads");
        }
    }
}
