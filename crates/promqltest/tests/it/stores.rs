//! The real store as a script fills it, in memory or with files that are closed and opened again at every `load`.

use std::sync::Arc;

use assurance_metrics_model::{Appender as _, Duration, Queryable, Timestamp};
use assurance_promqltest::{Sample, Store};
use assurance_storage::Memory as Files;
use assurance_tsdb::Config;

/// Scripts live in 1970, and load what is older than what they have loaded: a hundred years are enough for both.
const CENTURY: Duration = Duration::from_secs(100 * 366 * 86_400);

/// Long enough after the newest sample for its day to be finished, whatever may come late.
const LATER: Duration = Duration::from_secs(3 * 86_400);

/// What becomes of the samples of a `load` before they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// They stay in memory.
    Memory,
    /// They are read back from the log.
    Log,
    /// Their days are sealed and the log is replaced by a checkpoint; all that is read back.
    Segments,
}

pub(crate) struct Tsdb {
    place: Place,
    files: Files,
    /// Absent only while it is opened again.
    store: Option<assurance_tsdb::Store>,
    newest: Timestamp,
}

fn config() -> Config {
    let mut config = Config::default();
    config.retention = CENTURY;
    config.out_of_order_window = CENTURY;
    config
}

impl Tsdb {
    pub(crate) fn new(place: Place) -> Self {
        let store = Some(assurance_tsdb::Store::new(config()));
        let mut new = Self { place, files: Files::new(), store, newest: Timestamp::EPOCH };
        if place != Place::Memory {
            new.reopen().expect("there are no files yet");
        }
        new
    }

    /// How many segments are read from.
    pub(crate) fn segments(&self) -> usize {
        self.store.as_ref().map_or(0, |store| store.stats().segments)
    }

    fn reopen(&mut self) -> Result<(), String> {
        self.store = None;
        let (store, recovery) = assurance_tsdb::Store::open(config(), Arc::new(self.files.clone()))
            .map_err(|error| error.to_string())?;
        if !recovery.is_clean() {
            return Err(format!("not all could be read again: {recovery:?}"));
        }
        self.store = Some(store);
        Ok(())
    }

    fn open(&self) -> Result<&assurance_tsdb::Store, String> {
        self.store.as_ref().ok_or_else(|| "the store was not opened again".to_owned())
    }
}

impl Store for Tsdb {
    fn clear(&mut self) -> Result<(), String> {
        *self = Self::new(self.place);
        Ok(())
    }

    fn append(&mut self, samples: &mut dyn Iterator<Item = Sample>) -> Result<(), String> {
        let mut newest = self.newest;
        let store = self.open()?;
        let mut appender = store.appender();
        // It keeps no start timestamps: evaluations that need them run without.
        for Sample { labels, at, value, start: _ } in samples {
            appender.append(None, &labels, at, value).map_err(|error| error.to_string())?;
            newest = newest.max(at);
        }
        appender.commit();
        if self.place == Place::Segments {
            let done = store.maintain(newest + LATER);
            if let Some(fault) = done.faults.first() {
                return Err(fault.to_string());
            }
        }
        store.sync().map_err(|fault| fault.to_string())?;
        self.newest = newest;
        if self.place == Place::Memory { Ok(()) } else { self.reopen() }
    }

    fn queryable(&self) -> &dyn Queryable {
        self.store.as_ref().expect("a store that cannot be opened again ends the script")
    }
}
