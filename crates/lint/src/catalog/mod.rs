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

use crate::{Check, Example};

const TABLES: [&[&Check]; 9] =
    [SELECTORS, COUNTERS, THRESHOLDS, ALERTS, TEMPLATES, IDS, RUNBOOKS, ROUTING, FILES];

/// Every check, by area.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    TABLES.into_iter().flatten().copied()
}

/// Files that stand beside many examples, to be shown once.
pub const fn shared_files() -> Example {
    &shared::SHARED
}

/// The check of a name.
pub fn find(id: &str) -> Option<&'static Check> {
    checks().find(|check| check.id == id)
}
