//! What becomes of mutants.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use assurance_policy::MetricContract;
use assurance_policy::intents::{Environment, Intent};
use assurance_rules::{AlertingRule, Group, Rule};

use super::Mutant;
use crate::claim::{Claim, CounterBirth, Routing};
use crate::fast::Engine;
use crate::generate::Generator;
use crate::judge::VerdictKind;
use crate::replay::{FullPath, firings};
use crate::search::{Evaluate, Seeded, search};

/// Worlds between two looks at whether a mutant has been noticed: most are within the first few.
const LOOK_AFTER: u64 = 200;

/// Whether unit tests notice that a rule file, by its name, has another text: what they say, if so.
pub type Tests<'a> = dyn Fn(&str, &str) -> Option<String> + Sync + 'a;

/// What mutants are tried with.
#[expect(missing_debug_implementations, reason = "the tests are a function")]
pub struct Trial<'a> {
    /// What the alerts promise.
    pub intents: &'a [Intent],
    /// In which world.
    pub environment: &'a Environment,
    /// All rules.
    pub groups: &'a [Group],
    /// The metrics.
    pub contract: &'a MetricContract,
    /// What is taken of counters that appear.
    pub birth: CounterBirth,
    /// Who is notified.
    pub routing: Option<Routing>,
    /// Random worlds of each intent.
    pub worlds: u64,
    /// Their seed.
    pub seed: u64,
    /// The unit tests of the rules.
    pub tests: &'a Tests<'a>,
}

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// Something notices it.
    Noticed {
        /// What.
        by: String,
    },
    /// Alerts fire otherwise, and nothing minds.
    Survived,
    /// Alerts fire as they do without it, in every world that was tried.
    Equivalent,
}

/// The original rules, as far as trials need them again and again.
#[expect(missing_debug_implementations, reason = "the tests are a function")]
pub struct Baseline<'a> {
    trial: &'a Trial<'a>,
    /// Of each intent, kinds of verdicts that the rules themselves give.
    given: Vec<BTreeSet<VerdictKind>>,
}

impl<'a> Baseline<'a> {
    /// Tries the rules as they are.
    pub fn of(trial: &'a Trial<'a>) -> Self {
        let given = trial.intents.iter().map(|intent| {
            let claim = trial.claim(intent, trial.groups);
            let kinds = claim.map(|claim| trial.kinds(&claim, trial.groups, &BTreeSet::new()));
            kinds.unwrap_or_default()
        });
        Self { given: given.collect(), trial }
    }

    /// What becomes of a mutant of a rule, named by the indices of its group and its own.
    pub fn weigh(&self, group: usize, rule: usize, mutant: &Mutant) -> Fate {
        let trial = self.trial;
        let mut groups = trial.groups.to_vec();
        groups[group].rules[rule] = Rule::Alerting(mutant.rule.clone());
        let intents = trial.intents.iter().zip(&self.given);
        let about: Vec<_> = intents.filter(|(intent, _)| intent.alert == mutant.rule.alert).collect();
        for (intent, given) in &about {
            let Some(claim) = trial.claim(intent, &groups) else {
                return Fate::Noticed { by: format!("{}: no rule keeps it any more", intent.id) };
            };
            let found = trial.kinds(&claim, &groups, given);
            if let Some(kind) = found.difference(given).next() {
                return Fate::Noticed { by: format!("{}: {kind}", intent.id) };
            }
        }
        let file = groups[group].file.clone();
        let of_file: Vec<Group> = groups.iter().filter(|other| other.file == file).cloned().collect();
        if let Some(said) = (trial.tests)(&file, &super::rule_file(&of_file)) {
            return Fate::Noticed { by: said };
        }
        let differs = about.iter().any(|(intent, _)| trial.differs(intent, &groups));
        match differs || about.is_empty() || changes_words(trial.groups, group, rule, mutant) {
            true => Fate::Survived,
            false => Fate::Equivalent,
        }
    }
}

/// Whether the mutant's alerts have other labels: they are never the same alerts.
fn changes_words(groups: &[Group], group: usize, rule: usize, mutant: &Mutant) -> bool {
    matches!(&groups[group].rules[rule], Rule::Alerting(AlertingRule { labels, .. }) if *labels != mutant.rule.labels)
}

impl Trial<'_> {
    fn claim(&self, intent: &Intent, groups: &[Group]) -> Option<Claim> {
        let claim = Claim::new(intent, self.environment, groups, self.contract).ok()?.with_birth(self.birth);
        Some(match &self.routing {
            Some(routing) => claim.with_routing(routing.clone()),
            None => claim,
        })
    }

    /// Kinds of counterexamples; the search ends with the first that is not among those that are known.
    fn kinds(&self, claim: &Claim, groups: &[Group], known: &BTreeSet<VerdictKind>) -> BTreeSet<VerdictKind> {
        let ends_early = !known.is_empty() || !std::ptr::eq(groups, self.groups);
        let generator = Generator::new(claim);
        let seeded = Seeded { generator: &generator, seed: self.seed };
        let mut path = path(claim, groups);
        let mut kinds = BTreeSet::new();
        let mut from = 0;
        while from < self.worlds {
            let until = (from + LOOK_AFTER).min(self.worlds);
            let found = search(claim, &seeded, from..until, &mut *path, &mut |_| ControlFlow::Continue(()));
            let all = VerdictKind::ALL.into_iter().filter(|kind| found.counts[kind.index()] > 0);
            kinds.extend(all.filter(|kind| kind.is_counterexample()));
            if ends_early && kinds.iter().any(|kind| !known.contains(kind)) {
                break;
            }
            from = until;
        }
        kinds
    }

    /// Whether alerts fire otherwise under other rules.
    fn differs(&self, intent: &Intent, groups: &[Group]) -> bool {
        let (Some(own), Some(other)) = (self.claim(intent, self.groups), self.claim(intent, groups)) else {
            return true;
        };
        let generator = Generator::new(&own);
        let (mut first, mut second) = (path(&own, self.groups), path(&other, groups));
        (0..self.worlds).any(|index| {
            let timeline = generator.timeline(self.seed, index);
            let theirs = firings(second.run(&other.adopt(&timeline)).0);
            firings(first.run(&timeline).0) != theirs
        })
    }
}

fn path<'c>(claim: &'c Claim, groups: &[Group]) -> Box<dyn Evaluate + 'c> {
    match claim.needs_full {
        None => Box::new(Engine::new(claim)),
        Some(_) => Box::new(FullPath::new(claim, groups)),
    }
}
