//! One group at work: its rules' states, and one evaluation of all of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use assurance_metrics_model::{AppendErrorKind, Duration, Labels, Timestamp, Value};
use assurance_template::Externals;
use hashbrown::{HashMap, HashSet};

use crate::alert::{Holds, step};
use crate::cache::{LabelCache, SeriesCache};
use crate::evaluate::{self, Known, Notes, View};
use crate::manager::Config;
use crate::schedule::Slots;
use crate::state::{RuleRecord, Touched};
use crate::{
    AlertEvent, AlertState, AlertingRule, EventKind, Group, GroupReport, GroupStatus, Health, Phase, Rule,
    RuleError, RuleId, RuleStatus, RuleStore, SelectorStatus,
};

/// One rule's state.
#[derive(Debug)]
pub(crate) struct RuleState {
    pub(crate) id: RuleId,
    pub(crate) generator_url: Arc<str>,
    pub(crate) health: Health,
    pub(crate) last_error: Option<RuleError>,
    pub(crate) notes: Notes,
    pub(crate) last_evaluation: Option<Timestamp>,
    pub(crate) results: usize,
    pub(crate) failures: u64,
    pub(crate) selectors: Vec<SelectorStatus>,
    pub(crate) alerts: BTreeMap<Labels, AlertState>,
    /// The series written at the last evaluation, to be ended when they are not written again.
    pub(crate) written: Vec<Labels>,
    labels: LabelCache,
    series: SeriesCache,
    /// Whether the alerts were described by the rule as it is now: not after a reload or restart.
    described: bool,
    /// Whether something that must survive a restart has changed, until the group takes note.
    touched: Touched,
}

impl RuleState {
    fn new(group: &Group, rule: &Rule, external_url: &str) -> Self {
        let url = external_url.trim_end_matches('/');
        let query = crate::url::query_escape(rule.expression().canonical());
        Self {
            id: RuleId {
                file: group.file.as_str().into(),
                group: group.name.as_str().into(),
                rule: rule.name().into(),
            },
            generator_url: format!("{url}/graph?g0.expr={query}&g0.tab=1").into(),
            health: Health::Unknown,
            last_error: None,
            notes: Notes::default(),
            last_evaluation: None,
            results: 0,
            failures: 0,
            selectors: selectors_of(rule),
            alerts: BTreeMap::new(),
            written: Vec::new(),
            labels: LabelCache::default(),
            series: SeriesCache::default(),
            described: false,
            touched: Touched::default(),
        }
    }

    pub(crate) fn event(
        &self,
        kind: EventKind,
        notify: bool,
        at: Timestamp,
        alert: AlertState,
    ) -> AlertEvent {
        AlertEvent {
            kind,
            notify,
            at,
            rule: self.id.clone(),
            generator_url: Arc::clone(&self.generator_url),
            alert,
        }
    }

    /// Alerts, and those of them that fire only because of `keep_firing_for`.
    fn kept(&self) -> (usize, usize) {
        let held = self.alerts.values().filter(|alert| alert.keep_firing_since.is_some());
        (self.alerts.len(), held.count())
    }

    /// Notes what the selectors gave; an evaluation that failed early may not have asked all of them.
    fn note_selected(&mut self, at: Timestamp) {
        for (status, selected) in self.selectors.iter_mut().zip(&self.notes.selected) {
            status.matched_now = *selected;
            status.matched_most = status.matched_most.max(*selected);
            if *selected > 0 {
                status.last_matched = Some(at);
            }
        }
    }

    /// Takes over what the same rule knew before a reload, but not what other selectors gave.
    fn inherit(&mut self, old: Self) {
        self.health = old.health;
        self.last_error = old.last_error;
        self.notes = old.notes;
        self.last_evaluation = old.last_evaluation;
        self.results = old.results;
        self.failures = old.failures;
        self.alerts = old.alerts;
        self.written = old.written;
        if self.selectors.iter().map(|s| &s.selector).eq(old.selectors.iter().map(|s| &s.selector)) {
            self.selectors = old.selectors;
        }
    }
}

fn selectors_of(rule: &Rule) -> Vec<SelectorStatus> {
    let selectors = rule.expression().tree().selectors().into_iter();
    let status = selectors.map(|selector| SelectorStatus {
        selector: selector.to_string().into(),
        matched_now: 0,
        matched_most: 0,
        last_matched: None,
    });
    status.collect()
}

