//! `lint`: rules and what stands around them, judged without being used.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use assurance_diagnostics::{Severity, Source, suggest};
use assurance_lint::{Check, Finding, Input, Report, Side, checks, find, lint};
use assurance_runtime::setup;
use clap::{Parser, ValueEnum};
use serde_json::{Value, json};

use crate::args::Output;
use crate::exit;
use crate::wire::fail;

/// Runbooks that are read of a directory. A thousand are more than anybody keeps alive.
const MAX_RUNBOOKS: usize = 1_000;

/// How deep directories of runbooks may be nested.
const MAX_DEPTH: usize = 8;

#[derive(Clone, Debug, Parser)]
pub(crate) struct Lint {
    /// Rule files, more than one after the flag; without it those that the configuration names.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) rules: Vec<PathBuf>,
    /// The scrape configuration: which jobs there are, and how often they are scraped.
    #[arg(long = "config.file", value_name = "FILE")]
    pub(crate) config_file: Option<PathBuf>,
    /// The metric contract: which metrics, labels and values there are.
    #[arg(long, value_name = "FILE")]
    pub(crate) contract: Option<PathBuf>,
    /// Take what the contract promises, or what its sources did before it.
    #[arg(long = "contract.as", value_name = "SIDE", default_value = "promised")]
    pub(crate) side: As,
    /// An alertmanager.yml.
    #[arg(long = "notify.config", value_name = "FILE")]
    pub(crate) notify: Option<PathBuf>,
    /// The escalation file beside it.
    #[arg(long = "notify.escalation", value_name = "FILE")]
    pub(crate) escalation: Option<PathBuf>,
    /// Runbooks: Markdown files, or directories of them.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) runbooks: Vec<PathBuf>,
    /// What the alerts are to catch.
    #[arg(long, value_name = "FILE")]
    pub(crate) intents: Option<PathBuf>,
    /// Unit tests in promtool's format.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) tests: Vec<PathBuf>,
    /// Any finding fails, with exit code 3.
    #[arg(long)]
    pub(crate) fatal: bool,
    /// Explain a check instead, with an example of each kind.
    #[arg(long, value_name = "CHECK", exclusive = true)]
    pub(crate) explain: Option<String>,
    /// For people or for programs.
    #[arg(short, long, default_value = "text")]
    pub(crate) output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum As {
    /// What the sources promise.
    Promised,
    /// What they did before.
    Original,
}

#[expect(clippy::print_stdout, reason = "the findings are what was asked for")]
pub(crate) fn run(args: &Lint) -> ExitCode {
    if let Some(id) = &args.explain {
        return explain(id);
    }
    let input = match read(args) {
        Ok(input) => input,
        Err(message) => return fail(exit::CONFIGURATION, &message),
    };
    if input.rules.is_empty() && input.notify.is_none() && input.prometheus.is_none() {
        return fail(exit::CONFIGURATION, "nothing to look at; name rule files by --rules");
    }
    let report = lint(&input);
    match args.output {
        Output::Text => print!("{report}"),
        Output::Json => println!("{:#}", document(&report)),
    }
    let any = [Severity::Error, Severity::Warning, Severity::Info].iter().any(|s| report.count(*s) > 0);
    if args.fatal && any {
        ExitCode::from(exit::LINT)
    } else if report.count(Severity::Error) > 0 {
        ExitCode::from(exit::FINDINGS)
    } else {
        ExitCode::SUCCESS
    }
}

fn read(args: &Lint) -> Result<Input, String> {
    let one = |path: &PathBuf| setup::read_source(path).map_err(|error| error.to_string());
    let many = |paths: &[PathBuf]| paths.iter().map(one).collect::<Result<Vec<Source>, String>>();
    let maybe = |path: &Option<PathBuf>| path.as_ref().map(one).transpose();
    let mut input = Input::default();
    input.prometheus = maybe(&args.config_file)?;
    input.rules = match (&args.rules[..], &args.config_file, &input.prometheus) {
        ([], Some(path), Some(source)) => many(&named(path, source)?)?,
        (rules, ..) => many(rules)?,
    };
    input.contract = maybe(&args.contract)?;
    input.side = match args.side {
        As::Promised => Side::Promised,
        As::Original => Side::Original,
    };
    input.notify = maybe(&args.notify)?;
    input.escalation = maybe(&args.escalation)?;
    input.intents = maybe(&args.intents)?;
    if !args.tests.is_empty() {
        input.tests = Some(many(&args.tests)?);
    }
    if !args.runbooks.is_empty() {
        let mut paths = Vec::new();
        for path in &args.runbooks {
            collect(path, MAX_DEPTH, &mut paths).map_err(|error| error.to_string())?;
        }
        paths.sort();
        input.runbooks = Some(many(&paths)?);
    }
    Ok(input)
}

/// The rule files that a configuration names; none where it cannot be read, which is a finding then.
fn named(path: &Path, source: &Source) -> Result<Vec<PathBuf>, String> {
    let directory = path.parent().map(|parent| parent.to_string_lossy().into_owned()).unwrap_or_default();
    let Ok(loaded) = assurance_config::load(source, &directory) else { return Ok(Vec::new()) };
    let mut out = Vec::new();
    for pattern in &loaded.rule_files {
        let files = setup::expand(pattern).map_err(|error| error.to_string())?;
        out.extend(files.into_iter().map(PathBuf::from));
    }
    Ok(out)
}

/// A Markdown file, or all of them in a directory.
fn collect(path: &Path, depth: usize, out: &mut Vec<PathBuf>) -> io::Result<()> {
    if !fs_err::metadata(path)?.is_dir() {
        out.push(path.to_path_buf());
        return Ok(());
    }
    let Some(depth) = depth.checked_sub(1) else {
        let message =
            format!("{}: directories of runbooks are nested deeper than {MAX_DEPTH}", path.display());
        return Err(io::Error::other(message));
    };
    for entry in fs_err::read_dir(path)? {
        let entry = entry?.path();
        if entry.is_dir() {
            collect(&entry, depth, out)?;
        } else if entry.extension().is_some_and(|extension| extension == "md") {
            out.push(entry);
        }
        if out.len() > MAX_RUNBOOKS {
            let message = format!("{}: more than {MAX_RUNBOOKS} runbooks", path.display());
            return Err(io::Error::other(message));
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the explanation is what was asked for")]
fn explain(id: &str) -> ExitCode {
    let Some(check) = find(id) else {
        let near = suggest(id, checks().map(|check| check.id));
        let help = near
            .map_or_else(|| "see docs/reference/lint.md".to_owned(), |near| format!("did you mean {near}?"));
        return fail(exit::CONFIGURATION, &format!("there is no check {id:?}; {help}"));
    };
    let Check { id, severity, title, why, remedy, .. } = check;
    println!("{id} ({severity}): {title}\n\n{why}\n\nRemedy: {remedy}.\n");
    for (what, files) in [("Bad", check.bad), ("Good", check.good)] {
        for (name, text) in files {
            println!("{what}, {name}:\n\n{}", text.trim_end().replace('\n', "\n  ").replacen("", "  ", 1));
            println!();
        }
    }
    ExitCode::SUCCESS
}

fn document(report: &Report) -> Value {
    json!({
        "v": 1,
        "rules": report.rules,
        "not_shown": report.more.values().sum::<usize>(),
        "errors": report.count(Severity::Error),
        "warnings": report.count(Severity::Warning),
        "remarks": report.count(Severity::Info),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "ignored": report.ignored.iter().map(|ignored| {
            let mut value = finding(&ignored.finding);
            value["reason"] = json!(ignored.reason);
            value
        }).collect::<Vec<_>>(),
    })
}

fn finding(finding: &Finding) -> Value {
    let found = &finding.diagnostic;
    json!({
        "check": finding.check.id,
        "severity": finding.check.severity.as_str(),
        "rule": finding.rule,
        "file": &*found.file,
        "line": found.line(),
        "column": found.column(),
        "start": found.span.as_ref().map(|span| span.start),
        "end": found.span.as_ref().map(|span| span.end),
        "message": found.message,
        "label": found.label,
        "help": found.help,
    })
}
