//! Selectors, their modifiers, and subqueries.

use super::{Grammar, METRICS, Metric, tag};
use crate::differential::data::{SPAN, START};
use crate::differential::expr::{Node, Type};
use crate::differential::vocabulary::{OF_COUNTERS, OVER_TIME};

impl Grammar<'_> {
    pub(super) fn selector(&mut self) -> Node {
        let of = self.any_metric();
        self.select(of, true)
    }

    /// Series of a metric, mostly all of them.
    pub(super) fn select(&mut self, of: Metric, modifiers: bool) -> Node {
        let (text, tags) = self.matchers(of);
        let mut node = Node::new(Type::Vector, "selector").text(text);
        node.tags.extend(tags);
        if modifiers && self.rng.chance(0.25) { self.modify(node) } else { node }
    }

    fn matchers(&mut self, of: Metric) -> (String, Vec<&'static str>) {
        let (mut matchers, mut tags) = (Vec::new(), Vec::new());
        if self.rng.chance(0.35) {
            let value = self.rng.pick(of.values);
            let (op, value, tag) = match self.rng.below(6) {
                0 | 1 => ("=", value.to_owned(), "matcher ="),
                2 => ("!=", value.to_owned(), "matcher !="),
                3 => ("=~", format!("{}|x.*", regex(value)), "matcher =~"),
                4 => ("=~", ".+".to_owned(), "matcher =~"),
                _ => ("!~", format!("{}|y", regex(value)), "matcher !~"),
            };
            matchers.push(format!("{}{op}\"{value}\"", of.label));
            tags.push(tag);
        }
        if self.rng.chance(0.15) {
            let (matcher, tag) = match self.rng.below(5) {
                0 => ("instance=~\"[a-c].*\"", "matcher =~"),
                1 => ("instance!~\"b:.*\"", "matcher !~"),
                2 => ("missing=\"\"", "matcher ="),
                3 => ("instance!=\"\"", "matcher !="),
                _ => ("job=~\"api|db\"", "matcher =~"),
            };
            matchers.push(matcher.to_owned());
            tags.push(tag);
        }
        if self.rng.chance(0.06) {
            matchers.push(format!("__name__=\"{}\"", of.name));
            return (format!("{{{}}}", matchers.join(", ")), tags);
        }
        if matchers.is_empty() {
            return (of.name.to_owned(), tags);
        }
        (format!("{}{{{}}}", of.name, matchers.join(", ")), tags)
    }

    /// Adds `offset` or `@`, or both, in either order.
    fn modify(&mut self, node: Node) -> Node {
        let offset = self.rng.chance(0.6).then(|| {
            let (duration, tag) = match self.rng.below(7) {
                0 => ("-30s", "offset negative"),
                1 => ("-2m", "offset negative"),
                2 => ("17s", "offset"),
                3 => ("1m", "offset"),
                4 => ("5m", "offset"),
                5 => ("10m30s", "offset"),
                _ => ("40m", "offset"),
            };
            (format!(" offset {duration}"), tag)
        });
        let at = (offset.is_none() || self.rng.chance(0.3)).then(|| match self.rng.below(5) {
            0 => (" @ start()".to_owned(), "@ start()"),
            1 => (" @ end()".to_owned(), "@ end()"),
            _ => {
                let second = (START + self.rng.between(SPAN / 10, SPAN)) / 1000;
                (format!(" @ {second}.333"), "@")
            }
        });
        let mut modifiers: Vec<(String, &'static str)> = offset.into_iter().chain(at).collect();
        if self.rng.chance(0.5) {
            modifiers.reverse();
        }
        modifiers.into_iter().fold(node, |node, (text, tag)| {
            let node = if tag.starts_with("@ ") { node.tag("@") } else { node };
            node.text(text).tag(tag)
        })
    }

    /// A range of samples; whether it is of a counter.
    pub(super) fn matrix(&mut self, counter: bool, depth: usize) -> (Node, bool) {
        if depth > 0 && self.rng.chance(if self.nested { 0.6 } else { 0.25 }) {
            return (self.subquery(depth - 1), false);
        }
        let of = if counter { self.counter() } else { self.any_metric() };
        (self.range_of(of, true), of.counter)
    }

    fn counter(&mut self) -> Metric {
        loop {
            let of = self.any_metric();
            if of.counter {
                return of;
            }
        }
    }

    pub(super) fn range_of(&mut self, of: Metric, modifiers: bool) -> Node {
        let (text, tags) = self.matchers(of);
        let range = *self.rng.pick(&[&"1m", &"90s", &"2m", &"5m", &"5m", &"10m", &"30m", &"1h", &"20s"]);
        let mut node = Node::new(Type::Matrix, "range").text(format!("{text}[{range}]"));
        node.tags.extend(tags);
        if modifiers && self.rng.chance(0.2) { self.modify(node) } else { node }
    }

    /// `(…)[range:step]`. The inner expression is evaluated at whole multiples of the step, so that a subquery
    /// in a subquery begins a millisecond before them.
    fn subquery(&mut self, depth: usize) -> Node {
        let outer = std::mem::replace(&mut self.nested, true);
        let of = self.vector(depth.min(2));
        self.nested = outer;
        let range = self.rng.pick(&["3m", "5m", "10m", "20m"]);
        let step = self.rng.pick(&["15s", "30s", "1m", "7s", "2m", ""]);
        let more = if outer { "1ms" } else { "" };
        let mut node =
            Node::new(Type::Matrix, "subquery").text("(").child(of).text(format!(")[{range}{more}:{step}]"));
        if step.is_empty() {
            node = node.tag("subquery, default step");
        }
        if outer {
            node = node.tag("subquery in a subquery");
        }
        if self.rng.chance(0.2) { self.modify(node) } else { node }
    }

    /// A function over a plain range of this metric, which keeps its labels.
    pub(super) fn simple_over_time(&mut self, of: Metric) -> Node {
        let names = if of.counter { OF_COUNTERS } else { OVER_TIME };
        let name = tag(self.rng.pick(names));
        let range = self.range_of(of, false);
        Node::new(Type::Vector, name).text(format!("{name}(")).child(range).text(")")
    }

    pub(super) fn metric_named(name: &str) -> Metric {
        METRICS.iter().copied().find(|m| m.name == name).unwrap_or(METRICS[0])
    }
}

/// A label's value as a part of a pattern.
fn regex(value: &str) -> String {
    value.replace('+', "\\\\+")
}
