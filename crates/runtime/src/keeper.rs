//! Keeps samples and alerts durable, on threads that may wait for a disk.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration as StdDuration;

use assurance_exposition::Family;
use assurance_metrics_model::Duration;
use assurance_pipeline::{AlertsState, MAX_STATE_BYTES, Record, STATE_FILE, StateError};
use assurance_storage::{Storage, StorageError};
use assurance_tsdb::{Dropped, Fault, FaultKind, Maintenance, Store};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::Clock;

/// How often the store is asked for what is due.
const MAINTENANCE: StdDuration = StdDuration::from_secs(60);

/// The same while something does not work.
const MAINTENANCE_IN_FAULT: StdDuration = StdDuration::from_secs(10);

/// How far the system's clock may be behind before it is told: more than it is ever slewed by.
const MOST_BEHIND: Duration = Duration::from_secs(1);

/// Copies of records that could not be read: as many as a person looks at.
const MAX_QUARANTINED: usize = 100;

/// A store with its files, and the record of alerts beside it. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Keeper {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    storage: Arc<dyn Storage>,
    store: Arc<Store>,
    interval: StdDuration,
    /// The number of the newest record written; held while one is.
    record: Mutex<u64>,
    /// Rings when something stopped working: what can be repaired is not left for a minute.
    broken: Notify,
    /// Faults that were told.
    told: Mutex<BTreeSet<(FaultKind, String)>>,
    told_clock: ToldClock,
    /// How far the system's clock was set back.
    behind_millis: AtomicI64,
    /// How far samples lie ahead of the clock.
    ahead_millis: AtomicI64,
    syncs: AtomicU64,
    sync_micros: AtomicU64,
    longest_micros: AtomicU64,
}

/// What was told of the clock.
#[derive(Debug, Default)]
struct ToldClock {
    behind: AtomicBool,
    ahead: AtomicBool,
    doubted: AtomicBool,
}

/// What became of the record of alerts at a start.
#[derive(Debug)]
#[non_exhaustive]
pub enum Alerts {
    /// There is none: this is the first run here.
    None,
    /// It was read.
    Read(AlertsState),
    /// It cannot be used, and begins anew.
    Lost {
        /// Why.
        reason: String,
        /// Where its bytes were copied to, unless that failed.
        copy: Option<String>,
    },
}

impl Keeper {
    /// For a store opened over this storage, synced at most every `interval`.
    pub fn new(storage: Arc<dyn Storage>, store: Arc<Store>, interval: StdDuration) -> Self {
        let shared = Shared {
            storage,
            store,
            interval,
            record: Mutex::new(0),
            broken: Notify::new(),
            told: Mutex::default(),
            told_clock: ToldClock::default(),
            behind_millis: AtomicI64::new(0),
            ahead_millis: AtomicI64::new(0),
            syncs: AtomicU64::new(0),
            sync_micros: AtomicU64::new(0),
            longest_micros: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Reads the record of alerts. One that cannot be read is copied away and never a reason not to start.
    pub fn alerts(&self) -> Alerts {
        let storage = &*self.shared.storage;
        let bytes = match storage.read(STATE_FILE, MAX_STATE_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => return Alerts::None,
            Err(error) => return Alerts::Lost { reason: error.to_string(), copy: None },
        };
        match AlertsState::decode(&bytes) {
            Ok(state) => Alerts::Read(state),
            Err(error) => {
                Alerts::Lost { reason: error.to_string(), copy: quarantine(storage, &bytes, &error) }
            }
        }
    }

    /// Writes a record; a newer one that is there already stays.
    pub(crate) async fn keep(&self, record: Record) -> Result<(), String> {
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            let mut newest = shared.record.lock().unwrap_or_else(PoisonError::into_inner);
            if *newest < record.number {
                shared.storage.replace(STATE_FILE, &record.bytes)?;
                *newest = record.number;
            }
            Ok::<(), StorageError>(())
        })
        .await?
        .map_err(|error| error.to_string())
    }

    /// Makes what was committed durable, at most every interval, for as long as it is polled.
    pub(crate) async fn sync_forever(&self) {
        loop {
            tokio::time::sleep(self.shared.interval).await;
            self.sync().await;
        }
    }

    /// Does what is due, at once and then every minute, for as long as it is polled; tells what was dropped.
    pub(crate) async fn maintain_forever(&self, clock: Clock, mut tell: impl FnMut(Dropped)) {
        loop {
            let store = Arc::clone(&self.shared.store);
            match blocking(move || store.maintain(clock.now())).await {
                Ok(done) => {
                    for segment in &done.joined {
                        tracing::info!(
                            segment,
                            "a finished day that samples kept coming to was written anew"
                        );
                    }
                    for segment in &done.sealed {
                        tracing::info!(segment, "a finished day was sealed");
                    }
                    self.tell_clock(clock, &done);
                    tell(done.dropped);
                    self.tell_faults(&done.faults);
                }
                Err(error) => tracing::error!(error, "maintenance of the store ended in a fault"),
            }
            let in_fault = !self.shared.store.faults().is_empty();
            let pause = if in_fault { MAINTENANCE_IN_FAULT } else { MAINTENANCE };
            // Rung or not: it is time.
            let _rung = tokio::time::timeout(pause, self.shared.broken.notified()).await;
        }
    }

