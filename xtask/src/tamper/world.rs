//! Lawful archives, made by the library itself: what the tampering starts from, and what must raise no alarm.

use std::sync::Arc;

use assurance_evidence::manifest::{ClockState, LegalHold, Release, Retention};
use assurance_evidence::seal::{Beginning, Log, Sealing, plan, prune, seal_due};
use assurance_evidence::{Day, Exporter, parse_instant};
use assurance_metrics_model::{Duration, Timestamp};
use assurance_storage::{Crashing, Fault, Memory, Plan, Storage, Survival};
use assurance_tlog::Checkpoint;
use assurance_tlog::cosignature::{self, CosignerKey};
use assurance_tlog::note::SigningKey;

use crate::backend::{Backend, collect, config};
use crate::files::{Files, dump};
use crate::rng::Rng;

pub(crate) const ORIGIN: &str = "brain.example/evidence";
pub(crate) const WITNESSES: [&str; 2] = ["witness.example/w1", "witness.example/w2"];

type Failure = Box<dyn std::error::Error>;
/// Something that is done to an archive.
type Work<'w> = dyn Fn(&Builder, &Arc<dyn Storage>) -> Result<(), Failure> + 'w;

/// The secret of the log's n-th key, from 1.
pub(crate) fn log_seed(number: u8) -> [u8; 32] {
    [number; 32]
}

/// The secret of a witness.
pub(crate) fn witness_seed(number: usize) -> [u8; 32] {
    [101 + number as u8; 32]
}

fn log_key(number: u8) -> SigningKey {
    SigningKey::from_seed(ORIGIN, &log_seed(number)).expect("a key")
}

fn witness_key(number: usize) -> CosignerKey {
    CosignerKey::from_seed(WITNESSES[number], &witness_seed(number)).expect("a key")
}

/// What an auditor has pinned: the log's first key, and any one of two witnesses.
pub(crate) fn policy() -> String {
    let witnesses: String =
        (0..2).map(|n| format!("witness w{n} {}\n", witness_key(n).verifier_key())).collect();
    format!("log {}\n{witnesses}group both any w0 w1\nquorum both\n", log_key(1).verifier_key())
}

/// What there was at some time.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    pub(crate) files: Files,
    pub(crate) at: Timestamp,
}

/// An archive and how it came about.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) files: Files,
    pub(crate) now: Timestamp,
    /// After each run that changed the log, oldest first; the last one is the present.
    pub(crate) past: Vec<Past>,
    /// How many keys the log has had.
    pub(crate) keys: u8,
    /// Days that are held now.
    pub(crate) held: Vec<Day>,
    /// Whether the newest checkpoint has a witness.
    pub(crate) is_witnessed: bool,
}

/// How a world comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Everything is sealed and witnessed: whatever differs from that was done by somebody.
    Witnessed,
    /// Wherever it happens to stand.
    Anywhere,
}

struct Builder {
    rng: Rng,
    memory: Memory,
    backend: Backend,
    now: Timestamp,
    retention: Retention,
    keys: u8,
    held: Vec<(String, Day, Option<Day>)>,
    past: Vec<Past>,
    is_witnessed: bool,
}

impl World {
    /// The archive of a seed.
    pub(crate) fn of(seed: u64, days: usize, ending: Ending) -> Self {
        let mut rng = Rng::new(seed);
        let now = parse_instant("2026-01-02T12:00:00Z").expect("an instant");
        let retention = match rng.below(4) {
            0 => Retention::USUAL,
            _ => {
                let hot = 1 + rng.below(4) as u32;
                Retention { hot_days: hot, cold_days: hot + rng.below(6) as u32 }
            }
        };
        let backend = Backend::new(rng.chance(0.3), if rng.chance(0.3) { 3 } else { 1000 });
        let memory = Memory::new();
        let builder = Builder {
            rng,
            memory,
            backend,
            now,
            retention,
            keys: 1,
            held: Vec::new(),
            past: Vec::new(),
            is_witnessed: false,
        };
        builder.live(days, ending)
    }
}

