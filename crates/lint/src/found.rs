use std::ops::Range;

use assurance_diagnostics::{Diagnostic, Source};

use crate::subject::Subject;
use crate::{Check, Finding};

/// Collects findings.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) findings: Vec<Finding>,
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
        let diagnostic = diagnostic(check, source, span, words);
        self.findings.push(Finding { check, diagnostic, rule: None });
    }

    /// A finding about a rule.
    pub(crate) fn rule(
        &mut self,
        check: &'static Check,
        subject: &Subject<'_>,
        span: Option<Range<usize>>,
        words: Words,
    ) {
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
