//! JUnit XML with promtool's elements and attributes: a suite a file, a case a test. What is not proven stands
//! among the properties, which promtool has none of.

use std::fmt::Write as _;

use assurance_rules::unit_test::Proof;
use assurance_runtime::Clock;

use super::{Broken, Ran};

/// Text as XML takes it, between tags and inside quotes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\n' => out.push_str("&#xA;"),
            '\t' => out.push_str("&#x9;"),
            // XML 1.0 has no way to write the others.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

pub(super) fn document(all: &[Ran]) -> String {
    let now = Clock::system().now().to_string();
    let now = now.split(['.', 'Z']).next().unwrap_or_default();
    let mut out = String::from("<testsuites>");
    for ran in all {
        // Writing to a string cannot fail.
        let _infallible = suite(&mut out, ran, now);
    }
    out.push_str("</testsuites>");
    out
}

/// Rules that the tests of a file do not prove, each as a property of its suite.
fn properties(out: &mut String, ran: &Ran) -> std::fmt::Result {
    let Ok(report) = &ran.outcome else { return Ok(()) };
    let mut unproven = report.proofs.iter().filter(|rule| rule.proof != Proof::Proven).peekable();
    if unproven.peek().is_none() {
        return Ok(());
    }
    out.push_str("<properties>");
    for rule in unproven {
        let what = format!("{}:{} {}: {}", rule.rule.file, rule.line, rule.rule.rule, rule.proof.as_str());
        write!(out, r#"<property name="not proven" value="{}"></property>"#, escape(&what))?;
    }
    out.push_str("</properties>");
    Ok(())
}

fn suite(out: &mut String, ran: &Ran, now: &str) -> std::fmt::Result {
    let tests = ran.outcome.as_ref().map_or(&[] as &[_], |report| &report.tests);
    let failures: usize = tests.iter().map(|test| test.failures.len()).sum();
    let errors = usize::from(ran.outcome.is_err());
    write!(
        out,
        r#"<testsuite name="{}" tests="{}" failures="{failures}" errors="{errors}" skipped="0" timestamp="{now}">"#,
        escape(&ran.file),
        tests.len(),
    )?;
    properties(out, ran)?;
    for test in tests {
        write!(out, r#"<testcase name="{}">"#, escape(&test.name))?;
        for failure in &test.failures {
            write!(out, "<failure>{}</failure>", escape(&failure.to_string()))?;
        }
        out.push_str("</testcase>");
    }
    let reason = match &ran.outcome {
        Ok(_) => None,
        Err(Broken::Unreadable(reason)) => Some(reason.clone()),
        Err(Broken::Wrong(found)) => Some(found.iter().map(ToString::to_string).collect()),
    };
    if let Some(reason) = reason {
        write!(out, r#"<testcase name="abort"><error>{}</error></testcase>"#, escape(&reason))?;
    }
    out.push_str("</testsuite>");
    Ok(())
}
