//! What was found, for people.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use assurance_prover::claim::Claim;
use assurance_prover::judge::{Judge, VerdictKind};
use assurance_prover::render::{Mark, picture};
use assurance_prover::replay::{replay_under, run_of};
use assurance_prover::search::Findings;
use assurance_prover::timeline::Timeline;
use assurance_runtime::setup;

use super::Rules;
use super::hunt::Report;
use super::load::Loaded;
use crate::exit;
use crate::wire::fail;

/// Files, or why there is none, in the order of the counterexamples.
type Saved = [Result<PathBuf, String>];

#[expect(clippy::print_stdout, reason = "it is the result")]
pub(super) fn tell(args: &Rules, claim: &Claim, report: &Report, saved: &Saved) {
    let intent = &claim.intent;
    println!("{} {} ({})", intent.id, intent.alert, intent.violation.kind());
    if let Some(reason) = &claim.needs_full {
        println!("  through the whole pipeline, as {reason}");
    }
    println!(
        "  checked {} random timelines, seed {}{}",
        report.random.worlds,
        args.seed,
        found(&report.random)
    );
    if let Some((scope, findings)) = &report.exhaustive {
        println!("  exhaustive for scope {{{scope}}}: {} timelines{}", findings.worlds, found(findings));
    }
    if report.compared > 0 {
        println!("  {} of them in the whole pipeline too: 0 differences", report.compared);
    }
    for (index, counterexample) in report.counterexamples.iter().enumerate() {
        let verdict = &counterexample.verdict;
        println!("\n  {verdict}");
        println!("  (in {} timelines; this is the simplest that was found)\n", report.count(verdict.kind));
        indent(&counterexample.drawing(claim));
        println!("\n  to replay it:\n");
        indent(&counterexample.timeline.to_string());
        match saved.get(index) {
            Some(Ok(path)) => println!("\n  as a test that promtool fails: {}", path.display()),
            Some(Err(reason)) => println!("\n  no test for promtool: {reason}"),
            None => {}
        }
    }
    let unseen = report.count(VerdictKind::Unobservable);
    if unseen > 0 {
        let all = [report.exhaustive.as_ref().map(|(_, found)| found), Some(&report.random)];
        let first = all.into_iter().flatten().find_map(|found| found.of(VerdictKind::Unobservable));
        let why = first.map(|finding| finding.verdict.why.as_ref()).unwrap_or_default();
        println!("  UNOBSERVABLE in {unseen} timelines: {why}");
    }
    println!();
}

fn found(findings: &Findings) -> String {
    let kinds = VerdictKind::ALL.into_iter().filter(|kind| kind.is_counterexample());
    let kinds = kinds.filter(|kind| findings.counts[kind.index()] > 0);
    let kinds: Vec<String> = kinds.map(|kind| format!("{} {kind}", findings.counts[kind.index()])).collect();
    let worst =
        findings.worst_detection.map(|worst| format!(", slowest detection {worst}")).unwrap_or_default();
    match kinds.is_empty() {
        true => format!(": {} with a violation, 0 counterexamples{worst}", findings.violated),
        false => format!(": {} with a violation, {}{worst}", findings.violated, kinds.join(", ")),
    }
}

#[expect(clippy::print_stdout, reason = "it is the result")]
fn indent(text: &str) {
    text.lines().for_each(|line| println!("{}", format!("    {line}").trim_end()));
}

#[expect(clippy::print_stdout, reason = "it is the result")]
pub(super) fn sum_up(args: &Rules, reports: &[(&Claim, Report, Vec<Result<PathBuf, String>>)]) {
    let failed = reports.iter().filter(|(_, report, _)| report.kinds().any(|kind| args.denies(kind))).count();
    let claims = reports.len();
    match failed {
        0 => println!("{claims} claims, no counterexample"),
        _ => println!("{failed} of {claims} claims do not hold"),
    }
}

/// Lets one world happen under every claim that it touches, and shows what comes of it.
#[expect(clippy::print_stdout, reason = "it is the result")]
pub(super) fn replay(loaded: &Loaded, file: &Path) -> ExitCode {
    let source = match setup::read_source(file) {
        Ok(source) => source,
        Err(error) => return fail(exit::CONFIGURATION, &error.to_string()),
    };
    let timeline = match Timeline::parse(&facts(source.text())) {
        Ok(timeline) => timeline,
        Err(error) => return fail(exit::CONFIGURATION, &format!("{}: {error}", file.display())),
    };
    let mut code = ExitCode::SUCCESS;
    for claim in &loaded.claims {
        let timeline = claim.adopt(&timeline);
        let replay = match replay_under(&loaded.groups, claim, &timeline) {
            Ok(replay) => replay,
            Err(error) => return fail(exit::FINDINGS, &error.to_string()),
        };
        let run = run_of(claim, &replay);
        let mut judge = Judge::new(claim);
        let verdicts = judge.judge(&timeline, &run, None).to_vec();
        println!("{} {}", claim.intent.id, claim.intent.alert);
        for verdict in &verdicts {
            println!("  {verdict}");
            if verdict.kind.is_counterexample() {
                code = ExitCode::from(exit::FINDINGS);
            }
        }
        if verdicts.is_empty() {
            println!("  all is as promised");
        }
        let begins = judge.violations().map(|(at, _, _)| Mark { at, text: "violation".to_owned() });
        let marks: Vec<Mark> = begins.collect();
        indent(&picture(claim, &timeline, &replay, &marks));
    }
    code
}

/// The lines of a timeline, which a saved test has as comments.
fn facts(text: &str) -> String {
    let lines = text.lines().map(|line| line.strip_prefix("# ").unwrap_or(line));
    let mut lines = lines.skip_while(|line| line.trim() != "timeline 1").peekable();
    if lines.peek().is_none() {
        return text.to_owned();
    }
    lines.take_while(|line| !line.starts_with("rule_files:")).collect::<Vec<_>>().join("\n")
}
