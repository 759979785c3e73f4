//! `info`: the labels of info metrics, joined by what identifies a target.

use std::collections::{BTreeMap, BTreeSet};

use assurance_metrics_model::{Labels, METRIC_NAME, MatchOp, Matcher, Selection, TimeRange, Timestamp};
use hashbrown::HashMap;

use crate::ast::{Expr, ExprKind, VectorSelector};
use crate::error::EvalError;
use crate::eval::Evaluator;
use crate::line::{Line, Steps};
use crate::select::first_after;

/// The info metric that is taken where none is named.
const TARGET_INFO: &str = "target_info";

/// The info metrics among which a name that is only excluded leaves a choice.
const ANY_INFO: &str = ".+_info";

/// The labels that say which target a series is of (Prometheus hard-codes them too).
const IDENTIFYING: [&str; 2] = ["instance", "job"];

/// What the second argument asks for.
struct Wanted<'a> {
    /// Conditions on the info metric's name.
    names: Vec<&'a Matcher>,
    /// Conditions on its other labels, by label; all labels are taken where there are none.
    data: BTreeMap<&'a str, Vec<&'a Matcher>>,
}

impl<'a> Wanted<'a> {
    fn of(selector: Option<&'a VectorSelector>) -> Self {
        let mut wanted = Self { names: Vec::new(), data: BTreeMap::new() };
        for matcher in selector.iter().flat_map(|selector| &selector.matchers) {
            if matcher.name() == METRIC_NAME {
                wanted.names.push(matcher);
            } else {
                wanted.data.entry(matcher.name()).or_default().push(matcher);
            }
        }
        wanted
    }

    fn takes(&self, label: &str) -> bool {
        label != METRIC_NAME && (self.data.is_empty() || self.data.contains_key(label))
    }

    /// Whether a series without an info metric fulfils every condition.
    fn allows_none(&self) -> bool {
        self.data.values().flatten().all(|matcher| matcher.matches_empty())
    }

    /// Whether a series is itself an info metric, which gets no more labels.
    fn is_info(&self, named: bool, name: &str) -> bool {
        if !named {
            return name == TARGET_INFO;
        }
        // What a name must not be says nothing about what is an info metric.
        let positive = || self.names.iter().filter(|matcher| is_positive(matcher));
        positive().next().is_some() && positive().all(|matcher| matcher.matches(name))
    }
}

fn is_positive(matcher: &Matcher) -> bool {
    matches!(matcher.op(), MatchOp::Equal | MatchOp::Regex)
}

fn matcher(label: &str, pattern: &str) -> Result<Matcher, EvalError> {
    Matcher::new(label, MatchOp::Regex, pattern)
        .map_err(|error| EvalError::Parameter { message: error.to_string() })
}

/// One info series: when its newest sample was taken, at each step.
struct InfoSeries {
    labels: Labels,
    newest: Vec<Option<Timestamp>>,
}

