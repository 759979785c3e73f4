//! What was found, for programs.

use assurance_prover::judge::VerdictKind;
use assurance_prover::search::Findings;
use serde_json::{Value, json};

use super::Rules;
use super::load::Loaded;
use super::text::Reported;

#[expect(clippy::print_stdout, reason = "it is what was asked for")]
pub(super) fn print(args: &Rules, loaded: &Loaded, reports: &[Reported<'_>]) {
    let document = json!({
        "v": 1,
        "seed": args.seed,
        "contract": if loaded.is_assumed { "assumed" } else { "given" },
        "holds": reports.iter().all(|(_, report, _)| !report.kinds().any(|kind| args.denies(kind))),
        "claims": reports.iter().map(claim).collect::<Vec<_>>(),
    });
    println!("{document:#}");
}

fn claim((claim, report, saved): &Reported<'_>) -> Value {
    let counterexamples = report.counterexamples.iter().enumerate().map(|(index, counterexample)| {
        let verdict = &counterexample.verdict;
        let file = saved.get(index);
        json!({
            "verdict": verdict.kind.as_str(),
            "at_ms": verdict.at,
            "due_ms": verdict.due,
            "came_ms": verdict.came,
            "why": verdict.why,
            "timeline": counterexample.timeline.to_string(),
            "drawing": counterexample.drawing(claim),
            "file": file.and_then(|file| file.as_ref().ok()).map(|path| path.to_string_lossy()),
            "no_file": file.and_then(|file| file.as_ref().err()),
        })
    });
    json!({
        "id": claim.intent.id,
        "alert": claim.intent.alert,
        "random": findings(&report.random),
        "exhaustive": report.exhaustive.as_ref().map(|(scope, found)| {
            let mut value = findings(found);
            value["scope"] = scope.clone().into();
            value
        }),
        "compared_with_pipeline": report.compared,
        "counterexamples": counterexamples.collect::<Vec<_>>(),
    })
}

fn findings(findings: &Findings) -> Value {
    let counts = VerdictKind::ALL.into_iter().map(|kind| (kind.as_str(), findings.counts[kind.index()]));
    let counts: serde_json::Map<String, Value> =
        counts.filter(|(_, count)| *count > 0).map(|(kind, count)| (kind.to_owned(), count.into())).collect();
    json!({
        "timelines": findings.worlds,
        "with_violation": findings.violated,
        "verdicts": counts,
        "worst_detection_ms": findings.worst_detection.map(assurance_metrics_model::Duration::as_millis),
    })
}
