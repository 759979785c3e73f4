//! Whether the alerts of one world kept the promise: a pure function of the timeline, the claim, and what fired.
//!
//! An alert is due so long after the violation as the intent says, and longer by what the environment took away
//! after it: a scrape interval for each lost scrape, an evaluation interval for each skipped evaluation, and the
//! time for which the process or the monitoring was away. What went wrong *before* the violation is no excuse:
//! a rule that needs a sample from before it must do without.

mod observe;
mod truth;
mod verdict;

use std::borrow::Cow;
use std::sync::Arc;

use assurance_metrics_model::{Duration, Labels};
use assurance_policy::intents::{AbsenceForm, Violation};

use crate::claim::Claim;
use crate::fast::{Firing, Run};
use crate::timeline::{Outcome, Slots, Timeline};
use truth::{Need, due, needs};

pub use verdict::{Verdict, VerdictKind};

/// Verdicts on one world: a world with more is broken enough.
const MAX_VERDICTS: usize = 64;

/// A notification that was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// When, in milliseconds of the world.
    pub at: i64,
    /// The alert's labels.
    pub labels: Labels,
    /// The receiver.
    pub receiver: Arc<str>,
    /// Its integrations, as `kind` or `kind:detail`.
    pub integrations: Vec<Arc<str>>,
}

impl Notice {
    /// A notification.
    pub fn new(at: i64, labels: Labels, receiver: &str, integrations: &[&str]) -> Self {
        let integrations = integrations.iter().map(|&integration| integration.into()).collect();
        Self { at, labels, receiver: receiver.into(), integrations }
    }
}

/// Judges one claim's alerts in many worlds, with the same memory.
#[derive(Debug)]
pub struct Judge<'c> {
    claim: &'c Claim,
    needs: Vec<Need>,
    verdicts: Vec<Verdict>,
    /// The longest time from a violation to its alert that was seen, without what the environment took.
    worst: Option<i64>,
}

/// One world, as it is judged.
struct World<'a> {
    claim: &'a Claim,
    timeline: &'a Timeline,
    run: &'a Run,
    notices: Option<&'a [Notice]>,
    needs: &'a [Need],
    verdicts: &'a mut Vec<Verdict>,
    worst: &'a mut Option<i64>,
}

impl<'c> Judge<'c> {
    /// A judge for a claim.
    pub fn new(claim: &'c Claim) -> Self {
        Self { claim, needs: Vec::new(), verdicts: Vec::new(), worst: None }
    }

    /// What is wrong with what fired in this world. Without notices, the claim's routing says who would have
    /// been notified, and when.
    pub fn judge(&mut self, timeline: &Timeline, run: &Run, notices: Option<&[Notice]>) -> &[Verdict] {
        self.verdicts.clear();
        needs(self.claim, timeline, &[], &mut self.needs);
        let mut world = World {
            claim: self.claim,
            timeline,
            run,
            notices,
            needs: &self.needs,
            verdicts: &mut self.verdicts,
            worst: &mut self.worst,
        };
        for need in self.needs.iter().filter(|need| need.must) {
            world.must_be_told(need);
        }
        world.must_be_quiet();
        world.must_not_flap_on_events();
        &self.verdicts
    }

    /// The longest time from a violation to its alert in all worlds that were judged, with what the environment
    /// took away taken out; `None` where nothing was told.
    pub fn worst_detection(&self) -> Option<Duration> {
        self.worst.map(Duration::from_millis)
    }

    /// Violations in the world that was judged last: when they began and ended, and whether they had to be told.
    pub fn violations(&self) -> impl Iterator<Item = (i64, i64, bool)> {
        self.needs.iter().map(|need| (need.span.from, need.span.until, need.must))
    }
}

/// Whether anything happens in a world that an alert must tell.
pub fn must_tell(claim: &Claim, timeline: &Timeline) -> bool {
    let mut found = Vec::new();
    needs(claim, timeline, &[], &mut found);
    found.iter().any(|need| need.must)
}

