use std::sync::Arc;

use assurance_metrics_model::{AppendError, Appender as _, Duration, Labels, Queryable, Timestamp, Value};
use assurance_notifier::dispatch::{Dispatch, Plan};
use assurance_notifier::{Alert, AlertStatus, Delivery, DeliveryError, DeliveryId, Notifier, Undelivered};
use assurance_rules::{AlertEvent, RuleStore};
use assurance_scrape::{DiscoveredFile, ReadFiles, Request, Response, ScrapeError, ScrapeId, ScrapeReport};
use assurance_tsdb::Store;

use crate::event::{Event, EventKind, Events};
use crate::keeping::{FaultWatch, Keeping, Record, StateFault};
use crate::metrics::Counters;
use crate::record::{AlertsState, MAX_STATE_BYTES};

/// How often what is older than the retention is dropped.
const RETENTION_INTERVAL: Duration = Duration::from_minutes(60);

/// What the parts are to do.
#[derive(Clone, Debug)]
pub struct Config {
    /// Jobs to scrape.
    pub scrape: Vec<assurance_scrape::JobConfig>,
    /// Rules to evaluate.
    pub rules: assurance_rules::Config,
    /// Who is told.
    pub notifier: assurance_notifier::Config,
    /// Where alerts are routed here, beside whoever hears of all of them.
    pub routing: Option<Arc<Plan>>,
    /// Applied to alerts, with external labels, before anyone is told; an alert may be dropped so.
    pub alert_relabel: Vec<assurance_scrape::RelabelRule>,
    /// Labels that tell this evaluator from others, added to alerts; part of what the scrape schedule is
    /// spread by.
    pub external_labels: Labels,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            scrape: Vec::new(),
            rules: assurance_rules::Config::new(Vec::new()),
            notifier: assurance_notifier::Config::new(Vec::new()),
            routing: None,
            alert_relabel: Vec::new(),
            external_labels: Labels::empty(),
        }
    }
}

/// Something the driver is to do now.
#[derive(Clone, Debug)]
pub enum Output {
    /// Make a request, and report with [`Pipeline::handle_scrape`].
    Scrape(Request),
    /// Read lists of targets, and report with [`Pipeline::handle_file_sd`].
    ReadFiles(ReadFiles),
    /// Send alerts, and report with [`Pipeline::handle_delivery`].
    Deliver(Delivery),
    /// Put a record in the place of the one before, durably, and report with [`Pipeline::handle_kept`]. Only
    /// asked for after [`Pipeline::keep_state`].
    Keep(Record),
}

/// What [`Pipeline::keep_state`] put back.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Restored {
    /// Alerts, and those that were not put back.
    pub rules: assurance_rules::Restored,
    /// Notifications that will be sent again.
    pub notifications: usize,
    /// Notifications for receivers that are gone.
    pub undelivered: Undelivered,
    /// What is known of groups, where alerts are routed and were before.
    pub dispatch: Option<assurance_notifier::dispatch::Restored>,
}

/// The machine; see the crate's page for the driver's loop.
#[derive(Debug)]
pub struct Pipeline {
    store: Arc<Store>,
    scrape: assurance_scrape::Manager,
    rules: assurance_rules::Manager,
    pub(crate) notifier: Notifier,
    /// `None` where alerts are routed elsewhere.
    pub(crate) dispatch: Option<Dispatch>,
    alert_relabel: Vec<assurance_scrape::RelabelRule>,
    external_labels: Labels,
    pub(crate) events: Events,
    counters: Counters,
    /// `None` where nobody keeps alerts.
    pub(crate) keeping: Option<Keeping>,
    /// After a long downtime: until when rules wait for the first scrapes.
    blind_until: Option<Timestamp>,
    /// Until when rules wait because the driver says so.
    held_until: Option<Timestamp>,
    next_retention: Timestamp,
    started: Timestamp,
    pub(crate) now: Timestamp,
}

