//! What happens in one world, as plain data: nothing in it depends on any rule or metric.

mod text;

use std::sync::Arc;

use assurance_metrics_model::Labels;
use assurance_policy::intents::AbsenceForm;

pub use text::TimelineError;

/// A scrape that is less late than this, in milliseconds, carries the time of its slot.
pub const LEAST_LATENESS: i64 = 3;

/// A kind of event that can happen: what the audit log calls it, and the labels that tell its like apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stream {
    /// Its name, as a metric contract's `source` has it.
    pub source: Arc<str>,
    /// Its labels; empty for none.
    pub labels: Labels,
}

/// Instants one interval apart, from a phase on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// From one to the next, in milliseconds; more than 0.
    pub interval: i64,
    /// The first, from 0 to less than the interval.
    pub phase: i64,
}

impl Slots {
    /// The instants before `end`.
    pub fn until(self, end: i64) -> impl Iterator<Item = i64> + Clone {
        (0..self.count(end)).map(move |index| self.at(index))
    }

    /// The instant of an index.
    pub fn at(self, index: usize) -> i64 {
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        self.phase.saturating_add(self.interval.saturating_mul(index))
    }

    /// How many instants are before `end`.
    pub fn count(self, end: i64) -> usize {
        let rest = end - self.phase;
        if rest <= 0 { 0 } else { usize::try_from((rest - 1) / self.interval + 1).unwrap_or(usize::MAX) }
    }
}

/// From an instant on until before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first instant.
    pub from: i64,
    /// The first instant after.
    pub until: i64,
}

impl Span {
    /// Whether the instant is in it.
    pub const fn contains(self, at: i64) -> bool {
        self.from <= at && at < self.until
    }

    /// How long both last together.
    pub fn overlap(self, other: Self) -> i64 {
        (self.until.min(other.until) - self.from.max(other.from)).max(0)
    }
}

/// Something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    /// When.
    pub at: i64,
    /// What: an index into [`Timeline::streams`].
    pub stream: u16,
}

/// A state lasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hold {
    /// How long.
    pub span: Span,
    /// What: an index into [`Timeline::states`].
    pub state: u16,
}

/// Nothing was to be had from the targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Absence {
    /// How long.
    pub span: Span,
    /// Why.
    pub form: AbsenceForm,
}

/// One world, from 0 to its end. All times are milliseconds from its beginning, all lists are sorted.
///
/// A timeline is independent of rules and metric contracts, so that the same world can be shown to others.
/// Its text form ([`std::fmt::Display`], [`Timeline::parse`]) is complete: what is printed can be replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// What can happen.
    pub streams: Arc<[Stream]>,
    /// What can last: names of the gauges that show it.
    pub states: Arc<[Arc<str>]>,
    /// When the world ends.
    pub end: i64,
    /// What every counter stood at when it began.
    pub base: u64,
    /// When targets are scraped.
    pub scrape: Slots,
    /// When rules are evaluated; a group with an interval of its own has the same phase.
    pub eval: Slots,
    /// What happened.
    pub events: Vec<Event>,
    /// What lasted.
    pub holds: Vec<Hold>,
    /// When the process was away; it starts anew at the end of each.
    pub downs: Vec<Span>,
    /// Slots whose scrape failed.
    pub lost: Vec<i64>,
    /// Slots whose scrape was late, and by how much.
    pub late: Vec<(i64, i64)>,
    /// Instants at which rules were not evaluated.
    pub skipped: Vec<i64>,
    /// When the monitoring was away.
    pub away: Vec<Span>,
    /// When the targets gave nothing.
    pub absences: Vec<Absence>,
}

/// What a scrape gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A body of samples.
    Success,
    /// A body without anything.
    Empty,
    /// No answer, or no exposition.
    Failure,
    /// There is no target.
    Removed,
    /// There is no monitoring.
    Away,
}

impl Timeline {
    /// A world of this length in which nothing happens.
    pub fn quiet(
        streams: Arc<[Stream]>,
        states: Arc<[Arc<str>]>,
        end: i64,
        scrape: Slots,
        eval: Slots,
    ) -> Self {
        Self {
            streams,
            states,
            end,
            base: 0,
            scrape,
            eval,
            events: Vec::new(),
            holds: Vec::new(),
            downs: Vec::new(),
            lost: Vec::new(),
            late: Vec::new(),
            skipped: Vec::new(),
            away: Vec::new(),
            absences: Vec::new(),
        }
    }

