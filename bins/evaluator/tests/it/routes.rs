//! Where alerts go, as `check notify` and `routes` tell it.

use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;

use crate::peers::installed;
use crate::process::{Ran, evaluator, run};
use crate::start::write;

const CONFIG: &str = "\
route:
  receiver: everyone
  group_by: [alertname]
  routes:
  - matchers: ['severity=\"critical\"']
    receiver: pagers
    continue: true
  - matchers: ['team=~\"platform|ops\"']
    receiver: platform
    mute_time_intervals: [nights]
inhibit_rules:
- source_matchers: [alertname=BackendDown]
  target_matchers: [alertname=MetricsUnavailable]
  equal: [instance]
time_intervals:
- name: nights
  time_intervals: [{times: [{start_time: '22:00', end_time: '24:00'}]}]
receivers:
- name: everyone
- name: pagers
  webhook_configs: [{url: 'http://127.0.0.1:8060/pagers?canary-77aa'}]
- name: platform
  slack_configs: [{api_url: 'https://hooks.example.org/canary-77aa', channel: '#platform'}]
";

const ESCALATION: &str = "\
version: 1
chains:
- name: critical
  matchers: [severity=critical]
  steps:
  - {after: 5m, unless: acknowledged, notify: platform}
  - {after: 15m, unless: resolved, notify: pagers}
";

const CASES: &str = "\
cases:
- name: a page
  labels: {alertname: a, severity: critical, team: ops}
  at: 2026-03-04T23:00:00Z
  acknowledged: 4m
  expect: {receivers: [pagers, platform], muted: [platform], group: {alertname: a}, escalation: [pagers]}
- name: kept quiet
  labels: {alertname: MetricsUnavailable, instance: b}
  firing: [{alertname: BackendDown, instance: a}]
  expect: {inhibited: true}
";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path().join("alertmanager.yml"), CONFIG);
    write(folder.path().join("escalation.yml"), ESCALATION);
    write(folder.path().join("cases.yml"), CASES);
    folder
}

fn routes(folder: &Path, args: &[&str]) -> Ran {
    let config = ["--notify.config", "alertmanager.yml"];
    run(evaluator().arg("routes").args(&args[..1]).args(config).args(&args[1..]), folder, "")
}

#[test]
fn notification_files_are_judged_with_who_cannot_be_reached() {
    let folder = folder();
    let check = |args: &[&str]| run(evaluator().args(["check", "notify"]).args(args), folder.path(), "");
    let good = check(&["alertmanager.yml", "--escalation", "escalation.yml"]);
    assert_eq!(good.code, Some(0), "{}", good.shown());
    assert_snapshot!("check_notify", good.shown());
    assert_eq!(check(&["--lint-fatal", "alertmanager.yml"]).code, Some(3));

    write(folder.path().join("bad.yml"), &CONFIG.replace("slack_configs", "slak_configs"));
    let bad = check(&["bad.yml"]);
    assert!(bad.code == Some(1) && bad.stderr.contains("did you mean `slack_configs`?"), "{}", bad.shown());
    assert!(!bad.shown().contains("canary-77aa"), "{}", bad.shown());
    write(folder.path().join("bad.yml"), &ESCALATION.replace("notify: pagers", "notify: pager"));
    let bad = check(&["alertmanager.yml", "--escalation", "bad.yml"]);
    assert!(bad.code == Some(1) && bad.stderr.contains("did you mean \"pagers\"?"), "{}", bad.shown());
    assert_eq!(check(&["absent.yml"]).code, Some(1));
}

#[test]
fn receivers_are_told_and_verified() {
    let folder = folder();
    let test = |args: &[&str]| {
        let all: Vec<&str> = ["test"].iter().chain(args).copied().collect();
        routes(folder.path(), &all)
    };
    let alert = ["severity=critical", "team=\"ops\""];
    let told = test(&alert);
    assert_eq!((told.code, told.stdout.as_str(), told.stderr.as_str()), (Some(0), "pagers,platform\n", ""));
    assert_eq!(test(&["alertname=x"]).stdout, "everyone\n");
    assert_eq!(test(&["--verify.receivers=pagers,platform", alert[0], alert[1]]).code, Some(0));
    let wrong = test(&["--verify.receivers=platform,pagers", alert[0], alert[1]]);
    assert_eq!(wrong.code, Some(1), "{}", wrong.shown());
    assert_snapshot!("routes_json", test(&["-o", "json", alert[0], alert[1]]).stdout);
    assert_eq!(test(&["severity!=critical"]).code, Some(2));
    assert_eq!(test(&["severity"]).code, Some(2));

    write(folder.path().join("alertmanager.yml"), &CONFIG.replace("receiver: pagers", "receiver: pager"));
    let broken = test(&alert);
    assert!(broken.code == Some(2) && broken.stderr.contains("alertmanager.yml:6:15"), "{}", broken.shown());
    let absent =
        run(evaluator().args(["routes", "show", "--notify.config", "absent.yml"]), folder.path(), "");
    assert_eq!(absent.code, Some(5), "{}", absent.shown());
}

#[test]
fn cases_that_differ_are_told_at_their_line() {
    let folder = folder();
    let batch = |more: &[&str]| {
        let all: Vec<&str> = ["test", "--batch", "cases.yml", "--notify.escalation", "escalation.yml"]
            .iter()
            .chain(more)
            .copied()
            .collect();
        routes(folder.path(), &all)
    };
    let text = batch(&[]);
    assert_eq!(text.code, Some(1), "{}", text.shown());
    assert_snapshot!("batch", text.shown());
    assert_snapshot!("batch_json", batch(&["-o", "json"]).stdout);
    write(folder.path().join("cases.yml"), &CASES.replace("inhibited: true", "inhibited: false"));
    assert_eq!(batch(&[]).code, Some(0));
    write(folder.path().join("cases.yml"), "cases: [{labels: {a: b}, expect: {receiver: [a]}}]\n");
    let broken = batch(&[]);
    assert!(
        broken.code == Some(2) && broken.stderr.contains("did you mean `receivers`?"),
        "{}",
        broken.shown()
    );
}

/// What scripts read is to the byte what amtool prints.
#[test]
fn routes_are_printed_as_amtool_prints_them() {
    if !installed("amtool") {
        return;
    }
    let folder = folder();
    for args in [
        &["show"][..],
        &["test", "severity=critical"],
        &["test", "--tree", "severity=critical", "team=ops"],
        &["test", "--tree", "alertname=\"a, b\""],
        &["test"],
    ] {
        let mut command = Command::new("amtool");
        command.args(["config", "routes"]).args(args).arg("--config.file=alertmanager.yml");
        let theirs = run(&mut command, folder.path(), "");
        let ours = routes(folder.path(), args);
        assert_eq!((ours.code, &ours.stdout), (theirs.code, &theirs.stdout), "{args:?}");
    }
}
