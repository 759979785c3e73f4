use assurance_metrics_model::{Duration, Labels, Timestamp};
use assurance_notifier::routing::{GroupBy, IntegrationKind, MutedBy, RouteTree};
use assurance_scrape::{Auth, Credential};

use super::{good, read};
use crate::fixtures::names;

#[test]
fn every_good_file_loads() {
    assert!(names("notifier/good").len() >= 6);
    let warnings: String = names("notifier/good")
        .iter()
        .flat_map(|name| good(name).warnings)
        .map(|warning| warning.to_string())
        .collect();
    insta::assert_snapshot!("notify_warnings", warnings);
}

#[test]
fn the_tree_inherits_what_is_not_written() {
    let routing = good("governance-like.yml").routing;
    insta::assert_snapshot!(RouteTree(&routing.root), @r###"
    .
    └── default-route  receiver: everyone
        ├── {severity="critical"}  receiver: pagers
        │   ├── {component=~"axe|bundle"}  continue: true  receiver: security
        │   └── {component="axe",tier!="dmz"}  receiver: security-phone
        ├── {severity="warning",team=~"platform|ops"}  receiver: platform
        └── {severity="info"}  receiver: everyone
    "###);
    assert_eq!(routing.resolve_timeout, Duration::from_minutes(10));
    assert_eq!(good("smallest.yml").routing.resolve_timeout, Duration::from_minutes(5));
    let pagers = &routing.root.routes[0];
    let [security, phone] = &pagers.routes[..] else { panic!("two routes") };
    let timing = |route: &assurance_notifier::routing::Route| {
        [route.group_wait, route.group_interval, route.repeat_interval].map(|span| span.to_string())
    };
    assert_eq!(timing(&routing.root), ["30s", "5m", "4h"]);
    assert_eq!(timing(security), ["10s", "2m", "1h"]);
    assert_eq!(timing(&routing.root.routes[1]), ["30s", "5m", "4h"]);
    let labels = ["alertname", "severity"].map(str::to_owned).to_vec();
    assert_eq!((&security.group_by, &phone.group_by), (&GroupBy::Labels(labels), &GroupBy::All));
}

#[test]
fn intervals_and_inhibition_are_read() {
    let routing = good("governance-like.yml").routing;
    let at = |text: &str| text.parse::<Timestamp>().expect("a time");
    let [_, platform, info] = &routing.root.routes[..] else { panic!("three routes") };
    let nights = Some(MutedBy::Interval("nights".to_owned()));
    for (time, muted) in [
        ("2026-03-04T21:59:59Z", &None),
        ("2026-03-04T22:00:00Z", &nights),
        ("2026-03-05T05:59:59Z", &nights),
        ("2026-03-05T06:00:00Z", &None),
        ("2027-01-31T12:00:00Z", &nights),
        ("2027-01-30T12:00:00Z", &None),
        ("2031-01-31T12:00:00Z", &None),
    ] {
        assert_eq!(&routing.muted(platform, at(time)), muted, "{time}");
    }
    assert_eq!(routing.muted(info, at("2026-03-06T17:29:00Z")), None);
    assert_eq!(routing.muted(info, at("2026-03-06T17:30:00Z")), Some(MutedBy::NoActiveInterval));
    let labels = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
    let critical = labels(&[("severity", "critical"), ("alertname", "a")]);
    let target = |name: &str| labels(&[("severity", "warning"), ("alertname", name)]);
    assert!(routing.inhibitor(&target("a"), [&critical]).is_some());
    assert!(routing.inhibitor(&target("b"), [&critical]).is_none());
}

#[test]
fn webhooks_know_how_they_are_reached() {
    let loaded = good("governance-like.yml");
    let [everyone, pagers] = &loaded.webhooks[..] else { panic!("{:?}", loaded.webhooks) };
    assert_eq!((everyone.max_alerts, everyone.send_resolved, everyone.timeout), (20, true, None));
    assert_eq!(
        everyone.url,
        Credential::Inline(assurance_scrape::Secret::new("http://127.0.0.1:8060/everyone"))
    );
    assert_eq!((pagers.receiver.as_str(), pagers.index, pagers.send_resolved), ("pagers", 0, false));
    let token = Credential::File("/etc/assurance/secrets/token".to_owned());
    assert_eq!(
        pagers.http.auth,
        Some(Auth::Authorization { scheme: "Bearer".to_owned(), credentials: token })
    );
    let file = &good("every-new-kind.yml").webhooks[1];
    assert_eq!(file.url, Credential::File("/etc/assurance/secrets/hook".to_owned()));
    // The global client is for those that have none of their own.
    let [inherits, own] = &good("http-clients.yml").webhooks[..] else { panic!("two") };
    assert!(!inherits.http.follow_redirects && inherits.http.tls.ca.is_some());
    assert!(own.http.follow_redirects && own.http.tls.ca.is_none() && own.http.auth.is_some());
}

#[test]
fn integrations_are_described_for_people() {
    let kinds = |name: &str| {
        let mut out = Vec::new();
        for receiver in &good(name).routing.receivers {
            for it in &receiver.integrations {
                out.push(format!(
                    "{it} {} {}",
                    it.description,
                    if it.send_resolved { "both" } else { "firing" }
                ));
            }
        }
        out.join("\n")
    };
    insta::assert_snapshot!(kinds("governance-like.yml"), @r###"
    webhook[0] webhook:http://127.0.0.1:8060 both
    pagerduty[0] pagerduty:governance both
    webhook[0] webhook:http://127.0.0.1:8060 firing
    email[0] email:security@example.org firing
    slack[0] slack:#security both
    slack[0] slack:#platform firing
    "###);
    let mut seen: Vec<IntegrationKind> = ["every-old-kind.yml", "every-new-kind.yml"]
        .into_iter()
        .flat_map(|name| good(name).routing.receivers)
        .flat_map(|receiver| receiver.integrations)
        .map(|integration| integration.kind)
        .collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen, IntegrationKind::ALL);
}

#[test]
fn values_are_texts_however_they_look() {
    let root = good("yaml-forms.yml").routing.root;
    insta::assert_snapshot!(RouteTree(&root), @r###"
    .
    └── default-route  receiver: ops
        ├── {nothing="",on="yes",ratio="1.50",team="7"}  continue: true  receiver: ops
        ├── {nothing="",on="yes",ratio="1.50",team="7"}  receiver: ops
        └── {a="b, c",d!~"'e'",f="",g="say \"h\" \\ n"}  receiver: ops
    "###);
    assert_eq!(root.group_wait, Duration::ZERO);
}

#[test]
fn an_empty_list_of_labels_is_one_group() {
    let routing = good("every-new-kind.yml").routing;
    let labels = Labels::from_pairs([("severity", "info"), ("alertname", "a")]);
    let found = routing.find(&labels);
    assert_eq!(assurance_notifier::routing::Routing::group_labels(found[0], &labels), Labels::empty());
}

/// What nothing is sent with must be right, and need not be supported.
#[test]
fn clients_of_kinds_that_are_not_delivered_to_need_not_be_supported() {
    let text = "\
global: {http_config: {proxy_url: 'http://proxy:3128'}}
route: {receiver: a}
receivers:
- name: a
  slack_configs:
  - api_url: https://hooks.example.org/x
    http_config: {proxy_from_environment: true, oauth2: {client_id: x}}
";
    assert!(read(text).is_ok());
    let wrong = text.replace("oauth2: {client_id: x}", "bearer_token: a, basic_auth: {username: b}");
    let said = read(&wrong).expect_err("two ways").remove(0).message;
    assert_eq!(said.as_ref(), "bearer_token stands beside basic_auth");
}
