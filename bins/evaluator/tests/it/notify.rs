//! `serve --notify.config`: alerts are routed here, and what was said and told survives a kill.

use std::process::Command;

use serde_json::{Value, json};

use crate::net::{self, Server};
use crate::peers::installed;
use crate::process::{eventually, expect, run};
use crate::start::{ACTIVE, QUIET, RULES, Running, configuration, folder, serve, write};

const ESCALATION: &str = "version: 1
chains:
  - name: critical
    matchers: ['severity=\"critical\"']
    steps:
      - {after: 1s, unless: acknowledged, notify: senior}
      - {after: 1h, unless: resolved, notify: manager}
";

fn routes(team: &Server, senior: &Server) -> String {
    format!(
        "route:
  receiver: team
  group_by: [alertname]
  group_wait: 200ms
  group_interval: 500ms
  repeat_interval: 1h
receivers:
  - name: team
    webhook_configs: [{{url: 'http://{}/'}}]
    slack_configs: [{{api_url: 'http://127.0.0.1:9/', channel: '#incidents'}}]
  - name: senior
    webhook_configs: [{{url: 'http://{}/'}}]
  - name: manager
",
        team.address, senior.address
    )
}

const FLAGS: [&str; 4] = [
    "--config.file=prometheus.yml",
    "--notify.config=alertmanager.yml",
    "--notify.escalation=escalation.yml",
    "--storage.tsdb.path=data",
];

fn post(server: &Running, path: &str, body: &Value) -> net::Answer {
    let lines = ["Content-Type: application/json"];
    net::request("POST", &server.address, path, &lines, body.to_string()).expect("an answer")
}

fn active_alert(server: &Running) -> Value {
    eventually("the alert at the API", || {
        let answer = net::get(&server.address, "/api/v2/alerts?filter=severity=critical")?;
        let all: Value = serde_json::from_str(&answer.body).map_err(|error| error.to_string())?;
        all.get(0).cloned().ok_or_else(|| answer.body.clone())
    })
}

fn is_reason(server: &Server, reason: &str) -> Result<Value, String> {
    let alerts = server.alerts();
    let mut messages = alerts.iter().map(|(_, message)| message);
    messages.find(|message| message["reason"] == reason).cloned().ok_or_else(|| format!("{alerts:?}"))
}