impl Evaluator<'_> {
    pub(crate) fn info(&mut self, args: &[Expr], steps: &Steps) -> Result<Vec<Line>, EvalError> {
        let [base, rest @ ..] = args else {
            return Err(EvalError::Parameter { message: "info() needs an instant vector".to_owned() });
        };
        let lines = self.eval_vector(base, steps)?;
        let selector = rest.first().and_then(|arg| match &arg.unparenthesised().kind {
            ExprKind::Vector(selector) => Some(selector),
            _ => None,
        });
        let wanted = Wanted::of(selector);
        let named = selector.is_some();
        let is_info = |line: &Line| wanted.is_info(named, line.labels.metric_name());
        let series = self.info_series(base, &lines, &wanted, named, steps)?;
        let mut by_target: BTreeMap<Vec<&str>, Vec<usize>> = BTreeMap::new();
        for (at, info) in series.iter().enumerate() {
            by_target.entry(target_of(&info.labels)).or_default().push(at);
        }
        let mut out: Vec<Line> = Vec::new();
        let mut found: HashMap<(Labels, bool), usize> = HashMap::new();
        for line in &lines {
            let infos = by_target.get(&target_of(&line.labels)).map_or(&[][..], Vec::as_slice);
            let plain = is_info(line);
            for step in 0..steps.count {
                let Some(sample) = line.sample(step) else { continue };
                let labels = if plain {
                    line.labels.clone()
                } else {
                    match with_info(line, infos, &series, step, &wanted)? {
                        Some(labels) => labels,
                        None => continue,
                    }
                };
                let key = (labels.clone(), line.drop_name);
                let place = *found.entry(key).or_insert_with(|| {
                    out.push(Line::absent(labels, line.drop_name, steps.count));
                    out.len() - 1
                });
                if out[place].present[step] {
                    let labels = out[place].labels.clone();
                    return Err(EvalError::DuplicateLabels { labels });
                }
                out[place].put(step, sample);
            }
        }
        Ok(out)
    }

    /// The info series that any line may be of, looked at where the lines' own selector looks.
    fn info_series(
        &mut self,
        base: &Expr,
        lines: &[Line],
        wanted: &Wanted<'_>,
        named: bool,
        steps: &Steps,
    ) -> Result<Vec<InfoSeries>, EvalError> {
        let mut matchers: Vec<Matcher> = Vec::new();
        let enriched = lines.iter().filter(|line| !wanted.is_info(named, line.labels.metric_name()));
        let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for line in enriched {
            for label in IDENTIFYING {
                if let Some(value) = line.labels.get(label).filter(|value| !value.is_empty()) {
                    values.entry(label).or_default().insert(value);
                }
            }
        }
        if values.is_empty() {
            return Ok(Vec::new());
        }
        for (label, values) in &values {
            let any: Vec<String> = values.iter().map(|value| regex::escape(value)).collect();
            matchers.push(matcher(label, &any.join("|"))?);
        }
        matchers.extend(wanted.names.iter().copied().cloned());
        if wanted.names.is_empty() {
            matchers.push(Matcher::equal(METRIC_NAME, TARGET_INFO));
        } else if !wanted.names.iter().any(|m| is_positive(m)) {
            matchers.push(matcher(METRIC_NAME, ANY_INFO)?);
        }
        matchers.extend(wanted.data.values().flatten().copied().cloned());
        let windows = self.windows_of_instant(base)?;
        let lookback = self.options.lookback;
        let range = TimeRange::new(windows.time(steps.start) - lookback, windows.time(steps.last()));
        let found = self.store.select(&Selection { matchers: &matchers, range })?;
        let mut series = Vec::with_capacity(found.len());
        let mut column = assurance_metrics_model::Column::new();
        for one in found {
            column.clear();
            one.read(range, &mut column)?;
            self.hold(column.len())?;
            let times = column.timestamps();
            let mut newest = vec![None; steps.count];
            let mut next = 0;
            for (step, slot) in newest.iter_mut().enumerate() {
                let now = windows.time(steps.at(step));
                next = first_after(times, next, now);
                let Some(at) = next.checked_sub(1) else { continue };
                if times[at] <= now - lookback || column.is_stale(at) {
                    continue;
                }
                if column.histogram(at).is_some() {
                    return Err(EvalError::Parameter { message: "info sample should be float".to_owned() });
                }
                *slot = Some(times[at]);
            }
            self.release(column.len());
            series.push(InfoSeries { labels: one.labels().clone(), newest });
        }
        Ok(series)
    }
}

fn target_of(labels: &Labels) -> Vec<&str> {
    IDENTIFYING.iter().map(|label| labels.get_or_empty(label)).collect()
}

/// The labels of a line with those of its info series at a step; `None` where a condition is not fulfilled.
fn with_info(
    line: &Line,
    infos: &[usize],
    series: &[InfoSeries],
    step: usize,
    wanted: &Wanted<'_>,
) -> Result<Option<Labels>, EvalError> {
    // Of each info metric the series with the newest sample counts: the others are about to end.
    let mut newest: BTreeMap<&str, (Timestamp, &Labels)> = BTreeMap::new();
    for info in infos.iter().map(|at| &series[*at]) {
        let Some(at) = info.newest[step] else { continue };
        let name = info.labels.metric_name();
        match newest.get(name) {
            Some((known, _)) if *known > at => {}
            Some((known, labels)) if *known == at => {
                let message = format!(
                    "found duplicate series for info metric: existing {labels} @ {0}, new {1} @ {0}",
                    at.as_millis(),
                    info.labels
                );
                return Err(EvalError::Parameter { message });
            }
            _ => {
                newest.insert(name, (at, &info.labels));
            }
        }
    }
    if newest.is_empty() && !wanted.allows_none() {
        return Ok(None);
    }
    let mut added: BTreeMap<&str, &str> = BTreeMap::new();
    for (_, labels) in newest.values() {
        for (name, value) in labels.iter().filter(|(name, _)| wanted.takes(name)) {
            if added.get(name).is_some_and(|known| *known != value) {
                return Err(EvalError::Parameter { message: format!("conflicting label: {name}") });
            }
            if line.labels.get(name).is_none() {
                added.insert(name, value);
            }
        }
    }
    let mut builder = line.labels.to_builder();
    for (name, value) in added {
        builder.set(name, value);
    }
    Ok(Some(builder.build()))
}
