//! What happens in a world.

use assurance_policy::intents::AbsenceForm;

use super::{Generator, Sketch};
use crate::timeline::{Absence, Event, Hold, Span};

/// Events of one burst.
const MAX_BURST: i64 = 40;

/// Events that are counted towards a threshold, times two: a rule that looks for more is not tried with more.
const MAX_COUNTED: i64 = 4000;

/// Scrapes within which a process is seen for the first time, in spite of all losses.
pub(crate) const CONTACT: i64 = 8;

impl Sketch<'_> {
    fn event(&mut self, at: i64, stream: u16) {
        self.timeline.events.push(Event { at, stream });
        self.last = self.last.max(at);
    }

    /// As [`Sketch::event`], where faults are to hurt.
    fn moment(&mut self, at: i64, stream: u16) {
        self.event(at, stream);
        self.moments.push(at);
    }

    fn stream(&mut self, of: &[u16]) -> u16 {
        self.random.choose(of).copied().unwrap_or(0)
    }
}

impl Generator<'_> {
    /// When the first thing happens: sometimes before anyone looks, mostly soon after.
    fn beginning(&self, sketch: &mut Sketch<'_>) -> i64 {
        let scrape = self.shape.scrape;
        match sketch.random.below(10) {
            0 => sketch.random.between(0, scrape),
            1..=7 => sketch.random.between(scrape, 5 * scrape),
            _ => sketch.random.between(5 * scrape, 12 * scrape),
        }
    }

    pub(super) fn events(&self, sketch: &mut Sketch<'_>) {
        let scrape = self.shape.scrape;
        let start = self.beginning(sketch);
        let stream = sketch.stream(&self.shape.violating);
        match sketch.random.below(20) {
            // Nothing, or nothing that is meant.
            0 => sketch.last = start,
            1 => {
                if let Some(noise) = sketch.random.choose(&self.shape.noise).copied() {
                    sketch.moment(start, noise);
                }
                sketch.last = sketch.last.max(start);
            }
            2..=7 => sketch.moment(start, stream),
            // Two in one scrape.
            8 | 9 => {
                sketch.moment(start, stream);
                let gap = sketch.random.between(0, scrape - 1);
                let other = sketch.stream(&self.shape.violating);
                sketch.event(start + gap, other);
            }
            10 => {
                let count = sketch.random.between(3, MAX_BURST);
                sketch.moments.push(start);
                for _ in 0..count {
                    let at = start + sketch.random.between(0, 2 * scrape);
                    sketch.event(at, stream);
                }
            }
            // The same again a little later, where a restart between them can hide it.
            11..=14 => {
                sketch.event(start, stream);
                let gap = sketch.random.between(scrape, 8 * scrape);
                sketch.moment(start + gap, stream);
            }
            // About when the first is forgotten.
            15 | 16 => {
                sketch.moment(start, stream);
                let quiet = self.shape.quiet.max(scrape);
                let gap = quiet + sketch.random.between(-3 * scrape, 3 * scrape);
                let other = sketch.stream(&self.shape.violating);
                sketch.moment(start + gap.max(0), other);
            }
            // Again and again.
            17 => {
                let period = sketch.random.between(scrape / 2, 6 * scrape);
                let count = sketch.random.between(3, 8);
                for index in 0..count {
                    sketch.moment(start + index * period, stream);
                }
            }
            _ => {
                let count = sketch.random.between(2, 4);
                for _ in 0..count {
                    let at = start + sketch.random.between(0, 10 * scrape);
                    let stream = sketch.stream(&self.shape.violating);
                    sketch.moment(at, stream);
                }
            }
        }
    }

    /// About as many as are allowed, in about as long as they are counted for.
    pub(super) fn counted(&self, sketch: &mut Sketch<'_>, over: i64, more_than: f64) {
        let scrape = self.shape.scrape;
        #[expect(clippy::cast_possible_truncation, reason = "held to a small bound right here")]
        let allowed = (more_than.floor() as i64).clamp(0, MAX_COUNTED);
        let start = match sketch.random.below(4) {
            // What was counted before the first contact could be of any age, and is not the monitoring's to tell.
            0 | 1 => CONTACT * scrape + self.beginning(sketch),
            // After a whole window without any: what is extrapolated then has all of it.
            _ => (over + sketch.random.between(-2 * scrape, 10 * scrape)).max(CONTACT * scrape),
        };
        let count = match sketch.random.below(10) {
            0 => allowed - 1,
            1..=3 => allowed,
            4..=7 => allowed + 1,
            8 => allowed + sketch.random.between(2, 5),
            _ => allowed * 2,
        }
        .clamp(0, MAX_COUNTED);
        let width = match sketch.random.below(8) {
            0 => sketch.random.between(0, scrape),
            1..=3 => over * sketch.random.between(10, 80) / 100,
            4 | 5 => over * sketch.random.between(80, 100) / 100,
            6 => over + sketch.random.between(-2 * scrape, 2 * scrape),
            _ => over * sketch.random.between(100, 150) / 100,
        }
        .max(0);
        let one = sketch.stream(&self.shape.violating);
        let spread = sketch.random.below(3);
        let pattern = sketch.random.below(4);
        for index in 0..count {
            let at = match pattern {
                0 => width * index / (count - 1).max(1),
                1 => sketch.random.between(0, width),
                // At both edges of the window.
                2 if index % 2 == 0 => sketch.random.between(0, scrape.min(width)),
                2 => width - sketch.random.between(0, scrape.min(width)),
                // All but one at once.
                _ if index == 0 => 0,
                _ => width - sketch.random.between(0, (3 * scrape).min(width)),
            };
            let stream = match spread {
                0 => one,
                1 => {
                    let at = usize::try_from(index).unwrap_or(0) % self.shape.violating.len().max(1);
                    self.shape.violating.get(at).copied().unwrap_or(0)
                }
                _ => sketch.stream(&self.shape.violating),
            };
            sketch.event(start + at, stream);
        }
        sketch.moments.push(start);
        sketch.moments.push(start + width);
        sketch.moments.push(start + sketch.random.between(0, width));
        sketch.last = sketch.last.max(start + width);
    }

    pub(super) fn held(&self, sketch: &mut Sketch<'_>, min_hold: i64) {
        let scrape = self.shape.scrape;
        let mut from = self.beginning(sketch);
        let times = match sketch.random.below(6) {
            0 => 0,
            1..=4 => 1,
            _ => sketch.random.between(2, 6),
        };
        for _ in 0..times {
            let long = match sketch.random.below(10) {
                // Shorter than anyone can see, and than anyone must tell.
                0 => sketch.random.between(1, scrape),
                1 => sketch.random.between(scrape, min_hold.max(scrape)),
                2 | 3 => min_hold + sketch.random.between(-3 * scrape, 0),
                4..=6 => min_hold + sketch.random.between(0, 4 * scrape),
                7 | 8 => min_hold + self.shape.detect + sketch.random.between(0, 10 * scrape),
                _ => min_hold + 6 * self.shape.detect,
            }
            .max(1);
            sketch.timeline.holds.push(Hold { span: Span { from, until: from + long }, state: 0 });
            sketch.moments.push(from);
            sketch.moments.push(from + sketch.random.between(0, long));
            sketch.moments.push(from + long);
            sketch.last = from + long;
            from += long + sketch.random.between(1, 6 * scrape);
        }
        sketch.last = sketch.last.max(from);
    }

    pub(super) fn absent(&self, sketch: &mut Sketch<'_>, hold: i64, forms: &[AbsenceForm]) {
        let scrape = self.shape.scrape;
        let from = self.beginning(sketch);
        let long = match sketch.random.below(8) {
            0 => sketch.random.between(1, hold.max(1)),
            1 => hold + sketch.random.between(-2 * scrape, 0),
            2..=4 => hold + sketch.random.between(0, 4 * scrape),
            5 | 6 => hold + self.shape.detect + sketch.random.between(0, 4 * scrape),
            _ => 0,
        }
        .max(0);
        let form = sketch.random.choose(forms).copied().unwrap_or(AbsenceForm::Down);
        if long > 0 {
            let span = Span { from, until: from + long };
            sketch.timeline.absences.push(Absence { span, form });
            sketch.moments.push(from);
        }
        sketch.moments.push(from + long);
        sketch.last = from + long;
        if let Some(noise) = sketch.random.choose(&self.shape.noise).copied().filter(|_| long == 0) {
            sketch.moment(from, noise);
        }
    }

    /// Events that stay away for about too long.
    pub(super) fn silent(&self, sketch: &mut Sketch<'_>, hold: i64) {
        let scrape = self.shape.scrape;
        let stream = sketch.stream(&self.shape.violating);
        // The last one was long before the world began, so that it need not be as long as the silence.
        let first = -hold + sketch.random.between(2 * scrape, 20 * scrape);
        sketch.event(first, stream);
        let due = first + hold;
        match sketch.random.below(4) {
            0 => {
                let early = sketch.random.between(1, 2 * scrape);
                sketch.moment(due - early, stream);
            }
            1 => {
                let late = sketch.random.between(1, 20 * scrape);
                sketch.moment(due + late, stream);
            }
            _ => {}
        }
        sketch.moments.push(due);
        sketch.last = sketch.last.max(due);
    }

    pub(super) fn one_after_another(&self, sketch: &mut Sketch<'_>, within: i64) {
        let scrape = self.shape.scrape;
        let start = self.beginning(sketch);
        let (first, then) = (sketch.stream(&self.shape.first), sketch.stream(&self.shape.then));
        let gap = match sketch.random.below(5) {
            0 => sketch.random.between(1, scrape),
            1 | 2 => sketch.random.between(1, within),
            3 => within + sketch.random.between(-scrape, scrape),
            _ => -sketch.random.between(1, within),
        };
        if sketch.random.chance(90) {
            sketch.moment(start, first);
        }
        if sketch.random.chance(90) {
            sketch.moment((start + gap).max(0), then);
        }
        sketch.last = sketch.last.max(start);
    }

    /// Whatever can happen, without any meaning.
    pub(super) fn anything(&self, sketch: &mut Sketch<'_>) {
        let start = self.beginning(sketch);
        let count = sketch.random.between(0, 4);
        for _ in 0..count {
            if let Some(stream) = sketch.random.choose(&self.shape.noise).copied() {
                let at = start + sketch.random.between(0, 10 * self.shape.scrape);
                sketch.moment(at, stream);
            }
        }
        sketch.moments.push(start);
        sketch.last = sketch.last.max(start);
    }
}