/// One group's state.
#[derive(Debug)]
pub(crate) struct GroupState {
    pub(crate) group: Arc<Group>,
    file: Arc<str>,
    name: Arc<str>,
    pub(crate) slots: Slots,
    pub(crate) next: Timestamp,
    pub(crate) last_evaluation: Option<Timestamp>,
    pub(crate) evaluation_time: Option<Duration>,
    pub(crate) evaluations: u64,
    pub(crate) missed: u64,
    pub(crate) rules: Vec<RuleState>,
    /// Series of rules that are gone, to be ended at the next evaluation.
    pub(crate) ending: Vec<Labels>,
    /// Whether something that must survive a restart has changed, until the manager takes note.
    pub(crate) touched: Touched,
}

/// What makes a rule the same one after its file has changed: kind, name and labels as written. Rules that
/// are alike in all of these are matched in order.
pub(crate) type RuleKey = (bool, String, Labels);

pub(crate) fn key_of(rule: &Rule) -> RuleKey {
    (rule.is_alerting(), rule.name().to_owned(), rule.label_texts())
}

/// What a rule's alerts hang on: another expression or `for` makes other alerts.
pub(crate) fn definition(rule: &Rule) -> (&str, Duration) {
    let hold = match rule {
        Rule::Alerting(rule) => rule.hold,
        Rule::Recording(_) => Duration::ZERO,
    };
    (rule.expression().canonical(), hold)
}

impl GroupState {
    pub(crate) fn new(group: Group, config: &Config, now: Timestamp) -> Self {
        let interval = group.interval.unwrap_or(config.default_interval);
        let slots = Slots::new(config.schedule, &group.file, &group.name, interval);
        let rules = group.rules.iter().map(|r| RuleState::new(&group, r, &config.external_url)).collect();
        Self {
            file: group.file.as_str().into(),
            name: group.name.as_str().into(),
            group: Arc::new(group),
            slots,
            next: slots.after(now),
            last_evaluation: None,
            evaluation_time: None,
            evaluations: 0,
            missed: 0,
            rules,
            ending: Vec::new(),
            touched: Touched::default(),
        }
    }

    /// Takes over the state of the group as it was before a reload; gives the rules that are gone.
    pub(crate) fn inherit(&mut self, old: Self) -> Vec<RuleState> {
        if self.slots == old.slots {
            self.next = old.next;
        }
        self.last_evaluation = old.last_evaluation;
        self.evaluation_time = old.evaluation_time;
        self.evaluations = old.evaluations;
        self.missed = old.missed;
        self.ending = old.ending;
        let mut known: HashMap<RuleKey, VecDeque<RuleState>> = HashMap::new();
        for (rule, state) in old.group.rules.iter().zip(old.rules) {
            known.entry(key_of(rule)).or_default().push_back(state);
        }
        for (rule, state) in self.group.rules.iter().zip(&mut self.rules) {
            if let Some(old) = known.get_mut(&key_of(rule)).and_then(VecDeque::pop_front) {
                state.inherit(old);
            }
        }
        let mut gone: Vec<RuleState> = known.into_values().flatten().collect();
        gone.sort_by(|a, b| a.id.cmp(&b.id));
        self.ending.extend(gone.iter().flat_map(|rule| rule.written.iter().cloned()));
        gone
    }

    /// Puts back what was exported; gives the alerts of rules that have changed, and the records that no rule
    /// of the group takes.
    pub(crate) fn restore(&mut self, records: Vec<RuleRecord>) -> (Vec<(String, Labels)>, Vec<RuleRecord>) {
        let mut changed = Vec::new();
        let mut known: HashMap<RuleKey, VecDeque<RuleRecord>> = HashMap::new();
        for record in records {
            let key = (record.alerting, record.name.clone(), record.labels.clone());
            known.entry(key).or_default().push_back(record);
        }
        for (rule, state) in self.group.rules.iter().zip(&mut self.rules) {
            let Some(record) = known.get_mut(&key_of(rule)).and_then(VecDeque::pop_front) else { continue };
            state.written = record.written;
            let alerts = record.alerts.into_iter().map(|alert| (alert.labels.clone(), alert));
            if (record.expression.as_str(), record.hold) == definition(rule) {
                state.alerts = alerts.collect();
            } else {
                changed.extend(alerts.map(|(labels, _)| (record.name.clone(), labels)));
            }
        }
        let mut rest: Vec<RuleRecord> = known.into_values().flatten().collect();
        rest.sort_by(|a, b| (a.alerting, &a.name, &a.labels).cmp(&(b.alerting, &b.name, &b.labels)));
        (changed, rest)
    }

