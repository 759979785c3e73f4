//! Series, labels and metadata.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assurance_metrics_model::{Labels, Matcher, Metadata, Queryable as _, Selection, TimeRange, Timestamp};
use axum::extract::{Path, State};
use serde::Serialize;

use crate::answer::{Answer, ApiError, LabelMap, TRUNCATED};
use crate::params::Params;
use crate::query::{Turn, run};

fn time_range(params: &Params) -> Result<TimeRange, ApiError> {
    let (start, end) = (params.time("start")?, params.time("end")?);
    if start.is_none() && end.is_none() {
        return Ok(TimeRange::ALL);
    }
    let range = TimeRange::closed(start.unwrap_or(Timestamp::MIN), end.unwrap_or(Timestamp::MAX));
    Ok(range)
}

/// Calls `each` once for every selector, or once without matchers where there is none.
fn over_selectors(
    params: &Params,
    turn: &Turn,
    mut each: impl FnMut(&Selection<'_>) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    let range = time_range(params)?;
    let selectors = params.selectors()?;
    let none: &[Matcher] = &[];
    if selectors.is_empty() {
        return each(&Selection { matchers: none, range });
    }
    selectors.iter().try_for_each(|matchers| {
        turn.check()?;
        each(&Selection { matchers, range })
    })
}

fn store_error(error: &assurance_metrics_model::QueryError) -> ApiError {
    ApiError::execution(error.to_string())
}

/// The first so many, and a warning where there were more.
fn limited<T>(all: impl IntoIterator<Item = T>, limit: usize, state: &crate::State) -> Answer<Vec<T>> {
    let mut rest = all.into_iter();
    let taken: Vec<T> = rest.by_ref().take(limit).collect();
    let mut answer = Answer::new(taken);
    answer.warnings.extend(state.storage_warnings());
    if rest.next().is_some() {
        answer.warnings.push(TRUNCATED.to_owned());
    }
    answer
}

pub(crate) async fn series(
    State(state): State<Arc<crate::State>>,
    params: Params,
) -> Result<Answer<Vec<LabelMap>>, ApiError> {
    if params.all("match[]").next().is_none() {
        return Err(ApiError::bad_data("no match[] parameter provided"));
    }
    let owned = Arc::clone(&state);
    run(&state, state.settings.query_timeout, move |turn| {
        let mut found: BTreeSet<Labels> = BTreeSet::new();
        over_selectors(&params, turn, |selection| {
            let series = owned.store.select(selection).map_err(|error| store_error(&error))?;
            found.extend(series.iter().map(|s| s.labels().clone()));
            Ok(())
        })?;
        Ok(limited(found.into_iter().map(LabelMap), params.limit()?, &owned))
    })
    .await
}

pub(crate) async fn labels(
    State(state): State<Arc<crate::State>>,
    params: Params,
) -> Result<Answer<Vec<String>>, ApiError> {
    let owned = Arc::clone(&state);
    run(&state, state.settings.query_timeout, move |turn| {
        let mut found: BTreeSet<String> = BTreeSet::new();
        over_selectors(&params, turn, |selection| {
            found.extend(owned.store.label_names(selection).map_err(|error| store_error(&error))?);
            Ok(())
        })?;
        Ok(limited(found, params.limit()?, &owned))
    })
    .await
}

pub(crate) async fn label_values(
    State(state): State<Arc<crate::State>>,
    Path(name): Path<String>,
    params: Params,
) -> Result<Answer<Vec<String>>, ApiError> {
    let name = unescape_name(&name);
    if name.is_empty() {
        return Err(ApiError::bad_data(format!("invalid label name: {name:?}")));
    }
    let owned = Arc::clone(&state);
    run(&state, state.settings.query_timeout, move |turn| {
        let mut found: BTreeSet<String> = BTreeSet::new();
        over_selectors(&params, turn, |selection| {
            found.extend(owned.store.label_values(&name, selection).map_err(|error| store_error(&error))?);
            Ok(())
        })?;
        Ok(limited(found, params.limit()?, &owned))
    })
    .await
}

/// `U__a_2e_b` is `a.b` (Prometheus's escaping of UTF-8 names in paths); a name that is no such text stands
/// for itself.
fn unescape_name(name: &str) -> String {
    let Some(mut rest) = name.strip_prefix("U__") else { return name.to_owned() };
    let mut out = String::new();
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '_' {
            out.push(c);
        } else if let Some(after) = rest.strip_prefix('_') {
            out.push('_');
            rest = after;
        } else {
            let Some((code, after)) = rest.split_once('_') else { return name.to_owned() };
            let Some(c) = u32::from_str_radix(code, 16).ok().and_then(char::from_u32) else {
                return name.to_owned();
            };
            out.push(c);
            rest = after;
        }
    }
    out
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct MetadataEntry {
    #[serde(rename = "type")]
    metric_type: &'static str,
    help: String,
    unit: String,
}

impl From<&Metadata> for MetadataEntry {
    fn from(metadata: &Metadata) -> Self {
        Self {
            metric_type: metadata.metric_type.as_str(),
            help: metadata.help.clone(),
            unit: metadata.unit.clone(),
        }
    }
}

pub(crate) async fn metadata(
    State(state): State<Arc<crate::State>>,
    params: Params,
) -> Result<Answer<BTreeMap<String, BTreeSet<MetadataEntry>>>, ApiError> {
    let (limit, wanted) = (params.count("limit")?, params.get("metric"));
    let per_metric = match params.count("limit_per_metric")? {
        0 => usize::MAX,
        limit => limit,
    };
    let pipeline = state.pipeline();
    let all = pipeline.scrape().metadata().filter(|m| wanted.is_none_or(|name| name == m.metric));
    Ok(Answer::new(by_metric(all.map(|m| (m.metric, m.metadata)), limit, per_metric)))
}

/// The first so many metrics, and of each the first so many descriptions.
fn by_metric<'a>(
    all: impl Iterator<Item = (&'a str, &'a Metadata)>,
    limit: usize,
    per_metric: usize,
) -> BTreeMap<String, BTreeSet<MetadataEntry>> {
    let mut found: BTreeMap<String, BTreeSet<MetadataEntry>> = BTreeMap::new();
    for (metric, metadata) in all {
        if found.len() >= limit && !found.contains_key(metric) {
            continue;
        }
        let entries = found.entry(metric.to_owned()).or_default();
        if entries.len() < per_metric {
            entries.insert(metadata.into());
        }
    }
    found
}

