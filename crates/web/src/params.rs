//! Parameters from the URL and, of a `POST`, the form: both count, as in Go.

use assurance_metrics_model::{Duration, Matcher, Timestamp, TimestampError};
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::answer::ApiError;

/// Bytes of the query part of a URL: an expression of 10 KiB, escaped three to one. Longer ones go in a form.
pub const MAX_URL_BYTES: usize = 32 << 10;

/// Selectors (`match[]`) of one request: each is a pass over the index.
pub const MAX_SELECTORS: usize = 256;

/// Names and values in the order they were given, the form's before the URL's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let url = request.uri().query().unwrap_or_default().to_owned();
        if url.len() > MAX_URL_BYTES {
            let why =
                format!("the URL's parameters have more than {MAX_URL_BYTES} bytes; send a form instead");
            let mut response = ApiError::bad_data(why).into_response();
            *response.status_mut() = StatusCode::URI_TOO_LONG;
            return Err(response);
        }
        let is_form = request
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|v| v.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
        let mut pairs = Vec::new();
        if request.method() == Method::POST && is_form {
            let body = Bytes::from_request(request, state).await.map_err(|rejection| {
                let mut response = ApiError::bad_data(rejection.body_text()).into_response();
                *response.status_mut() = rejection.status();
                response
            })?;
            let body = std::str::from_utf8(&body)
                .map_err(|_not_text| ApiError::bad_data("the form is no UTF-8").into_response())?;
            pairs.extend(decode(body));
        }
        pairs.extend(decode(&url));
        Ok(Self(pairs))
    }
}

/// `a=1&b=x%20y+z`; a broken escape stands for itself, as browsers read it.
fn decode(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (unescape(name), unescape(value))
    })
}

fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let Some((first, rest)) = bytes.split_first() {
        let hex = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
        match (first, rest) {
            (b'+', _) => out.push(b' '),
            (b'%', [a, b, after @ ..]) if hex(*a).is_some() && hex(*b).is_some() => {
                out.push(hex(*a).unwrap_or_default() << 4 | hex(*b).unwrap_or_default());
                bytes = after;
                continue;
            }
            (byte, _) => out.push(*byte),
        }
        bytes = rest;
    }
    String::from_utf8_lossy(&out).into_owned()
}

impl Params {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name).ok_or_else(|| ApiError::parameter(name, "it is missing"))
    }

    /// A time: seconds with a fraction, or RFC 3339.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_error: TimestampError| {
            let why = format!("Invalid time value for '{name}': cannot parse {text:?} to a valid timestamp");
            ApiError::parameter(name, why)
        })
    }

    /// A span: seconds with a fraction, or a Prometheus duration.
    pub(crate) fn duration(&self, name: &str) -> Result<Option<Duration>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let failed = || ApiError::parameter(name, format!("cannot parse {text:?} to a valid duration"));
        if let Ok(secs) = text.parse::<f64>() {
            if !secs.is_finite() || secs.abs() > 9e15 {
                return Err(failed());
            }
            return Ok(Some(Timestamp::from_secs_f64(secs) - Timestamp::EPOCH));
        }
        text.parse().map(Some).map_err(|_source| failed())
    }

    /// At most so many results; 0 and absence mean all.
    pub(crate) fn limit(&self) -> Result<usize, ApiError> {
        let Some(text) = self.get("limit") else { return Ok(usize::MAX) };
        match text.parse::<usize>() {
            Ok(0) => Ok(usize::MAX),
            Ok(limit) => Ok(limit),
            Err(error) => Err(ApiError::parameter("limit", error)),
        }
    }

    /// At most so many of what is kept by name, in the words Prometheus has for it; absence means all, and so
    /// does a negative number.
    pub(crate) fn count(&self, name: &str) -> Result<usize, ApiError> {
        let Some(text) = self.get(name) else { return Ok(usize::MAX) };
        let number: i64 =
            text.parse().map_err(|_no_number| ApiError::bad_data(format!("{name} must be a number")))?;
        Ok(usize::try_from(number).unwrap_or(usize::MAX))
    }

    /// A truth in Go's words for it (`strconv.ParseBool`); absent, it is false.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.get(name) {
            None | Some("0" | "f" | "F" | "false" | "False" | "FALSE") => Ok(false),
            Some("1" | "t" | "T" | "true" | "True" | "TRUE") => Ok(true),
            Some(other) => Err(ApiError::parameter(name, format!("{other:?} is neither true nor false"))),
        }
    }

    /// `match[]`, each a selector; a series counts that satisfies any.
    pub(crate) fn selectors(&self) -> Result<Vec<Vec<Matcher>>, ApiError> {
        if self.all("match[]").count() > MAX_SELECTORS {
            let why = format!("there are more than {MAX_SELECTORS}; ask in several requests");
            return Err(ApiError::parameter("match[]", why));
        }
        self.all("match[]")
            .map(|text| {
                assurance_promql::parse_selector(text)
                    .map_err(|error| ApiError::parameter("match[]", crate::query::parse_error(text, &error)))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_or_rfc_3339() {
        for (text, millis) in [
            ("0", 0),
            ("1766672123.456", 1_766_672_123_456),
            ("2025-12-25T14:15:23.456Z", 1_766_672_123_456),
            ("2025-12-25T15:15:23.4567+01:00", 1_766_672_123_456),
            ("2025-12-25T10:45:23.456-03:30", 1_766_672_123_456),
            ("2024-02-29t00:00:00z", 1_709_164_800_000),
            ("1969-12-31T23:59:59Z", -1000),
        ] {
            assert_eq!(text.parse(), Ok(Timestamp::from_millis(millis)), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2025-13-25T00:00:00Z",
            "2025-12-25",
            "NaN",
            "1e300",
            "2025-12-25T00:00:00",
            "2025-02-29T00:00:00Z",
            "2025-12-25T00:00:60Z",
            "2025-12-25T00:00:00.Z",
            "2025-12-25T00:00:00Zulu",
            "2025-12-25T00:00:00+1:00",
            "9223372036854775807-01-01T00:00:00Z",
            "2025-12-25T00:00:00+9223372036854775807:00",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn escapes_are_decoded() {
        assert_eq!(unescape("a+b%20c%2Bd%zz%"), "a b c+d%zz%");
    }
}
