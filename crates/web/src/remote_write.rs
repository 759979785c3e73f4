//! `POST /api/v1/write`: takes Prometheus's remote-write messages, version 1.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use assurance_exposition::Family;
use assurance_metrics_model::{AppendError, AppendErrorKind, Appender as _, Duration, Timestamp, Value};
use assurance_remote_write::{DecodeError, Limits, WriteRequest, decode};
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

/// Messages that are received at once; more wait. Each may be as long as [`Limits::compressed_bytes`]: 256 MiB.
const MAX_RECEIVED: usize = 16;

/// Messages that are decoded and stored at once: each may take some 200 MB at its limits.
const MAX_DECODED: usize = 2;

/// How far ahead of the clock a sample may be, as in Prometheus.
const MAX_AHEAD: Duration = Duration::from_minutes(10);

/// Refused samples that an answer names.
const NAMED: usize = 10;

/// Media type of the messages.
const PROTOBUF: &str = "application/x-protobuf";

/// Version 1, as the parameter `proto` names it.
const V1: &str = "prometheus.WriteRequest";

/// Turns, and what became of the messages so far.
#[derive(Debug)]
pub(crate) struct Writes {
    received: Semaphore,
    decoded: Arc<Semaphore>,
    messages: AtomicU64,
    refused_messages: AtomicU64,
    samples: AtomicU64,
    histograms: AtomicU64,
    refused: AtomicU64,
    exemplars: AtomicU64,
    metadata: AtomicU64,
}

impl Default for Writes {
    fn default() -> Self {
        Self {
            received: Semaphore::new(MAX_RECEIVED),
            decoded: Arc::new(Semaphore::new(MAX_DECODED)),
            messages: AtomicU64::default(),
            refused_messages: AtomicU64::default(),
            samples: AtomicU64::default(),
            histograms: AtomicU64::default(),
            refused: AtomicU64::default(),
            exemplars: AtomicU64::default(),
            metadata: AtomicU64::default(),
        }
    }
}

impl Writes {
    /// What was taken and what was not.
    pub(crate) fn metrics(&self) -> Vec<Family> {
        #[expect(clippy::cast_precision_loss, reason = "metrics are floats")]
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        vec![
            Family::counter(
                "assurance_remote_write_messages_total",
                "Remote-write messages by their result.",
            )
            .with_sample(&[("result", "taken")], read(&self.messages))
            .with_sample(&[("result", "refused")], read(&self.refused_messages)),
            Family::counter(
                "assurance_remote_write_samples_total",
                "Samples stored from remote-write messages.",
            )
            .with_sample(&[("kind", "float")], read(&self.samples))
            .with_sample(&[("kind", "histogram")], read(&self.histograms)),
            Family::counter(
                "assurance_remote_write_refused_samples_total",
                "Samples of remote-write messages that were not stored.",
            )
            .with_sample(&[], read(&self.refused)),
            Family::counter(
                "assurance_remote_write_left_out_total",
                "Parts of remote-write messages that are not kept.",
            )
            .with_sample(&[("part", "exemplar")], read(&self.exemplars))
            .with_sample(&[("part", "metadata")], read(&self.metadata)),
        ]
    }
}

