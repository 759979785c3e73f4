//! `routes`: where alerts go, without sending any.

mod batch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use assurance_config::{Notify, load_escalation, load_notify};
use assurance_diagnostics::Diagnostic;
use assurance_metrics_model::{Labels, LabelsBuilder, MatchOp};
use assurance_notifier::routing::{
    Escalation, MatchingTree, RouteTree, Routing, ShowMatchers, parse_matcher,
};
use assurance_runtime::setup;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::args::Output;
use crate::exit;
use crate::wire::fail;

/// What is asked about routes.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Routes {
    /// Show the tree, as amtool does.
    Show(Show),
    /// Say which receivers an alert goes to, as amtool does; or check a file of cases.
    Test(Test),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Show {
    /// Like alertmanager.yml.
    #[arg(long = "notify.config", visible_alias = "config.file", value_name = "FILE")]
    config: PathBuf,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Test {
    /// Like alertmanager.yml.
    #[arg(long = "notify.config", visible_alias = "config.file", value_name = "FILE")]
    config: PathBuf,
    /// Who is told when nobody takes an alert; for cases that expect it.
    #[arg(long = "notify.escalation", value_name = "FILE", requires = "batch")]
    escalation: Option<PathBuf>,
    /// Also show the part of the tree that the alert takes.
    #[arg(long, conflicts_with = "batch")]
    tree: bool,
    /// Exit code 1 unless these are the receivers, in this order, separated by commas.
    #[arg(long = "verify.receivers", value_name = "NAMES", conflicts_with = "batch")]
    receivers: Option<String>,
    /// A file of cases with time, alerts that fire beside, and what is expected. Exit code 1 if one differs.
    #[arg(long, value_name = "FILE", conflicts_with = "labels")]
    batch: Option<PathBuf>,
    /// For people or for programs.
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
    /// The alert's labels, such as severity=critical.
    #[arg(value_name = "LABEL=VALUE")]
    labels: Vec<String>,
}

pub(crate) fn run(what: &Routes) -> ExitCode {
    let result = match what {
        Routes::Show(args) => show(args),
        Routes::Test(args) => match &args.batch {
            Some(file) => batch::run(args, file),
            None => test(args),
        },
    };
    result.unwrap_or_else(|(code, message)| fail(code, &message))
}

/// Why it ends, with the exit code.
type Failure = (u8, String);

fn load(file: &Path) -> Result<Notify, Failure> {
    let source = setup::read_source(file).map_err(|error| (exit::IO, error.to_string()))?;
    let directory = file.parent().unwrap_or(Path::new(""));
    load_notify(&source, &directory.to_string_lossy())
        .map_err(|faults| (exit::CONFIGURATION, joined(&faults)))
}

/// The escalation file, where there is one.
fn escalation(file: Option<&Path>, routing: &Routing) -> Result<Escalation, Failure> {
    let Some(file) = file else { return Ok(Escalation::default()) };
    let source = setup::read_source(file).map_err(|error| (exit::IO, error.to_string()))?;
    let loaded =
        load_escalation(&source, routing).map_err(|faults| (exit::CONFIGURATION, joined(&faults)))?;
    Ok(loaded.escalation)
}

fn joined(faults: &[Diagnostic]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[expect(clippy::print_stdout, reason = "the tree is what was asked for")]
fn show(args: &Show) -> Result<ExitCode, Failure> {
    println!("Routing tree:\n{}", RouteTree(&load(&args.config)?.routing.root));
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the receivers are what was asked for")]
fn test(args: &Test) -> Result<ExitCode, Failure> {
    let labels = labels(&args.labels)?;
    let routing = load(&args.config)?.routing;
    let found = routing.find(&labels);
    let receivers: Vec<&str> = found.iter().map(|route| route.receiver.as_str()).collect();
    match args.output {
        Output::Text => {
            if args.tree {
                println!("Matching routes:\n{}\n", MatchingTree { root: &routing.root, labels: &labels });
            }
            println!("{}", receivers.join(","));
        }
        Output::Json => {
            let routes = found.iter().map(|route| {
                json!({
                    "receiver": route.receiver,
                    "matchers": ShowMatchers(&route.matchers).to_string(),
                    "group": group(&Routing::group_labels(route, &labels)),
                })
            });
            let routes: Vec<_> = routes.collect();
            println!(
                "{:#}",
                json!({ "v": 1, "labels": group(&labels), "receivers": receivers, "routes": routes })
            );
        }
    }
    match &args.receivers {
        Some(wanted) if *wanted != receivers.join(",") => {
            eprintln!("error: the alert goes to {}, expected {wanted}", receivers.join(","));
            Ok(ExitCode::from(exit::FINDINGS))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn labels(texts: &[String]) -> Result<Labels, Failure> {
    let mut labels = LabelsBuilder::new();
    for text in texts {
        match parse_matcher(text) {
            Ok(matcher) if matcher.op() == MatchOp::Equal => {
                labels.set(matcher.name(), matcher.value());
            }
            Ok(_) => return Err((exit::CONFIGURATION, format!("{text:?} is no label; write name=value"))),
            Err(error) => {
                let message = format!("{text:?} is no label: {error}; write name=value");
                return Err((exit::CONFIGURATION, message));
            }
        }
    }
    Ok(labels.build())
}

/// Labels for programs.
fn group(labels: &Labels) -> serde_json::Map<String, serde_json::Value> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}
