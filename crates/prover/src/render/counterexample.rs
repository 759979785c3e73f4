//! A world in which an alert does not keep its promise, told in three ways.

use assurance_metrics_model::{Duration, Labels, METRIC_NAME, MatchOp, Matcher, Timestamp, is_stale_nan};
use assurance_rules::Group;
use assurance_simulator::MonitorError;

use super::picture::{Mark, picture};
use super::promtool::{Case, Check, Inexpressible, TestFile, Wanted};
use crate::claim::{Claim, Moves};
use crate::judge::{Judge, Verdict, VerdictKind};
use crate::replay::{Replay, replay_under, run_of};
use crate::timeline::Timeline;

/// How far evaluations are moved away from scrapes, in milliseconds: worlds are on whole seconds where they can be.
const BETWEEN: i64 = 500;

/// A world that speaks against an alert.
#[derive(Debug)]
pub struct Counterexample {
    /// What is wrong.
    pub verdict: Verdict,
    /// The world.
    pub timeline: Timeline,
    /// What became of it.
    pub replay: Replay,
}

impl Counterexample {
    /// Lets a world happen in earnest, and judges what comes of it; `None` where nothing of this kind is wrong
    /// after all.
    ///
    /// # Errors
    /// If the pipeline cannot go on.
    pub fn find(
        groups: &[Group],
        claim: &Claim,
        timeline: &Timeline,
        kind: VerdictKind,
    ) -> Result<Option<Self>, MonitorError> {
        // Whether a sample at a window's far edge is part of it depends on the version of Prometheus: where there
        // is none, the world says the same to all.
        let mut between = timeline.clone();
        between.eval.phase = (timeline.eval.phase + BETWEEN).rem_euclid(timeline.eval.interval);
        between.normalise();
        match Self::judged(groups, claim, between, kind)? {
            Some(found) => Ok(Some(found)),
            None => Self::judged(groups, claim, timeline.clone(), kind),
        }
    }

    fn judged(
        groups: &[Group],
        claim: &Claim,
        timeline: Timeline,
        kind: VerdictKind,
    ) -> Result<Option<Self>, MonitorError> {
        let replay = replay_under(groups, claim, &timeline)?;
        let run = run_of(claim, &replay);
        let mut judge = Judge::new(claim);
        let verdicts = judge.judge(&timeline, &run, None);
        let verdict = verdicts.iter().find(|verdict| verdict.kind == kind).cloned();
        Ok(verdict.map(|verdict| Self { verdict, timeline, replay }))
    }

    /// What happened, as lines of characters.
    pub fn drawing(&self, claim: &Claim) -> String {
        picture(claim, &self.timeline, &self.replay, &self.marks())
    }

    fn marks(&self) -> Vec<Mark> {
        let mark = |at: i64, text: &str| Mark { at, text: text.to_owned() };
        let kind = self.verdict.kind;
        let (begins, due, came) = match kind {
            VerdictKind::FalseAlarm => {
                ("fires without a cause", "quiet from here on", "still fires: FALSE-ALARM")
            }
            VerdictKind::Flap => ("violation", "deadline", "ends: FLAP"),
            _ => ("violation", "deadline", "fires"),
        };
        let mut marks = vec![mark(self.verdict.at, begins)];
        if let Some(at) = self.verdict.due {
            let text = match kind {
                VerdictKind::FalseAlarm | VerdictKind::Flap => due.to_owned(),
                _ => format!("{due}: {kind}"),
            };
            marks.push(Mark { at, text });
        }
        if let Some(at) = self.verdict.came.filter(|at| *at != self.verdict.at) {
            marks.push(mark(at, came));
        }
        marks
    }

    /// As a unit test that the rules fail, of rule files as seen from where it will be.
    ///
    /// # Errors
    /// If the format cannot say it.
    pub fn test(&self, claim: &Claim, rule_files: Vec<String>) -> Result<TestFile, Inexpressible> {
        test_of(claim, &self.timeline, &self.replay, &self.verdict, rule_files)
    }
}

/// What a verdict says was promised, as a unit test over the scrapes of a world. The claim may be another one than
/// that of the verdict: then it says what its own alert must do in the same world.
///
/// # Errors
/// If the format cannot say it.
pub fn test_of(
    claim: &Claim,
    timeline: &Timeline,
    replay: &Replay,
    verdict: &Verdict,
    rule_files: Vec<String>,
) -> Result<TestFile, Inexpressible> {
    for (is_there, what) in [
        (!timeline.skipped.is_empty(), "evaluations that do not take place"),
        (!timeline.away.is_empty(), "restarts of the monitoring"),
    ] {
        if is_there {
            return Err(Inexpressible::Monitoring { what });
        }
    }
    let checks = checks(claim, timeline, verdict)?;
    let name = format!("{} {}: {}", claim.intent.id, verdict.kind, verdict.why);
    let head = format!(
        "{name}.\nWritten by `prove`; what follows, without the signs before it, can be replayed.\n\n{timeline}"
    );
    let interval = Duration::from_millis(claim.eval_interval());
    Ok(TestFile {
        head,
        rule_files,
        evaluation_interval: interval,
        cases: vec![case(claim, timeline, scraped(claim, replay), name, checks)],
    })
}

