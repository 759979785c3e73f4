//! Drives a pipeline: does what it asks, sleeps until it is due, and reports.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assurance_metrics_model::{Duration, Timestamp};
use assurance_notifier::{Delivery, DeliveryError};
use assurance_pipeline::{Output, Pipeline, Record};
use assurance_scrape::{DiscoveredFile, ReadFiles, Request, Response, ScrapeError, parse_file_sd};
use tokio::sync::{Notify, watch};

use crate::http::{Client, ClientErrorKind, Limits};
use crate::setup::{self, Settings, SharedSenders};
use crate::{Clock, Keeper};

/// Bytes of a receiver's answer that are read: its first words are enough.
const MAX_ANSWER_BYTES: u64 = 64 << 10;

/// How long deliveries may still take after a stop was asked for.
const DRAIN_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// A pipeline with what it needs to act. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Driver {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    pipeline: Arc<Mutex<Pipeline>>,
    clock: Clock,
    senders: SharedSenders,
    external_url: String,
    /// `None` for what lives in memory only.
    keeper: Option<Keeper>,
    /// Rings when the pipeline was told something and may have more to ask.
    bell: Notify,
}

impl Driver {
    /// A driver for a pipeline that others look at too.
    pub fn new(
        pipeline: Arc<Mutex<Pipeline>>,
        clock: Clock,
        senders: setup::Senders,
        external_url: &str,
        keeper: Option<Keeper>,
    ) -> Self {
        let senders = SharedSenders::new(senders);
        let external_url = external_url.to_owned();
        let bell = Notify::new();
        Self { shared: Arc::new(Shared { pipeline, clock, senders, external_url, keeper, bell }) }
    }

