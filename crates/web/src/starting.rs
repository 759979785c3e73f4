//! What is answered before the samples of earlier runs are back.

use std::sync::Arc;

use assurance_tsdb::Progress;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;

use crate::own;

pub(crate) fn routes(progress: Arc<Progress>) -> Router {
    Router::new()
        .route("/-/healthy", get(own::healthy))
        .route("/api/v1/status/walreplay", get(move || async move { own::replayed(&progress) }))
        .fallback(unavailable)
        .method_not_allowed_fallback(unavailable)
}

/// In Prometheus's words, which clients wait by.
async fn unavailable() -> (StatusCode, &'static str) {
    (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable\n")
}
