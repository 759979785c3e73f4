//! What the scraper writes: the same instants, `up`, stale markers and zeros of counters that appear.

use assurance_metrics_model::{Timestamp, stale_nan};

use super::store::{Samples, SeriesSamples};
use crate::claim::{Claim, CounterBirth, Moves};
use crate::expose::{Cursor, at, process_start};
use crate::timeline::{Outcome, Slots, Timeline};

/// Two start times of one process may differ by this much, in milliseconds (as the scraper takes it).
const START_JITTER: i64 = 1000;

/// How far a target's clock may be behind, in milliseconds (as the scraper takes it).
const MAX_CLOCK_SKEW: i64 = 60_000;

/// How many counters must keep their values over a restart to be taken as outliving it (as the scraper takes it).
const OUTLIVING_COUNTERS: usize = 16;

/// What the scraper remembers of a series.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    /// In the last scrape that succeeded, with this value.
    present: Option<f64>,
    /// Its newest sample is no stale marker.
    alive: bool,
    /// It vanished at this time, and stood at this value if the process is still the same.
    gone: Option<(Option<f64>, i64)>,
}

/// What the scraper remembers of a target.
#[derive(Clone, Copy, Debug, Default)]
struct Contact {
    last_success: Option<i64>,
    ended: Option<i64>,
    process_start: Option<i64>,
}

#[derive(Debug)]
pub(super) struct Sampler {
    memory: Vec<Memory>,
    /// For each job, the columns of its exposed series and of its `up`.
    columns: Vec<(Vec<usize>, Option<usize>)>,
    /// For each job, how many counters it exposes.
    counters: Vec<usize>,
}

impl Sampler {
    pub(super) fn new(claim: &Claim) -> Self {
        let samples = Samples::new(claim);
        let plan = |column: &SeriesSamples| &claim.series[column.series];
        let of_job = |job: usize| {
            let all = || samples.columns.iter().enumerate().filter(move |(_, c)| plan(c).job == job);
            let exposed = all().filter(|(_, c)| !plan(c).of_scraper).map(|(index, _)| index).collect();
            (exposed, all().find(|(_, c)| plan(c).moves == Moves::Up).map(|(index, _)| index))
        };
        let counters = |job: usize| claim.series.iter().filter(|p| p.job == job && p.is_counter).count();
        Self {
            memory: vec![Memory::default(); samples.columns.len()],
            columns: (0..claim.jobs.len()).map(of_job).collect(),
            counters: (0..claim.jobs.len()).map(counters).collect(),
        }
    }

    pub(super) fn fill(&mut self, claim: &Claim, timeline: &Timeline, samples: &mut Samples) {
        samples.clear();
        self.memory.fill(Memory::default());
        for job in 0..claim.jobs.len() {
            if !self.columns[job].0.is_empty() || self.columns[job].1.is_some() {
                self.fill_job(claim, timeline, job, samples);
            }
        }
    }

    fn fill_job(&mut self, claim: &Claim, timeline: &Timeline, job: usize, samples: &mut Samples) {
        let interval = claim.jobs[job].interval;
        let steady = claim.jobs[job].collects.is_some();
        let slots = Slots { interval, phase: timeline.scrape.phase % interval };
        let (exposed, up) = &self.columns[job];
        let mut cursors: Vec<Cursor<'_>> = Vec::with_capacity(exposed.len());
        cursors.extend(exposed.iter().map(|c| Cursor::new(claim, timeline, samples.columns[*c].series)));
        let mut scrape = Scrape {
            claim,
            timeline,
            job,
            counters: self.counters[job],
            contact: Contact::default(),
            memory: &mut self.memory,
        };
        let mut removals = timeline.absences.iter().filter(|a| a.form.as_str() == "removed").peekable();
        let mut away = timeline.away.iter().peekable();
        // Whether this life of the monitoring has written `up`: only that does it end.
        let mut reported = false;
        for slot in slots.until(timeline.end) {
            let now = timeline.begins(slot);
            while let Some(absence) = removals.next_if(|absence| absence.span.from <= now) {
                while away.next_if(|span| span.until <= absence.span.from).is_some() {
                    scrape.forget(exposed);
                    reported = false;
                }
                if !timeline.is_away(absence.span.from) {
                    let gone = at(claim.origin, absence.span.from);
                    for column in exposed {
                        scrape.end(*column, gone, samples);
                    }
                    if let Some(up) = up.filter(|_| reported) {
                        samples.columns[up].push(gone, stale_nan());
                    }
                }
                scrape.forget(exposed);
                reported = false;
            }
            while away.next_if(|span| span.until <= now).is_some() {
                reported = false;
                scrape.forget(exposed);
            }
            let outcome = timeline.outcome(slot, steady);
            match outcome {
                Outcome::Away | Outcome::Removed => continue,
                Outcome::Failure => scrape.fail(exposed, now, samples),
                Outcome::Success => scrape.take(exposed, &mut cursors, now, samples),
                Outcome::Empty => scrape.take(exposed, &mut [], now, samples),
            }
            if let Some(up) = up {
                let value = if outcome == Outcome::Failure { 0.0 } else { 1.0 };
                samples.columns[*up].push(at(claim.origin, now), value);
                reported = true;
            }
        }
    }
}

