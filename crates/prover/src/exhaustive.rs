//! Every world of a small scope, by number.

use std::sync::Arc;

use assurance_metrics_model::Duration;
use assurance_policy::intents::{AbsenceForm, Subject, Violation};

use crate::claim::{Claim, Role};
use crate::generate::{CONTACT, kept_after};
use crate::timeline::{Absence, Event, Hold, Slots, Span, Timeline};

/// A small scope: all times are multiples of a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scope {
    /// Events at most; of a count, instants at which events happen.
    pub events: usize,
    /// Restarts of the process at most.
    pub restarts: usize,
    /// Lost scrapes at most.
    pub lost: usize,
    /// The grid, in milliseconds.
    pub grid: i64,
    /// How long things may happen, in milliseconds.
    pub span: i64,
}

impl Scope {
    /// Two events, one restart and two lost scrapes within two minutes.
    pub const fn new(grid: i64) -> Self {
        Self { events: 2, restarts: 1, lost: 2, grid, span: 120_000 }
    }
}

/// What happens in one world, without faults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Happening {
    events: Vec<Event>,
    holds: Vec<Hold>,
    absences: Vec<Absence>,
    last: i64,
}

/// All worlds of a scope: each combination of what happens, a restart, lost scrapes and phases of evaluation.
#[derive(Debug)]
pub struct Exhaustive<'c> {
    claim: &'c Claim,
    scope: Scope,
    happenings: Vec<Happening>,
    restarts: Vec<Option<Span>>,
    lost: Vec<Vec<i64>>,
    phases: Vec<i64>,
    tail: i64,
}

impl<'c> Exhaustive<'c> {
    /// The worlds of a claim within a scope.
    pub fn new(claim: &'c Claim, scope: Scope) -> Self {
        let grid = scope.grid.max(1);
        let steps = |until: i64| (0..until).step_by(usize::try_from(grid).unwrap_or(1));
        let restart = claim.environment.process.restarts;
        let offset = offset_of(claim);
        let mut restarts = vec![None];
        if scope.restarts > 0 && restart.max_per_hour > 0 {
            let mut downtimes = vec![restart.downtime.from.as_millis(), restart.downtime.to.as_millis()];
            downtimes.dedup();
            for from in steps(scope.span).map(|from| offset + from) {
                restarts.extend(downtimes.iter().map(|away| Some(Span { from, until: from + away })));
            }
        }
        let within = claim.intent.detect_within.as_millis();
        let (scrape, eval) = (claim.scrape_interval(), claim.eval_interval());
        let slots = Slots { interval: scrape, phase: 0 };
        let begin = slots.count(offset);
        let count = slots.count(offset + scope.span + within);
        let mut lost = vec![Vec::new()];
        let loss = claim.environment.scrape.lost;
        if loss.max_consecutive > 0 && scope.lost > 0 {
            for first in begin..count {
                lost.push(vec![slots.at(first)]);
                if scope.lost > 1 {
                    let kept = usize::try_from(kept_after(1, loss.max_ratio)).unwrap_or(usize::MAX);
                    let apart = |second: &usize| {
                        (*second == first + 1 && loss.max_consecutive > 1) || second - first > kept
                    };
                    let seconds = (first + 1..count).filter(apart);
                    lost.extend(seconds.map(|second| vec![slots.at(first), slots.at(second)]));
                }
            }
        }
        let quiet = claim.intent.quiet_otherwise.map_or(0, Duration::as_millis);
        Self {
            claim,
            scope,
            happenings: happenings(claim, &scope),
            restarts,
            lost,
            phases: steps(eval).collect(),
            tail: within.max(quiet) + 6 * (scrape + eval),
        }
    }

