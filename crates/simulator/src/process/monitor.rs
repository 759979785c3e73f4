use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assurance_metrics_model::{Labels, Timestamp};
use assurance_notifier::{AlertStatus, Delivery, DeliveryError};
use assurance_pipeline::{AlertsState, Config, Output, Pipeline};
use assurance_rules::EventKind;
use assurance_scrape::{Request, Response, ScrapeError, ScrapeId};
use assurance_tsdb::Store;

use super::{Fate, Observation, Observed, Passage, Surroundings};
use crate::agenda::Agenda;
use crate::simulation::MAX_STEPS_AT_ONE_INSTANT;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a proxy answers in the place of the process.
const GARBAGE: &str = "<!DOCTYPE html>\n<html><body>It works!</body></html>\n";

/// What is run.
#[derive(Clone, Debug)]
pub struct MonitorConfig {
    /// When the clock and the evaluator start.
    pub start: Timestamp,
    /// When the clock stops; what is due then still happens.
    pub end: Timestamp,
    /// The evaluator. A job's `phase` says when it scrapes, the rules' `schedule` when they are evaluated.
    pub pipeline: Config,
    /// When it is not there.
    pub outages: Vec<Outage>,
    /// Other configurations, and from when on they are in force.
    pub reloads: Vec<(Timestamp, Config)>,
    /// Spans in which no rule is evaluated while scrapes go on, from and until. What is due within is done at the
    /// end of it, as of the newest instant.
    pub busy: Vec<(Timestamp, Timestamp)>,
    /// Instants at which no rule is evaluated, now or later.
    pub missed: Vec<Timestamp>,
}

/// A time without the evaluator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When it stops, without a word.
    pub from: Timestamp,
    /// When it starts again.
    pub until: Timestamp,
    /// Whether the next one has its samples.
    pub keeps_samples: bool,
    /// Whether the next one knows its alerts and the notifications that wait.
    pub keeps_alerts: bool,
}

/// A run that cannot go on.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MonitorError {
    /// The record of alerts cannot be read back.
    #[error("the record of alerts cannot be read at {at}: {reason}")]
    Record {
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// Some part asks to be called again and again without letting time pass.
    #[error("the clock stands still at {at}: {MAX_STEPS_AT_ONE_INSTANT} steps without progress")]
    Stuck {
        /// When.
        at: Timestamp,
    },
}

#[derive(Debug)]
enum Pending {
    Stop { keeps_alerts: bool },
    Start { keeps_samples: bool },
    Hold { until: Timestamp },
    Miss,
    Reload(Box<Config>),
    Ask { request: Box<Request>, passage: Passage },
    Scraped { id: ScrapeId, job: String, outcome: Result<Response, ScrapeError> },
    Delivered { delivery: Delivery, taken: bool },
}

impl Pending {
    /// Whether it is gone with the evaluator that waits for it.
    fn is_of_a_run(&self) -> bool {
        matches!(self, Self::Ask { .. } | Self::Scraped { .. } | Self::Delivered { .. })
    }
}

/// The pipeline and its surroundings on one clock that jumps from event to event.
///
/// Of what happens at one instant, answers come first, then what is due; a scrape that is answered at once is
/// therefore not seen by the rules that are evaluated at the instant at which it is made.
#[derive(Debug)]
pub struct Monitor<S> {
    config: Config,
    end: Timestamp,
    now: Timestamp,
    /// `None` while the evaluator is down.
    pipeline: Option<Pipeline>,
    store: Arc<Store>,
    record: Option<Vec<u8>>,
    surroundings: S,
    pending: Agenda<Pending>,
    next_event: u64,
    evaluated: BTreeMap<String, Timestamp>,
    /// States of alerts that a receiver knows: receiver, labels, when it began to fire, whether resolved.
    told: BTreeSet<(String, Labels, Timestamp, bool)>,
    log: Vec<Observation>,
    steps_now: u32,
}

impl<S: Surroundings> Monitor<S> {
    /// An evaluator at its start, without samples.
    pub fn new(config: MonitorConfig, surroundings: S) -> Self {
        let store = Arc::new(Store::new(assurance_tsdb::Config::default()));
        let mut pipeline = Pipeline::new(config.pipeline.clone(), Arc::clone(&store), config.start);
        pipeline.keep_state(config.start, AlertsState::default());
        let mut pending = Agenda::new();
        for Outage { from, until, keeps_samples, keeps_alerts } in config.outages {
            pending.plan(from, Pending::Stop { keeps_alerts });
            pending.plan(until, Pending::Start { keeps_samples });
        }
        for (at, other) in config.reloads {
            pending.plan(at, Pending::Reload(Box::new(other)));
        }
        for at in config.missed {
            pending.plan(at, Pending::Miss);
        }
        for (from, until) in config.busy {
            pending.plan(from, Pending::Hold { until });
        }
        Self {
            config: config.pipeline,
            end: config.end,
            now: config.start,
            pipeline: Some(pipeline),
            store,
            record: None,
            surroundings,
            pending,
            next_event: 0,
            evaluated: BTreeMap::new(),
            told: BTreeSet::new(),
            log: Vec::new(),
            steps_now: 0,
        }
    }

