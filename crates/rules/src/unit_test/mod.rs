//! promtool's unit tests of rules, run by the engine that evaluates the rules in earnest.
//!
//! The format is that of `promtool test rules`. Other than there, a group is evaluated at its own `interval`
//! where it has one, as a server does, unless [`Options::group_intervals`] is off.
//!
//! ```
//! use assurance_diagnostics::Source;
//! use assurance_rules::unit_test::{self, Options};
//!
//! let test = Source::new("rules_test.yml", "\
//! rule_files: [rules.yml]
//! tests:
//! - name: down for two minutes
//!   input_series:
//!   - {series: 'up{job=\"backend\"}', values: '1 0 0 0 0'}
//!   alert_rule_test:
//!   - eval_time: 3m
//!     alertname: BackendDown
//!     exp_alerts: [{exp_labels: {job: backend}}]
//! ");
//! let rules = "groups: [{name: a, rules: [{alert: BackendDown, expr: up == 0, for: 2m}]}]";
//! let load = |name: &str| Ok(vec![Source::new(name, rules)]);
//! let report = unit_test::run(&test, &load, &Options::default()).map_err(|p| p[0].clone())?;
//! assert!(report.passed());
//! # Ok::<(), assurance_diagnostics::Diagnostic>(())
//! ```

mod compare;
mod coverage;
mod diff;
mod history;
mod raw;
mod run;
mod store;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use assurance_diagnostics::yaml::{self, PathSegment};
use assurance_diagnostics::{Diagnostic, Severity, Source};
use assurance_metrics_model::Duration;
use assurance_promql as promql;

use crate::{Group, Reading, RuleFile};
pub use coverage::{Proof, RuleProof};

/// How tests are run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether a group is evaluated at its own `interval`. promtool evaluates all groups at the file's
    /// `evaluation_interval`.
    pub group_intervals: bool,
    /// How expressions are evaluated.
    pub promql: promql::Options,
    /// How rule files are read.
    pub reading: Reading,
    /// Whether what happens is written down, for people to read.
    pub trace: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            group_intervals: true,
            promql: promql::Options::default(),
            reading: Reading::default(),
            trace: false,
        }
    }
}

/// What the tests of one file gave.
#[derive(Clone, Debug)]
pub struct Report {
    /// The file.
    pub file: String,
    /// Its tests, in order.
    pub tests: Vec<TestReport>,
    /// What is odd about the tests or the rule files.
    pub warnings: Vec<Diagnostic>,
    /// How often rules are evaluated, where their group does not say otherwise.
    pub interval: Duration,
    /// Groups that are evaluated at an interval of their own, where promtool takes the file's.
    pub own_intervals: Vec<(String, Duration)>,
    /// What the tests prove of each rule, in the order of the files.
    pub proofs: Vec<RuleProof>,
}

/// What one test gave.
#[derive(Clone, Debug)]
pub struct TestReport {
    /// Its name; where it has none `unnamed#` and its number from 0, as promtool calls it.
    pub name: String,
    /// How many expectations it has.
    pub checks: usize,
    /// Those that were not met, and evaluations that failed.
    pub failures: Vec<Failure>,
    /// What happened, where [`Options::trace`] asks for it: what became of alerts, then all samples.
    pub trace: Vec<String>,
}

/// An expectation that was not met.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// What, and where it stands.
    pub diagnostic: Diagnostic,
    /// What was expected, one line an element.
    pub expected: Vec<String>,
    /// What was got instead.
    pub got: Vec<String>,
}

impl Failure {
    /// As its `Display`, with what is expected and what was got in one list: lines that are only expected
    /// begin with `-`, lines that are only there with `+`.
    pub fn as_diff(&self) -> String {
        let mut out = self.diagnostic.to_string();
        for (sign, line) in diff::lines(&self.expected, &self.got) {
            out.push_str(&format!("  {sign} {line}\n"));
        }
        out
    }

    fn new(diagnostic: Diagnostic) -> Self {
        Self { diagnostic, expected: Vec::new(), got: Vec::new() }
    }
}

impl Report {
    /// Whether all expectations were met.
    pub fn passed(&self) -> bool {
        self.tests.iter().all(|test| test.failures.is_empty())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnostic.fmt(f)?;
        if self.expected.is_empty() && self.got.is_empty() {
            return Ok(());
        }
        for (what, lines) in [("expected", &self.expected), ("got", &self.got)] {
            match lines.as_slice() {
                [] => writeln!(f, "  {what}: nothing")?,
                lines => {
                    writeln!(f, "  {what}:")?;
                    lines.iter().try_for_each(|line| writeln!(f, "    {line}"))?;
                }
            }
        }
        Ok(())
    }
}

/// Runs the tests of a file. `load` gives the files that an entry of `rule_files` stands for, which may be a
/// pattern.
///
/// # Errors
/// If the test file or a rule file cannot be read: all that is wrong with the first that is wrong.
pub fn run(
    source: &Source,
    load: &dyn Fn(&str) -> Result<Vec<Source>, String>,
    options: &Options,
) -> Result<Report, Vec<Diagnostic>> {
    run_some(source, load, options, &|_name| true)
}