    /// What can be told of this world in a few words: which kinds of things go wrong in it.
    pub fn ingredients(&self) -> Vec<&'static str> {
        let all = [
            ("several events", self.events.len() > 1),
            ("a counter that does not begin at 0", self.base > 0),
            ("a restart", !self.downs.is_empty()),
            ("a lost scrape", !self.lost.is_empty()),
            ("a late scrape", !self.late.is_empty()),
            ("a skipped evaluation", !self.skipped.is_empty()),
            ("a restart of the monitoring", !self.away.is_empty()),
            ("a target that gives nothing", !self.absences.is_empty()),
        ];
        all.into_iter().filter_map(|(what, is)| is.then_some(what)).collect()
    }

    /// When the scrape of a slot begins: also the time of its samples.
    pub fn begins(&self, slot: i64) -> i64 {
        match self.late.binary_search_by_key(&slot, |(at, _)| *at) {
            Ok(index) => slot + self.late[index].1,
            Err(_) => slot,
        }
    }

    /// Whether the process is away.
    pub fn is_down(&self, at: i64) -> bool {
        self.downs.iter().any(|span| span.contains(at))
    }

    /// Whether the monitoring is away.
    pub fn is_away(&self, at: i64) -> bool {
        self.away.iter().any(|span| span.contains(at))
    }

    /// What the scrape of a slot gets from the process, or from one that outlives it (`steady`).
    pub fn outcome(&self, slot: i64, steady: bool) -> Outcome {
        let at = self.begins(slot);
        // Who is not there at the slot does not wait for it, and who goes before it begins does not come back to it.
        let is_gone = |span: &Span| span.from <= at && span.until > slot;
        if self.away.iter().any(is_gone) {
            return Outcome::Away;
        }
        let mut removals = self.absences.iter().filter(|absence| absence.form == AbsenceForm::Removed);
        if removals.any(|absence| is_gone(&absence.span)) {
            return Outcome::Removed;
        }
        let absent = self.absences.iter().find(|absence| absence.span.contains(at));
        if let Some(AbsenceForm::Down | AbsenceForm::Garbage) = absent.map(|absence| absence.form) {
            return Outcome::Failure;
        }
        if self.lost.binary_search(&slot).is_ok() || (!steady && self.is_down(at)) {
            return Outcome::Failure;
        }
        if absent.is_some() { Outcome::Empty } else { Outcome::Success }
    }

    /// Whether rules are evaluated at an instant of theirs.
    pub fn evaluates(&self, at: i64) -> bool {
        self.skipped.binary_search(&at).is_err() && !self.is_away(at)
    }

    /// Sorts all lists, drops what is outside of the world or happens while the process is away, and joins
    /// what overlaps. Generators and readers end with it; it changes nothing the second time.
    pub fn normalise(&mut self) {
        let end = self.end;
        for spans in [&mut self.downs, &mut self.away] {
            join(spans, end);
        }
        self.absences.retain(|absence| absence.span.from < absence.span.until && absence.span.from < end);
        self.absences.sort_unstable();
        let mut free = i64::MIN;
        self.absences.retain(|absence| {
            let fits = absence.span.from >= free;
            if fits {
                free = absence.span.until;
            }
            fits
        });
        let downs = &self.downs;
        let is_down = |at: i64| downs.iter().any(|span| span.contains(at));
        self.events.retain(|event| event.at < end && !is_down(event.at));
        self.events.sort_unstable();
        self.holds.retain(|hold| hold.span.from < hold.span.until && hold.span.from < end);
        self.holds.sort_unstable();
        let mut last: Vec<(u16, i64)> = Vec::new();
        self.holds.retain(|hold| {
            let until = last.iter_mut().find(|(state, _)| *state == hold.state);
            match until {
                Some((_, until)) if hold.span.from < *until => false,
                Some((_, until)) => {
                    *until = hold.span.until;
                    true
                }
                None => {
                    last.push((hold.state, hold.span.until));
                    true
                }
            }
        });
        for instants in [&mut self.lost, &mut self.skipped] {
            instants.retain(|at| (0..end).contains(at));
            instants.sort_unstable();
            instants.dedup();
        }
        self.late.retain(|(slot, by)| (0..end).contains(slot) && *by >= LEAST_LATENESS);
        self.late.sort_unstable();
        self.late.dedup_by_key(|(slot, _)| *slot);
    }
}

fn join(spans: &mut Vec<Span>, end: i64) {
    spans.retain(|span| span.from <= span.until && (0..end).contains(&span.from));
    spans.sort_unstable();
    let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans.drain(..) {
        match joined.last_mut() {
            Some(before) if span.from <= before.until => before.until = before.until.max(span.until),
            _ => joined.push(span),
        }
    }
    *spans = joined;
}