    /// Lets all of the time pass, and gives what happened.
    ///
    /// # Errors
    /// If the evaluator cannot start again, or time would stand still.
    pub fn run(mut self) -> Result<Vec<Observation>, MonitorError> {
        self.drain();
        while self.step()?.is_some() {}
        Ok(self.log)
    }

    /// Jumps to the next instant at which anything happens and does it; `None` when that is after the end.
    ///
    /// # Errors
    /// As [`Monitor::run`].
    pub fn step(&mut self) -> Result<Option<Timestamp>, MonitorError> {
        let due = self.pipeline.as_ref().and_then(Pipeline::poll_timeout);
        let next = [self.pending.next(), due].into_iter().flatten().min();
        let Some(next) = next.filter(|at| *at <= self.end) else { return Ok(None) };
        if next > self.now {
            self.now = next;
            self.steps_now = 0;
        }
        self.steps_now += 1;
        if self.steps_now > MAX_STEPS_AT_ONE_INSTANT {
            return Err(MonitorError::Stuck { at: self.now });
        }
        while let Some(pending) = self.pending.take_due(self.now) {
            self.arrive(pending)?;
        }
        if let Some(pipeline) = &mut self.pipeline
            && pipeline.poll_timeout().is_some_and(|at| at <= self.now)
        {
            pipeline.handle_timeout(self.now);
            self.note_evaluations();
        }
        self.drain();
        Ok(Some(self.now))
    }

    /// What happened so far.
    pub fn log(&self) -> &[Observation] {
        &self.log
    }

    /// What happened, for whoever has stepped to the end.
    pub fn into_log(self) -> Vec<Observation> {
        self.log
    }

