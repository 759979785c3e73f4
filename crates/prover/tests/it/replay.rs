//! The whole path shows what happens, and when.

use assurance_prover::claim::{Claim, CounterBirth};
use assurance_prover::replay::replay;
use assurance_prover::timeline::Timeline;

use crate::shop::claim;

/// When the claim's alert fires in a world, in seconds: from, and until.
fn fires(claim: &Claim, facts: &str) -> Vec<(i64, Option<i64>)> {
    let text = format!("timeline 1\nend 20m\nscrape 30s +12s\neval 30s +20s\n{facts}");
    let timeline = claim.adopt(&Timeline::parse(&text).unwrap());
    let firings = replay(claim, &timeline).unwrap().firings();
    firings.iter().map(|firing| (firing.from / 1000, firing.until.map(|until| until / 1000))).collect()
}

#[test]
fn a_first_event_is_seen_by_those_who_know_that_there_was_none_before() {
    let world = "event 1m40s {till=\"a\"} refund\n";
    assert_eq!(fires(&claim("S-1", CounterBirth::Unknown), world), []);
    assert_eq!(fires(&claim("S-1", CounterBirth::Zero), world), [(170, Some(380))]);
    assert_eq!(fires(&claim("S-2", CounterBirth::Unknown), world), [(110, Some(410))]);
}

#[test]
fn a_restart_hides_an_event_that_repeats() {
    let world = "base 1\nevent 1m40s {till=\"a\"} refund\ndown 2m..2m20s\nevent 2m21s {till=\"a\"} refund\n";
    let seen = fires(&claim("S-1", CounterBirth::Zero), world);
    assert_eq!(seen, [(170, Some(440))]);
}

#[test]
fn a_lost_scrape_interrupts_what_must_hold() {
    let door = claim("S-3", CounterBirth::Unknown);
    assert_eq!(fires(&door, "hold 1m..15m shop_open\n"), [(380, Some(920))]);
    assert_eq!(fires(&door, "hold 1m..15m shop_open\nlost 4m12s\n"), [(590, Some(920))]);
    assert_eq!(fires(&door, "hold 1m..15m shop_open\nskipped 6m20s\n"), [(410, Some(920))]);
    assert_eq!(fires(&door, "hold 1m..15m shop_open\naway 2m..3m\n"), [(380, Some(920))], "it is restored");
    let late = "hold 1m..15m shop_open\nlate 1m12s +9s\n";
    assert_eq!(fires(&door, late), [(410, Some(920))], "a scrape after the evaluation is seen by the next");
}

#[test]
fn a_job_can_fall_silent_in_four_ways() {
    let gone = claim("S-4", CounterBirth::Unknown);
    for form in ["down", "removed", "garbage"] {
        let seen = fires(&gone, &format!("absence 5m..10m {form}\n"));
        assert_eq!(seen, [(440, Some(620))], "{form}");
    }
    assert_eq!(fires(&gone, "absence 5m..10m empty\n"), [], "an empty page leaves the job up");
    assert_eq!(fires(&gone, "absence 15m..end removed\n"), [(1040, None)]);
}