pub(crate) async fn write(State(state): State<Arc<crate::State>>, request: Request) -> Response {
    if !state.settings.remote_write_receiver {
        return text(
            StatusCode::NOT_FOUND,
            "remote write receiver needs to be enabled with --web.enable-remote-write-receiver",
        );
    }
    if let Err(message) = negotiate(request.headers()) {
        return text(StatusCode::UNSUPPORTED_MEDIA_TYPE, &message);
    }
    let limits = Limits::default();
    let length = request.headers().get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if let Some(bytes) = length.filter(|bytes| *bytes > limits.compressed_bytes) {
        let error = DecodeError::Compressed { bytes, limit: limits.compressed_bytes };
        return text(StatusCode::PAYLOAD_TOO_LARGE, &error.to_string());
    }
    // Neither is ever closed, and a message waits for its turn before it takes memory.
    let _received = state.writes.received.acquire().await;
    let body = match to_bytes(request.into_body(), limits.compressed_bytes).await {
        Ok(body) => body,
        Err(error) => {
            return text(
                StatusCode::PAYLOAD_TOO_LARGE,
                &format!(
                    "the message cannot be read, or is longer than {} bytes: {error}",
                    limits.compressed_bytes
                ),
            );
        }
    };
    let turn = Arc::clone(&state.writes.decoded).acquire_owned().await;
    let storing = tokio::task::spawn_blocking({
        let state = Arc::clone(&state);
        move || {
            // Held until the work ends, also where the sender has gone.
            let _turn = turn;
            decode(&body, &limits).map(|message| store(&state, message))
        }
    });
    match storing.await {
        Ok(Ok(outcome)) => {
            state.writes.messages.fetch_add(1, Ordering::Relaxed);
            outcome.into_response()
        }
        Ok(Err(error)) => {
            state.writes.refused_messages.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%error, "a remote-write message cannot be read");
            text(status_of(&error), &error.to_string())
        }
        Err(fault) => {
            state.writes.refused_messages.fetch_add(1, Ordering::Relaxed);
            text(StatusCode::INTERNAL_SERVER_ERROR, &format!("storing ended in a fault: {fault}"))
        }
    }
}

fn status_of(error: &DecodeError) -> StatusCode {
    match error {
        DecodeError::Compressed { .. } | DecodeError::Decompressed { .. } | DecodeError::TooMany { .. } => {
            StatusCode::PAYLOAD_TOO_LARGE
        }
        _ => StatusCode::BAD_REQUEST,
    }
}

fn text(status: StatusCode, message: &str) -> Response {
    (status, format!("{message}\n")).into_response()
}

/// Reads what the body is said to be, as Prometheus 3.5 does: nothing said is version 1 in snappy.
fn negotiate(headers: &HeaderMap) -> Result<(), String> {
    let header = |name| headers.get(name).map_or(Ok(""), HeaderValue::to_str);
    let not_text = |error| format!("a header is not text: {error}");
    let content_type = header(CONTENT_TYPE).map_err(not_text)?.trim();
    let mut parts = content_type.split(';');
    let media = parts.next().unwrap_or_default().trim();
    if !media.is_empty() && media != PROTOBUF {
        return Err(format!(
            "expected {PROTOBUF} as the first (media) part, got {content_type} content-type"
        ));
    }
    for parameter in parts {
        let Some((key, value)) = parameter.split_once('=') else {
            return Err(format!(
                "expected parameters to be key-values, got {parameter} in {content_type} content-type"
            ));
        };
        if key.trim().eq_ignore_ascii_case("proto") && value.trim().trim_matches('"') != V1 {
            return Err(format!(
                "{} protobuf message is not accepted by this server; accepted {V1}",
                value.trim()
            ));
        }
    }
    let encoding = header(CONTENT_ENCODING).map_err(not_text)?.trim();
    if encoding.is_empty() || encoding.eq_ignore_ascii_case("snappy") {
        Ok(())
    } else {
        Err(format!(
            "{encoding} encoding (compression) is not accepted by this server; only snappy is acceptable"
        ))
    }
}

/// What was stored of a message and what was not.
#[derive(Debug, Default)]
struct Outcome {
    floats: usize,
    histograms: usize,
    refused: usize,
    /// Whether the store failed, so that the same message may be taken later.
    retry: bool,
    /// How many samples for which reason, in Prometheus's words.
    reasons: BTreeMap<&'static str, usize>,
    /// The first refusals, one a line.
    named: String,
    names: usize,
}

impl Outcome {
    fn refuse(&mut self, samples: usize, reason: &'static str, what: &dyn std::fmt::Display) {
        self.refused += samples;
        *self.reasons.entry(reason).or_default() += samples;
        self.names += 1;
        if self.names <= NAMED {
            let _infallible = writeln!(self.named, "{what}");
        }
    }