    /// The samples.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    fn note(&mut self, what: Observed) {
        self.log.push(Observation { at: self.now, what });
    }

    fn arrive(&mut self, pending: Pending) -> Result<(), MonitorError> {
        match pending {
            Pending::Stop { keeps_alerts } => {
                if self.pipeline.take().is_some() {
                    self.note(Observed::Stopped);
                }
                if !keeps_alerts {
                    self.record = None;
                }
                self.pending.retain(|pending| !pending.is_of_a_run());
            }
            Pending::Start { keeps_samples } => self.start(keeps_samples)?,
            Pending::Hold { until } => {
                if let Some(pipeline) = &mut self.pipeline {
                    pipeline.hold_rules(until);
                }
            }
            Pending::Miss => {
                if let Some(pipeline) = &mut self.pipeline {
                    pipeline.miss_rules(self.now);
                }
            }
            Pending::Reload(config) => {
                self.config = *config;
                if let Some(pipeline) = &mut self.pipeline {
                    pipeline.reload(self.now, self.config.clone());
                }
            }
            Pending::Ask { request, passage } => self.ask(&request, passage),
            Pending::Scraped { id, job, outcome } => {
                let Some(pipeline) = &mut self.pipeline else { return Ok(()) };
                if let Some(report) = pipeline.handle_scrape(self.now, id, outcome) {
                    let failure = report.failure.map(|failure| failure.to_string());
                    self.note(Observed::Scraped { job, stamp: report.at, failure });
                }
            }
            Pending::Delivered { delivery, taken } => self.delivered(&delivery, taken),
        }
        Ok(())
    }

    fn start(&mut self, keeps_samples: bool) -> Result<(), MonitorError> {
        if !keeps_samples {
            self.store = Arc::new(Store::new(assurance_tsdb::Config::default()));
        }
        let state = match &self.record {
            Some(bytes) => AlertsState::decode(bytes)
                .map_err(|error| MonitorError::Record { at: self.now, reason: error.to_string() })?,
            None => AlertsState::default(),
        };
        let mut pipeline = Pipeline::new(self.config.clone(), Arc::clone(&self.store), self.now);
        let restored = pipeline.keep_state(self.now, state);
        self.pipeline = Some(pipeline);
        self.next_event = 0;
        self.note(Observed::Started { alerts: restored.rules.alerts });
        Ok(())
    }

    /// Carries out what the pipeline asks for, and takes over what it remembers.
    fn drain(&mut self) {
        while let Some(output) = self.pipeline.as_mut().and_then(|pipeline| pipeline.poll_output(self.now)) {
            match output {
                Output::Scrape(request) => {
                    let passage = self.surroundings.passage(&request.job.job_name, self.now);
                    let request = Box::new(request);
                    self.pending.plan(self.now + passage.delay, Pending::Ask { request, passage });
                }
                Output::Deliver(delivery) => {
                    let (latency, taken) = self.surroundings.delivery(self.now);
                    self.pending.plan(self.now + latency, Pending::Delivered { delivery, taken });
                }
                Output::ReadFiles(files) => {
                    let reason = "there are no files on a virtual clock; list targets in the job".to_owned();
                    if let Some(pipeline) = &mut self.pipeline {
                        pipeline.handle_file_sd(self.now, &files, Err(reason));
                    }
                }
                Output::Keep(record) => {
                    self.record = Some(record.bytes);
                    if let Some(pipeline) = &mut self.pipeline {
                        pipeline.handle_kept(self.now, record.number, Ok(()));
                    }
                }
            }
        }
        self.note_alerts();
    }

    fn note_alerts(&mut self) {
        let Some(pipeline) = &self.pipeline else { return };
        for event in pipeline.events_since(self.next_event) {
            self.next_event = event.sequence + 1;
            if let assurance_pipeline::EventKind::Alert(alert) = &event.kind
                && alert.kind != EventKind::Resend
            {
                let (labels, value) = (alert.alert.labels.clone(), alert.alert.value);
                let what = Observed::Alert { kind: alert.kind, labels, value };
                self.log.push(Observation { at: event.at, what });
            }
        }
    }

    fn note_evaluations(&mut self) {
        let Some(pipeline) = &self.pipeline else { return };
        for status in pipeline.rules().groups() {
            let Some(of) = status.last_evaluation else { continue };
            let group = &status.group.name;
            if self.evaluated.get(group) != Some(&of) && of <= self.now {
                self.evaluated.insert(group.clone(), of);
                let what = Observed::Evaluated { group: group.clone(), of };
                self.log.push(Observation { at: self.now, what });
            }
        }
    }

    fn ask(&mut self, request: &Request, passage: Passage) {
        let began = self.now;
        let page = match passage.fate {
            Fate::Lost => None,
            _ => Some(self.surroundings.page(&request.url, began)),
        };
        let fail = |reason: String, took| (Err(ScrapeError::new(reason, began, took)), took);
        let (outcome, took) = match page {
            None => fail(format!("timeout after {}", request.timeout), request.timeout),
            Some(_) if passage.latency > request.timeout => {
                fail(format!("timeout after {}", request.timeout), request.timeout)
            }
            Some(None) => fail("connection refused".to_owned(), passage.latency),
            Some(Some(page)) => (Ok(response(page, passage, began)), passage.latency),
        };
        let job = request.job.job_name.clone();
        self.pending.plan(began + took, Pending::Scraped { id: request.id, job, outcome });
    }

    fn delivered(&mut self, delivery: &Delivery, taken: bool) {
        let Some(pipeline) = &mut self.pipeline else { return };
        let result = match taken {
            true => Ok(()),
            false => {
                Err(DeliveryError { retry: true, reason: "the receiver answered with status 503".to_owned() })
            }
        };
        pipeline.handle_delivery(self.now, delivery.id, result);
        if !taken {
            return;
        }
        let receiver = &delivery.receiver.name;
        for alert in delivery.alerts.iter() {
            let is_over = alert.status == AlertStatus::Resolved;
            let key = (receiver.clone(), alert.labels.clone(), alert.starts_at, is_over);
            if self.told.insert(key) {
                let (labels, status) = (alert.labels.clone(), alert.status);
                self.note(Observed::Notified { receiver: receiver.clone(), labels, status });
            }
        }
    }
}

fn response(page: String, passage: Passage, began: Timestamp) -> Response {
    let mut body = page.into_bytes();
    let mut status = 200;
    match passage.fate {
        Fate::Whole | Fate::Lost => {}
        Fate::Empty => body.clear(),
        Fate::Garbage => body = GARBAGE.as_bytes().to_vec(),
        Fate::Refused => status = 503,
    }
    let content_type = Some(TEXT.to_owned());
    Response { status, content_type, body, started: began, duration: passage.latency }
}
