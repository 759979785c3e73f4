//! The store of the evaluator, as a script fills it.

use assurance_metrics_model::{Appender as _, Duration, Queryable};
use assurance_promqltest::{Sample, Store};
use assurance_tsdb::Config;

/// Scripts live in 1970, and load what is older than what they have loaded: a hundred years are enough for both.
const CENTURY: Duration = Duration::from_secs(100 * 366 * 86_400);

pub(crate) struct Tsdb(assurance_tsdb::Store);

impl Default for Tsdb {
    fn default() -> Self {
        let mut config = Config::default();
        config.retention = CENTURY;
        config.out_of_order_window = CENTURY;
        Self(assurance_tsdb::Store::new(config))
    }
}

impl Store for Tsdb {
    fn clear(&mut self) -> Result<(), String> {
        *self = Self::default();
        Ok(())
    }

    fn append(&mut self, samples: &mut dyn Iterator<Item = Sample>) -> Result<(), String> {
        let mut appender = self.0.appender();
        // It keeps no start timestamps: evaluations that need them run without.
        for Sample { labels, at, value, start: _ } in samples {
            appender.append(None, &labels, at, value).map_err(|error| error.to_string())?;
        }
        appender.commit();
        Ok(())
    }

    fn queryable(&self) -> &dyn Queryable {
        &self.0
    }
}
