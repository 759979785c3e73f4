//! `prove`: looks for a world in which an alert does not keep its promise.
//!
//! What is looked for is the prover's; here are files, cores and the terminal.

mod budget;
mod hunt;
mod json;
mod load;
mod mutate;
mod save;
mod text;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use assurance_metrics_model::Duration;
use assurance_prover::judge::VerdictKind;
use clap::{Parser, Subcommand};

use crate::args::{Birth, Output};
use crate::exit;
use crate::wire::fail;

/// Random worlds of each claim: about a second's work of one core.
const TIMELINES: u64 = 10_000;

#[derive(Debug, Subcommand)]
pub(crate) enum Prove {
    /// Try random worlds, and all of a small scope. Exit code 1 if any speaks against a rule.
    Rules(Rules),
    /// How fast each alert is by its configuration, beside the slowest detection that was found.
    Budget(Rules),
    /// Change the rules in small ways, and list changes that nothing notices. Exit code 1 if there are any.
    Mutate(Mutate),
}

/// What is proven, and how hard it is tried.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Rules {
    /// Rule files. Without any: the governance pack, with its intents, contract and routes.
    pub(crate) files: Vec<PathBuf>,
    /// What the alerts must catch, and how fast.
    #[arg(long, value_name = "FILE", requires = "files")]
    pub(crate) intents: Vec<PathBuf>,
    /// The metrics, their labels, and what restarts do to them; assumed of the rules where it is missing.
    #[arg(long, value_name = "FILE", requires = "files")]
    pub(crate) contract: Option<PathBuf>,
    /// An alertmanager.yml: who is notified, and how soon.
    #[arg(long = "notify.config", value_name = "FILE")]
    pub(crate) notify_config: Option<PathBuf>,
    /// Only these intents, by id; may be given more than once.
    #[arg(long, value_name = "ID")]
    pub(crate) only: Vec<String>,
    /// Random worlds of each intent.
    #[arg(long, value_name = "N", default_value_t = TIMELINES)]
    pub(crate) timelines: u64,
    /// Where they come from: the same number gives the same worlds.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Also try every world of a small scope: two events, one restart, two lost scrapes.
    #[arg(long)]
    pub(crate) exhaustive: bool,
    /// Of that scope, the grid on which things happen.
    #[arg(long, value_name = "DURATION", default_value = "15s")]
    pub(crate) grid: Duration,
    /// Write counterexamples there as unit tests for promtool; what is there already is never overwritten.
    #[arg(long, value_name = "DIR")]
    pub(crate) save_counterexamples: Option<PathBuf>,
    /// Verdicts that fail the run, such as missed,late; all but unobservable by default.
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = kind)]
    pub(crate) deny: Vec<VerdictKind>,
    /// What is taken of a counter that appears between two scrapes; Prometheus takes nothing.
    #[arg(long, value_name = "UNKNOWN|ZERO", default_value = "unknown")]
    pub(crate) counter_birth: Birth,
    /// Let so many worlds of each intent also happen in the whole pipeline, and compare.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) check_against_pipeline: u64,
    /// Replay one world instead: a timeline, or a test that was saved.
    #[arg(long, value_name = "FILE")]
    pub(crate) replay: Option<PathBuf>,
    /// Cores to use; all by default.
    #[arg(short, long, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// For people or for programs.
    #[arg(short, long, default_value = "text")]
    pub(crate) output: Output,
}

/// What is changed, and who should notice.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Mutate {
    #[command(flatten)]
    pub(crate) rules: Rules,
    /// Unit tests of the rules, in promtool's format, which may notice too; those of the pack by default.
    #[arg(long, value_name = "FILE")]
    pub(crate) tests: Vec<PathBuf>,
    /// The least share of changes that must be noticed, of those that change anything.
    #[arg(long, value_name = "PERCENT")]
    pub(crate) min_score: Option<f64>,
}

fn kind(text: &str) -> Result<VerdictKind, String> {
    let wanted = text.trim();
    let known = VerdictKind::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(wanted));
    known.ok_or_else(|| {
        let all: Vec<String> = VerdictKind::ALL.iter().map(|kind| kind.as_str().to_lowercase()).collect();
        format!("write some of {}", all.join(","))
    })
}

impl Rules {
    fn denies(&self, kind: VerdictKind) -> bool {
        if self.deny.is_empty() { kind.is_counterexample() } else { self.deny.contains(&kind) }
    }

    fn cores(&self) -> usize {
        let all = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.jobs.unwrap_or(all).max(1)
    }
}

pub(crate) fn run(what: &Prove) -> ExitCode {
    match what {
        Prove::Rules(args) => prove(args),
        Prove::Budget(args) => match load::load(args) {
            Ok(loaded) => budget::run(args, &loaded),
            Err(code) => code,
        },
        Prove::Mutate(args) => match load::load(&args.rules) {
            Ok(loaded) => mutate::run(args, &loaded),
            Err(code) => code,
        },
    }
}

fn prove(args: &Rules) -> ExitCode {
    let loaded = match load::load(args) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    if let Some(file) = &args.replay {
        return text::replay(&loaded, file);
    }
    let mut reports = Vec::with_capacity(loaded.claims.len());
    let mut names = BTreeSet::new();
    for claim in &loaded.claims {
        let report = match hunt::hunt(args, &loaded, claim) {
            Ok(report) => report,
            Err(reason) => return fail(exit::FINDINGS, &reason),
        };
        let saved = match &args.save_counterexamples {
            Some(folder) => match save::save(folder, &loaded, claim, &report, &mut names) {
                Ok(saved) => saved,
                Err(error) => return fail(exit::IO, &format!("cannot save a counterexample: {error}")),
            },
            None => Vec::new(),
        };
        if args.output == Output::Text {
            text::tell(args, claim, &report, &saved);
        }
        reports.push((claim, report, saved));
    }
    match args.output {
        Output::Text => text::sum_up(args, &reports),
        Output::Json => json::print(args, &loaded, &reports),
    }
    let denied = |report: &hunt::Report| report.kinds().any(|kind| args.denies(kind));
    match reports.iter().any(|(_, report, _)| denied(report)) {
        true => ExitCode::from(exit::FINDINGS),
        false => ExitCode::SUCCESS,
    }
}
