use std::io::Read;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use assurance_metrics_model::Timestamp;
use assurance_pipeline::{AlertsState, Pipeline, STATE_FILE};
use assurance_runtime::driver::Driver;
use assurance_runtime::setup::{Settings, load};
use assurance_runtime::{Clock, Keeper};
use assurance_storage::{AppendFile, Entry, LockGuard, Memory, Storage, StorageError};
use assurance_tsdb::Store;
use axum::Router;
use axum::routing::{get, post};
use tokio::sync::{mpsc, watch};

/// Long enough for a busy machine; what is waited for comes in a fraction of it.
const PATIENCE: Duration = Duration::from_secs(30);

struct Stage {
    folder: tempfile::TempDir,
    pipeline: Arc<Mutex<Pipeline>>,
    driver: Driver,
    settings: Settings,
    messages: mpsc::UnboundedReceiver<serde_json::Value>,
    _servers: [watch::Sender<bool>; 2],
}

/// A target, a receiver, and a pipeline between them on a clock that runs sixty times as fast as life.
async fn stage() -> Stage {
    let clock = Clock::scaled(Timestamp::from_secs(1_773_531_000), 60.0);
    let store = Arc::new(Store::new(assurance_tsdb::Config::default()));
    stage_with(clock, "15s", store, None).await
}

async fn stage_with(clock: Clock, interval: &str, store: Arc<Store>, keeper: Option<Keeper>) -> Stage {
    let target = Router::new().route("/metrics", get(async || "# TYPE g gauge\ng 7\n"));
    let (target, stop_target) = crate::server::serving(target).await;
    let (sender, messages) = mpsc::unbounded_channel();
    let receiver = Router::new().route(
        "/page",
        post(async move |axum::Json(message): axum::Json<serde_json::Value>| {
            sender.send(message).expect("the test listens");
        }),
    );
    let (receiver, stop_receiver) = crate::server::serving(receiver).await;

    let folder = tempfile::tempdir().expect("a folder");
    let config = format!(
        "global: {{scrape_interval: {interval}, scrape_timeout: {interval}, evaluation_interval: {interval}}}\nrule_files: [rules.yml]\nscrape_configs:\n- job_name: t\n  static_configs: [{{targets: ['{}']}}]\n",
        target.trim_start_matches("http://")
    );
    fs_err::write(folder.path().join("prometheus.yml"), config).expect("written");
    write_rule(&folder, "Seven", "g == 7");
    let mut settings = Settings::new(folder.path().join("prometheus.yml"));
    settings.webhooks = vec![format!("{receiver}/page")];
    let setup = load(&settings).map_err(|e| e.to_string()).expect("valid");
    let mut pipeline = Pipeline::new(setup.pipeline, store, clock.now());
    if keeper.is_some() {
        pipeline.keep_state(clock.now(), AlertsState::default());
    }
    let pipeline = Arc::new(Mutex::new(pipeline));
    let driver = Driver::new(Arc::clone(&pipeline), clock, setup.senders, "http://127.0.0.1:9090", keeper);
    Stage { folder, pipeline, driver, settings, messages, _servers: [stop_target, stop_receiver] }
}

fn write_rule(folder: &tempfile::TempDir, name: &str, expr: &str) {
    let text = format!("groups:\n- name: g\n  rules:\n  - {{alert: {name}, expr: '{expr}'}}\n");
    fs_err::write(folder.path().join("rules.yml"), text).expect("written");
}

