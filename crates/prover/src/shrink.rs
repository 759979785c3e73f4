//! From a world in which something is wrong to one in which nothing else happens.

use crate::claim::Claim;
use crate::judge::{Judge, VerdictKind};
use crate::search::Evaluate;
use crate::timeline::{Slots, Timeline};

/// Rounds over all simplifications: each but the last makes the world smaller, and none needs many.
const MAX_ROUNDS: usize = 12;

/// Grids that times are moved to, coarsest first, in milliseconds.
const GRIDS: [i64; 5] = [60_000, 30_000, 10_000, 5000, 1000];

/// The simplest world that can be reached from this one by leaving something out or moving something, with a
/// verdict of the same kind. The same for the same world, always.
pub fn shrink(
    claim: &Claim,
    timeline: &Timeline,
    kind: VerdictKind,
    evaluate: &mut dyn Evaluate,
) -> Timeline {
    let mut shrinking =
        Shrinking { judge: Judge::new(claim), best: timeline.clone(), kind, evaluate, tried: 0 };
    if !shrinking.is_wrong(timeline) {
        return timeline.clone();
    }
    for _ in 0..MAX_ROUNDS {
        let before = shrinking.best.clone();
        shrinking.leave_out();
        shrinking.move_to_grids();
        shrinking.shorten();
        if shrinking.best == before {
            break;
        }
    }
    shrinking.best
}

struct Shrinking<'a> {
    judge: Judge<'a>,
    best: Timeline,
    kind: VerdictKind,
    evaluate: &'a mut dyn Evaluate,
    tried: u64,
}

impl Shrinking<'_> {
    fn is_wrong(&mut self, timeline: &Timeline) -> bool {
        let (run, notices) = self.evaluate.run(timeline);
        self.judge.judge(timeline, run, notices).iter().any(|verdict| verdict.kind == self.kind)
    }

    /// Takes a changed world if it is still wrong.
    fn attempt(&mut self, change: impl FnOnce(&mut Timeline)) -> bool {
        let mut candidate = self.best.clone();
        change(&mut candidate);
        candidate.normalise();
        self.tried += 1;
        if candidate == self.best || candidate.end <= 0 || !self.is_wrong(&candidate) {
            return false;
        }
        self.best = candidate;
        true
    }

    /// Leaves out elements of one list: all at once, then halves and ever smaller pieces.
    fn thin<T: Clone>(&mut self, list: fn(&mut Timeline) -> &mut Vec<T>) {
        let mut size = list(&mut self.best).len();
        while size > 0 {
            let mut at = 0;
            while at < list(&mut self.best).len() {
                let left_out = self.attempt(|timeline| {
                    let all = list(timeline);
                    let until = (at + size).min(all.len());
                    all.drain(at..until);
                });
                if !left_out {
                    at += size;
                }
            }
            size /= 2;
        }
    }

    fn leave_out(&mut self) {
        self.attempt(|timeline| timeline.base = 0);
        self.thin(|timeline| &mut timeline.late);
        self.thin(|timeline| &mut timeline.away);
        self.thin(|timeline| &mut timeline.skipped);
        self.thin(|timeline| &mut timeline.downs);
        self.thin(|timeline| &mut timeline.lost);
        self.thin(|timeline| &mut timeline.absences);
        self.thin(|timeline| &mut timeline.holds);
        self.thin(|timeline| &mut timeline.events);
    }

    fn move_to_grids(&mut self) {
        for grid in GRIDS {
            // All at once first: what hangs together may move together only.
            for round in [nearest, floor, ceiling] {
                self.attempt(|timeline| {
                    set_scrape_phase(timeline, floor(timeline.scrape.phase, grid));
                    set_eval_phase(timeline, floor(timeline.eval.phase, grid));
                    move_all(timeline, grid, round);
                });
                self.attempt(|timeline| move_all(timeline, grid, round));
            }
            for round in [floor, ceiling] {
                self.attempt(|timeline| set_scrape_phase(timeline, round(timeline.scrape.phase, grid)));
                self.attempt(|timeline| set_eval_phase(timeline, round(timeline.eval.phase, grid)));
            }
            for index in 0..instants(&mut self.best.clone()).len() {
                for round in [nearest, floor, ceiling] {
                    let moved = self.attempt(|timeline| {
                        if let Some(at) = instants(timeline).into_iter().nth(index) {
                            *at = round(*at, grid);
                        }
                    });
                    if moved {
                        break;
                    }
                }
            }
            self.attempt(|timeline| timeline.end = (timeline.end + grid - 1) / grid * grid);
        }
        for index in 0..self.best.downs.len() {
            self.attempt(|timeline| timeline.downs[index].until = timeline.downs[index].from);
        }
    }

    fn shorten(&mut self) {
        let step = self.best.eval.interval.max(self.best.scrape.interval);
        let mut cut = self.best.end / step * step;
        while cut >= step {
            if !self.attempt(|timeline| timeline.end -= cut) {
                cut = cut / 2 / step * step;
            }
        }
        // Everything earlier, by whole intervals, so that phases stay.
        let mut earlier = self.best.end / step * step;
        while earlier >= step {
            if !self.attempt(|timeline| shift(timeline, earlier)) {
                earlier = earlier / 2 / step * step;
            }
        }
    }
}

