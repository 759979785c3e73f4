//! One virtual clock for the backend, the evaluator's pipeline, the receivers and the exporter.

mod exporter;
mod log;
mod network;
mod random;

use std::sync::Arc;

use assurance_evidence::{ArchiveError, Day};
use assurance_metrics_model::{Duration, Timestamp};
use assurance_notifier::{Delivery, DeliveryError};
use assurance_pipeline::{EventKind, Output, Pipeline};
use assurance_rules::Schedule;
use assurance_scrape::{Request, Response, ScrapeError, ScrapeId};
use assurance_storage::Memory;
use assurance_tsdb::Store;

use crate::agenda::Agenda;
use crate::{Command, World, WorldConfig};
use exporter::VirtualExporter;
use random::Random;

pub use log::{Occurrence, What};
pub use network::{BACKEND, EXPORTER};

/// Steps that may happen at one instant. A step does all that is due, so two or three are usual; a thousand
/// mean that some part asks to be called again and again.
pub(crate) const MAX_STEPS_AT_ONE_INSTANT: u32 = 1000;

/// What is simulated.
#[derive(Clone, Debug)]
pub struct SimulationConfig {
    /// When the clock starts; the backend, monitoring and the exporter start with it.
    pub start: Timestamp,
    /// When it stops.
    pub end: Timestamp,
    /// The backend.
    pub world: WorldConfig,
    /// Monitoring. Targets are [`BACKEND`] and [`EXPORTER`]; the instants at which rules are evaluated are
    /// drawn from the seed, those of scrapes depend on the external labels.
    pub pipeline: assurance_pipeline::Config,
    /// The exporter; `None` where nobody collects evidence. When its rounds begin is drawn from the seed.
    pub exporter: Option<assurance_evidence::Config>,
    /// What happens to the backend, and when.
    pub script: Vec<(Timestamp, Command)>,
    /// What goes wrong on the way.
    pub faults: Vec<Fault>,
    /// How long a scrape takes, from and to.
    pub scrape_latency: (Duration, Duration),
    /// How long a delivery takes, from and to.
    pub delivery_latency: (Duration, Duration),
    /// Where latencies and phases come from.
    pub seed: u64,
}

impl SimulationConfig {
    /// A quiet world with usual latencies, an exporter, and no rules.
    pub fn new(start: Timestamp, end: Timestamp) -> Self {
        Self {
            start,
            end,
            world: WorldConfig::default(),
            pipeline: assurance_pipeline::Config::default(),
            exporter: Some(assurance_evidence::Config::api(format!("http://{BACKEND}"))),
            script: Vec::new(),
            faults: Vec::new(),
            scrape_latency: (Duration::from_millis(3), Duration::from_millis(40)),
            delivery_latency: (Duration::from_millis(20), Duration::from_millis(300)),
            seed: 1,
        }
    }
}

/// Something that goes wrong between the parts.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// Scrapes of a job that begin in this span time out.
    LoseScrapes {
        /// The job's name.
        job: String,
        /// First instant.
        from: Timestamp,
        /// First instant after.
        until: Timestamp,
    },
    /// Deliveries that begin in this span are answered with 503, and tried again later.
    RefuseDeliveries {
        /// First instant.
        from: Timestamp,
        /// First instant after.
        until: Timestamp,
    },
}

/// A simulation that cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulationError {
    /// The exporter's archive failed.
    #[error("the exporter stopped at {at}: {source}")]
    Archive {
        /// When.
        at: Timestamp,
        /// Why.
        source: ArchiveError,
    },
    /// Some part asks to be called again and again without letting time pass.
    #[error("the clock stands still at {at}: {MAX_STEPS_AT_ONE_INSTANT} steps without progress")]
    Stuck {
        /// When.
        at: Timestamp,
    },
}

/// What arrives later.
#[derive(Debug)]
enum Pending {
    Act(Command),
    Scraped { id: ScrapeId, job: Arc<str>, outcome: Result<Response, ScrapeError> },
    Delivered { delivery: Delivery, taken: bool },
}

/// The backend, the pipeline, receivers and the exporter on one clock that jumps from event to event.
#[derive(Debug)]
pub struct Simulation {
    now: Timestamp,
    end: Timestamp,
    world: World,
    pipeline: Pipeline,
    exporter: Option<VirtualExporter>,
    storage: Arc<Memory>,
    faults: Vec<Fault>,
    scrape_latency: (Duration, Duration),
    delivery_latency: (Duration, Duration),
    random: Random,
    pending: Agenda<Pending>,
    log: Vec<Occurrence>,
    audited: usize,
    next_event: u64,
    steps_now: u32,
}

