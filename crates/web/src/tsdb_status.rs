//! What takes room in the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assurance_metrics_model::{Queryable as _, Selection, TimeRange, Timestamp};
use axum::extract::State;
use serde::Serialize;

use crate::answer::{Answer, ApiError};
use crate::params::Params;
use crate::query::run;

/// Entries of each list where `limit` does not say otherwise.
const DEFAULT_LIMIT: usize = 10;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TsdbStatus {
    head_stats: HeadStats,
    series_count_by_metric_name: Vec<Count>,
    label_value_count_by_label_name: Vec<Count>,
    memory_in_bytes_by_label_name: Vec<Count>,
    series_count_by_label_value_pair: Vec<Count>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct HeadStats {
    num_series: usize,
    num_label_pairs: usize,
    chunk_count: usize,
    min_time: i64,
    max_time: i64,
}

#[derive(Debug, Serialize)]
struct Count {
    name: String,
    value: usize,
}

pub(crate) async fn tsdb(
    State(state): State<Arc<crate::State>>,
    params: Params,
) -> Result<Answer<TsdbStatus>, ApiError> {
    let limit = match params.get("limit").map(str::parse::<usize>) {
        None => DEFAULT_LIMIT,
        Some(Ok(limit)) if limit > 0 => limit,
        Some(_) => return Err(ApiError::bad_data("limit must be a positive number")),
    };
    let store = Arc::clone(&state.store);
    run(&state, state.settings.query_timeout, move |_turn| {
        let stats = store.stats();
        let all = store
            .select(&Selection { matchers: &[], range: TimeRange::ALL })
            .map_err(|error| ApiError::execution(error.to_string()))?;
        let mut by_metric: BTreeMap<&str, usize> = BTreeMap::new();
        let mut by_pair: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for series in &all {
            *by_metric.entry(series.labels().metric_name()).or_default() += 1;
            for pair in series.labels() {
                *by_pair.entry(pair).or_default() += 1;
            }
        }
        let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (name, value) in by_pair.keys() {
            values.entry(name).or_default().insert(value);
        }
        let bytes = |set: &BTreeSet<&str>| set.iter().map(|value| value.len()).sum();
        by_metric.remove("");
        Ok(Answer::new(TsdbStatus {
            head_stats: HeadStats {
                num_series: stats.series,
                num_label_pairs: by_pair.len(),
                chunk_count: stats.chunks,
                // Prometheus's own for an empty head.
                min_time: stats.min_time.map_or(i64::MAX, Timestamp::as_millis),
                max_time: stats.max_time.map_or(i64::MIN, Timestamp::as_millis),
            },
            series_count_by_metric_name: top(by_metric.iter().map(|(n, c)| ((*n).to_owned(), *c)), limit),
            label_value_count_by_label_name: top(
                values.iter().map(|(n, set)| ((*n).to_owned(), set.len())),
                limit,
            ),
            memory_in_bytes_by_label_name: top(
                values.iter().map(|(n, set)| ((*n).to_owned(), bytes(set))),
                limit,
            ),
            series_count_by_label_value_pair: top(
                by_pair.iter().map(|((n, v), c)| (format!("{n}={v}"), *c)),
                limit,
            ),
        }))
    })
    .await
}

/// The largest, then by name.
fn top(all: impl Iterator<Item = (String, usize)>, limit: usize) -> Vec<Count> {
    let mut counts: Vec<Count> = all.map(|(name, value)| Count { name, value }).collect();
    counts.sort_by(|a, b| b.value.cmp(&a.value).then_with(|| a.name.cmp(&b.name)));
    counts.truncate(limit);
    counts
}

#[cfg(test)]
mod tests {
    use super::top;

    #[test]
    fn the_largest_come_first_and_ties_by_name() {
        let all = [("b", 1), ("a", 1), ("c", 7), ("d", 0)].map(|(n, v)| (n.to_owned(), v));
        let shown: Vec<_> = top(all.into_iter(), 3).into_iter().map(|c| (c.name, c.value)).collect();
        assert_eq!(shown, [("c".to_owned(), 7), ("a".to_owned(), 1), ("b".to_owned(), 1)]);
    }
}