    pub(crate) fn status(&self) -> GroupStatus<'_> {
        let rule = |(rule, state)| rule_status(rule, state);
        GroupStatus {
            group: &self.group,
            interval: self.slots.interval(),
            last_evaluation: self.last_evaluation,
            evaluation_time: self.evaluation_time,
            next_evaluation: self.next,
            evaluations: self.evaluations,
            missed: self.missed,
            rules: self.group.rules.iter().zip(&self.rules).map(rule).collect(),
        }
    }

    /// Evaluates all rules at one instant, in order.
    pub(crate) fn evaluate(
        &mut self,
        at: Timestamp,
        now: Timestamp,
        around: &Around<'_>,
        store: &mut dyn RuleStore,
        events: &mut VecDeque<AlertEvent>,
    ) -> GroupReport {
        let mut report = GroupReport {
            file: Arc::clone(&self.file),
            group: Arc::clone(&self.name),
            at,
            missed: 0,
            rules: self.rules.len(),
            samples: 0,
            failures: Vec::new(),
        };
        let group = Arc::clone(&self.group);
        let offset = group.query_offset.unwrap_or(around.config.query_offset);
        let interval = self.slots.interval();
        for (rule, state) in group.rules.iter().zip(&mut self.rules) {
            let work = Work { group: &group, at, now, offset, interval, around };
            match work.evaluate_rule(rule, state, store, events) {
                Ok(samples) => report.samples += samples,
                Err(error) => {
                    state.failures += 1;
                    state.health = Health::Err;
                    report.failures.push((Arc::clone(&state.id.rule), error.clone()));
                    state.last_error = Some(error);
                }
            }
            self.touched.add(std::mem::take(&mut state.touched));
            state.last_evaluation = Some(at);
            state.note_selected(at);
        }
        if !self.ending.is_empty() {
            let ending = std::mem::take(&mut self.ending);
            report.samples += ending.len();
            end_series(&ending, at - offset, now, store);
        }
        self.evaluations += 1;
        self.last_evaluation = Some(at);
        report
    }
}

/// Writes the end of series that are no longer written. A series that another rule has taken over refuses
/// it, which is as it should be.
pub(crate) fn end_series(ending: &[Labels], at: Timestamp, now: Timestamp, store: &mut dyn RuleStore) {
    let _taken_over =
        store.append_all(now, &mut ending.iter().map(|labels| (labels.clone(), at, Value::stale())));
}

/// What is the same for all groups.
pub(crate) struct Around<'a> {
    pub(crate) config: &'a Config,
    pub(crate) externals: &'a Externals,
}

/// What is the same for all rules of one evaluation.
struct Work<'a> {
    group: &'a Group,
    at: Timestamp,
    now: Timestamp,
    offset: Duration,
    interval: Duration,
    around: &'a Around<'a>,
}

