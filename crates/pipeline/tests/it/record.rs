//! Records of alerts as bytes.

use std::collections::BTreeMap;

use assurance_metrics_model::{Duration, Labels, Timestamp};
use assurance_notifier::Alert;
use assurance_pipeline::{AlertsState, StateError};
use assurance_rules::{AlertState, GroupRecord, ManagerState, Phase, RuleRecord};
use proptest::prelude::*;

fn labels() -> impl Strategy<Value = Labels> {
    prop::collection::btree_map("[a-z]{1,3}", "\\PC{0,5}", 0..3).prop_map(Labels::from_pairs)
}

fn time() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_millis)
}

fn some_time() -> impl Strategy<Value = Option<Timestamp>> {
    prop::option::of(time())
}

fn texts() -> impl Strategy<Value = BTreeMap<String, String>> {
    prop::collection::btree_map("[a-z]{1,3}", "\\PC{0,5}", 0..3)
}

prop_compose! {
    fn alert()(
        labels in labels(), annotations in texts(), value in -1e9..1e9_f64,
        phase in prop::sample::select(vec![Phase::Inactive, Phase::Pending, Phase::Firing]),
        active_at in time(), fired_at in some_time(), resolved_at in some_time(),
        keep_firing_since in some_time(), last_sent_at in some_time(), valid_until in some_time(),
    ) -> AlertState {
        AlertState {
            labels, annotations, value, phase, active_at, fired_at, resolved_at, keep_firing_since,
            last_sent_at, valid_until,
        }
    }
}

prop_compose! {
    fn rule()(
        alerting in any::<bool>(), name in "\\PC{0,5}", labels in labels(), expression in "\\PC{0,9}",
        hold in any::<i64>(), alerts in prop::collection::vec(alert(), 0..3),
        written in prop::collection::vec(labels(), 0..3),
    ) -> RuleRecord {
        RuleRecord { alerting, name, labels, expression, hold: Duration::from_millis(hold), alerts, written }
    }
}

prop_compose! {
    fn notification()(labels in labels(), at in 0..1i64 << 50, resolved in any::<bool>(), url in "[a-z]{0,5}") -> Alert {
        let mut alert = Alert::firing(labels, Timestamp::from_millis(at));
        alert.generator_url = url;
        if resolved { alert.resolved(Timestamp::from_millis(at + 1)) } else { alert }
    }
}

fn state() -> impl Strategy<Value = AlertsState> {
    let group = ("\\PC{0,5}", "\\PC{0,5}", some_time(), prop::collection::vec(rule(), 0..3))
        .prop_map(|(file, name, last_evaluation, rules)| GroupRecord { file, name, last_evaluation, rules });
    let waiting = ("[a-z]{1,5}", prop::collection::vec(notification(), 0..3));
    (prop::collection::vec(group, 0..3), prop::collection::vec(waiting, 0..3))
        .prop_map(|(groups, undelivered)| AlertsState { rules: ManagerState { groups }, undelivered })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_written_is_read(state in state()) {
        let bytes = state.encode().unwrap();
        prop_assert_eq!(AlertsState::decode(&bytes), Ok(state));
    }

    /// No byte may be another, and none may be missing.
    #[test]
    fn damage_is_noticed(state in state(), bit in 0..8u8) {
        let mut bytes = state.encode().unwrap();
        for length in 0..bytes.len() {
            prop_assert!(AlertsState::decode(&bytes[..length]).is_err(), "cut to {}", length);
        }
        for at in 0..bytes.len() {
            bytes[at] ^= 1 << bit;
            prop_assert!(AlertsState::decode(&bytes).is_err(), "byte {}", at);
            bytes[at] ^= 1 << bit;
        }
    }

    #[test]
    fn nothing_is_taken_for_a_record(bytes in prop::collection::vec(any::<u8>(), 0..99)) {
        prop_assert_eq!(AlertsState::decode(&bytes), Err(StateError::Foreign));
    }
}

#[test]
fn values_keep_their_bits() {
    for value in [f64::NAN, f64::NEG_INFINITY, -0.0, f64::from_bits(0x7ff0_0000_0000_0002)] {
        let mut alert = Alert::firing(Labels::empty(), Timestamp::EPOCH);
        alert.value = value;
        let state =
            AlertsState { undelivered: vec![("pager".to_owned(), vec![alert])], ..Default::default() };
        let read = AlertsState::decode(&state.encode().unwrap()).unwrap();
        assert_eq!(read.undelivered[0].1[0].value.to_bits(), value.to_bits());
    }
}

#[test]
fn a_later_version_is_named() {
    let mut bytes = AlertsState::default().encode().unwrap();
    bytes[8] = 9;
    assert_eq!(AlertsState::decode(&bytes), Err(StateError::Version(9)));
}
