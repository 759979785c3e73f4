//! Queries: evaluated beside the asynchronous threads, some at a time, not for ever.

use std::sync::Arc;

use assurance_metrics_model::{Duration, Value, format_float};
use assurance_promql::{
    self as promql, Answer as Evaluated, EvalError, Expr, ParseError, QueryValue, ValueType,
};
use axum::extract::State;
use axum::response::Redirect;
use serde::Serialize;

use crate::answer::{Answer, ApiError, ErrorType, LabelMap, Point, TRUNCATED, sample_value};
use crate::params::Params;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QueryData {
    result_type: &'static str,
    result: QueryResult,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum QueryResult {
    Point(Point),
    Vector(Vec<Element>),
    Matrix(Vec<Row>),
}

impl QueryResult {
    /// Keeps the first so many series; whether there were more.
    fn truncate(&mut self, limit: usize) -> bool {
        let before = match self {
            Self::Point(_) => return false,
            Self::Vector(vector) => {
                let before = vector.len();
                vector.truncate(limit);
                before
            }
            Self::Matrix(matrix) => {
                let before = matrix.len();
                matrix.truncate(limit);
                before
            }
        };
        before > limit
    }
}

#[derive(Debug, Serialize)]
struct Element {
    metric: LabelMap,
    value: Point,
}

#[derive(Debug, Serialize)]
struct Row {
    metric: LabelMap,
    values: Vec<Point>,
}

pub(crate) async fn instant(
    State(state): State<Arc<crate::State>>,
    params: Params,
) -> Result<Answer<QueryData>, ApiError> {
    let expr = expression(&params, "query")?;
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
    if (end - start).as_millis() / step.as_millis() >= 11_000 {
        return Err(ApiError::bad_data(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ));
    }
    let expr = expression(&params, "query")?;
    if !matches!(expr.value_type(), ValueType::Scalar | ValueType::Vector) {
        let why = "invalid expression type for range query, must be Scalar or instant Vector";
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

pub(crate) async fn format(params: Params) -> Result<Answer<String>, ApiError> {
    Ok(Answer::new(expression(&params, "query")?.to_string()))
}

fn expression(params: &Params, name: &str) -> Result<Expr, ApiError> {
    let text = params.required(name)?;
    promql::parse(text).map_err(|error| ApiError::parameter(name, parse_error(text, &error)))
}

/// `line:column: parse error: …`, as Prometheus's clients expect it.
pub(crate) fn parse_error(text: &str, error: &ParseError) -> String {
    let before = text.get(..error.span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    format!("{line}:{column}: parse error: {error}")
}

async fn evaluate(
    state: Arc<crate::State>,
    params: &Params,
    evaluate: impl FnOnce(&assurance_tsdb::Store, &promql::Options) -> Result<Evaluated, EvalError>
    + Send
    + 'static,
) -> Result<Answer<QueryData>, ApiError> {
    let mut options = state.options.clone();
    if let Some(lookback) = params.duration("lookback_delta")?.filter(|span| *span > Duration::ZERO) {
        options.lookback = lookback;
    }
    let limit = params.limit()?;
    let asked = params.duration("timeout")?.map(Duration::to_std);
    let timeout = asked.unwrap_or(state.settings.query_timeout).min(state.settings.query_timeout);
    let store = Arc::clone(&state.store);
    run(&state, timeout, move || {
        let evaluated = evaluate(&store, &options).map_err(|error| ApiError::execution(error.to_string()))?;
        let mut answer = Answer::new(data(evaluated.value)?);
        answer.warnings = evaluated.warnings;
        answer.infos = evaluated.infos;
        if answer.data.result.truncate(limit) {
            answer.warnings.push(TRUNCATED.to_owned());
        }
        Ok(answer)
    })
    .await
}

/// Does what may take long: beside the asynchronous threads, some at a time, the others waiting their turn.
pub(crate) async fn run<T: Send + 'static>(
    state: &crate::State,
    timeout: std::time::Duration,
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let work = async {
        let turn = Arc::clone(&state.queries).acquire_owned().await;
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        })
        .await
    };
    // Past the timeout the thread still ends its work, within the limit on samples, and holds its turn until
    // then.
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

fn data(value: QueryValue) -> Result<QueryData, ApiError> {
    let result_type = value.value_type().as_str();
    let result = match value {
        QueryValue::Scalar { at, value } => QueryResult::Point(Point(at, format_float(value))),
        QueryValue::String { at, text } => QueryResult::Point(Point(at, text)),
        QueryValue::Vector(vector) => QueryResult::Vector(
            vector
                .into_iter()
                .map(|s| Ok(Element { metric: LabelMap(s.labels), value: Point(s.at, float(&s.value)?) }))
                .collect::<Result<_, ApiError>>()?,
        ),
        QueryValue::Matrix(matrix) => QueryResult::Matrix(
            matrix
                .into_iter()
                .map(|series| {
                    let values = series.samples.iter().map(|(at, value)| Ok(Point(*at, float(value)?)));
                    Ok(Row {
                        metric: LabelMap(series.labels),
                        values: values.collect::<Result<_, ApiError>>()?,
                    })
                })
                .collect::<Result<_, ApiError>>()?,
        ),
    };
    Ok(QueryData { result_type, result })
}

fn float(value: &Value) -> Result<String, ApiError> {
    match value {
        Value::Float(v) => Ok(sample_value(*v)),
        _ => Err(ApiError::execution("the result has native histograms, which this API does not show yet")),
    }
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
        let outcome = run(state, SOON, move || {
            assert!(held.recv().is_err(), "only the end of the sender is awaited");
            Ok(())
        });
        (release, outcome.await.expect_err("the work outlasts its time"))
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
        let waiting = run(&state, SOON, || Ok(())).await;
        assert!(
            waiting.is_err_and(|e| e.error_type == ErrorType::Timeout),
            "there is one turn, and it is taken"
        );
        drop(release);
        assert_eq!(run(&state, LATE, || Ok(7)).await.ok(), Some(7));
    }

    #[tokio::test]
    async fn a_fault_in_the_work_is_an_answer_and_frees_the_turn() {
        let state = one_at_a_time();
        let fault = run(&state, LATE, || -> Result<(), _> { panic!("on purpose") }).await;
        assert!(fault.is_err_and(|e| e.error_type == ErrorType::Internal));
        assert!(run(&state, LATE, || Ok(())).await.is_ok());
    }
}
