use std::sync::Arc;

use assurance_metrics_model::{MatchOp, Matcher, Timestamp};
use assurance_notifier::dispatch::{
    MAX_SILENCE_MATCHERS, NewSilence, Silence, SilenceError, SilenceId, SilencePhase,
};
use axum::body::Bytes;
use axum::extract::{FromRequest as _, Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::{Failed, filters, json, ok, routed};
use crate::params::Params;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GettableSilence {
    id: String,
    status: Status,
    updated_at: String,
    comment: String,
    created_by: String,
    ends_at: String,
    matchers: Vec<SilenceMatcher>,
    starts_at: String,
}

#[derive(Serialize)]
struct Status {
    state: &'static str,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SilenceMatcher {
    name: String,
    value: String,
    is_regex: bool,
    #[serde(default = "truth")]
    is_equal: bool,
}

fn truth() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostableSilence {
    #[serde(default)]
    id: String,
    matchers: Vec<SilenceMatcher>,
    starts_at: String,
    ends_at: String,
    created_by: String,
    comment: String,
}

#[derive(Serialize)]
struct Made {
    #[serde(rename = "silenceID")]
    id: String,
}

impl GettableSilence {
    fn new(silence: &Silence, now: Timestamp) -> Self {
        let matchers = silence.matchers.iter().map(|matcher| SilenceMatcher {
            name: matcher.name().to_owned(),
            value: matcher.value().to_owned(),
            is_regex: matches!(matcher.op(), MatchOp::Regex | MatchOp::NotRegex),
            is_equal: matches!(matcher.op(), MatchOp::Equal | MatchOp::Regex),
        });
        Self {
            id: silence.id.to_string(),
            status: Status { state: silence.phase(now).as_str() },
            updated_at: silence.updated_at.to_string(),
            comment: silence.comment.clone(),
            created_by: silence.created_by.clone(),
            ends_at: silence.ends_at.to_string(),
            matchers: matchers.collect(),
            starts_at: silence.starts_at.to_string(),
        }
    }
}

/// `GET` lists them, `POST` makes or changes one.
pub(crate) async fn silences(
    State(state): State<Arc<crate::State>>,
    request: Request,
) -> Result<Response, Response> {
    if request.method() == Method::POST {
        let body = Bytes::from_request(request, &state).await.map_err(IntoResponse::into_response)?;
        make(&state, &body).map_err(IntoResponse::into_response)
    } else {
        let params = Params::from_request(request, &state).await?;
        list(&state, &params).map_err(IntoResponse::into_response)
    }
}

/// Those that hold first, then those to come, then those that are over; each by its end.
fn list(state: &crate::State, params: &Params) -> Result<Response, Failed> {
    let filters = filters(params)?;
    let now = state.now();
    let pipeline = state.pipeline();
    let all = routed(&pipeline)?.silences();
    let mut found: Vec<&Silence> = all.filter(|silence| is_about(silence, &filters)).collect();
    found.sort_by_key(|silence| match silence.phase(now) {
        SilencePhase::Active => (0, silence.ends_at.as_millis()),
        SilencePhase::Pending => (1, silence.starts_at.as_millis()),
        SilencePhase::Expired => (2, -silence.ends_at.as_millis()),
    });
    Ok(ok(&found.into_iter().map(|silence| GettableSilence::new(silence, now)).collect::<Vec<_>>()))
}

/// Whether every filter holds for what a silence says of that label: as Alertmanager, which takes a matcher's value
/// for the label's.
fn is_about(silence: &Silence, filters: &[Matcher]) -> bool {
    filters.iter().all(|filter| {
        let said = silence.matchers.iter().find(|matcher| matcher.name() == filter.name());
        filter.matches(said.map_or("", Matcher::value))
    })
}

fn make(state: &crate::State, body: &[u8]) -> Result<Response, Failed> {
    let asked: PostableSilence = serde_json::from_slice(body)
        .map_err(|error| Failed::bad(format!("the body is no silence: {error}")))?;
    if asked.matchers.len() > MAX_SILENCE_MATCHERS {
        return Err(Failed::bad(SilenceError::Large.to_string()));
    }
    let time = |text: &str| {
        text.parse::<Timestamp>()
            .map_err(|_no_time| Failed::bad(format!("{text:?} is no time; write 2026-01-31T12:00:00Z")))
    };
    let matchers = asked.matchers.iter().map(|matcher| {
        let op = match (matcher.is_regex, matcher.is_equal) {
            (false, true) => MatchOp::Equal,
            (false, false) => MatchOp::NotEqual,
            (true, true) => MatchOp::Regex,
            (true, false) => MatchOp::NotRegex,
        };
        Matcher::new(&matcher.name, op, &matcher.value).map_err(|error| Failed::bad(error.to_string()))
    });
    let silence = NewSilence {
        id: (!asked.id.is_empty()).then(|| SilenceId::new(&asked.id)),
        matchers: matchers.collect::<Result<_, _>>()?,
        starts_at: time(&asked.starts_at)?,
        ends_at: time(&asked.ends_at)?,
        created_by: asked.created_by,
        comment: asked.comment,
    };
    let now = state.now();
    let made = state.pipeline().handle_silence(now, silence);
    let id = made.map_err(|error| not_found(error.to_string(), error.into()))?;
    (state.wake)();
    Ok(ok(&Made { id: id.to_string() }))
}

/// `GET` shows one, `DELETE` ends it.
pub(crate) async fn silence(
    State(state): State<Arc<crate::State>>,
    method: Method,
    Path(id): Path<String>,
) -> Result<Response, Failed> {
    let (id, now) = (SilenceId::new(&id), state.now());
    let mut pipeline = state.pipeline();
    if method == Method::DELETE {
        let ended = pipeline.handle_silence_end(now, &id);
        drop(pipeline);
        ended.map_err(|error| not_found(error.to_string(), error.into()))?;
        (state.wake)();
        return Ok(json(StatusCode::OK, &serde_json::Map::new()));
    }
    let unknown = || Failed(StatusCode::NOT_FOUND, format!("there is no silence {id}"));
    let silence = routed(&pipeline)?.silence(&id).ok_or_else(unknown)?;
    Ok(ok(&GettableSilence::new(silence, now)))
}

/// What is not there is 404, all else as it was.
fn not_found(message: String, failed: Failed) -> Failed {
    if message.starts_with("there is no silence") { Failed(StatusCode::NOT_FOUND, message) } else { failed }
}
