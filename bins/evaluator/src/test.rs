//! `test rules`: promtool's unit tests, on the engine that evaluates rules in earnest.
//!
//! Nothing here waits or starts threads: most of what a run costs is the start of the process.

mod json;
mod junit;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use assurance_diagnostics::{Diagnostic, Source};
use assurance_rules::unit_test::{self, Options, Proof, Report, RuleProof};
use assurance_runtime::setup;

use crate::args::{Output, TestRules};
use crate::exit;
use crate::wire::fail;

/// What became of one test file.
struct Ran {
    file: String,
    outcome: Result<Report, Broken>,
    /// Whether it passes with all groups at the file's interval, where it fails with their own.
    passes_as_in_promtool: bool,
}

/// Why a test file could not be run.
enum Broken {
    Unreadable(String),
    Wrong(Vec<Diagnostic>),
}

impl Ran {
    fn passed(&self) -> bool {
        self.outcome.as_ref().is_ok_and(Report::passed)
    }
}

pub(crate) fn run(args: &TestRules) -> ExitCode {
    let wanted = match wanted(&args.run) {
        Ok(wanted) => wanted,
        Err(message) => return fail(exit::CONFIGURATION, &message),
    };
    let is_wanted = |name: &str| wanted.as_ref().is_none_or(|wanted| wanted.is_match(name));
    let mut options = Options { trace: args.debug, ..Options::default() };
    options.group_intervals = !args.ignore_group_intervals;
    options.reading.ignore_unknown_fields = args.ignore_unknown_fields;
    let mut all = Vec::new();
    for file in &args.files {
        let ran = run_file(file, &options, &is_wanted);
        if args.output == Output::Text {
            tell(&ran, args);
        }
        all.push(ran);
    }
    let coverage = Coverage::of(&all);
    match args.output {
        Output::Text => tell_coverage(&coverage),
        Output::Json => json::print(&all, &coverage),
    }
    if let Some(path) = &args.junit
        && let Err(error) = fs_err::write(path, junit::document(&all))
    {
        return fail(exit::IO, &error.to_string());
    }
    if !all.iter().all(Ran::passed) {
        return ExitCode::from(exit::FINDINGS);
    }
    match args.min_coverage {
        Some(least) if coverage.percent() < least => {
            let percent = coverage.percent();
            let message =
                format!("{percent:.1} % of the rules are proven, and --min-coverage wants {least} %");
            fail(exit::FINDINGS, &message)
        }
        _ => ExitCode::SUCCESS,
    }
}

fn wanted(patterns: &[String]) -> Result<Option<regex::Regex>, String> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let joined = patterns.iter().map(|p| format!("(?:{p})")).collect::<Vec<_>>().join("|");
    regex::Regex::new(&joined).map(Some).map_err(|error| format!("--run is no regular expression: {error}"))
}

fn run_file(file: &Path, options: &Options, wanted: &dyn Fn(&str) -> bool) -> Ran {
    let name = file.to_string_lossy().into_owned();
    let source = match setup::read_source(file) {
        Ok(source) => source,
        Err(error) => {
            let outcome = Err(Broken::Unreadable(error.to_string()));
            return Ran { file: name, outcome, passes_as_in_promtool: false };
        }
    };
    let folder = file.parent().unwrap_or(Path::new(""));
    let load = |pattern: &str| load(folder, pattern);
    let run = |options: &Options| unit_test::run_some(&source, &load, options, wanted);
    let outcome = run(options);
    let differs = |report: &Report| !report.passed() && !report.own_intervals.is_empty();
    let passes_as_in_promtool = outcome.as_ref().is_ok_and(differs) && {
        let options = Options { group_intervals: false, trace: false, ..options.clone() };
        run(&options).is_ok_and(|report| report.passed())
    };
    Ran { file: name, outcome: outcome.map_err(Broken::Wrong), passes_as_in_promtool }
}

