//! A world as a drawing that says what happened where.

use assurance_prover::claim::CounterBirth;
use assurance_prover::render::{Mark, WIDTH, picture};
use assurance_prover::replay::replay;
use assurance_prover::timeline::Timeline;

use crate::shop::claim;

fn draw(id: &str, facts: &str, marks: &[(i64, &str)]) -> String {
    let claim = claim(id, CounterBirth::Unknown);
    let text = format!("timeline 1\nend 20m\nscrape 30s +12s\neval 30s +20s\n{facts}");
    let timeline = claim.adopt(&Timeline::parse(&text).unwrap());
    let replay = replay(&claim, &timeline).unwrap();
    let mark = |(secs, text): &(i64, &str)| Mark { at: secs * 1000, text: (*text).to_owned() };
    let drawn = picture(&claim, &timeline, &replay, &marks.iter().map(mark).collect::<Vec<_>>());
    assert!(drawn.lines().all(|line| line.chars().count() <= WIDTH), "{drawn}");
    drawn
}

#[test]
fn a_first_event_that_nobody_notices() {
    let marks = [(400, "violation"), (550, "deadline: MISSED")];
    insta::assert_snapshot!(draw("S-1", "event 6m40s {till=\"a\"} refund\n", &marks));
}

#[test]
fn a_restart_a_lost_scrape_and_a_late_one() {
    let facts = "event 2m5s {till=\"a\"} refund\nevent 2m50s {till=\"b\"} refund\ndown 2m30s..2m45s\nlost 3m12s\nlate 4m12s +7s\n";
    insta::assert_snapshot!(draw("S-2", facts, &[(125, "violation")]));
}

#[test]
fn a_state_that_lasts_while_monitoring_stumbles() {
    let facts =
        "hold 1m..14m shop_open\nlost 4m12s\nskipped 6m50s\naway 7m30s..8m10s\nabsence 10m..12m garbage\n";
    insta::assert_snapshot!(draw("S-3", facts, &[(60, "begins"), (450, "deadline: LATE")]));
}
