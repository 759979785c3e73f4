//! One test: its series in a store of their own, its groups evaluated up to its last expectation.

use assurance_diagnostics::Severity;
use assurance_diagnostics::yaml::PathSegment;
use assurance_metrics_model::{Duration, Labels, Timestamp, Value};
use assurance_promqltest::{Slot, parse_labels, parse_series};

use super::compare::{self, Query};
use super::coverage::Coverage;
use super::history::History;
use super::store::Store;
use super::{Failure, Options, Places, TestReport, raw};
use crate::{Config, Group, Manager, Schedule};

/// Evaluations that are made after the last expectation, to say when an alert comes that did not come in time:
/// a day and a half at one a minute.
const MAX_EXTRA_EVALUATIONS: usize = 2000;

/// Evaluations that one test may ask for: two years of one a minute.
const MAX_EVALUATIONS: i64 = 1 << 20;

/// What is the same for all tests of a file.
pub(super) struct Suite<'a> {
    pub(super) groups: &'a [Group],
    pub(super) interval: Duration,
    pub(super) options: &'a Options,
    pub(super) fuzzy: bool,
}

/// An expectation of alerts, and when it is looked at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Check {
    at: Timestamp,
    index: usize,
    /// Until when it may yet be met.
    until: Timestamp,
}

/// A failure and what it is sorted by: promtool tells alerts first, in the order of time, then queries.
type Found = (bool, Timestamp, usize, Failure);

