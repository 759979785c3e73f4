//! Operators between two vectors, and between a vector and a number.

use super::{Grammar, tag};
use crate::differential::expr::{Node, Type};
use crate::differential::vocabulary::{ARITHMETIC, COMPARISONS, SETS};

impl Grammar<'_> {
    /// An operator that computes or compares, with `bool` at times.
    fn operator(&mut self) -> (&'static str, bool) {
        if self.rng.chance(0.6) {
            (tag(self.rng.pick(ARITHMETIC)), false)
        } else {
            (tag(self.rng.pick(COMPARISONS)), self.rng.chance(0.5))
        }
    }

    pub(super) fn with_scalar(&mut self, depth: usize) -> Node {
        let (op, is_bool) = self.operator();
        let (vector, scalar) = (self.vector(depth - 1), self.scalar(1));
        let (left, right) = if self.rng.chance(0.7) { (vector, scalar) } else { (scalar, vector) };
        self.binary(op, is_bool, "", left, right)
    }

    fn binary(&mut self, op: &'static str, is_bool: bool, matching: &str, left: Node, right: Node) -> Node {
        let mut node = Node::new(Type::Vector, op);
        if is_bool {
            node = node.tag("bool");
        }
        let word = if is_bool { " bool" } else { "" };
        // atan2 is rewritten where Prometheus 2.42 differs, for which the tree must stand as it is parsed.
        let bare = self.rng.chance(0.25) && matching.is_empty() && op != "atan2";
        if bare {
            node = node.tag("no parentheses");
        }
        let (open, close) = if bare { ("", "") } else { ("(", ")") };
        let within = |side: Node| {
            let loose = op == "atan2" && side.tags.contains(&"no parentheses");
            if loose { side.text_around("(", ")") } else { side }
        };
        // A high power makes a last digit the first.
        let high = op == "^" && right.gives == Type::Vector;
        let right = if high { right.text_around("clamp(", ", -4, 4)") } else { within(right) };
        let left = within(left);
        node.text(open).child(left).text(format!(" {op}{word}{matching} ")).child(right).text(close)
    }

    pub(super) fn between_vectors(&mut self, depth: usize) -> Node {
        if self.rng.chance(0.3) {
            return self.set(depth);
        }
        let (op, is_bool) = self.operator();
        let below = depth - 1;
        match self.rng.below(10) {
            // Two views of one metric.
            0..4 => {
                let of = self.any_metric();
                let (left, right) = (self.same_labels(of, below), self.same_labels(of, below));
                self.binary(op, is_bool, "", left, right)
            }
            // Two sums over the same labels.
            4 | 5 => {
                let by = self.rng.pick(&["job", "job, instance", "instance"]);
                let (left, right) = (self.grouped(by, below), self.grouped(by, below));
                let matching = format!(" on ({by})");
                self.binary(op, is_bool, &matching, left, right).tag("on")
            }
            // A share of a total.
            6 => {
                let of = Self::metric_named(self.rng.pick(&[
                    "temperature_celsius",
                    "queue_length",
                    "traffic_bytes_total",
                    "latency_seconds_sum",
                ]));
                let part = self.same_labels(of, below);
                let inner = self.same_labels(of, 0);
                let whole = Node::new(Type::Vector, "sum")
                    .tag("without")
                    .text(format!("sum without ({}) (", of.label))
                    .child(inner)
                    .text(")");
                let left = self.rng.chance(0.6);
                let side = if left { "group_left" } else { "group_right" };
                let matching = format!(" ignoring ({}) {side}", of.label);
                let (a, b) = if left { (part, whole) } else { (whole, part) };
                self.binary(op, is_bool, &matching, a, b).tag("ignoring").tag(if left {
                    "group_left"
                } else {
                    "group_right"
                })
            }
            // A label brought in from another metric.
            7 | 8 => {
                let of = self.any_metric();
                let many = self.same_labels(of, below);
                let one = Node::new(Type::Vector, "selector").text("build_info");
                let left = self.rng.chance(0.6);
                let side = if left { "group_left" } else { "group_right" };
                let extra = self.rng.pick(&[" (version)", " (version, missing)", "", " ()"]);
                let matching = format!(" on (job, instance) {side}{extra}");
                let (a, b) = if left { (many, one) } else { (one, many) };
                self.binary(op, is_bool, &matching, a, b).tag("on").tag(if left {
                    "group_left"
                } else {
                    "group_right"
                })
            }
            // Whatever comes.
            _ => {
                let (left, right) = (self.vector(below), self.vector(below));
                let list = self.labels_list();
                let (matching, tag) = match self.rng.below(3) {
                    0 => (String::new(), None),
                    1 => (format!(" on ({list})"), Some("on")),
                    _ => (format!(" ignoring ({list})"), Some("ignoring")),
                };
                let node = self.binary(op, is_bool, &matching, left, right);
                tag.map_or(node.clone(), |tag| node.tag(tag))
            }
        }
    }

    fn grouped(&mut self, by: &str, depth: usize) -> Node {
        let name = *self.rng.pick(&[&"sum", &"avg", &"max", &"min", &"count"]);
        let metric = self.any_metric();
        let of = self.same_labels(metric, depth.min(1));
        Node::new(Type::Vector, name).tag("by").text(format!("{name} by ({by}) (")).child(of).text(")")
    }

    fn set(&mut self, depth: usize) -> Node {
        let op = tag(self.rng.pick(SETS));
        let (left, right) = if self.rng.chance(0.6) {
            let of = self.any_metric();
            (self.same_labels(of, depth - 1), self.same_labels(of, depth - 1))
        } else {
            (self.vector(depth - 1), self.vector(depth - 1))
        };
        let list = self.labels_list();
        match self.rng.below(4) {
            0 => self.binary(op, false, &format!(" on ({list})"), left, right).tag("on"),
            1 => self.binary(op, false, &format!(" ignoring ({list})"), left, right).tag("ignoring"),
            _ => self.binary(op, false, "", left, right),
        }
    }
}
