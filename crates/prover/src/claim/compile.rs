//! From an intent, rules and a contract to a claim.

use std::collections::BTreeMap;
use std::sync::Arc;

use assurance_diagnostics::suggest;
use assurance_metrics_model::{Duration, Labels, METRIC_NAME, Matcher, MetricType};
use assurance_policy::intents::{Environment, EventSelector, Intent, Subject, Violation};
use assurance_policy::{Metric, MetricContract};
use assurance_promql::{DurationExpr, Expr, ExprKind};
use assurance_rules::{AlertingRule, Group, Rule};

use super::vacuous::why_vacuous;
use super::{
    Claim, ClaimError, ClaimErrorKind, ClaimJob, ClaimRule, CounterBirth, Moves, ORIGIN, Role, SeriesPlan,
};
use crate::timeline::Stream;

/// Kinds of events in one claim: 16 label values of 16 kinds.
const MAX_STREAMS: usize = 256;

/// Series in one claim: more make each timeline slow, and none of them shows anything new.
const MAX_SERIES: usize = 1024;

/// How far an instant selector looks back.
const LOOKBACK: i64 = 5 * 60_000;

impl Claim {
    /// Puts an intent together with the rules that keep it, the metrics that they read, and the world.
    ///
    /// `groups` are all rules there are: an alert may read what another rule records.
    ///
    /// # Errors
    /// If the alert has no rule, or the intent names what no metric of the contract shows.
    pub fn new(
        intent: &Intent,
        environment: &Environment,
        groups: &[Group],
        contract: &MetricContract,
    ) -> Result<Self, ClaimError> {
        let fail = |kind| ClaimError { id: intent.id.clone(), kind };
        let rules = rules_of(intent, environment, groups).map_err(fail)?;
        let selectors = Selectors::of(&rules, groups);
        let mut builder = Builder::new(environment, contract);
        builder.take_violation(&intent.violation).map_err(fail)?;
        builder.take_selected(&selectors);
        if builder.streams.len() > MAX_STREAMS {
            let (given, limit) = (builder.streams.len(), MAX_STREAMS);
            return Err(fail(ClaimErrorKind::TooMany { what: "kinds of events", given, limit }));
        }
        builder.make_series(&intent.violation, &selectors);
        if builder.series.len() > MAX_SERIES {
            let (given, limit) = (builder.series.len(), MAX_SERIES);
            return Err(fail(ClaimErrorKind::TooMany { what: "series", given, limit }));
        }
        let possible: Vec<&Labels> = builder.series.iter().map(|plan| &plan.labels).collect();
        let vacuous = why_vacuous(&rules, &possible, &selectors.recorded);
        let needs_full = selectors.needs_full.clone().or_else(|| templated(&rules));
        Ok(Self {
            intent: intent.clone(),
            environment: environment.clone(),
            window: rules.iter().map(|rule| window_of(rule.rule.expression.tree())).max().unwrap_or(LOOKBACK),
            rules,
            streams: builder.streams.into(),
            roles: builder.roles,
            states: builder.states.into(),
            jobs: builder.jobs,
            series: builder.series,
            origin: ORIGIN,
            birth: CounterBirth::default(),
            needs_full,
            vacuous,
            routing: None,
        })
    }
}