impl Simulation {
    /// A simulation at its start.
    ///
    /// # Errors
    /// If the exporter cannot begin.
    pub fn new(config: SimulationConfig) -> Result<Self, SimulationError> {
        let start = config.start;
        let mut random = Random::new(config.seed);
        let mut monitoring = config.pipeline;
        let interval = monitoring.rules.default_interval;
        let phase = random.between(Duration::ZERO, interval - Duration::from_millis(1));
        monitoring.rules.schedule = Schedule::Aligned(start + phase);
        let storage = Arc::new(Memory::new());
        let exporter = config
            .exporter
            .map(|exporter| {
                let phase = random.between(Duration::ZERO, exporter.interval - Duration::from_millis(1));
                VirtualExporter::open(storage.clone(), exporter, start, phase)
            })
            .transpose()
            .map_err(|source| SimulationError::Archive { at: start, source })?;
        let mut simulation = Self {
            now: start,
            end: config.end,
            world: World::new(WorldConfig { seed: config.seed, ..config.world }, start),
            pipeline: Pipeline::new(
                monitoring,
                Arc::new(Store::new(assurance_tsdb::Config::default())),
                start,
            ),
            exporter,
            storage,
            faults: config.faults,
            scrape_latency: config.scrape_latency,
            delivery_latency: config.delivery_latency,
            random,
            pending: Agenda::new(),
            log: Vec::new(),
            audited: 0,
            next_event: 0,
            steps_now: 0,
        };
        for (at, command) in config.script {
            simulation.pending.plan(at, Pending::Act(command));
        }
        Ok(simulation)
    }

    /// Jumps to the next instant at which anything happens and does it; `None` when that is after the end.
    ///
    /// # Errors
    /// If the exporter's archive fails, or time would stand still.
    pub fn step(&mut self) -> Result<Option<Timestamp>, SimulationError> {
        let next = [
            self.pending.next(),
            self.world.poll_timeout(),
            self.pipeline.poll_timeout(),
            self.exporter.as_ref().and_then(VirtualExporter::poll_timeout),
        ]
        .into_iter()
        .flatten()
        .min()
        .filter(|at| *at <= self.end);
        let Some(next) = next else {
            self.now = self.now.max(self.end);
            return Ok(None);
        };
        if next > self.now {
            self.now = next;
            self.steps_now = 0;
        }
        self.steps_now += 1;
        if self.steps_now > MAX_STEPS_AT_ONE_INSTANT {
            return Err(SimulationError::Stuck { at: self.now });
        }
        self.world.advance(self.now);
        self.note_audit();
        while let Some(pending) = self.pending.take_due(self.now) {
            self.arrive(pending);
        }
        self.collect()?;
        if self.pipeline.poll_timeout().is_some_and(|at| at <= self.now) {
            self.pipeline.handle_timeout(self.now);
        }
        self.drain();
        Ok(Some(self.now))
    }

    /// Steps to the end.
    ///
    /// # Errors
    /// As [`Simulation::step`].
    pub fn run(&mut self) -> Result<(), SimulationError> {
        while self.step()?.is_some() {}
        Ok(())
    }

    /// Lets the rest of the present day pass for the backend and the exporter alone, so that the exporter
    /// publishes the day: nothing is scraped or evaluated, whatever the script still holds.
    ///
    /// # Errors
    /// If the exporter's archive fails.
    pub fn close_day(&mut self) -> Result<(), SimulationError> {
        let Some(exporter) = &self.exporter else { return Ok(()) };
        let over = Day::of(self.now).end() + exporter.settle();
        self.end = self.end.max(over);
        self.pending.clear();
        while let Some(expiry) = self.world.poll_timeout().filter(|at| *at <= over) {
            self.now = self.now.max(expiry);
            self.world.advance(expiry);
            self.note_audit();
        }
        self.now = over;
        self.world.advance(over);
        self.collect()
    }

    /// Does something to the backend now, besides what the script says.
    pub fn act(&mut self, command: Command) {
        self.arrive(Pending::Act(command));
    }

    /// What happened so far.
    pub fn log(&self) -> &[Occurrence] {
        &self.log
    }

    /// The virtual time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The backend.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Monitoring.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// What the exporter has written.
    pub fn evidence(&self) -> &Arc<Memory> {
        &self.storage
    }

    fn note(&mut self, what: What) {
        self.log.push(Occurrence { at: self.now, what });
    }

