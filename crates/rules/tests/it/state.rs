//! Reloads and restarts.

use assurance_metrics_model::Timestamp;
use assurance_rules::{EventKind, Manager, Phase};
use proptest::prelude::*;

use crate::bench::{Bench, config, draw};

const RULES: &str = "
groups:
- name: a
  interval: 30s
  rules:
  - record: copy
    expr: source
  - alert: SourceHigh
    expr: source > 5
    for: 1m
    keep_firing_for: 1m
    labels: {severity: warning}
- name: b
  interval: 1m
  rules:
  - alert: CopyHigh
    expr: copy > 8
";

fn loaded(text: &str, words: &str) -> Bench {
    let mut bench = Bench::new(text);
    bench.load(&[("__name__", "source"), ("instance", "x")], words);
    bench
}

#[test]
fn a_reload_keeps_the_alerts_of_rules_that_stay() {
    let mut bench = loaded(RULES, "9 9 9 9 9 9 9 9 9 9");
    bench.run_to(90);
    let changed = RULES.replace("for: 1m", "for: 10m").replace("source > 5", "source > 6");
    bench.manager.reload(config(&changed), bench.now);
    assert_eq!(draw(&bench.drain()), "", "nothing is told");
    let alert = bench.manager.alerts().next().expect("an alert").clone();
    assert_eq!((alert.phase, alert.active_at), (Phase::Firing, Timestamp::EPOCH));
    let after = bench.run_to(180);
    assert!(after.iter().all(|e| e.kind == EventKind::Resend), "{}", draw(&after));
}

#[test]
fn after_a_reload_or_restart_alerts_are_described_as_their_rules_say_now() {
    let with = |text: &str| {
        RULES.replace(
            "severity: warning}",
            &format!("severity: warning}}\n    annotations: {{summary: {text}}}"),
        )
    };
    let summary = |bench: &Bench| {
        bench.manager.alerts().find_map(|alert| alert.annotations.get("summary").cloned()).unwrap()
    };
    let mut bench = loaded(&with("one"), "9 9 9 9 9 9 9 9 9 9 9 9");
    bench.run_to(90);
    assert_eq!(summary(&bench), "one");
    bench.manager.reload(config(&with("two")), bench.now);
    bench.run_to(120);
    assert_eq!(summary(&bench), "two");
    let state = bench.manager.export_state();
    bench.manager = Manager::new(config(&with("three")), bench.now);
    bench.manager.restore_state(state, bench.now);
    bench.run_to(180);
    assert_eq!(summary(&bench), "three");
}

#[test]
fn a_reload_keeps_what_is_due_and_what_is_to_be_ended() {
    let mut bench = loaded(RULES, "9 9 9 9 9 9 9 9 9 9");
    bench.run_to(60);
    bench.now = Timestamp::from_secs(95);
    bench.manager.reload(config(&RULES.replace("expr: source\n", "expr: source > 100\n")), bench.now);
    assert_eq!(bench.manager.poll_timeout(), Some(Timestamp::from_secs(90)), "it is overdue, not dropped");
    bench.run_to(120);
    assert_eq!(
        bench.store.dump("copy"),
        "copy{instance=\"x\"} 0:00=9 0:30=9 1:00=9 1:30=stale\n",
        "the rule is the same one, and ends its series"
    );
}

#[test]
fn a_reload_drops_the_alerts_of_rules_that_go() {
    let mut bench = loaded(RULES, "9 9 9 9 9 9 9 9 9 9 9 9 9 9");
    bench.run_to(90);
    let renamed = RULES.replace("SourceHigh", "SourceTooHigh").replace("name: b", "name: c");
    bench.manager.reload(config(&renamed), bench.now);
    insta::assert_snapshot!(draw(&bench.drain()), @r#"
    1:30 dropped {alertname="SourceHigh",instance="x",severity="warning"} value 9 active 0:00 ends 5:00
    1:30 dropped {alertname="CopyHigh",instance="x"} value 9 active 0:00 ends 4:00
    "#);
    bench.run_to(240);
    // The series of the rule end at the group's next evaluation, those of the group two of its intervals later.
    insta::assert_snapshot!(bench.store.dump("ALERTS"), @r#"
    ALERTS{alertname="CopyHigh",alertstate="firing",instance="x"} 0:00=1 1:00=1 2:00=1 3:00=1 4:00=1
    ALERTS{alertname="SourceHigh",alertstate="firing",instance="x",severity="warning"} 1:00=1 1:30=1 2:00=stale
    ALERTS{alertname="SourceHigh",alertstate="pending",instance="x",severity="warning"} 0:00=1 0:30=1 1:00=stale
    ALERTS{alertname="SourceTooHigh",alertstate="firing",instance="x",severity="warning"} 3:00=1 3:30=1 4:00=1
    ALERTS{alertname="SourceTooHigh",alertstate="pending",instance="x",severity="warning"} 2:00=1 2:30=1 3:00=stale
    "#);
}

#[test]
fn a_group_that_moves_keeps_its_series() {
    let one = "groups:\n- name: a\n  interval: 30s\n  rules: [{record: copy, expr: source}]\n";
    let mut bench = loaded(one, "1 2 3 4 5 6 7 8");
    bench.run_to(60);
    bench.manager.reload(config(&one.replace("name: a", "name: z")), bench.now);
    bench.run_to(210);
    assert_eq!(
        bench.store.dump("copy"),
        "copy{instance=\"x\"} 0:00=1 0:30=2 1:00=3 1:30=4 2:00=5 2:30=6 3:00=7 3:30=8\n"
    );
}

#[test]
fn alerts_without_a_rule_are_told_as_lost() {
    let mut bench = loaded(RULES, "9 9 9 9 9 9 9 9 9 9");
    bench.run_to(90);
    let state = bench.manager.export_state();
    let other = RULES.replace("SourceHigh", "SourceTooHigh");
    let mut manager = Manager::new(config(&other), bench.now);
    let restored = manager.restore_state(state, bench.now);
    assert_eq!(restored.alerts, 1, "that of the other group");
    assert_eq!(restored.lost.len(), 1);
    assert_eq!(restored.lost[0].2, "SourceHigh");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A restart between two evaluations changes neither what is told nor what is written.
    #[test]
    fn a_restart_changes_nothing(
        values in prop::collection::vec(prop_oneof![Just(1), Just(7), Just(9)], 4..50),
        cuts in prop::collection::vec(0_i64..1500, 1..4),
    ) {
        let words: Vec<String> = values.iter().map(ToString::to_string).collect();
        let end = i64::try_from(values.len()).expect("a small number") * 30;
        let mut whole = loaded(RULES, &words.join(" "));
        let undisturbed = whole.run_to(end);
        let mut cut = loaded(RULES, &words.join(" "));
        let mut events = Vec::new();
        let mut cuts = cuts;
        cuts.sort_unstable();
        for at in cuts {
            events.extend(cut.run_to(at.min(end)));
            let state = cut.manager.export_state();
            let mut manager = Manager::new(config(RULES), cut.now);
            let restored = manager.restore_state(state, cut.now);
            prop_assert!(restored.lost.is_empty());
            cut.manager = manager;
        }
        events.extend(cut.run_to(end));
        prop_assert_eq!(draw(&undisturbed), draw(&events));
        for name in ["ALERTS", "ALERTS_FOR_STATE", "copy"] {
            prop_assert_eq!(whole.store.dump(name), cut.store.dump(name));
        }
    }
}
