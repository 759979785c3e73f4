//! The Prometheus-compatible HTTP API and the status page, as a router that nests in any service.
//!
//! **In scope:** [`starting`], which answers before there is anything to show; [`router`]: the endpoints that promtool, Grafana and Prometheus's clients ask, in the shapes of
//! Prometheus 3.5; `/metrics`; a status page without scripts; who may ask (Host and Origin checks); Prometheus's remote write.
//!
//! **Out of scope:** sockets, TLS and passwords (`runtime`); evaluating (`promql`) and what is shown
//! (`pipeline`).
//!
//! ```
//! use std::sync::{Arc, Mutex};
//! use assurance_metrics_model::Timestamp;
//! use assurance_pipeline::{Config, Pipeline};
//! use assurance_tsdb::Store;
//! use assurance_web::{State, router};
//!
//! let store = Arc::new(Store::new(assurance_tsdb::Config::default()));
//! let pipeline = Pipeline::new(Config::default(), Arc::clone(&store), Timestamp::EPOCH);
//! let state = State::new(Arc::new(Mutex::new(pipeline)), store, Arc::new(|| Timestamp::from_secs(60)));
//! // Beside an application's own routes:
//! let app: axum::Router = axum::Router::new().nest("/assurance", router(state));
//! # let _ = app;
//! ```
//!
//! **Invariants.** Reads are for everybody who passes the Host check; nothing else is, and pages of other
//! origins read nothing but what [`Settings::cors_origin`] names. A `GET` changes nothing. Every endpoint below
//! `/api` that is read answers in Prometheus's envelope, lists are never null, secrets are hidden, and what a target exposes
//! is never markup in a page. The page never calls a state quiet while a target, a rule or a receiver is unseen,
//! blind or unheard. Work past its time, or that nobody waits for any more, is told to end, and keeps its turn
//! until it does: no more of it runs than [`Settings::max_concurrent_queries`]. [`ENDPOINTS`] is all there is.

mod admin;
mod alertmanager;
mod answer;
mod api;
mod compress;
mod cors;
mod federate;
mod guard;
mod own;
mod page;
mod params;
mod query;
mod redact;
mod remote_write;
mod result;
mod routes;
mod starting;
mod state;
mod stats;
mod status;
mod syntax;
mod tsdb_status;

use std::sync::Arc;

use assurance_tsdb::Progress;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};

pub use params::{MAX_SELECTORS, MAX_URL_BYTES};
pub use routes::{ENDPOINTS, Endpoint, Method, reference};
pub use state::{Process, Reload, Settings, State, TakeSnapshot};

/// Bytes of a request's body: a query of 64 KiB, form-encoded three to one, and room to spare.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// All routes, from `/` on.
pub fn router(state: State) -> Router {
    let settings = Arc::new(state.settings.clone());
    let routes = routes::routes()
        .fallback(answer::no_route)
        .method_not_allowed_fallback(answer::no_method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn(compress::gzip));
    guarded(routes, settings).with_state(Arc::new(state))
}

/// What is answered while the samples of earlier runs are read: that the process lives, how far it is, and 503 to
/// everything else.
pub fn starting(settings: Settings, progress: Arc<Progress>) -> Router {
    guarded(starting::routes(progress), Arc::new(settings))
}

/// Lets in who may ask.
fn guarded<S: Clone + Send + Sync + 'static>(routes: Router<S>, settings: Arc<Settings>) -> Router<S> {
    routes
        .layer(from_fn_with_state(Arc::clone(&settings), cors::share))
        .layer(from_fn_with_state(settings, guard::check))
        .layer(from_fn(guard::headers))
}
