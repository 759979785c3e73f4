//! What a process shows, from scratch each time: slow, and too simple to be wrong in the same way as what
//! steps through time.

use std::fmt::Write as _;

use crate::claim::{Claim, Moves, SeriesPlan};
use crate::timeline::{Span, Timeline};

/// How old a process is when the world begins, in milliseconds.
const AGE: i64 = 3_600_000;

/// The page of a job's target at an instant at which it answers, text format 0.0.4.
pub(super) fn page(claim: &Claim, timeline: &Timeline, job: usize, at: i64) -> String {
    let moment = Moment::of(claim, timeline, job, at);
    let mut out = String::new();
    let mut last: Option<&str> = None;
    for plan in claim.series.iter().filter(|plan| plan.job == job && !plan.of_scraper) {
        let Some(value) = moment.value(plan) else { continue };
        if last != Some(&*plan.name) {
            let kind = if plan.is_counter { "counter" } else { "gauge" };
            // Writing to a String cannot fail.
            let _infallible = writeln!(out, "# TYPE {} {kind}", plan.name);
            last = Some(&plan.name);
        }
        let labels = if plan.exposed.is_empty() { String::new() } else { plan.exposed.to_string() };
        let _infallible = writeln!(out, "{}{labels} {value:?}", plan.name);
    }
    out
}

/// A process at an instant.
struct Moment<'a> {
    claim: &'a Claim,
    timeline: &'a Timeline,
    at: i64,
    /// Up to when it knows what happened.
    knows: i64,
    /// When it started last; `None` where that was before the world began.
    started: Option<i64>,
}

impl<'a> Moment<'a> {
    fn of(claim: &'a Claim, timeline: &'a Timeline, job: usize, at: i64) -> Self {
        let (knows, started) = match claim.jobs[job].collects {
            Some(interval) => (at.div_euclid(interval) * interval, None),
            None => {
                (at, timeline.downs.iter().map(|span: &Span| span.until).filter(|start| *start <= at).max())
            }
        };
        Self { claim, timeline, at, knows, started }
    }

    /// The events that a series has seen since an instant.
    fn seen(&self, streams: &[u16], since: Option<i64>) -> impl Iterator<Item = i64> {
        let times = since.unwrap_or(i64::MIN)..=self.knows;
        let events = self.timeline.events.iter().filter(|event| streams.contains(&event.stream));
        events.map(|event| event.at).filter(move |at| times.contains(at))
    }

    fn value(&self, plan: &SeriesPlan) -> Option<f64> {
        let since = if plan.restored { None } else { self.started };
        match &plan.moves {
            Moves::Counter(streams) => {
                let base = if since.is_none() { self.timeline.base } else { 0 };
                let count = base + self.seen(streams, since).count() as u64;
                (count > 0 || !plan.lazy).then_some(count as f64)
            }
            Moves::LastTime { streams, never } => match self.seen(streams, since).max() {
                Some(at) => Some(self.seconds(at)),
                None if plan.lazy => None,
                None => Some(never.unwrap_or_else(|| self.seconds(0))),
            },
            Moves::State { state, is, otherwise } => {
                // A process that does not restore a state loses it when it dies.
                let dies = |from: i64| self.timeline.downs.iter().any(|d| d.from > from && d.from <= self.at);
                let holds = self.timeline.holds.iter().filter(|hold| hold.state == *state);
                let mut now = holds.filter(|hold| hold.span.contains(self.at));
                let lasts = now.any(|hold| plan.restored || !dies(hold.span.from));
                Some(if lasts { *is } else { *otherwise })
            }
            Moves::ProcessStart => Some(self.seconds(self.started.unwrap_or(-AGE))),
            Moves::Constant(value) => Some(*value),
            Moves::Up => None,
        }
    }

    fn seconds(&self, millis: i64) -> f64 {
        (self.claim.origin.as_millis() + millis) as f64 / 1000.0
    }
}