    /// How many worlds there are.
    pub fn len(&self) -> u64 {
        let parts = [self.happenings.len(), self.restarts.len(), self.lost.len(), self.phases.len()];
        parts.into_iter().fold(1_u64, |all, part| all.saturating_mul(part as u64))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The scope, as a claim states it.
    pub fn describe(&self) -> String {
        let Scope { events, restarts, lost, grid, span } = self.scope;
        let grid = Duration::from_millis(grid);
        let span = Duration::from_millis(span);
        let what = match &self.claim.intent.violation {
            Violation::State { .. } => "states",
            Violation::Absence { of: Subject::Job(_), .. } => "absences",
            Violation::Count { .. } => "instants with events",
            _ => "events",
        };
        format!("≤{events} {what}, ≤{restarts} restart, ≤{lost} lost scrapes, {grid} grid within {span}")
    }

    /// A world to be filled.
    pub fn blank(&self) -> Timeline {
        let slots = |interval| Slots { interval, phase: 0 };
        Timeline::quiet(
            Arc::clone(&self.claim.streams),
            Arc::clone(&self.claim.states),
            self.scope.span + self.tail,
            slots(self.claim.scrape_interval()),
            slots(self.claim.eval_interval()),
        )
    }

    /// Makes the world of a number below [`Exhaustive::len`].
    pub fn fill(&self, index: u64, timeline: &mut Timeline) {
        let mut rest = index;
        let mut digit = |length: usize| {
            let length = length as u64;
            let digit = rest % length;
            rest /= length;
            usize::try_from(digit).unwrap_or(0)
        };
        let phase = self.phases[digit(self.phases.len())];
        let lost = &self.lost[digit(self.lost.len())];
        let restart = self.restarts[digit(self.restarts.len())];
        let happening = &self.happenings[digit(self.happenings.len())];
        timeline.eval.phase = phase;
        timeline.events.clone_from(&happening.events);
        timeline.holds.clone_from(&happening.holds);
        timeline.absences.clone_from(&happening.absences);
        timeline.lost.clone_from(lost);
        timeline.downs.clear();
        timeline.downs.extend(restart);
        timeline.end = happening.last.max(offset_of(self.claim) + self.scope.span) + self.tail;
        timeline.normalise();
    }
}

fn happenings(claim: &Claim, scope: &Scope) -> Vec<Happening> {
    let grid = scope.grid.max(1);
    let steps = || (0..scope.span).step_by(usize::try_from(grid).unwrap_or(1));
    let mut all = vec![Happening::default()];
    match &claim.intent.violation {
        Violation::State { min_hold, .. } => {
            let (hold, scrape) = (min_hold.as_millis(), claim.scrape_interval());
            let lengths = [grid, scrape, hold - grid, hold, hold + grid, hold + 3 * scrape];
            for from in steps() {
                for long in lengths.into_iter().filter(|long| *long > 0) {
                    let span = Span { from, until: from + long };
                    let hold = Hold { span, state: 0 };
                    all.push(Happening { holds: vec![hold], last: span.until, ..Happening::default() });
                }
            }
        }
        Violation::Absence { of: Subject::Job(_), hold, forms } => {
            let (hold, scrape) = (hold.as_millis(), claim.scrape_interval());
            let lengths = [scrape, hold - grid, hold, hold + scrape, hold + 4 * scrape];
            for from in steps() {
                for long in lengths.into_iter().filter(|long| *long > 0) {
                    all.extend(forms.iter().map(|form| absent(from, long, *form)));
                }
            }
        }
        Violation::Absence { hold, .. } => {
            // The last sign of life is so old that it is missed within the span.
            for stream in of_role(claim, &[Role::Violation]) {
                for at in steps() {
                    let first = Event { at: at - hold.as_millis(), stream };
                    all.push(Happening { events: vec![first], last: at, ..Happening::default() });
                }
            }
        }
        Violation::Count { over, more_than, .. } => {
            counted(claim, over.as_millis(), *more_than, scope, &mut all);
        }
        _ => {
            let streams = of_role(claim, &[Role::Violation, Role::First, Role::Then, Role::Noise]);
            for at in steps() {
                for stream in &streams {
                    let first = Event { at, stream: *stream };
                    all.push(Happening { events: vec![first], last: at, ..Happening::default() });
                    if scope.events < 2 {
                        continue;
                    }
                    for again in steps().filter(|again| *again >= at) {
                        for other in streams.iter().filter(|other| again > at || *other >= stream) {
                            let second = Event { at: again, stream: *other };
                            let events = vec![first, second];
                            all.push(Happening { events, last: again, ..Happening::default() });
                        }
                    }
                }
            }
        }
    }
    all
}

fn absent(from: i64, long: i64, form: AbsenceForm) -> Happening {
    let span = Span { from, until: from + long };
    Happening { absences: vec![Absence { span, form }], last: span.until, ..Happening::default() }
}

/// Events are counted from the first contact on; the others may happen from the beginning on.
fn offset_of(claim: &Claim) -> i64 {
    match claim.intent.violation {
        Violation::Count { .. } => CONTACT * claim.scrape_interval(),
        _ => 0,
    }
}

/// As many events as are allowed, and one more, at one or two instants; the first a window's length before the
/// second, or within the span.
fn counted(claim: &Claim, over: i64, more_than: f64, scope: &Scope, all: &mut Vec<Happening>) {
    let grid = scope.grid.max(1);
    let steps = || (0..scope.span).step_by(usize::try_from(grid).unwrap_or(1));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked when it was read")]
    let allowed = more_than.floor().min(1000.0) as usize;
    let streams = of_role(claim, &[Role::Violation]);
    let streams = streams.as_slice();
    let offset = offset_of(claim);
    // All of one kind, and spread over all kinds.
    let spreads = if streams.len() > 1 { 2 } else { 1 };
    for spread in 0..spreads {
        let stream =
            move |index: usize| if spread == 0 { streams[0] } else { streams[index % streams.len()] };
        for at in steps().map(|at| offset + at) {
            for count in [allowed, allowed + 1] {
                let events: Vec<Event> = (0..count).map(|i| Event { at, stream: stream(i) }).collect();
                all.push(Happening { events: events.clone(), last: at, ..Happening::default() });
                if scope.events < 2 || count > allowed {
                    continue;
                }
                let later = steps().map(|again| offset + again).filter(|again| *again > at);
                for again in later.chain([at + over / 2, at + over - grid, at + over]) {
                    let mut events = events.clone();
                    events.push(Event { at: again, stream: stream(count) });
                    all.push(Happening { events, last: again, ..Happening::default() });
                }
            }
        }
    }
}

fn of_role(claim: &Claim, roles: &[Role]) -> Vec<u16> {
    let all = claim.roles.iter().enumerate().filter(|(_, role)| roles.contains(role));
    all.filter_map(|(index, _)| u16::try_from(index).ok()).collect()
}
