//! Worlds as tests that promtool must pass where it and the engine mean the same.

use assurance_metrics_model::{Duration, Labels, Timestamp};

use super::counterexample::case;
use super::promtool::{Case, Check, Wanted};
use crate::claim::Claim;
use crate::replay::Firing;
use crate::timeline::{Slots, Timeline};

/// The grid of [`coarse`], in milliseconds: promtool makes a sample, or a gap, of each step.
const GRID: i64 = 1000;

/// The same world on whole seconds, without what promtool knows nothing of, and with no scrape before the first
/// evaluation, which is promtool's instant 0.
#[must_use]
pub fn coarse(timeline: &Timeline) -> Timeline {
    let floor = |at: i64| at - at.rem_euclid(GRID);
    let ceil = |at: i64| floor(at + GRID - 1);
    let mut world = timeline.clone();
    world.scrape.phase = floor(world.scrape.phase);
    // Between scrapes: whether a window's far edge is part of it, promtool answers otherwise before its version 3.
    world.eval.phase =
        (floor(world.eval.phase).min(world.scrape.phase) - GRID / 2).rem_euclid(world.eval.interval);
    if world.eval.phase > world.scrape.phase {
        world.eval.phase = world.scrape.phase + GRID / 2;
    }
    let moved = timeline.scrape.phase - world.scrape.phase;
    world.lost.iter_mut().for_each(|slot| *slot -= moved);
    for (slot, by) in &mut world.late {
        (*slot, *by) = (*slot - moved, ceil(*by));
    }
    world.events.iter_mut().for_each(|event| event.at = floor(event.at));
    let spans = world.holds.iter_mut().map(|hold| &mut hold.span);
    let spans =
        spans.chain(world.absences.iter_mut().map(|absence| &mut absence.span)).chain(&mut world.downs);
    for span in spans {
        span.from = floor(span.from);
        if span.until != i64::MAX {
            span.until = floor(span.until);
        }
    }
    world.skipped.clear();
    world.away.clear();
    world.end = ceil(world.end);
    world.normalise();
    world
}

/// A test that says at every change, and right before it, how many of the claim's alerts fire, and how often in
/// all. All rules of the claim must have one interval.
pub fn differential(
    claim: &Claim,
    timeline: &Timeline,
    series: Vec<(Labels, Vec<(Timestamp, f64)>)>,
    firings: &[Firing],
    name: String,
) -> Case {
    let interval = claim.eval_interval();
    let evaluations = Slots { interval, phase: timeline.eval.phase.rem_euclid(interval) };
    let mut last = None;
    let mut instants = Vec::new();
    let mut total: u64 = 0;
    for at in evaluations.until(timeline.end) {
        let fires = |firing: &&Firing| firing.from <= at && firing.until.is_none_or(|until| at < until);
        let count = firings.iter().filter(fires).count() as u64;
        total += count;
        if last != Some(count) {
            instants.extend([(at - interval, last.unwrap_or(0)), (at, count)]);
            last = Some(count);
        }
    }
    instants.retain(|(at, _)| *at >= evaluations.phase);
    instants.dedup();
    let firing = Wanted::named(&claim.intent.alert).firing();
    let at = |millis: i64| claim.origin + Duration::from_millis(millis);
    #[expect(clippy::cast_precision_loss, reason = "there are some hundred evaluations")]
    let exactly = |expression: String, when: i64, count: u64| {
        let elements = if count == 0 { Vec::new() } else { vec![(Labels::empty(), count as f64)] };
        Check::Exactly { expression, at: at(when), elements }
    };
    let mut checks: Vec<Check> =
        instants.into_iter().map(|(when, count)| exactly(format!("count({firing})"), when, count)).collect();
    if let Some(end) = evaluations.until(timeline.end).last() {
        let window = Duration::from_millis(timeline.end + interval);
        checks.push(exactly(format!("sum(count_over_time({firing}[{window}]))"), end, total));
    }
    case(claim, timeline, series, name, checks)
}