    fn note_audit(&mut self) {
        let new: Vec<Arc<str>> = self.world.audit_file()[self.audited..].to_vec();
        self.audited += new.len();
        for raw in new {
            self.note(What::Audited { raw });
        }
    }

    fn arrive(&mut self, pending: Pending) {
        match pending {
            Pending::Act(command) => {
                let result = self.world.handle(self.now, command.clone());
                self.note(What::Acted { command: Box::new(command), result: Box::new(result) });
                self.note_audit();
            }
            Pending::Scraped { id, job, outcome } => {
                let report = self.pipeline.handle_scrape(self.now, id, outcome);
                if let Some(failure) = report.and_then(|report| report.failure) {
                    self.note(What::ScrapeFailed { job, reason: failure.to_string() });
                }
            }
            Pending::Delivered { delivery, taken } => {
                let receiver = delivery.receiver.name.clone();
                let result = if taken {
                    self.note(What::Delivered {
                        receiver,
                        alerts: delivery.alerts,
                        attempt: delivery.attempt,
                    });
                    Ok(())
                } else {
                    self.note(What::DeliveryFailed { receiver });
                    let reason = "the receiver answered with status 503".to_owned();
                    Err(DeliveryError { retry: true, reason })
                };
                self.pipeline.handle_delivery(self.now, delivery.id, result);
            }
        }
    }

    /// Lets the exporter do what is due. Its answers come at once: what they say depends on the instant only.
    fn collect(&mut self) -> Result<(), SimulationError> {
        let Some(exporter) = &mut self.exporter else { return Ok(()) };
        let report = exporter
            .poll(self.now, &self.world)
            .map_err(|source| SimulationError::Archive { at: self.now, source })?;
        let Some(report) = report else { return Ok(()) };
        if report.outcome != Ok(0) || !report.facts.is_empty() {
            self.note(What::Collected { outcome: report.outcome, facts: report.facts });
        }
        for published in report.published {
            self.note(What::Published(published));
        }
        Ok(())
    }

    /// Carries out what the pipeline asks for, and takes over what it remembers.
    fn drain(&mut self) {
        while let Some(output) = self.pipeline.poll_output(self.now) {
            match output {
                Output::Scrape(request) => self.begin_scrape(&request),
                Output::ReadFiles(files) => {
                    let reason = "there are no files in a simulation; list targets in the job".to_owned();
                    self.pipeline.handle_file_sd(self.now, &files, Err(reason));
                }
                Output::Deliver(delivery) => {
                    let refused = self.faults.iter().any(|fault| match fault {
                        Fault::RefuseDeliveries { from, until } => (*from..*until).contains(&self.now),
                        Fault::LoseScrapes { .. } => false,
                    });
                    let latency = self.random.between(self.delivery_latency.0, self.delivery_latency.1);
                    self.pending.plan(self.now + latency, Pending::Delivered { delivery, taken: !refused });
                }
                // Not asked for: alerts of a simulation end with it.
                Output::Keep(record) => self.pipeline.handle_kept(self.now, record.number, Ok(())),
            }
        }
        let events: Vec<_> = self.pipeline.events_since(self.next_event).cloned().collect();
        for event in events {
            self.next_event = event.sequence + 1;
            let what = match event.kind {
                EventKind::Alert(alert) if alert.kind == assurance_rules::EventKind::Resend => continue,
                EventKind::Alert(alert) => What::Alert(alert),
                EventKind::TargetUp { target } => What::TargetUp { target },
                EventKind::TargetDown { target, reason } => What::TargetDown { target, reason },
                _ => continue,
            };
            self.log.push(Occurrence { at: event.at, what });
        }
    }

    fn begin_scrape(&mut self, request: &Request) {
        let now = self.now;
        let job: Arc<str> = Arc::from(request.job.job_name.as_str());
        let lost = self.faults.iter().any(|fault| match fault {
            Fault::LoseScrapes { job, from, until } => {
                *job == request.job.job_name && (*from..*until).contains(&now)
            }
            Fault::RefuseDeliveries { .. } => false,
        });
        let latency = self.random.between(self.scrape_latency.0, self.scrape_latency.1);
        let (outcome, took) = if lost || latency > request.timeout {
            let reason = format!("timeout after {}", request.timeout);
            (Err(ScrapeError::new(reason, now, request.timeout)), request.timeout)
        } else {
            let page = self.exporter.as_ref().map(VirtualExporter::page);
            (network::scrape(request, now, latency, &mut self.world, page), latency)
        };
        self.pending.plan(now + took, Pending::Scraped { id: request.id, job, outcome });
    }
}