impl World<'_> {
    fn find(&mut self, verdict: Verdict) {
        if self.verdicts.len() < MAX_VERDICTS {
            self.verdicts.push(verdict);
        }
    }

    fn due(&self, from: i64, within: i64) -> i64 {
        due(self.claim, self.timeline, from, within)
    }

    fn slots(&self, firing: &Firing) -> Slots {
        let interval = self.claim.rules[firing.rule].interval;
        Slots { interval, phase: self.timeline.eval.phase % interval }
    }

    /// The first evaluation after an instant that takes place.
    fn evaluation_after(&self, firing: &Firing, at: i64) -> i64 {
        let slots = self.slots(firing);
        let mut next =
            slots.phase + ((at - slots.phase).div_euclid(slots.interval) + 1).max(0) * slots.interval;
        while next < self.timeline.end && !self.timeline.evaluates(next) {
            next += slots.interval;
        }
        next
    }

    /// Whether an alert can be about a violation: where both have a label, they agree.
    fn is_about(&self, firing: &Firing, need: &Need) -> bool {
        let alert = &self.run.alerts[firing.alert];
        let agrees = |name: &str, value: &str| alert.get(name).is_none_or(|own| own == value);
        match (need.stream, need.group) {
            (Some(stream), _) => {
                let labels = &self.claim.streams[usize::from(stream)].labels;
                labels.iter().all(|(name, value)| agrees(name, value))
            }
            (None, Some(group)) => {
                let Violation::Count { group: by, .. } = &self.claim.intent.violation else { return true };
                let assurance_policy::intents::Aggregation::By(label) = by else { return true };
                let labels = &self.claim.streams[usize::from(group)].labels;
                agrees(label, labels.get_or_empty(label))
            }
            (None, None) => true,
        }
    }

    /// The first alert about a violation that fires at an evaluation after it, and that evaluation.
    ///
    /// One that fires already, because of an earlier violation, counts if it goes on when this one can be known.
    fn told(&self, need: &Need) -> Option<(Firing, i64)> {
        let from = need.span.from;
        let about = self.run.firings.iter().filter(|firing| self.is_about(firing, need));
        let fires = about.filter_map(|firing| {
            let at = if firing.from > from {
                firing.from
            } else {
                self.evaluation_after(firing, self.known_at(need))
            };
            (at < firing.until && at < self.timeline.end).then_some((*firing, at))
        });
        fires.min_by_key(|(_, at)| *at)
    }

    /// Just before the first scrape that can show a violation; the violation itself, where scrapes that fail do.
    fn known_at(&self, need: &Need) -> i64 {
        let from = need.span.from;
        let Some(job) = self.claim.jobs.first().filter(|_| need.form.is_none()) else { return from };
        let earliest = from + job.collects.unwrap_or(0);
        let slots = Slots { interval: job.interval, phase: self.timeline.scrape.phase % job.interval };
        let passed = (earliest - slots.phase).div_euclid(slots.interval).max(0);
        let first = usize::try_from(passed).unwrap_or(usize::MAX);
        let mut later = (first..slots.count(self.timeline.end)).map(|index| slots.at(index));
        let shows = |slot: &i64| {
            let succeeds = self.timeline.outcome(*slot, job.collects.is_some()) == Outcome::Success;
            succeeds && self.timeline.begins(*slot) >= earliest
        };
        later.find(shows).map_or(from, |slot| (self.timeline.begins(slot) - 1).max(from))
    }

    fn must_be_told(&mut self, need: &Need) {
        let within = self.claim.intent.detect_within.as_millis();
        let due = self.due(need.span.from, within);
        let told = self.told(need);
        if let Some((firing, at)) = told.filter(|(_, at)| *at <= due) {
            let taken = due - need.span.from - within;
            *self.worst = (*self.worst).max(Some((at - need.span.from - taken).max(0)));
            self.must_be_right(need, &firing, at);
            self.must_stay(need, &firing, due);
            return;
        }
        if due >= self.timeline.end {
            return;
        }
        let claim = self.claim;
        if let Some(cause) = observe::why_unobservable(claim, self.timeline, need, due) {
            self.find(Verdict {
                kind: VerdictKind::Unobservable,
                at: need.span.from,
                due: Some(due),
                came: None,
                alert: None,
                why: cause,
            });
            return;
        }
        let end = need.span.until.min(self.timeline.end);
        let excused = quiet(claim).map_or(i64::MAX, |quiet| self.due(end, quiet));
        let other = self.needs.iter().filter(|other| other.span.from > need.span.from);
        let late = told.filter(|(_, at)| {
            *at <= excused.max(due)
                && !other.clone().any(|other| other.span.from < *at && other.span.from > due)
        });
        let verdict = |kind, why: Cow<'static, str>| Verdict {
            kind,
            at: need.span.from,
            due: Some(due),
            came: late.map(|(_, at)| at),
            alert: late.map(|(firing, _)| firing.alert),
            why,
        };
        let verdict = match (&claim.vacuous, late, need.form) {
            (Some(reason), ..) => verdict(VerdictKind::Vacuous, reason.to_string().into()),
            (None, Some(_), _) => verdict(VerdictKind::Late, "the alert fires after its deadline".into()),
            (None, None, Some(form @ (AbsenceForm::Removed | AbsenceForm::Empty))) => {
                let why = format!("the target is {}, and no alert fires", form.as_str());
                verdict(VerdictKind::SilentOnNoData, why.into())
            }
            (None, None, _) => verdict(VerdictKind::Missed, "scrapes show it, and no alert fires".into()),
        };
        self.find(verdict);
    }

    /// Whether the alert says what it must, and reaches whom it must in time.
    fn must_be_right(&mut self, need: &Need, firing: &Firing, at: i64) {
        let intent = &self.claim.intent;
        let labels = &self.run.alerts[firing.alert];
        let wrong = |kind, why: String| Verdict {
            kind,
            at: need.span.from,
            due: None,
            came: Some(at),
            alert: Some(firing.alert),
            why: why.into(),
        };
        let mut found = Vec::new();
        if let Some(missing) = intent.labels_required.iter().find(|name| labels.get(name).is_none()) {
            let why = format!("the alert has no label {missing}, which whoever responds needs");
            found.push(wrong(VerdictKind::Identity, why));
        }
        if let Some(severity) = intent.severity.as_deref().filter(|s| *s != labels.get_or_empty("severity")) {
            let has = labels.get_or_empty("severity");
            let why = format!("its severity is {has:?}, and {severity:?} was promised");
            found.push(wrong(VerdictKind::Route, why));
        }
        if at == firing.from && (self.claim.routing.is_some() || self.notices.is_some()) {
            found.extend(self.must_reach(need, firing, &wrong));
        }
        for verdict in found {
            self.find(verdict);
        }
    }

    fn must_reach(
        &self,
        need: &Need,
        firing: &Firing,
        wrong: &dyn Fn(VerdictKind, String) -> Verdict,
    ) -> Vec<Verdict> {
        let intent = &self.claim.intent;
        let labels = &self.run.alerts[firing.alert];
        let told: Vec<(i64, Arc<str>, Vec<Arc<str>>)> = match (self.notices, &self.claim.routing) {
            (Some(notices), _) => {
                let own = |n: &&Notice| n.labels == *labels && n.at >= firing.from && n.at < firing.until;
                let own = notices.iter().filter(own);
                own.map(|n| (n.at, Arc::clone(&n.receiver), n.integrations.clone())).collect()
            }
            (None, Some(routing)) => {
                let told = (routing.0)(labels).into_iter();
                told.map(|n| (firing.from + n.wait.as_millis(), n.receiver, n.integrations)).collect()
            }
            (None, None) => return Vec::new(),
        };
        let due = intent.notify_within.map(|within| self.due(need.span.from, within.as_millis()));
        // What has not come when the world ends may still come.
        let is_over = due.is_some_and(|due| due < self.timeline.end.min(firing.until));
        if told.is_empty() {
            let nobody = wrong(VerdictKind::Route, "the alert reaches nobody".to_owned());
            return if is_over || self.notices.is_none() { vec![nobody] } else { Vec::new() };
        }
        let reaches = |wanted: &str| {
            let is = |name: &str| {
                name == wanted || name.strip_prefix(wanted).is_some_and(|rest| rest.starts_with(':'))
            };
            told.iter().any(|(_, receiver, integrations)| is(receiver) || integrations.iter().any(|i| is(i)))
        };
        let mut found = Vec::new();
        if let Some(missing) = intent.route.iter().find(|wanted| !reaches(wanted)) {
            let receivers: Vec<&str> = told.iter().map(|(_, receiver, _)| &**receiver).collect();
            let why = format!("it reaches {}, and not {missing}", receivers.join(", "));
            found.push(wrong(VerdictKind::Route, why));
        }
        let first = told.iter().map(|(at, ..)| *at).min();
        if let (Some(due), Some(first)) = (due, first)
            && first > due
        {
            let mut late = wrong(VerdictKind::Late, "the notification comes after its deadline".to_owned());
            (late.due, late.came) = (Some(due), Some(first));
            found.push(late);
        }
        found
    }

    /// Whether the alert goes on for as long as the violation does.
    fn must_stay(&mut self, need: &Need, firing: &Firing, due: i64) {
        let ended = firing.until;
        if ended >= need.span.until.min(self.timeline.end) {
            return;
        }
        let again = self.run.firings.iter().find(|other| {
            other.rule == firing.rule
                && other.alert == firing.alert
                && other.from >= ended
                && other.from < need.span.until
        });
        // An alert about what was before may end, if the one about this comes in time.
        if firing.from < need.span.from && again.is_some_and(|again| again.from <= due) {
            return;
        }
        // Events leave the window of a count one by one, a scrape sooner or later: only what comes again flaps.
        let counts = matches!(self.claim.intent.violation, Violation::Count { .. });
        if (counts && again.is_none()) || !self.must_survive(need, ended) {
            return;
        }
        let why = if again.is_some() {
            "the alert ends and comes again while the violation goes on"
        } else {
            "the alert ends while the violation goes on"
        };
        self.find(Verdict {
            kind: VerdictKind::Flap,
            at: need.span.from,
            due: None,
            came: Some(ended),
            alert: Some(firing.alert),
            why: why.into(),
        });
    }

    /// Whether what happened until then is no more than what the intent promises to outlive.
    fn must_survive(&self, need: &Need, until: i64) -> bool {
        let survival = self.claim.intent.must_survive;
        let inside = |at: i64| at >= need.span.from && at <= until;
        if let Some(most) = survival.restarts {
            let restarts = self.timeline.downs.iter().filter(|down| inside(down.from)).count();
            if restarts > usize::try_from(most).unwrap_or(usize::MAX) {
                return false;
            }
        }
        if let Some(most) = survival.lost_scrapes {
            let interval = self.timeline.scrape.interval;
            let (mut run, mut longest, mut before) = (0_u32, 0_u32, None);
            for at in self.timeline.lost.iter().copied().filter(|at| inside(*at)) {
                run = if before == Some(at - interval) { run + 1 } else { 1 };
                longest = longest.max(run);
                before = Some(at);
            }
            return longest <= most;
        }
        true
    }

    /// No alert without a violation, and none long after it.
    fn must_be_quiet(&mut self) {
        let claim = self.claim;
        if matches!(claim.intent.violation, Violation::Always) {
            return;
        }
        let quiet = quiet(claim);
        let clear = claim.intent.clear_within.map(Duration::as_millis).or(quiet);
        for index in 0..self.run.firings.len() {
            let firing = self.run.firings[index];
            let mut horizon: Option<i64> = None;
            for need in self.needs.iter().filter(|need| self.is_about(&firing, need)) {
                if need.span.from > horizon.unwrap_or(firing.from) {
                    break;
                }
                let end = |limit: Option<i64>| {
                    let limit = limit.unwrap_or(i64::MAX / 4);
                    if need.span.until >= self.timeline.end {
                        i64::MAX
                    } else {
                        due(claim, self.timeline, need.span.until, limit)
                    }
                };
                if end(quiet.max(clear)) >= firing.from {
                    horizon = horizon.max(Some(end(clear).max(firing.from)));
                }
            }
            let verdict = |at, due, came, why: &'static str| Verdict {
                kind: VerdictKind::FalseAlarm,
                at,
                due,
                came,
                alert: Some(firing.alert),
                why: why.into(),
            };
            match horizon {
                None => {
                    let why = "the alert fires, and nothing was violated";
                    self.find(verdict(firing.from, None, Some(firing.from), why));
                }
                Some(horizon) => {
                    if horizon >= self.timeline.end {
                        continue;
                    }
                    let next = self.evaluation_after(&firing, horizon);
                    if next < firing.until.min(self.timeline.end) {
                        let why = "the alert still fires long after the violation";
                        self.find(verdict(firing.from, Some(horizon), Some(next), why));
                    }
                }
            }
        }
    }

    /// An alert on an event that ends and comes again must have another event to be about.
    fn must_not_flap_on_events(&mut self) {
        let claim = self.claim;
        if !matches!(claim.intent.violation, Violation::Event(_) | Violation::Sequence { .. }) {
            return;
        }
        for index in 1..self.run.firings.len() {
            let (before, firing) = (self.run.firings[index - 1], self.run.firings[index]);
            if (before.rule, before.alert) != (firing.rule, firing.alert) {
                continue;
            }
            let within = claim.intent.detect_within.as_millis();
            let about = self.needs.iter().filter(|need| self.is_about(&firing, need));
            let explaining = about
                .filter(|need| {
                    need.span.from < firing.from && self.due(need.span.from, within) >= before.from
                })
                .count();
            if explaining == 1 {
                self.find(Verdict {
                    kind: VerdictKind::Flap,
                    at: before.from,
                    due: None,
                    came: Some(firing.from),
                    alert: Some(firing.alert),
                    why: "the alert ends and comes again, and nothing else happened".into(),
                });
            }
        }
    }
}

fn quiet(claim: &Claim) -> Option<i64> {
    claim.intent.quiet_otherwise.map(Duration::as_millis)
}
