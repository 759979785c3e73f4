//! `routes test --batch`: cases with what is expected of them.

use std::path::Path;
use std::process::ExitCode;

use assurance_config::{CaseResult, load_cases};
use assurance_diagnostics::Diagnostic;
use assurance_notifier::routing::MutedBy;
use assurance_runtime::setup;
use serde_json::{Value, json};

use super::{Failure, Test, escalation, group, joined, load};
use crate::args::Output;
use crate::exit;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the results are what was asked for")]
pub(super) fn run(args: &Test, file: &Path) -> Result<ExitCode, Failure> {
    let routing = load(&args.config)?.routing;
    let escalation = escalation(args.escalation.as_deref(), &routing)?;
    let source = setup::read_source(file).map_err(|error| (exit::IO, error.to_string()))?;
    let cases = load_cases(&source).map_err(|faults| (exit::CONFIGURATION, joined(&faults)))?;
    let results = cases.run(&routing, &escalation);
    let failed = results.iter().filter(|result| !result.mismatches.is_empty()).count();
    match args.output {
        Output::Text => {
            results.iter().for_each(print);
            let passed = results.len() - failed;
            println!("{} cases: {passed} as expected, {failed} not", results.len());
            for mismatch in results.iter().flat_map(|result| &result.mismatches) {
                eprintln!("{mismatch}");
            }
        }
        Output::Json => {
            let cases: Vec<Value> = results.iter().map(case).collect();
            println!("{:#}", json!({ "v": 1, "passed": failed == 0, "cases": cases }));
        }
    }
    Ok(ExitCode::from(if failed == 0 { 0 } else { exit::FINDINGS }))
}

#[expect(clippy::print_stdout, reason = "the results are what was asked for")]
fn print(result: &CaseResult) {
    let verdict = if result.mismatches.is_empty() { "ok" } else { "FAILED" };
    let routes = result.routes.iter().map(|route| match &route.muted {
        Some(why) => format!("{} ({})", route.receiver, silence(why)),
        None => route.receiver.clone(),
    });
    let mut line = format!("{verdict:6}  {}: {}", result.name, routes.collect::<Vec<_>>().join(", "));
    if let Some(by) = &result.inhibited_by {
        line += &format!("; inhibited by {by}");
    }
    for (after, receiver) in &result.escalation {
        line += &format!("; {receiver} after {after}");
    }
    println!("{line}");
}

fn silence(why: &MutedBy) -> String {
    match why {
        MutedBy::Interval(name) => format!("silent: {name}"),
        MutedBy::NoActiveInterval => "silent: no active interval".to_owned(),
    }
}

fn case(result: &CaseResult) -> Value {
    let routes = result.routes.iter().map(|route| {
        json!({
            "receiver": route.receiver,
            "group": group(&route.group),
            "muted": route.muted.is_some(),
            "muted_by": match &route.muted {
                Some(MutedBy::Interval(name)) => json!(name),
                _ => Value::Null,
            },
        })
    });
    let told = result.escalation.iter();
    let told = told.map(|(after, receiver)| json!({ "after": after.to_string(), "receiver": receiver }));
    json!({
        "name": result.name,
        "passed": result.mismatches.is_empty(),
        "labels": group(&result.labels),
        "receivers": result.routes.iter().map(|route| route.receiver.as_str()).collect::<Vec<_>>(),
        "routes": routes.collect::<Vec<_>>(),
        "inhibited_by": result.inhibited_by.as_ref().map(group),
        "escalation": told.collect::<Vec<_>>(),
        "mismatches": result.mismatches.iter().map(mismatch).collect::<Vec<_>>(),
    })
}

fn mismatch(found: &Diagnostic) -> Value {
    json!({ "message": found.message, "file": &*found.file, "line": found.line(), "column": found.column() })
}