impl Pipeline {
    /// A pipeline that begins at `now`.
    pub fn new(config: Config, store: Arc<Store>, now: Timestamp) -> Self {
        Self {
            store,
            scrape: assurance_scrape::Manager::new(config.scrape, &config.external_labels, now),
            rules: assurance_rules::Manager::new(config.rules, now),
            notifier: Notifier::new(config.notifier),
            dispatch: config.routing.map(|plan| Dispatch::with_plan(plan, now)),
            alert_relabel: config.alert_relabel,
            external_labels: config.external_labels,
            events: Events::default(),
            counters: Counters::default(),
            keeping: None,
            blind_until: None,
            held_until: None,
            next_retention: now + RETENTION_INTERVAL,
            started: now,
            now,
        }
    }

    /// Puts back what another pipeline wrote down, before anything else is done, and from now on asks for it to
    /// be kept: always before a notification about a changed alert is sent.
    pub fn keep_state(&mut self, now: Timestamp, state: AlertsState) -> Restored {
        let now = self.advance(now);
        let AlertsState { rules, undelivered, dispatch } = state;
        let rules = self.rules.restore_state(rules, now);
        let notifications = undelivered.len();
        let undelivered = self.notifier.restore(now, undelivered);
        let notifications = notifications - undelivered.len();
        let dispatch = self.dispatch.as_mut().zip(dispatch);
        let dispatch = dispatch.map(|(dispatch, state)| dispatch.restore_state(now, state));
        self.keeping = Some(Keeping::new(self.rules.revision()));
        let lookback = self.rules.config().options.lookback;
        let is_stale = self.store.stats().max_time.is_some_and(|newest| newest < now - lookback);
        if rules.alerts > 0 && is_stale {
            // What cannot be seen yet is not over.
            let longest = self.scrape.targets().map(|target| target.interval + target.timeout).max();
            self.blind_until = longest.map(|longest| now + longest);
        }
        Restored { rules, notifications, undelivered, dispatch }
    }

    fn record(&self, number: u64) -> Result<Record, String> {
        let state = AlertsState {
            rules: self.rules.export_state(),
            undelivered: self.notifier.undelivered(),
            dispatch: self.dispatch.as_ref().map(Dispatch::export_state),
        };
        let bytes = state.encode().map_err(|bytes| {
            format!(
                "{bytes} bytes of alerts and notifications are more than the {MAX_STATE_BYTES} that are kept"
            )
        })?;
        Ok(Record { number, bytes })
    }

    /// Counts what was dropped from the store by someone else.
    pub fn note_dropped(&mut self, dropped: assurance_tsdb::Dropped) {
        self.counters.dropped(dropped);
    }

    /// Takes what became of a record.
    pub fn handle_kept(&mut self, now: Timestamp, number: u64, outcome: Result<(), String>) {
        let now = self.advance(now);
        if let Some(keeping) = &mut self.keeping {
            keeping.handle(now, number, outcome);
        }
    }

    /// At a stop: what has changed since the last record, if anything.
    pub fn last_record(&mut self, now: Timestamp) -> Option<Record> {
        let now = self.advance(now);
        let number = self.keeping.as_mut()?.last(now)?;
        self.record_or_fault(now, number)
    }

    fn record_or_fault(&mut self, now: Timestamp, number: u64) -> Option<Record> {
        match self.record(number) {
            Ok(record) => Some(record),
            Err(reason) => {
                self.handle_kept(now, number, Err(reason));
                None
            }
        }
    }

    /// Why alerts are not kept at present.
    pub fn state_fault(&self) -> Option<&StateFault> {
        self.keeping.as_ref()?.fault()
    }

    /// The same for those who do not hold the pipeline; to be asked for once alerts are kept.
    pub fn watch_state_fault(&self) -> FaultWatch {
        self.keeping.as_ref().map(Keeping::watch).unwrap_or_default()
    }

    /// Takes a new configuration as a whole. What stays the same keeps its state: targets their phase and
    /// cache, rules their alerts, receivers their queues.
    pub fn reload(&mut self, now: Timestamp, config: Config) {
        let now = self.advance(now);
        self.scrape.reload(now, config.scrape);
        self.rules.reload(config.rules, now);
        self.notifier.reload(config.notifier);
        self.reload_routing(now, config.routing);
        if let Some(keeping) = &mut self.keeping {
            keeping.note_revision(now, self.rules.revision(), false);
        }
        self.alert_relabel = config.alert_relabel;
        self.external_labels = config.external_labels;
        self.events.push(now, EventKind::Reloaded);
    }

