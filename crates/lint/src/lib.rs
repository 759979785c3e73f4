//! What is wrong with alerting rules, their routing and their runbooks, told before they run.
//!
//! **In scope:** rule files together with what stands around them: the scrape configuration, the metric contract,
//! the Alertmanager configuration, runbooks, unit tests, intents. Every kind of finding is a [`Check`] with a
//! stable name, a reason, a remedy, and an example of each ([`checks`]).
//!
//! **Out of scope:** reading files (the edge does), asking a running server, and time: what a rule does over time
//! is shown by its unit tests and its proofs.
//!
//! ```
//! use assurance_diagnostics::Source;
//! use assurance_lint::{Input, lint};
//!
//! let mut input = Input::default();
//! input.rules.push(Source::new("rules.yml", r#"
//! groups:
//! - name: orders
//!   rules:
//!   - alert: OrdersFailing
//!     expr: increase(orders_failed_total[1h]) > 5
//!     labels: {severity: critical}
//!     annotations: {summary: Orders fail, runbook_url: https://wiki/runbook}
//! "#));
//! let report = lint(&input);
//! assert_eq!(report.findings[0].check.id, "threshold/extrapolated");
//! ```
//!
//! A finding is let pass by `# lint ignore <check>: <reason>` above a rule, inside of it or at the end of its line,
//! or by `# lint file ignore <check>: <reason>` anywhere in its file. The reason is required, and a comment that
//! lets nothing pass is a finding itself.
//!
//! **Invariants.** The same texts give the same report. Nothing is opened, no clock is read. A file that cannot
//! be read is a finding, and the others are looked at all the same.

mod catalog;
mod check;
mod checks;
mod claim;
mod flow;
mod found;
mod ignore;
mod links;
mod measure;
mod read;
mod subject;
mod tree;
mod world;

use assurance_diagnostics::{Severity, Source};
use assurance_policy::MetricContract;

pub use catalog::{checks, find, shared_files};
pub use check::{Check, Example, Finding, Ignored, Report};

use checks::Bench;
use found::{Found, words};
use links::Page;
use subject::File;
use world::World;

/// Which of the contract's two sides is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// What the sources promise.
    #[default]
    Promised,
    /// What they did before the contract.
    Original,
}

/// The files to look at. What is `None` is not known, and checks that need it are not made.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// Rule files.
    pub rules: Vec<Source>,
    /// `prometheus.yml`.
    pub prometheus: Option<Source>,
    /// The metric contract.
    pub contract: Option<Source>,
    /// Which side of the contract.
    pub side: Side,
    /// `alertmanager.yml`.
    pub notify: Option<Source>,
    /// The escalation file, which stands beside it.
    pub escalation: Option<Source>,
    /// Markdown files, by path.
    pub runbooks: Option<Vec<Source>>,
    /// What the alerts are to catch.
    pub intents: Option<Source>,
    /// Unit tests, in promtool's format.
    pub tests: Option<Vec<Source>>,
}

/// Looks at files.
pub fn lint(input: &Input) -> Report {
    let mut found = Found::default();
    let mut files = Vec::new();
    for source in &input.rules {
        match File::read(source) {
            Ok(file) => files.push(file),
            Err(problems) => found.refused(source, problems),
        }
    }
    let config = input.prometheus.as_ref();
    let config = config.and_then(|source| found.read(source, |source| assurance_config::load(source, "")));
    let contract = input.contract.as_ref().and_then(|source| match MetricContract::parse(source) {
        Ok(contract) if input.side == Side::Original => Some(contract.as_original()),
        Ok(contract) => Some(contract),
        Err(problem) => {
            found.refused(source, vec![problem]);
            None
        }
    });
    let world = World::new(&files, config.as_ref(), contract.as_ref());
    let pages = input.runbooks.as_ref().map(|sources| sources.iter().map(Page::read).collect::<Vec<_>>());
    let subjects: Vec<_> = files.iter().flat_map(File::subjects).collect();
    let bench = Bench { input, world: &world, subjects: &subjects, pages: pages.as_deref() };
    checks::all(&bench, &mut found);
    for file in &files {
        found.odd(&file.source, &file.warnings);
    }
    if let (Some(source), Some(config)) = (&input.prometheus, &config) {
        found.odd(source, &config.warnings);
    }
    let single = [&input.prometheus, &input.contract, &input.notify, &input.escalation, &input.intents];
    let sources: Vec<&Source> = input.rules.iter().chain(single.into_iter().flatten()).collect();
    let rules = subjects.len();
    let mut report = ignore::apply(found, &sources, &files);
    report.rules = rules;
    let place = |f: &Finding| f.diagnostic.span.as_ref().map_or(0, |span| span.start);
    let order = |f: &Finding| {
        let file = sources.iter().position(|s| *s.name() == *f.diagnostic.file).unwrap_or(sources.len());
        (file, f.diagnostic.file.clone(), place(f), f.check.id)
    };
    report.findings.sort_by_key(order);
    report.ignored.sort_by_key(|ignored| order(&ignored.finding));
    report
}

impl Found {
    /// What the readers refuse.
    pub(crate) fn refused(&mut self, source: &Source, problems: Vec<assurance_diagnostics::Diagnostic>) {
        for problem in problems {
            let check: &'static Check = match problem.severity {
                Severity::Error => &catalog::FILE_REFUSED,
                Severity::Warning | Severity::Info => &catalog::FILE_ODD,
            };
            let label = problem.label.as_deref().unwrap_or_default();
            let help = problem.help.as_deref().unwrap_or_default();
            self.push(check, source, problem.span.clone(), words(&*problem.message, label, help));
        }
    }

    /// What the readers find odd, where no check says it better.
    pub(crate) fn odd(&mut self, source: &Source, problems: &[assurance_diagnostics::Diagnostic]) {
        for problem in problems {
            let said = |f: &Finding| {
                f.diagnostic.file == problem.file
                    && f.diagnostic.span.as_ref().map(|s| s.start) == problem.span.as_ref().map(|s| s.start)
            };
            if problem.code == Some(assurance_rules::DUPLICATE_RULES) || self.findings.iter().any(said) {
                continue;
            }
            self.refused(source, vec![problem.clone()]);
        }
    }
}