impl Builder {
    fn live(mut self, days: usize, ending: Ending) -> World {
        self.step(&|this, storage| {
            if assurance_evidence::seal::is_initialised(&**storage)? {
                Log::open(storage.clone())?;
                return Ok(());
            }
            let beginning = Beginning {
                origin: ORIGIN.to_owned(),
                at: this.now,
                first_day: Day::of(this.now),
                succeeds: None,
            };
            Log::init(storage.clone(), &beginning, &log_key(1))?;
            Ok(())
        });
        for _ in 0..days {
            self.day();
        }
        if ending == Ending::Witnessed {
            self.now = Day::of(self.now).end() + Duration::from_minutes(90);
            self.collect();
            self.seal();
            self.witness(0);
            self.witness(1);
        }
        self.remember();
        let held = self.held_days();
        World {
            files: dump(&self.memory),
            now: self.now,
            past: self.past,
            keys: self.keys,
            held,
            is_witnessed: self.is_witnessed,
        }
    }

    /// Does something, is interrupted now and then, and then does it again.
    fn step(&mut self, work: &Work<'_>) {
        if self.rng.chance(0.1) {
            let at = 1 + self.rng.next() % 60;
            let crashing = Crashing::over(&self.memory, Plan::new(at, Fault::Crash));
            let storage: Arc<dyn Storage> = Arc::new(crashing.clone());
            let survival = Survival::Torn(self.rng.next());
            match work(self, &storage) {
                Ok(()) => self.memory = crashing.after_crash(Survival::Synced),
                Err(_) => self.memory = crashing.after_crash(survival),
            }
        }
        let storage: Arc<dyn Storage> = Arc::new(self.memory.clone());
        let again = work(self, &storage);
        again.unwrap_or_else(|error| panic!("what was interrupted can be done again: {error}"));
    }

    fn day(&mut self) {
        for _ in 0..1 + self.rng.below(3) {
            for _ in 0..self.rng.below(5) {
                self.now += Duration::from_secs(1 + self.rng.between(0, 3000));
                self.backend.write(self.now, &mut self.rng);
            }
            if self.rng.chance(0.15) {
                let ago = Duration::from_secs(86_400 * (1 + self.rng.between(0, 3)));
                let at = self.now - ago;
                self.backend.write(at, &mut self.rng);
            }
            if self.rng.chance(0.05) {
                self.backend.restart();
            }
            self.now += Duration::from_secs(30);
            self.collect();
        }
        self.now = Day::of(self.now).end() + Duration::from_secs(1800 + self.rng.between(0, 9000));
        self.collect();
        if self.rng.chance(0.1) {
            return; // sealed with the next one
        }
        self.seal();
        for witness in 0..2 {
            if self.rng.chance(0.7) {
                self.witness(witness);
            }
        }
        self.deeds();
    }

    fn deeds(&mut self) {
        if self.rng.chance(0.08) && self.keys < 90 {
            let (old, new) = (self.keys, self.keys + 1);
            self.step(&|this, storage| {
                let mut log = Log::open(storage.clone())?;
                if log.key() == log_key(old).verifier_key().to_string() {
                    log.rotate(this.now, &log_key(old), &log_key(new), "yearly")?;
                }
                Ok(())
            });
            self.keys = new;
            self.is_witnessed = false;
            self.remember();
        }
        if self.rng.chance(0.12) {
            let id = format!("case-{}", self.rng.below(100_000));
            let back = self.rng.between(0, 6);
            let from = Day::of(self.now - Duration::from_secs(86_400 * back));
            let to = self.rng.chance(0.7).then(|| from.next());
            let hold = (id, from, to);
            self.step(&|this, storage| this.hold(storage, &hold));
            self.held.push(hold);
            self.is_witnessed = false;
            self.remember();
        }
        if self.rng.chance(0.15) && !self.held.is_empty() {
            let which = self.rng.below(self.held.len());
            let id = self.held.remove(which).0;
            self.step(&|this, storage| this.release(storage, &id));
            self.is_witnessed = false;
            self.remember();
        }
        if self.rng.chance(0.3) {
            let before = self.size();
            self.step(&|this, storage| {
                let mut log = Log::open(storage.clone())?;
                let planned = plan(&**storage, &log, this.retention, this.now)?;
                let key = log_key(this.keys);
                prune(&**storage, &mut log, &planned, this.retention, this.now, Some(&key))?;
                Ok(())
            });
            self.is_witnessed &= before == self.size();
            self.remember();
        }
    }

