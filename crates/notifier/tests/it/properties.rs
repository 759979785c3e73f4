use assurance_metrics_model::{Duration, Labels, Timestamp};
use assurance_notifier::{Alert, AlertStatus, Config, DeliveryError, Notifier, Receiver, ReceiverKind};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    /// Alert `0..4` changes its state.
    Flip(usize),
    /// Alert `0..4` is sent again as it is.
    Resend(usize),
    /// The delivery under way, if any, ends so.
    Outcome(bool),
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..4usize).prop_map(Step::Flip),
        (0..4usize).prop_map(Step::Resend),
        any::<bool>().prop_map(Step::Outcome),
        (0..90i64).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever fails and in whatever order: in the end the receiver has heard every change of state of every
    /// alert, in order.
    #[test]
    fn every_change_of_state_arrives_in_order(steps in prop::collection::vec(step(), 1..80)) {
        let mut notifier =
            Notifier::new(Config::new(vec![Receiver::new("a", ReceiverKind::Webhook, "http://h/")]));
        let mut now = Timestamp::from_secs(0);
        let mut states: Vec<Option<Alert>> = vec![None; 4];
        let mut expected: Vec<Vec<(AlertStatus, Timestamp)>> = vec![Vec::new(); 4];
        let mut heard: Vec<Vec<(AlertStatus, Timestamp)>> = vec![Vec::new(); 4];
        let mut under_way = None;
        let index = |alert: &Alert| alert.name().parse::<usize>().expect("named by number");
        for step in steps {
            match step {
                Step::Flip(i) => {
                    now += Duration::from_millis(1);
                    let next = match &states[i] {
                        Some(alert) if alert.status == AlertStatus::Firing => alert.resolved(now),
                        _ => Alert::firing(Labels::from_pairs([("alertname", i.to_string())]), now),
                    };
                    expected[i].push((next.status, next.starts_at));
                    notifier.handle_alerts(now, std::slice::from_ref(&next));
                    states[i] = Some(next);
                }
                Step::Resend(i) => {
                    if let Some(alert) = &states[i] {
                        notifier.handle_alerts(now, std::slice::from_ref(alert));
                    }
                }
                Step::Outcome(ok) => {
                    if under_way.is_none() {
                        under_way = notifier.poll_output(now);
                    }
                    if let Some(delivery) = under_way.take() {
                        let result = if ok {
                            for alert in delivery.alerts.iter() {
                                heard[index(alert)].push((alert.status, alert.starts_at));
                            }
                            Ok(())
                        } else {
                            Err(DeliveryError { retry: true, reason: "down".to_owned() })
                        };
                        notifier.handle_delivery(now, delivery.id, result);
                    }
                }
                Step::Wait(secs) => now += Duration::from_secs(secs),
            }
        }
        while !notifier.is_idle() {
            now = notifier.poll_timeout().map_or(now, |at| at.max(now));
            let delivery = notifier.poll_output(now).expect("something waits, nothing is under way");
            for alert in delivery.alerts.iter() {
                heard[index(alert)].push((alert.status, alert.starts_at));
            }
            notifier.handle_delivery(now, delivery.id, Ok(()));
        }
        for (mut heard, expected) in heard.into_iter().zip(expected) {
            heard.dedup();
            prop_assert_eq!(heard, expected);
        }
    }
}
