//! Prometheus's envelope (`web/api/v1`).

use assurance_metrics_model::Timestamp;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::ser::{SerializeTuple as _, Serializer};

/// The warning where `limit` left something out.
pub(crate) const TRUNCATED: &str = "results truncated due to limit";

/// A successful answer.
#[derive(Debug, Serialize)]
pub(crate) struct Answer<T> {
    status: &'static str,
    pub(crate) data: T,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) infos: Vec<String>,
}

impl<T> Answer<T> {
    pub(crate) fn new(data: T) -> Self {
        Self { status: "success", data, warnings: Vec::new(), infos: Vec::new() }
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self)
    }
}

/// What went wrong, in Prometheus's words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorType {
    BadData,
    Execution,
    Timeout,
    Internal,
    /// Switched off; Prometheus has the status 500 for it.
    Unavailable,
}

/// A failed answer.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub(crate) error_type: ErrorType,
    pub(crate) error: String,
}

impl ApiError {
    pub(crate) fn bad_data(error: impl Into<String>) -> Self {
        Self { error_type: ErrorType::BadData, error: error.into() }
    }

    pub(crate) fn execution(error: impl Into<String>) -> Self {
        Self { error_type: ErrorType::Execution, error: error.into() }
    }

    /// A parameter that cannot be read.
    pub(crate) fn parameter(name: &str, error: impl std::fmt::Display) -> Self {
        Self::bad_data(format!("invalid parameter {name:?}: {error}"))
    }
}

impl ApiError {
    pub(crate) const fn status(&self) -> StatusCode {
        match self.error_type {
            ErrorType::BadData => StatusCode::BAD_REQUEST,
            ErrorType::Execution => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorType::Timeout => StatusCode::SERVICE_UNAVAILABLE,
            ErrorType::Internal | ErrorType::Unavailable => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn word(&self) -> &'static str {
        match self.error_type {
            ErrorType::BadData => "bad_data",
            ErrorType::Execution => "execution",
            ErrorType::Timeout => "timeout",
            ErrorType::Internal => "internal",
            ErrorType::Unavailable => "unavailable",
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            status: &'static str,
            error_type: &'static str,
            error: &'a str,
        }
        json(self.status(), &Body { status: "error", error_type: self.word(), error: &self.error })
    }
}

/// In Go's words, which some clients look for.
pub(crate) async fn no_route() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "404 page not found\n")
}

pub(crate) async fn no_method() -> (StatusCode, &'static str) {
    (StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n")
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let (status, body) = match serde_json::to_vec(body) {
        Ok(body) => (status, body),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written as JSON");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                br#"{"status":"error","errorType":"internal","error":"cannot write the answer"}"#.to_vec(),
            )
        }
    };
    let mut response = body.into_response();
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Seconds since 1970 as a JSON number with at most three decimals, none where it is whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seconds(pub(crate) Timestamp);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let millis = self.0.as_millis();
        if millis % 1000 == 0 {
            serializer.serialize_i64(millis / 1000)
        } else {
            serializer.serialize_f64(self.0.as_secs_f64())
        }
    }
}

/// `[seconds, "value"]`
#[derive(Clone, Debug)]
pub(crate) struct Point(pub(crate) Timestamp, pub(crate) String);

impl Serialize for Point {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pair = serializer.serialize_tuple(2)?;
        pair.serialize_element(&Seconds(self.0))?;
        pair.serialize_element(&self.1)?;
        pair.end()
    }
}

/// `[seconds, "value"]` of a float sample, written without a text of its own in between.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FloatPoint(pub(crate) Timestamp, pub(crate) f64);

impl Serialize for FloatPoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pair = serializer.serialize_tuple(2)?;
        pair.serialize_element(&Seconds(self.0))?;
        pair.serialize_element(&SampleText(self.1))?;
        pair.end()
    }
}

/// The text that [`sample_value`] makes.
struct SampleText(f64);

impl Serialize for SampleText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut buffer = zmij::Buffer::new();
        if self.0.is_finite() {
            let text = buffer.format_finite(self.0);
            // Where it writes no exponent, both agree but for what stands after the point of a whole number.
            if !text.contains('e') {
                return serializer.serialize_str(text.strip_suffix(".0").unwrap_or(text));
            }
        }
        serializer.serialize_str(&sample_value(self.0))
    }
}

/// Labels as an object, in order.
#[derive(Clone, Debug)]
pub(crate) struct LabelMap(pub(crate) assurance_metrics_model::Labels);

impl Serialize for LabelMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter())
    }
}

/// Go's `strconv.FormatFloat(v, 'e', -1, 64)`: `1e+00`, `2.5e-03`.
pub(crate) fn exponent(value: f64) -> String {
    if !value.is_finite() {
        return assurance_metrics_model::format_float(value);
    }
    let text = format!("{value:e}");
    let Some((digits, power)) = text.split_once('e') else { return text };
    let (sign, power) = match power.strip_prefix('-') {
        Some(power) => ('-', power),
        None => ('+', power),
    };
    format!("{digits}e{sign}{power:0>2}")
}

/// The value of a sample as Prometheus's API writes it (`util/jsonutil`): with an exponent where it is extreme.
/// Scalars have none ever.
pub(crate) fn sample_value(value: f64) -> String {
    let size = value.abs();
    let extreme = size != 0.0 && !(1e-6..1e21).contains(&size);
    if extreme { exponent(value) } else { assurance_metrics_model::format_float(value) }
}

#[cfg(test)]
mod tests {
    use assurance_metrics_model::Timestamp;

    use super::{FloatPoint, exponent, sample_value};

    #[test]
    fn points_have_the_text_of_their_values() {
        let mut values =
            vec![0.0, -0.0, 1.0, 1e6, 0.1, 1.0 / 3.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        values.extend((-30..40).flat_map(|power| [10_f64.powi(power), -1.25 * 10_f64.powi(power)]));
        values.extend([
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            9_007_199_254_740_993.0,
            999_999_999_999_999_900_000.0,
        ]);
        for value in values {
            let text = serde_json::to_string(&FloatPoint(Timestamp::from_millis(1500), value)).expect("JSON");
            assert_eq!(text, format!("[1.5,\"{}\"]", sample_value(value)));
        }
    }

    #[test]
    fn values_of_alerts_have_go_exponents() {
        for (value, text) in
            [(1.0, "1e+00"), (0.0025, "2.5e-03"), (-1e100, "-1e+100"), (0.0, "0e+00"), (f64::NAN, "NaN")]
        {
            assert_eq!(exponent(value), text);
        }
    }
}