    fn hold(
        &self,
        storage: &Arc<dyn Storage>,
        (id, from, to): &(String, Day, Option<Day>),
    ) -> Result<(), Failure> {
        let mut log = Log::open(storage.clone())?;
        if log.holds().contains_key(id.as_str()) {
            return Ok(());
        }
        let hold = LegalHold {
            v: 0,
            index: 0,
            at: self.now,
            id: id.clone(),
            from: *from,
            to: *to,
            reason: "inquiry".to_owned(),
            by: "counsel".to_owned(),
        };
        Ok(log.hold(hold, &log_key(self.keys))?)
    }

    fn release(&self, storage: &Arc<dyn Storage>, id: &str) -> Result<(), Failure> {
        let mut log = Log::open(storage.clone())?;
        if !log.holds().contains_key(id) {
            return Ok(());
        }
        let (reason, by) = ("closed".to_owned(), "counsel".to_owned());
        let release = Release { v: 0, index: 0, at: self.now, id: id.to_owned(), reason, by };
        Ok(log.release(release, &log_key(self.keys))?)
    }

    fn collect(&mut self) {
        self.step(&|this, storage| {
            let mut exporter = Exporter::open(storage.clone(), config(&this.backend), this.now)?;
            Ok(collect(&mut exporter, this.now, &this.backend)?)
        });
    }

    fn seal(&mut self) {
        let before = self.size();
        self.step(&|this, storage| {
            let mut log = Log::open(storage.clone())?;
            let sealing = Sealing {
                now: this.now,
                retention: this.retention,
                clock: ClockState { synchronised: Some(true), error_ms: Some(3) },
                software: "assurance-exporter 0.1.0".to_owned(),
                threads: 1,
            };
            seal_due(&**storage, &mut log, &sealing, &log_key(this.keys))?;
            Ok(())
        });
        self.is_witnessed &= before == self.size();
        self.remember();
    }

    /// Some time later a witness signs the newest checkpoint, if it has not.
    fn witness(&mut self, number: usize) {
        self.now += Duration::from_secs(1500 + self.rng.between(0, 3600));
        let log = Log::open(Arc::new(self.memory.clone())).expect("the log");
        let checkpoint = Checkpoint::of_note(log.checkpoint()).expect("a checkpoint");
        let secs = u64::try_from(self.now.as_millis() / 1000).expect("after 1970");
        let signature = cosignature::sign(&witness_key(number), &checkpoint, secs);
        let name = format!("log/cosignatures/{}.{:08x}", log.size(), signature.id());
        if self.memory.read(&name, 4096).is_err() {
            log.add_cosignature(log.size(), &signature).expect("kept");
        }
        self.is_witnessed = true;
        self.remember();
    }

    fn size(&self) -> u64 {
        Log::open(Arc::new(self.memory.clone())).expect("the log").size()
    }

    fn remember(&mut self) {
        self.past.push(Past { files: dump(&self.memory), at: self.now });
    }

    fn held_days(&self) -> Vec<Day> {
        let mut days = Vec::new();
        let mut day = Day::of(parse_instant("2026-01-02T12:00:00Z").expect("an instant"));
        while day <= Day::of(self.now) {
            if self.held.iter().any(|(_, from, to)| *from <= day && to.is_none_or(|to| day <= to)) {
                days.push(day);
            }
            day = day.next();
        }
        days
    }
}
