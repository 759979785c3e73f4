//! `cargo xtask differential prove`: random worlds as unit tests, which promtool must pass where our engine fires.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use assurance_diagnostics::Source;
use assurance_metrics_model::{Duration, Labels, Timestamp};
use assurance_policy::MetricContract;
use assurance_policy::intents::Intents;
use assurance_prover::claim::{Claim, CounterBirth};
use assurance_prover::fast::Engine;
use assurance_prover::generate::Generator;
use assurance_prover::mutate::rule_file;
use assurance_prover::render::{Case, TestFile, coarse, differential};
use assurance_prover::replay::{disagreement, firings, replay};
use assurance_rules::{Group, RuleFile};

const CONTRACT: &str = include_str!("../../../fixtures/prover/contract.yml");
const INTENTS: &str = include_str!("../../../fixtures/prover/intents.yml");
const RULES: [(&str, &str); 2] = [
    ("rules.yml", include_str!("../../../fixtures/prover/rules.yml")),
    ("repaired.yml", include_str!("../../../fixtures/prover/repaired.yml")),
];

/// Worlds in one file: some seconds of promtool.
const BATCH: u64 = 500;

type Failure = Box<dyn std::error::Error>;

/// What is asked of a run.
struct Wish {
    timelines: u64,
    seed: u64,
    promtool: String,
    /// Of each claim, so many worlds also happen in the whole pipeline.
    pipeline: u64,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks")]
fn main() -> std::process::ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let given = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).cloned();
    let number = |name: &str, usual: u64| given(name).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let wish = Wish {
        timelines: number("--timelines", 100_000),
        seed: number("--seed", 1),
        promtool: given("--promtool").unwrap_or_else(|| "promtool".to_owned()),
        pipeline: number("--pipeline", 0),
    };
    match run(&wish) {
        Ok(summary) => {
            println!("{summary}");
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}

/// Claims over the fixtures and over the pack, each under both meanings of a counter's birth.
fn claims() -> Result<Vec<(Claim, Vec<Group>)>, Failure> {
    let contract = MetricContract::parse(&Source::new("contract.yml", CONTRACT))?;
    let intents = Intents::parse(&Source::new("intents.yml", INTENTS))?;
    let mut sets = Vec::new();
    for (name, text) in RULES {
        let groups = RuleFile::parse(&Source::new(name, text)).map_err(|found| found[0].to_string())?.groups;
        sets.push((groups.clone(), contract.as_original(), intents.clone()));
        sets.push((groups, contract.clone(), intents.clone()));
    }
    let pack = assurance_policy::pack().map_err(|found| found[0].to_string())?;
    sets.push((pack.groups, pack.contract, assurance_policy::pack_intents()?));
    let mut claims = Vec::new();
    for (groups, contract, intents) in &sets {
        for intent in &intents.intents {
            for birth in [CounterBirth::Unknown, CounterBirth::Zero] {
                let Ok(claim) = Claim::new(intent, &intents.environment, groups, contract) else { continue };
                let one_interval = claim.rules.iter().all(|rule| rule.interval == claim.eval_interval());
                if claim.needs_full.is_none() && one_interval {
                    let own = own(&claim, groups);
                    claims.push((claim.with_birth(birth), own));
                }
            }
        }
    }
    Ok(claims)
}

/// The rules of a claim alone, without words: those are compared elsewhere.
fn own(claim: &Claim, groups: &[Group]) -> Vec<Group> {
    let mut groups = groups.to_vec();
    for group in &mut groups {
        group.rules.retain(|rule| {
            claim
                .rules
                .iter()
                .any(|own| matches!(rule, assurance_rules::Rule::Alerting(rule) if *rule == own.rule))
        });
        for rule in &mut group.rules {
            if let assurance_rules::Rule::Alerting(rule) = rule {
                rule.annotations.clear();
            }
        }
    }
    groups.retain(|group| !group.rules.is_empty());
    groups
}

fn run(wish: &Wish) -> Result<String, Failure> {
    let claims = claims()?;
    let each = wish.timelines.div_ceil(claims.len() as u64);
    let batches: Vec<(usize, u64)> = (0..claims.len())
        .flat_map(|claim| (0..each).step_by(BATCH as usize).map(move |from| (claim, from)))
        .collect();
    let (next, fired, compared) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let wrong: Mutex<Option<String>> = Mutex::new(None);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let is_over = wrong.lock().is_ok_and(|wrong| wrong.is_some());
                    let Some((claim, from)) = batches.get(index as usize).filter(|_| !is_over) else {
                        return;
                    };
                    let (claim, groups) = &claims[*claim];
                    let range = *from..(from + BATCH).min(each);
                    match batch(wish, claim, groups, range) {
                        Ok((firings, worlds)) => {
                            fired.fetch_add(firings, Ordering::Relaxed);
                            compared.fetch_add(worlds, Ordering::Relaxed);
                        }
                        Err(error) => {
                            if let Ok(mut wrong) = wrong.lock() {
                                wrong.get_or_insert(error.to_string());
                            }
                        }
                    }
                }
            });
        }
    });
    if let Ok(Some(wrong)) = wrong.into_inner() {
        return Err(wrong.into());
    }
    let (fired, compared) = (fired.into_inner(), compared.into_inner());
    if fired < wish.timelines / 10 {
        return Err(format!("only {fired} alerts fire in {compared} worlds: a poor comparison").into());
    }
    let mut summary = format!(
        "{compared} worlds of {} claims, seed {}: {fired} times an alert fires, 0 differences from {}",
        claims.len(),
        wish.seed,
        wish.promtool
    );
    if wish.pipeline > 0 {
        summary += &format!(
            "; {} of them in the whole pipeline, 0 differences",
            wish.pipeline.min(each) * claims.len() as u64
        );
    }
    Ok(summary)
}

