use std::collections::BTreeMap;
use std::fmt;

use assurance_diagnostics::{Diagnostic, Severity};

/// Files by name, as they are shown in the reference and run by the tests. The name says what a file is:
/// `rules.yml`, `prometheus.yml`, `contract.yml`, `alertmanager.yml`, `rules_test.yml`, `intents.yml`; what ends in `.md` is
/// a runbook.
pub type Example = &'static [(&'static str, &'static str)];

/// One kind of finding.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// Its name, `area/what`. It never changes and is never used for something else.
    pub id: &'static str,
    /// How bad its findings are.
    pub severity: Severity,
    /// What it finds, in one line.
    pub title: &'static str,
    /// Why that is bad.
    pub why: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// Files that have exactly this finding.
    pub bad: Example,
    /// The same files without it.
    pub good: Example,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The kind.
    pub check: &'static Check,
    /// Where and what.
    pub diagnostic: Diagnostic,
    /// The alert or recorded metric that it is about.
    pub rule: Option<Box<str>>,
}

/// A finding that somebody chose to live with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ignored {
    /// The finding.
    pub finding: Finding,
    /// Why it is let pass, as the comment says.
    pub reason: Box<str>,
}

/// What a run found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// What is wrong, by file and place.
    pub findings: Vec<Finding>,
    /// What is wrong and was let pass.
    pub ignored: Vec<Ignored>,
    /// How many more were found than are kept here, by severity: the first 5,000 are.
    pub more: BTreeMap<Severity, usize>,
    /// Rules that were looked at.
    pub rules: usize,
}

impl Report {
    /// How many findings are of a severity, those that are not kept among them.
    pub fn count(&self, severity: Severity) -> usize {
        let kept = self.findings.iter().filter(|finding| finding.check.severity == severity).count();
        kept + self.more.get(&severity).copied().unwrap_or(0)
    }
}

/// Every finding, and a line that counts them.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{}", finding.diagnostic)?;
        }
        let more: usize = self.more.values().sum();
        if more > 0 {
            writeln!(f, "and {more} more that are not shown\n")?;
        }
        let number =
            |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        writeln!(
            f,
            "{}: {}, {}, {}, {} ignored with a reason",
            number(self.rules, "rule"),
            number(self.count(Severity::Error), "error"),
            number(self.count(Severity::Warning), "warning"),
            number(self.count(Severity::Info), "remark"),
            self.ignored.len()
        )
    }
}
