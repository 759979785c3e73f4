//! The samples of one timeline, as the query engine reads them.

use assurance_metrics_model::{
    Column, Labels, Matcher, QueryError, Queryable, Selection, Series, TimeRange, Timestamp,
};
use assurance_promql::VectorSelector;

use crate::claim::Claim;

/// Columns of the series that a rule selects, in the order of their labels.
#[derive(Debug)]
pub(super) struct Samples {
    pub(super) columns: Vec<SeriesSamples>,
}

/// The samples of one series.
#[derive(Debug)]
pub(super) struct SeriesSamples {
    pub(super) labels: Labels,
    /// Index into [`Claim::series`].
    pub(super) series: usize,
    pub(super) times: Vec<Timestamp>,
    pub(super) values: Vec<f64>,
}

impl SeriesSamples {
    pub(super) fn push(&mut self, at: Timestamp, value: f64) {
        self.times.push(at);
        self.values.push(value);
    }
}

impl Samples {
    pub(super) fn new(claim: &Claim) -> Self {
        let selected = claim.series.iter().enumerate().filter(|(_, plan)| plan.selected);
        let mut columns: Vec<SeriesSamples> = selected
            .map(|(series, plan)| SeriesSamples {
                labels: plan.labels.clone(),
                series,
                times: Vec::new(),
                values: Vec::new(),
            })
            .collect();
        columns.sort_by(|a, b| a.labels.cmp(&b.labels));
        Self { columns }
    }

    pub(super) fn clear(&mut self) {
        for column in &mut self.columns {
            column.times.clear();
            column.values.clear();
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Labels, &[Timestamp], &[f64])> {
        self.columns.iter().map(|c| (&c.labels, c.times.as_slice(), c.values.as_slice()))
    }
}

/// Which series the selectors of the rules find: they never change.
#[derive(Debug)]
pub(super) struct Selected<'c> {
    known: Vec<(&'c [Matcher], Vec<usize>)>,
}

impl<'c> Selected<'c> {
    pub(super) fn new(claim: &'c Claim) -> Self {
        let samples = Samples::new(claim);
        let selectors = claim.rules.iter().flat_map(|rule| rule.rule.expression.tree().selectors());
        let known = selectors
            .map(|VectorSelector { matchers, .. }| (matchers.as_slice(), found(&samples.columns, matchers)));
        Self { known: known.collect() }
    }
}

fn found(columns: &[SeriesSamples], matchers: &[Matcher]) -> Vec<usize> {
    let selects = |labels: &Labels| matchers.iter().all(|matcher| matcher.matches_labels(labels));
    (0..columns.len()).filter(|index| selects(&columns[*index].labels)).collect()
}

/// Samples and what is known of selectors, together.
pub(super) struct View<'a> {
    pub(super) samples: &'a Samples,
    pub(super) selected: &'a Selected<'a>,
}

struct Reader<'a>(&'a SeriesSamples);

impl Series for Reader<'_> {
    fn labels(&self) -> &Labels {
        &self.0.labels
    }

    fn read(&self, range: TimeRange, into: &mut Column) -> Result<(), QueryError> {
        let times = &self.0.times;
        let from = times.partition_point(|at| *at <= range.after);
        let to = times.partition_point(|at| *at <= range.until);
        into.reserve(to.saturating_sub(from));
        let window = from..to.max(from);
        for (at, value) in times[window.clone()].iter().zip(&self.0.values[window]) {
            into.push_float(*at, *value);
        }
        Ok(())
    }
}

impl Queryable for View<'_> {
    fn select(&self, selection: &Selection<'_>) -> Result<Vec<Box<dyn Series + '_>>, QueryError> {
        let columns = &self.samples.columns;
        // The engine mostly passes on the very matchers of the rule.
        let known =
            self.selected.known.iter().find(|(matchers, _)| std::ptr::eq(*matchers, selection.matchers));
        let fresh;
        let indices = match known {
            Some((_, indices)) => indices,
            None => {
                fresh = found(columns, selection.matchers);
                &fresh
            }
        };
        let with_samples = indices.iter().map(|index| &columns[*index]).filter(|c| !c.times.is_empty());
        Ok(with_samples.map(|column| Box::new(Reader(column)) as Box<dyn Series>).collect())
    }

    fn label_names(&self, _: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        let mut names: Vec<String> = Vec::new();
        for column in &self.samples.columns {
            names.extend(column.labels.iter().map(|(name, _)| name.to_owned()));
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn label_values(&self, name: &str, _: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        let columns = self.samples.columns.iter();
        let mut values: Vec<String> = columns.filter_map(|c| c.labels.get(name).map(str::to_owned)).collect();
        values.sort();
        values.dedup();
        Ok(values)
    }
}
