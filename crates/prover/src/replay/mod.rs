//! A timeline through the whole path: pages as text, the real scraper, store, rules and notifier.
//!
//! The fast engine computes what this shows; here nothing is computed, it happens.

mod agree;
mod full;
mod page;
mod surroundings;

use std::collections::BTreeMap;
use std::sync::Arc;

use assurance_metrics_model::{
    Duration, Labels, LabelsBuilder, Matcher, Queryable as _, Selection, TimeRange, Timestamp,
};
use assurance_notifier::{Receiver, ReceiverKind};
use assurance_policy::intents::{AbsenceForm, MonitorState};
use assurance_rules::{EventKind, Group, Rule, Schedule};
use assurance_scrape::{JobConfig, TargetGroup};
use assurance_simulator::{Monitor, MonitorConfig, MonitorError, Observation, Observed, Outage};
use assurance_tsdb::Store;

use crate::claim::{Claim, ClaimJob, CounterBirth};
use crate::timeline::{Slots, Timeline};
use surroundings::World;

pub use agree::{Disagreement, disagreement, firings};
pub use full::{FullPath, run_of};

/// How long a scrape may take, or the interval where that is shorter.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The receiver of a replay.
const RECEIVER: &str = "replay";

/// What became of a timeline.
#[derive(Debug)]
pub struct Replay {
    /// All that monitoring did.
    pub log: Vec<Observation>,
    store: Arc<Store>,
    origin: Timestamp,
    end: i64,
}

/// An alert that fired, in milliseconds of its timeline.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Firing {
    /// The alert's labels.
    pub labels: Labels,
    /// The first evaluation at which it fired.
    pub from: i64,
    /// The evaluation at which it no longer did; `None` where the world ended before.
    pub until: Option<i64>,
}

/// Lets a timeline happen, under the rules of a claim alone.
///
/// # Errors
/// If the pipeline cannot go on, which is a fault of its.
pub fn replay(claim: &Claim, timeline: &Timeline) -> Result<Replay, MonitorError> {
    replay_under(&groups_of(claim), claim, timeline)
}

/// Lets a timeline happen under whole groups, for rules that read what others record.
///
/// # Errors
/// As [`replay`].
pub fn replay_under(groups: &[Group], claim: &Claim, timeline: &Timeline) -> Result<Replay, MonitorError> {
    let config = config(groups, claim, timeline);
    let mut monitor = Monitor::new(config, World::new(claim, timeline));
    while monitor.step()?.is_some() {}
    let store = Arc::clone(monitor.store());
    Ok(Replay { log: monitor.into_log(), store, origin: claim.origin, end: timeline.end })
}

/// The groups of a claim's own rules.
fn groups_of(claim: &Claim) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for rule in &claim.rules {
        let known = groups.iter_mut().find(|group| group.name == *rule.group && group.file == *rule.file);
        match known {
            Some(group) => group.rules.push(Rule::Alerting(rule.rule.clone())),
            None => groups.push(Group {
                name: rule.group.to_string(),
                file: rule.file.to_string(),
                interval: Some(Duration::from_millis(rule.interval)),
                limit: 0,
                query_offset: Some(Duration::from_millis(rule.query_offset)),
                labels: BTreeMap::new(),
                rules: vec![Rule::Alerting(rule.rule.clone())],
            }),
        }
    }
    groups
}

