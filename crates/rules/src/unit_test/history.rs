//! What happened to alerts in the course of a test.

use std::collections::BTreeMap;

use assurance_metrics_model::{Duration, Labels, Timestamp, Value, format_float};

use super::compare::value_text;
use super::store::Store;
use crate::{AlertEvent, EventKind};

/// Spans in which an alert fires, named in one message; more are counted.
const MAX_SPANS: usize = 3;

/// Beginnings and ends of firing, and everything else where it is asked for.
pub(super) struct History {
    firing: BTreeMap<String, Vec<(Timestamp, Labels, bool)>>,
    trace: Option<Vec<String>>,
}

impl History {
    pub(super) fn new(trace: bool) -> Self {
        Self { firing: BTreeMap::new(), trace: trace.then(Vec::new) }
    }

    pub(super) fn note(&mut self, start: Timestamp, event: &AlertEvent) {
        let begins = match event.kind {
            EventKind::Firing => Some(true),
            EventKind::Resolved | EventKind::Dropped => Some(false),
            _ => None,
        };
        let labels = &event.alert.labels;
        if let Some(begins) = begins {
            let name = event.rule.rule.to_string();
            self.firing.entry(name).or_default().push((event.at, labels.clone(), begins));
        }
        if let (Some(trace), false) = (&mut self.trace, event.kind == EventKind::Resend) {
            let value = format_float(event.alert.value);
            trace.push(format!("{}: {} {labels} {value}", event.at - start, event.kind.as_str()));
        }
    }

    /// What happened, and all samples that can be seen; nothing where it was not asked for.
    pub(super) fn take_trace(&mut self, store: &Store, start: Timestamp) -> Vec<String> {
        let Some(mut trace) = self.trace.take() else { return Vec::new() };
        for (labels, samples) in store.visible() {
            let sample = |(at, value): &(Timestamp, Value)| format!("{}@{}", value_text(value), *at - start);
            let samples: Vec<String> = samples.iter().map(sample).collect();
            trace.push(format!("{labels} {}", samples.join(" ")));
        }
        trace
    }

    /// When an alert fires, with whatever labels.
    pub(super) fn firing(&self, name: &str, start: Timestamp, until: Duration) -> String {
        let mut spans: Vec<(Duration, Option<Duration>)> = Vec::new();
        let mut count = 0_usize;
        for (at, _, begins) in self.firing.get(name).into_iter().flatten() {
            let after = *at - start;
            count = if *begins { count + 1 } else { count.saturating_sub(1) };
            match (begins, count, spans.last_mut()) {
                // One label set follows another within the same evaluation.
                (true, 1, Some(last)) if last.1 == Some(after) => last.1 = None,
                (true, 1, _) => spans.push((after, None)),
                (false, 0, Some(last)) => last.1 = Some(after),
                _ => {}
            }
        }
        if spans.is_empty() {
            return format!("{name} never fires up to {until}, whatever its labels");
        }
        let words = spans.iter().take(MAX_SPANS).map(|(from, to)| match to {
            Some(to) => format!("from {from} to {to}"),
            None => format!("from {from} on"),
        });
        let mut words = words.collect::<Vec<_>>().join(", ");
        if spans.len() > MAX_SPANS {
            words.push_str(&format!(" and {} times more", spans.len() - MAX_SPANS));
        }
        format!("{name} fires {words} (looked at up to {until})")
    }
}
