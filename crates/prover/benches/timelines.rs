//! Worlds a second on one core: made, scraped and evaluated, judged.
//!
//! Time is what the thread spent on a processor, where the system tells it, and the best of several rounds counts:
//! the machine may be busy with other things. Systems tell it in steps of some milliseconds, so that a round must
//! last a hundred times that.
#![expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]
#![expect(clippy::cast_precision_loss, reason = "figures are shown with few digits")]

use std::hint::black_box;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use assurance_diagnostics::Source;
use assurance_policy::MetricContract;
use assurance_policy::intents::Intents;
use assurance_prover::claim::Claim;
use assurance_prover::fast::Engine;
use assurance_prover::generate::Generator;
use assurance_prover::judge::Judge;
use assurance_rules::RuleFile;

const CONTRACT: &str = include_str!("../../../fixtures/prover/contract.yml");
const INTENTS: &str = include_str!("../../../fixtures/prover/intents.yml");
const RULES: &str = include_str!("../../../fixtures/prover/rules.yml");
const REPAIRED: &str = include_str!("../../../fixtures/prover/repaired.yml");

const WORLDS: u64 = 30_000;
const ROUNDS: usize = 3;

fn main() {
    let contract = MetricContract::parse(&Source::new("contract.yml", CONTRACT)).expect("a contract");
    let intents = Intents::parse(&Source::new("intents.yml", INTENTS)).expect("intents");
    println!(
        "{:<10} {:<9} {:>12} {:>12} {:>12} {:>12} {:>8}",
        "intent", "rules", "made/s", "evaluated/s", "judged/s", "together/s", "scrapes"
    );
    for (name, text, contract) in
        [("flawed", RULES, contract.as_original()), ("repaired", REPAIRED, contract)]
    {
        let rules = RuleFile::parse(&Source::new(name, text)).expect("rules");
        for intent in &intents.intents {
            let Ok(claim) = Claim::new(intent, &intents.environment, &rules.groups, &contract) else {
                continue;
            };
            let generator = Generator::new(&claim);
            let mut engine = Engine::new(&claim);
            let mut timeline = generator.blank();
            let mut scrapes = 0;
            let made = best(|| {
                scrapes = 0;
                for index in 0..WORLDS {
                    generator.fill(1, index, &mut timeline);
                    scrapes += timeline.scrape.count(timeline.end);
                }
            });
            let ran = best(|| {
                for index in 0..WORLDS {
                    generator.fill(1, index, &mut timeline);
                    black_box(engine.run(&timeline));
                }
            });
            let mut judge = Judge::new(&claim);
            let together = best(|| {
                for index in 0..WORLDS {
                    generator.fill(1, index, &mut timeline);
                    black_box(judge.judge(&timeline, engine.run(&timeline), None));
                }
            });
            let per_second = |took: Duration| WORLDS as f64 / took.as_secs_f64();
            println!(
                "{:<10} {name:<9} {:>12.0} {:>12.0} {:>12.0} {:>12.0} {:>8.0}",
                intent.id,
                per_second(made),
                per_second(ran.saturating_sub(made)),
                per_second(together.saturating_sub(ran)),
                per_second(together),
                scrapes as f64 / WORLDS as f64,
            );
        }
    }
}

fn best(mut run: impl FnMut()) -> Duration {
    let mut least = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = now();
        run();
        least = least.min(now().saturating_sub(start));
    }
    least
}

/// How long this thread was on a processor, or how long it is since the first call where the system does not tell.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads clocks")]
fn now() -> Duration {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|text| text.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| FIRST.get_or_init(Instant::now).elapsed(), Duration::from_nanos)
}
