//! Which labels the result of an expression has.

use std::collections::{BTreeMap, BTreeSet};

use assurance_metrics_model::{METRIC_NAME, MatchOp};
use assurance_promql::{AggregateOp, BinaryOp, Cardinality, Expr, ExprKind, Grouping, Span, VectorSelector};

use crate::measure::metric_name;
use crate::world::{World, is_report};

/// How deep recorded metrics are followed into their rules: a chain of eight is longer than any seen, and a
/// rule that reads itself must end somewhere.
const MAX_RECORDED: usize = 8;

/// The labels of one kind of series in a result.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flow {
    /// All labels that it can have; `None` where that is not known.
    possible: Option<BTreeSet<String>>,
    /// Labels that it always has.
    pub(crate) sure: BTreeSet<String>,
    /// Labels that were taken away, and where.
    lost: BTreeMap<String, Span>,
    /// Where every label but some was taken away.
    lost_others: Option<Span>,
}

impl Flow {
    fn closed<'l>(labels: impl IntoIterator<Item = &'l str>) -> Self {
        let possible: BTreeSet<String> = labels.into_iter().map(str::to_owned).collect();
        Self { possible: Some(possible), ..Self::default() }
    }

    pub(crate) fn can_have(&self, label: &str) -> bool {
        match &self.possible {
            Some(possible) => possible.contains(label),
            None => !self.lost.contains_key(label),
        }
    }

    /// What took a label away.
    pub(crate) fn lost_at(&self, label: &str) -> Option<Span> {
        if self.can_have(label) {
            return None;
        }
        self.lost.get(label).copied().or(self.lost_others)
    }

    /// All labels that it can have, where that is known.
    pub(crate) fn possible(&self) -> Option<&BTreeSet<String>> {
        self.possible.as_ref()
    }

    fn keep(mut self, labels: &[String], at: Span) -> Self {
        let kept = labels.iter().filter(|label| self.can_have(label)).cloned().collect();
        self.sure.retain(|label| labels.contains(label));
        self.possible = Some(kept);
        self.lost_others = Some(at);
        self
    }

    fn without(mut self, labels: &[String], at: Span) -> Self {
        for label in labels {
            if self.can_have(label) {
                self.lost.insert(label.clone(), at);
            }
            self.sure.remove(label);
            if let Some(possible) = &mut self.possible {
                possible.remove(label);
            }
        }
        self
    }

    fn with(mut self, labels: &[String]) -> Self {
        for label in labels {
            self.lost.remove(label);
            if let Some(possible) = &mut self.possible {
                possible.insert(label.clone());
            }
        }
        self
    }

    fn grouped(self, grouping: &Grouping, at: Span) -> Self {
        if grouping.include { self.keep(&grouping.labels, at) } else { self.without(&grouping.labels, at) }
    }
}