impl Suite<'_> {
    /// Runs a test; `None` if it cannot be understood, which is told among the findings.
    pub(super) fn run(
        &self,
        places: &mut Places<'_>,
        coverage: &mut Coverage<'_>,
        index: usize,
        name: String,
        test: &raw::Test,
    ) -> Option<TestReport> {
        let root: Vec<PathSegment> = vec!["tests".into(), index.into()];
        let before = places.found.len();
        let start = self.start(places, &root, test);
        let mut store = Store::new(start);
        let step = places.duration(&join(&root, &["interval".into()]), test.interval.as_ref());
        let step = step.filter(|step| !step.is_zero()).unwrap_or(self.interval);
        let last_sample = self.load(places, &root, test, (start, step), &mut store);
        let alerts = self.alert_checks(places, &root, test, start);
        let (queries, unread) = self.queries(places, &root, test, start);
        let last_alert = alerts.iter().map(|check| check.at.max(check.until));
        let last = last_alert.chain(queries.iter().map(|query| query.at)).max().unwrap_or(start);
        self.bound(places, &root, last - start);
        if places.found[before..].iter().any(|found| found.severity == Severity::Error) {
            return None;
        }
        let mut run = Run {
            suite: self,
            test,
            start,
            root: &root,
            manager: Manager::new(self.config(test, start), start - Duration::from_millis(1)),
            store,
            history: History::new(self.options.trace),
            failed_rules: Vec::new(),
        };
        let checks = alerts.len() + queries.len() + unread.len();
        let last_alert = alerts.iter().map(|check| check.at);
        let end = last_alert.chain(queries.iter().map(|query| query.at)).max().unwrap_or(start);
        let (mut found, waiting) = run.alerts(places, coverage, alerts, end);
        found.extend(unread);
        for query in &queries {
            let failure = run.query(places, query);
            coverage.query(&query.expression, failure.is_none() && !query.expected.is_empty(), &run.manager);
            found.extend(failure.map(|failure| (true, query.at, query.index, failure)));
        }
        let rules = std::mem::take(&mut run.failed_rules);
        let trace = run.history.take_trace(&run.store, start);
        found.extend(run.late(places, coverage, waiting, end));
        run.explain(places, &mut found, end.max(last_sample));
        found.sort_by_key(|(is_query, at, index, _)| (*at, *is_query, *index));
        let failures = rules.into_iter().chain(found.into_iter().map(|(.., failure)| failure)).collect();
        Some(TestReport { name, checks, failures, trace })
    }

    fn start(&self, places: &mut Places<'_>, root: &[PathSegment], test: &raw::Test) -> Timestamp {
        let Some(text) = test.start_timestamp.as_ref().filter(|text| !text.0.is_empty()) else {
            return Timestamp::EPOCH;
        };
        text.0.parse().unwrap_or_else(|error: assurance_metrics_model::TimestampError| {
            places.error(&join(root, &["start_timestamp".into()]), error.to_string());
            Timestamp::EPOCH
        })
    }

    /// Refuses a test that would go on for ages.
    fn bound(&self, places: &mut Places<'_>, root: &[PathSegment], span: Duration) {
        let own = self.groups.iter().filter_map(|group| group.interval);
        let own = own.filter(|_| self.options.group_intervals);
        let shortest = own.fold(self.interval, Duration::min);
        let evaluations = span.as_millis() / shortest.as_millis().max(1);
        if evaluations > MAX_EVALUATIONS {
            let message = format!(
                "{span} at an evaluation every {shortest} are {evaluations} evaluations, and at most {MAX_EVALUATIONS} are made"
            );
            places.error(root, message);
        }
    }

    fn config(&self, test: &raw::Test, start: Timestamp) -> Config {
        let mut groups = self.groups.to_vec();
        if !self.options.group_intervals {
            groups.iter_mut().for_each(|group| group.interval = None);
        }
        let mut options = self.options.promql.clone();
        options.subquery_step = self.interval;
        Config {
            default_interval: self.interval,
            external_labels: Labels::from_pairs(test.external_labels.iter().map(|(n, v)| (n, &v.0))),
            external_url: test.external_url.as_ref().map(|url| url.0.clone()).unwrap_or_default(),
            options,
            features: self.options.reading.features,
            schedule: Schedule::Aligned(start),
            ..Config::new(groups)
        }
    }

    /// Fills the store; gives the time of the last sample.
    fn load(
        &self,
        places: &mut Places<'_>,
        root: &[PathSegment],
        test: &raw::Test,
        (start, step): (Timestamp, Duration),
        store: &mut Store,
    ) -> Timestamp {
        let mut last = start;
        for (index, series) in test.input_series.iter().enumerate() {
            let path = |key: &str| join(root, &["input_series".into(), index.into(), key.into()]);
            let labels = parse_labels(&series.series)
                .map_err(|error| places.error(&path("series"), error.to_string()));
            let line = parse_series(&format!("series {}", series.values.0))
                .map_err(|error| places.error(&path("values"), error.to_string()));
            let (Ok(labels), Ok(line)) = (labels, line) else { continue };
            let row = store.row(labels);
            let mut at = start;
            for slot in line.slots {
                let value = match slot {
                    Slot::Float(value) => Some(Value::Float(value)),
                    Slot::Histogram { histogram, .. } => Some(Value::Histogram(histogram)),
                    Slot::Empty => None,
                };
                if let Some(value) = value {
                    last = last.max(at);
                    if let Err(error) = store.append(row, at, value) {
                        // Two entries of one series.
                        places.error(&path("series"), error.to_string());
                        break;
                    }
                }
                at += step;
            }
        }
        last
    }

    fn alert_checks(
        &self,
        places: &mut Places<'_>,
        root: &[PathSegment],
        test: &raw::Test,
        start: Timestamp,
    ) -> Vec<Check> {
        let mut checks = Vec::new();
        for (index, check) in test.alert_rule_test.iter().enumerate() {
            let path = |key: &str| join(root, &["alert_rule_test".into(), index.into(), key.into()]);
            if check.alertname.is_empty() {
                let message = "`alertname` is missing: which alert is expected, or expected not to fire?";
                places.error(&path("eval_time"), message);
            }
            let after = places.duration(&path("eval_time"), Some(&check.eval_time));
            let within = places.duration(&path("within"), check.within.as_ref());
            if let Some(after) = after {
                let at = start + after;
                checks.push(Check { at, index, until: at + within.unwrap_or_default() });
            }
        }
        checks.sort();
        checks
    }

    fn queries(
        &self,
        places: &mut Places<'_>,
        root: &[PathSegment],
        test: &raw::Test,
        start: Timestamp,
    ) -> (Vec<Query>, Vec<Found>) {
        let mut queries = Vec::new();
        let mut unread = Vec::new();
        for (index, query) in test.promql_expr_test.iter().enumerate() {
            let path = join(root, &["promql_expr_test".into(), index.into()]);
            let after = places.duration(&join(&path, &["eval_time".into()]), Some(&query.eval_time));
            let at = start + after.unwrap_or_default();
            match compare::read_query(places, &path, query, self.options.reading.features) {
                Ok((expression, expected)) => queries.push(Query { at, index, expression, expected }),
                Err(failure) => unread.push((true, at, index, *failure)),
            }
        }
        (queries, unread)
    }
}

/// A test at work.
struct Run<'a> {
    suite: &'a Suite<'a>,
    test: &'a raw::Test,
    start: Timestamp,
    root: &'a [PathSegment],
    manager: Manager,
    store: Store,
    history: History,
    /// Each rule that fails is told once a test.
    failed_rules: Vec<Failure>,
}

