//! A store whose samples survive.

mod crashing;
mod damage;
mod golden;
mod keeping;
mod model;
mod reopening;

use std::sync::Arc;

use assurance_metrics_model::{TimeRange, Value};
use assurance_storage::Storage;
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
