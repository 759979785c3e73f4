//! Queries: evaluated beside the asynchronous threads, some at a time, not for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use assurance_metrics_model::{Duration, Queryable};
use assurance_promql::{
    self as promql, Answer as Evaluated, EvalError, Expr, Features, ParseError, ParseErrorKind, ValueType,
};
use axum::extract::State;
use axum::response::Redirect;
use tokio::time::Instant;

use crate::answer::{Answer, ApiError, ErrorType, TRUNCATED};
use crate::params::Params;
use crate::result::QueryData;
use crate::stats::Counted;

/// Prometheus's name for functions that may still change.
const EXPERIMENTAL_FUNCTIONS: &str = "promql-experimental-functions";

pub(crate) async fn instant(
    State(state): State<Arc<crate::State>>,
    params: Params,
) -> Result<Answer<QueryData>, ApiError> {
    let expr = expression(&state, &params)?;
    let at = params.time("time")?.unwrap_or_else(|| state.now());
    evaluate(state, &params, move |store, options| promql::instant(&expr, store, at, options)).await
}

pub(crate) async fn range(
    State(state): State<Arc<crate::State>>,
    params: Params,
) -> Result<Answer<QueryData>, ApiError> {
    params.required("start")?;
    params.required("end")?;
    params.required("step")?;
    let (start, end) = (params.time("start")?.unwrap_or_default(), params.time("end")?.unwrap_or_default());
    let step = params.duration("step")?.unwrap_or_default();
    if end < start {
        return Err(ApiError::parameter("end", "end timestamp must not be before start time"));
    }
    if step <= Duration::ZERO {
        let why = "zero or negative query resolution step widths are not accepted. Try a positive integer";
        return Err(ApiError::parameter("step", why));
    }
    let steps = usize::try_from((end - start).as_millis() / step.as_millis());
    if !steps.is_ok_and(|steps| steps < state.options.max_points) {
        return Err(ApiError::bad_data(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ));
    }
    let expr = expression(&state, &params)?;
    if !matches!(expr.value_type(), ValueType::Scalar | ValueType::Vector) {
        let given = if expr.value_type() == ValueType::Matrix { "range vector" } else { "string" };
        let why =
            format!("invalid expression type {given:?} for range query, must be Scalar or instant Vector");
        return Err(ApiError::parameter("query", why));
    }
    evaluate(state, &params, move |store, options| promql::range(&expr, store, start, end, step, options))
        .await
}

