//! The exporter's machine, driven inside this process.

use std::sync::Arc;
use std::time::Duration;

use assurance_disk::Disk;
use assurance_evidence::{Config, Exporter, FetchError, Get, Output, Response};
use assurance_runtime::Clock;
use assurance_runtime::http::{Client, Limits};
use tokio::sync::watch;

/// Collects and publishes until `stop` turns true.
pub(super) async fn run(disk: Arc<Disk>, backend: String, clock: Clock, mut stop: watch::Receiver<bool>) {
    let exporter = Exporter::open(disk, Config::api(backend.as_str()), clock.now());
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
    }
}

async fn fetch(client: &Client, backend: &str, get: &Get) -> Result<Response, FetchError> {
    let limits = Limits { timeout: Duration::from_secs(10), body: get.max_bytes };
    let answer = client.get(&format!("{backend}{}", get.path), &[], limits).await;
    let answer = answer.map_err(|error| FetchError::Unreachable(error.to_string()))?;
    Ok(Response { status: answer.status, body: answer.body })
}
