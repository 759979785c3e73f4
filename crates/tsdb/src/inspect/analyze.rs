//! Where the space goes, and what the series come from.

use std::cmp::Reverse;
use std::hash::Hash;

use assurance_metrics_model::{Column, Matcher, TimeRange, Timestamp};
use hashbrown::{HashMap, HashSet};

use super::sources::{Found, Sources};
use super::{DumpError, Finding, Inspection, settled};
use crate::chunk::kind_of;
use crate::packed::CAPACITY;
use crate::segment::index::SUM_BYTES;

/// Steps in which the fill of chunks is told: as many samples as a chunk in memory takes, halved and doubled.
const FILL: [u32; 5] = [30, 60, 120, 240, CAPACITY as u32];

/// What [`Inspection::analyze`] counts. Lists have their largest first, those that are equal by name.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Analysis {
    /// Segments read.
    pub segments: usize,
    /// Series, each once.
    pub series: u64,
    /// Their labels, counted in each series.
    pub labels: u64,
    /// Samples in segments.
    pub samples: u64,
    /// Samples in the log; segments may have some of them too.
    pub log_samples: u64,
    /// Bytes of segments that the series matched take.
    pub bytes: u64,
    /// Bytes of these that are index.
    pub index_bytes: u64,
    /// Bytes of log files.
    pub log_bytes: u64,
    /// The oldest sample.
    pub first: Option<Timestamp>,
    /// The newest sample.
    pub last: Option<Timestamp>,
    /// Metrics by the bytes that they take in segments.
    pub metrics: Vec<MetricUse>,
    /// Label names by how many values they have.
    pub names: Vec<(String, u64)>,
    /// How many label names there are.
    pub name_count: usize,
    /// Label names by the bytes of their values together.
    pub value_bytes: Vec<(String, u64)>,
    /// Labels by how many series have them.
    pub pairs: Vec<((String, String), u64)>,
    /// How many labels there are.
    pub pair_count: usize,
    /// Metrics by how many series they have.
    pub cardinality: Vec<(String, u64)>,
    /// How many metrics there are.
    pub metric_count: usize,
    /// Labels most involved in churn: the parts of the whole time in which their series were not there.
    pub churning_pairs: Vec<((String, String), u64)>,
    /// The same of label names.
    pub churning_names: Vec<(String, u64)>,
    /// Chunks by their kind.
    pub kinds: Vec<ChunkUse>,
    /// Chunks by their samples: up to so many, how many chunks.
    pub fill: Vec<(u32, u64)>,
    /// What could not be read, and is not counted.
    pub findings: Vec<Finding>,
    /// Findings that are left out of these.
    pub findings_more: u64,
    /// Segments that retention removed meanwhile.
    pub removed: Vec<String>,
}

/// What a metric takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricUse {
    /// Its name.
    pub name: String,
    /// Series.
    pub series: u64,
    /// Samples in segments.
    pub samples: u64,
    /// Bytes of segments: chunks, their sums, and what the index says of them.
    pub bytes: u64,
}

/// What chunks of a kind take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChunkUse {
    /// `packed`, `xor` or `histogram`.
    pub kind: &'static str,
    /// Chunks.
    pub chunks: u64,
    /// Samples.
    pub samples: u64,
    /// Bytes, with the sum after each chunk.
    pub bytes: u64,
}

#[derive(Default)]
struct Counting {
    metrics: HashMap<String, MetricUse>,
    values: HashMap<String, HashSet<String>>,
    pairs: HashMap<(String, String), u64>,
    /// Milliseconds in which series were not there.
    uncovered: HashMap<(String, String), u64>,
}

impl Inspection {
    /// Counts what the series that one of `selectors` matches (all for none) take, in one segment (by its file's
    /// name without the directory), or in all of them and the log. Lists have `limit` entries at most.
    ///
    /// # Errors
    /// If files cannot be read or are none of a store. Damage is no error.
    pub fn analyze(
        &self,
        segment: Option<&str>,
        selectors: &[Vec<Matcher>],
        limit: usize,
    ) -> Result<Analysis, DumpError> {
        let head = if segment.is_none() { Some(self.head()?) } else { None };
        let (mut segments, findings) = settled(|| self.open_segments())?;
        if let Some(wanted) = segment {
            segments.retain(|held| held.name.rsplit('/').next() == Some(wanted));
        }
        let store = head.as_ref().map(|head| &head.store);
        let mut sources =
            Sources::new(&self.storage, &segments, store).map_err(|error| DumpError::query(&error))?;
        let newest = store.map(|store| (store.stats().min_time, store.stats().max_time)).unwrap_or_default();
        let mut analysis = Analysis {
            segments: segments.len(),
            first: segments.iter().map(|held| held.first()).chain(newest.0).min(),
            last: segments.iter().map(|held| held.last()).chain(newest.1).max(),
            fill: FILL.iter().map(|most| (*most, 0)).collect(),
            kinds: ["packed", "xor", "histogram"].map(|kind| ChunkUse { kind, ..ChunkUse::default() }).into(),
            log_bytes: head.as_ref().map_or(0, |head| head.bytes),
            ..Analysis::default()
        };
        analysis.findings.extend(head.iter().flat_map(|head| head.findings.iter().cloned()).chain(findings));
        let mut counting = Counting::default();
        while let Some(found) = sources.next() {
            let matches =
                |all: &Vec<Matcher>| all.iter().all(|matcher| matcher.matches_labels(&found.labels));
            if selectors.is_empty() || selectors.iter().any(matches) {
                counting.series(&mut analysis, &mut sources, &found);
            }
        }
        analysis.findings.append(&mut sources.findings);
        analysis.findings_more = sources.more;
        analysis.removed.append(&mut sources.removed);
        counting.finish(&mut analysis, limit);
        Ok(analysis)
    }
}

