//! The witness: another host, another admin, another key, who signs what logs say of themselves as long as they only
//! grow.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assurance_disk::{Disk, WallClock};
use assurance_evidence::witness::{self, WitnessState, WitnessStateError};
use assurance_exposition::{Family, Format, encode};
use assurance_tlog::cosignature::CosignerKey;
use assurance_tlog::note::VerifierKey;
use assurance_tlog::witness::{MAX_REQUEST_BYTES, Response};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response as Answer, header};
use axum::routing::{get, post};

use crate::args::Witness;
use crate::listen::{Failure, TEXT, answer, until_stopped};
use crate::talk::{Exit, print, say};
use crate::{key, log};

struct Shared {
    state: Mutex<WitnessState>,
    /// Answers by status.
    answers: Mutex<[u64; STATUSES.len()]>,
    failure: Failure,
}

/// What a witness answers to an `add-checkpoint`; the last one stands for its own failures.
const STATUSES: [u16; 8] = [200, 400, 403, 404, 409, 413, 422, 500];

pub(crate) async fn run(args: &Witness) -> Exit {
    let (key, logs) = match ready(args) {
        Ok(ready) => ready,
        Err(exit) => return exit,
    };
    let verifier = key.verifier_key().clone();
    if args.init {
        let created = Disk::create(&args.dir)
            .map_err(WitnessStateError::from)
            .and_then(|disk| witness::create(&disk, &verifier, &logs));
        return match created {
            Ok(new) => {
                print(&verifier.to_string());
                say(format_args!(
                    "{new} logs are known from now on; what is signed of them is never forgotten"
                ));
                Exit::Done
            }
            Err(error) => failed(&error),
        };
    }
    let opened = Disk::open(&args.dir)
        .map_err(|error| if error.is_not_found() { WitnessStateError::NotCreated } else { error.into() })
        .and_then(|disk| WitnessState::open(Arc::new(disk), key, &logs));
    let state = match opened {
        Ok(state) => state,
        Err(error) => return failed(&error),
    };
    for (origin, size) in state.sizes() {
        say(format_args!("{origin}: {size} leaves were signed"));
    }
    let failure = Failure::default();
    let answers = Mutex::default();
    let shared = Arc::new(Shared { state: Mutex::new(state), answers, failure: failure.clone() });
    let router = Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{id}/checkpoint", get(checkpoint))
        .route("/metrics", get(metrics))
        .with_state(shared);
    until_stopped(&args.listen, router, &failure).await
}

fn ready(args: &Witness) -> Result<(CosignerKey, Vec<VerifierKey>), Exit> {
    let key = key::read(&args.key)?;
    let mut logs = args.logs.clone();
    if let Some(policy) = &args.policy {
        logs.extend(log::policy(policy)?.logs().iter().map(|log| log.key.clone()));
    }
    if logs.is_empty() {
        return Err(log::refused(&"which logs? name their keys with --log VKEY or --policy FILE"));
    }
    Ok((key, logs))
}

fn failed(error: &WitnessStateError) -> Exit {
    say(format_args!("error: {error}"));
    if error.is_locked() {
        Exit::Busy
    } else if error.is_usage() {
        Exit::Usage
    } else if error.is_integrity() {
        Exit::Integrity
    } else {
        Exit::Storage
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, WitnessState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, status: u16) {
        let place = STATUSES.iter().position(|known| *known == status).unwrap_or(STATUSES.len() - 1);
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)[place] += 1;
    }

    fn decide(&self, body: &[u8]) -> Result<Response, WitnessStateError> {
        let now = u64::try_from(WallClock.now().as_millis() / 1000).unwrap_or_default();
        let decided = self.state().handle(body, now);
        if let Ok(response) = &decided
            && response.status != 200
        {
            say(format_args!("refused with {}: {}", response.status, response.body.trim_end()));
        }
        decided
    }
}

async fn add_checkpoint(State(shared): State<Arc<Shared>>, body: Body) -> Answer<Body> {
    let Ok(body) = to_bytes(body, MAX_REQUEST_BYTES).await else {
        shared.count(413);
        let text = format!("a request has at most {MAX_REQUEST_BYTES} bytes and comes whole\n");
        return answer(413, TEXT, text);
    };
    let deciding = Arc::clone(&shared);
    // It waits for the disk, and others wait for its turn.
    let decided = tokio::task::spawn_blocking(move || deciding.decide(&body)).await;
    let error = match decided {
        Ok(Ok(response)) => {
            shared.count(response.status);
            return answer(response.status, response.content_type, response.body);
        }
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    shared.count(500);
    shared.failure.tell(&error);
    answer(500, TEXT, "the witness cannot write what it must remember\n")
}

async fn checkpoint(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Answer<Body> {
    let note = shared.state().checkpoint(&id).map(str::to_owned);
    match note {
        Some(note) => {
            let mut response = answer(200, TEXT, note);
            response
                .headers_mut()
                .insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-cache"));
            response
        }
        None => answer(404, TEXT, "no checkpoint of such a log was signed here\n"),
    }
}

async fn metrics(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Answer<Body> {
    let mut answers =
        Family::counter("evidence_witness_requests_total", "Requests to cosign a checkpoint, by the answer.");
    let counted = *shared.answers.lock().unwrap_or_else(PoisonError::into_inner);
    for (status, count) in STATUSES.iter().zip(counted) {
        answers.push("", &[("status", &status.to_string())], count as f64);
    }
    let mut sizes =
        Family::gauge("evidence_witness_log_size", "Leaves of the newest checkpoint that was cosigned.");
    for (origin, size) in shared.state().sizes() {
        sizes.push("", &[("origin", origin)], size as f64);
    }
    let format =
        Format::negotiate(headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or(""));
    answer(200, format.content_type(), encode(&[answers, sizes], format))
}
