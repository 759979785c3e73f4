//! Alertmanager's API where alerts are routed here: in the shapes of its version 2.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use assurance_diagnostics::Source;
use assurance_metrics_model::{Duration, Matcher};
use assurance_notifier::dispatch::Plan;
use assurance_notifier::routing::{
    Chain, Escalation, InhibitRule, Integration, IntegrationKind, ReceiverDefinition, Route, Routing, Step,
    Unless,
};
use assurance_pipeline::{Config, Pipeline};
use assurance_rules::RuleFile;
use assurance_tsdb::Store;
use assurance_web::State;
use axum::Router;
use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

use crate::twin::router;
use crate::world::{NOW, START, request, send, state};

const RULES: &str = "
groups:
- name: g
  interval: 30s
  rules:
  - alert: Down
    expr: vector(1)
    labels: {severity: critical}
    annotations: {summary: it is down}
  - alert: Lost
    expr: vector(1)
    labels: {severity: info}
";

fn plan() -> Plan {
    let mut root = Route::new("team");
    root.group_wait = Duration::from_secs(10);
    let critical = root.inherit(vec![Matcher::equal("severity", "critical")]);
    root.routes.push(Route { receiver: "pager".to_owned(), ..critical });
    let receiver = |name: &str| ReceiverDefinition {
        name: name.to_owned(),
        integrations: vec![Integration {
            kind: IntegrationKind::PagerDuty,
            index: 0,
            description: format!("pagerduty:{name}"),
            send_resolved: true,
        }],
    };
    let step =
        Step { after: Duration::from_secs(60), unless: Unless::Acknowledged, notify: "senior".to_owned() };
    let chain = Chain {
        name: "critical".to_owned(),
        matchers: vec![Matcher::equal("severity", "critical")],
        receivers: Vec::new(),
        steps: vec![step],
    };
    let routing = Routing {
        root,
        receivers: ["team", "pager", "senior"].map(receiver).into(),
        inhibit_rules: vec![InhibitRule {
            source: vec![Matcher::equal("alertname", "Down")],
            target: vec![Matcher::equal("alertname", "Lost")],
            equal: Vec::new(),
        }],
        time_intervals: Vec::new(),
        resolve_timeout: Duration::from_minutes(5),
    };
    Plan::new(routing, Some(Escalation { chains: vec![chain] }))
}

/// Ten minutes after the start, and how often somebody was woken.
fn routed() -> (Router, Arc<AtomicUsize>) {
    let mut config = Config::default();
    config.rules.groups = RuleFile::parse(&Source::new("rules.yml", RULES)).unwrap().groups;
    config.routing = Some(Arc::new(plan()));
    let store = Arc::new(Store::new(assurance_tsdb::Config::default()));
    let mut pipeline = Pipeline::new(config, Arc::clone(&store), START);
    while let Some(next) = pipeline.poll_timeout().filter(|next| *next <= NOW) {
        pipeline.handle_timeout(next);
        assert!(pipeline.poll_output(next).is_none(), "nothing is scraped or delivered");
    }
    let mut state = State::new(Arc::new(Mutex::new(pipeline)), store, Arc::new(|| NOW));
    let woken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&woken);
    state.wake = Arc::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    (router(state), woken)
}

async fn ask(app: &Router, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let asked = request(method, path).header("content-type", "application/json").body(body).unwrap();
    let answer = send(app.clone(), asked).await;
    (answer.status.as_u16(), serde_json::from_str(&answer.body).unwrap_or(Value::Null))
}

