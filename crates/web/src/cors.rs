//! Pages of other origins: which of them may read.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue, ORIGIN, VARY,
};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::Settings;

/// The pattern that lets every origin read.
const ANY: &str = ".*";

/// Below `/api/v1`: answers `OPTIONS`, and says which origins may read, in the headers that Prometheus sets.
pub(crate) async fn share(State(settings): State<Arc<Settings>>, request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/api/v1/") {
        return next.run(request).await;
    }
    let origin = request.headers().get(ORIGIN).cloned();
    let asked = request.method() == Method::OPTIONS;
    let mut response = if asked { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let (Some(origin), Some(allowed)) = (origin, &settings.cors_origin) else { return response };
    let headers = response.headers_mut();
    // What is answered depends on the origin also where this one may not read.
    headers.append(VARY, HeaderValue::from_static("Origin"));
    let shared = if allowed.value() == ANY {
        HeaderValue::from_static("*")
    } else if origin.to_str().is_ok_and(|origin| allowed.matches(origin)) {
        origin
    } else {
        return response;
    };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, shared);
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_HEADERS, "Accept, Authorization, Content-Type, Origin"),
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (ACCESS_CONTROL_EXPOSE_HEADERS, "Date"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
