//! Calls and aggregations.

use super::{Grammar, LABELS};
use crate::differential::expr::{Node, Type};
use crate::differential::vocabulary::{
    AGGREGATIONS, DATES, OF_COUNTERS, OF_HISTOGRAMS, OVER_TIME, POINTWISE,
};

/// `name(child)`.
fn call(name: &'static str, child: Node) -> Node {
    Node::new(Type::Vector, name).text(format!("{name}(")).child(child).text(")")
}

impl Grammar<'_> {
    /// One of these, and every other time the one that was drawn least.
    fn word(&mut self, words: &[&'static str]) -> &'static str {
        let mut word = words[self.rng.below(words.len())];
        if self.rng.chance(0.5) {
            let least = words.iter().min_by_key(|w| self.used.get(**w).copied().unwrap_or_default());
            word = least.copied().unwrap_or(word);
        }
        *self.used.entry(word).or_default() += 1;
        word
    }

    pub(super) fn over_time(&mut self, depth: usize) -> Node {
        match self.rng.below(80) {
            0..4 => {
                let q = self.quantile();
                let (range, _) = self.matrix(false, depth);
                Node::new(Type::Vector, "quantile_over_time")
                    .text("quantile_over_time(")
                    .child(q)
                    .text(", ")
                    .child(range)
                    .text(")")
            }
            4..8 => {
                // In a subquery, 2.42 moves the window of an `@` with the step.
                let metric = self.any_metric();
                let range =
                    if self.nested { self.range_of(metric, false) } else { self.matrix(false, depth).0 };
                // Not infinitely far, where a slope of nearly 0 decides everything.
                let ahead =
                    Node::new(Type::Scalar, "number").text(format!("{}", self.rng.between(-600, 3600)));
                Node::new(Type::Vector, "predict_linear")
                    .text("predict_linear(")
                    .child(range)
                    .text(", ")
                    .child(ahead)
                    .text(")")
            }
            8 | 9 => {
                let (range, _) = self.matrix(false, depth);
                let (smooth, trend) = (self.rng.between(1, 9), self.rng.between(1, 9));
                Node::new(Type::Vector, "holt_winters")
                    .text("holt_winters(")
                    .child(range)
                    .text(format!(", 0.{smooth}, 0.{trend})"))
            }
            _ => {
                let name = self.word(OVER_TIME);
                let counter = OF_COUNTERS.contains(&name) && self.rng.chance(0.9);
                let (range, _) = self.matrix(counter, depth);
                call(name, range)
            }
        }
    }

    fn quantile(&mut self) -> Node {
        if self.rng.chance(0.1) {
            return self.scalar(1);
        }
        let q = self.word(&["0", "0.1", "0.5", "0.9", "0.99", "1", "1.5", "-1"]);
        Node::new(Type::Scalar, "number").text(q)
    }

    pub(super) fn aggregation(&mut self, depth: usize) -> Node {
        let of = self.vector(depth - usize::from(depth > 0));
        let (name, parameter) = match self.rng.below(12) {
            0 => ("topk", Some(format!("{}", self.rng.between(0, 6)))),
            1 => ("bottomk", Some(format!("{}", self.rng.between(0, 6)))),
            2 => ("quantile", Some(self.quantile().print())),
            3 => ("count_values", Some("\"value\"".to_owned())),
            _ => (self.word(AGGREGATIONS), None),
        };
        let mut node = Node::new(Type::Vector, name).text(name);
        let list = self.labels_list();
        let grouping = match self.rng.below(3) {
            0 => String::new(),
            1 => {
                node = node.tag("by");
                format!(" by ({list})")
            }
            _ => {
                node = node.tag("without");
                format!(" without ({list})")
            }
        };
        let before = self.rng.chance(0.7);
        let parameter = parameter.map_or_else(String::new, |p| format!("{p}, "));
        if before {
            node.text(format!("{grouping}({parameter}")).child(of).text(")")
        } else {
            node.text(format!("({parameter}")).child(of).text(format!("){grouping}"))
        }
    }

    pub(super) fn pointwise(&mut self, depth: usize) -> Node {
        let of = |grammar: &mut Self| grammar.vector(depth - 1);
        match self.rng.below(29) {
            0 | 1 => {
                let name = self.word(&["clamp_max", "clamp_min"]);
                let (child, bound) = (of(self), self.scalar(1));
                Node::new(Type::Vector, name)
                    .text(format!("{name}("))
                    .child(child)
                    .text(", ")
                    .child(bound)
                    .text(")")
            }
            2 => {
                let (child, low, high) = (of(self), self.scalar(0), self.scalar(0));
                Node::new(Type::Vector, "clamp")
                    .text("clamp(")
                    .child(child)
                    .text(", ")
                    .child(low)
                    .text(", ")
                    .child(high)
                    .text(")")
            }
            3 => call("round", of(self)),
            4 => {
                let to = self.word(&["5", "0.1", "0.25", "10", "-2"]);
                let child = of(self);
                Node::new(Type::Vector, "round").text("round(").child(child).text(format!(", {to})"))
            }
            5 | 6 => {
                // Of a selector with both `@` and `offset`, Prometheus forgets the offset here.
                let child = of(self);
                let both = child.has("@") && (child.has("offset") || child.has("offset negative"));
                call("timestamp", if both { child.text_around("abs(", ")") } else { child })
            }
            7..13 => {
                let name = self.word(DATES);
                if self.rng.chance(0.2) {
                    return Node::new(Type::Vector, name).text(format!("{name}()"));
                }
                let child = if self.rng.chance(0.6) {
                    self.same_labels(Self::metric_named("clock_seconds"), 1)
                } else {
                    of(self)
                };
                call(name, child)
            }
            13 | 15 | 16 => call(self.word(OF_HISTOGRAMS), of(self)),
            14 => {
                let child = of(self);
                Node::new(Type::Vector, "histogram_fraction")
                    .text("histogram_fraction(0, 1, ")
                    .child(child)
                    .text(")")
            }
            _ => {
                let name = self.word(POINTWISE);
                let child = of(self);
                // Beyond, the last digit of an argument is the first one of the result.
                let steep = matches!(name, "exp" | "sinh" | "cosh" | "sin" | "cos" | "tan");
                call(name, if steep { child.text_around("clamp(", ", -20, 20)") } else { child })
            }
        }
    }

    pub(super) fn of_histogram(&mut self, depth: usize) -> Node {
        let metric = Self::metric_named("latency_seconds_bucket");
        let mut q = self.quantile();
        let child = match self.rng.below(6) {
            0 => Node::new(Type::Vector, "selector").text("latency_seconds_bucket"),
            1 => {
                q = Node::new(Type::Scalar, "number").text("0.5");
                Node::new(Type::Vector, "selector").text("broken_bucket")
            }
            2 => self.vector(depth - 1),
            3 => Node::new(Type::Vector, "rate").text("rate(latency_seconds_bucket[5m])"),
            _ => {
                let by = self.word(&["le", "le, route", "le, job"]);
                let of = if self.rng.chance(0.5) {
                    Node::new(Type::Vector, "increase").text("increase(latency_seconds_bucket[10m])")
                } else {
                    self.simple_over_time(metric)
                };
                Node::new(Type::Vector, "sum").tag("by").text(format!("sum by ({by}) (")).child(of).text(")")
            }
        };
        Node::new(Type::Vector, "histogram_quantile")
            .text("histogram_quantile(")
            .child(q)
            .text(", ")
            .child(child)
            .text(")")
    }

    pub(super) fn labels(&mut self, depth: usize) -> Node {
        let of = self.vector(depth - 1);
        let label = self.rng.pick(LABELS);
        if self.rng.chance(0.5) {
            let (pattern, with) = match self.rng.below(5) {
                0 => ("(.*):(.*)", "$2-$1"),
                1 => ("(?P<first>.).*", "${first}!"),
                2 => ("", "empty"),
                3 => (".*", ""),
                _ => ("nothing", "$1"),
            };
            let to = self.word(&["new", "job", "instance"]);
            return Node::new(Type::Vector, "label_replace")
                .text("label_replace(")
                .child(of)
                .text(format!(", \"{to}\", \"{with}\", \"{label}\", \"{pattern}\")"));
        }
        let separator = self.word(&["", "-", "/ü/"]);
        Node::new(Type::Vector, "label_join")
            .text("label_join(")
            .child(of)
            .text(format!(", \"new\", \"{separator}\", \"{label}\", \"job\", \"instance\")"))
    }

    pub(super) fn absent(&mut self, depth: usize) -> Node {
        let gone = self.rng.chance(0.7);
        let matchers =
            self.word(&["{job=\"x\"}", "{job=\"x\", instance=~\"y\"}", "{job=\"x\", job=\"y\"}", ""]);
        if self.rng.chance(0.5) {
            let child = if gone {
                Node::new(Type::Vector, "selector").text(format!("nothing{matchers}"))
            } else {
                self.vector(depth - 1)
            };
            return call("absent", child);
        }
        let child = if gone {
            Node::new(Type::Matrix, "range").text(format!("nothing{matchers}[5m]"))
        } else {
            self.matrix(false, depth - 1).0
        };
        call("absent_over_time", child)
    }

    pub(super) fn constant(&mut self, depth: usize) -> Node {
        let of = self.scalar(depth);
        call("vector", of)
    }

    pub(super) fn unary(&mut self, depth: usize) -> Node {
        let of = self.vector(depth - 1);
        match self.rng.below(4) {
            0 => Node::new(Type::Vector, "unary +").text("+").child(of),
            1 => Node::new(Type::Vector, "parentheses").text("((").child(of).text("))"),
            _ => Node::new(Type::Vector, "unary -").text("-").child(of),
        }
    }
}