/// As [`run`], for those tests whose name is wanted.
///
/// # Errors
/// As [`run`].
pub fn run_some(
    source: &Source,
    load: &dyn Fn(&str) -> Result<Vec<Source>, String>,
    options: &Options,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Report, Vec<Diagnostic>> {
    let file: raw::File = yaml::parse(source).map_err(|found| vec![found])?;
    let mut places = Places { source, found: Vec::new() };
    let mut groups = read_rules(&mut places, &file.rule_files, load, options.reading)?;
    let interval = places
        .duration(&["evaluation_interval".into()], file.evaluation_interval.as_ref())
        .filter(|interval| !interval.is_zero())
        .unwrap_or(Duration::from_minutes(1));
    order(&mut places, &mut groups, &file.group_eval_order);
    check_names(&mut places, &file, &groups);
    let suite = run::Suite { groups: &groups, interval, options, fuzzy: file.fuzzy_compare };
    let mut coverage = coverage::Coverage::new(&groups);
    let mut tests = Vec::new();
    for (index, test) in file.tests.iter().enumerate() {
        let name = test.name.as_ref().map(|n| n.0.clone()).filter(|n| !n.is_empty());
        let name = name.unwrap_or_else(|| format!("unnamed#{index}"));
        if wanted(&name) {
            tests.extend(suite.run(&mut places, &mut coverage, index, name, test));
        }
    }
    if places.found.iter().any(|found| found.severity == Severity::Error) {
        return Err(places.found);
    }
    let proofs = coverage.finish();
    let own = |group: &Group| {
        let own = group.interval.filter(|own| options.group_intervals && *own != interval)?;
        Some((group.name.clone(), own))
    };
    let own_intervals = groups.iter().filter_map(own).collect();
    let file = source.name().to_owned();
    Ok(Report { file, tests, warnings: places.found, interval, own_intervals, proofs })
}

type Load<'a> = &'a dyn Fn(&str) -> Result<Vec<Source>, String>;

fn read_rules(
    places: &mut Places<'_>,
    names: &[String],
    load: Load<'_>,
    reading: Reading,
) -> Result<Vec<Group>, Vec<Diagnostic>> {
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut groups = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let path = ["rule_files".into(), index.into()];
        let sources = match load(name) {
            Ok(sources) => sources,
            Err(reason) => {
                places.error(&path, format!("cannot read rule file {name:?}: {reason}"));
                continue;
            }
        };
        if sources.is_empty() {
            places.warning(&path, format!("no file matches {name:?}"), "paths are relative to this file");
        }
        for rules in &sources {
            // A file that two patterns match is one file.
            if known.insert(rules.name().to_owned()) {
                let read = RuleFile::parse_with(rules, reading)?;
                places.found.extend(read.warnings);
                groups.extend(read.groups);
            }
        }
    }
    Ok(groups)
}

/// An alert that no rule makes is most likely misspelt: expecting that it does not fire proves nothing.
fn check_names(places: &mut Places<'_>, file: &raw::File, groups: &[Group]) {
    let rules = groups.iter().flat_map(|group| &group.rules);
    let alerts: BTreeSet<&str> = rules.filter(|r| r.is_alerting()).map(crate::Rule::name).collect();
    for (index, test) in file.tests.iter().enumerate() {
        for (number, check) in test.alert_rule_test.iter().enumerate() {
            if check.alertname.is_empty() || alerts.contains(check.alertname.as_str()) {
                continue;
            }
            let path =
                ["tests".into(), index.into(), "alert_rule_test".into(), number.into(), "alertname".into()];
            let near = assurance_diagnostics::suggest(&check.alertname, alerts.iter().copied());
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "check `rule_files` and the names of the alerts in them".to_owned(),
            };
            let message =
                format!("no rule makes an alert {:?}, so that nothing is tested here", check.alertname);
            places.warning(&path, message, help);
        }
    }
}

/// Groups named in the order come in that order; promtool puts others on the same level as the first.
fn order(places: &mut Places<'_>, groups: &mut [Group], names: &[String]) {
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            let path = ["group_eval_order".into(), index.into()];
            places.error(&path, format!("group {name:?} stands twice in the order"));
        }
    }
    groups.sort_by_key(|group| names.iter().position(|name| *name == group.name).unwrap_or(0));
}

/// Places in the test file, and what is wrong at them.
struct Places<'a> {
    source: &'a Source,
    found: Vec<Diagnostic>,
}

impl Places<'_> {
    fn at(&self, path: &[PathSegment], message: impl Into<Box<str>>) -> Diagnostic {
        Diagnostic::error(self.source, yaml::locate(self.source, path), message)
    }

    fn error(&mut self, path: &[PathSegment], message: impl Into<Box<str>>) {
        let found = self.at(path, message);
        self.found.push(found);
    }

    fn warning(&mut self, path: &[PathSegment], message: impl Into<Box<str>>, help: impl Into<Box<str>>) {
        let span = yaml::locate(self.source, path);
        self.found.push(Diagnostic::warning(self.source, span, message).with_help(help));
    }

    /// At a part of a text value, or at the whole of it where the part cannot be found.
    fn within(&self, path: &[PathSegment], part: &Range<usize>, message: String) -> Diagnostic {
        let span = yaml::locate_within(self.source, path, part.start, part.len());
        Diagnostic::error(self.source, span.or_else(|| yaml::locate(self.source, path)), message)
    }

    fn duration(&mut self, path: &[PathSegment], text: Option<&crate::file::Text>) -> Option<Duration> {
        let text = text?;
        match text.0.parse() {
            Ok(duration) => Some(duration),
            Err(error) => {
                self.error(path, error.to_string());
                None
            }
        }
    }
}
