use std::collections::VecDeque;

use assurance_metrics_model::{Duration, Labels, Timestamp};
use assurance_promql as promql;
use assurance_template::Externals;

use crate::group::{Around, GroupState, RuleState, definition, end_series, key_of};
use crate::state::{GroupRecord, ManagerState, Restored, Revision, RuleRecord};
use crate::{AlertEvent, AlertState, EventKind, Group, GroupReport, GroupStatus, RuleStore, Schedule};

/// Alerts that one rule may have at once: 10,000 of them with 1 KiB of labels and annotations each are
/// 10 MiB, and no receiver can use more.
pub const MAX_ACTIVE_ALERTS_PER_RULE: usize = 10_000;

/// How groups are evaluated.
#[derive(Clone, Debug)]
pub struct Config {
    /// The groups, in the order of their files.
    pub groups: Vec<Group>,
    /// The interval of groups that name none.
    pub default_interval: Duration,
    /// The query offset of groups that name none.
    pub query_offset: Duration,
    /// Labels of this server, for templates; the notifier adds them to alerts.
    pub external_labels: Labels,
    /// The URL under which this server is reached from outside.
    pub external_url: String,
    /// How expressions are evaluated.
    pub options: promql::Options,
    /// The parts of PromQL that queries in templates may use; the rules' own expressions are read already.
    pub features: promql::Features,
    /// How long an alert is not sent again (Prometheus's `--rules.alert.resend-delay`).
    pub resend_delay: Duration,
    /// At which instants groups are evaluated.
    pub schedule: Schedule,
    /// Alerts that one rule may have; more are an error of the rule.
    pub max_active_alerts_per_rule: usize,
}

impl Config {
    /// Groups under Prometheus's defaults: evaluated every minute, sent again after a minute.
    pub fn new(groups: Vec<Group>) -> Self {
        Self {
            groups,
            default_interval: Duration::from_minutes(1),
            query_offset: Duration::ZERO,
            external_labels: Labels::empty(),
            external_url: String::new(),
            options: promql::Options::default(),
            features: promql::Features::default(),
            resend_delay: Duration::from_minutes(1),
            schedule: Schedule::Hashed,
            max_active_alerts_per_rule: MAX_ACTIVE_ALERTS_PER_RULE,
        }
    }
}

/// Evaluates groups of rules when they are due, and keeps the state of their alerts.
///
/// The driver calls [`Manager::handle_timeout`] at or after [`Manager::poll_timeout`], then takes all events
/// from [`Manager::poll_output`].
#[derive(Debug)]
pub struct Manager {
    config: Config,
    externals: Externals,
    groups: Vec<GroupState>,
    events: VecDeque<AlertEvent>,
    ending: Vec<Ending>,
    revision: Revision,
}

/// Series of a group that is gone. They end two intervals later, if no other group has taken them over.
#[derive(Debug)]
struct Ending {
    due: Timestamp,
    at: Timestamp,
    series: Vec<Labels>,
}

impl Manager {
    /// A manager whose groups are first evaluated at their next instant after `now`.
    pub fn new(mut config: Config, now: Timestamp) -> Self {
        let groups = std::mem::take(&mut config.groups);
        let groups = groups.into_iter().map(|group| GroupState::new(group, &config, now)).collect();
        let externals = Externals::new(&config.external_labels, &config.external_url);
        Self {
            config,
            externals,
            groups,
            events: VecDeque::new(),
            ending: Vec::new(),
            revision: Revision::default(),
        }
    }

    /// Takes another configuration. A rule that keeps kind, name and labels keeps its alerts; a group that
    /// keeps its interval keeps its instants. Alerts of rules that are gone are told as
    /// [`EventKind::Dropped`].
    pub fn reload(&mut self, config: Config, now: Timestamp) {
        let mut old = std::mem::take(&mut self.groups);
        *self = Self {
            events: std::mem::take(&mut self.events),
            ending: std::mem::take(&mut self.ending),
            revision: Revision { alerts: self.revision.alerts + 1, ..self.revision },
            ..Self::new(config, now)
        };
        for state in &mut self.groups {
            let same = |o: &GroupState| o.group.file == state.group.file && o.group.name == state.group.name;
            if let Some(at) = old.iter().position(same) {
                let gone = state.inherit(old.remove(at));
                drop_alerts(gone, now, &mut self.events);
            }
        }
        for group in old {
            let mut series: Vec<Labels> = group.ending;
            series.extend(group.rules.iter().flat_map(|rule| rule.written.iter().cloned()));
            series.sort();
            if !series.is_empty() {
                self.ending.push(Ending { due: now + group.slots.interval() * 2, at: now, series });
            }
            drop_alerts(group.rules, now, &mut self.events);
        }
    }