    /// When to call [`Pipeline::handle_timeout`] although nothing else happens.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        [
            self.scrape.poll_timeout(),
            self.blind_until.or_else(|| self.next_evaluation()),
            self.dispatch.as_ref().and_then(Dispatch::poll_timeout),
            self.notifier.poll_timeout().filter(|_| self.may_notify()),
            self.keeping.as_ref().and_then(Keeping::poll_timeout),
            Some(self.next_retention),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Evaluates no rule before an instant, while scrapes and notifications go on: what an evaluator does that
    /// is busy with other groups. Instants that pass meanwhile count as missed.
    pub fn hold_rules(&mut self, until: Timestamp) {
        self.held_until = self.held_until.max(Some(until));
    }

    /// Passes over the instants at which rules are due by now, as an evaluator does that has not ended the
    /// evaluation before.
    pub fn miss_rules(&mut self, now: Timestamp) {
        let now = self.advance(now);
        self.rules.miss(now);
    }

    fn next_evaluation(&self) -> Option<Timestamp> {
        self.rules.poll_timeout().map(|at| self.held_until.map_or(at, |held| held.max(at)))
    }

    fn may_notify(&self) -> bool {
        self.keeping.as_ref().is_none_or(Keeping::lets_pass)
    }

    /// Does what is due: plans scrapes, evaluates rule groups, drops what is old.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        let now = self.advance(now);
        let mut appender = self.store.appender();
        let reports = self.scrape.handle_timeout(now, &mut appender);
        self.counters.committed(appender.commit());
        for report in &reports {
            self.note_scrape(now, report);
        }
        if self.blind_until.is_some_and(|until| until <= now) {
            self.begin_to_see(now);
        }
        if self.blind_until.is_none() && self.next_evaluation().is_some_and(|at| at <= now) {
            self.evaluate(now);
        }
        self.dispatch_due(now);
        if self.next_retention <= now {
            let dropped = self.store.apply_retention(now);
            self.counters.dropped(dropped);
            self.next_retention = now + RETENTION_INTERVAL;
        }
    }

    fn evaluate(&mut self, now: Timestamp) {
        let mut store = Written { store: &self.store, counters: &mut self.counters };
        let reports = self.rules.handle_timeout(now, &mut store);
        self.counters.evaluated(&reports);
        let mut alerts = Vec::new();
        while let Some(event) = self.rules.poll_output() {
            if event.notify {
                alerts.extend(self.told(&event));
            }
            self.events.push(event.at, EventKind::Alert(Box::new(event)));
        }
        if !alerts.is_empty() {
            self.notifier.handle_alerts(now, &alerts);
            self.dispatch_alerts(now, &alerts);
        }
        if let Some(keeping) = &mut self.keeping {
            keeping.note_revision(now, self.rules.revision(), !alerts.is_empty());
        }
    }

    /// The next thing to do, or `None` until more happens or [`Pipeline::poll_timeout`] has come.
    pub fn poll_output(&mut self, now: Timestamp) -> Option<Output> {
        let now = self.advance(now);
        match self.scrape.poll_output() {
            Some(assurance_scrape::Output::Scrape(request)) => Some(Output::Scrape(request)),
            Some(assurance_scrape::Output::ReadFiles(files)) => Some(Output::ReadFiles(files)),
            None => self.poll_record_or_delivery(now),
        }
    }

    fn poll_record_or_delivery(&mut self, now: Timestamp) -> Option<Output> {
        if let Some(number) = self.keeping.as_mut().and_then(|keeping| keeping.next(now))
            && let Some(record) = self.record_or_fault(now, number)
        {
            return Some(Output::Keep(record));
        }
        if !self.may_notify() {
            return None;
        }
        self.notifier.poll_output(now).map(Output::Deliver)
    }

    /// Takes what became of a scrape. `None` where it is no longer awaited.
    pub fn handle_scrape(
        &mut self,
        now: Timestamp,
        id: ScrapeId,
        outcome: Result<Response, ScrapeError>,
    ) -> Option<ScrapeReport> {
        let now = self.advance(now);
        let mut appender = self.store.appender();
        let report = self.scrape.handle_response(now, id, outcome, &mut appender);
        self.counters.committed(appender.commit());
        if let Some(report) = &report {
            self.note_scrape(now, report);
        }
        if self.blind_until.is_some() && self.scrape.targets().all(|t| t.health.last_scrape.is_some()) {
            self.begin_to_see(now);
        }
        report
    }

    fn begin_to_see(&mut self, now: Timestamp) {
        self.blind_until = None;
        self.rules.begin_at(now);
    }

    /// Takes what lists of targets say, or why they cannot be read.
    pub fn handle_file_sd(
        &mut self,
        now: Timestamp,
        files: &ReadFiles,
        found: Result<Vec<DiscoveredFile>, String>,
    ) {
        let now = self.advance(now);
        self.scrape.handle_file_sd(now, &files.job, files.index, found);
    }

    /// Takes what became of a delivery.
    pub fn handle_delivery(&mut self, now: Timestamp, id: DeliveryId, result: Result<(), DeliveryError>) {
        let now = self.advance(now);
        let is_over = result.as_ref().err().is_none_or(|error| !error.retry);
        self.notifier.handle_delivery(now, id, result);
        if let Some(keeping) = self.keeping.as_mut().filter(|_| is_over) {
            keeping.note_change();
        }
    }

    fn note_scrape(&mut self, now: Timestamp, report: &ScrapeReport) {
        let changed = self.counters.scraped(report);
        let Some(target) = self.scrape.target(report.id.target).filter(|_| changed) else { return };
        let target = target.labels.clone();
        let kind = match &report.failure {
            None => EventKind::TargetUp { target },
            Some(failure) => EventKind::TargetDown { target, reason: failure.to_string() },
        };
        self.events.push(now, kind);
    }

    /// What receivers are told of an alert; `None` where relabelling drops it.
    fn told(&self, event: &AlertEvent) -> Option<Alert> {
        let alert = &event.alert;
        let mut labels = self.external_labels.to_builder();
        for (name, value) in &alert.labels {
            labels.set(name, value);
        }
        if !assurance_scrape::relabel_builder(&mut labels, &self.alert_relabel) {
            return None;
        }
        Some(Alert {
            labels: labels.build(),
            annotations: alert.annotations.clone(),
            status: if alert.resolved_at.is_some() { AlertStatus::Resolved } else { AlertStatus::Firing },
            starts_at: alert.starts_at(),
            ends_at: alert.ends_at().unwrap_or(event.at),
            value: alert.value,
            generator_url: event.generator_url.to_string(),
        })
    }

    pub(crate) fn advance(&mut self, now: Timestamp) -> Timestamp {
        self.now = self.now.max(now);
        self.now
    }

    /// The samples, for whoever queries them.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Targets and their health.
    pub fn scrape(&self) -> &assurance_scrape::Manager {
        &self.scrape
    }

    /// Rules and their alerts.
    pub fn rules(&self) -> &assurance_rules::Manager {
        &self.rules
    }

    /// The labels by which others know this server.
    pub fn external_labels(&self) -> &Labels {
        &self.external_labels
    }

    /// Receivers and what they were told.
    pub fn notifier(&self) -> &Notifier {
        &self.notifier
    }

    /// What happened from number `sequence` on, oldest first; the newest [`MAX_EVENTS`](crate::MAX_EVENTS)
    /// are kept.
    pub fn events_since(&self, sequence: u64) -> impl DoubleEndedIterator<Item = &Event> {
        self.events.since(sequence)
    }

    /// When it began.
    pub fn started(&self) -> Timestamp {
        self.started
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }
}

/// The store as rules see it: each rule's samples are one commit.
struct Written<'a> {
    store: &'a Store,
    counters: &'a mut Counters,
}

impl RuleStore for Written<'_> {
    fn queryable(&self) -> &dyn Queryable {
        self.store
    }

    fn append_all(
        &mut self,
        _now: Timestamp,
        samples: &mut dyn Iterator<Item = (Labels, Timestamp, Value)>,
    ) -> Vec<AppendError> {
        let mut appender = self.store.appender();
        let mut refused = Vec::new();
        for (labels, at, value) in samples {
            if let Err(error) = appender.append(None, &labels, at, value) {
                refused.push(error);
            }
        }
        self.counters.committed(appender.commit());
        refused
    }
}