fn rules_of(
    intent: &Intent,
    environment: &Environment,
    groups: &[Group],
) -> Result<Vec<ClaimRule>, ClaimErrorKind> {
    let all = || {
        groups.iter().flat_map(|group| {
            group.rules.iter().filter_map(move |rule| match rule {
                Rule::Alerting(rule) => Some((group, rule)),
                Rule::Recording(_) => None,
            })
        })
    };
    let named: Vec<(&Group, &AlertingRule)> = all().filter(|(_, rule)| rule.alert == intent.alert).collect();
    if named.is_empty() {
        let names = all().map(|(_, rule)| rule.alert.as_str());
        let suggestion = suggest(&intent.alert, names).map(str::to_owned);
        return Err(ClaimErrorKind::NoRule { alert: intent.alert.clone(), suggestion });
    }
    let has = |rule: &AlertingRule| {
        let mut wanted = intent.matching.iter();
        wanted.all(|(name, value)| rule.labels.get(name).is_some_and(|label| label.text() == value))
    };
    let rules: Vec<ClaimRule> = named
        .into_iter()
        .filter(|(_, rule)| has(rule))
        .map(|(group, rule)| ClaimRule {
            rule: rule.clone(),
            file: group.file.as_str().into(),
            group: group.name.as_str().into(),
            interval: group.interval.unwrap_or(environment.eval.interval).as_millis().max(1),
            query_offset: group.query_offset.unwrap_or_default().as_millis(),
        })
        .collect();
    if rules.is_empty() {
        return Err(ClaimErrorKind::NoMatch { alert: intent.alert.clone() });
    }
    Ok(rules)
}

/// What the rules read.
pub(super) struct Selectors {
    matchers: Vec<Vec<Matcher>>,
    /// Metrics that other rules record.
    pub(super) recorded: Vec<String>,
    needs_full: Option<Arc<str>>,
}

impl Selectors {
    fn of(rules: &[ClaimRule], groups: &[Group]) -> Self {
        let all = || groups.iter().flat_map(|group| &group.rules);
        let recording: Vec<(&str, &Expr)> = all()
            .filter_map(|rule| match rule {
                Rule::Recording(rule) => Some((rule.record.as_str(), rule.expression.tree())),
                Rule::Alerting(_) => None,
            })
            .collect();
        let mut matchers: Vec<Vec<Matcher>> = Vec::new();
        let mut needs_full = None;
        let mut trees: Vec<&Expr> = rules.iter().map(|rule| rule.rule.expression.tree()).collect();
        let mut taken: Vec<&str> = Vec::new();
        while let Some(tree) = trees.pop() {
            for selector in tree.selectors() {
                let named = |name: &str| {
                    selector.matchers.iter().filter(|m| m.name() == METRIC_NAME).all(|m| m.matches(name))
                };
                for name in ["ALERTS", "ALERTS_FOR_STATE"].into_iter().filter(|name| named(name)) {
                    needs_full.get_or_insert_with(|| format!("it reads {name}").into());
                }
                for (name, recorded) in recording.iter().filter(|(name, _)| named(name)) {
                    needs_full.get_or_insert_with(|| format!("it reads {name}, which a rule records").into());
                    if !taken.contains(name) {
                        taken.push(name);
                        trees.push(recorded);
                    }
                }
                matchers.push(selector.matchers.clone());
            }
        }
        let recorded = recording.iter().map(|(name, _)| (*name).to_owned()).collect();
        Self { matchers, recorded, needs_full }
    }

    fn select(&self, labels: &Labels) -> bool {
        self.matchers.iter().any(|matchers| matchers.iter().all(|matcher| matcher.matches_labels(labels)))
    }
}

/// Labels that depend on what an expression gives are rendered by the full path only.
fn templated(rules: &[ClaimRule]) -> Option<Arc<str>> {
    let mut labels = rules.iter().flat_map(|rule| &rule.rule.labels);
    let (name, _) = labels.find(|(_, label)| !label.is_plain())?;
    Some(format!("its label {name} is a template").into())
}