#[test]
fn what_was_said_and_told_survives_a_kill() {
    let (target, team, senior) = (Server::start(ACTIVE), Server::start(""), Server::start(""));
    let folder = folder(&configuration(&target.address), RULES);
    write(folder.path().join("alertmanager.yml"), &routes(&team, &senior));
    write(folder.path().join("escalation.yml"), ESCALATION);
    let mut server = serve(folder.path(), &FLAGS);

    let (alert, message) = team.wait_for_alert("GovernanceOverrideActive", "firing");
    assert_eq!(message["receiver"], "team");
    assert_eq!(message["groupKey"], r#"{}:{alertname="GovernanceOverrideActive"}"#);
    assert_eq!(message["groupLabels"], json!({"alertname": "GovernanceOverrideActive"}));
    assert_eq!(message["reason"], "first");
    let called = eventually("the call of the senior", || is_reason(&senior, "escalation"));
    assert_eq!(called["escalation"], json!({"chain": "critical", "step": 1}));

    let ack = json!({"fingerprint": alert["fingerprint"], "by": "kim", "comment": "on it"});
    assert_eq!(post(&server, "/api/v2/acknowledgements", &ack).status, 200);
    let told = eventually("the senior hears who took it", || is_reason(&senior, "acknowledged"));
    assert_eq!(told["acknowledgedBy"], "kim");
    let matcher = json!({"name": "alertname", "value": "NothingYet", "isRegex": false});
    let silence = json!({
        "matchers": [matcher], "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2100-01-01T00:00:00Z",
        "createdBy": "kim", "comment": "planned",
    });
    let made = post(&server, "/api/v2/silences", &silence);
    assert_eq!(made.status, 200, "{}", made.body);
    let metrics = net::get(&server.address, "/metrics").expect("an answer").body;
    assert!(
        metrics.contains("assurance_notify_undeliverable_alerts_total{receiver=\"team/slack[0]\"} 1"),
        "{metrics}"
    );
    let page = net::get(&server.address, "/").expect("an answer").body;
    assert!(page.contains("undeliverable: nothing here delivers to slack:#incidents"), "{page}");
    // What needs no haste is written once a second.
    eventually("both are written down", || {
        let state =
            fs_err::read(folder.path().join("data/alerts.state")).map_err(|error| error.to_string())?;
        let has = |text: &str| state.windows(text.len()).any(|part| part == text.as_bytes());
        expect(has("NothingYet") && has("on it"), "not yet")
    });

    server.process.kill();
    let before = (team.requests().len(), senior.requests().len());
    let server = serve(folder.path(), &FLAGS);
    let alert = active_alert(&server);
    assert_eq!(alert["acknowledged"]["by"], "kim", "{alert}");
    assert_eq!(alert["escalation"]["told"], json!(["senior"]), "{alert}");
    let silences = net::get(&server.address, "/api/v2/silences").expect("an answer").body;
    assert!(silences.contains("NothingYet"), "{silences}");
    target.answer(QUIET);
    team.wait_for_alert("GovernanceOverrideActive", "resolved");
    senior.wait_for_alert("GovernanceOverrideActive", "resolved");
    // Each heard of the end, and, where the kill came before it was written down that a message was taken, once more
    // of that.
    assert!(team.requests().len() - before.0 <= 2 && senior.requests().len() - before.1 <= 2);
}

#[test]
fn amtool_asks_and_silences_us_as_it_would_an_alertmanager() {
    if !installed("amtool") {
        return;
    }
    let (target, team, senior) = (Server::start(ACTIVE), Server::start(""), Server::start(""));
    let folder = folder(&configuration(&target.address), RULES);
    write(folder.path().join("alertmanager.yml"), &routes(&team, &senior));
    write(folder.path().join("escalation.yml"), ESCALATION);
    let server = serve(folder.path(), &FLAGS);
    team.wait_for_alert("GovernanceOverrideActive", "firing");
    let url = format!("--alertmanager.url=http://{}", server.address);
    let amtool = |args: &[&str]| {
        let ran = run(Command::new("amtool").arg(&url).args(args), folder.path(), "");
        assert_eq!(ran.code, Some(0), "{args:?}: {ran:?}");
        ran.stdout
    };
    let alerts = amtool(&["alert", "query", "severity=critical", "-o", "simple"]);
    assert!(alerts.contains("GovernanceOverrideActive") && alerts.contains("active"), "{alerts}");
    let id = amtool(&["silence", "add", "alertname=GovernanceOverrideActive", "-c", "planned", "-a", "kim"]);
    let silences = amtool(&["silence", "query", "-o", "simple"]);
    assert!(silences.contains(id.trim()) && silences.contains("planned"), "{silences}");
    assert_eq!(active_alert(&server)["status"]["silencedBy"], json!([id.trim()]));
    let shown = amtool(&["alert", "query", "--silenced", "-o", "simple"]);
    assert!(shown.contains("suppressed"), "{shown}");
    amtool(&["silence", "expire", id.trim()]);
    assert_eq!(active_alert(&server)["status"]["state"], "active");
}

#[test]
fn what_is_wrong_with_the_files_is_said_at_the_start() {
    let (target, team) = (Server::start(QUIET), Server::start(""));
    let folder = folder(&configuration(&target.address), RULES);
    write(folder.path().join("alertmanager.yml"), &routes(&team, &team));
    write(folder.path().join("escalation.yml"), &ESCALATION.replace("notify: senior", "notify: nobody"));
    let flags = FLAGS.iter().chain(["--web.listen-address=127.0.0.1:0"].iter());
    let ran = run(crate::process::evaluator().arg("serve").args(flags), folder.path(), "");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("escalation.yml:6"), "{}", ran.stderr);
    let ran = run(
        crate::process::evaluator().args([
            "serve",
            "--config.file=prometheus.yml",
            "--notify.escalation=escalation.yml",
        ]),
        folder.path(),
        "",
    );
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("--notify.config"), "{}", ran.stderr);
}
