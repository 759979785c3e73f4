//! The routes of the simulated BRAiN backend, as a router.
//!
//! **In scope:** the paths, parameters, bodies and error shapes of the backend's governance API, over a
//! [`World`] that somebody else may drive at the same time.
//!
//! **Out of scope:** listening, TLS and limits on bodies (the embedder's server); what the backend does
//! (`simulator`).
//!
//! ```
//! use std::sync::{Arc, Mutex};
//!
//! use assurance_metrics_model::Timestamp;
//! use assurance_simulator::{World, WorldConfig};
//!
//! let start = Timestamp::from_secs(1_766_672_123);
//! let world = Arc::new(Mutex::new(World::new(WorldConfig::default(), start)));
//! let router = assurance_brain_http::router(world, move || start);
//! # let _: axum::Router = router;
//! ```
//!
//! **Invariants:** an audit entry is answered with the bytes it was written with, and an answer has its
//! entries in the order of the log. Every error body is `{"detail": …}`, as FastAPI writes it.

mod errors;
mod handlers;
mod params;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assurance_metrics_model::Timestamp;
use assurance_simulator::World;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};

use errors::Failure;

/// Where the governance routes are mounted.
pub const PREFIX: &str = "/api/sovereign-mode";

/// The backend's routes over a world, on the clock given. Without authentication, as first published.
pub fn router(world: Arc<Mutex<World>>, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Router {
    build(Backend { world, clock: Arc::new(clock), token: None })
}

/// The same routes, every one under [`PREFIX`] behind a bearer token, as later versions have it.
pub fn protected_router(
    world: Arc<Mutex<World>>,
    clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    token: &str,
) -> Router {
    build(Backend { world, clock: Arc::new(clock), token: Some(Arc::from(token)) })
}

#[derive(Clone)]
struct Backend {
    world: Arc<Mutex<World>>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    token: Option<Arc<str>>,
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("protected", &self.token.is_some()).finish_non_exhaustive()
    }
}

impl Backend {
    /// The world as it is now, for one request at a time. A request that panicked has left no half-done
    /// change that a later one could not read.
    fn world(&self) -> Result<(MutexGuard<'_, World>, Timestamp), Failure> {
        let now = (self.clock)();
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.advance(now);
        if world.is_up() { Ok((world, now)) } else { Err(Failure::down()) }
    }
}

fn build(backend: Backend) -> Router {
    let governance = Router::new()
        .route("/audit", get(handlers::audit))
        .route("/audit/export", post(handlers::export))
        .route("/statistics", get(handlers::statistics))
        .route("/status", get(handlers::status))
        .route("/governance/status", get(handlers::governance_status))
        .route("/metrics", get(handlers::metrics))
        .route("/metrics/summary", get(handlers::metrics_summary))
        .route("/mode", post(handlers::switch_mode))
        .route("/mode/preflight", post(handlers::preflight))
        .route_layer(middleware::from_fn_with_state(backend.clone(), authenticate));
    Router::new()
        .nest(PREFIX, governance)
        .route("/api/health", get(handlers::health))
        .fallback(async || Failure::not_found())
        .method_not_allowed_fallback(async || Failure::method_not_allowed())
        .with_state(backend)
}

async fn authenticate(
    State(backend): State<Backend>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    if let Some(token) = &backend.token {
        let given = request
            .headers()
            .get(header::AUTHORIZATION)
            .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "))
            .ok_or_else(Failure::not_authenticated)?;
        if !same(given, token.as_bytes()) {
            return Err(Failure::bad_token());
        }
    }
    Ok(next.run(request).await)
}

/// Compares without stopping at the first difference.
fn same(given: &[u8], wanted: &[u8]) -> bool {
    given.len() == wanted.len() && given.iter().zip(wanted).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}
