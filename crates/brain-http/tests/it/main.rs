//! The routes, asked in memory.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails, in helper functions too")]

mod audit;
mod bodies;
mod refusals;

use std::sync::{Arc, Mutex};

use assurance_metrics_model::{Duration, Timestamp};
use assurance_simulator::{OverrideRequest, Profile, World, WorldConfig};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

/// 2025-12-25T14:15:23Z.
const T0: Timestamp = Timestamp::from_secs(1_766_672_123);

/// A world, its routes and the clock that both read.
struct Backend {
    world: Arc<Mutex<World>>,
    clock: Arc<Mutex<Timestamp>>,
    router: Router,
}

impl Backend {
    fn new(config: WorldConfig) -> Self {
        Self::with(config, assurance_brain_http::router)
    }

    fn protected(token: &str) -> Self {
        Self::with(WorldConfig::default(), |world, clock| {
            assurance_brain_http::protected_router(world, clock, token)
        })
    }

    fn with(
        config: WorldConfig,
        build: impl FnOnce(Arc<Mutex<World>>, Box<dyn Fn() -> Timestamp + Send + Sync>) -> Router,
    ) -> Self {
        let world = Arc::new(Mutex::new(World::new(config, T0)));
        let clock = Arc::new(Mutex::new(T0));
        let read = Arc::clone(&clock);
        let router = build(Arc::clone(&world), Box::new(move || *read.lock().unwrap()));
        Self { world, clock, router }
    }

    fn wait(&self, by: Duration) {
        *self.clock.lock().unwrap() += by;
    }

    fn with_override(&self) {
        let request =
            OverrideRequest::new("a reason that will do", Duration::from_minutes(60)).with_id("ovr_1");
        self.world.lock().unwrap().create_override(T0, request).unwrap();
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, body: &str) -> Answer {
        self.send(Request::post(path).body(Body::from(body.to_owned())).unwrap()).await
    }
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn content_type(&self) -> &str {
        self.headers[header::CONTENT_TYPE].to_str().unwrap()
    }
}

fn backend() -> Backend {
    Backend::new(WorldConfig::default())
}

fn original() -> Backend {
    Backend::new(WorldConfig { profile: Profile::AsOriginal, ..WorldConfig::default() })
}
