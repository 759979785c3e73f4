//! The series of one test, in memory, with a store's rules for what is refused: the end of a series must not
//! take the place of the sample of a rule that has taken the series over.

use std::collections::BTreeMap;

use assurance_metrics_model::{
    AppendError, AppendErrorKind, Column, Labels, QueryError, Queryable, Selection, Series, TimeRange,
    Timestamp, Value,
};

use crate::RuleStore;

#[derive(Debug, Default)]
pub(super) struct Store(BTreeMap<Labels, Vec<(Timestamp, Value)>>);

impl Store {
    pub(super) fn append(&mut self, labels: Labels, at: Timestamp, value: Value) -> Result<(), AppendError> {
        let samples = self.0.entry(labels.clone()).or_default();
        let kind = match samples.last() {
            Some((newest, _)) if *newest > at => AppendErrorKind::OutOfOrder { newest: *newest },
            Some((newest, known)) if *newest == at && *known != value => AppendErrorKind::DuplicateTimestamp,
            Some((newest, _)) if *newest == at => return Ok(()),
            _ => {
                samples.push((at, value));
                return Ok(());
            }
        };
        Err(AppendError { labels, at, kind })
    }
}

struct Row<'a> {
    labels: &'a Labels,
    samples: &'a [(Timestamp, Value)],
}

fn inside(samples: &[(Timestamp, Value)], range: TimeRange) -> &[(Timestamp, Value)] {
    let start = samples.partition_point(|(at, _)| *at <= range.after);
    let end = samples.partition_point(|(at, _)| *at <= range.until);
    samples.get(start..end).unwrap_or_default()
}

impl Series for Row<'_> {
    fn labels(&self) -> &Labels {
        self.labels
    }

    fn read(&self, range: TimeRange, into: &mut Column) -> Result<(), QueryError> {
        inside(self.samples, range).iter().for_each(|(at, value)| into.push(*at, value));
        Ok(())
    }
}

impl Queryable for Store {
    fn select(&self, selection: &Selection<'_>) -> Result<Vec<Box<dyn Series + '_>>, QueryError> {
        let fits = |(labels, samples): &(&Labels, &Vec<(Timestamp, Value)>)| {
            selection.matchers.iter().all(|matcher| matcher.matches_labels(labels))
                && !inside(samples, selection.range).is_empty()
        };
        let rows = self.0.iter().filter(fits);
        Ok(rows.map(|(labels, samples)| Box::new(Row { labels, samples }) as Box<dyn Series>).collect())
    }

    fn label_names(&self, selection: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        let mut names: Vec<String> = Vec::new();
        for row in self.select(selection)? {
            names.extend(row.labels().iter().map(|(name, _)| name.to_owned()));
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn label_values(&self, name: &str, selection: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        let rows = self.select(selection)?;
        let mut values: Vec<String> =
            rows.iter().filter_map(|row| row.labels().get(name).map(str::to_owned)).collect();
        values.sort();
        values.dedup();
        Ok(values)
    }
}

impl RuleStore for Store {
    fn queryable(&self) -> &dyn Queryable {
        self
    }

    fn append_all(
        &mut self,
        _now: Timestamp,
        samples: &mut dyn Iterator<Item = (Labels, Timestamp, Value)>,
    ) -> Vec<AppendError> {
        samples.filter_map(|(labels, at, value)| self.append(labels, at, value).err()).collect()
    }
}
