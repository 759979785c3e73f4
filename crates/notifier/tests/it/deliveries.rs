use assurance_metrics_model::{Duration, Labels, Timestamp};
use assurance_notifier::{
    Alert, AlertStatus, Config, DeliveryError, MAX_BATCH, MAX_QUEUE, Notifier, Outcome, Receiver,
    ReceiverKind,
};

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

fn alert(name: &str, starts: i64) -> Alert {
    Alert::firing(Labels::from_pairs([("alertname", name)]), at(starts))
}

fn notifier(receivers: &[&str]) -> Notifier {
    let receivers = receivers.iter().map(|n| Receiver::new(n, ReceiverKind::Webhook, "http://h/")).collect();
    Notifier::new(Config::new(receivers))
}

fn failed(retry: bool) -> Result<(), DeliveryError> {
    Err(DeliveryError { retry, reason: "503 Service Unavailable".to_owned() })
}

#[test]
fn every_receiver_gets_every_alert() {
    let config = Config::new(vec![
        Receiver::new("a", ReceiverKind::Webhook, "http://a/"),
        Receiver::new("b", ReceiverKind::Alertmanager, "http://b/"),
    ]);
    let mut notifier = Notifier::new(config);
    notifier.handle_alerts(at(0), &[alert("X", 0)]);
    for name in ["a", "b"] {
        let delivery = notifier.poll_output(at(0)).expect("a delivery for each");
        assert_eq!(delivery.receiver.name, name);
        assert_eq!(delivery.alerts[0].labels.to_string(), r#"{alertname="X"}"#);
    }
    assert!(notifier.poll_output(at(0)).is_none(), "one delivery a receiver at a time");
}

#[test]
fn a_failure_is_retried_with_growing_waits_and_then_forgotten() {
    let mut notifier = notifier(&["a"]);
    notifier.handle_alerts(at(0), &[alert("X", 0)]);
    let mut now = at(0);
    let mut waits = Vec::new();
    for attempt in 1..=8 {
        let delivery = notifier.poll_output(now).expect("due");
        assert_eq!(delivery.attempt, attempt);
        notifier.handle_delivery(now, delivery.id, failed(true));
        assert!(notifier.poll_output(now).is_none(), "not before its time");
        let next = notifier.poll_timeout().expect("a retry is planned");
        waits.push((next - now).as_millis() / 1000);
        now = next;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    let delivery = notifier.poll_output(now).expect("due");
    notifier.handle_delivery(now, delivery.id, Ok(()));
    assert!(notifier.is_idle());
    assert_eq!(notifier.poll_timeout(), None);
    let (_, status) = notifier.receivers().next().expect("one receiver");
    assert_eq!((status.delivered, status.failed_attempts, status.last_error), (1, 8, None));
    notifier.handle_alerts(now, &[alert("Y", 1)]);
    assert_eq!(notifier.poll_output(now).expect("due").attempt, 1);
}

#[test]
fn a_resend_replaces_the_waiting_state_but_a_resolution_never_does() {
    let mut notifier = notifier(&["a"]);
    let first = alert("X", 0);
    let mut resend = first.clone();
    resend.ends_at = at(900);
    notifier.handle_alerts(at(0), std::slice::from_ref(&first));
    notifier.handle_alerts(at(60), &[resend.clone(), first.resolved(at(90)), alert("X", 100)]);
    let delivery = notifier.poll_output(at(100)).expect("due");
    let told: Vec<_> = delivery.alerts.iter().map(|a| (a.status, a.ends_at)).collect();
    assert_eq!(
        told,
        [
            (AlertStatus::Firing, at(900)),
            (AlertStatus::Resolved, at(90)),
            (AlertStatus::Firing, at(100) + Duration::from_secs(240)),
        ]
    );
}

#[test]
fn what_is_under_way_is_not_changed_by_a_resend() {
    let mut notifier = notifier(&["a"]);
    notifier.handle_alerts(at(0), &[alert("X", 0)]);
    let delivery = notifier.poll_output(at(0)).expect("due");
    notifier.handle_alerts(at(1), &[alert("X", 0)]);
    notifier.handle_delivery(at(2), delivery.id, Ok(()));
    let again = notifier.poll_output(at(2)).expect("the resend came after the batch was cut");
    assert_eq!(again.alerts.len(), 1);
}

#[test]
fn a_refusal_for_good_gives_up_the_batch_and_says_so() {
    let mut notifier = notifier(&["a"]);
    notifier.handle_alerts(at(0), &[alert("X", 0)]);
    let delivery = notifier.poll_output(at(0)).expect("due");
    notifier.handle_delivery(at(1), delivery.id, failed(false));
    assert!(notifier.is_idle());
    let record = notifier.history().last().expect("recorded");
    assert_eq!(record.outcome, Outcome::Refused { reason: "503 Service Unavailable".to_owned() });
    assert_eq!(record.alerts, [("X".to_owned(), AlertStatus::Firing)]);
}

#[test]
fn a_full_queue_loses_its_oldest_and_counts_it() {
    let mut notifier = notifier(&["a"]);
    let alerts: Vec<Alert> = (0..=MAX_QUEUE).map(|i| alert(&format!("A{i}"), 0)).collect();
    notifier.handle_alerts(at(0), &alerts);
    let (_, status) = notifier.receivers().next().expect("one receiver");
    assert_eq!((status.queued, status.overflowed), (MAX_QUEUE, 1));
    let record = notifier.history().last().expect("recorded");
    assert_eq!((&record.outcome, record.alerts[0].0.as_str()), (&Outcome::Overflowed, "A0"));
    assert_eq!(notifier.poll_output(at(0)).expect("due").alerts.len(), MAX_BATCH);
}

#[test]
fn a_reload_keeps_the_queue_of_an_unchanged_receiver() {
    let mut notifier = notifier(&["a", "b"]);
    notifier.handle_alerts(at(0), &[alert("X", 0)]);
    notifier.reload(Config::new(vec![
        Receiver::new("c", ReceiverKind::Webhook, "http://h/"),
        Receiver::new("a", ReceiverKind::Webhook, "http://h/"),
    ]));
    let delivery = notifier.poll_output(at(0)).expect("still queued");
    assert_eq!(delivery.receiver.name, "a");
    assert!(notifier.poll_output(at(0)).is_none(), "a new receiver hears of what comes after");
}