impl Counting {
    fn series(&mut self, analysis: &mut Analysis, sources: &mut Sources<'_>, found: &Found<'_>) {
        let (mut first, mut last) = (Timestamp::MAX, Timestamp::MIN);
        let mut used = MetricUse::default();
        for (place, sealed) in &found.sealed {
            used.bytes += sealed.index_bytes;
            analysis.index_bytes += sealed.index_bytes;
            for at in &sealed.chunks {
                let bytes = u64::from(at.bytes) + SUM_BYTES as u64;
                used.bytes += bytes;
                used.samples += u64::from(at.count);
                (first, last) = (first.min(at.first), last.max(at.last));
                if let Some((_, chunks)) = analysis.fill.iter_mut().find(|(most, _)| at.count <= *most) {
                    *chunks += 1;
                }
                let kind = sources.with(*place, |walk| Ok(walk.bytes(at)?.first().copied()));
                let kind = kind.flatten().and_then(kind_of);
                if let Some(held) = analysis.kinds.iter_mut().find(|held| Some(held.kind) == kind) {
                    held.chunks += 1;
                    held.samples += u64::from(at.count);
                    held.bytes += bytes;
                }
            }
        }
        if let Some(series) = &found.head {
            let mut column = Column::new();
            // Memory can always be read.
            let _infallible = series.read(TimeRange::ALL, &mut column);
            analysis.log_samples += column.len() as u64;
            if let (Some(from), Some(to)) = (column.timestamps().first(), column.timestamps().last()) {
                (first, last) = (first.min(*from), last.max(*to));
            }
        }
        analysis.series += 1;
        analysis.labels += found.labels.len() as u64;
        analysis.samples += used.samples;
        analysis.bytes += used.bytes;
        let millis =
            |a: Timestamp, b: Timestamp| b.as_millis().saturating_sub(a.as_millis()).max(0).unsigned_abs();
        let whole = analysis.first.zip(analysis.last).map_or(0, |(from, to)| millis(from, to));
        let uncovered = whole.saturating_sub(millis(first, last));
        let metric = self.metrics.entry_ref(found.labels.metric_name()).or_default();
        metric.series += 1;
        metric.samples += used.samples;
        metric.bytes += used.bytes;
        for (name, value) in &found.labels {
            let values = self.values.entry_ref(name).or_default();
            if !values.contains(value) {
                values.insert(value.to_owned());
            }
            let pair = (name.to_owned(), value.to_owned());
            *self.uncovered.entry(pair.clone()).or_default() += uncovered;
            *self.pairs.entry(pair).or_default() += 1;
        }
    }

    fn finish(self, analysis: &mut Analysis, limit: usize) {
        let whole = match (analysis.first, analysis.last) {
            (Some(first), Some(last)) => {
                last.as_millis().saturating_sub(first.as_millis()).max(1).unsigned_abs()
            }
            _ => 1,
        };
        analysis.name_count = self.values.len();
        analysis.pair_count = self.pairs.len();
        analysis.metric_count = self.metrics.len();
        let mut by_name: HashMap<String, u64> = HashMap::new();
        for ((name, _), millis) in &self.uncovered {
            *by_name.entry_ref(name).or_default() += millis;
        }
        let lengths = self
            .values
            .iter()
            .map(|(name, values)| (name.clone(), values.iter().map(|value| value.len() as u64).sum::<u64>()));
        analysis.value_bytes = largest(lengths, limit);
        let counts = self.values.iter().map(|(name, values)| (name.clone(), values.len() as u64));
        analysis.names = largest(counts, limit);
        analysis.pairs = largest(self.pairs.into_iter(), limit);
        let series = self.metrics.iter().map(|(name, held)| (name.clone(), held.series));
        analysis.cardinality = largest(series, limit);
        let churn = |(pair, millis): ((String, String), u64)| (pair, millis / whole);
        analysis.churning_pairs = largest(self.uncovered.into_iter().map(churn), limit);
        analysis.churning_names =
            largest(by_name.into_iter().map(|(name, millis)| (name, millis / whole)), limit);
        analysis.churning_pairs.retain(|(_, parts)| *parts > 0);
        analysis.churning_names.retain(|(_, parts)| *parts > 0);
        let mut metrics: Vec<MetricUse> =
            self.metrics.into_iter().map(|(name, held)| MetricUse { name, ..held }).collect();
        metrics.sort_by(|a, b| (Reverse(a.bytes), &a.name).cmp(&(Reverse(b.bytes), &b.name)));
        metrics.truncate(limit);
        analysis.metrics = metrics;
    }
}

fn largest<K: Ord + Hash>(all: impl Iterator<Item = (K, u64)>, limit: usize) -> Vec<(K, u64)> {
    let mut all: Vec<(K, u64)> = all.collect();
    all.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
    all.truncate(limit);
    all
}
