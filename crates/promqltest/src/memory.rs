use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assurance_metrics_model::{
    Column, Histogram, Labels, QueryError, Queryable, Selection, Series, TimeRange, Timestamp, Value,
};

/// Series as maps from time to value: what nobody has to trust.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    series: BTreeMap<Labels, BTreeMap<Timestamp, Value>>,
}

impl MemoryStore {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.series.clear();
    }

    /// Puts a sample, in any order; a later one for the same time replaces an earlier one.
    ///
    /// A histogram that counts is compared with the one before it, and knows from then on whether it was reset.
    pub fn put(&mut self, labels: &Labels, at: Timestamp, value: Value) {
        let samples = self.series.entry(labels.clone()).or_default();
        let value = match (value, samples.range(..at).next_back()) {
            (Value::Histogram(new), before) => {
                let before = before.and_then(|(_, value)| match value {
                    Value::Histogram(before) => Some(&**before),
                    _ => None,
                });
                let reset_hint = new.hint_after(before);
                Value::Histogram(Arc::new(Histogram { reset_hint, ..Arc::unwrap_or_clone(new) }))
            }
            (value, _) => value,
        };
        samples.insert(at, value);
    }

    fn matching(&self, selection: &Selection<'_>) -> Vec<One<'_>> {
        self.series
            .iter()
            .filter(|(labels, _)| selection.matchers.iter().all(|m| m.matches_labels(labels)))
            .filter(|(_, samples)| samples.keys().any(|at| selection.range.contains(*at)))
            .map(|(labels, samples)| One { labels, samples })
            .collect()
    }
}

struct One<'a> {
    labels: &'a Labels,
    samples: &'a BTreeMap<Timestamp, Value>,
}

impl Series for One<'_> {
    fn labels(&self) -> &Labels {
        self.labels
    }

    fn read(&self, range: TimeRange, into: &mut Column) -> Result<(), QueryError> {
        for (at, value) in self.samples.iter().filter(|(at, _)| range.contains(**at)) {
            into.push(*at, value);
        }
        Ok(())
    }
}

impl Queryable for MemoryStore {
    fn select(&self, selection: &Selection<'_>) -> Result<Vec<Box<dyn Series + '_>>, QueryError> {
        Ok(self.matching(selection).into_iter().map(|one| Box::new(one) as Box<dyn Series>).collect())
    }

    fn label_names(&self, selection: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        let names: BTreeSet<String> = self
            .matching(selection)
            .iter()
            .flat_map(|one| one.labels.iter().map(|(n, _)| n.to_owned()))
            .collect();
        Ok(names.into_iter().collect())
    }

    fn label_values(&self, name: &str, selection: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        let values: BTreeSet<String> = self
            .matching(selection)
            .iter()
            .filter_map(|one| one.labels.get(name).map(str::to_owned))
            .collect();
        Ok(values.into_iter().collect())
    }
}