/// How far back an expression looks, in milliseconds.
fn window_of(expr: &Expr) -> i64 {
    let literal = |length: &DurationExpr| length.literal().map_or(0, Duration::as_millis);
    let of = |expr: &Expr| window_of(expr);
    match &expr.kind {
        ExprKind::Vector(selector) => LOOKBACK + selector.offset.as_ref().map_or(0, literal).max(0),
        ExprKind::Matrix(matrix) => {
            literal(&matrix.range) + matrix.selector.offset.as_ref().map_or(0, literal).max(0)
        }
        ExprKind::Subquery(subquery) => {
            literal(&subquery.range)
                + subquery.offset.as_ref().map_or(0, literal).max(0)
                + window_of(&subquery.expr)
        }
        ExprKind::Negate(inner) | ExprKind::Plus(inner) | ExprKind::Paren(inner) => window_of(inner),
        ExprKind::Binary(binary) => window_of(&binary.left).max(window_of(&binary.right)),
        ExprKind::Aggregate(aggregate) => {
            window_of(&aggregate.expr).max(aggregate.param.as_ref().map_or(0, of))
        }
        ExprKind::Call(call) => call.args.iter().map(of).max().unwrap_or(0),
        _ => 0,
    }
}

struct Builder<'a> {
    environment: &'a Environment,
    contract: &'a MetricContract,
    streams: Vec<Stream>,
    roles: Vec<Role>,
    states: Vec<Arc<str>>,
    jobs: Vec<ClaimJob>,
    series: Vec<SeriesPlan>,
}

/// The sources that a metric's `source` names.
fn sources(metric: &Metric) -> impl Iterator<Item = &str> {
    metric.source.split(',').map(str::trim).filter(|source| !source.is_empty())
}

fn is_last_time(metric: &Metric) -> bool {
    metric.metric_type == MetricType::Gauge && metric.name.ends_with("_timestamp_seconds")
}

/// All combinations of a metric's label values.
fn combinations(labels: &BTreeMap<String, Vec<String>>) -> Vec<Labels> {
    let mut all = vec![Labels::empty()];
    for (name, values) in labels {
        all = all.iter().flat_map(|l| values.iter().map(move |value| l.with(name, value))).collect();
    }
    all
}

impl<'a> Builder<'a> {
    fn new(environment: &'a Environment, contract: &'a MetricContract) -> Self {
        Self {
            environment,
            contract,
            streams: Vec::new(),
            roles: Vec::new(),
            states: Vec::new(),
            jobs: Vec::new(),
            series: Vec::new(),
        }
    }

    fn stream(&mut self, source: &str, labels: Labels, role: Role) {
        let known = self.streams.iter().position(|s| *s.source == *source && s.labels == labels);
        match known {
            // What is a violation to the intent stays one when a rule merely reads it.
            Some(index) if role != Role::Noise => self.roles[index] = role,
            Some(_) => {}
            None => {
                self.streams.push(Stream { source: source.into(), labels });
                self.roles.push(role);
            }
        }
    }

    /// Adds the streams of a source: with the labels of the metric that tells most apart.
    fn streams_of(&mut self, source: &str, role: impl Fn(&Labels) -> Role) {
        let moved = || self.contract.metrics.iter().filter(|metric| sources(metric).any(|s| s == source));
        let finest = moved().fold(None::<&Metric>, |best, metric| match best {
            Some(best) if best.labels.len() >= metric.labels.len() => Some(best),
            _ => Some(metric),
        });
        let Some(finest) = finest else { return };
        for labels in combinations(&finest.labels) {
            let role = role(&labels);
            self.stream(source, labels, role);
        }
    }

    fn take_events(&mut self, events: &EventSelector, role: Role) -> Result<(), ClaimErrorKind> {
        let contract = self.contract;
        let named: Vec<String> = match (&events.source, &events.metric) {
            (Some(source), _) => vec![source.clone()],
            (None, Some(metric)) => {
                contract.metric(metric).map(|m| sources(m).map(str::to_owned).collect()).unwrap_or_default()
            }
            (None, None) => Vec::new(),
        };
        let wanted = |labels: &Labels| {
            let all = events.labels.iter().all(|(name, values)| {
                labels.get(name).is_none_or(|value| values.iter().any(|wanted| wanted == value))
            });
            if all { role } else { Role::Noise }
        };
        let before = self.streams.len();
        for source in &named {
            self.streams_of(source, wanted);
        }
        if self.streams.len() == before && !self.roles.contains(&role) {
            let what = events.source.clone().or_else(|| events.metric.clone()).unwrap_or_default();
            let metrics = contract.metrics.iter();
            let suggestion = match events.source {
                Some(_) => suggest(&what, metrics.flat_map(sources)),
                None => suggest(&what, metrics.map(|metric| metric.name.as_str())),
            };
            return Err(ClaimErrorKind::NoMetric { suggestion: suggestion.map(str::to_owned), what });
        }
        Ok(())
    }