struct Scrape<'a> {
    claim: &'a Claim,
    timeline: &'a Timeline,
    job: usize,
    counters: usize,
    contact: Contact,
    memory: &'a mut [Memory],
}

impl Scrape<'_> {
    fn forget(&mut self, exposed: &[usize]) {
        self.contact = Contact::default();
        for column in exposed {
            self.memory[*column] = Memory::default();
        }
    }

    fn end(&mut self, column: usize, now: Timestamp, samples: &mut Samples) {
        if std::mem::take(&mut self.memory[column].alive) {
            samples.columns[column].push(now, stale_nan());
        }
    }

    fn fail(&mut self, exposed: &[usize], now: i64, samples: &mut Samples) {
        for column in exposed {
            self.end(*column, at(self.claim.origin, now), samples);
        }
        self.contact.ended.get_or_insert(now);
    }

    /// A body that was read; without cursors there was nothing in it.
    fn take(&mut self, exposed: &[usize], cursors: &mut [Cursor<'_>], now: i64, samples: &mut Samples) {
        let time = at(self.claim.origin, now);
        let is_zero = self.claim.birth == CounterBirth::Zero;
        let told = self.claim.jobs[self.job].process_start.filter(|_| !cursors.is_empty());
        let start = told.map(|_| process_start(self.timeline, now));
        let restarted = if is_zero { self.restarted(start) } else { None };
        let start_is_told = is_zero && start.is_some() && self.contact.process_start.is_some();
        if restarted.is_some() {
            exposed.iter().for_each(|column| self.memory[*column].gone = None);
        }
        let outlive = restarted.is_some() && self.counters_outlive_process(now);
        for (index, column) in exposed.iter().enumerate() {
            let value = cursors.get_mut(index).and_then(|cursor| cursor.at(now));
            let is_counter = self.claim.series[samples.columns[*column].series].is_counter;
            let Some(value) = value else {
                self.end(*column, time, samples);
                let memory = &mut self.memory[*column];
                if let Some(last) = memory.present.take().filter(|_| is_counter) {
                    memory.gone = Some((restarted.is_none().then_some(last), now));
                }
                continue;
            };
            if is_zero && is_counter {
                let memory = self.memory[*column];
                let held = memory.present.is_some_and(|last| value >= last);
                let zero = match restarted {
                    Some(_) if outlive && held => None,
                    _ => self.zero_at(memory, value, now, restarted, start_is_told),
                };
                if let Some(zero) = zero {
                    samples.columns[*column].push(at(self.claim.origin, zero), 0.0);
                }
            }
            samples.columns[*column].push(time, value);
            let memory = &mut self.memory[*column];
            memory.present = Some(value);
            memory.alive = true;
        }
        self.contact = Contact { last_success: Some(now), ended: None, process_start: start };
    }

    /// When the process started, if that is known to be since the last scrape that succeeded.
    fn restarted(&self, start: Option<i64>) -> Option<i64> {
        let (old, new, last) = (self.contact.process_start?, start?, self.contact.last_success?);
        let anew = new > old && (new - old > START_JITTER || new > last) && new > last - MAX_CLOCK_SKEW;
        anew.then_some(new)
    }

    fn counters_outlive_process(&self, now: i64) -> bool {
        let Some(last) = self.contact.last_success.filter(|_| self.counters >= OUTLIVING_COUNTERS) else {
            return false;
        };
        let (mut held, mut fell) = (0_usize, 0_usize);
        let plans = self.claim.series.iter().enumerate();
        for (index, _) in plans.filter(|(_, plan)| plan.job == self.job && plan.is_counter) {
            let before = self.claim.shown(self.timeline, index, last).filter(|value| *value > 0.0);
            let value = self.claim.shown(self.timeline, index, now);
            if let (Some(before), Some(value)) = (before, value) {
                if value >= before {
                    held += 1;
                } else {
                    fell += 1;
                }
            }
        }
        held >= OUTLIVING_COUNTERS && held > fell
    }

    /// Where a 0 is written before a counter's sample, if anywhere.
    fn zero_at(
        &self,
        memory: Memory,
        value: f64,
        now: i64,
        restarted: Option<i64>,
        start_is_told: bool,
    ) -> Option<i64> {
        let last_success = self.contact.last_success?;
        if value <= 0.0 || (memory.present.is_some() && restarted.is_none()) {
            return None;
        }
        let written = match (memory.present, memory.gone) {
            (Some(_), _) => self.contact.ended.unwrap_or(last_success),
            (None, Some((_, written))) => written,
            (None, None) => i64::MIN,
        };
        let after = written.max(last_success);
        if let Some(start) = restarted {
            return strictly_between(start, after, now);
        }
        if let Some((Some(old), _)) = memory.gone
            && start_is_told
            && value >= old
        {
            return None;
        }
        if written < last_success {
            return (last_success < now).then_some(last_success);
        }
        strictly_between(last_success, after, now)
    }
}

fn strictly_between(wanted: i64, after: i64, before: i64) -> Option<i64> {
    let (first, last) = (after + 1, before - 1);
    (first <= last).then(|| wanted.clamp(first, last))
}
