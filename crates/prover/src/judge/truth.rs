//! What was violated in a world, and by when an alert was due: known from the timeline alone.

use std::collections::VecDeque;

use assurance_policy::intents::{AbsenceForm, Aggregation, Subject, Violation};

use crate::claim::{Claim, Moves, Role};
use crate::expose::lasting;
use crate::timeline::{Outcome, Slots, Span, Timeline};

/// How often a deadline may move because of what the time won brings: each round takes in at least one more
/// loss, and worlds with more are out of any budget.
const MAX_EXTENSIONS: usize = 64;

/// A violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Need {
    /// From its beginning to its end, which are the same for an event.
    pub(super) span: Span,
    /// Whether it must be told; otherwise it may.
    pub(super) must: bool,
    /// The stream of the event.
    pub(super) stream: Option<u16>,
    /// The label value of the group, as an index into the claim's streams.
    pub(super) group: Option<u16>,
    pub(super) form: Option<AbsenceForm>,
}

impl Need {
    fn new(from: i64, until: i64, must: bool) -> Self {
        Self { span: Span { from, until }, must, stream: None, group: None, form: None }
    }
}

/// Fills `needs`, in the order of their beginnings.
pub(super) fn needs(claim: &Claim, timeline: &Timeline, skip: &[usize], needs: &mut Vec<Need>) {
    needs.clear();
    let events = || {
        let all = timeline.events.iter().enumerate().filter(|(index, _)| !skip.contains(index));
        all.map(|(_, event)| (event.at, event.stream, claim.roles[usize::from(event.stream)]))
    };
    match &claim.intent.violation {
        Violation::Event(_) => {
            for (at, stream, _) in events().filter(|(_, _, role)| *role == Role::Violation) {
                needs.push(Need { stream: Some(stream), ..Need::new(at, at, true) });
            }
        }
        Violation::Sequence { within, .. } => {
            for (at, stream, _) in events().filter(|(_, _, role)| *role == Role::Then) {
                let earliest = at - within.as_millis();
                let mut firsts = events().filter(|(_, _, role)| *role == Role::First);
                if firsts.any(|(first, _, _)| earliest <= first && first < at) {
                    needs.push(Need { stream: Some(stream), ..Need::new(at, at, true) });
                }
            }
        }
        Violation::State { min_hold, .. } => {
            let restored =
                claim.series.iter().any(|plan| matches!(plan.moves, Moves::State { .. }) && plan.restored);
            for hold in &timeline.holds {
                let span = lasting(hold.span, timeline, restored);
                let must = lasts(claim, timeline, span, min_hold.as_millis());
                needs.push(Need::new(span.from, span.until, must));
            }
        }
        Violation::Count { over, more_than, group, min_hold, .. } => {
            let counted = Counted {
                over: over.as_millis(),
                more_than: *more_than,
                min_hold: min_hold.as_millis(),
                slack: slack(claim),
            };
            // What a counter stood at when it was first read can be of any age: it may be told, and need not.
            let contact = first_contact(claim, timeline);
            let all = || events().filter(|(_, _, role)| *role == Role::Violation);
            let since = || all().filter(|(at, _, _)| *at > contact);
            match group {
                Aggregation::Total => {
                    if all().next().is_some_and(|(at, _, _)| at <= contact) {
                        counted.exceeded(all().map(|(at, _, _)| at), None, needs);
                        needs.iter_mut().for_each(|need| need.must = false);
                    }
                    counted.exceeded(since().map(|(at, _, _)| at), None, needs);
                }
                Aggregation::By(label) => {
                    if all().next().is_some_and(|(at, _, _)| at <= contact) {
                        counted.by_label(claim, label, all, needs);
                        needs.iter_mut().for_each(|need| need.must = false);
                    }
                    counted.by_label(claim, label, since, needs);
                }
            }
            for need in needs.iter_mut().filter(|need| need.must) {
                need.must = lasts(claim, timeline, need.span, min_hold.as_millis());
            }
            needs.sort_by_key(|need| need.span);
        }
        Violation::Absence { of: Subject::Job(job), hold, .. } => {
            absences(claim, timeline, job, hold.as_millis(), needs);
        }
        Violation::Absence { hold, .. } => {
            let mut last: Option<i64> = None;
            let heard = events().filter(|(_, _, role)| *role == Role::Violation).map(|(at, _, _)| at);
            for at in heard.chain([i64::MAX]) {
                if let Some(due) = last.map(|last| last + hold.as_millis())
                    && at > due
                {
                    // What is over before the alert is due need not be told.
                    let must = at.saturating_sub(due) >= claim.intent.detect_within.as_millis();
                    needs.push(Need::new(due, at, must));
                }
                last = Some(at);
            }
        }
        Violation::Always => needs.push(Need::new(0, i64::MAX, true)),
        _ => {}
    }
}

