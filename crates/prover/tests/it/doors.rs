//! The doors of a plant: rules with flaws, the same repaired, and what both promise.

use assurance_diagnostics::Source;
use assurance_policy::MetricContract;
use assurance_policy::intents::Intents;
use assurance_prover::claim::{Claim, CounterBirth};
use assurance_prover::fast::Engine;
use assurance_prover::judge::{Judge, Verdict};
use assurance_prover::timeline::Timeline;
use assurance_rules::{Group, RuleFile};

const CONTRACT: &str = include_str!("../../../../fixtures/prover/contract.yml");
const INTENTS: &str = include_str!("../../../../fixtures/prover/intents.yml");
const FLAWED: &str = include_str!("../../../../fixtures/prover/rules.yml");
const REPAIRED: &str = include_str!("../../../../fixtures/prover/repaired.yml");

pub(crate) fn contract() -> MetricContract {
    MetricContract::parse(&Source::new("contract.yml", CONTRACT)).unwrap()
}

pub(crate) fn intents() -> Intents {
    Intents::parse(&Source::new("intents.yml", INTENTS)).unwrap()
}

pub(crate) fn groups(text: &str) -> Vec<Group> {
    RuleFile::parse(&Source::new("rules.yml", text)).unwrap().groups
}

/// An intent against the flawed rules, in the world before the contract, as Prometheus scrapes it.
pub(crate) fn flawed(id: &str) -> Claim {
    let intents = intents();
    let intent = intents.intent(id).unwrap();
    Claim::new(intent, &intents.environment, &groups(FLAWED), &contract().as_original())
        .unwrap()
        .with_birth(CounterBirth::Unknown)
}

/// An intent against the repaired rules, under the contract.
pub(crate) fn repaired(id: &str) -> Claim {
    let intents = intents();
    let intent = intents.intent(id).unwrap();
    Claim::new(intent, &intents.environment, &groups(REPAIRED), &contract()).unwrap()
}

/// An intent and rules of a test's own, under the contract.
pub(crate) fn own(intent: &str, rules: &str) -> Claim {
    let text = format!("version: 1\nintents:\n- {intent}\n");
    let intents = Intents::parse(&Source::new("intents.yml", text)).unwrap_or_else(|flaw| panic!("{flaw}"));
    let text = format!("groups:\n- name: own\n  interval: 30s\n  rules:\n  - {rules}\n");
    Claim::new(&intents.intents[0], &intents.environment, &groups(&text), &contract()).unwrap()
}

/// A world of facts, scraped and evaluated every 30 s, and what is wrong in it.
pub(crate) fn judged(claim: &Claim, facts: &str) -> Vec<Verdict> {
    let facts = facts.replace("; ", "\n");
    let text = format!("timeline 1\nscrape 30s +0s\neval 30s +10s\n{facts}\n");
    let timeline = claim.adopt(&Timeline::parse(&text).unwrap_or_else(|error| panic!("{error}")));
    let mut engine = Engine::new(claim);
    Judge::new(claim).judge(&timeline, engine.run(&timeline), None).to_vec()
}

/// As [`judged`], as text.
pub(crate) fn told(claim: &Claim, facts: &str) -> String {
    let verdicts: Vec<String> = judged(claim, facts).iter().map(ToString::to_string).collect();
    if verdicts.is_empty() { "kept".to_owned() } else { verdicts.join("; ") }
}
