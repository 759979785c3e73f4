//! The table of checks, from which the reference is made and the tests take their examples.

mod alerts;
mod counters;
mod files;
mod ids;
mod routing;
mod runbooks;
mod selectors;
mod shared;
mod templates;
mod thresholds;

pub(crate) use alerts::*;
pub(crate) use counters::*;
pub(crate) use files::*;
pub(crate) use ids::*;
pub(crate) use routing::*;
pub(crate) use runbooks::*;
pub(crate) use selectors::*;
pub(crate) use templates::*;
pub(crate) use thresholds::*;

use crate::Check;

const TABLES: [&[&Check]; 9] = [
    selectors::TABLE,
    counters::TABLE,
    thresholds::TABLE,
    alerts::TABLE,
    templates::TABLE,
    ids::TABLE,
    runbooks::TABLE,
    routing::TABLE,
    files::TABLE,
];

/// Every check, by area.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    TABLES.into_iter().flatten().copied()
}

/// The check of a name.
pub fn find(id: &str) -> Option<&'static Check> {
    checks().find(|check| check.id == id)
}
