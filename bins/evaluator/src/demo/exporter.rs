//! The exporter's machine, driven inside this process, and the log that its days are sealed in.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use assurance_disk::Disk;
use assurance_evidence::manifest::{ClockState, Retention};
use assurance_evidence::seal::{Beginning, Log, Sealing, seal_due};
use assurance_evidence::{Config, Day, Exporter, FetchError, Get, Output, Response};
use assurance_metrics_model::Timestamp;
use assurance_runtime::Clock;
use assurance_runtime::http::{Client, Limits};
use assurance_tlog::note::SigningKey;
use tokio::sync::watch;

const ORIGIN: &str = "assurance/demo";

/// Whoever seals: the log, and a key that is forgotten with it.
pub(super) struct Sealer {
    log: Log,
    key: SigningKey,
}

impl Sealer {
    /// Begins the log of an empty archive.
    pub(super) fn begin(disk: Arc<Disk>, now: Timestamp) -> Result<Self, String> {
        let mut seed = [0; 32];
        fs_err::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut seed)).map_err(text)?;
        let key = SigningKey::from_seed(ORIGIN, &seed).map_err(text)?;
        let origin = ORIGIN.to_owned();
        let beginning = Beginning { origin, at: now, first_day: Day::of(now), succeeds: None };
        Ok(Self { log: Log::init(disk, &beginning, &key).map_err(text)?, key })
    }

    /// What an auditor gets by another way than with the archive.
    pub(super) fn policy(&self) -> String {
        format!("log {}\nquorum none\n", self.key.verifier_key())
    }

    fn seal(&mut self, disk: &Disk, now: Timestamp) -> Result<(), String> {
        let sealing = Sealing {
            now,
            retention: Retention::USUAL,
            clock: ClockState { synchronised: None, error_ms: None },
            software: concat!("assurance-evaluator demo ", env!("CARGO_PKG_VERSION")).to_owned(),
            threads: 1,
        };
        seal_due(disk, &mut self.log, &sealing, &self.key).map(|_| ()).map_err(text)
    }
}

/// Collects, publishes and seals until `stop` turns true.
pub(super) async fn run(
    disk: Arc<Disk>,
    mut sealer: Sealer,
    backend: String,
    clock: Clock,
    mut stop: watch::Receiver<bool>,
) {
    let exporter = Exporter::open(disk.clone(), Config::api(backend.as_str()), clock.now());
    let (mut exporter, client) = match (exporter, Client::plain()) {
        (Ok(exporter), Ok(client)) => (exporter, client),
        (Err(error), _) => return tracing::error!(%error, "the exporter cannot open its archive"),
        (_, Err(error)) => return tracing::error!(%error, "the exporter has no HTTP client"),
    };
    while let Some(next) = exporter.poll_timeout() {
        tokio::select! {
            () = clock.sleep_until(next) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        exporter.handle_timeout(clock.now());
        while let Some(Output::Get(get)) = exporter.poll_output() {
            let answer = fetch(&client, &backend, &get).await;
            if let Err(error) = exporter.handle_response(clock.now(), get.id, answer) {
                return tracing::error!(%error, "the exporter cannot write");
            }
        }
        if let Err(error) = sealer.seal(&disk, clock.now()) {
            return tracing::error!(%error, "the exporter cannot seal");
        }
    }
}

async fn fetch(client: &Client, backend: &str, get: &Get) -> Result<Response, FetchError> {
    let limits = Limits { timeout: Duration::from_secs(10), body: get.max_bytes };
    let answer = client.get(&format!("{backend}{}", get.path), &[], limits).await;
    let answer = answer.map_err(|error| FetchError::Unreachable(error.to_string()))?;
    Ok(Response { status: answer.status, body: answer.body })
}

#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
fn text(error: impl ToString) -> String {
    error.to_string()
}
