//! Notifications in the queues of their receivers.

use std::sync::Arc;

use assurance_metrics_model::{Labels, Timestamp};
use assurance_notifier::dispatch::{Notification, Reason};
use assurance_notifier::routing::{Integration, IntegrationKind};
use assurance_notifier::{
    Alert, Config, DeliveryError, Hears, MAX_WAITING_NOTIFICATIONS, Notifier, Outcome, Receiver, ReceiverKind,
};

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

fn way(kind: IntegrationKind) -> Integration {
    Integration { kind, index: 0, description: format!("{}:#a", kind.as_str()), send_resolved: true }
}

fn told(number: u64, group: &str, reason: Reason) -> Arc<Notification> {
    let labels = Labels::from_pairs([("alertname", group)]);
    Arc::new(Notification {
        number,
        at: at(0),
        receiver: "team".into(),
        integration: 0,
        route: "{}".into(),
        group_labels: labels.clone(),
        reason,
        alerts: vec![Arc::new(Alert::firing(labels, at(0)))],
    })
}

fn notifier() -> Notifier {
    let all = Receiver::new("all", ReceiverKind::Webhook, "http://h/");
    Notifier::new(Config::new(vec![Receiver::routed("team", "webhook[0]", "http://h/"), all]))
}

fn numbers(notifier: &Notifier) -> Vec<u64> {
    let waiting = notifier.undelivered().notifications;
    waiting.iter().flat_map(|(_, all)| all.iter().map(|one| one.number)).collect()
}

#[test]
fn a_notification_is_one_delivery_to_its_receiver_alone() {
    let mut notifier = notifier();
    let hook = way(IntegrationKind::Webhook);
    notifier.handle_notification(at(0), told(1, "A", Reason::First), &hook);
    notifier.handle_notification(at(0), told(2, "B", Reason::First), &hook);
    let first = notifier.poll_output(at(0)).expect("due");
    assert_eq!(
        (first.receiver.name.as_str(), first.receiver.hears),
        ("team/webhook[0]", Hears::Notifications)
    );
    assert_eq!(first.notification.as_ref().map(|told| told.number), Some(1));
    assert_eq!(first.alerts.len(), 1, "what belongs to another message waits");
    assert!(notifier.poll_output(at(0)).is_none());
    let failed = DeliveryError { retry: true, reason: "503".to_owned() };
    notifier.handle_delivery(at(0), first.id, Err(failed));
    let again = notifier.poll_output(at(1)).expect("a second later");
    assert_eq!((again.notification.map(|told| told.number), again.attempt), (Some(1), 2));
    notifier.handle_delivery(at(1), again.id, Ok(()));
    assert_eq!(numbers(&notifier), [2]);
    let second = notifier.poll_output(at(1)).expect("due");
    notifier.handle_delivery(at(1), second.id, Ok(()));
    assert!(notifier.is_idle());
    // Alerts go to those who hear alerts.
    notifier.handle_alerts(at(2), &[Alert::firing(Labels::from_pairs([("alertname", "C")]), at(2))]);
    let delivery = notifier.poll_output(at(2)).expect("due");
    assert!(delivery.receiver.name == "all" && delivery.notification.is_none());
}

#[test]
fn a_repetition_takes_the_place_of_one_that_waits_and_nothing_else_does() {
    let mut notifier = notifier();
    let hook = way(IntegrationKind::Webhook);
    let all = [
        (1, "A", Reason::Repeat),
        (2, "A", Reason::Repeat),
        (3, "B", Reason::Repeat),
        (4, "A", Reason::Repeat),
        (5, "A", Reason::Resolved),
        (6, "A", Reason::First),
        (7, "A", Reason::Repeat),
    ];
    notifier.handle_notification(at(0), told(0, "A", Reason::Repeat), &hook);
    let under_way = notifier.poll_output(at(0)).expect("due");
    for (number, group, reason) in all {
        notifier.handle_notification(at(0), told(number, group, reason), &hook);
    }
    assert_eq!(numbers(&notifier), [0, 4, 3, 5, 6, 7]);
    notifier.handle_delivery(at(1), under_way.id, Ok(()));
    assert_eq!(numbers(&notifier), [4, 3, 5, 6, 7], "what was under way is what was taken");
}

#[test]
fn what_nothing_delivers_to_is_recorded() {
    let mut notifier = notifier();
    notifier.handle_notification(at(0), told(1, "A", Reason::First), &way(IntegrationKind::Slack));
    assert!(notifier.is_idle());
    let record = notifier.history().next().expect("a record");
    assert_eq!(record.receiver, "team/slack[0]");
    assert_eq!(record.outcome, Outcome::Undeliverable { to: "slack:#a".to_owned() });
    assert_eq!(notifier.undeliverable().collect::<Vec<_>>(), [("team/slack[0]", 1)]);
}

#[test]
fn a_full_queue_loses_the_oldest_and_says_so() {
    let mut notifier = notifier();
    let hook = way(IntegrationKind::Webhook);
    for number in 0..=MAX_WAITING_NOTIFICATIONS as u64 {
        notifier.handle_notification(at(0), told(number, "A", Reason::Changed), &hook);
    }
    let waiting = numbers(&notifier);
    assert_eq!((waiting.len(), waiting[0]), (MAX_WAITING_NOTIFICATIONS, 1));
    let last = notifier.history().next_back().expect("a record");
    assert_eq!(last.outcome, Outcome::Overflowed);
    let (_, status) = notifier.receivers().next().expect("two receivers");
    assert_eq!(status.overflowed, 1);
}

#[test]
fn what_waits_is_put_back_or_given_back() {
    let mut before = notifier();
    before.handle_notification(at(0), told(1, "A", Reason::First), &way(IntegrationKind::Webhook));
    let mut after = notifier();
    assert!(after.restore(at(9), before.undelivered()).is_empty());
    assert_eq!(numbers(&after), [1]);
    let mut without = Notifier::new(Config::new(Vec::new()));
    let gone = without.restore(at(9), before.undelivered());
    assert_eq!((gone.len(), gone.notifications[0].0.as_str()), (1, "team/webhook[0]"));
}
