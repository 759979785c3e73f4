//! Records of alerts as bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use assurance_metrics_model::{Duration, Labels, MatchOp, Matcher, Timestamp};
use assurance_notifier::dispatch::{
    self, Acknowledgement, AlertRecord, ClimbRecord, DispatchState, GroupName, LogRecord, Notification,
    Reason, Silence, SilenceId,
};
use assurance_notifier::{Alert, Undelivered};
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
    let told = ("[a-z]{1,5}", prop::collection::vec(told().prop_map(Arc::new), 0..3));
    (
        prop::collection::vec(group, 0..3),
        prop::collection::vec(waiting, 0..3),
        prop::collection::vec(told, 0..3),
        prop::option::of(dispatch()),
    )
        .prop_map(|(groups, alerts, notifications, dispatch)| AlertsState {
            rules: ManagerState { groups },
            undelivered: Undelivered { alerts, notifications },
            dispatch,
        })
}

fn undelivered(alerts: Vec<Alert>) -> Undelivered {
    Undelivered { alerts: vec![("pager".to_owned(), alerts)], notifications: Vec::new() }
}

fn shared() -> impl Strategy<Value = Arc<str>> {
    "\\PC{0,5}".prop_map(Arc::from)
}

prop_compose! {
    fn told()(
        number in any::<u64>(), at in time(), receiver in shared(), integration in 0..9usize, route in shared(),
        group_labels in labels(), alerts in prop::collection::vec(notification().prop_map(Arc::new), 0..3),
        reason in prop_oneof![
            prop::sample::select(vec![Reason::First, Reason::Changed, Reason::Resolved, Reason::Repeat]),
            (shared(), 0..9usize).prop_map(|(chain, step)| Reason::Escalation { chain, step }),
            shared().prop_map(|by| Reason::Acknowledged { by }),
        ],
    ) -> Notification {
        Notification { number, at, receiver, integration, route, group_labels, reason, alerts }
    }
}

prop_compose! {
    fn group_name()(route in shared(), receiver in shared(), labels in labels()) -> GroupName {
        GroupName { route, receiver, labels }
    }
}

fn logs() -> impl Strategy<Value = Vec<LogRecord>> {
    let prints = || prop::collection::vec(any::<u64>(), 0..3);
    let log = ("[a-z]{1,5}", prints(), prints(), time())
        .prop_map(|(integration, firing, resolved, at)| LogRecord { integration, firing, resolved, at });
    prop::collection::vec(log, 0..3)
}

prop_compose! {
    fn alert_record()(
        alert in notification(), is_guess in any::<bool>(), updated_at in time(),
        acknowledged in prop::option::of((shared(), time(), shared())
            .prop_map(|(by, at, comment)| Acknowledgement { by, at, comment })),
        climb in prop::option::of((
            shared(), group_name(), time(), 0..9usize, some_time(), prop::collection::vec(shared(), 0..3),
        ).prop_map(|(chain, group, started, next, due, told)| {
            ClimbRecord { chain, group, started, next, due, told }
        })),
    ) -> AlertRecord {
        AlertRecord { alert, is_guess, updated_at, acknowledged, climb }
    }
}

fn matcher() -> impl Strategy<Value = Matcher> {
    let op = prop::sample::select(vec![MatchOp::Equal, MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex]);
    ("[a-z]{1,3}", op, "[a-z.|]{0,5}")
        .prop_map(|(name, op, value)| Matcher::new(&name, op, &value).expect("it compiles"))
}

prop_compose! {
    fn silence()(
        id in "[0-9a-f]{1,5}", matchers in prop::collection::vec(matcher(), 0..3), starts_at in time(),
        ends_at in time(), created_by in "\\PC{0,5}", comment in "\\PC{0,5}", updated_at in time(),
    ) -> Silence {
        Silence { id: SilenceId::new(&id), matchers, starts_at, ends_at, created_by, comment, updated_at }
    }
}

prop_compose! {
    fn group_record()(
        name in group_name(), next_look in time(), is_known in any::<bool>(),
        members in prop::collection::vec(labels(), 0..3), log in logs(),
    ) -> dispatch::GroupRecord {
        dispatch::GroupRecord { name, next_look, is_known, members, log }
    }
}

prop_compose! {
    fn dispatch()(
        (started, exported, cleanup_at) in (time(), time(), some_time()),
        (routes, silences_made, next_number) in (any::<u64>(), any::<u64>(), any::<u64>()),
        alerts in prop::collection::vec(alert_record(), 0..3),
        groups in prop::collection::vec(group_record(), 0..3),
        remembered in prop::collection::vec((group_name(), logs()), 0..3),
        silences in prop::collection::vec(silence(), 0..3),
        waiting in prop::collection::vec(told(), 0..3),
    ) -> DispatchState {
        DispatchState {
            started, exported, routes, alerts, groups, remembered, silences_made, silences, next_number, waiting,
            cleanup_at,
        }
    }
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
        let state = AlertsState { undelivered: undelivered(vec![alert]), ..Default::default() };
        let read = AlertsState::decode(&state.encode().unwrap()).unwrap();
        assert_eq!(read.undelivered.alerts[0].1[0].value.to_bits(), value.to_bits());
    }
}

#[test]
fn a_later_version_is_named() {
    let mut bytes = AlertsState::default().encode().unwrap();
    bytes[8] = 9;
    assert_eq!(AlertsState::decode(&bytes), Err(StateError::Version(9)));
}

/// The first version ended after the alerts that wait.
#[test]
fn the_first_version_is_read() {
    let alert = Alert::firing(Labels::from_pairs([("alertname", "A")]), Timestamp::from_secs(7));
    let state = AlertsState { undelivered: undelivered(vec![alert]), ..Default::default() };
    let whole = state.encode().unwrap();
    // No notifications, and no dispatch: a count and a mark.
    let body = &whole[24..whole.len() - 9];
    let mut first = whole[..8].to_vec();
    first.extend_from_slice(&1u32.to_le_bytes());
    first.extend_from_slice(&(body.len() as u64).to_le_bytes());
    first.extend_from_slice(&assurance_storage::crc32c(&[body]).to_le_bytes());
    first.extend_from_slice(body);
    assert_eq!(AlertsState::decode(&first), Ok(state));
}
