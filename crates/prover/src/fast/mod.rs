//! The rules over one timeline without the machinery that production has around them: samples straight from
//! the timeline, one range query for all instants, and the life of the alerts.
//!
//! It must give exactly what the scraper, the store and the rule manager give; tests hold it to them.

mod alerts;
mod samples;
mod store;

use assurance_metrics_model::{Duration, Labels, Timestamp};
use assurance_promql::{EvalError, Options, QueryValue, instant, range};

use crate::claim::Claim;
use crate::expose::at;
use crate::timeline::{Slots, Timeline};
use alerts::Lines;
use samples::Sampler;
use store::{Samples, Selected};

/// What the rules did in one world.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Run {
    /// The labels of alerts; also of some that did not fire.
    pub alerts: Vec<Labels>,
    /// When they fired, by rule and by the order in which their alerts came up.
    pub firings: Vec<Firing>,
}

/// One stretch of firing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Firing {
    /// Index into [`Claim::rules`].
    pub rule: usize,
    /// Index into [`Run::alerts`].
    pub alert: usize,
    /// The evaluation at which it began to fire.
    pub from: i64,
    /// The evaluation at which it no longer did; `i64::MAX` where the world ended first.
    pub until: i64,
}

/// Evaluates one claim's rules over many timelines, with the same memory.
#[derive(Debug)]
pub struct Engine<'c> {
    claim: &'c Claim,
    options: Options,
    sampler: Sampler,
    samples: Samples,
    selected: Selected<'c>,
    lines: Lines,
    run: Run,
    instants: Vec<i64>,
}

impl<'c> Engine<'c> {
    /// An engine for a claim whose rules it can evaluate: where [`Claim::needs_full`] is `None`.
    pub fn new(claim: &'c Claim) -> Self {
        let mut options = Options::default();
        options.max_points = usize::MAX;
        Self {
            claim,
            options,
            sampler: Sampler::new(claim),
            samples: Samples::new(claim),
            selected: Selected::new(claim),
            lines: Lines::default(),
            run: Run::default(),
            instants: Vec::new(),
        }
    }

    /// The claim.
    pub fn claim(&self) -> &'c Claim {
        self.claim
    }

    /// The samples of the timeline that ran last: labels, times and values, in the order of the labels.
    pub fn samples(&self) -> impl Iterator<Item = (&Labels, &[Timestamp], &[f64])> {
        self.samples.iter()
    }

    /// Scrapes and evaluates one world.
    ///
    /// A rule that fails at an instant leaves its alerts as they were, as in production.
    pub fn run(&mut self, timeline: &Timeline) -> &Run {
        let claim = self.claim;
        self.sampler.fill(claim, timeline, &mut self.samples);
        self.run.firings.clear();
        for index in 0..claim.rules.len() {
            self.run_rule(timeline, index);
        }
        &self.run
    }

    fn run_rule(&mut self, timeline: &Timeline, index: usize) {
        let rule = &self.claim.rules[index];
        let slots = Slots { interval: rule.interval, phase: timeline.eval.phase % rule.interval };
        self.instants.clear();
        self.instants.extend(slots.until(timeline.end));
        let (Some(first), Some(last)) = (self.instants.first(), self.instants.last()) else { return };
        let origin = self.claim.origin;
        let offset = Duration::from_millis(rule.query_offset);
        let (start, end) = (at(origin, *first) - offset, at(origin, *last) - offset);
        let tree = rule.rule.expression.tree();
        let view = store::View { samples: &self.samples, selected: &self.selected };
        let step = Duration::from_millis(rule.interval);
        self.lines.begin(self.instants.len());
        match range(tree, &view, start, end, step, &self.options) {
            Ok(answer) => {
                if let QueryValue::Matrix(matrix) = answer.value {
                    for series in matrix {
                        let alert =
                            self.lines.alert_of(&rule.rule, index, &series.labels, &mut self.run.alerts);
                        for (time, _) in &series.samples {
                            let behind = (*time - start).as_millis() / rule.interval;
                            if let Ok(step) = usize::try_from(behind) {
                                self.lines.see(alert, step);
                            }
                        }
                    }
                }
            }
            Err(_) => {
                for (step, instant_at) in self.instants.iter().enumerate() {
                    match vector(tree, &view, at(origin, *instant_at) - offset, &self.options) {
                        Ok(found) => {
                            for labels in found {
                                let alert =
                                    self.lines.alert_of(&rule.rule, index, &labels, &mut self.run.alerts);
                                self.lines.see(alert, step);
                            }
                        }
                        Err(_) => self.lines.fail(step),
                    }
                }
            }
        }
        self.lines.step(self.claim, timeline, index, &self.instants, &mut self.run.firings);
    }
}

/// The label sets that an expression gives at one instant.
fn vector(
    tree: &assurance_promql::Expr,
    view: &store::View<'_>,
    at: Timestamp,
    options: &Options,
) -> Result<Vec<Labels>, EvalError> {
    Ok(match instant(tree, view, at, options)?.value {
        QueryValue::Vector(samples) => samples.into_iter().map(|sample| sample.labels).collect(),
        QueryValue::Scalar { .. } => vec![Labels::empty()],
        QueryValue::String { .. } | QueryValue::Matrix(_) => Vec::new(),
    })
}