fn config(groups: &[Group], claim: &Claim, timeline: &Timeline) -> MonitorConfig {
    let at = |millis: i64| claim.origin + Duration::from_millis(millis);
    let mut pipeline = assurance_pipeline::Config {
        scrape: (0..claim.jobs.len()).map(|job| job_config(claim, timeline, job)).collect(),
        ..assurance_pipeline::Config::default()
    };
    pipeline.rules = assurance_rules::Config::new(groups.to_vec());
    pipeline.rules.default_interval = claim.environment.eval.interval;
    pipeline.rules.schedule = Schedule::Aligned(at(timeline.eval.phase));
    let receiver = Receiver::new(RECEIVER, ReceiverKind::Webhook, "http://replay.invalid/");
    pipeline.notifier.receivers = vec![receiver];

    let mut reloads = Vec::new();
    for absence in timeline.absences.iter().filter(|absence| absence.form == AbsenceForm::Removed) {
        let without = assurance_pipeline::Config { scrape: Vec::new(), ..pipeline.clone() };
        reloads.push((at(absence.span.from), without));
        if absence.span.until < timeline.end {
            reloads.push((at(absence.span.until), pipeline.clone()));
        }
    }
    let is_evaluation = |millis: i64| {
        let intervals = claim.rules.iter().map(|rule| rule.interval);
        intervals.into_iter().any(|interval| (millis - timeline.eval.phase).rem_euclid(interval) == 0)
    };
    let outages = timeline.away.iter().map(|span| {
        // An evaluator that starts at an instant evaluates from the next one on.
        let early = i64::from(is_evaluation(span.until));
        let from = if span.from == span.until { span.from - early } else { span.from };
        Outage {
            from: at(from),
            until: at(span.until - early),
            keeps_samples: true,
            keeps_alerts: claim.environment.monitor.state == MonitorState::Restored,
        }
    });
    let outages = outages.collect();
    // A scrape at the very instant of an evaluation is seen by it: the evaluation lets it pass.
    let begins = |job: &ClaimJob| slots(timeline.scrape.phase, job.interval).until(timeline.end);
    let scrapes = claim.jobs.iter().flat_map(begins).map(|slot| timeline.begins(slot));
    let busy = scrapes.filter(|scrape| is_evaluation(*scrape)).map(|scrape| (at(scrape), at(scrape + 1)));
    let busy = busy.collect();
    let missed = timeline.skipped.iter().map(|skipped| at(*skipped)).collect();
    // What is at the end is no longer part of the world.
    let end = at(timeline.end) - Duration::from_millis(1);
    MonitorConfig { start: at(0), end, pipeline, outages, reloads, busy, missed }
}

fn slots(phase: i64, interval: i64) -> Slots {
    Slots { interval, phase: phase.rem_euclid(interval) }
}

fn job_config(claim: &Claim, timeline: &Timeline, index: usize) -> JobConfig {
    let job = &claim.jobs[index];
    let mut config = JobConfig::new(&job.name);
    config.scrape_interval = Duration::from_millis(job.interval);
    config.scrape_timeout = TIMEOUT.min(config.scrape_interval);
    config.metrics_path = job.metrics_path.to_string();
    let phase = claim.origin + Duration::from_millis(timeline.scrape.phase);
    config.phase = Some(phase - Timestamp::EPOCH);
    let mut labels = LabelsBuilder::default();
    for (name, value) in job.target.iter().filter(|(name, _)| *name != "job" && *name != "instance") {
        labels.set(name, value);
    }
    let targets = vec![job.instance.to_string()];
    config.static_targets = vec![TargetGroup { labels: labels.build(), targets, ..TargetGroup::default() }];
    config.counter_birth = match claim.birth {
        CounterBirth::Zero => assurance_scrape::CounterBirth::Zero,
        CounterBirth::Unknown => assurance_scrape::CounterBirth::Unknown,
    };
    config
}

impl Replay {
    /// The times in which alerts fired, in the order of their labels and times.
    pub fn firings(&self) -> Vec<Firing> {
        let mut open: BTreeMap<Labels, i64> = BTreeMap::new();
        let mut all = Vec::new();
        for observation in &self.log {
            let Observed::Alert { kind, labels, .. } = &observation.what else { continue };
            let at = (observation.at - self.origin).as_millis();
            match kind {
                EventKind::Firing => {
                    open.insert(labels.clone(), at);
                }
                EventKind::Resolved | EventKind::Dropped => {
                    if let Some(from) = open.remove(labels) {
                        all.push(Firing { labels: labels.clone(), from, until: Some(at) });
                    }
                }
                _ => {}
            }
        }
        all.extend(open.into_iter().map(|(labels, from)| Firing { labels, from, until: None }));
        all.sort();
        all
    }

    /// The stored samples of series that any of these selectors select, oldest first, stale markers among them.
    pub fn samples(&self, selectors: &[Vec<Matcher>]) -> Vec<(Labels, Vec<(Timestamp, f64)>)> {
        let range = TimeRange::new(
            self.origin - Duration::from_millis(1),
            self.origin + Duration::from_millis(self.end),
        );
        let mut all: BTreeMap<Labels, Vec<(Timestamp, f64)>> = BTreeMap::new();
        for matchers in selectors {
            // A store in memory can always be read.
            let Ok(found) = self.store.select(&Selection { matchers, range }) else { continue };
            for series in found {
                let mut column = assurance_metrics_model::Column::new();
                if series.read(range, &mut column).is_ok() && !column.is_empty() {
                    let samples = column.timestamps().iter().copied().zip(column.floats().iter().copied());
                    all.insert(series.labels().clone(), samples.collect());
                }
            }
        }
        all.into_iter().collect()
    }

    /// The absolute time of the timeline's 0.
    pub const fn origin(&self) -> Timestamp {
        self.origin
    }
}
