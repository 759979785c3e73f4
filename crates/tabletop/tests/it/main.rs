//! Scenarios as they are read and refused, rehearsed and reported.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails, in helper functions too")]

mod faults;
mod mutations;
mod rehearsals;
mod reports;

use assurance_diagnostics::{Diagnostic, Source};
use assurance_policy::Pack;
use assurance_tabletop::{Report, Scenario, rehearse, scenarios};

fn pack() -> Pack {
    assurance_policy::pack().unwrap()
}

fn parse(text: &str) -> Result<Scenario, Vec<Diagnostic>> {
    Scenario::parse(&Source::new("scenario.yml", text), &pack())
}

fn text(id: &str) -> &'static str {
    let file = format!("{id}.yml");
    scenarios().iter().find(|(name, _)| *name == file).unwrap().1
}

fn scenario(id: &str) -> Scenario {
    parse(text(id)).unwrap_or_else(|flaws| panic!("{}", flaws[0]))
}

fn run(scenario: &Scenario, pack: &Pack, seed: u64) -> Report {
    rehearse(scenario, pack, seed).unwrap()
}

fn failing(report: &Report) -> Vec<&str> {
    report.failures().map(|checked| checked.text.as_str()).collect()
}