impl Run<'_> {
    /// When something is evaluated next. Samples come into sight at the file's interval, as in promtool, also
    /// where no group is evaluated then.
    fn next(&self) -> Timestamp {
        let interval = self.suite.interval;
        let passed = (self.store.seen_until - self.start).as_millis().div_euclid(interval.as_millis());
        let tick = self.start + interval * (passed + 1);
        self.manager.poll_timeout().map_or(tick, |timeout| timeout.min(tick))
    }

    /// Evaluates all groups that are due at an instant.
    fn evaluate(&mut self, places: &Places<'_>, at: Timestamp) {
        self.store.seen_until = at;
        for report in self.manager.handle_timeout(at, &mut self.store) {
            for (rule, error) in report.failures {
                let after = report.at - self.start;
                let message = format!("rule {rule:?} of group {:?} failed", report.group);
                let known = |f: &Failure| f.diagnostic.message.starts_with(message.as_str());
                if !self.failed_rules.iter().any(known) {
                    let place = join(self.root, &["name".into()]);
                    let diagnostic = places.at(&place, format!("{message} at {after}: {error}"));
                    self.failed_rules.push(Failure::new(diagnostic));
                }
            }
        }
        while let Some(event) = self.manager.poll_output() {
            self.history.note(self.start, &event);
        }
    }

    /// Evaluates up to an instant, and looks at the alerts on the way. Gives those that may yet be as expected.
    fn alerts(
        &mut self,
        places: &Places<'_>,
        coverage: &mut Coverage<'_>,
        checks: Vec<Check>,
        end: Timestamp,
    ) -> (Vec<Found>, Vec<(Check, Failure)>) {
        let mut found = Vec::new();
        let mut waiting = Vec::new();
        let mut checks = checks.into_iter().peekable();
        self.evaluate(places, self.start);
        loop {
            let next = self.next();
            while let Some(check) = checks.next_if(|check| check.at < next) {
                match self.check(places, coverage, check) {
                    Some(failure) if check.until > check.at => waiting.push((check, failure)),
                    Some(failure) => found.push((false, check.at, check.index, failure)),
                    None => {}
                }
            }
            // The end of time is its own successor.
            if next > end || next <= self.store.seen_until {
                return (found, waiting);
            }
            self.evaluate(places, next);
            self.look_again(places, coverage, &mut waiting, &mut found);
        }
    }

    fn check(&self, places: &Places<'_>, coverage: &mut Coverage<'_>, check: Check) -> Option<Failure> {
        let test = &self.test.alert_rule_test[check.index];
        let path = join(self.root, &["alert_rule_test".into(), check.index.into(), "alertname".into()]);
        let within = check.until - check.at;
        let after = check.at - self.start;
        let failure = compare::alerts(places, &path, &self.manager, (after, within), test);
        let met = failure.is_none() && !test.exp_alerts.is_empty();
        coverage.alert(&test.alertname, met, &self.manager);
        failure
    }

    /// Drops those that are as expected by now, and gives up those whose time is over.
    fn look_again(
        &self,
        places: &Places<'_>,
        coverage: &mut Coverage<'_>,
        waiting: &mut Vec<(Check, Failure)>,
        found: &mut Vec<Found>,
    ) {
        let at = self.store.seen_until;
        for (check, failure) in std::mem::take(waiting) {
            if check.until < at {
                found.push((false, check.at, check.index, failure));
            } else if self.check(places, coverage, check).is_some() {
                waiting.push((check, failure));
            }
        }
    }

    /// Goes on for expectations that have time left after the last one.
    fn late(
        &mut self,
        places: &Places<'_>,
        coverage: &mut Coverage<'_>,
        mut waiting: Vec<(Check, Failure)>,
        end: Timestamp,
    ) -> Vec<Found> {
        let mut found = Vec::new();
        let last = waiting.iter().map(|(check, _)| check.until).max().unwrap_or(end);
        while !waiting.is_empty() {
            let next = self.next();
            if next > last || next <= self.store.seen_until {
                break;
            }
            self.evaluate(places, next);
            self.look_again(places, coverage, &mut waiting, &mut found);
        }
        found.extend(waiting.into_iter().map(|(check, failure)| (false, check.at, check.index, failure)));
        found
    }

    /// Says of each alert that is not as expected when it fires, looking further than the test does.
    fn explain(&mut self, places: &Places<'_>, found: &mut [Found], until: Timestamp) {
        if !found.iter().any(|(is_query, ..)| !is_query) {
            return;
        }
        for _ in 0..MAX_EXTRA_EVALUATIONS {
            let next = self.next();
            if next > until {
                break;
            }
            self.evaluate(places, next);
        }
        let until = self.store.seen_until - self.start;
        for (.., index, failure) in found.iter_mut().filter(|(is_query, ..)| !is_query) {
            let name = &self.test.alert_rule_test[*index].alertname;
            let words = self.history.firing(name, self.start, until);
            failure.diagnostic.help = Some(words.into());
        }
    }

    fn query(&self, places: &Places<'_>, query: &Query) -> Option<Failure> {
        let path = join(self.root, &["promql_expr_test".into(), query.index.into(), "expr".into()]);
        let options = &self.manager.config().options;
        let (after, fuzzy) = (query.at - self.start, self.suite.fuzzy);
        compare::query(places, &path, &self.store, (after, fuzzy, options), query)
    }
}

pub(super) fn join(root: &[PathSegment], tail: &[PathSegment]) -> Vec<PathSegment> {
    root.iter().chain(tail).cloned().collect()
}
