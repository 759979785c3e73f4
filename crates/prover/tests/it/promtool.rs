//! Counterexamples and worlds as unit tests, which the real promtool judges as we do.

use std::process::Command;

use assurance_diagnostics::Source;
use assurance_metrics_model::{Duration, Labels, Timestamp};
use assurance_policy::MetricContract;
use assurance_policy::intents::Intents;
use assurance_prover::claim::{Claim, CounterBirth};
use assurance_prover::fast::Engine;
use assurance_prover::generate::Generator;
use assurance_prover::mutate::rule_file;
use assurance_prover::render::{Counterexample, TestFile, coarse, differential, test_of};
use assurance_prover::replay::{firings, replay_under};
use assurance_prover::search::{Seeded, search};
use assurance_rules::unit_test::{self, Options};
use assurance_rules::{Group, RuleFile};

const CONTRACT: &str = include_str!("../../../../fixtures/prover/contract.yml");
const INTENTS: &str = include_str!("../../../../fixtures/prover/intents.yml");
const FLAWED: &str = include_str!("../../../../fixtures/prover/rules.yml");
const REPAIRED: &str = include_str!("../../../../fixtures/prover/repaired.yml");

fn groups(text: &str) -> Vec<Group> {
    RuleFile::parse(&Source::new("rules.yml", text)).map_err(|found| found[0].to_string()).unwrap().groups
}

fn contract() -> MetricContract {
    MetricContract::parse(&Source::new("contract.yml", CONTRACT)).unwrap()
}

fn intents() -> Intents {
    Intents::parse(&Source::new("intents.yml", INTENTS)).unwrap()
}

fn claim(id: &str, groups: &[Group], contract: &MetricContract) -> Option<Claim> {
    let intents = intents();
    let claim = Claim::new(intents.intent(id)?, &intents.environment, groups, contract);
    Some(claim.ok()?.with_birth(CounterBirth::Unknown))
}

/// Whether our own engine passes a test.
fn we_pass(test: &str, rules: &str) -> bool {
    let load = |name: &str| Ok(vec![Source::new(name, rules)]);
    let options = Options { group_intervals: false, ..Options::default() };
    let report = unit_test::run(&Source::new("test.yml", test), &load, &options);
    report.map_err(|found| found[0].to_string()).unwrap().passed()
}

/// Whether promtool does, and what it says; `None` where it is not installed.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "promtool reads files; a test that is skipped says so"
)]
fn promtool_passes(test: &str, rules: &str) -> Option<(bool, String)> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.yml"), rules).unwrap();
    std::fs::write(folder.path().join("test.yml"), test).unwrap();
    match Command::new("promtool").args(["test", "rules", "test.yml"]).current_dir(folder.path()).output() {
        Ok(output) => Some((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())),
        Err(error) => {
            let required = std::env::var_os("ASSURANCE_REQUIRE_PEERS").is_some_and(|value| value == "1");
            assert!(!required, "promtool cannot be started: {error}");
            println!("skipped: promtool cannot be started: {error}; apt-get install prometheus");
            None
        }
    }
}

/// Every way in which the flawed rules are wrong within a few thousand worlds.
fn counterexamples(claim: &Claim, groups: &[Group]) -> Vec<Counterexample> {
    let generator = Generator::new(claim);
    let seeded = Seeded { generator: &generator, seed: 11 };
    let mut engine = Engine::new(claim);
    let found = search(claim, &seeded, 0..1500, &mut engine, &mut |_| std::ops::ControlFlow::Continue(()));
    let ways = found.distinct(claim, &mut engine).into_iter();
    let ways = ways.filter(|finding| finding.verdict.kind.is_counterexample());
    let all = ways.map(|way| {
        let found = Counterexample::find(groups, claim, &way.timeline, way.verdict.kind).unwrap();
        found.unwrap_or_else(|| panic!("the whole path shows no {} in\n{}", way.verdict, way.timeline))
    });
    all.collect()
}

