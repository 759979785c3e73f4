//! The series of one test, in memory, with a store's rules for what is refused: the end of a series must not
//! take the place of the sample of a rule that has taken the series over.

use assurance_metrics_model::{
    AppendError, AppendErrorKind, Column, Labels, METRIC_NAME, MatchOp, QueryError, Queryable, Selection,
    Series, TimeRange, Timestamp, Value,
};
use hashbrown::HashMap;

use crate::RuleStore;

/// Samples in time, and how far time has come: nothing later is seen, as if it had not been scraped yet.
#[derive(Debug)]
pub(super) struct Store {
    rows: Vec<(Labels, Vec<(Timestamp, Value)>)>,
    by_labels: HashMap<Labels, usize>,
    /// Rows of each metric name, in the order of their labels.
    by_name: HashMap<Box<str>, Vec<usize>>,
    pub(super) seen_until: Timestamp,
}

impl Store {
    pub(super) fn new(seen_until: Timestamp) -> Self {
        Self { rows: Vec::new(), by_labels: HashMap::new(), by_name: HashMap::new(), seen_until }
    }

    /// The row of a series, made where there is none.
    pub(super) fn row(&mut self, labels: Labels) -> usize {
        if let Some(row) = self.by_labels.get(&labels) {
            return *row;
        }
        let row = self.rows.len();
        let name = labels.get(METRIC_NAME).unwrap_or_default();
        let rows = match self.by_name.get_mut(name) {
            Some(rows) => rows,
            None => self.by_name.entry(name.into()).or_default(),
        };
        let place = rows.partition_point(|other| self.rows[*other].0 < labels);
        rows.insert(place, row);
        self.by_labels.insert(labels.clone(), row);
        self.rows.push((labels, Vec::new()));
        row
    }

    pub(super) fn append(&mut self, row: usize, at: Timestamp, value: Value) -> Result<(), AppendError> {
        let (labels, samples) = &mut self.rows[row];
        let kind = match samples.last() {
            Some((newest, _)) if *newest > at => AppendErrorKind::OutOfOrder { newest: *newest },
            Some((newest, known)) if *newest == at && *known != value => AppendErrorKind::DuplicateTimestamp,
            Some((newest, _)) if *newest == at => return Ok(()),
            _ => {
                samples.push((at, value));
                return Ok(());
            }
        };
        Err(AppendError { labels: labels.clone(), at, kind })
    }

    /// All series that can be seen, in the order of their labels.
    pub(super) fn visible(&self) -> Vec<(&Labels, &[(Timestamp, Value)])> {
        let all = TimeRange { until: self.seen_until, ..TimeRange::ALL };
        let rows = self.rows.iter().map(|(labels, samples)| (labels, inside(samples, all)));
        let mut rows: Vec<_> = rows.filter(|(_, samples)| !samples.is_empty()).collect();
        rows.sort_by_key(|(labels, _)| *labels);
        rows
    }

    fn in_sight(&self, range: TimeRange) -> TimeRange {
        TimeRange { until: range.until.min(self.seen_until), ..range }
    }
}

struct Row<'a> {
    labels: &'a Labels,
    samples: &'a [(Timestamp, Value)],
    until: Timestamp,
}

fn inside(samples: &[(Timestamp, Value)], range: TimeRange) -> &[(Timestamp, Value)] {
    let start = samples.partition_point(|(at, _)| *at <= range.after);
    let end = start + samples[start..].partition_point(|(at, _)| *at <= range.until);
    &samples[start..end]
}

impl Series for Row<'_> {
    fn labels(&self) -> &Labels {
        self.labels
    }

    fn read(&self, range: TimeRange, into: &mut Column) -> Result<(), QueryError> {
        let range = TimeRange { until: range.until.min(self.until), ..range };
        inside(self.samples, range).iter().for_each(|(at, value)| into.push(*at, value));
        Ok(())
    }
}

impl Queryable for Store {
    fn select(&self, selection: &Selection<'_>) -> Result<Vec<Box<dyn Series + '_>>, QueryError> {
        let range = self.in_sight(selection.range);
        let name = selection.matchers.iter().find(|m| m.name() == METRIC_NAME && m.op() == MatchOp::Equal);
        let named = name.filter(|matcher| !matcher.value().is_empty());
        let mut rows: Vec<usize> = match named {
            Some(matcher) => self.by_name.get(matcher.value()).cloned().unwrap_or_default(),
            None => (0..self.rows.len()).collect(),
        };
        rows.retain(|row| {
            let (labels, samples) = &self.rows[*row];
            !inside(samples, range).is_empty()
                && selection.matchers.iter().all(|matcher| matcher.matches_labels(labels))
        });
        if named.is_none() {
            rows.sort_by(|a, b| self.rows[*a].0.cmp(&self.rows[*b].0));
        }
        let series = rows.into_iter().map(|row| {
            let (labels, samples) = &self.rows[row];
            Box::new(Row { labels, samples, until: self.seen_until }) as Box<dyn Series>
        });
        Ok(series.collect())
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
        let append = |(labels, at, value)| {
            let row = self.row(labels);
            self.append(row, at, value).err()
        };
        samples.filter_map(append).collect()
    }
}
