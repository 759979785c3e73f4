//! Who answers at which address of the virtual network.

use assurance_evidence::{FetchError, Response as FetchResponse};
use assurance_metrics_model::{Duration, Timestamp};
use assurance_scrape::{Request, Response, ScrapeError};

use crate::World;

/// The backend's address.
pub const BACKEND: &str = "backend:8000";
/// The exporter's address.
pub const EXPORTER: &str = "exporter:9465";

const METRICS_PATH: &str = "/api/sovereign-mode/metrics";
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a scrape that begins `now` and takes `latency` will bring.
pub(super) fn scrape(
    request: &Request,
    now: Timestamp,
    latency: Duration,
    world: &mut World,
    exporter_page: Option<String>,
) -> Result<Response, ScrapeError> {
    let refused = |reason: &str| Err(ScrapeError::new(reason, now, latency));
    let (host, path) = split(&request.url);
    let page = match (host, path) {
        (BACKEND, _) if !world.is_up() => return refused("connection refused"),
        (BACKEND, METRICS_PATH) => Some(world.metrics(now)),
        (EXPORTER, _) if exporter_page.is_none() => return refused("connection refused"),
        (EXPORTER, "/metrics") => exporter_page,
        (BACKEND | EXPORTER, _) => None,
        _ => return refused("no such host"),
    };
    Ok(Response {
        status: if page.is_some() { 200 } else { 404 },
        content_type: page.is_some().then(|| TEXT.to_owned()),
        body: page.unwrap_or_default().into_bytes(),
        started: now,
        duration: latency,
    })
}

fn split(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let rest = rest.split('?').next().unwrap_or(rest);
    rest.find('/').map_or((rest, "/"), |at| rest.split_at(at))
}

/// What the backend answers the exporter.
pub(super) fn fetch(path: &str, world: &World) -> Result<FetchResponse, FetchError> {
    if !world.is_up() {
        return Err(FetchError::Unreachable("connection refused".to_owned()));
    }
    let (route, query) = path.split_once('?').unwrap_or((path, ""));
    let ok = |body: String| Ok(FetchResponse { status: 200, body: body.into_bytes() });
    match route {
        "/api/sovereign-mode/statistics" => {
            ok(serde_json::to_string(&world.statistics()).expect("numbers and names always serialise"))
        }
        "/api/sovereign-mode/audit" => {
            let limit = query.strip_prefix("limit=").and_then(|n| n.parse().ok()).unwrap_or(100);
            ok(format!("[{}]", world.audit(limit, None).join(",")))
        }
        _ => Ok(FetchResponse { status: 404, body: br#"{"detail":"Not Found"}"#.to_vec() }),
    }
}
