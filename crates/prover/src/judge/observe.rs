//! Whether anybody could have seen a violation in time.

use std::borrow::Cow;

use assurance_policy::intents::{Subject, Violation};

use super::truth::{Need, needs};
use crate::claim::{Claim, Moves};
use crate::timeline::{Outcome, Slots, Timeline};

/// Why no scrape that succeeded in time reads anything else because of the violation; `None` where one does.
pub(super) fn why_unobservable(
    claim: &Claim,
    timeline: &Timeline,
    need: &Need,
    due: i64,
) -> Option<Cow<'static, str>> {
    match &claim.intent.violation {
        // That nothing is read is there to be seen.
        Violation::Absence { of: Subject::Job(_), .. } | Violation::Always => None,
        Violation::Absence { .. } => None,
        Violation::Count { .. } => {
            let hidden: Vec<usize> = (0..timeline.events.len())
                .filter(|index| {
                    let event = timeline.events[*index];
                    event.at <= due
                        && shows(claim, timeline, &without_event(timeline, *index), event.at, due).is_none()
                })
                .collect();
            if hidden.is_empty() {
                return None;
            }
            let mut seen = Vec::new();
            needs(claim, timeline, &hidden, &mut seen);
            let still = seen.iter().any(|other| {
                other.must && other.span.from < need.span.until && need.span.from < other.span.until
            });
            (!still).then(|| {
                let count = hidden.len();
                format!("{count} of the events leave no trace in any scrape, and without them it is none")
                    .into()
            })
        }
        Violation::State { .. } => {
            let mut without = timeline.clone();
            without.holds.retain(|hold| hold.span.from != need.span.from);
            cause(claim, timeline, &without, need.span.from, due)
        }
        _ => {
            let index = timeline
                .events
                .iter()
                .position(|event| event.at == need.span.from && Some(event.stream) == need.stream)?;
            cause(claim, timeline, &without_event(timeline, index), need.span.from, due)
        }
    }
}

fn without_event(timeline: &Timeline, index: usize) -> Timeline {
    let mut without = timeline.clone();
    without.events.remove(index);
    without
}

fn cause(
    claim: &Claim,
    timeline: &Timeline,
    without: &Timeline,
    from: i64,
    due: i64,
) -> Option<Cow<'static, str>> {
    if shows(claim, timeline, without, from, due).is_some() {
        return None;
    }
    let scraped = scrapes(claim, timeline, from, due).next().is_some();
    let died = timeline.downs.iter().any(|down| down.from >= from && down.from <= due);
    Some(Cow::Borrowed(match (scraped, died) {
        (false, _) => "no scrape succeeds within the deadline",
        (true, true) => "the process forgets it before any scrape succeeds",
        (true, false) => "it is over before any scrape succeeds, and no metric remembers it",
    }))
}

/// Scrapes after an instant, up to and with another, that succeed: job and time.
fn scrapes<'a>(
    claim: &'a Claim,
    timeline: &'a Timeline,
    from: i64,
    due: i64,
) -> impl Iterator<Item = (usize, i64)> + 'a {
    claim.jobs.iter().enumerate().flat_map(move |(index, job)| {
        let slots = Slots { interval: job.interval, phase: timeline.scrape.phase % job.interval };
        let steady = job.collects.is_some();
        slots.until(timeline.end.min(due.saturating_add(1))).filter_map(move |slot| {
            let at = timeline.begins(slot);
            let succeeds = at >= from && at <= due && timeline.outcome(slot, steady) == Outcome::Success;
            succeeds.then_some((index, at))
        })
    })
}

/// The first scrape that reads something else than it would have without the violation.
fn shows(claim: &Claim, timeline: &Timeline, without: &Timeline, from: i64, due: i64) -> Option<i64> {
    scrapes(claim, timeline, from, due).find_map(|(job, at)| {
        let moved = claim.series.iter().enumerate().filter(|(_, plan)| {
            let moves = match &plan.moves {
                Moves::Counter(streams) | Moves::LastTime { streams, .. } => !streams.is_empty(),
                Moves::State { .. } => true,
                _ => false,
            };
            plan.job == job && moves
        });
        let differs = |index: usize| {
            let (with, without) = (claim.shown(timeline, index, at), claim.shown(without, index, at));
            with.map(f64::to_bits) != without.map(f64::to_bits)
        };
        moved.map(|(index, _)| index).any(differs).then_some(at)
    })
}
