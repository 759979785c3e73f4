//! Every class of tampering over many archives.

use std::collections::BTreeSet;

use assurance_evidence::audit::{Options, Report, Severity, verify};
use assurance_metrics_model::{Duration, Timestamp};

use crate::attack::{Attack, Finding, KINDS};
use crate::files::{Files, load};
use crate::rng::Rng;
use crate::world::{Ending, World, policy};

/// The most archives looked at for one that a class can be done to, for each wanted.
const PATIENCE: u64 = 40;
/// The most failures shown of a class.
const SHOWN: usize = 3;

/// How often a class was done, and found as it must be.
#[derive(Clone, Debug, Default)]
struct Tally {
    done: u64,
    found: u64,
    failures: Vec<String>,
}

/// Runs the campaign and tells what came of it; gives the number of failures.
pub(crate) fn run(seeds: u64, class: Option<&str>, say: &mut dyn FnMut(String)) -> u64 {
    let kinds: Vec<_> =
        KINDS.iter().filter(|kind| class.is_none_or(|class| kind.name.starts_with(class))).collect();
    let mut tallies = vec![Tally::default(); kinds.len()];
    for seed in 0..seeds * PATIENCE {
        if tallies.iter().all(|tally| tally.done >= seeds) {
            break;
        }
        let world = World::of(seed, 4 + (seed % 6) as usize, Ending::Witnessed);
        for (place, (kind, tally)) in kinds.iter().zip(&mut tallies).enumerate() {
            if tally.done >= seeds {
                continue;
            }
            let mut rng = Rng::new(seed.wrapping_mul(1_000_003) + place as u64);
            let Some(attack) = (kind.tamper)(&world, &mut rng) else { continue };
            tally.done += 1;
            match judge(&attack, world.now) {
                Ok(()) => tally.found += 1,
                Err(why) => tally.failures.push(format!("seed {seed}: {why}")),
            }
        }
    }
    let mut failures = 0;
    for (kind, tally) in kinds.iter().zip(&tallies) {
        let missed = tally.done - tally.found + seeds.saturating_sub(tally.done);
        failures += missed;
        let mark = if missed == 0 { "  " } else { " !" };
        say(format!("{:24} {:>6} of {:>6}{mark} {}", kind.name, tally.found, tally.done, kind.found));
        for failure in tally.failures.iter().take(SHOWN) {
            say(format!("    {failure}"));
        }
    }
    failures
}

/// What the verifier says of files.
pub(crate) fn audit(files: &Files, since: Option<&str>, max_age: Option<i64>, now: Timestamp) -> Report {
    let mut options = Options::at(now);
    options.policy = Some(policy().parse().expect("a policy"));
    options.since = since.map(str::to_owned);
    options.max_age = max_age.map(Duration::from_secs);
    verify(&load(files), &options, &mut |_| {}).expect("memory can be read")
}

/// What of a report says that something is wrong.
pub(crate) fn alarms(report: &Report) -> BTreeSet<Finding> {
    let wrong = report
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Integrity || finding.class.to_string() == "stale");
    wrong
        .map(|finding| Finding {
            class: finding.class.to_string(),
            file: finding.file.clone(),
            day: finding.day.map(|day| day.to_string()),
            line: finding.line,
        })
        .collect()
}

/// Whether an attack is found, and found as what it is.
pub(crate) fn judge(attack: &Attack, now: Timestamp) -> Result<(), String> {
    let report = audit(&attack.files, attack.since.as_deref(), attack.max_age, now);
    let (found, expected) = (alarms(&report), attack.expected.iter().cloned().collect::<BTreeSet<_>>());
    if found == expected && !expected.is_empty() {
        return Ok(());
    }
    let said: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    Err(format!("wanted {expected:?}\n        found {found:?}\n        said {said:?}"))
}