/// What is counted, in milliseconds.
struct Counted {
    over: i64,
    more_than: f64,
    min_hold: i64,
    /// Two stretches that overlap by less are two.
    slack: i64,
}

impl Counted {
    fn by_label<I: Iterator<Item = (i64, u16, Role)>>(
        &self,
        claim: &Claim,
        label: &str,
        events: impl Fn() -> I,
        needs: &mut Vec<Need>,
    ) {
        let value = |stream: u16| claim.streams[usize::from(stream)].labels.get_or_empty(label);
        let mut seen: Vec<u16> = Vec::new();
        for (_, stream, _) in events() {
            if seen.iter().all(|known| value(*known) != value(stream)) {
                seen.push(stream);
            }
        }
        for group in seen {
            let of_group = events().filter(|(_, stream, _)| value(*stream) == value(group));
            self.exceeded(of_group.map(|(at, _, _)| at), Some(group), needs);
        }
    }

    /// When more events than allowed lie within the span that is counted.
    fn exceeded(&self, times: impl Iterator<Item = i64>, group: Option<u16>, needs: &mut Vec<Need>) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked when it was read, and saturating"
        )]
        let allowed = self.more_than.floor() as usize;
        let first = needs.len();
        let mut recent: VecDeque<i64> = VecDeque::new();
        for at in times {
            recent.push_back(at);
            if recent.len() <= allowed {
                continue;
            }
            if recent.len() > allowed + 1 {
                recent.pop_front();
            }
            let Some(oldest) = recent.front().copied().filter(|oldest| at - oldest < self.over) else {
                continue;
            };
            let until = oldest + self.over;
            match needs[first..].last_mut() {
                Some(need) if at.saturating_add(self.slack) <= need.span.until => {
                    need.span.until = need.span.until.max(until);
                }
                _ => needs.push(Need { group, ..Need::new(at, until, true) }),
            }
        }
        for need in &mut needs[first..] {
            need.must = need.span.until - need.span.from >= self.min_hold;
        }
    }
}

/// For how long samples at the far end of a window may be missing, so that what just entered it is no longer
/// counted: whoever counts by scrapes cannot know better.
fn slack(claim: &Claim) -> i64 {
    let environment = &claim.environment;
    let lost = i64::from(environment.scrape.lost.max_consecutive) + 2;
    let down = environment.process.restarts.downtime.to.as_millis();
    let away = environment.monitor.restarts.downtime.to.as_millis();
    lost * claim.scrape_interval()
        + environment.scrape.jitter.as_millis()
        + down
        + away
        + claim.eval_interval()
}

/// When a scrape first succeeds.
fn first_contact(claim: &Claim, timeline: &Timeline) -> i64 {
    let slots = Slots { interval: claim.scrape_interval(), ..timeline.scrape };
    let steady = claim.jobs.first().is_some_and(|job| job.collects.is_some());
    let mut successes =
        slots.until(timeline.end).filter(|s| timeline.outcome(*s, steady) == Outcome::Success);
    successes.next().map_or(timeline.end, |slot| timeline.begins(slot))
}

