//! What goes wrong in a world: within the environment, and where it hurts.

use assurance_policy::intents::Loss;

use super::{Generator, Random, Sketch};
use crate::timeline::{LEAST_LATENESS, Slots, Span};

const HOUR: i64 = 3_600_000;

impl Generator<'_> {
    pub(super) fn go_wrong(&self, sketch: &mut Sketch<'_>) {
        self.restart(sketch);
        self.leave(sketch);
        let environment = &self.claim.environment;
        let Sketch { random, timeline, moments, .. } = sketch;
        let mut lost = std::mem::take(&mut timeline.lost);
        lose(random, environment.scrape.lost, timeline.scrape, timeline.end, moments, 55, &mut lost);
        timeline.lost = lost;
        let mut skipped = std::mem::take(&mut timeline.skipped);
        lose(random, environment.eval.skipped, timeline.eval, timeline.end, moments, 25, &mut skipped);
        timeline.skipped = skipped;
        let jitter = environment.scrape.jitter.as_millis().min(self.shape.scrape - 1);
        if jitter >= LEAST_LATENESS && random.chance(40) {
            for slot in timeline.scrape.until(timeline.end) {
                let late = random.between(0, jitter);
                if late >= LEAST_LATENESS {
                    timeline.late.push((slot, late));
                }
            }
        }
    }

    /// Restarts of the process: right after a moment, right before it, or anywhere.
    fn restart(&self, sketch: &mut Sketch<'_>) {
        let restarts = self.claim.environment.process.restarts;
        let scrape = self.shape.scrape;
        if restarts.max_per_hour == 0 || !sketch.random.chance(50) {
            return;
        }
        let count = if sketch.random.chance(75) { 1 } else { i64::from(restarts.max_per_hour).min(3) };
        for _ in 0..count {
            let moment = sketch.random.choose(&sketch.moments).copied().unwrap_or(0);
            let (least, most) = (restarts.downtime.from.as_millis(), restarts.downtime.to.as_millis());
            let away = match sketch.random.below(4) {
                0 => least,
                1 => most,
                _ => sketch.random.between(least, most),
            };
            let from = match sketch.random.below(8) {
                // What happened dies with the process, or outlives it.
                0..=2 => moment + sketch.random.between(1, 2 * scrape),
                // What happens is the first thing that the new process sees.
                3..=6 => moment - away - sketch.random.between(0, scrape),
                _ => sketch.random.between(0, sketch.timeline.end),
            };
            let span = Span { from: from.max(0), until: from.max(0) + away };
            let near = |down: &&Span| (down.from - span.from).abs() < HOUR;
            let downs = &sketch.timeline.downs;
            let within = downs.iter().filter(near).count();
            let apart = downs.iter().all(|down| down.until + 1 < span.from || span.until + 1 < down.from);
            if apart && within < usize::try_from(restarts.max_per_hour).unwrap_or(usize::MAX) {
                sketch.timeline.downs.push(span);
            }
        }
        sketch.timeline.downs.sort_unstable();
    }

    /// Restarts of the monitoring.
    fn leave(&self, sketch: &mut Sketch<'_>) {
        let restarts = self.claim.environment.monitor.restarts;
        if restarts.max == 0 || !sketch.random.chance(20) {
            return;
        }
        let moment = sketch.random.choose(&sketch.moments).copied().unwrap_or(0);
        // A monitoring that leaves before it has seen anything only begins later: that is another world.
        let near = 4 * self.shape.scrape;
        let begun = near.max(2 * self.shape.eval);
        let from = (moment + sketch.random.between(-near, near)).max(begun);
        let away =
            sketch.random.between(restarts.downtime.from.as_millis(), restarts.downtime.to.as_millis());
        sketch.timeline.away.push(Span { from, until: from + away });
    }
}

/// Loses slots: at most so many in a row, and after each run as many are kept as the ratio demands.
fn lose(
    random: &mut Random,
    loss: Loss,
    slots: Slots,
    end: i64,
    moments: &[i64],
    percent: u64,
    lost: &mut Vec<i64>,
) {
    let most = i64::from(loss.max_consecutive);
    if most == 0 || loss.max_ratio <= 0.0 || !random.chance(percent) {
        return;
    }
    let count = i64::try_from(slots.count(end)).unwrap_or(i64::MAX);
    let mut run = |from: i64, long: i64| {
        for index in from.max(0)..(from + long).min(count) {
            lost.push(slots.phase + index * slots.interval);
        }
    };
    let kept = kept_after(most, loss.max_ratio);
    match random.below(8) {
        // Around one moment.
        0..=4 => {
            let moment = random.choose(moments).copied().unwrap_or(0);
            let at = (moment - slots.phase).div_euclid(slots.interval);
            let long = if random.chance(60) { most } else { random.between(1, most) };
            let from = at + random.between(-long, 2);
            run(from, long);
            if random.chance(30) {
                let next = from + long + kept + random.between(0, 3);
                run(next, long);
            }
        }
        // Again and again: one every few minutes, or as often as is allowed.
        5 | 6 => {
            let long = if random.chance(70) { 1 } else { most };
            let gap = kept_after(long, loss.max_ratio) + random.between(0, 4);
            let mut from = random.between(0, gap);
            while from < count {
                run(from, long);
                from += long + gap;
            }
        }
        _ => {
            let mut from = random.between(0, 10);
            while from < count {
                let long = random.between(1, most);
                run(from, long);
                from += long + kept + random.between(0, 20);
            }
        }
    }
    lost.sort_unstable();
    lost.dedup();
}

/// How many must be kept after a run of losses, so that the ratio holds.
pub(crate) fn kept_after(run: i64, ratio: f64) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "runs are short, and the cast saturates"
    )]
    let all = (run as f64 / ratio).ceil() as i64;
    (all - run).max(1)
}
