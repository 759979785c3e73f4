use assurance_tabletop::to_junit;

use crate::{pack, run, scenario};

#[test]
fn the_report_for_people() {
    insta::assert_snapshot!(run(&scenario("TABLETOP-001"), &pack(), 1).to_markdown());
}

#[test]
fn the_report_for_programs() {
    insta::assert_snapshot!(run(&scenario("TABLETOP-001"), &pack(), 1).to_json());
}

#[test]
fn a_failed_rehearsal_says_so_first() {
    let mut scenario = scenario("TABLETOP-001");
    scenario.environment.exporter = false;
    let page = run(&scenario, &pack(), 1).to_markdown();
    let beginning: Vec<&str> = page.lines().take(6).collect();
    insta::assert_snapshot!(beginning.join("\n"));
}

#[test]
fn the_report_for_build_servers() {
    let mut broken = scenario("TABLETOP-001");
    broken.environment.exporter = false;
    let pack = pack();
    insta::assert_snapshot!(to_junit(&[run(&scenario("TABLETOP-001"), &pack, 1), run(&broken, &pack, 1)]));
}

#[test]
fn the_scenario_for_those_who_conduct_it() {
    insta::assert_snapshot!(scenario("TABLETOP-001").to_markdown());
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_does_not() {
    let (scenario, pack) = (scenario("TABLETOP-001"), pack());
    let pages = |seed| {
        let report = run(&scenario, &pack, seed);
        (report.to_markdown(), report.to_json())
    };
    assert!(pages(7) == pages(7));
    assert!(pages(7).0 != pages(8).0);
}
