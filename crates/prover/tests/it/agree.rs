//! The fast engine says what the whole path shows.

use assurance_prover::claim::{Claim, CounterBirth};
use assurance_prover::fast::Engine;
use assurance_prover::generate::Generator;
use assurance_prover::replay::{disagreement, replay};
use assurance_prover::timeline::Timeline;

use crate::shop::claim;

/// Worlds of each claim: a short form of what the prover does on request with as many as one likes.
const WORLDS: u64 = 60;

fn agrees(claim: &Claim, seed: u64, worlds: u64) -> usize {
    let (generator, mut engine) = (Generator::new(claim), Engine::new(claim));
    let mut fired = 0;
    for index in 0..worlds {
        let mut timeline = generator.timeline(seed, index);
        if index % 4 == 0 {
            // Scrapes at the very instants of evaluations.
            timeline.eval.phase = timeline.scrape.phase % timeline.eval.interval;
            timeline.skipped.clear();
            timeline.late.clear();
        }
        let run = engine.run(&timeline);
        let replay = replay(claim, &timeline).unwrap();
        fired += usize::from(!run.firings.is_empty());
        if let Some(found) = disagreement(&timeline, run, &replay) {
            panic!("world {index} of seed {seed}, {:?}: {}", claim.birth, found.describe(claim));
        }
    }
    fired
}

#[test]
fn both_engines_agree_on_random_worlds() {
    for id in ["S-1", "S-2", "S-3", "S-4"] {
        for birth in [CounterBirth::Unknown, CounterBirth::Zero] {
            let fired = agrees(&claim(id, birth), 7, WORLDS);
            assert!(fired > 10, "{id} fires in {fired} worlds: too few to compare");
        }
    }
}

/// What 100,000 worlds have found, one each.
#[test]
fn worlds_that_were_told_differently_once() {
    // A target that is taken out before the monitoring that was just restarted has scraped it ends no series.
    let facts = "absence 1m35s..9m removed\naway 23s..1m25s\nlate 1m10s +1s\n";
    // A late scrape does not outlive the removal of its target.
    let late = "absence 1m47s..3m31s removed\nlate 3m10s +2s\nlate 3m40s +2s\n";
    for (facts, phase) in [(facts, "10s"), (late, "10s"), (late, "0s")] {
        let text = format!("timeline 1\nend 17m\nscrape 30s +{phase}\neval 30s +1s\n{facts}");
        for id in ["S-1", "S-2", "S-3", "S-4"] {
            let claim = claim(id, CounterBirth::Zero);
            let timeline = claim.adopt(&Timeline::parse(&text).unwrap());
            let mut engine = Engine::new(&claim);
            let replay = replay(&claim, &timeline).unwrap();
            let found = disagreement(&timeline, engine.run(&timeline), &replay);
            assert!(found.is_none(), "{}", found.unwrap().describe(&claim));
        }
    }
}