#[test]
fn promtool_fails_what_we_found_and_passes_it_for_repaired_rules() {
    let (flawed, repaired) = (groups(FLAWED), groups(REPAIRED));
    let (then, now) = (contract().as_original(), contract());
    let (mut written, mut repaired_pass) = (0, 0);
    for id in ["FORCED", "SEAL", "OPEN", "DOWN", "SOME"] {
        let Some(before) = claim(id, &flawed, &then).or_else(|| claim(id, &flawed, &now)) else {
            panic!("{id} is a claim about the flawed rules")
        };
        let found = counterexamples(&before, &flawed);
        assert!(!found.is_empty(), "{id}: nothing was found");
        for counterexample in found {
            let Ok(test) = counterexample.test(&before, vec!["rules.yml".to_owned()]) else { continue };
            let text = test.text().unwrap();
            assert!(!we_pass(&text, FLAWED), "{id}: we pass\n{text}");
            if let Some((passes, _)) = promtool_passes(&text, FLAWED) {
                assert!(!passes, "{id}: promtool passes\n{text}");
            }
            written += 1;
            let Some(after) = claim(id, &repaired, &now) else { continue };
            let timeline = after.adopt(&counterexample.timeline);
            let replay = replay_under(&repaired, &after, &timeline).unwrap();
            let test =
                test_of(&after, &timeline, &replay, &counterexample.verdict, vec!["rules.yml".to_owned()]);
            let text = test.and_then(|test| test.text()).unwrap();
            assert!(we_pass(&text, REPAIRED), "{id}: we fail for the repaired rules\n{text}");
            if let Some((passes, said)) = promtool_passes(&text, REPAIRED) {
                assert!(passes, "{id}: promtool fails for the repaired rules: {said}\n{text}");
            }
            repaired_pass += 1;
        }
    }
    assert!(written >= 5 && repaired_pass >= 3, "only {written} written, {repaired_pass} for repaired rules");
}

/// Worlds of each claim: `cargo xtask differential prove` does as many as one likes.
const WORLDS: u64 = 25;

#[test]
fn promtool_fires_when_we_do() {
    let mut fired = 0;
    for (rules, contract) in [(FLAWED, contract().as_original()), (REPAIRED, contract())] {
        let groups = groups(rules);
        for intent in &intents().intents {
            let Some(claim) = claim(&intent.id, &groups, &contract).filter(|c| c.needs_full.is_none()) else {
                continue;
            };
            let (generator, mut engine) = (Generator::new(&claim), Engine::new(&claim));
            let cases = (0..WORLDS).map(|index| {
                let timeline = coarse(&generator.timeline(5, index));
                let firings = firings(engine.run(&timeline));
                fired += firings.len();
                let series = engine.samples().filter(|(_, times, _)| !times.is_empty());
                let series: Vec<(Labels, Vec<(Timestamp, f64)>)> = series
                    .map(|(labels, times, values)| {
                        (labels.clone(), times.iter().copied().zip(values.iter().copied()).collect())
                    })
                    .collect();
                differential(&claim, &timeline, series, &firings, format!("world {index}"))
            });
            let file = TestFile {
                head: String::new(),
                rule_files: vec!["rules.yml".to_owned()],
                evaluation_interval: Duration::from_millis(claim.eval_interval()),
                cases: cases.collect(),
            };
            let text = file.text().unwrap();
            let rules = rule_file(&own(&claim, &groups));
            assert!(we_pass(&text, &rules), "{}: we fail our own expectations", intent.id);
            if let Some((passes, said)) = promtool_passes(&text, &rules) {
                let said: String = said.chars().take(3000).collect();
                assert!(passes, "{}: promtool says\n{said}", intent.id);
            }
        }
    }
    assert!(fired > 50, "only {fired} alerts fire: a poor comparison");
}

/// The rules of a claim alone.
fn own(claim: &Claim, groups: &[Group]) -> Vec<Group> {
    let mut groups = groups.to_vec();
    for group in &mut groups {
        group.rules.retain(|rule| rule.is_alerting() && rule.name() == claim.intent.alert);
    }
    groups.retain(|group| !group.rules.is_empty());
    groups
}
