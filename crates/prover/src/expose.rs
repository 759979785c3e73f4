//! What the targets show at an instant: a pure function of the timeline and the claim.

use assurance_metrics_model::Timestamp;

use crate::claim::{Claim, Moves, SeriesPlan};
use crate::timeline::{Span, Timeline};

/// The process is older than its world by this much, in milliseconds.
const AGE_AT_START: i64 = 3_600_000;

/// Walks one series through time.
#[derive(Debug)]
pub struct Cursor<'a> {
    plan: &'a SeriesPlan,
    timeline: &'a Timeline,
    origin: Timestamp,
    /// How often events of elsewhere are collected; restarts of the process do not matter then.
    collects: Option<i64>,
    event: usize,
    down: usize,
    value: f64,
    exists: bool,
}

impl<'a> Cursor<'a> {
    /// A series of the claim at the world's beginning.
    pub fn new(claim: &'a Claim, timeline: &'a Timeline, series: usize) -> Self {
        let plan = &claim.series[series];
        let mut cursor = Self {
            plan,
            timeline,
            origin: claim.origin,
            collects: claim.jobs[plan.job].collects,
            event: 0,
            down: 0,
            value: 0.0,
            exists: true,
        };
        cursor.start(timeline.base);
        cursor
    }

    /// As it stands when a process starts that has counted so much.
    fn start(&mut self, base: u64) {
        match &self.plan.moves {
            Moves::Counter(_) => {
                self.value = count(base);
                self.exists = !self.plan.lazy || base > 0;
            }
            Moves::LastTime { never, .. } => {
                self.value = never.unwrap_or_else(|| self.origin.as_secs_f64());
                self.exists = !self.plan.lazy;
            }
            Moves::Constant(value) => self.value = *value,
            Moves::State { .. } | Moves::ProcessStart | Moves::Up => {}
        }
    }

    fn take_events(&mut self, streams: &[u16], until: i64, is_counter: bool) {
        while let Some(event) = self.timeline.events.get(self.event) {
            let seen = self.collects.map_or(event.at, |every| ceil(event.at, every));
            if seen > until {
                return;
            }
            self.event += 1;
            if !streams.contains(&event.stream) {
                continue;
            }
            self.exists = true;
            if is_counter {
                self.value += 1.0;
            } else {
                self.value = at(self.origin, event.at).as_secs_f64();
            }
        }
    }

    /// What a scrape at this instant would read; `None` where the series is not there. Instants rise from call
    /// to call.
    pub fn at(&mut self, now: i64) -> Option<f64> {
        let plan = self.plan;
        match &plan.moves {
            Moves::Counter(streams) | Moves::LastTime { streams, .. } => {
                let is_counter = matches!(plan.moves, Moves::Counter(_));
                if !plan.restored && self.collects.is_none() {
                    while let Some(down) = self.timeline.downs.get(self.down).filter(|d| d.until <= now) {
                        self.take_events(streams, down.until - 1, is_counter);
                        self.start(0);
                        self.down += 1;
                    }
                }
                self.take_events(streams, now, is_counter);
                self.exists.then_some(self.value)
            }
            Moves::State { state, is, otherwise } => {
                let holds = self.timeline.holds.iter().filter(|hold| hold.state == *state);
                let lasts = holds
                    .map(|hold| lasting(hold.span, self.timeline, plan.restored))
                    .any(|span| span.contains(now));
                Some(if lasts { *is } else { *otherwise })
            }
            Moves::ProcessStart => {
                let start = process_start(self.timeline, now);
                Some(at(self.origin, start).as_secs_f64())
            }
            Moves::Constant(value) => Some(*value),
            Moves::Up => None,
        }
    }
}

/// How long a state really lasts: a process that does not restore it loses it with its life.
pub(crate) fn lasting(span: Span, timeline: &Timeline, restored: bool) -> Span {
    if restored {
        return span;
    }
    let death = timeline.downs.iter().find(|down| down.from > span.from && down.from < span.until);
    Span { from: span.from, until: death.map_or(span.until, |down| down.from) }
}

/// When the process that runs at an instant started.
pub(crate) fn process_start(timeline: &Timeline, now: i64) -> i64 {
    let last = timeline.downs.iter().take_while(|down| down.until <= now).last();
    last.map_or(-AGE_AT_START, |down| down.until)
}

impl Claim {
    /// What a scrape at an instant reads of a series, if the process answers.
    pub fn shown(&self, timeline: &Timeline, series: usize, now: i64) -> Option<f64> {
        Cursor::new(self, timeline, series).at(now)
    }

    /// What a scrape of a job reads at an instant, if the process answers: indices into [`Claim::series`] and
    /// values.
    pub fn body(&self, timeline: &Timeline, job: usize, now: i64) -> Vec<(usize, f64)> {
        let exposed = self.series.iter().enumerate().filter(|(_, plan)| plan.job == job && !plan.of_scraper);
        exposed.filter_map(|(index, _)| Some((index, self.shown(timeline, index, now)?))).collect()
    }
}

/// The absolute time of an instant.
pub(crate) fn at(origin: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(origin.as_millis().saturating_add(millis))
}

/// The first multiple of `every` at or after an instant.
fn ceil(at: i64, every: i64) -> i64 {
    let behind = at.rem_euclid(every);
    if behind == 0 { at } else { at + every - behind }
}

#[expect(clippy::cast_precision_loss, reason = "a counter is a float wherever it goes")]
fn count(value: u64) -> f64 {
    value as f64
}