    fn refuse_sample(&mut self, error: &AppendError, late: &'static str) {
        let reason = match &error.kind {
            AppendErrorKind::OutOfOrder { .. } => late,
            AppendErrorKind::DuplicateTimestamp => "duplicate sample for timestamp",
            AppendErrorKind::OutOfBounds { .. } => "out of bounds",
            AppendErrorKind::TooManySeries { .. } => "series limit reached",
            AppendErrorKind::Storage { .. } => {
                self.retry = true;
                "storage failed"
            }
            _ => "invalid sample",
        };
        self.refuse(1, reason, error);
    }
}

impl IntoResponse for Outcome {
    fn into_response(self) -> Response {
        let stored = self.floats + self.histograms;
        let mut response = if self.reasons.is_empty() {
            StatusCode::NO_CONTENT.into_response()
        } else {
            let reasons: Vec<String> =
                self.reasons.iter().map(|(reason, samples)| format!("{reason} ({samples})")).collect();
            let message = format!(
                "{}\n{stored} samples are stored and {} are refused, the first of them:\n{}",
                reasons.join(", "),
                self.refused,
                self.named.trim_end()
            );
            // A message that will be sent again must not lead to the same refusals for ever.
            let status = if self.retry { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::BAD_REQUEST };
            text(status, &message)
        };
        let headers = response.headers_mut();
        for (name, count) in [
            ("x-prometheus-remote-write-samples-written", self.floats),
            ("x-prometheus-remote-write-histograms-written", self.histograms),
            ("x-prometheus-remote-write-exemplars-written", 0),
        ] {
            headers.insert(name, HeaderValue::from(count));
        }
        response
    }
}

/// Stores what can be stored, visible as a whole before the answer is given.
fn store(state: &crate::State, message: WriteRequest) -> Outcome {
    let now = state.now();
    let latest = now + MAX_AHEAD;
    let late = if state.store.config().out_of_order_window.is_zero() {
        "out of order sample"
    } else {
        "too old sample"
    };
    let mut outcome = Outcome::default();
    for refusal in &message.refusals {
        outcome.refuse(refusal.samples, "invalid labels or histogram", refusal);
    }
    let told: usize = message.refusals.iter().map(|refusal| refusal.samples).sum();
    if message.refused_samples > told {
        *outcome.reasons.entry("invalid labels or histogram").or_default() += message.refused_samples - told;
        outcome.refused += message.refused_samples - told;
    }
    let mut appender = state.store.appender_at(now);
    let (mut floats, mut histograms) = (0, 0);
    for series in message.series {
        let mut hint = None;
        for (at, value) in series.samples {
            let is_float = matches!(value, Value::Float(_));
            if at > latest {
                outcome.refuse(1, "out of bounds", &TooFarAhead { labels: &series.labels, at });
                continue;
            }
            match appender.append(hint, &series.labels, at, value) {
                Ok(series) => {
                    hint = Some(series);
                    if is_float { floats += 1 } else { histograms += 1 }
                }
                Err(error) => outcome.refuse_sample(&error, late),
            }
        }
    }
    let committed = appender.commit();
    if committed.overtaken > 0 {
        let what = "another writer stored a newer sample, or another value for the same time, meanwhile";
        outcome.refuse(committed.overtaken, late, &what);
        // Which kind they were of is not known: floats are the rule.
        floats -= committed.overtaken.min(floats);
    }
    (outcome.floats, outcome.histograms) = (floats, histograms);
    let writes = &state.writes;
    for (counter, more) in [
        (&writes.samples, floats),
        (&writes.histograms, histograms),
        (&writes.refused, outcome.refused),
        (&writes.exemplars, message.exemplars),
        (&writes.metadata, message.metadata),
    ] {
        counter.fetch_add(more as u64, Ordering::Relaxed);
    }
    if outcome.refused > 0 {
        tracing::warn!(
            refused = outcome.refused,
            stored = floats + histograms,
            "samples of a remote-write message are refused:\n{}",
            outcome.named.trim_end()
        );
    }
    outcome
}

/// A sample from the future.
struct TooFarAhead<'a> {
    labels: &'a assurance_metrics_model::Labels,
    at: Timestamp,
}

impl std::fmt::Display for TooFarAhead<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "cannot append to {} at {}: out of bounds: timestamp is too far in the future",
            self.labels, self.at
        )
    }
}