/// Where alerts lead as their source: Prometheus's page for an expression, of which this has the answer alone.
pub(crate) async fn graph(params: Params) -> Redirect {
    let query = params.get("g0.expr").unwrap_or_default();
    let mut escaped = String::new();
    for byte in query.bytes() {
        if byte.is_ascii_alphanumeric() {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    Redirect::to(&format!("api/v1/query?query={escaped}"))
}

pub(crate) async fn format(
    State(state): State<Arc<crate::State>>,
    params: Params,
) -> Result<Answer<String>, ApiError> {
    Ok(Answer::new(expression(&state, &params)?.pretty()))
}

pub(crate) async fn parse(
    State(state): State<Arc<crate::State>>,
    params: Params,
) -> Result<Answer<serde_json::Value>, ApiError> {
    Ok(Answer::new(crate::syntax::tree(&expression(&state, &params)?)))
}

/// The expression in `query`; the parser has a word for none.
pub(crate) fn expression(state: &crate::State, params: &Params) -> Result<Expr, ApiError> {
    let text = params.get("query").unwrap_or_default();
    let mut features = Features::default();
    features.experimental_functions = state.settings.features.contains(EXPERIMENTAL_FUNCTIONS);
    promql::parse_with(text, features).map_err(|error| match error.kind {
        // Prometheus finds these when it evaluates.
        ParseErrorKind::Evaluation { message } => ApiError::execution(message),
        _ => ApiError::parameter("query", parse_error(text, &error)),
    })
}

/// `line:column: parse error: …`, as Prometheus's clients expect it: columns are bytes, and what is open or
/// closed wrongly is said where reading stopped, while the span shows people where it began.
pub(crate) fn parse_error(text: &str, error: &ParseError) -> String {
    let message = error.to_string();
    let stopped = if message.starts_with("unclosed ") || message.ends_with("end of input inside braces") {
        text.len()
    } else if message.starts_with("unexpected right parenthesis") {
        error.span.end
    } else {
        error.span.start
    };
    let before = text.as_bytes().get(..stopped).unwrap_or(text.as_bytes());
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = before.rsplit(|b| *b == b'\n').next().map_or(0, <[u8]>::len) + 1;
    format!("{line}:{column}: parse error: {message}")
}

async fn evaluate(
    state: Arc<crate::State>,
    params: &Params,
    evaluate: impl FnOnce(&dyn Queryable, &promql::Options) -> Result<Evaluated, EvalError> + Send + 'static,
) -> Result<Answer<QueryData>, ApiError> {
    let mut options = state.options.clone();
    if let Some(lookback) = params.duration("lookback_delta")?.filter(|span| *span > Duration::ZERO) {
        options.lookback = lookback;
    }
    let limit = params.limit()?;
    let wants_stats = params.get("stats").is_some();
    let asked = params.duration("timeout")?.map(Duration::to_std);
    let timeout = asked.unwrap_or(state.settings.query_timeout).min(state.settings.query_timeout);
    let owned = Arc::clone(&state);
    run(&state, timeout, move |turn| {
        let store = &owned.store;
        let began = Instant::now();
        let counted = wants_stats.then(|| Counted::new(store.as_ref()));
        let reader: &dyn Queryable = match &counted {
            Some(counted) => counted,
            None => store.as_ref(),
        };
        let given_up = Arc::clone(&turn.given_up);
        options.cancelled = Some(Arc::new(move || given_up.load(Ordering::Relaxed)));
        let evaluated = evaluate(reader, &options).map_err(|error| match error {
            EvalError::Cancelled => given_up_error(),
            error => ApiError::execution(error.to_string()),
        })?;
        let mut answer = Answer::new(QueryData::new(evaluated.value)?);
        answer.data.stats = counted.map(|counted| counted.stats(turn.queued, began.elapsed()));
        answer.warnings = evaluated.warnings;
        answer.warnings.extend(owned.storage_warnings());
        answer.infos = evaluated.infos;
        if answer.data.truncate(limit) {
            answer.warnings.push(TRUNCATED.to_owned());
        }
        Ok(answer)
    })
    .await
}

/// What work knows of its circumstances.
pub(crate) struct Turn {
    /// How long it waited for others.
    pub(crate) queued: std::time::Duration,
    given_up: Arc<AtomicBool>,
}

impl Turn {
    /// An error where nobody waits for the result any more.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        if self.given_up.load(Ordering::Relaxed) { Err(given_up_error()) } else { Ok(()) }
    }
}

fn given_up_error() -> ApiError {
    let error = "query was given up: it ran out of time, or its client left".to_owned();
    ApiError { error_type: ErrorType::Timeout, error }
}

/// Tells the work to end once the one who waits for it is gone: timed out, or its client left.
struct GiveUp(Arc<AtomicBool>);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does what may take long: beside the asynchronous threads, some at a time, the others waiting their turn.
pub(crate) async fn run<T: Send + 'static>(
    state: &crate::State,
    timeout: std::time::Duration,
    work: impl FnOnce(&Turn) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let arrived = Instant::now();
    let given_up = Arc::new(AtomicBool::new(false));
    let _waiting = GiveUp(Arc::clone(&given_up));
    let work = async {
        let place = Arc::clone(&state.queries).acquire_owned().await;
        let turn = Turn { queued: arrived.elapsed(), given_up };
        tokio::task::spawn_blocking(move || {
            let _place = place;
            turn.check()?;
            work(&turn)
        })
        .await
    };
    // The place is held until the work has ended, which it does soon after it was given up.
    let timed_out = |_elapsed| ApiError {
        error_type: ErrorType::Timeout,
        error: format!("query timed out in expression evaluation after {}s", timeout.as_secs_f64()),
    };
    let finished = tokio::time::timeout(timeout, work).await.map_err(timed_out)?;
    finished.map_err(|fault| ApiError {
        error_type: ErrorType::Internal,
        error: format!("the evaluation ended in a fault: {fault}"),
    })?
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::sync::{Arc, Mutex};
    use std::time::Duration as StdDuration;

    use assurance_metrics_model::Timestamp;
    use assurance_pipeline::{Config, Pipeline};
    use assurance_tsdb::Store;
    use axum::response::IntoResponse as _;

    use super::run;
    use crate::answer::ErrorType;
    use crate::{Settings, State};

    const SOON: StdDuration = StdDuration::from_millis(20);
    const LATE: StdDuration = StdDuration::from_secs(60);

    fn one_at_a_time() -> State {
        let store = Arc::new(Store::new(assurance_tsdb::Config::default()));
        let pipeline = Pipeline::new(Config::default(), Arc::clone(&store), Timestamp::EPOCH);
        let settings = Settings { max_concurrent_queries: 1, ..Settings::default() };
        let clock = Arc::new(|| Timestamp::EPOCH);
        State::with_settings(Arc::new(Mutex::new(pipeline)), store, clock, settings)
    }

    /// Times out on work that lasts until the sender is dropped.
    async fn occupy(state: &State) -> (Sender<()>, crate::answer::ApiError) {
        let (release, held) = channel::<()>();
        let outcome = run(state, SOON, move |_turn| {
            assert!(held.recv().is_err(), "only the end of the sender is awaited");
            Ok(())
        });
        (release, outcome.await.expect_err("the work outlasts its time"))
    }

    #[test]
    fn places_are_those_that_prometheus_names() {
        for (text, expected) in [
            ("", "1:1: parse error: no expression found in input"),
            ("sum(", "1:5: parse error: unclosed left parenthesis"),
            ("rate(up[5m]", "1:12: parse error: unclosed left parenthesis"),
            ("up[5m", "1:6: parse error: unclosed left bracket"),
            ("x{a=\"b\"", "1:8: parse error: unexpected end of input inside braces"),
            ("up{a=\"𝄞\"", "1:12: parse error: unexpected end of input inside braces"),
            ("\n\nup{", "3:4: parse error: unexpected end of input inside braces"),
            ("up + +)", "1:8: parse error: unexpected right parenthesis ')'"),
            ("foo bar", "1:5: parse error: unexpected identifier \"bar\""),
        ] {
            let error = assurance_promql::parse(text).expect_err(text);
            assert_eq!(super::parse_error(text, &error), expected, "{text}");
        }
    }

    #[tokio::test]
    async fn work_past_its_time_is_503_timeout() {
        let (release, error) = occupy(&one_at_a_time()).await;
        drop(release);
        assert_eq!(error.error_type, ErrorType::Timeout);
        assert_eq!(error.into_response().status(), 503);
    }

    #[tokio::test]
    async fn work_past_its_time_keeps_its_turn_until_it_ends() {
        let state = one_at_a_time();
        let (release, _timeout) = occupy(&state).await;
        let waiting = run(&state, SOON, |_turn| Ok(())).await;
        assert!(
            waiting.is_err_and(|e| e.error_type == ErrorType::Timeout),
            "there is one turn, and it is taken"
        );
        drop(release);
        assert_eq!(run(&state, LATE, |_turn| Ok(7)).await.ok(), Some(7));
    }

    #[tokio::test]
    async fn a_fault_in_the_work_is_an_answer_and_frees_the_turn() {
        let state = one_at_a_time();
        let fault = run(&state, LATE, |_turn| -> Result<(), _> { panic!("on purpose") }).await;
        assert!(fault.is_err_and(|e| e.error_type == ErrorType::Internal));
        assert!(run(&state, LATE, |_turn| Ok(())).await.is_ok());
    }
}
