//! What receivers get to read, and what their answers mean.

mod alertmanager;

use std::sync::Arc;

use assurance_metrics_model::{Duration, Labels, Timestamp};
use assurance_notifier::{Alert, Delivery, DeliveryId, Receiver, ReceiverKind};
use assurance_receivers::{classify, request};

fn delivery(kind: ReceiverKind, url: &str) -> Delivery {
    let at = Timestamp::from_millis(1_766_672_423_456);
    let labels = |name: &str, severity: &str| {
        Labels::from_pairs([("alertname", name), ("severity", severity), ("cluster", "brain")])
    };
    let mut firing = Alert::firing(labels("GovernanceOverrideActive", "critical"), at);
    firing.annotations.insert("summary".to_owned(), "Override \"active\" on <backend:8000>".to_owned());
    firing.annotations.insert("runbook_url".to_owned(), "https://runbooks.example/a".to_owned());
    firing.generator_url = "http://127.0.0.1:9090/graph?g0.expr=up".to_owned();
    let mut ended = Alert::firing(labels("GovernanceBundleQuarantined", "critical"), at);
    ended.annotations.insert("runbook_url".to_owned(), "https://runbooks.example/a".to_owned());
    let ended = ended.resolved(at + Duration::from_secs(90));
    Delivery {
        id: DeliveryId(1),
        receiver: Arc::new(Receiver::new("pager", kind, url)),
        alerts: vec![firing, ended].into(),
        notification: None,
        attempt: 1,
    }
}

fn sent(kind: ReceiverKind, url: &str) -> String {
    let request = request(&delivery(kind, url), "http://127.0.0.1:9090").expect("the URL is one");
    let body: serde_json::Value = serde_json::from_slice(request.body()).expect("JSON");
    format!(
        "{} {}\n{:?}\n\n{}",
        request.method(),
        request.uri(),
        request.headers()["content-type"],
        serde_json::to_string_pretty(&body).expect("JSON")
    )
}

#[test]
fn alertmanager_gets_its_version_2() {
    insta::assert_snapshot!(sent(ReceiverKind::Alertmanager, "http://127.0.0.1:9093/prefix/"));
}

#[test]
fn a_webhook_gets_version_4() {
    insta::assert_snapshot!(sent(ReceiverKind::Webhook, "http://127.0.0.1:8080/page?team=ops"));
}

#[test]
fn a_url_that_is_none_is_an_error_with_the_receivers_name() {
    let error = request(&delivery(ReceiverKind::Webhook, "http://exa mple/"), "").expect_err("no URL");
    assert_eq!(error.to_string(), "receiver pager: \"http://exa mple/\" is no URL: invalid uri character");
}

#[test]
fn only_2xx_is_taken_and_only_passing_trouble_is_tried_again() {
    for status in [200, 202, 204] {
        assert_eq!(classify(status, "whatever"), Ok(()));
    }
    for (status, retry) in
        [(302, false), (400, false), (404, false), (408, true), (429, true), (500, true), (503, true)]
    {
        assert_eq!(classify(status, "").expect_err("not taken").retry, retry, "{status}");
    }
    let long = format!("  {}é", "x".repeat(199));
    let error = classify(400, &long).expect_err("not taken");
    assert_eq!(error.reason, format!("the receiver answered with status 400: {}…", "x".repeat(199)));
}