#[derive(Debug, Serialize)]
pub(crate) struct TargetMetadata {
    target: LabelMap,
    /// Left out where it was asked for by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<String>,
    #[serde(flatten)]
    entry: MetadataEntry,
}

pub(crate) async fn target_metadata(
    State(state): State<Arc<crate::State>>,
    params: Params,
) -> Result<Answer<Vec<TargetMetadata>>, ApiError> {
    let wanted = params.get("metric");
    let matchers = match params.get("match_target") {
        None => Vec::new(),
        Some(text) => assurance_promql::parse_selector(text)
            .map_err(|error| ApiError::parameter("match_target", crate::query::parse_error(text, &error)))?,
    };
    let pipeline = state.pipeline();
    let found = pipeline.scrape().metadata().filter(|m| {
        wanted.is_none_or(|name| name == m.metric)
            && matchers.iter().all(|matcher| matcher.matches_labels(m.labels))
    });
    let found = found.map(|m| TargetMetadata {
        target: LabelMap(m.labels.clone()),
        metric: wanted.is_none().then(|| m.metric.to_owned()),
        entry: m.metadata.into(),
    });
    Ok(Answer::new(found.take(params.count("limit")?).collect()))
}

/// Exemplars are read and not kept: the answer is always empty.
pub(crate) async fn exemplars(
    State(state): State<Arc<crate::State>>,
    params: Params,
) -> Result<Answer<[(); 0]>, ApiError> {
    crate::query::expression(&state, &params)?;
    Ok(Answer::new([]))
}

#[cfg(test)]
mod tests {
    use assurance_metrics_model::Metadata;

    use super::{by_metric, unescape_name};

    #[test]
    fn descriptions_are_cut_by_metric_and_within_one() {
        let [one, two] = ["one", "two"].map(|help| Metadata { help: help.to_owned(), ..Metadata::default() });
        let all = [("b", &one), ("b", &two), ("b", &one), ("a", &one)];
        let counts = |limit, per_metric| -> Vec<(String, usize)> {
            let found = by_metric(all.into_iter(), limit, per_metric);
            found.into_iter().map(|(name, entries)| (name, entries.len())).collect()
        };
        let (a, b) = ("a".to_owned(), "b".to_owned());
        assert_eq!(counts(usize::MAX, usize::MAX), [(a.clone(), 1), (b.clone(), 2)]);
        assert_eq!(counts(usize::MAX, 1), [(a, 1), (b.clone(), 1)]);
        assert_eq!(counts(1, usize::MAX), [(b, 2)]);
        assert_eq!(counts(0, usize::MAX), []);
    }

    #[test]
    fn escaped_names_are_read_back() {
        for (escaped, name) in
            [("job", "job"), ("U__a_2e_b", "a.b"), ("U__a__b", "a_b"), ("U__a_zz_", "U__a_zz_")]
        {
            assert_eq!(unescape_name(escaped), name);
        }
    }
}
