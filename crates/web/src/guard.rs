//! Who may ask, and what every answer carries.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderValue, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::Settings;

/// The ends of paths whose `POST` changes something, as all below `/api/v2`; others only ask.
const CHANGES: [&str; 4] = ["/-/reload", "/-/quit", "/api/v1/write", "/api/v1/admin/tsdb/snapshot"];

/// Refuses requests under a foreign name, and changes asked for by pages of other origins.
pub(crate) async fn check(State(settings): State<Arc<Settings>>, request: Request, next: Next) -> Response {
    if settings.check_hosts {
        let host = request.headers().get(HOST).and_then(|v| v.to_str().ok()).or(request.uri().host());
        let ours = |host| {
            is_ours(host, settings.allowed_hosts.iter().map(String::as_str).chain(settings.external_host()))
        };
        if !host.is_some_and(ours) {
            let message = format!(
                "this server does not answer to the name {:?}; reach it as localhost, or name it with --web.external-url\n",
                host.unwrap_or_default()
            );
            return (StatusCode::MISDIRECTED_REQUEST, message).into_response();
        }
    }
    let path = request.uri().path();
    let changes = CHANGES.iter().any(|end| path.ends_with(end)) || path.contains("/api/v2/");
    if changes && ![Method::GET, Method::HEAD].contains(request.method()) && !from_here(request.headers()) {
        let message =
            "changes are taken from this server's own pages and from programs, not from other sites\n";
        return (StatusCode::FORBIDDEN, message).into_response();
    }
    next.run(request).await
}

fn is_ours<'a>(host: &str, mut allowed: impl Iterator<Item = &'a str>) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _port)| name),
    };
    ["localhost", "127.0.0.1", "::1"].iter().any(|own| own.eq_ignore_ascii_case(name))
        || allowed.any(|a| a.trim_matches(['[', ']']).eq_ignore_ascii_case(name))
}

/// Whether a request comes from a program or from a page of this very origin: browsers say which.
fn from_here(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    match text("sec-fetch-site") {
        Some(site) => matches!(site, "same-origin" | "none"),
        None => match (text(ORIGIN.as_str()), text(HOST.as_str())) {
            (None, _) => true,
            (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, o)| o == host),
            (Some(_), None) => false,
        },
    }
}

/// Nothing is framed, guessed, referred, scripted or kept.
pub(crate) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
    );
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
