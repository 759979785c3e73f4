//! Tries worlds one after the other, and keeps the first of each kind in which something is wrong.

use std::ops::{ControlFlow, Range};

use assurance_metrics_model::Duration;

use crate::claim::Claim;
use crate::exhaustive::Exhaustive;
use crate::fast::{Engine, Run};
use crate::generate::Generator;
use crate::judge::{Judge, Notice, Verdict, VerdictKind};
use crate::shrink::shrink;
use crate::timeline::Timeline;

/// Worlds between two reports of progress: some ten milliseconds' work.
const WORLDS_BETWEEN_REPORTS: u64 = 1000;

/// Worlds of one kind that are kept: what differs among them shows when they are shrunk.
pub const MAX_KEPT: usize = 24;

/// Where worlds come from: each has a number, and depends on nothing else.
pub trait Worlds {
    /// A world to be filled.
    fn blank(&self) -> Timeline;

    /// Makes the world of a number.
    fn fill(&self, index: u64, timeline: &mut Timeline);
}

/// The random worlds of one seed.
#[derive(Debug)]
pub struct Seeded<'g, 'c> {
    /// What makes them.
    pub generator: &'g Generator<'c>,
    /// The seed.
    pub seed: u64,
}

impl Worlds for Seeded<'_, '_> {
    fn blank(&self) -> Timeline {
        self.generator.blank()
    }

    fn fill(&self, index: u64, timeline: &mut Timeline) {
        self.generator.fill(self.seed, index, timeline);
    }
}

impl Worlds for Exhaustive<'_> {
    fn blank(&self) -> Timeline {
        self.blank()
    }

    fn fill(&self, index: u64, timeline: &mut Timeline) {
        self.fill(index, timeline);
    }
}

/// What runs a claim's rules in a world: the fast engine, or whatever agrees with it.
pub trait Evaluate {
    /// What fires, and who is notified of it; `None` where nobody looked.
    fn run(&mut self, timeline: &Timeline) -> (&Run, Option<&[Notice]>);
}

impl Evaluate for Engine<'_> {
    fn run(&mut self, timeline: &Timeline) -> (&Run, Option<&[Notice]>) {
        (Self::run(self, timeline), None)
    }
}

/// A world in which something is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The world's number.
    pub index: u64,
    /// What is wrong: the first verdict of its kind.
    pub verdict: Verdict,
    /// The world.
    pub timeline: Timeline,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Findings {
    /// Worlds tried.
    pub worlds: u64,
    /// Worlds in which there was something to be told.
    pub violated: u64,
    /// For each kind, in the order of [`VerdictKind::ALL`], how many worlds have it.
    pub counts: [u64; VerdictKind::ALL.len()],
    /// For each kind, the world with the lowest number.
    pub first: [Option<Finding>; VerdictKind::ALL.len()],
    /// The worlds with the lowest numbers, at most [`MAX_KEPT`] of each kind, by kind and number.
    pub kept: Vec<Finding>,
    /// The longest detection, with what the environment took away taken out.
    pub worst_detection: Option<Duration>,
}

impl Findings {
    /// The first world of each kind that speaks against the rules.
    pub fn counterexamples(&self) -> impl Iterator<Item = &Finding> {
        self.first.iter().flatten().filter(|finding| finding.verdict.kind.is_counterexample())
    }

    /// The first world of a kind.
    pub fn of(&self, kind: VerdictKind) -> Option<&Finding> {
        self.first[kind.index()].as_ref()
    }

    /// Joins what another search over other worlds found. In whichever order searches end, the result is the
    /// same.
    pub fn merge(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.violated += other.violated;
        self.worst_detection = self.worst_detection.max(other.worst_detection);
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        for (own, other) in self.first.iter_mut().zip(other.first) {
            let earlier = match (&own, &other) {
                (Some(own), Some(other)) => other.index < own.index,
                (None, Some(_)) => true,
                (_, None) => false,
            };
            if earlier {
                *own = other;
            }
        }
        self.kept.extend(other.kept);
        self.kept.sort_by_key(|finding| (finding.verdict.kind.index(), finding.index));
        let mut run = (usize::MAX, 0);
        self.kept.retain(|finding| {
            let kind = finding.verdict.kind.index();
            run = if run.0 == kind { (kind, run.1 + 1) } else { (kind, 1) };
            run.1 <= MAX_KEPT
        });
    }

    /// The simplest worlds that are wrong in different ways: those kept, shrunk, and of each kind one for each set
    /// of things that go wrong in it. Verdicts are those of the shrunk worlds.
    pub fn distinct(&self, claim: &Claim, evaluate: &mut dyn Evaluate) -> Vec<Finding> {
        let mut distinct: Vec<Finding> = Vec::new();
        let mut judge = Judge::new(claim);
        for finding in &self.kept {
            let kind = finding.verdict.kind;
            let timeline = shrink(claim, &finding.timeline, kind, evaluate);
            let known = distinct.iter().any(|other| {
                other.verdict.kind == kind && other.timeline.ingredients() == timeline.ingredients()
            });
            if known {
                continue;
            }
            let (run, notices) = evaluate.run(&timeline);
            let verdict = judge.judge(&timeline, run, notices).iter().find(|v| v.kind == kind).cloned();
            let verdict = verdict.unwrap_or_else(|| finding.verdict.clone());
            distinct.push(Finding { index: finding.index, verdict, timeline });
        }
        distinct
    }
}

/// Tries the worlds of a range of numbers.
///
/// `progress` is told now and then how many worlds more were tried, and may end the search. Whoever has several
/// cores gives each a range of its own, and merges what they find.
pub fn search(
    claim: &Claim,
    worlds: &dyn Worlds,
    range: Range<u64>,
    evaluate: &mut dyn Evaluate,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Findings {
    let mut judge = Judge::new(claim);
    let mut timeline = worlds.blank();
    let mut findings = Findings::default();
    let mut told = 0;
    for index in range {
        worlds.fill(index, &mut timeline);
        let (run, notices) = evaluate.run(&timeline);
        let verdicts = judge.judge(&timeline, run, notices);
        let mut seen = [false; VerdictKind::ALL.len()];
        for verdict in verdicts {
            let kind = verdict.kind.index();
            if !std::mem::replace(&mut seen[kind], true) {
                findings.counts[kind] += 1;
                if findings.counts[kind] <= MAX_KEPT as u64 {
                    let (verdict, timeline) = (verdict.clone(), timeline.clone());
                    let finding = Finding { index, verdict, timeline };
                    findings.first[kind].get_or_insert_with(|| finding.clone());
                    findings.kept.push(finding);
                }
            }
        }
        findings.worlds += 1;
        findings.violated += u64::from(judge.violations().any(|(_, _, must)| must));
        if findings.worlds - told == WORLDS_BETWEEN_REPORTS {
            told = findings.worlds;
            if progress(WORLDS_BETWEEN_REPORTS).is_break() {
                break;
            }
        }
    }
    let _ended = progress(findings.worlds - told);
    findings.worst_detection = judge.worst_detection();
    findings.kept.sort_by_key(|finding| (finding.verdict.kind.index(), finding.index));
    findings
}
