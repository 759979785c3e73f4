//! A store whose samples survive.

mod clocks;
mod crashing;
mod damage;
mod faults;
mod golden;
mod importing;
mod inspecting;
mod joining;
mod keeping;
mod model;
mod outlines;
mod reopening;
mod snapshots;

use std::sync::Arc;

use assurance_metrics_model::{TimeRange, Value};
use assurance_storage::{Memory, Storage};
use assurance_tsdb::{Config, Recovery, Store};

use crate::read;

/// Labels and samples, floats as their bits.
pub(crate) type Content = Vec<(String, Vec<(i64, u64)>)>;

pub(crate) fn open(storage: &(impl Storage + Clone + 'static)) -> (Store, Recovery) {
    open_with(Config::default(), storage)
}

pub(crate) fn open_with(config: Config, storage: &(impl Storage + Clone + 'static)) -> (Store, Recovery) {
    Store::open(config, Arc::new(storage.clone())).expect("files that a store has written")
}

/// The files as they are, without the lock.
pub(crate) fn copy(files: &impl Storage) -> Memory {
    let copy = Memory::new();
    for file in ["wal", "segments"].iter().flat_map(|directory| files.list(directory).expect("it lists")) {
        let content = files.read(&file.name, u64::MAX).expect("it reads");
        copy.replace(&file.name, &content).expect("memory writes");
    }
    copy
}

/// Everything that can be read, floats only.
pub(crate) fn content(store: &Store) -> Content {
    let bits = |value: Value| match value {
        Value::Float(value) => value.to_bits(),
        _ => panic!("only floats are appended"),
    };
    read(store, &[], TimeRange::ALL)
        .into_iter()
        .map(|(labels, samples)| (labels, samples.into_iter().map(|(at, value)| (at, bits(value))).collect()))
        .collect()
}