impl Work<'_> {
    fn evaluate_rule(
        &self,
        rule: &Rule,
        state: &mut RuleState,
        store: &mut dyn RuleStore,
        events: &mut VecDeque<AlertEvent>,
    ) -> Result<usize, RuleError> {
        let reading = View {
            store: store.queryable(),
            options: &self.around.config.options,
            features: self.around.config.features,
            at: self.at,
            offset: self.offset,
        };
        state.notes = Notes::default();
        let results = match rule {
            Rule::Recording(rule) => {
                let results =
                    evaluate::record(rule, reading, self.group.limit, &mut state.labels, &mut state.notes)?;
                state.results = results.len();
                results
            }
            Rule::Alerting(rule) => self.evaluate_alerts(rule, state, reading, events)?,
        };
        let written = self.write(state, results, store)?;
        state.health = Health::Ok;
        state.last_error = None;
        Ok(written)
    }

    fn evaluate_alerts(
        &self,
        rule: &AlertingRule,
        state: &mut RuleState,
        reading: View<'_>,
        events: &mut VecDeque<AlertEvent>,
    ) -> Result<Vec<(Labels, Value)>, RuleError> {
        let config = self.around.config;
        let most = config.max_active_alerts_per_rule;
        let mut known = Known { alerts: state.described.then_some(&state.alerts), labels: &mut state.labels };
        let externals = self.around.externals;
        let seen = evaluate::sightings(rule, reading, externals, most, &mut known, &mut state.notes)?;
        state.described = true;
        state.results = seen.len();
        let holds = Holds { hold: rule.hold, keep_firing_for: rule.keep_firing_for };
        let limit = self.group.limit;
        let before = if limit > 0 { state.alerts.clone() } else { BTreeMap::new() };
        let kept = state.kept();
        let changes = step(&mut state.alerts, seen, self.at, holds);
        // A hold that ends because the condition is back, and a resolved alert that is forgotten, are no events.
        state.touched.alerts |= !changes.is_empty() || state.kept() != kept;
        let active = state.alerts.values().filter(|alert| alert.phase != Phase::Inactive).count();
        if limit > 0 && active > limit {
            // As in Prometheus: over the limit the rule forgets all of its alerts, and writes nothing.
            state.alerts.clear();
            state.touched.alerts = true;
            for alert in before.into_values().filter(|alert| alert.phase != Phase::Inactive) {
                let event = state.event(EventKind::Dropped, false, self.at, alert);
                events.push_back(event);
            }
            return Err(RuleError::Limit { limit, given: active, what: "alerts" });
        }
        self.tell(state, changes, events);
        let mut samples = Vec::with_capacity(active * 2);
        for alert in state.alerts.values().filter(|alert| alert.phase != Phase::Inactive) {
            samples.extend(evaluate::samples_of(alert, state.series.get(alert)));
        }
        state.series.trim(active);
        Ok(samples)
    }

    /// Queues what happened, and what is to be sent again.
    fn tell(
        &self,
        state: &mut RuleState,
        changes: Vec<(EventKind, AlertState)>,
        events: &mut VecDeque<AlertEvent>,
    ) {
        let mut due = HashSet::new();
        let (delay, interval) = (self.around.config.resend_delay, self.interval);
        for alert in state.alerts.values_mut() {
            if alert.send(self.at, delay, interval) {
                due.insert(alert.labels.clone());
            }
        }
        state.touched.rest |= !due.is_empty();
        for (kind, before) in changes {
            let notify = due.remove(&before.labels);
            // As it is after sending, if it is still there.
            let alert = state.alerts.get(&before.labels).filter(|a| a.phase == before.phase).cloned();
            events.push_back(state.event(kind, notify, self.at, alert.unwrap_or(before)));
        }
        for alert in state.alerts.values() {
            if due.contains(&alert.labels) {
                events.push_back(state.event(EventKind::Resend, true, self.at, alert.clone()));
            }
        }
    }

    /// Writes results and ends the series that are no longer among them, in one transaction.
    fn write(
        &self,
        state: &mut RuleState,
        results: Vec<(Labels, Value)>,
        store: &mut dyn RuleStore,
    ) -> Result<usize, RuleError> {
        let at = self.at - self.offset;
        let given = results.len();
        let known = state.written.iter();
        let is_same = known.len() == given && known.zip(&results).all(|(known, (now, _))| known == now);
        let ended = if is_same { Vec::new() } else { ended(&state.written, &results) };
        if !is_same {
            state.written = results.iter().map(|(labels, _)| labels.clone()).collect();
            state.touched.rest = true;
        }
        let total = given + ended.len();
        if total == 0 {
            return Ok(0);
        }
        let results = results.into_iter().map(|(labels, value)| (labels, at, value));
        let ends = ended.iter().map(|labels| (labels.clone(), at, Value::stale()));
        let mut refused = store.append_all(self.now, &mut results.chain(ends));
        if refused.is_empty() {
            return Ok(total);
        }
        let refusals = refused.len();
        state.touched.rest = true;
        let not_written: HashSet<Labels> = refused.iter().map(|error| error.labels.clone()).collect();
        state.written.retain(|labels| !not_written.contains(labels));
        // The end of a series is refused where another rule writes it by now.
        refused.retain(|error| !(ended.binary_search(&error.labels).is_ok() && is_taken_over(&error.kind)));
        match refused.into_iter().next() {
            None => Ok(total - refusals),
            Some(first) => Err(RuleError::Append { refused: refusals, given, first }),
        }
    }
}

/// Series that were written and are not among the results, sorted.
fn ended(written: &[Labels], results: &[(Labels, Value)]) -> Vec<Labels> {
    let now: HashSet<&Labels> = results.iter().map(|(labels, _)| labels).collect();
    let mut ended: Vec<Labels> = written.iter().filter(|labels| !now.contains(labels)).cloned().collect();
    ended.sort();
    ended
}

fn is_taken_over(kind: &AppendErrorKind) -> bool {
    matches!(
        kind,
        AppendErrorKind::OutOfOrder { .. }
            | AppendErrorKind::DuplicateTimestamp
            | AppendErrorKind::OutOfBounds { .. }
    )
}

fn rule_status<'a>(rule: &'a Rule, state: &'a RuleState) -> RuleStatus<'a> {
    RuleStatus {
        rule,
        health: state.health,
        last_error: state.last_error.as_ref(),
        notes: &state.notes.texts,
        more_notes: state.notes.more,
        last_evaluation: state.last_evaluation,
        results: state.results,
        failures: state.failures,
        selectors: &state.selectors,
        alerts: state.alerts.values().filter(|alert| alert.phase != Phase::Inactive).collect(),
    }
}
