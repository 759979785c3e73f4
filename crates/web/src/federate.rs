//! `/federate`: the newest sample of each series, for another Prometheus to scrape.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use assurance_exposition::Format;
use assurance_metrics_model::{
    Column, Labels, METRIC_NAME, Queryable as _, Selection, TimeRange, Timestamp, format_float,
};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use crate::answer::ApiError;
use crate::params::Params;
use crate::query::run;

/// What names a target to those who scrape it: empty where a series has none, so that it does not get theirs.
const INSTANCE: &str = "instance";

pub(crate) async fn federate(State(state): State<Arc<crate::State>>, params: Params) -> Response {
    match text(state, params).await {
        Ok(text) => ([(header::CONTENT_TYPE, Format::Text.content_type())], text).into_response(),
        Err(error) => {
            let status = error.status();
            let reason = error.error.strip_prefix("invalid parameter \"match[]\": ").unwrap_or(&error.error);
            (status, format!("{reason}\n")).into_response()
        }
    }
}

async fn text(state: Arc<crate::State>, params: Params) -> Result<String, ApiError> {
    let selectors = params.selectors()?;
    let now = state.now();
    let range = TimeRange::new(now - state.options.lookback, now);
    let external = state.pipeline().external_labels().clone();
    let store = Arc::clone(&state.store);
    run(&state, state.settings.query_timeout, move |turn| {
        let mut newest: BTreeMap<Labels, (Timestamp, f64)> = BTreeMap::new();
        let mut column = Column::new();
        for matchers in &selectors {
            turn.check()?;
            let found = store.select(&Selection { matchers, range });
            for series in found.map_err(|error| ApiError::execution(error.to_string()))? {
                column.clear();
                series.read(range, &mut column).map_err(|error| ApiError::execution(error.to_string()))?;
                let Some(last) = column.len().checked_sub(1) else { continue };
                // The text format knows neither stale markers nor native histograms.
                if !column.is_stale(last) && column.histogram(last).is_none() {
                    let sample = (column.timestamps()[last], column.floats()[last]);
                    newest.insert(series.labels().clone(), sample);
                }
            }
        }
        Ok(written(&newest, &external))
    })
    .await
}

fn written(newest: &BTreeMap<Labels, (Timestamp, f64)>, external: &Labels) -> String {
    let mut external: BTreeMap<&str, &str> = external.iter().collect();
    external.entry(INSTANCE).or_insert("");
    let mut out = String::new();
    let mut family = "";
    let mut sorted: Vec<_> = newest.iter().filter(|(labels, _)| !labels.metric_name().is_empty()).collect();
    sorted.sort_by_key(|(labels, _)| labels.metric_name());
    for (labels, (at, value)) in sorted {
        let name = labels.metric_name();
        if name != family {
            family = name;
            let quoted = quoted_name(name);
            // Writing to a `String` cannot fail.
            let _infallible = writeln!(out, "# TYPE {quoted} untyped");
        }
        let own = labels.iter().filter(|(n, _)| *n != METRIC_NAME);
        let added = external.iter().filter(|(n, _)| labels.get(n).is_none()).map(|(n, v)| (*n, *v));
        let pairs: Vec<(&str, &str)> = own.chain(added).collect();
        out.push_str(&series(name, &pairs));
        let _infallible = writeln!(out, " {} {}", format_float(*value), at.as_millis());
    }
    out
}

/// `name{a="b"}`, or `{"odd name",a="b"}`.
fn series(name: &str, pairs: &[(&str, &str)]) -> String {
    let legacy = assurance_metrics_model::is_legacy_metric_name(name);
    let mut inner: Vec<String> = Vec::with_capacity(pairs.len() + 1);
    if !legacy {
        inner.push(quoted_name(name));
    }
    for (label, value) in pairs {
        let label = if assurance_metrics_model::is_legacy_label_name(label) {
            (*label).to_owned()
        } else {
            escaped(label)
        };
        inner.push(format!("{label}={}", escaped(value)));
    }
    format!("{}{{{}}}", if legacy { name } else { "" }, inner.join(","))
}

fn quoted_name(name: &str) -> String {
    if assurance_metrics_model::is_legacy_metric_name(name) { name.to_owned() } else { escaped(name) }
}

/// In quotes, as the text format escapes label values.
fn escaped(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\""))
}