async fn next_alert(
    messages: &mut mpsc::UnboundedReceiver<serde_json::Value>,
    name: &str,
) -> serde_json::Value {
    let wait = async {
        loop {
            let message = messages.recv().await.expect("the receiver stands");
            if message["alerts"][0]["labels"]["alertname"] == name {
                return message;
            }
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("a page in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_target_exposes_becomes_a_page_over_real_sockets() {
    let mut stage = stage().await;
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn({
        let driver = stage.driver.clone();
        async move { driver.run(stopped).await }
    });
    let message = next_alert(&mut stage.messages, "Seven").await;
    assert_eq!(message["status"], "firing");

    // A reload that fails changes nothing; one that succeeds puts the new rule in force.
    write_rule(&stage.folder, "Broken", "g ==");
    let error = stage.driver.reload(&stage.settings).expect_err("refused").to_string();
    assert!(error.contains("where an operand is wanted"), "{error}");
    assert_eq!(stage.pipeline.lock().expect("whole").rules().groups().count(), 1);
    write_rule(&stage.folder, "StillSeven", "g >= 7");
    stage.driver.reload(&stage.settings).map_err(|e| e.to_string()).expect("valid");
    let message = next_alert(&mut stage.messages, "StillSeven").await;
    assert_eq!(message["status"], "firing");

    stop.send(true).expect("the driver listens");
    tokio::time::timeout(PATIENCE, running).await.expect("stops").expect("no panic");
}

/// A disk on which writing takes until the gate lets it through, one write at a time.
#[derive(Debug)]
struct Slow {
    memory: Memory,
    gate: Arc<Gate>,
}

#[derive(Debug)]
struct SlowFile(Box<dyn AppendFile>, Arc<Gate>);

/// Lets writing through while more records of alerts may be written.
#[derive(Debug)]
struct Gate {
    open_for: Mutex<usize>,
    opened: Condvar,
}

impl Gate {
    fn open_for(&self, writes: usize) {
        *self.open_for.lock().expect("whole") = writes;
        self.opened.notify_all();
    }

    /// Waits with an end, so that a test that failed ends too.
    fn pass(&self, records: usize) {
        let left = self.open_for.lock().expect("whole");
        let (mut left, _) =
            self.opened.wait_timeout_while(left, PATIENCE * 3, |left| *left == 0).expect("whole");
        *left = left.saturating_sub(records);
    }
}

impl Storage for Slow {
    fn open_append(&self, name: &str) -> Result<Box<dyn AppendFile>, StorageError> {
        Ok(Box::new(SlowFile(self.memory.open_append(name)?, Arc::clone(&self.gate))))
    }

    fn publish(&self, name: &str, content: &mut dyn Read) -> Result<(), StorageError> {
        self.gate.pass(0);
        self.memory.publish(name, content)
    }

    fn replace(&self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        self.gate.pass(usize::from(name == STATE_FILE));
        self.memory.replace(name, content)
    }

    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, StorageError> {
        self.memory.read(name, max_bytes)
    }

    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError> {
        self.memory.read_at(name, offset, buffer)
    }

    fn list(&self, directory: &str) -> Result<Vec<Entry>, StorageError> {
        self.memory.list(directory)
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.memory.remove(name)
    }

    fn lock(&self, name: &str) -> Result<Box<dyn LockGuard>, StorageError> {
        self.memory.lock(name)
    }
}

impl AppendFile for SlowFile {
    fn append(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.0.append(bytes)
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.1.pass(0);
        self.0.sync()
    }

    fn truncate(&mut self, bytes: u64) -> Result<(), StorageError> {
        self.0.truncate(bytes)
    }

    fn bytes(&self) -> u64 {
        self.0.bytes()
    }
}

async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{what} did not happen"));
}

fn count(store: &Store) -> u64 {
    store.stats().samples
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_disk_holds_up_no_scrape_and_is_not_overtaken_by_a_page() {
    let gate = Arc::new(Gate { open_for: Mutex::new(usize::MAX), opened: Condvar::new() });
    let storage = Arc::new(Slow { memory: Memory::new(), gate: Arc::clone(&gate) });
    let opened = Store::open(assurance_tsdb::Config::default(), Arc::clone(&storage) as Arc<dyn Storage>);
    let store = Arc::new(opened.expect("an empty storage").0);
    gate.open_for(0);
    let keeper =
        Keeper::new(Arc::clone(&storage) as Arc<dyn Storage>, Arc::clone(&store), Duration::from_millis(100));
    let mut stage = stage_with(Clock::system(), "250ms", Arc::clone(&store), Some(keeper.clone())).await;
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn({
        let driver = stage.driver.clone();
        async move { driver.run(stopped).await }
    });
    eventually("an alert", || stage.pipeline.lock().expect("whole").rules().alerts().next().is_some()).await;
    // While the disk is busy with the alert, and nobody is told of it, samples come: six scrapes of six.
    let before = count(&store);
    eventually("scrapes while the disk is busy", || count(&store) >= before + 36).await;
    assert!(storage.memory.read(STATE_FILE, 1 << 20).is_err(), "it waits to be written");
    assert!(stage.messages.try_recv().is_err(), "a page came before its alert was written");
    gate.open_for(1);
    next_alert(&mut stage.messages, "Seven").await;
    let state = storage.memory.read(STATE_FILE, 1 << 20).expect("written before it was sent");
    assert_eq!(AlertsState::decode(&state).expect("whole").undelivered.len(), 1);
    gate.open_for(usize::MAX);
    stop.send(true).expect("the driver listens");
    tokio::time::timeout(PATIENCE, running).await.expect("stops").expect("no panic");
    // The last record knows that it was taken.
    let state = storage.memory.read(STATE_FILE, 1 << 20).expect("there");
    assert_eq!(AlertsState::decode(&state).expect("whole").undelivered.len(), 0);
    let metrics = keeper.metrics();
    let longest = metrics.iter().find(|family| family.name == "assurance_tsdb_sync_longest_seconds");
    assert!(longest.is_some());
}
