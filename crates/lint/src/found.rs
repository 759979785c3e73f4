use std::collections::BTreeMap;
use std::ops::Range;

use assurance_diagnostics::{Diagnostic, Severity, Source};

use crate::subject::Subject;
use crate::{Check, Finding};

/// Findings that are shown. Nobody reads five thousand, and each costs a walk through its file to count the lines:
/// of 10 MiB that is some five seconds in all.
pub(crate) const MAX_FINDINGS: usize = 5_000;

/// Collects findings.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) findings: Vec<Finding>,
    /// How many more there are, by severity.
    pub(crate) more: BTreeMap<Severity, usize>,
}

/// What to say beside the message.
#[derive(Debug, Default)]
pub(crate) struct Words {
    pub(crate) message: String,
    pub(crate) label: String,
    pub(crate) help: String,
}

/// A message, the words at the carets, and what to do in this case; empty ones are left out, and an empty help
/// is the check's remedy.
pub(crate) fn words(message: impl Into<String>, label: impl Into<String>, help: impl Into<String>) -> Words {
    Words { message: message.into(), label: label.into(), help: help.into() }
}

impl Found {
    pub(crate) fn push(
        &mut self,
        check: &'static Check,
        source: &Source,
        span: Option<Range<usize>>,
        words: Words,
    ) {
        if self.is_full(check) {
            return;
        }
        let diagnostic = diagnostic(check, source, span, words);
        self.findings.push(Finding { check, diagnostic, rule: None });
    }

    fn is_full(&mut self, check: &Check) -> bool {
        let full = self.findings.len() >= MAX_FINDINGS;
        if full {
            *self.more.entry(check.severity).or_default() += 1;
        }
        full
    }

    /// A finding about a rule.
    pub(crate) fn rule(
        &mut self,
        check: &'static Check,
        subject: &Subject<'_>,
        span: Option<Range<usize>>,
        words: Words,
    ) {
        if self.is_full(check) {
            return;
        }
        let diagnostic = diagnostic(check, subject.source, span.or_else(|| subject.name()), words);
        let rule = Some(subject.rule.name().into());
        // The same thing may be said of two parts of an expression; once a place is enough.
        let again = |f: &Finding| f.check == check && f.diagnostic == diagnostic;
        if !self.findings.iter().rev().take_while(|f| f.rule == rule).any(again) {
            self.findings.push(Finding { check, diagnostic, rule });
        }
    }
}

fn diagnostic(
    check: &'static Check,
    source: &Source,
    span: Option<Range<usize>>,
    words: Words,
) -> Diagnostic {
    let mut found = Diagnostic::new(check.severity, source, span, words.message).with_code(check.id);
    if !words.label.is_empty() {
        found = found.with_label(words.label);
    }
    found.with_help(if words.help.is_empty() { check.remedy.to_owned() } else { words.help })
}