/// The rule files that an entry of a test file stands for, which may be none.
fn load(folder: &Path, pattern: &str) -> Result<Vec<Source>, String> {
    let pattern = folder.join(pattern);
    let paths = setup::expand(&pattern.to_string_lossy()).map_err(|error| error.to_string())?;
    let there = paths.iter().map(Path::new).filter(|path| path.exists());
    there.map(|path| setup::read_source(path).map_err(|error| error.to_string())).collect()
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "promtool's words, where promtool says them")]
fn tell(ran: &Ran, args: &TestRules) {
    println!("Unit Testing:  {}", ran.file);
    match &ran.outcome {
        Ok(report) => {
            for warning in &report.warnings {
                eprintln!("{warning}");
            }
            for test in report.tests.iter().filter(|test| !test.trace.is_empty()) {
                eprintln!("DEBUG: {}", test.name);
                test.trace.iter().for_each(|line| eprintln!("  {line}"));
            }
            if report.passed() {
                println!("  SUCCESS");
            } else {
                eprintln!("  FAILED:");
            }
            for test in report.tests.iter().filter(|test| !test.failures.is_empty()) {
                eprintln!("  in test {:?}:", test.name);
                for failure in &test.failures {
                    if args.diff {
                        eprintln!("{}", failure.as_diff());
                    } else {
                        eprintln!("{failure}");
                    }
                }
            }
            tell_intervals(ran, report);
        }
        Err(Broken::Unreadable(reason)) => eprintln!("  FAILED:\n{reason}"),
        Err(Broken::Wrong(found)) => {
            eprintln!("  FAILED:");
            found.iter().for_each(|found| eprintln!("{found}"));
        }
    }
    println!();
}

/// Says which groups are evaluated other than in promtool, in one line.
#[expect(clippy::print_stderr, reason = "talk goes to stderr")]
fn tell_intervals(ran: &Ran, report: &Report) {
    if report.own_intervals.is_empty() {
        return;
    }
    let groups = report.own_intervals.iter().map(|(group, own)| format!("{group} every {own}"));
    let groups = groups.collect::<Vec<_>>().join(", ");
    let verdict = if ran.passes_as_in_promtool { ": so evaluated, these tests pass" } else { "" };
    eprintln!(
        "  note: groups are evaluated at their own intervals, as in a server: {groups}; promtool, and we with --ignore-group-intervals, evaluate them every {}{verdict}",
        report.interval
    );
}

/// What all files together prove.
struct Coverage {
    rules: BTreeMap<(String, usize, String), RuleProof>,
}

impl Coverage {
    fn of(all: &[Ran]) -> Self {
        let mut rules: BTreeMap<_, RuleProof> = BTreeMap::new();
        for proof in all.iter().filter_map(|ran| ran.outcome.as_ref().ok()).flat_map(|report| &report.proofs)
        {
            let key = (proof.rule.file.to_string(), proof.line, proof.rule.rule.to_string());
            let known = rules.entry(key).or_insert_with(|| proof.clone());
            known.proof = known.proof.max(proof.proof);
        }
        Self { rules }
    }

    fn unproven(&self) -> impl Iterator<Item = &RuleProof> {
        self.rules.values().filter(|rule| rule.proof != Proof::Proven)
    }

    fn proven(&self) -> usize {
        self.rules.len() - self.unproven().count()
    }

    /// Of no rules, all are proven.
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^52 rules")]
    fn percent(&self) -> f64 {
        if self.rules.is_empty() { 100.0 } else { self.proven() as f64 * 100.0 / self.rules.len() as f64 }
    }
}

#[expect(clippy::print_stdout, reason = "it is part of the result")]
fn tell_coverage(coverage: &Coverage) {
    if coverage.rules.is_empty() {
        return;
    }
    println!("{} of {} rules are proven by tests", coverage.proven(), coverage.rules.len());
    for rule in coverage.unproven() {
        println!(
            "  not proven: {}:{} {}: {}",
            rule.rule.file,
            rule.line,
            rule.rule.rule,
            rule.proof.as_str()
        );
    }
}
