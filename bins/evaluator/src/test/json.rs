//! The result for programs.

use assurance_diagnostics::Diagnostic;
use assurance_rules::unit_test::{Failure, Report, RuleProof, TestReport};
use serde_json::{Value, json};

use super::{Broken, Coverage, Ran};

#[expect(clippy::print_stdout, reason = "it is what was asked for")]
pub(super) fn print(all: &[Ran], coverage: &Coverage) {
    println!("{:#}", document(all, coverage));
}

fn document(all: &[Ran], coverage: &Coverage) -> Value {
    json!({
        "v": 1,
        "passed": all.iter().all(Ran::passed),
        "files": all.iter().map(file).collect::<Vec<_>>(),
        "coverage": {
            "rules": coverage.rules.len(),
            "proven": coverage.proven(),
            "percent": coverage.percent(),
            "not_proven": coverage.unproven().map(unproven).collect::<Vec<_>>(),
        },
    })
}

fn file(ran: &Ran) -> Value {
    let base = json!({ "file": ran.file, "passed": ran.passed() });
    let more = match &ran.outcome {
        Ok(report) => whole(ran, report),
        Err(Broken::Unreadable(reason)) => json!({ "errors": [{ "message": reason }] }),
        Err(Broken::Wrong(found)) => json!({ "errors": found.iter().map(diagnostic).collect::<Vec<_>>() }),
    };
    match (base, more) {
        (Value::Object(mut base), Value::Object(more)) => {
            base.extend(more);
            Value::Object(base)
        }
        (base, _) => base,
    }
}

fn whole(ran: &Ran, report: &Report) -> Value {
    let own = report.own_intervals.iter();
    let own = own.map(|(group, own)| json!({ "group": group, "interval": own.to_string() }));
    json!({
        "interval": report.interval.to_string(),
        "own_intervals": own.collect::<Vec<_>>(),
        "passes_at_one_interval": ran.passes_as_in_promtool,
        "warnings": report.warnings.iter().map(diagnostic).collect::<Vec<_>>(),
        "tests": report.tests.iter().map(test).collect::<Vec<_>>(),
    })
}

fn test(test: &TestReport) -> Value {
    let mut value = json!({
        "name": test.name,
        "passed": test.failures.is_empty(),
        "checks": test.checks,
        "failures": test.failures.iter().map(failure).collect::<Vec<_>>(),
    });
    if !test.trace.is_empty() {
        value["trace"] = test.trace.clone().into();
    }
    value
}

fn failure(failure: &Failure) -> Value {
    let mut value = diagnostic(&failure.diagnostic);
    value["expected"] = failure.expected.clone().into();
    value["got"] = failure.got.clone().into();
    value
}

fn diagnostic(found: &Diagnostic) -> Value {
    json!({
        "severity": found.severity.as_str(),
        "message": found.message,
        "file": &*found.file,
        "line": found.line(),
        "column": found.column(),
        "help": found.help,
    })
}

fn unproven(rule: &RuleProof) -> Value {
    json!({
        "file": &*rule.rule.file,
        "line": rule.line,
        "group": &*rule.rule.group,
        "rule": &*rule.rule.rule,
        "type": if rule.alerting { "alerting" } else { "recording" },
        "reason": rule.proof.as_str(),
    })
}