/// One file of tests; how many alerts fired in how many worlds.
fn batch(
    wish: &Wish,
    claim: &Claim,
    groups: &[Group],
    range: std::ops::Range<u64>,
) -> Result<(u64, u64), Failure> {
    let (generator, mut engine) = (Generator::new(claim), Engine::new(claim));
    let interval = Duration::from_millis(claim.eval_interval());
    let file = |cases: Vec<Case>| TestFile {
        head: String::new(),
        rule_files: vec!["rules.yml".to_owned()],
        evaluation_interval: interval,
        cases,
    };
    let mut fired = 0;
    let mut cases = Vec::new();
    for index in range {
        let world = generator.timeline(wish.seed, index);
        if index < wish.pipeline
            && let Some(found) = disagreement(&world, engine.run(&world), &replay(claim, &world)?)
        {
            return Err(format!("world {index} in the pipeline: {}", found.describe(claim)).into());
        }
        let timeline = coarse(&world);
        let firings = firings(engine.run(&timeline));
        let series = engine.samples().filter(|(_, times, _)| !times.is_empty());
        let series: Vec<(Labels, Vec<(Timestamp, f64)>)> = series
            .map(|(labels, times, values)| {
                (labels.clone(), times.iter().copied().zip(values.iter().copied()).collect())
            })
            .collect();
        let case = differential(claim, &timeline, series, &firings, format!("{} {index}", claim.intent.id));
        // The 0 of a counter that began may stand a millisecond after a scrape: no step holds both.
        if file(vec![case.clone()]).text().is_ok() {
            fired += firings.len() as u64;
            cases.push(case);
        }
    }
    let worlds = cases.len() as u64;
    let folder = tempfile::tempdir()?;
    fs_err::write(folder.path().join("rules.yml"), rule_file(groups))?;
    fs_err::write(folder.path().join("test.yml"), file(cases).text()?)?;
    judge(wish, folder.path(), claim)?;
    Ok((fired, worlds))
}

fn judge(wish: &Wish, folder: &Path, claim: &Claim) -> Result<(), Failure> {
    let output =
        Command::new(&wish.promtool).args(["test", "rules", "test.yml"]).current_dir(folder).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let said: String = said.chars().take(4000).collect();
    Err(format!("{} ({}), {:?}: promtool says\n{said}", claim.intent.id, claim.intent.alert, claim.birth)
        .into())
}
