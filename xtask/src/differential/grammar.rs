//! Draws expressions that are well typed and mostly find something.

mod functions;
mod operators;
mod selectors;

use std::collections::BTreeMap;

use super::expr::{Node, Type};
use crate::rng::Rng;

/// The metrics of one kind, with the labels that tell their series apart beside `job` and `instance`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metric {
    name: &'static str,
    label: &'static str,
    values: &'static [&'static str],
    counter: bool,
}

const fn metric(
    name: &'static str,
    label: &'static str,
    values: &'static [&'static str],
    counter: bool,
) -> Metric {
    Metric { name, label, values, counter }
}

const METRICS: &[Metric] = &[
    metric("requests_total", "code", &["200", "404", "500"], true),
    metric("requests_total", "path", &["/", "/ü", "/日本"], true),
    metric("traffic_bytes_total", "direction", &["in", "out"], true),
    metric("temperature_celsius", "sensor", &["cpu", "disk", "fan"], false),
    metric("queue_length", "queue", &["mail", "audit"], false),
    metric("clock_seconds", "job", &["api", "db"], false),
    metric("up", "job", &["api", "db"], false),
    metric("session", "user", &["\\\"o'brien\\\"\\\\"], false),
    metric("latency_seconds_count", "route", &["read", "write"], true),
    metric("latency_seconds_sum", "route", &["read", "write"], true),
    metric("latency_seconds_bucket", "le", &["0.05", "1", "+Inf"], true),
    metric("odd", "kind", &["nan", "inf", "ninf", "mixed", "small", "large"], false),
];

/// Labels that group series.
const LABELS: &[&str] = &["job", "instance", "code", "path", "sensor", "route", "direction", "missing"];

/// How deep expressions nest.
const DEPTH: usize = 4;

pub(crate) struct Grammar<'a> {
    rng: &'a mut Rng,
    /// Inside a subquery, whose steps stand at whole seconds.
    nested: bool,
    used: &'a mut Used,
}

/// How often each function was drawn, so that no one is forgotten.
pub(crate) type Used = BTreeMap<&'static str, usize>;

/// One expression; ranges of samples only where they can be asked for.
pub(crate) fn expression(rng: &mut Rng, used: &mut Used, instant: bool) -> Node {
    let mut grammar = Grammar { rng, nested: false, used };
    match grammar.rng.below(40) {
        0 | 1 => grammar.scalar(2),
        2 if instant => grammar.matrix(false, 2).0,
        3 | 4 => {
            let name = *grammar.rng.pick(&[&"sort", &"sort_desc"]);
            let of = grammar.vector(2);
            Node::new(Type::Vector, name).text(format!("{name}(")).child(of).text(")")
        }
        _ => {
            let depth = 1 + grammar.rng.below(DEPTH);
            grammar.vector(depth)
        }
    }
}

impl Grammar<'_> {
    /// Any instant vector.
    fn vector(&mut self, depth: usize) -> Node {
        if depth == 0 {
            return self.selector();
        }
        match self.rng.below(100) {
            0..8 => self.selector(),
            8..30 => self.over_time(depth),
            30..44 => self.aggregation(depth),
            44..58 => self.between_vectors(depth),
            58..68 => self.with_scalar(depth),
            68..84 => self.pointwise(depth),
            84..88 => self.labels(depth),
            88..90 => self.absent(depth),
            90..92 => self.constant(depth),
            92..97 => self.of_histogram(depth),
            _ => self.unary(depth),
        }
    }

    /// A vector whose series have all labels of their metric.
    fn same_labels(&mut self, of: Metric, depth: usize) -> Node {
        match self.rng.below(if depth == 0 { 2 } else { 4 }) {
            0 => self.select(of, false),
            1 => self.simple_over_time(of),
            2 => {
                let child = self.same_labels(of, depth - 1);
                let op = self.rng.pick(&["+", "*", "-"]);
                let number = self.number();
                Node::new(Type::Vector, tag(op)).text("(").child(child).text(format!(" {op} {number})"))
            }
            _ => {
                let child = self.same_labels(of, depth - 1);
                let name = *self.rng.pick(&[&"abs", &"ceil", &"sgn", &"floor"]);
                Node::new(Type::Vector, name).text(format!("{name}(")).child(child).text(")")
            }
        }
    }

    fn scalar(&mut self, depth: usize) -> Node {
        match self.rng.below(if depth == 0 { 6 } else { 10 }) {
            0..4 => Node::new(Type::Scalar, "number").text(self.number()),
            4 => Node::new(Type::Scalar, "time").text("time()"),
            5 => Node::new(Type::Scalar, "pi").text("pi()"),
            6 => {
                let of = self.aggregation(depth - 1);
                Node::new(Type::Scalar, "scalar").text("scalar(").child(of).text(")")
            }
            7 => {
                let op = *self.rng.pick(&[&"==", &"!=", &">", &"<", &">=", &"<="]);
                let (left, right) = (self.scalar(depth - 1), self.scalar(depth - 1));
                Node::new(Type::Scalar, op)
                    .tag("bool")
                    .text("(")
                    .child(left)
                    .text(format!(" {op} bool "))
                    .child(right)
                    .text(")")
            }
            8 => {
                let of = self.scalar(depth - 1);
                Node::new(Type::Scalar, "unary -").text("-").child(of)
            }
            _ => {
                let op = self.rng.pick(super::vocabulary::ARITHMETIC);
                let (left, right) = (self.scalar(depth - 1), self.scalar(depth - 1));
                Node::new(Type::Scalar, tag(op))
                    .text("(")
                    .child(left)
                    .text(format!(" {op} "))
                    .child(right)
                    .text(")")
            }
        }
    }

    fn number(&mut self) -> String {
        match self.rng.below(12) {
            0 => "0".to_owned(),
            1 => "NaN".to_owned(),
            2 => "Inf".to_owned(),
            3 => "1e3".to_owned(),
            4 => "0x1F".to_owned(),
            5..8 => format!("{}", self.rng.between(1, 30)),
            _ => format!("{:.3}", self.rng.unit() * 10.0 - 2.0),
        }
    }

    /// A list of labels to group by.
    fn labels_list(&mut self) -> String {
        let count = self.rng.below(3);
        let mut names: Vec<&str> = (0..count).map(|_| self.rng.pick(LABELS)).collect();
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    }

    fn any_metric(&mut self) -> Metric {
        METRICS[self.rng.below(METRICS.len())]
    }
}

/// An operator as a tag that lives as long as the program.
fn tag(op: &str) -> &'static str {
    super::vocabulary::all().find(|word| *word == op).unwrap_or("other")
}