    fn take_violation(&mut self, violation: &Violation) -> Result<(), ClaimErrorKind> {
        match violation {
            Violation::Event(events) | Violation::Count { events, .. } => {
                self.take_events(events, Role::Violation)?;
            }
            Violation::Never(Some(events)) => self.take_events(events, Role::Noise)?,
            Violation::State { metric, .. } => {
                let known = self.contract.metric(metric);
                let Some(metric) = known else {
                    let names = self.contract.metrics.iter().map(|m| m.name.as_str());
                    let suggestion = suggest(metric, names).map(str::to_owned);
                    return Err(ClaimErrorKind::NoMetric { what: metric.clone(), suggestion });
                };
                self.states.push(metric.name.as_str().into());
            }
            Violation::Absence { of: Subject::Job(job), .. } => {
                if !self.contract.jobs.contains_key(job) {
                    let suggestion = suggest(job, self.contract.jobs.keys().map(String::as_str));
                    let suggestion = suggestion.map(str::to_owned);
                    return Err(ClaimErrorKind::NoJob { job: job.clone(), suggestion });
                }
                self.job(job);
            }
            Violation::Absence { of: Subject::Events(events), .. } => {
                self.take_events(events, Role::Violation)?;
            }
            Violation::Sequence { first, then, .. } => {
                self.take_events(first, Role::First)?;
                self.take_events(then, Role::Then)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds what the rules' series are moved by, beside what the intent is about.
    fn take_selected(&mut self, selectors: &Selectors) {
        let contract = self.contract;
        for metric in &contract.metrics {
            let selected = self.series_of(metric).iter().any(|labels| selectors.select(labels));
            if !selected {
                continue;
            }
            if metric.metric_type == MetricType::Counter || is_last_time(metric) {
                for source in sources(metric) {
                    self.streams_of(source, |_| Role::Noise);
                }
            }
        }
    }

    fn job(&mut self, name: &str) -> Option<usize> {
        if let Some(known) = self.jobs.iter().position(|job| *job.name == *name) {
            return Some(known);
        }
        let job = self.contract.jobs.get(name)?;
        let instance: Arc<str> = instance_of(name).into();
        let target = target_labels(name, &instance, &job.target_labels);
        let own = self.environment.scrape.interval;
        let interval = own.unwrap_or(job.scrape_interval).max(Duration::from_millis(1));
        let collection = &self.environment.collection;
        self.jobs.push(ClaimJob {
            name: name.into(),
            metrics_path: job.metrics_path.as_str().into(),
            instance,
            target,
            interval: interval.as_millis(),
            collects: collection
                .jobs
                .iter()
                .any(|j| j == name)
                .then(|| collection.interval.as_millis().max(1)),
            process_start: None,
        });
        Some(self.jobs.len() - 1)
    }

    /// The labels of a metric's series, as they are stored.
    fn series_of(&self, metric: &Metric) -> Vec<Labels> {
        let Some(job) = self.contract.jobs.get(&metric.job) else { return Vec::new() };
        let target = target_labels(&metric.job, &instance_of(&metric.job), &job.target_labels);
        combinations(&metric.labels).iter().map(|own| stored(&target, &metric.name, own)).collect()
    }

    fn make_series(&mut self, violation: &Violation, selectors: &Selectors) {
        let contract = self.contract;
        // The jobs that the rules read come first: theirs is the rhythm of the world. Those that merely show what
        // the intent is about matter to what could have been seen.
        for metric in &contract.metrics {
            if self.series_of(metric).iter().any(|labels| selectors.select(labels)) {
                self.job(&metric.job);
            }
        }
        for (name, job) in &contract.jobs {
            let target = target_labels(name, &instance_of(name), &job.target_labels);
            if selectors.select(&stored(&target, "up", &Labels::empty())) {
                self.job(name);
            }
        }
        for metric in &contract.metrics {
            let shows = match self.moves(metric, &Labels::empty(), violation) {
                Moves::Constant(_) | Moves::ProcessStart | Moves::Up => false,
                Moves::Counter(_) | Moves::LastTime { .. } => {
                    sources(metric).any(|source| self.streams.iter().any(|s| *s.source == *source))
                }
                Moves::State { .. } => true,
            };
            if shows {
                self.job(&metric.job);
            }
        }
        for index in 0..self.jobs.len() {
            let job = self.jobs[index].clone();
            for metric in contract.metrics.iter().filter(|metric| *metric.job == *job.name) {
                self.make_series_of(metric, index, &job.target, violation, selectors);
            }
            let labels = stored(&job.target, "up", &Labels::empty());
            self.series.push(SeriesPlan {
                selected: selectors.select(&labels),
                labels,
                exposed: Labels::empty(),
                name: "up".into(),
                job: index,
                moves: Moves::Up,
                is_counter: false,
                lazy: false,
                restored: false,
                of_scraper: true,
            });
            self.jobs[index].process_start =
                self.series.iter().position(|plan| plan.job == index && plan.moves == Moves::ProcessStart);
        }
    }

    fn make_series_of(
        &mut self,
        metric: &Metric,
        job: usize,
        target: &Labels,
        violation: &Violation,
        selectors: &Selectors,
    ) {
        for own in combinations(&metric.labels) {
            let labels = stored(target, &metric.name, &own);
            let moves = self.moves(metric, &own, violation);
            self.series.push(SeriesPlan {
                selected: selectors.select(&labels),
                labels,
                exposed: own,
                name: metric.name.as_str().into(),
                job,
                moves,
                is_counter: metric.metric_type == MetricType::Counter,
                lazy: metric.lazy,
                restored: metric.restored,
                of_scraper: false,
            });
        }
    }

    fn moves(&self, metric: &Metric, own: &Labels, violation: &Violation) -> Moves {
        if metric.name == "process_start_time_seconds" {
            return Moves::ProcessStart;
        }
        if let Violation::State { metric: state, is, .. } = violation
            && *state == metric.name
        {
            let otherwise = metric.at_start.unwrap_or(0.0);
            return Moves::State { state: 0, is: *is, otherwise };
        }
        let agrees = |stream: &Stream| own.iter().all(|(name, value)| stream.labels.get(name) == Some(value));
        let moving = || {
            let of_source = |stream: &Stream| {
                let every = metric.source == "every audit event";
                every || sources(metric).any(|source| *stream.source == *source)
            };
            let moving = self.streams.iter().enumerate().filter(|(_, s)| of_source(s) && agrees(s));
            moving.filter_map(|(index, _)| u16::try_from(index).ok()).collect()
        };
        match metric.metric_type {
            MetricType::Counter => Moves::Counter(moving()),
            _ if is_last_time(metric) => Moves::LastTime { streams: moving(), never: metric.at_start },
            _ => Moves::Constant(metric.at_start.unwrap_or(0.0)),
        }
    }
}

/// The address of a job's one target.
fn instance_of(job: &str) -> String {
    format!("{job}:9100")
}

fn target_labels(job: &str, instance: &str, own: &BTreeMap<String, String>) -> Labels {
    let own = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Labels::from_pairs(own.chain([("job", job), ("instance", instance)]))
}

fn stored(target: &Labels, name: &str, own: &Labels) -> Labels {
    Labels::from_pairs(target.iter().chain(own).chain([(METRIC_NAME, name)]))
}
