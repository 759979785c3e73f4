//! An archive that is collected, sealed and witnessed, day after day.

use std::sync::Arc;

use assurance_evidence::audit::{self, Options, Report};
use assurance_evidence::manifest::{ClockState, Retention};
use assurance_evidence::seal::{Beginning, Log, SealError, Sealed, Sealing, seal_due};
use assurance_evidence::{Day, Exporter};
use assurance_metrics_model::{Duration, Timestamp};
use assurance_storage::Storage;
use assurance_tlog::Checkpoint;
use assurance_tlog::cosignature::{self, CosignerKey};
use assurance_tlog::note::SigningKey;

use crate::backend::{Backend, at, config, round};

pub(crate) const ORIGIN: &str = "brain.example/evidence";

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[seed; 32]).expect("a key")
}

pub(crate) fn witness(seed: u8) -> CosignerKey {
    CosignerKey::from_seed("witness.example/w1", &[seed; 32]).expect("a key")
}

pub(crate) fn policy(key: &SigningKey, witness: Option<&CosignerKey>) -> assurance_tlog::policy::Policy {
    let text = match witness {
        None => format!("log {}\nquorum none\n", key.verifier_key()),
        Some(witness) => {
            format!("log {}\nwitness w1 {}\nquorum w1\n", key.verifier_key(), witness.verifier_key())
        }
    };
    text.parse().expect("a policy")
}

pub(crate) struct Rig {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) backend: Backend,
    pub(crate) now: Timestamp,
    pub(crate) key: SigningKey,
    pub(crate) retention: Retention,
    pub(crate) threads: usize,
}

impl Rig {
    /// A log that begins at noon of 2026-01-02, with nothing collected yet.
    pub(crate) fn new(storage: Arc<dyn Storage>) -> Self {
        let now = at("2026-01-02T12:00:00Z");
        let rig = Self {
            storage,
            backend: Backend::new(),
            now,
            key: key(1),
            retention: Retention::USUAL,
            threads: 1,
        };
        let beginning =
            Beginning { origin: ORIGIN.to_owned(), at: now, first_day: Day::of(now), succeeds: None };
        Log::init(rig.storage.clone(), &beginning, &rig.key).expect("a log");
        rig
    }

    /// So many events, a minute apart, and then a collection.
    pub(crate) fn collect(&mut self, events: usize) {
        for _ in 0..events {
            self.now += Duration::from_secs(60);
            self.backend.write(self.now);
        }
        self.now += Duration::from_secs(30);
        let mut exporter = Exporter::open(self.storage.clone(), config(1000), self.now).expect("opened");
        round(&mut exporter, self.now, &self.backend).expect("collected");
    }

    pub(crate) fn open(&self) -> Log {
        Log::open(self.storage.clone()).expect("the log")
    }

    pub(crate) fn sealing(&self) -> Sealing {
        let clock = ClockState { synchronised: Some(true), error_ms: Some(3) };
        let software = "assurance-exporter 0.1.0".to_owned();
        Sealing { now: self.now, retention: self.retention, clock, software, threads: self.threads }
    }

    pub(crate) fn try_seal(&self) -> Result<Vec<Sealed>, SealError> {
        let mut log = Log::open(self.storage.clone())?;
        seal_due(&*self.storage, &mut log, &self.sealing(), &self.key)
    }

    /// The day ends: what comes until two in the morning is collected, and the day is sealed.
    pub(crate) fn end_day(&mut self) -> Vec<Sealed> {
        self.now = Day::of(self.now).end() + Duration::from_minutes(120);
        self.collect(0);
        self.try_seal().expect("sealed")
    }

    /// A whole day with so many events.
    pub(crate) fn day(&mut self, events: usize) {
        self.collect(events);
        self.end_day();
    }

    /// A witness signs the newest checkpoint.
    pub(crate) fn witness(&self, witness: &CosignerKey) {
        let log = self.open();
        let checkpoint = Checkpoint::of_note(log.checkpoint()).expect("a checkpoint");
        let secs = u64::try_from(self.now.as_millis() / 1000).expect("after 1970");
        let signature = cosignature::sign(witness, &checkpoint, secs);
        log.add_cosignature(log.size(), &signature).expect("kept");
    }

    pub(crate) fn verify(&self, options: &Options) -> Report {
        audit::verify(&*self.storage, options, &mut |_| {}).expect("readable")
    }

    pub(crate) fn options(&self) -> Options {
        let mut options = Options::at(self.now);
        options.policy = Some(policy(&self.key, None));
        options
    }
}

/// The findings as lines, for people.
pub(crate) fn findings(report: &Report) -> Vec<String> {
    report.findings.iter().map(ToString::to_string).collect()
}