async fn get(app: &Router, path: &str) -> Value {
    let (status, body) = ask(app, Method::GET, path, None).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

fn silence() -> Value {
    json!({
        "matchers": [{"name": "alertname", "value": "D.*", "isRegex": true}],
        "startsAt": NOW.to_string(), "endsAt": "2030-01-01T00:00:00.000Z", "createdBy": "kim", "comment": "planned",
    })
}

#[tokio::test]
async fn alerts_say_who_is_told_and_why_not() {
    let (app, _) = routed();
    let all = get(&app, "/api/v2/alerts").await;
    let find = |name: &str| {
        let mut all = all.as_array().unwrap().iter();
        all.find(|alert| alert["labels"]["alertname"] == name).unwrap().clone()
    };
    let (down, lost) = (find("Down"), find("Lost"));
    assert_eq!(
        down["status"],
        json!({"state": "active", "inhibitedBy": [], "silencedBy": [], "mutedBy": []})
    );
    assert_eq!(down["receivers"], json!([{"name": "pager"}]));
    assert_eq!(down["annotations"], json!({"summary": "it is down"}));
    assert_eq!(down["escalation"]["told"], json!(["senior"]));
    assert_eq!(lost["status"]["state"], "suppressed");
    assert_eq!(lost["status"]["inhibitedBy"], json!([down["fingerprint"]]));
    for key in ["startsAt", "endsAt", "updatedAt"] {
        assert!(down[key].as_str().unwrap().ends_with('Z'), "{down}");
    }
    for (filter, count) in [
        ("filter=severity%3D%22critical%22", 1),
        ("filter=severity%3Dcritical&filter=alertname%3DLost", 0),
        ("inhibited=false", 1),
        ("active=false", 1),
        ("receiver=p.*", 1),
        ("receiver=p", 0),
    ] {
        let found = get(&app, &format!("/api/v2/alerts?{filter}")).await;
        assert_eq!(found.as_array().unwrap().len(), count, "{filter}");
    }
    let (status, why) = ask(&app, Method::GET, "/api/v2/alerts?filter=severity", None).await;
    assert_eq!(status, 400);
    assert!(why.as_str().unwrap().starts_with("bad matcher format: severity"), "{why}");
}

#[tokio::test]
async fn groups_say_when_they_are_looked_at() {
    let (app, _) = routed();
    let groups = get(&app, "/api/v2/alerts/groups?filter=alertname=Down").await;
    assert_eq!(groups.as_array().unwrap().len(), 1);
    assert_eq!(groups[0]["receiver"], json!({"name": "pager"}));
    assert_eq!(groups[0]["groupKey"], r#"{}/{severity="critical"}:{}"#);
    assert_eq!(groups[0]["alerts"][0]["labels"]["alertname"], "Down");
    assert!(groups[0]["nextLook"].as_str().unwrap() > groups[0]["lastTold"].as_str().unwrap());
    let names = get(&app, "/api/v2/receivers").await;
    assert_eq!(names, json!([{"name": "team"}, {"name": "pager"}, {"name": "senior"}]));
    assert_eq!(get(&app, "/api/v2/status").await["cluster"]["status"], "disabled");
}

#[tokio::test]
async fn a_silence_is_made_shown_changed_and_ended() {
    let (app, woken) = routed();
    let (status, made) = ask(&app, Method::POST, "/api/v2/silences", Some(&silence())).await;
    assert_eq!(status, 200, "{made}");
    let id = made["silenceID"].as_str().unwrap().to_owned();
    assert_eq!(woken.load(Ordering::Relaxed), 1, "it is written down at once");
    let down = get(&app, "/api/v2/alerts?filter=alertname=Down").await;
    assert_eq!(down[0]["status"]["silencedBy"], json!([id]));
    assert_eq!(get(&app, "/api/v2/alerts?silenced=false").await.as_array().unwrap().len(), 1);
    let path = format!("/api/v2/silence/{id}");
    let shown = get(&app, &path).await;
    assert_eq!(
        shown["matchers"],
        json!([{"name": "alertname", "value": "D.*", "isRegex": true, "isEqual": true}])
    );
    assert_eq!((&shown["status"]["state"], &shown["createdBy"]), (&json!("active"), &json!("kim")));
    let mut longer = silence();
    longer["id"] = json!(id);
    longer["endsAt"] = json!("2031-01-01T00:00:00.000Z");
    let (_, changed) = ask(&app, Method::POST, "/api/v2/silences", Some(&longer)).await;
    assert_eq!(changed["silenceID"], json!(id));
    for (filter, count) in [("alertname=D.*", 1), ("alertname=X", 0)] {
        let found = get(&app, &format!("/api/v2/silences?filter={filter}")).await;
        assert_eq!(found.as_array().unwrap().len(), count, "{filter}");
    }
    assert_eq!(ask(&app, Method::DELETE, &path, None).await.0, 200);
    assert_eq!(get(&app, &path).await["status"]["state"], "expired");
    let (status, why) = ask(&app, Method::DELETE, &path, None).await;
    assert_eq!((status, why), (400, json!(format!("silence {id} already expired"))));
    assert_eq!(ask(&app, Method::DELETE, "/api/v2/silence/none", None).await.0, 404);
    assert_eq!(ask(&app, Method::GET, "/api/v2/silence/none", None).await.0, 404);
}

#[tokio::test]
async fn what_is_no_silence_is_refused_with_the_reason() {
    let (app, woken) = routed();
    for (key, value, reason) in [
        ("matchers", json!([]), "a matcher that does not match the empty text"),
        ("endsAt", json!("2020-01-01T00:00:00Z"), "must start before it ends"),
        ("startsAt", json!("tomorrow"), "\"tomorrow\" is no time"),
        ("matchers", json!([{"name": "a", "value": "(", "isRegex": true}]), "regular expression"),
        ("createdBy", json!(""), "who made it"),
        ("id", json!("none"), "there is no silence none"),
    ] {
        let mut wrong = silence();
        wrong[key] = value;
        let (status, why) = ask(&app, Method::POST, "/api/v2/silences", Some(&wrong)).await;
        assert_eq!(status, if key == "id" { 404 } else { 400 }, "{key}: {why}");
        assert!(why.as_str().unwrap().contains(reason), "{key}: {why}");
    }
    let (status, why) = ask(&app, Method::POST, "/api/v2/silences", None).await;
    assert!(status == 400 && why.as_str().unwrap().contains("the body is no silence"), "{why}");
    assert_eq!(woken.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn an_alert_is_acknowledged_once() {
    let (app, woken) = routed();
    let down = get(&app, "/api/v2/alerts?filter=alertname=Down").await;
    let body = json!({"fingerprint": down[0]["fingerprint"], "by": "kim", "comment": "on it"});
    let (status, taken) = ask(&app, Method::POST, "/api/v2/acknowledgements", Some(&body)).await;
    assert_eq!((status, taken), (200, json!({"fingerprints": [down[0]["fingerprint"]]})));
    assert_eq!(woken.load(Ordering::Relaxed), 1);
    let down = get(&app, "/api/v2/alerts?filter=alertname=Down").await;
    assert_eq!(down[0]["acknowledged"], json!({"by": "kim", "at": NOW.to_string(), "comment": "on it"}));
    let group = json!({"groupKey": r#"{}/{severity="critical"}:{}"#, "by": "lee"});
    let (status, why) = ask(&app, Method::POST, "/api/v2/acknowledgements", Some(&group)).await;
    assert_eq!((status, why), (400, json!(format!("kim acknowledged it at {NOW}"))));
    for wrong in [
        json!({"by": "kim"}),
        json!({"by": "kim", "fingerprint": "1", "groupKey": "{}:{}"}),
        json!({"by": "kim", "fingerprint": "x"}),
        json!({"by": "kim", "fingerprint": "1"}),
        json!({"fingerprint": "1"}),
    ] {
        assert_eq!(ask(&app, Method::POST, "/api/v2/acknowledgements", Some(&wrong)).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn pages_of_other_sites_change_nothing() {
    let (app, _) = routed();
    for (method, path) in [
        (Method::POST, "/api/v2/silences"),
        (Method::DELETE, "/api/v2/silence/x"),
        (Method::POST, "/api/v2/acknowledgements"),
    ] {
        let asked =
            request(method, path).header("origin", "https://evil.example").body(Body::empty()).unwrap();
        assert_eq!(send(app.clone(), asked).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn who_routes_elsewhere_says_so() {
    let app = router(state());
    for path in ["alerts", "alerts/groups", "silences", "silence/x", "receivers", "status"] {
        let (status, why) = ask(&app, Method::GET, &format!("/api/v2/{path}"), None).await;
        assert_eq!(status, 403, "{path}");
        assert!(why.as_str().unwrap().contains("--notify.config"), "{why}");
    }
    assert_eq!(ask(&app, Method::POST, "/api/v2/silences", Some(&silence())).await.0, 403);
}