impl World<'_> {
    /// The labels that the elements of a result have: one entry for each side of an `or`.
    pub(crate) fn flows(&self, expr: &Expr) -> Vec<Flow> {
        self.refuel();
        self.flows_within(expr, MAX_RECORDED)
    }

    fn flows_within(&self, expr: &Expr, depth: usize) -> Vec<Flow> {
        let each = |inner: &Expr, change: &dyn Fn(Flow) -> Flow| -> Vec<Flow> {
            self.flows_within(inner, depth).into_iter().map(change).collect()
        };
        match &expr.kind {
            ExprKind::Vector(selector) => self.selected(selector, depth),
            ExprKind::Matrix(matrix) => self.selected(&matrix.selector, depth),
            ExprKind::Subquery(subquery) => self.flows_within(&subquery.expr, depth),
            ExprKind::Negate(inner) | ExprKind::Plus(inner) | ExprKind::Paren(inner) => {
                self.flows_within(inner, depth)
            }
            ExprKind::Aggregate(aggregate) => match aggregate.op {
                AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk | AggregateOp::LimitRatio => {
                    self.flows_within(&aggregate.expr, depth)
                }
                AggregateOp::CountValues => {
                    let label = aggregate.param.as_ref().and_then(text).map(str::to_owned);
                    each(&aggregate.expr, &|flow| {
                        flow.grouped(&aggregate.grouping, expr.span).with(label.as_slice())
                    })
                }
                _ => each(&aggregate.expr, &|flow| flow.grouped(&aggregate.grouping, expr.span)),
            },
            ExprKind::Binary(binary) => {
                let scalar = |side: &Expr| side.value_type() == assurance_promql::ValueType::Scalar;
                match (binary.op, scalar(&binary.left), scalar(&binary.right)) {
                    (_, true, true) => vec![Flow::closed([])],
                    (_, true, false) => self.flows_within(&binary.right, depth),
                    (_, false, true) => self.flows_within(&binary.left, depth),
                    (BinaryOp::Or, ..) => {
                        let mut both = self.flows_within(&binary.left, depth);
                        both.extend(self.flows_within(&binary.right, depth));
                        both
                    }
                    (op, ..) if op.is_set() => self.flows_within(&binary.left, depth),
                    _ => match binary.matching.cardinality {
                        Cardinality::ManyToOne => {
                            each(&binary.left, &|flow| flow.with(&binary.matching.copied))
                        }
                        Cardinality::OneToMany => {
                            each(&binary.right, &|flow| flow.with(&binary.matching.copied))
                        }
                        _ => {
                            let grouping = &binary.matching.grouping;
                            each(&binary.left, &|flow| flow.grouped(grouping, expr.span))
                        }
                    },
                }
            }
            ExprKind::Call(call) => self.called(call, depth),
            _ => vec![Flow::closed([])],
        }
    }

    fn called(&self, call: &assurance_promql::Call, depth: usize) -> Vec<Flow> {
        let input = call.args.iter().find(|arg| {
            use assurance_promql::ValueType::{Matrix, Vector};
            matches!(arg.value_type(), Vector | Matrix)
        });
        match (call.function.name(), input) {
            ("absent" | "absent_over_time", Some(input)) => match &input.kind {
                ExprKind::Vector(selector) => vec![asked_for(selector)],
                ExprKind::Matrix(matrix) => vec![asked_for(&matrix.selector)],
                _ => vec![Flow::closed([])],
            },
            ("info", Some(_)) => vec![Flow::default()],
            ("label_replace" | "label_join", Some(input)) => {
                let label = call.args.get(1).and_then(text).map(str::to_owned);
                let flows = self.flows_within(input, depth).into_iter();
                flows.map(|flow| flow.with(label.as_slice())).collect()
            }
            (name, Some(input)) if name.starts_with("histogram_quantile") => {
                let le = ["le".to_owned()];
                self.flows_within(input, depth).into_iter().map(|f| f.without(&le, input.span)).collect()
            }
            ("scalar", _) | (_, None) => vec![Flow::closed([])],
            (_, Some(input)) => self.flows_within(input, depth),
        }
    }

    fn selected(&self, selector: &VectorSelector, depth: usize) -> Vec<Flow> {
        let name = metric_name(selector);
        if name.is_some_and(|name| self.recorded(name).is_some()) {
            let rules = name.and_then(|name| self.follow(name));
            let (Some(depth), Some(rules)) = (depth.checked_sub(1), rules) else {
                return vec![Flow::default()];
            };
            let flows = rules.iter().flat_map(|rule| {
                let labels: Vec<String> = rule.labels.keys().cloned().collect();
                let flows = self.flows_within(rule.expression.tree(), depth).into_iter();
                flows.map(move |flow| flow.with(&labels)).collect::<Vec<_>>()
            });
            return flows.collect();
        }
        let report = name.is_some_and(is_report);
        let metric = self.metric(selector);
        let mut flow = Flow::default();
        let named = selector.matchers.iter().filter(|m| !m.matches_empty() && m.name() != METRIC_NAME);
        flow.sure.extend(named.map(|m| m.name().to_owned()));
        if metric.is_none() && !report {
            if name.is_some_and(|name| !name.starts_with("ALERTS")) && self.jobs.is_some() && !self.any_job {
                flow.sure.extend(["job".to_owned(), "instance".to_owned()]);
            }
            return vec![flow];
        }
        flow.sure.extend(["job".to_owned(), "instance".to_owned()]);
        let own = metric.into_iter().flat_map(|m| m.labels.keys().cloned());
        flow.sure.extend(own.clone());
        let jobs = self.jobs_of(selector);
        let facts = jobs.iter().filter_map(|job| self.jobs.as_ref()?.get(*job));
        if jobs.is_empty() || facts.clone().any(|job| job.open) {
            return vec![flow];
        }
        let mut possible: BTreeSet<String> = flow.sure.clone();
        possible.extend(facts.flat_map(|job| job.labels.iter().cloned()));
        possible.insert(METRIC_NAME.to_owned());
        flow.possible = Some(possible);
        vec![flow]
    }
}

/// The labels of what `absent()` gives: those that the selector asks for by `=`.
fn asked_for(selector: &VectorSelector) -> Flow {
    let equal = selector.matchers.iter().filter(|m| m.op() == MatchOp::Equal && m.name() != METRIC_NAME);
    let flow = Flow::closed(equal.map(assurance_metrics_model::Matcher::name));
    Flow { sure: flow.possible.clone().unwrap_or_default(), ..flow }
}

fn text(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::String(text) => Some(text),
        ExprKind::Paren(inner) => text(inner),
        _ => None,
    }
}
