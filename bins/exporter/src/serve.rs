//! Serves metrics and the log's tree, as c2sp.org/tlog-tiles has it. The days themselves are not served: the tree tells
//! nobody more than hashes, counts and times, and audit events are not for everybody who reaches a port.

use std::sync::{Arc, Mutex, PoisonError};

use assurance_evidence::{Digest, audit};
use assurance_exposition::Format;
use assurance_storage::{Storage, StorageError};
use assurance_tlog::tiles::{MAX_BUNDLE_BYTES, TilePath};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{ACCEPT, CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Response};
use axum::routing::get;

use crate::args::Serve;
use crate::listen::{Failure, TEXT, answer, until_stopped};
use crate::metrics::Meter;
use crate::talk::{Exit, say};

/// The content type of tiles.
const BYTES: &str = "application/octet-stream";
/// For a year, which is as long as caches are told anything: such a file never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// The checkpoint, and what witnesses add to it: to be asked for anew each time.
const NEVER: &str = "no-cache";

pub(crate) async fn run(args: &Serve) -> Exit {
    match Meter::new(&args.look) {
        Ok(meter) => {
            let router = Router::new()
                .route("/metrics", get(metrics))
                .route("/log/{*path}", get(file))
                .with_state(Arc::new(Mutex::new(meter)));
            until_stopped(&args.listen, router, &Failure::default()).await
        }
        Err(exit) => exit,
    }
}

type Shared = Arc<Mutex<Meter>>;

/// Reads from the disk, one request at a time, where nothing else waits for it.
async fn reading<T: Send + 'static>(
    meter: Shared,
    read: impl FnOnce(&mut Meter) -> T + Send + 'static,
) -> Result<T, String> {
    let read =
        tokio::task::spawn_blocking(move || read(&mut meter.lock().unwrap_or_else(PoisonError::into_inner)));
    read.await.map_err(|error| error.to_string())
}

async fn metrics(State(meter): State<Shared>, headers: HeaderMap) -> Response<Body> {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("");
    let format = Format::negotiate(accept);
    match reading(meter, move |meter| meter.page(format)).await.and_then(|page| page) {
        Ok(page) => answer(200, format.content_type(), page),
        Err(error) => {
            say(format_args!("error: no metrics: {error}"));
            answer(500, TEXT, format!("{error}\n"))
        }
    }
}

/// A file of the log, and how long it may be kept.
struct Served {
    content_type: &'static str,
    cache: &'static str,
    bytes: Vec<u8>,
}

async fn file(State(meter): State<Shared>, Path(path): Path<String>, headers: HeaderMap) -> Response<Body> {
    let served = match reading(meter, move |meter| read(meter.disk(), &path)).await {
        Ok(Ok(Some(served))) => served,
        Ok(Ok(None)) => return answer(404, TEXT, "the log has no such file\n"),
        Ok(Err(error)) => {
            say(format_args!("error: {error}"));
            return answer(500, TEXT, "the file cannot be read\n");
        }
        Err(error) => {
            say(format_args!("error: {error}"));
            return answer(500, TEXT, "the file cannot be read\n");
        }
    };
    let tag = format!("\"{}\"", Digest::of(&served.bytes));
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let known = known.flat_map(|value| value.split(',')).map(str::trim);
    let same = known
        .map(|value| value.strip_prefix("W/").unwrap_or(value))
        .any(|value| value == tag || value == "*");
    let mut response = if same {
        answer(304, served.content_type, Body::empty())
    } else {
        answer(200, served.content_type, served.bytes)
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(served.cache));
    response
}

/// Only names that the log's layout has are looked for.
fn read(storage: &dyn Storage, path: &str) -> Result<Option<Served>, StorageError> {
    if path == "checkpoint" {
        // With what witnesses signed since: whoever asks must not have to gather that.
        return match audit::witnessed_checkpoint(storage) {
            Ok(note) => {
                Ok(Some(Served { content_type: TEXT, cache: NEVER, bytes: note.to_string().into_bytes() }))
            }
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        };
    }
    let content_type = if path.parse::<TilePath>().is_ok() {
        BYTES
    } else if is_text(path) {
        TEXT
    } else {
        return Ok(None);
    };
    match storage.read(&format!("log/{path}"), MAX_BUNDLE_BYTES as u64) {
        Ok(bytes) => Ok(Some(Served { content_type, cache: FOR_EVER, bytes })),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The log's first key, copies of checkpoints, and what witnesses signed.
fn is_text(path: &str) -> bool {
    let number = |text: &str| text.parse::<u64>().is_ok_and(|number| number.to_string() == text);
    let key =
        |text: &str| text.len() == 8 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    match path.split_once('/') {
        None => path == "vkey",
        Some(("checkpoints", size)) => number(size),
        Some(("cosignatures", name)) => {
            name.split_once('.').is_some_and(|(size, id)| number(size) && key(id))
        }
        Some(_) => false,
    }
}
