//! Random worlds in which things go wrong together.
//!
//! Uniform chance does not find what breaks alerts: an event right after a restart, two in one scrape, a loss
//! right where it hurts. So a world is built around a few moments, and faults are put where those moments are,
//! all within the environment of the claim.

mod events;
mod faults;
mod random;

use std::sync::Arc;

use assurance_policy::intents::{Environment, Phase, Subject, Violation};

use crate::claim::{Claim, Role};
use crate::timeline::{Slots, Timeline};

pub(crate) use events::CONTACT;
pub(crate) use faults::kept_after;
pub use random::Random;

/// Makes the worlds of one claim: world `k` of seed `s` depends on `s` and `k` only.
#[derive(Debug)]
pub struct Generator<'c> {
    claim: &'c Claim,
    shape: Shape,
}

/// What of the claim decides where things happen, in milliseconds.
#[derive(Debug)]
struct Shape {
    scrape: i64,
    eval: i64,
    detect: i64,
    /// How long after a violation a false alarm is none.
    quiet: i64,
    violating: Vec<u16>,
    first: Vec<u16>,
    then: Vec<u16>,
    noise: Vec<u16>,
}

/// What is known of a world while it is made: where faults hurt.
#[derive(Debug)]
struct Sketch<'t> {
    random: Random,
    timeline: &'t mut Timeline,
    /// Instants at which something matters.
    moments: Vec<i64>,
    /// The last thing that matters.
    last: i64,
}

impl<'c> Generator<'c> {
    /// A generator for a claim.
    pub fn new(claim: &'c Claim) -> Self {
        let of = |role: Role| {
            let roles = claim.roles.iter().enumerate().filter(|(_, r)| **r == role);
            roles.filter_map(|(index, _)| u16::try_from(index).ok()).collect()
        };
        let quiet = claim.intent.quiet_otherwise.or(claim.intent.clear_within);
        let detect = claim.intent.notify_within.unwrap_or(claim.intent.detect_within);
        Self {
            claim,
            shape: Shape {
                scrape: claim.scrape_interval(),
                eval: claim.eval_interval(),
                detect: detect.as_millis(),
                quiet: quiet.unwrap_or(detect).as_millis(),
                violating: of(Role::Violation),
                first: of(Role::First),
                then: of(Role::Then),
                noise: of(Role::Noise),
            },
        }
    }

    /// A world.
    pub fn timeline(&self, seed: u64, index: u64) -> Timeline {
        let mut timeline = self.blank();
        self.fill(seed, index, &mut timeline);
        timeline
    }

    /// A world in which nothing happens, to be filled again and again.
    pub fn blank(&self) -> Timeline {
        let slots = |interval| Slots { interval, phase: 0 };
        Timeline::quiet(
            Arc::clone(&self.claim.streams),
            Arc::clone(&self.claim.states),
            self.shape.eval,
            slots(self.shape.scrape),
            slots(self.shape.eval),
        )
    }

    /// Makes another world in the memory of one that [`Generator::blank`] made.
    pub fn fill(&self, seed: u64, index: u64, timeline: &mut Timeline) {
        let environment = &self.claim.environment;
        timeline.events.clear();
        timeline.holds.clear();
        timeline.downs.clear();
        timeline.lost.clear();
        timeline.late.clear();
        timeline.skipped.clear();
        timeline.away.clear();
        timeline.absences.clear();
        let mut random = Random::new(seed, index);
        timeline.scrape.phase = phase(environment.scrape.phase, self.shape.scrape, &mut random);
        timeline.eval.phase = phase(environment.eval.phase, self.shape.eval, &mut random);
        timeline.base = base(environment, &mut random);
        let mut sketch = Sketch { random, timeline, moments: Vec::with_capacity(16), last: 0 };
        self.happen(&mut sketch);
        self.end(&mut sketch);
        self.go_wrong(&mut sketch);
        timeline.normalise();
    }

    fn happen(&self, sketch: &mut Sketch<'_>) {
        match &self.claim.intent.violation {
            Violation::Event(_) => self.events(sketch),
            Violation::Count { over, more_than, .. } => self.counted(sketch, over.as_millis(), *more_than),
            Violation::State { min_hold, .. } => self.held(sketch, min_hold.as_millis()),
            Violation::Absence { of: Subject::Job(_), hold, forms } => {
                self.absent(sketch, hold.as_millis(), forms);
            }
            Violation::Absence { hold, .. } => self.silent(sketch, hold.as_millis()),
            Violation::Sequence { within, .. } => self.one_after_another(sketch, within.as_millis()),
            _ => self.anything(sketch),
        }
    }

    /// Most worlds end when all deadlines have passed, some when all must be quiet again: the shorter a world,
    /// the more of them can be tried.
    fn end(&self, sketch: &mut Sketch<'_>) {
        let Shape { scrape, eval, detect, quiet, .. } = self.shape;
        let margin = 4 * (scrape + eval);
        let tail = if sketch.random.chance(60) { detect + margin } else { quiet.max(detect) + 2 * margin };
        sketch.timeline.end = sketch.last + tail;
    }
}

fn phase(phase: Phase, interval: i64, random: &mut Random) -> i64 {
    match phase {
        Phase::Any => random.between(0, interval - 1),
        Phase::Fixed(phase) => phase.as_millis().rem_euclid(interval),
    }
}

fn base(environment: &Environment, random: &mut Random) -> u64 {
    random.choose(&environment.counter_base).copied().unwrap_or(0)
}
