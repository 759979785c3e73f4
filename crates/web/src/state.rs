use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration as StdDuration;

use assurance_exposition::Family;
use assurance_metrics_model::{Matcher, Timestamp};
use assurance_pipeline::{FaultWatch, Pipeline};
use assurance_promql::Options;
use assurance_tsdb::{Progress, Store};
use tokio::sync::Semaphore;

use crate::remote_write::Writes;

/// Reads the configuration anew; the error is for the one who asked.
pub type Reload = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Copies the samples, those in memory among them if the argument says so; gives the name of the copy. The error is
/// for the one who asked.
pub type TakeSnapshot =
    Arc<dyn Fn(bool) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send>> + Send + Sync>;

/// What the routes show, and by whose clock.
#[derive(Clone)]
#[non_exhaustive]
pub struct State {
    /// Targets, rules, alerts and notifications. Held for as long as it takes to copy what is shown.
    pub pipeline: Arc<Mutex<Pipeline>>,
    /// The samples; queries do not wait for the pipeline.
    pub store: Arc<Store>,
    /// The time, where a request names none.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// How expressions are evaluated.
    pub options: Options,
    /// Limits and names.
    pub settings: Settings,
    /// Whether `/-/ready` says yes.
    pub ready: Arc<AtomicBool>,
    /// What `POST /-/reload` does; refused where there is nothing.
    pub reload: Option<Reload>,
    /// Metrics of the process, beside the pipeline's own.
    pub self_metrics: Arc<dyn Fn() -> Vec<Family> + Send + Sync>,
    /// What `POST /-/quit` does; refused where there is nothing.
    pub quit: Option<Arc<dyn Fn() + Send + Sync>>,
    /// What `POST /api/v1/admin/tsdb/snapshot` does; refused where there is nothing.
    pub snapshot: Option<TakeSnapshot>,
    /// Flags and their values, for `status/flags`. Secrets among them must be hidden already.
    pub flags: Arc<BTreeMap<String, String>>,
    /// The text of the configuration in force, for `status/config`, which hides its secrets.
    pub config: Arc<dyn Fn() -> String + Send + Sync>,
    /// Has whoever drives the pipeline look at it: it was told something.
    pub wake: Arc<dyn Fn() + Send + Sync>,
    /// How far the reading of the log came, for `status/walreplay`.
    pub replay: Arc<Progress>,
    /// The process, for `status/runtimeinfo`.
    pub process: Arc<dyn Fn() -> Process + Send + Sync>,
    pub(crate) alerts: FaultWatch,
    pub(crate) queries: Arc<Semaphore>,
    pub(crate) writes: Arc<Writes>,
}

/// What a process knows of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Process {
    /// The directory it works in.
    pub directory: String,
    /// The machine's name.
    pub hostname: String,
    /// Whether the last reload succeeded.
    pub reloaded: bool,
    /// When the configuration in force was read.
    pub configured: Timestamp,
    /// Threads that work at once.
    pub threads: usize,
}

impl Default for Process {
    fn default() -> Self {
        Self {
            directory: String::new(),
            hostname: String::new(),
            reloaded: true,
            configured: Timestamp::EPOCH,
            threads: 1,
        }
    }
}

/// Limits and names.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Where this service is reached from outside. Its host is a name the service answers to, and what
    /// `globalUrl` of a target on a loopback name shows.
    pub external_url: String,
    /// Names by which it may be asked, beside `localhost`, `127.0.0.1` and `[::1]`; ports do not matter.
    pub allowed_hosts: Vec<String>,
    /// Whether the Host header is held to those names, which keeps pages of other origins from reaching a
    /// loopback port under a name of theirs (DNS rebinding).
    pub check_hosts: bool,
    /// Queries evaluated at once; more wait.
    pub max_concurrent_queries: usize,
    /// How long a query may wait and run.
    pub query_timeout: StdDuration,
    /// Which origins' pages may read below `/api/v1`, by a regular expression over all of `https://host:port`;
    /// none without it.
    pub cors_origin: Option<Matcher>,
    /// Whether samples are taken at `POST /api/v1/write`.
    pub remote_write_receiver: bool,
    /// Features asked for by name, as with Prometheus's `--enable-feature`.
    pub features: BTreeSet<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            external_url: String::new(),
            allowed_hosts: Vec::new(),
            check_hosts: true,
            max_concurrent_queries: 4,
            query_timeout: StdDuration::from_secs(30),
            cors_origin: None,
            remote_write_receiver: false,
            features: BTreeSet::new(),
        }
    }
}

impl Settings {
    /// The host in the external URL, without a port.
    pub(crate) fn external_host(&self) -> Option<&str> {
        let (_scheme, rest) = self.external_url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let authority = authority.rsplit_once('@').map_or(authority, |(_user, host)| host);
        let host = match authority.split_once(']') {
            Some((bracketed, _port)) => authority.get(..=bracketed.len())?,
            None => authority.rsplit_once(':').map_or(authority, |(name, _port)| name),
        };
        (!host.is_empty()).then_some(host)
    }
}

impl State {
    /// A state with default settings, ready, that cannot reload.
    pub fn new(
        pipeline: Arc<Mutex<Pipeline>>,
        store: Arc<Store>,
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ) -> Self {
        Self::with_settings(pipeline, store, clock, Settings::default())
    }

    /// A state with these settings.
    pub fn with_settings(
        pipeline: Arc<Mutex<Pipeline>>,
        store: Arc<Store>,
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
        settings: Settings,
    ) -> Self {
        let options = Options::default();
        let alerts = pipeline.lock().unwrap_or_else(PoisonError::into_inner).watch_state_fault();
        let queries = Arc::new(Semaphore::new(settings.max_concurrent_queries.max(1)));
        Self {
            pipeline,
            store,
            clock,
            options,
            settings,
            ready: Arc::new(AtomicBool::new(true)),
            reload: None,
            self_metrics: Arc::new(Vec::new),
            quit: None,
            snapshot: None,
            flags: Arc::default(),
            config: Arc::new(String::new),
            wake: Arc::new(|| {}),
            replay: Arc::default(),
            process: Arc::new(Process::default),
            alerts,
            queries,
            writes: Arc::default(),
        }
    }

    pub(crate) fn pipeline(&self) -> MutexGuard<'_, Pipeline> {
        // A panic inside leaves parts that each still hold together; showing them is right.
        self.pipeline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What does not work with the files of samples and alerts: answers are whole, but may not be for long.
    pub(crate) fn storage_warnings(&self) -> Vec<String> {
        let samples = self.store.faults().into_iter().map(|fault| format!("storage: {fault}"));
        samples.chain(self.alerts.get().map(|fault| format!("storage: {fault}"))).collect()
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("settings", &self.settings).finish_non_exhaustive()
    }
}