fn floor(at: i64, grid: i64) -> i64 {
    if at == i64::MAX { at } else { at.div_euclid(grid) * grid }
}

fn ceiling(at: i64, grid: i64) -> i64 {
    if at == i64::MAX { at } else { floor(at + grid - 1, grid) }
}

fn nearest(at: i64, grid: i64) -> i64 {
    if at == i64::MAX { at } else { floor(at + grid / 2, grid) }
}

fn move_all(timeline: &mut Timeline, grid: i64, round: fn(i64, i64) -> i64) {
    instants(timeline).into_iter().for_each(|at| *at = round(*at, grid));
    timeline.late.iter_mut().for_each(|(_, by)| *by = round(*by, grid));
}

/// All instants but the slots, which follow their phases.
fn instants(timeline: &mut Timeline) -> Vec<&mut i64> {
    let spans = (timeline.holds.iter_mut().map(|hold| &mut hold.span))
        .chain(&mut timeline.downs)
        .chain(&mut timeline.away)
        .chain(timeline.absences.iter_mut().map(|absence| &mut absence.span));
    let ends = spans.flat_map(|span| [&mut span.from, &mut span.until]);
    timeline.events.iter_mut().map(|event| &mut event.at).chain(ends).collect()
}

fn set_scrape_phase(timeline: &mut Timeline, phase: i64) {
    let by = phase - timeline.scrape.phase;
    timeline.scrape.phase = phase;
    timeline.lost.iter_mut().for_each(|slot| *slot += by);
    timeline.late.iter_mut().for_each(|(slot, _)| *slot += by);
}

fn set_eval_phase(timeline: &mut Timeline, phase: i64) {
    let by = phase - timeline.eval.phase;
    timeline.eval = Slots { phase, ..timeline.eval };
    timeline.skipped.iter_mut().for_each(|at| *at += by);
}

/// Moves everything but the phases earlier; nothing to before the world's beginning that is not there already.
fn shift(timeline: &mut Timeline, by: i64) {
    let starts = (timeline.events.iter().map(|event| event.at))
        .chain(timeline.holds.iter().map(|hold| hold.span.from))
        .chain(timeline.downs.iter().map(|span| span.from))
        .chain(timeline.away.iter().map(|span| span.from))
        .chain(timeline.absences.iter().map(|absence| absence.span.from))
        .chain(timeline.lost.iter().copied())
        .chain(timeline.late.iter().map(|(slot, _)| *slot))
        .chain(timeline.skipped.iter().copied());
    if starts.filter(|at| *at >= 0).any(|at| at < by) {
        return;
    }
    let earlier = |at: &mut i64| *at = if *at == i64::MAX { *at } else { *at - by };
    timeline.events.iter_mut().for_each(|event| earlier(&mut event.at));
    let spans = (timeline.holds.iter_mut().map(|hold| &mut hold.span))
        .chain(&mut timeline.downs)
        .chain(&mut timeline.away)
        .chain(timeline.absences.iter_mut().map(|absence| &mut absence.span));
    for span in spans {
        earlier(&mut span.from);
        earlier(&mut span.until);
    }
    timeline.lost.iter_mut().for_each(earlier);
    timeline.late.iter_mut().for_each(|(slot, _)| earlier(slot));
    timeline.skipped.iter_mut().for_each(earlier);
    timeline.end -= by;
}
