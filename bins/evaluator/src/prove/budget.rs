//! `prove budget`: what the configuration allows, beside what was found.

use std::process::ExitCode;

use assurance_metrics_model::Duration;
use assurance_prover::budget::{Budget, budget};
use assurance_prover::claim::Claim;
use assurance_prover::generate::Generator;
use assurance_prover::search::{Findings, Seeded};
use serde_json::{Value, json};

use super::Rules;
use super::hunt::on_all_cores;
use super::load::Loaded;
use crate::args::Output;
use crate::exit;
use crate::wire::fail;

/// One line of the table.
struct Line<'a> {
    claim: &'a Claim,
    budget: Budget,
    found: Findings,
}

impl Line<'_> {
    /// Whether more is promised than the configuration can keep.
    fn is_broken(&self) -> bool {
        self.claim.intent.detect_within < self.budget.worst
    }
}

pub(super) fn run(args: &Rules, loaded: &Loaded) -> ExitCode {
    let mut lines = Vec::with_capacity(loaded.claims.len());
    for claim in &loaded.claims {
        let generator = Generator::new(claim);
        let seeded = Seeded { generator: &generator, seed: args.seed };
        let name = claim.intent.id.as_str();
        match on_all_cores(args.cores(), loaded, claim, &seeded, args.timelines, name) {
            Ok(found) => lines.push(Line { claim, budget: budget(claim), found }),
            Err(reason) => return fail(exit::FINDINGS, &reason),
        }
    }
    match args.output {
        Output::Text => tell(&lines),
        Output::Json => print(&lines),
    }
    if lines.iter().any(Line::is_broken) { ExitCode::from(exit::FINDINGS) } else { ExitCode::SUCCESS }
}

#[expect(clippy::print_stdout, reason = "it is the result")]
fn tell(lines: &[Line<'_>]) {
    println!(
        "{:<16} {:>8} {:>8} {:>9} {:>9} {:>10} {:>10}  ",
        "intent", "best", "worst", "found", "promised", "per lost", "to notify"
    );
    for line in lines {
        let Line { claim, budget, found } = line;
        let or_none = |duration: Option<Duration>| duration.map_or("-".to_owned(), |d| d.to_string());
        let mut notes = Vec::new();
        if line.is_broken() {
            notes.push("promises more than scrape, evaluation and `for` allow".to_owned());
        }
        if budget.restarts {
            notes.push("a lost scrape begins `for` anew".to_owned());
        }
        let row = format!(
            "{:<16} {:>8} {:>8} {:>9} {:>9} {:>10} {:>10}  {}",
            claim.intent.id,
            budget.best.to_string(),
            budget.worst.to_string(),
            or_none(found.worst_detection),
            claim.intent.detect_within.to_string(),
            budget.lost_scrape.to_string(),
            or_none(budget.wait),
            notes.join("; ")
        );
        println!("{}", row.trim_end());
    }
}

#[expect(clippy::print_stdout, reason = "it is the result")]
fn print(lines: &[Line<'_>]) {
    let millis = |duration: Option<Duration>| duration.map(Duration::as_millis);
    let line = |line: &Line<'_>| -> Value {
        json!({
            "id": line.claim.intent.id,
            "alert": line.claim.intent.alert,
            "best_ms": line.budget.best.as_millis(),
            "worst_ms": line.budget.worst.as_millis(),
            "found_ms": millis(line.found.worst_detection),
            "promised_ms": line.claim.intent.detect_within.as_millis(),
            "per_lost_scrape_ms": line.budget.lost_scrape.as_millis(),
            "per_skipped_evaluation_ms": line.budget.skipped_evaluation.as_millis(),
            "notification_wait_ms": millis(line.budget.wait),
            "lost_scrape_restarts_for": line.budget.restarts,
            "keepable": !line.is_broken(),
        })
    };
    println!("{:#}", json!({ "v": 1, "alerts": lines.iter().map(line).collect::<Vec<_>>() }));
}