/// What the rules of a claim could read of a replay.
pub fn scraped(claim: &Claim, replay: &Replay) -> Vec<(Labels, Vec<(Timestamp, f64)>)> {
    let selectors = claim.rules.iter().flat_map(|rule| rule.rule.expression.tree().selectors());
    let mut selectors: Vec<_> = selectors.map(|selector| selector.matchers.clone()).collect();
    if claim.needs_full.is_some() {
        // What other rules read is among what the claim has of its jobs.
        let exactly = |labels: &Labels| {
            let equal = |(name, value): (&str, &str)| Matcher::new(name, MatchOp::Equal, value).ok();
            labels.iter().filter_map(equal).collect::<Vec<_>>()
        };
        selectors.extend(claim.series.iter().map(|plan| exactly(&plan.labels)));
    }
    let mut series = replay.samples(&selectors);
    series.retain(|(labels, _)| !matches!(labels.get_or_empty(METRIC_NAME), "ALERTS" | "ALERTS_FOR_STATE"));
    series
}

/// A world's scrapes, and what is expected of them.
pub(super) fn case(
    claim: &Claim,
    timeline: &Timeline,
    mut series: Vec<(Labels, Vec<(Timestamp, f64)>)>,
    name: String,
    checks: Vec<Check>,
) -> Case {
    let origin = beginning(claim, timeline, &series);
    for (labels, samples) in &mut series {
        if is_time(claim, labels) {
            samples.iter_mut().for_each(|(_, value)| *value = shifted(*value, origin));
        }
    }
    Case { name, origin, series, checks }
}

/// The last evaluation that is not after the first sample: promtool evaluates from its instant 0 on.
fn beginning(claim: &Claim, timeline: &Timeline, series: &[(Labels, Vec<(Timestamp, f64)>)]) -> Timestamp {
    let interval = claim.eval_interval();
    let first = claim.origin + Duration::from_millis(timeline.eval.phase.rem_euclid(interval));
    let sample = series.iter().filter_map(|(_, samples)| samples.first()).map(|(at, _)| *at).min();
    match sample {
        Some(sample) if sample < first => first - Duration::from_millis(interval),
        _ => first,
    }
}

fn is_time(claim: &Claim, labels: &Labels) -> bool {
    let plan = claim.series.iter().find(|plan| plan.labels == *labels);
    plan.is_some_and(|plan| matches!(plan.moves, Moves::LastTime { .. } | Moves::ProcessStart))
}

/// A point of time where 1970 begins with the test. 0 is as long before it as 1970 is before the world.
fn shifted(seconds: f64, origin: Timestamp) -> f64 {
    if is_stale_nan(seconds) {
        return seconds;
    }
    ((seconds - origin.as_secs_f64()) * 1000.0).round() / 1000.0
}

fn checks(claim: &Claim, timeline: &Timeline, verdict: &Verdict) -> Result<Vec<Check>, Inexpressible> {
    let at = |millis: i64| claim.origin + Duration::from_millis(millis);
    let intent = &claim.intent;
    let matching = intent.matching.iter().map(|(name, value)| (name.clone(), value.clone()));
    let alert = Wanted { name: intent.alert.clone(), labels: matching.collect(), present: Vec::new() };
    let came = verdict.came.unwrap_or(verdict.at);
    let check = match verdict.kind {
        VerdictKind::FalseAlarm if alert.labels.is_empty() => {
            Check::IsQuiet { name: alert.name, at: at(came) }
        }
        VerdictKind::FalseAlarm => {
            Check::Exactly { expression: alert.firing(), at: at(came), elements: Vec::new() }
        }
        VerdictKind::Flap if came < timeline.end && is_over(verdict) => {
            let (from, until) = (at(verdict.at), at(came));
            let interval = Duration::from_millis(claim.eval_interval());
            Check::FiresOnce { alert, from, until, interval }
        }
        VerdictKind::Flap => Check::StillFires { alert, from: at(verdict.at), at: at(came) },
        VerdictKind::Identity => {
            let alert = Wanted { present: intent.labels_required.clone(), ..alert };
            Check::Fires { alert, from: at(verdict.at), until: at(came) }
        }
        VerdictKind::Route => {
            let severity = intent.severity.as_ref();
            let severity = severity.filter(|_| verdict.why.starts_with("its severity"));
            let severity = severity.ok_or(Inexpressible::Monitoring { what: "who is notified" })?;
            let mut alert = alert;
            alert.labels.push(("severity".to_owned(), severity.clone()));
            Check::Fires { alert, from: at(verdict.at), until: at(came) }
        }
        _ => {
            let due = verdict.due.unwrap_or_else(|| verdict.at + intent.detect_within.as_millis());
            if verdict.why.starts_with("the notification") {
                return Err(Inexpressible::Monitoring { what: "when somebody is notified" });
            }
            Check::Fires { alert, from: at(verdict.at), until: at(due) }
        }
    };
    Ok(vec![check])
}

/// Whether a flap is about an alert that came again after what it was about.
fn is_over(verdict: &Verdict) -> bool {
    verdict.why.ends_with("nothing else happened")
}
