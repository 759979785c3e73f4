//! Series over the steps of an evaluation: what every operator and function takes and gives.

use std::sync::Arc;

use assurance_metrics_model::{Duration, Histogram, Labels, METRIC_NAME, Timestamp, Value};
use hashbrown::HashMap;

use crate::error::EvalError;

/// The labels that say what a metric is, and go when a result is something else (Prometheus's
/// `schema.IsMetadataLabel`).
pub(crate) const IDENTITY: [&str; 3] = [METRIC_NAME, "__type__", "__unit__"];

/// A histogram counts as this many samples against the limit, as its buckets do.
const SAMPLES_PER_HISTOGRAM: usize = 20;

/// The instants of an evaluation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    pub(crate) start: Timestamp,
    pub(crate) step: Duration,
    pub(crate) count: usize,
}

impl Steps {
    pub(crate) fn at(&self, step: usize) -> Timestamp {
        self.start + self.step * i64::try_from(step).unwrap_or(i64::MAX)
    }

    pub(crate) fn last(&self) -> Timestamp {
        self.at(self.count.saturating_sub(1))
    }

    /// The time of each step, in seconds.
    pub(crate) fn seconds(&self) -> Vec<f64> {
        (0..self.count).map(|step| self.at(step).as_secs_f64()).collect()
    }
}

/// One series over all steps: at each a float, a histogram, or nothing.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) labels: Labels,
    /// The name is still there for matching, and goes away in the result (Prometheus's delayed name removal).
    pub(crate) drop_name: bool,
    pub(crate) values: Vec<f64>,
    pub(crate) present: Vec<bool>,
    /// Empty where every sample is a float.
    histograms: Vec<Option<Arc<Histogram>>>,
}

impl Line {
    pub(crate) fn absent(labels: Labels, drop_name: bool, count: usize) -> Self {
        Self {
            labels,
            drop_name,
            values: vec![0.0; count],
            present: vec![false; count],
            histograms: Vec::new(),
        }
    }

    /// A float at every step.
    pub(crate) fn of_floats(labels: Labels, drop_name: bool, values: Vec<f64>) -> Self {
        Self { labels, drop_name, present: vec![true; values.len()], values, histograms: Vec::new() }
    }

    pub(crate) fn set(&mut self, step: usize, value: f64) {
        self.values[step] = value;
        self.present[step] = true;
        if let Some(slot) = self.histograms.get_mut(step) {
            *slot = None;
        }
    }

    pub(crate) fn set_histogram(&mut self, step: usize, histogram: Arc<Histogram>) {
        if self.histograms.is_empty() {
            self.histograms = vec![None; self.values.len()];
        }
        self.histograms[step] = Some(histogram);
        self.present[step] = true;
    }

    pub(crate) fn put(&mut self, step: usize, value: Value) {
        match value {
            Value::Histogram(histogram) => self.set_histogram(step, histogram),
            Value::Float(value) => self.set(step, value),
            // Nothing else can be stored.
            _ => self.clear(step),
        }
    }

    pub(crate) fn clear(&mut self, step: usize) {
        self.present[step] = false;
        if let Some(slot) = self.histograms.get_mut(step) {
            *slot = None;
        }
    }

    /// The float at a step.
    pub(crate) fn float(&self, step: usize) -> Option<f64> {
        (self.present[step] && self.histogram(step).is_none()).then(|| self.values[step])
    }

    /// The histogram at a step.
    pub(crate) fn histogram(&self, step: usize) -> Option<&Arc<Histogram>> {
        self.histograms.get(step)?.as_ref()
    }

    pub(crate) fn sample(&self, step: usize) -> Option<Value> {
        match self.histogram(step) {
            Some(histogram) => Some(Value::Histogram(Arc::clone(histogram))),
            None => self.present[step].then(|| Value::Float(self.values[step])),
        }
    }

    /// Whether every sample is a float.
    pub(crate) fn is_float(&self) -> bool {
        self.histograms.is_empty()
    }

    /// Forgets histograms, for functions of floats.
    pub(crate) fn keep_floats(&mut self) {
        for (step, slot) in std::mem::take(&mut self.histograms).into_iter().enumerate() {
            if slot.is_some() {
                self.present[step] = false;
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.present.contains(&true)
    }

    /// The labels as the result shows them.
    pub(crate) fn shown_labels(&self) -> Labels {
        if self.drop_name { self.labels.without(&IDENTITY) } else { self.labels.clone() }
    }

    /// What it counts against the limit on samples.
    pub(crate) fn size(&self) -> usize {
        let histograms = self.histograms.iter().filter(|h| h.is_some()).count();
        self.values.len() + histograms * SAMPLES_PER_HISTOGRAM
    }

    /// The memory it takes, its labels' included.
    pub(crate) fn bytes(&self) -> usize {
        let of_sample = size_of::<f64>() + size_of::<bool>();
        self.values.len() * of_sample
            + self.histograms.len() * size_of::<Option<Arc<Histogram>>>()
            + self.labels.heap_bytes()
    }

    /// Takes the samples of another line, where this one has none.
    ///
    /// Gives false if both have one at a step.
    fn absorb(&mut self, other: &Self) -> bool {
        for step in 0..other.values.len() {
            if let Some(sample) = other.sample(step) {
                if self.present[step] {
                    return false;
                }
                self.put(step, sample);
            }
        }
        true
    }
}

/// Joins lines with the same labels, which take turns: `x > 5 or x <= 5` is one series to what comes after.
pub(crate) fn joined(lines: Vec<Line>) -> Result<Vec<Line>, EvalError> {
    let mut places: HashMap<(Labels, bool), usize> = HashMap::with_capacity(lines.len());
    let mut out: Vec<Line> = Vec::with_capacity(lines.len());
    for line in lines {
        let key = (line.labels.clone(), line.drop_name);
        let Some(place) = places.get(&key) else {
            places.insert(key, out.len());
            out.push(line);
            continue;
        };
        if !out[*place].absorb(&line) {
            return Err(EvalError::DuplicateLabels { labels: line.labels });
        }
    }
    Ok(out)
}

/// Joins lines whose labels are the same once names are dropped, and drops the names.
pub(crate) fn shown(lines: Vec<Line>) -> Result<Vec<Line>, EvalError> {
    let drop = |mut line: Line| {
        line.labels = line.shown_labels();
        line.drop_name = false;
        line
    };
    joined(lines.into_iter().filter(|line| !line.is_empty()).map(drop).collect())
}

/// The value of a subtree over all steps.
#[derive(Clone, Debug)]
pub(crate) enum Lines {
    Scalar(Vec<f64>),
    String(String),
    Vector(Vec<Line>),
}

impl Lines {
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Scalar(values) => values.len(),
            Self::String(_) => 0,
            Self::Vector(lines) => lines.iter().map(Line::size).sum(),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Scalar(values) => size_of_val(values.as_slice()),
            Self::String(text) => text.len(),
            Self::Vector(lines) => lines.iter().map(Line::bytes).sum(),
        }
    }
}
