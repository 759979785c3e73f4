//! Which series a selector found, kept as long as no series comes or goes: rules ask the same again and again.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assurance_metrics_model::Matcher;
use hashbrown::HashMap;

use crate::series::Entry;

/// Selectors kept: more than the rules of one server have. Past it, all are forgotten and found again.
const MAX_SELECTORS: usize = 16_384;

/// Series in all of them together, counted again in each: 8 bytes apiece, so 8 MiB.
const MAX_ENTRIES: usize = 1 << 20;

/// Series in the order of their labels.
pub(crate) type Found = Arc<[Arc<Entry>]>;

#[derive(Debug, Default)]
pub(crate) struct Selections(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// The state of the index that they were found in.
    generation: u64,
    by_matchers: HashMap<String, Found>,
    entries: usize,
}

impl Selections {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // A panic inside leaves what was found, or less.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What these matchers found in this state of the index, or what `find` finds now.
    pub(crate) fn get(&self, generation: u64, matchers: &[Matcher], find: impl FnOnce() -> Found) -> Found {
        let key = key(matchers);
        {
            let mut kept = self.kept();
            if kept.generation != generation {
                *kept = Kept { generation, ..Kept::default() };
            }
            if let Some(found) = kept.by_matchers.get(&key) {
                return Arc::clone(found);
            }
        }
        // Found without the lock: a slow regular expression holds up nobody.
        let found = find();
        let mut kept = self.kept();
        if kept.generation == generation && found.len() <= MAX_ENTRIES {
            if kept.by_matchers.len() >= MAX_SELECTORS || kept.entries + found.len() > MAX_ENTRIES {
                *kept = Kept { generation, ..Kept::default() };
            }
            kept.entries += found.len();
            kept.by_matchers.insert(key, Arc::clone(&found));
        }
        found
    }

    /// Lets go of series that may be gone.
    pub(crate) fn forget(&self) {
        *self.kept() = Kept::default();
    }
}

/// Matchers as one text; lengths keep one from running into the next.
pub(crate) fn key(matchers: &[Matcher]) -> String {
    let mut key = String::with_capacity(64);
    for matcher in matchers {
        let (name, value) = (matcher.name(), matcher.value());
        let _infallible =
            write!(key, "{}:{name}{}{}:{value}", name.len(), matcher.op().as_str(), value.len());
    }
    key
}