    /// When something is due next.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let groups = self.groups.iter().map(|group| group.next);
        groups.chain(self.ending.iter().map(|ending| ending.due)).min()
    }

    /// Evaluates the groups that are due, each at its own instant, oldest first. Where several instants of a
    /// group have passed, it is evaluated at the newest, and the others are counted as missed.
    pub fn handle_timeout(&mut self, now: Timestamp, store: &mut dyn RuleStore) -> Vec<GroupReport> {
        for ending in self.ending.extract_if(.., |ending| ending.due <= now) {
            end_series(&ending.series, ending.at, now, store);
        }
        let mut due: Vec<(Timestamp, u64, usize)> = Vec::new();
        for (index, group) in self.groups.iter_mut().enumerate() {
            // A clock that was set back must not stop the group until it has caught up.
            if group.next - now > group.slots.interval() {
                group.next = group.slots.after(now);
            }
            if group.next <= now {
                let (at, missed) = group.slots.latest(group.next, now);
                due.push((at, missed, index));
            }
        }
        due.sort_unstable();
        let around = Around { config: &self.config, externals: &self.externals };
        let mut reports = Vec::with_capacity(due.len());
        for (at, missed, index) in due {
            let group = &mut self.groups[index];
            group.next = at + group.slots.interval();
            group.missed += missed;
            let mut report = group.evaluate(at, now, &around, store, &mut self.events);
            report.missed = missed;
            let touched = std::mem::take(&mut group.touched);
            self.revision.alerts += u64::from(touched.alerts);
            self.revision.rest += u64::from(touched.rest);
            reports.push(report);
        }
        reports
    }

    /// The next event. All must be taken after each [`Manager::handle_timeout`] and [`Manager::reload`].
    pub fn poll_output(&mut self) -> Option<AlertEvent> {
        self.events.pop_front()
    }

    /// Notes how long the last evaluation of a group took: this room has no clock.
    pub fn note_evaluation_time(&mut self, file: &str, group: &str, took: Duration) {
        for state in &mut self.groups {
            if state.group.file == file && state.group.name == group {
                state.evaluation_time = Some(took);
            }
        }
    }

    /// All groups as they stand, in the order of the configuration.
    pub fn groups(&self) -> impl Iterator<Item = GroupStatus<'_>> {
        self.groups.iter().map(GroupState::status)
    }

    /// All pending and firing alerts.
    pub fn alerts(&self) -> impl Iterator<Item = &AlertState> {
        let rules = self.groups.iter().flat_map(|group| &group.rules);
        rules.flat_map(|rule| rule.alerts.values()).filter(|a| a.phase != crate::Phase::Inactive)
    }

    /// The configuration, without its groups.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Puts off the first evaluation of all groups to their next instants after `now`, as if the manager had
    /// been made then: for whoever knows that there was nothing to see before.
    pub fn begin_at(&mut self, now: Timestamp) {
        for group in self.groups.iter_mut().filter(|group| group.evaluations == 0) {
            group.next = group.slots.after(now);
        }
    }

    /// Passes over the instants that are due by now: they are not evaluated, and count as missed.
    pub fn miss(&mut self, now: Timestamp) {
        for group in self.groups.iter_mut().filter(|group| group.next <= now) {
            group.missed += group.slots.latest(group.next, now).1 + 1;
            group.next = group.slots.after(now);
        }
    }

    /// Rises whenever [`Manager::export_state`] says something new that a restart must not forget. Values and
    /// annotations of alerts, and times of evaluations, are not among it.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// All that must survive a restart.
    pub fn export_state(&self) -> ManagerState {
        let groups = self.groups.iter().map(|state| GroupRecord {
            file: state.group.file.clone(),
            name: state.group.name.clone(),
            last_evaluation: state.last_evaluation,
            rules: state.group.rules.iter().zip(&state.rules).filter_map(rule_record).collect(),
        });
        ManagerState {
            groups: groups.filter(|g| !g.rules.is_empty() || g.last_evaluation.is_some()).collect(),
        }
    }

    /// Puts back what was exported, before the first evaluation. `active_at` does not move: time in which
    /// nobody evaluated counts as time in which the condition held, if it holds at the next evaluation.
    /// Series of rules that are gone are ended; a rule with another expression or `for` starts anew.
    pub fn restore_state(&mut self, state: ManagerState, now: Timestamp) -> Restored {
        let mut restored = Restored::default();
        for record in state.groups {
            let GroupRecord { file, name, last_evaluation, rules } = record;
            let group = self.groups.iter_mut().find(|g| g.group.file == file && g.group.name == name);
            let rest = match group {
                Some(group) => {
                    group.last_evaluation = last_evaluation;
                    let (changed, rest) = group.restore(rules);
                    restored.alerts += group.rules.iter().map(|rule| rule.alerts.len()).sum::<usize>();
                    let anew = |(rule, labels)| (file.clone(), name.clone(), rule, labels);
                    restored.changed.extend(changed.into_iter().map(anew));
                    rest
                }
                None => rules,
            };
            for rule in rest {
                let lost = |alert: AlertState| (file.clone(), name.clone(), rule.name.clone(), alert.labels);
                restored.lost.extend(rule.alerts.into_iter().map(lost));
                if !rule.written.is_empty() {
                    self.ending.push(Ending { due: now, at: now, series: rule.written });
                }
            }
        }
        restored
    }
}

fn rule_record((rule, state): (&crate::Rule, &RuleState)) -> Option<RuleRecord> {
    let (alerting, name, labels) = key_of(rule);
    let mut written: Vec<Labels> = state.written.to_vec();
    written.sort();
    let alerts: Vec<AlertState> = state.alerts.values().cloned().collect();
    let empty = written.is_empty() && alerts.is_empty();
    let (expression, hold) = definition(rule);
    let expression = expression.to_owned();
    (!empty).then_some(RuleRecord { alerting, name, labels, expression, hold, alerts, written })
}

fn drop_alerts(gone: Vec<RuleState>, now: Timestamp, events: &mut VecDeque<AlertEvent>) {
    for mut rule in gone {
        for (_, alert) in std::mem::take(&mut rule.alerts) {
            if alert.phase != crate::Phase::Inactive {
                let event = rule.event(EventKind::Dropped, false, now, alert);
                events.push_back(event);
            }
        }
    }
}