    /// A last sync, after which nothing is lost in a power cut, and a checkpoint, so that the next start is quick.
    pub async fn finish(&self) {
        self.sync().await;
        let store = Arc::clone(&self.shared.store);
        match blocking(move || store.close()).await {
            Ok(Ok(())) => {}
            // The log has it all: the next start takes longer, and nothing else.
            Ok(Err(fault)) => tracing::warn!(file = %fault.file, "storage: {fault}"),
            Err(error) => tracing::error!(error, "the last checkpoint ended in a fault"),
        }
    }

    async fn sync(&self) {
        let store = Arc::clone(&self.shared.store);
        let started = Instant::now();
        match blocking(move || store.sync()).await {
            // The reason is among the faults.
            Ok(_fault) => {}
            Err(error) => tracing::error!(error, "syncing ended in a fault"),
        }
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.shared.syncs.fetch_add(1, Ordering::Relaxed);
        self.shared.sync_micros.fetch_add(micros, Ordering::Relaxed);
        self.shared.longest_micros.fetch_max(micros, Ordering::Relaxed);
        self.tell_faults(&self.shared.store.faults());
    }

    /// Logs once what a step of the clock does to samples.
    fn tell_clock(&self, clock: Clock, done: &Maintenance) {
        let behind = clock.ahead();
        let is_behind = behind >= MOST_BEHIND;
        let told = &self.shared.told_clock;
        if is_behind && !told.behind.swap(true, Ordering::Relaxed) {
            tracing::error!(
                %behind,
                "the system's clock was set back; times run on as if it had not been, until this process starts anew"
            );
        }
        if let Some(ahead) = done.ahead
            && !told.ahead.swap(true, Ordering::Relaxed)
        {
            tracing::error!(
                %ahead,
                "samples of earlier runs lie ahead of the clock; new ones are taken before them, and queries with later times show both"
            );
        }
        if let Some(doubted) = done.doubted
            && !told.doubted.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                %doubted,
                "time went ahead without samples; retention removes nothing more until this has lasted for a day"
            );
        }
        told.behind.fetch_and(is_behind, Ordering::Relaxed);
        told.ahead.fetch_and(done.ahead.is_some(), Ordering::Relaxed);
        told.doubted.fetch_and(done.doubted.is_some(), Ordering::Relaxed);
        self.shared.behind_millis.store(behind.as_millis(), Ordering::Relaxed);
        self.shared.ahead_millis.store(done.ahead.map_or(0, Duration::as_millis), Ordering::Relaxed);
    }

    /// Logs what does not work once, and once that it works again.
    fn tell_faults(&self, faults: &[Fault]) {
        let mut told = self.shared.told.lock().unwrap_or_else(PoisonError::into_inner);
        // A fault that lasts is one, whatever file it meets next: each attempt has another, and none may call for
        // the next at once. Damaged files are one each.
        let place = |fault: &Fault| match fault.kind {
            FaultKind::Damaged => (fault.kind, fault.file.clone()),
            kind => (kind, String::new()),
        };
        let now: BTreeSet<_> = faults.iter().map(place).collect();
        for fault in faults {
            if !told.contains(&place(fault)) {
                tracing::error!(file = %fault.file, "storage: {fault}; scraping, evaluation and notification go on");
                self.shared.broken.notify_one();
            }
        }
        for (kind, file) in told.difference(&now) {
            if now.iter().all(|(other, _)| other != kind) {
                tracing::info!(?kind, %file, "storage: what failed here works again");
            }
        }
        *told = now;
    }

    /// How long syncs take.
    pub fn metrics(&self) -> Vec<Family> {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        vec![
            Family::counter("assurance_tsdb_syncs_total", "Times at which samples were made durable.")
                .with_sample(&[], as_float(load(&self.shared.syncs))),
            Family::counter("assurance_tsdb_sync_seconds_total", "Time that this took.")
                .with_sample(&[], as_float(load(&self.shared.sync_micros)) / 1e6),
            Family::gauge("assurance_tsdb_sync_longest_seconds", "The longest of them.")
                .with_sample(&[], as_float(load(&self.shared.longest_micros)) / 1e6),
            Family::gauge(
                "assurance_clock_set_back_seconds",
                "How far the system's clock is behind the times in use.",
            )
            .with_sample(&[], seconds(&self.shared.behind_millis)),
            Family::gauge(
                "assurance_tsdb_ahead_seconds",
                "How far samples lie ahead of the clock; 0 where they do not.",
            )
            .with_sample(&[], seconds(&self.shared.ahead_millis)),
        ]
    }
}

/// Copies bytes to a name that is not taken.
fn quarantine(storage: &dyn Storage, bytes: &[u8], error: &StateError) -> Option<String> {
    tracing::debug!(%error, "the record of alerts is copied away");
    for number in 0..MAX_QUARANTINED {
        let name = format!("quarantine/{STATE_FILE}.{number}");
        match storage.publish(&name, &mut &*bytes) {
            Ok(()) => return Some(name),
            Err(error) if error.is_already_exists() => {}
            Err(_) => return None,
        }
    }
    None
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())
}

fn seconds(millis: &AtomicI64) -> f64 {
    Duration::from_millis(millis.load(Ordering::Relaxed)).as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "metrics are floats, exact up to 2^53")]
fn as_float(count: u64) -> f64 {
    count as f64
}
