//! docs/reference/conformance.md: scores, and why what fails fails.

use std::fmt::Write as _;

use assurance_promqltest::Failure;

use crate::Report;
use crate::table::{Score, scores};

const INTRODUCTION: &str = "\
# Conformance of PromQL

The query engine over the evaluator's own store, measured with scripts of Prometheus's own tests (main branch of
August 2026). `values` counts evaluations that give the right result, as an instant query also in the middle of a
range query, or the right error. `strict` counts those whose warnings and infos are right as well, to the letter.
An evaluation counts for the first class it belongs to; `xtask/src/conformance/class.rs` says how that is decided.

Written by `cargo xtask conformance DIR --write-doc`, with the folder of the scripts for `DIR`.
";

/// The page.
///
/// # Errors
/// If something fails without a cause that is told.
pub(crate) fn page(reports: &[Report], causes: &[(&str, &str)]) -> Result<String, String> {
    let (files, classes, total) = scores(reports);
    let mut out = INTRODUCTION.to_owned();
    table(&mut out, "class", &classes, total);
    table(&mut out, "file", &files, total);
    let failed: Vec<&Failure> = reports
        .iter()
        .flat_map(|report| {
            let evals =
                report.outcome.verdicts.iter().filter_map(|v| v.values.as_ref().or(v.annotations.as_ref()));
            report.outcome.loads.iter().chain(evals)
        })
        .collect();
    out.push_str("\n## What fails, and why\n\n");
    if failed.is_empty() {
        out.push_str("Nothing.\n");
        return Ok(out);
    }
    let mut explained: Vec<(&str, Vec<&Failure>)> = Vec::new();
    let mut unexplained = Vec::new();
    for failure in failed {
        let whole = format!("{}:{}: {}: {}", failure.file, failure.line, failure.what, failure.reason);
        let Some((_, cause)) = causes.iter().find(|(part, _)| whole.contains(part)) else {
            unexplained.push(whole);
            continue;
        };
        match explained.iter_mut().find(|(known, _)| known == cause) {
            Some((_, failures)) => failures.push(failure),
            None => explained.push((cause, vec![failure])),
        }
    }
    for (n, (cause, failures)) in explained.iter().enumerate() {
        let gap = if n == 0 { "" } else { "\n" };
        // Writing to a String cannot fail.
        let _infallible = writeln!(out, "{gap}{cause}\n");
        for failure in failures {
            let _infallible = writeln!(out, "- {}:{} {}", failure.file, failure.line, code(&failure.what));
        }
    }
    if unexplained.is_empty() {
        return Ok(out);
    }
    Err(format!(
        "these fail for no reason that xtask/src/conformance/causes.rs tells, so the page is not written:\n{}",
        unexplained.join("\n")
    ))
}

/// As code within a line, whatever quotes it has.
fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

fn table(out: &mut String, title: &str, rows: &[(String, Score)], total: Score) {
    // Writing to a String cannot fail.
    let _infallible =
        writeln!(out, "\n| {title} | evaluations | values | strict |\n| --- | ---: | ---: | ---: |");
    for (name, score) in rows.iter().map(|(n, s)| (n.as_str(), *s)).chain([("all", total)]) {
        let _infallible = writeln!(out, "| {name} | {} | {} | {} |", score.evals, score.values, score.strict);
    }
}
