//! The Prometheus-compatible HTTP API and the status page, as a router that nests in any service.
//!
//! **In scope:** [`router`]: the endpoints that promtool, Grafana and Prometheus's clients ask, in the shapes of
//! Prometheus 3.5; `/metrics`; a status page without scripts; who may ask (Host and Origin checks).
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
//! **Invariants.** Reads are for everybody who passes the Host check; nothing else is, and nothing is shared
//! with pages of other origins. A `GET` changes nothing. Every answer below `/api` is JSON in Prometheus's
//! envelope, lists are never null, and what a target exposes is never markup in a page. The page never calls a
//! state quiet while a target, a rule or a receiver is unseen, blind or unheard. Work past its time is answered
//! as such, and keeps its turn until it ends: no more of it runs than [`Settings::max_concurrent_queries`].

mod answer;
mod api;
mod guard;
mod own;
mod page;
mod params;
mod query;
mod state;
mod status;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

pub use state::{Reload, Settings, State};

/// Bytes of a request's body: a query of 64 KiB, form-encoded three to one, and room to spare.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// All routes, from `/` on.
pub fn router(state: State) -> Router {
    let state = Arc::new(state);
    let api = Router::new()
        .route("/query", get(query::instant).post(query::instant))
        .route("/query_range", get(query::range).post(query::range))
        .route("/query_exemplars", get(api::exemplars).post(api::exemplars))
        .route("/format_query", get(query::format).post(query::format))
        .route("/labels", get(api::labels).post(api::labels))
        .route("/label/{name}/values", get(api::label_values))
        .route("/series", get(api::series).post(api::series))
        .route("/metadata", get(api::metadata))
        .route("/targets", get(status::targets))
        .route("/targets/metadata", get(api::target_metadata))
        .route("/scrape_pools", get(status::scrape_pools))
        .route("/rules", get(status::rules))
        .route("/alerts", get(status::alerts))
        .route("/alertmanagers", get(status::alertmanagers))
        .route("/status/buildinfo", get(own::build_info))
        .route("/status/runtimeinfo", get(own::runtime_info))
        .fallback(answer::no_route)
        .method_not_allowed_fallback(answer::no_method);
    Router::new()
        .nest("/api/v1", api)
        .route("/-/ready", get(own::ready))
        .route("/-/healthy", get(own::healthy))
        .route("/-/reload", post(own::reload).put(own::reload))
        .route("/metrics", get(own::metrics))
        .route("/static/style.css", get(page::style))
        .route("/graph", get(query::graph))
        .route("/", get(page::status))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn_with_state(Arc::clone(&state), guard::check))
        .layer(from_fn(guard::headers))
        .with_state(state)
}