fn absences(claim: &Claim, timeline: &Timeline, job: &str, hold: i64, needs: &mut Vec<Need>) {
    let steady = claim.jobs.iter().any(|j| *j.name == *job && j.collects.is_some());
    let downs = timeline.downs.iter().filter(|_| !steady).map(|span| (*span, AbsenceForm::Down));
    let mut spans: Vec<(Span, AbsenceForm)> =
        timeline.absences.iter().map(|a| (a.span, a.form)).chain(downs).collect();
    spans.sort_unstable();
    for (span, form) in spans {
        match needs.last_mut() {
            Some(need) if span.from <= need.span.until => {
                need.span.until = need.span.until.max(span.until);
            }
            _ => needs.push(Need { form: Some(form), ..Need::new(span.from, span.until, false) }),
        }
    }
    for need in needs.iter_mut() {
        need.must = lasts(claim, timeline, need.span, hold);
    }
    // While the monitoring is away nothing is read either: that may be told, whoever is to blame.
    needs.extend(timeline.away.iter().map(|away| Need::new(away.from, away.until, false)));
    needs.sort_by_key(|need| need.span.from);
}

/// Whether something lasts so long that it must be told: as long as the intent says, and longer by what the
/// environment took away meanwhile, for nobody can see it last then.
fn lasts(claim: &Claim, timeline: &Timeline, span: Span, hold: i64) -> bool {
    span.until >= due(claim, timeline, span.from, hold)
}

/// A deadline: the time that is promised, and what the environment took away meanwhile.
///
/// That is a scrape interval for each scrape that failed, whether it was lost or the process away (unless its
/// absence is what must be told); an evaluation interval for each evaluation skipped; and for each time that the
/// monitoring was away, the scrapes or the evaluations that this cost, whichever is longer: what is scraped after
/// it came back is evaluated at once. What the time won brings is taken in as well.
pub(super) fn due(claim: &Claim, timeline: &Timeline, from: i64, within: i64) -> i64 {
    let mut due = from.saturating_add(within);
    if timeline.lost.is_empty()
        && timeline.skipped.is_empty()
        && timeline.downs.is_empty()
        && timeline.away.is_empty()
    {
        return due;
    }
    let downs_count = !matches!(claim.intent.violation, Violation::Absence { of: Subject::Job(_), .. });
    let scrape = Slots { interval: claim.scrape_interval(), ..timeline.scrape };
    let eval = Slots { interval: claim.eval_interval(), ..timeline.eval };
    for _ in 0..MAX_EXTENSIONS {
        let span = Span { from: from.saturating_add(1), until: due.saturating_add(1) };
        let inside = |at: &&i64| span.contains(**at);
        let is_lost = |at: &i64| timeline.lost.binary_search(at).is_ok();
        let lost = timeline.lost.iter().filter(inside).count();
        let skipped = timeline.skipped.iter().filter(inside).count();
        let mut taken = times(lost, scrape.interval) + times(skipped, eval.interval);
        for down in timeline.downs.iter().filter(|_| downs_count) {
            let failed = scrapes_in(timeline, scrape, *down, span).filter(|slot| !is_lost(slot)).count();
            taken += times(failed, scrape.interval);
        }
        for away in &timeline.away {
            let scrapes = scrapes_in(timeline, scrape, *away, span).filter(|slot| !is_lost(slot)).count();
            let both = Span { from: away.from.max(span.from), until: away.until.min(span.until) };
            let evals = times_in(eval, both).count();
            taken += times(scrapes, scrape.interval).max(times(evals, eval.interval));
        }
        let extended = from.saturating_add(within).saturating_add(taken);
        if extended <= due {
            break;
        }
        due = extended;
    }
    due
}

fn times(count: usize, interval: i64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(interval)
}

/// The instants of slots within a span.
fn times_in(slots: Slots, span: Span) -> impl Iterator<Item = i64> {
    let first = (span.from - slots.phase + slots.interval - 1).div_euclid(slots.interval).max(0);
    (first..).map(move |index| slots.phase + index * slots.interval).take_while(move |at| *at < span.until)
}

/// The slots whose scrape begins within two spans.
fn scrapes_in(timeline: &Timeline, slots: Slots, span: Span, other: Span) -> impl Iterator<Item = i64> {
    let both = Span { from: span.from.max(other.from), until: span.until.min(other.until) };
    // A late scrape begins after its slot, by less than an interval.
    let wide = Span { from: both.from - slots.interval, until: both.until };
    times_in(slots, wide).filter(move |slot| both.contains(timeline.begins(*slot)))
}
