//! Recording rules, schedules and what selectors find.

use assurance_metrics_model::{Duration, Timestamp};
use assurance_rules::{Config, Health, Schedule};

use crate::bench::{Bench, config};

const CHAIN: &str = "
groups:
- name: chain
  interval: 30s
  rules:
  - record: first
    expr: source
    labels: {instance: overridden, tier: one, dropped: ''}
  - record: second
    expr: first
";

#[test]
fn a_later_rule_sees_what_an_earlier_one_wrote() {
    let mut bench = Bench::new(CHAIN);
    bench.load(&[("__name__", "source"), ("instance", "x"), ("dropped", "d")], "1 2 3 stale");
    bench.run_to(120);
    insta::assert_snapshot!(bench.store.dump("first"), @r#"first{instance="overridden",tier="one"} 0:00=1 0:30=2 1:00=3 1:30=stale"#);
    insta::assert_snapshot!(bench.store.dump("second"), @r#"second{instance="overridden",tier="one"} 0:00=1 0:30=2 1:00=3 1:30=stale"#);
}

#[test]
fn series_that_cannot_be_told_apart_are_an_error() {
    let mut bench = Bench::new(CHAIN);
    bench
        .load(&[("__name__", "source"), ("instance", "x")], "1 1")
        .load(&[("__name__", "source"), ("instance", "y")], "_ 1");
    bench.run_to(30);
    let group = bench.manager.groups().next().expect("a group");
    assert_eq!(group.rules[0].health, Health::Err);
    insta::assert_snapshot!(group.rules[0].last_error.expect("an error").to_string(), @r#"vector contains metrics with the same labelset after applying rule labels: first{instance="overridden",tier="one"}"#);
    assert_eq!(group.rules[1].health, Health::Ok, "the other rules go on");
}

#[test]
fn a_limit_keeps_results_out() {
    let text =
        CHAIN.replace("interval: 30s", "interval: 30s\n  limit: 1").replace("instance: overridden, ", "");
    let mut bench = Bench::new(&text);
    bench
        .load(&[("__name__", "source"), ("instance", "x")], "1 1 1")
        .load(&[("__name__", "source"), ("instance", "y")], "_ 1 stale");
    bench.run_to(60);
    insta::assert_snapshot!(bench.store.dump("first"), @r#"first{instance="x",tier="one"} 0:00=1 1:00=1"#);
    assert_eq!(bench.reports[1].failures[0].1.to_string(), "exceeded limit of 1 with 2 series");
}

#[test]
fn a_query_offset_moves_query_and_results() {
    let text = CHAIN.replace("interval: 30s", "interval: 30s\n  query_offset: 1m");
    let mut bench = Bench::new(&text);
    bench.load(&[("__name__", "source"), ("instance", "x")], "1 2 3 4");
    bench.run_to(90);
    insta::assert_snapshot!(bench.store.dump("first"), @r#"first{instance="overridden",tier="one"} 0:00=1 0:30=2"#);
    let by_default = Config { query_offset: Duration::from_minutes(1), ..config(CHAIN) };
    let mut other = Bench::with(by_default);
    other.load(&[("__name__", "source"), ("instance", "x")], "1 2 3 4");
    other.run_to(90);
    assert_eq!(bench.store.dump("first"), other.store.dump("first"));
}

#[test]
fn a_scalar_is_one_series() {
    let mut bench = Bench::new("groups:\n- name: a\n  rules:\n  - record: pi\n    expr: 3.5\n");
    bench.run_to(60);
    assert_eq!(bench.store.dump("pi"), "pi 0:00=3.5 1:00=3.5\n");
}

#[test]
fn missed_evaluations_are_counted_and_the_newest_is_made() {
    let mut bench = Bench::new(CHAIN);
    bench.load(&[("__name__", "source"), ("instance", "x")], "1 2 3 4 5 6 7 8");
    bench.run_to(30);
    bench.now = Timestamp::from_secs(190);
    bench.wake();
    let last = bench.reports.last().expect("a report");
    assert_eq!((last.at, last.missed), (Timestamp::from_secs(180), 4));
    let group = bench.manager.groups().next().expect("a group");
    assert_eq!((group.missed, group.evaluations), (4, 3));
    assert_eq!(group.next_evaluation, Timestamp::from_secs(210));
}

#[test]
fn a_clock_set_back_does_not_stop_the_group() {
    let mut bench = Bench::new(CHAIN);
    bench.run_to(3600);
    bench.now = Timestamp::from_secs(1000);
    bench.wake();
    assert_eq!(bench.manager.poll_timeout(), Some(Timestamp::from_secs(1020)));
}

#[test]
fn groups_have_instants_of_their_own() {
    let text = "
groups:
- name: a
  interval: 1m
  rules: [{record: x, expr: '1'}]
- name: b
  interval: 1m
  rules: [{record: y, expr: '1'}]
- name: c
  rules: [{record: z, expr: '1'}]
";
    let config =
        || Config { schedule: Schedule::Hashed, default_interval: Duration::from_secs(15), ..config(text) };
    let mut bench = Bench::with(config());
    bench.run_to(240);
    let instants = |name: &str| -> Vec<i64> {
        bench.reports.iter().filter(|r| &*r.group == name).map(|r| r.at.as_millis()).collect()
    };
    let (a, b, c) = (instants("a"), instants("b"), instants("c"));
    assert_eq!((a.len(), b.len(), c.len()), (4, 4, 16));
    assert_ne!(a[0] % 60_000, b[0] % 60_000, "groups are spread over the interval");
    assert!(a.windows(2).all(|w| w[1] - w[0] == 60_000));
    assert!(c.windows(2).all(|w| w[1] - w[0] == 15_000));
    let mut again = Bench::with(config());
    again.run_to(240);
    assert_eq!(bench.reports, again.reports, "a restart does not move them");
    assert!(bench.reports.is_sorted_by_key(|r| r.at));
}

#[test]
fn selectors_tell_what_they_match() {
    let text = "groups:\n- name: a\n  interval: 30s\n  rules:\n  - record: x\n    expr: source\n  - record: y\n    expr: sorce\n";
    let mut bench = Bench::new(text);
    bench
        .load(&[("__name__", "source"), ("instance", "x")], "1 1")
        .load(&[("__name__", "source"), ("instance", "y")], "1 1");
    bench.run_to(30);
    let group = bench.manager.groups().next().expect("a group");
    let [matching, misspelt] = group.rules.as_slice() else { panic!("two rules") };
    assert_eq!((matching.selectors[0].matched_now, matching.selectors[0].matched_most), (2, 2));
    assert_eq!(matching.selectors[0].last_matched, Some(Timestamp::from_secs(30)));
    assert!(!matching.no_match() && !matching.never_matched());
    assert!(misspelt.no_match() && misspelt.never_matched());
    assert_eq!(misspelt.health, Health::Ok, "it is no error");
    // Much later the source has gone: what matched once does not match now.
    bench.run_to(1200);
    let group = bench.manager.groups().next().expect("a group");
    assert!(group.rules[0].no_match() && !group.rules[0].never_matched());
    assert_eq!(group.rules[0].selectors[0].matched_most, 2);
}

#[test]
fn results_that_are_refused_make_the_rule_fail() {
    let text = "groups:\n- name: a\n  interval: 30s\n  rules:\n  - record: x\n    expr: source\n    labels: {instance: z}\n";
    let mut bench = Bench::new(text);
    bench
        .load(&[("__name__", "source"), ("instance", "x")], "1 1 1")
        .load(&[("__name__", "x"), ("instance", "z")], "_ _ _ _ 7");
    bench.run_to(30);
    let group = bench.manager.groups().next().expect("a group");
    insta::assert_snapshot!(group.rules[0].last_error.expect("an error").to_string(), @r#"1 of 1 results were not stored: cannot append to x{instance="z"} at 1970-01-01T00:00:30Z: out of order: the newest sample is at 1970-01-01T00:02:00Z"#);
}

#[test]
fn a_series_that_was_refused_is_not_ended() {
    let mut bench = Bench::new("groups:\n- name: a\n  interval: 30s\n  rules: [{record: x, expr: source}]\n");
    bench.load(&[("__name__", "source")], "1 stale");
    bench.store.full = true;
    bench.run_to(0);
    let health = |bench: &Bench| bench.manager.groups().next().expect("a group").rules[0].health;
    assert_eq!(health(&bench), Health::Err);
    bench.run_to(30);
    assert_eq!(health(&bench), Health::Ok, "there is nothing to end");
}

#[test]
fn a_series_that_another_rule_takes_over_is_not_ended() {
    let text = "
groups:
- name: a
  interval: 30s
  rules:
  - {record: x, expr: new, labels: {job: a}}
  - {record: x, expr: old, labels: {job: a}}
";
    let mut bench = Bench::new(text);
    bench.load(&[("__name__", "old")], "1 stale").load(&[("__name__", "new")], "_ 2 3");
    bench.run_to(60);
    assert_eq!(bench.store.dump("x"), "x{job=\"a\"} 0:00=1 0:30=2 1:00=3\n");
    let group = bench.manager.groups().next().expect("a group");
    assert!(group.rules.iter().all(|rule| rule.health == Health::Ok && rule.failures == 0));
}

#[test]
fn groups_that_are_due_at_different_instants_go_oldest_first() {
    let text = "
groups:
- name: late
  interval: 60s
  rules: [{record: x, expr: '1'}]
- name: early
  interval: 45s
  rules: [{record: y, expr: '1'}]
";
    let mut bench = Bench::new(text);
    bench.run_to(0);
    bench.reports.clear();
    bench.now = Timestamp::from_secs(60);
    bench.wake();
    let order: Vec<(&str, i64)> =
        bench.reports.iter().map(|r| (&*r.group, r.at.as_millis() / 1000)).collect();
    assert_eq!(order, [("early", 45), ("late", 60)]);
}