    /// Runs until `stop` turns true; then waits a moment for deliveries under way. Scraped series are not ended:
    /// whoever starts again soon goes on with them, and alerts stay as they are.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let shared = &self.shared;
        let upkeep = shared.keeper.clone().map(|keeper| {
            let upkeep = [tokio::spawn(sync(keeper.clone())), tokio::spawn(maintain(keeper, self.clone()))];
            upkeep.map(|task| task.abort_handle())
        });
        loop {
            let next = self.turn();
            tokio::select! {
                () = sleep_until(shared.clock, next) => {}
                () = shared.bell.notified() => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        let idle = async {
            while !shared.lock().notifier().is_idle() {
                self.turn();
                let _ring =
                    tokio::time::timeout(std::time::Duration::from_millis(100), shared.bell.notified()).await;
            }
        };
        if tokio::time::timeout(DRAIN_TIMEOUT, idle).await.is_err() {
            tracing::warn!("stopped with notifications that no receiver has taken yet");
        }
        if let Some(keeper) = &shared.keeper {
            for task in upkeep.into_iter().flatten() {
                task.abort();
            }
            let last = shared.lock().last_record(shared.clock.now());
            if let Some(record) = last
                && let Err(error) = keeper.keep(record).await
            {
                tracing::error!(error, "alerts could not be written down before the stop");
            }
        }
    }

    /// Does what is due and starts what is asked for; returns when to come back.
    fn turn(&self) -> Option<Timestamp> {
        let shared = &self.shared;
        let now = shared.clock.now();
        let work = || {
            let mut pipeline = shared.lock();
            if pipeline.poll_timeout().is_some_and(|at| at <= now) {
                pipeline.handle_timeout(now);
            }
            let outputs: Vec<Output> = std::iter::from_fn(|| pipeline.poll_output(now)).collect();
            (outputs, pipeline.poll_timeout())
        };
        // Where rules are evaluated, the runtime is told that this thread may be busy for a while. Not for every
        // scrape: another thread is woken for it, which costs more than a small scrape.
        let evaluates = shared.lock().rules().poll_timeout().is_some_and(|at| at <= now);
        let (outputs, next) = if evaluates { tokio::task::block_in_place(work) } else { work() };
        for output in outputs {
            let driver = self.clone();
            tokio::spawn(async move { driver.execute(output).await });
        }
        next
    }

    async fn execute(&self, output: Output) {
        let shared = &self.shared;
        match output {
            Output::Scrape(request) => {
                let id = request.id;
                let outcome = self.scrape(request).await;
                shared.lock().handle_scrape(shared.clock.now(), id, outcome);
            }
            Output::ReadFiles(files) => {
                let found = read_lists(&files);
                for problem in problems(&found) {
                    tracing::warn!(job = %files.job, "{problem}; the targets it listed before stay");
                }
                shared.lock().handle_file_sd(shared.clock.now(), &files, found);
            }
            Output::Deliver(delivery) => {
                let result = self.deliver(&delivery).await;
                if let Err(error) = &result {
                    tracing::warn!(receiver = %delivery.receiver.name, retry = error.retry, %error, "notification failed");
                }
                shared.lock().handle_delivery(shared.clock.now(), delivery.id, result);
            }
            Output::Keep(record) => self.keep(record).await,
        }
        shared.bell.notify_one();
    }

    async fn keep(&self, record: Record) {
        let shared = &self.shared;
        let number = record.number;
        let outcome = match &shared.keeper {
            Some(keeper) => keeper.keep(record).await,
            None => Err("nothing keeps them here".to_owned()),
        };
        let told = outcome.as_ref().err().cloned();
        let (before, after) = {
            let mut pipeline = shared.lock();
            let before = pipeline.state_fault().is_some();
            pipeline.handle_kept(shared.clock.now(), number, outcome);
            (before, pipeline.state_fault().is_some())
        };
        match told {
            Some(reason) if !before => {
                tracing::error!(
                    reason,
                    "storage: alerts are not written down; notifications are sent all the same"
                );
            }
            None if before && !after => tracing::info!("storage: alerts are written down again"),
            _ => {}
        }
    }

    async fn scrape(&self, request: Request) -> Result<Response, ScrapeError> {
        let clock = self.shared.clock;
        let started = clock.now();
        let failed = |reason: String| ScrapeError::new(reason, started, clock.now() - started);
        let senders = self.shared.senders.get();
        let Some(client) = senders.job(&request.job.job_name) else {
            return Err(failed("the job was removed".to_owned()));
        };
        // One byte past the limit tells the machine that there is more.
        let body = request.body_limit.saturating_add(1);
        let limits = Limits { timeout: clock.in_life(request.timeout), body };
        let answer = match client.get(&request.url, &request.headers, limits).await {
            Ok(answer) => answer,
            Err(error) => {
                return Err(failed(match error.kind {
                    ClientErrorKind::BodyTooLong { .. } => {
                        format!("body size limit exceeded: more than {} bytes", request.body_limit)
                    }
                    kind => kind.to_string(),
                }));
            }
        };
        Ok(Response {
            status: answer.status,
            content_type: answer.header("content-type").map(str::to_owned),
            body: answer.body,
            started,
            duration: clock.now() - started,
        })
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliveryError> {
        let refused = |reason: String| DeliveryError { retry: false, reason };
        let senders = self.shared.senders.get();
        let Some(client) = senders.receiver(&delivery.receiver.name) else {
            return Err(refused("the receiver was removed".to_owned()));
        };
        let request = assurance_receivers::request(delivery, &self.shared.external_url)
            .map_err(|error| refused(error.to_string()))?;
        post(client, request, delivery.receiver.timeout).await
    }

    /// Has the pipeline looked at: somebody else has told it something.
    pub fn wake(&self) {
        self.shared.bell.notify_one();
    }

    /// Reads the configuration anew and puts it in force as a whole; on any fault the old one stays.
    ///
    /// # Errors
    /// Everything that is wrong with the new one.
    pub fn reload(
        &self,
        settings: &Settings,
    ) -> Result<Vec<assurance_diagnostics::Diagnostic>, setup::SetupError> {
        let loaded = setup::load(settings)?;
        self.shared.senders.set(loaded.senders);
        self.shared.lock().reload(self.shared.clock.now(), loaded.pipeline);
        self.shared.bell.notify_one();
        Ok(loaded.warnings)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pipeline> {
        // A panic inside leaves a machine whose parts each still hold together.
        self.pipeline.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn sync(keeper: Keeper) {
    keeper.sync_forever().await;
}

async fn maintain(keeper: Keeper, driver: Driver) {
    let shared = &driver.shared;
    keeper.maintain_forever(shared.clock, |dropped| shared.lock().note_dropped(dropped)).await;
}

async fn sleep_until(clock: Clock, at: Option<Timestamp>) {
    match at {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn post(
    client: &Client,
    request: http::Request<bytes::Bytes>,
    timeout: Duration,
) -> Result<(), DeliveryError> {
    let (parts, body) = request.into_parts();
    let headers: Vec<(String, String)> = parts
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    // A person waits for this: the timeout is life's, also on a scaled clock.
    let limits = Limits { timeout: timeout.to_std(), body: MAX_ANSWER_BYTES };
    match client.post(&parts.uri.to_string(), &headers, body, limits).await {
        Ok(answer) => assurance_receivers::classify(answer.status, &answer.text()),
        // It answered, only at length.
        // A URL or header that cannot be sent now never can; anything else may pass.
        Err(error) => {
            let retry = !matches!(error.kind, ClientErrorKind::Url | ClientErrorKind::Header { .. });
            Err(DeliveryError { retry, reason: error.to_string() })
        }
    }
}

/// Why lists, or some of their files, could not be read.
fn problems(found: &Result<Vec<DiscoveredFile>, String>) -> Vec<&str> {
    match found {
        Ok(files) => files.iter().filter_map(|file| file.groups.as_ref().err()).map(String::as_str).collect(),
        Err(problem) => vec![problem],
    }
}

fn read_lists(files: &ReadFiles) -> Result<Vec<DiscoveredFile>, String> {
    let mut found = Vec::new();
    for pattern in &files.patterns {
        for path in setup::expand(pattern).map_err(|error| error.to_string())? {
            let groups = setup::read_source(std::path::Path::new(&path))
                .map_err(|error| error.to_string())
                .and_then(|source| parse_file_sd(&source).map_err(|error| error.to_string()));
            found.push(DiscoveredFile { path, groups });
        }
    }
    Ok(found)
}
