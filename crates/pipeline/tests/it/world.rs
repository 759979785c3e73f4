//! The smallest driver: one target whose body is a function of time, receivers that answer as told, and a
//! clock that jumps to the next wake-up.

use std::sync::Arc;

use assurance_diagnostics::Source;
use assurance_metrics_model::{Duration, Labels, Timestamp};
use assurance_notifier::dispatch::{Notification, Plan};
use assurance_notifier::{Alert, DeliveryError, Receiver, ReceiverKind};
use assurance_pipeline::{AlertsState, Config, Output, Pipeline, Restored};
use assurance_rules::RuleFile;
use assurance_scrape::{JobConfig, Response, ScrapeError, TargetGroup};
use assurance_tsdb::Store;

pub(crate) const START: Timestamp = Timestamp::from_secs(1_766_671_200);

pub(crate) fn at(secs: i64) -> Timestamp {
    START + Duration::from_secs(secs)
}

pub(crate) struct World<'a> {
    pub(crate) pipeline: Pipeline,
    pub(crate) now: Timestamp,
    /// The target's body at a time, or `None` while it is down.
    pub(crate) body: &'a dyn Fn(Timestamp) -> Option<String>,
    /// Whether the receiver takes a delivery at a time.
    pub(crate) takes: &'a dyn Fn(Timestamp) -> bool,
    pub(crate) received: Vec<(Timestamp, Alert)>,
    /// The newest record of alerts, and how many there were.
    pub(crate) record: Option<Vec<u8>>,
    pub(crate) records: usize,
    /// Where alerts are routed.
    pub(crate) plan: Option<Arc<Plan>>,
    /// Notifications that were delivered, with the time.
    pub(crate) told: Vec<(Timestamp, Arc<Notification>)>,
}

pub(crate) fn config(rules: &str) -> Config {
    let mut job = JobConfig::new("brain-governance");
    job.scrape_interval = Duration::from_secs(30);
    job.static_targets
        .push(TargetGroup { targets: vec!["backend:8000".to_owned()], ..TargetGroup::default() });
    let file = RuleFile::parse(&Source::new("rules.yml", rules)).expect("the rules load");
    let mut config = Config::default();
    config.scrape.push(job);
    config.rules.groups = file.groups;
    config.rules.default_interval = Duration::from_secs(30);
    config.notifier.receivers.push(Receiver::new("pager", ReceiverKind::Webhook, "http://pager/"));
    config.external_labels = Labels::from_pairs([("cluster", "brain")]);
    config
}

/// Webhooks for those integrations that can be delivered to.
pub(crate) fn routed_config(rules: &str, plan: Option<&Arc<Plan>>) -> Config {
    let mut config = config(rules);
    config.routing = plan.cloned();
    for receiver in plan.iter().flat_map(|plan| &plan.routing().receivers) {
        for way in receiver.integrations.iter().filter(|way| way.is_deliverable()) {
            let hook = Receiver::routed(&receiver.name, &way.to_string(), "http://hook/");
            config.notifier.receivers.push(hook);
        }
    }
    config
}

impl<'a> World<'a> {
    pub(crate) fn new(rules: &str, body: &'a dyn Fn(Timestamp) -> Option<String>) -> Self {
        Self::routed(rules, body, None)
    }

    /// The same, with alerts routed to webhooks of its receivers.
    pub(crate) fn routed(
        rules: &str,
        body: &'a dyn Fn(Timestamp) -> Option<String>,
        plan: Option<Arc<Plan>>,
    ) -> Self {
        let store = Arc::new(Store::new(assurance_tsdb::Config::default()));
        let pipeline = Pipeline::new(routed_config(rules, plan.as_ref()), store, START);
        Self {
            pipeline,
            now: START,
            body,
            takes: &|_| true,
            received: Vec::new(),
            record: None,
            records: 0,
            plan,
            told: Vec::new(),
        }
    }

    /// Stops without a word, and begins anew with the samples and the record that are there, under these rules.
    pub(crate) fn restart(&mut self, rules: &str) -> Restored {
        let store = Arc::clone(self.pipeline.store());
        let config = routed_config(rules, self.plan.as_ref());
        self.pipeline = Pipeline::new(config, store, self.now);
        let state = self.record.as_ref().map(|bytes| AlertsState::decode(bytes).expect("as it was written"));
        self.pipeline.keep_state(self.now, state.unwrap_or_default())
    }

    /// Does all there is to do, then jumps to the next wake-up, until `end`.
    pub(crate) fn run_until(&mut self, end: Timestamp) {
        loop {
            while let Some(output) = self.pipeline.poll_output(self.now) {
                self.execute(output);
            }
            let next = self.pipeline.poll_timeout().expect("something is always due");
            assert!(next >= self.now, "a wake-up in the past would spin: {next} at {}", self.now);
            if next > end {
                break;
            }
            self.now = next;
            self.pipeline.handle_timeout(self.now);
        }
    }

    fn execute(&mut self, output: Output) {
        match output {
            Output::Scrape(request) => {
                let outcome = match (self.body)(self.now) {
                    Some(body) => Ok(Response {
                        status: 200,
                        content_type: None,
                        body: body.into_bytes(),
                        started: self.now,
                        duration: Duration::ZERO,
                    }),
                    None => Err(ScrapeError::new("connection refused", self.now, Duration::ZERO)),
                };
                self.pipeline.handle_scrape(self.now, request.id, outcome);
            }
            Output::Deliver(delivery) => {
                let result = if (self.takes)(self.now) {
                    if let Some(told) = &delivery.notification {
                        self.told.push((self.now, Arc::clone(told)));
                    }
                    self.received.extend(delivery.alerts.iter().map(|alert| (self.now, alert.clone())));
                    Ok(())
                } else {
                    Err(DeliveryError { retry: true, reason: "503".to_owned() })
                };
                self.pipeline.handle_delivery(self.now, delivery.id, result);
            }
            Output::ReadFiles(files) => panic!("no file lists are configured, yet {files:?}"),
            Output::Keep(record) => {
                self.record = Some(record.bytes);
                self.records += 1;
                self.pipeline.handle_kept(self.now, record.number, Ok(()));
            }
        }
    }

    /// What the receiver heard, one line each, seconds since the start, resends left out.
    pub(crate) fn heard(&self) -> Vec<(i64, String)> {
        let mut lines: Vec<(i64, String)> = Vec::new();
        for (when, alert) in &self.received {
            let line = format!("{} {}", alert.name(), alert.status.as_str());
            if lines.iter().rev().find(|(_, l)| l.starts_with(alert.name())).is_none_or(|(_, l)| *l != line) {
                lines.push(((*when - START).as_millis() / 1000, line));
            }
        }
        lines
    }
}
