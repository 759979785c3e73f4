use std::path::Path;

use assurance_runtime::setup::{Settings, expand, load};

fn write(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = folder.join(name);
    fs_err::create_dir_all(path.parent().expect("inside")).expect("created");
    fs_err::write(&path, text).expect("written");
    path
}

fn problems(folder: &Path, config: &str) -> String {
    let file = write(folder, "prometheus.yml", config);
    let said = load(&Settings::new(file)).expect_err("refused").to_string();
    said.replace(&folder.to_string_lossy().into_owned(), "DIR")
}

#[test]
fn a_configuration_is_read_with_all_it_names() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "rules/a.yml", "groups:\n- name: a\n  rules:\n  - {alert: Down, expr: up == 0}\n");
    write(
        folder.path(),
        "rules/b.yml",
        "groups:\n- name: b\n  rules:\n  - {record: 'j:up', expr: sum(up)}\n",
    );
    write(folder.path(), "am.yml", "- targets: ['127.0.0.1:9094']\n");
    let config = "
global: {evaluation_interval: 15s, external_labels: {cluster: brain}}
rule_files: [rules/*.yml, none/*.yml]
scrape_configs:
- job_name: brain-governance
  static_configs: [{targets: ['backend:8000']}]
alerting:
  alertmanagers:
  - path_prefix: /am
    static_configs: [{targets: ['127.0.0.1:9093']}]
  - file_sd_configs: [{files: [am.yml]}]
";
    let mut settings = Settings::new(write(folder.path(), "prometheus.yml", config));
    settings.webhooks = vec!["http://127.0.0.1:8080/page".to_owned()];
    let setup = load(&settings).map_err(|e| e.to_string()).expect("valid");
    assert_eq!(setup.pipeline.rules.groups.len(), 2);
    let warnings: Vec<_> =
        setup.warnings.iter().map(|w| (w.line(), w.message.contains("none/*.yml"))).collect();
    assert_eq!(warnings, [(Some(3), true)], "a pattern without files is worth a word");
    assert_eq!(setup.pipeline.rules.default_interval.to_string(), "15s");
    let urls: Vec<&str> = setup.pipeline.notifier.receivers.iter().map(|r| r.url.as_str()).collect();
    assert_eq!(urls, ["http://127.0.0.1:9093/am", "http://127.0.0.1:9094", "http://127.0.0.1:8080/page"]);
    assert!(setup.senders.job("brain-governance").is_some() && setup.senders.receiver("webhook").is_some());
}

#[test]
fn routes_bring_their_webhooks_and_secret_urls_from_files() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "hook.url", "http://127.0.0.1:8080/secret\n");
    let routes = "
route: {receiver: team}
receivers:
- name: team
  slack_configs: [{api_url: 'http://127.0.0.1:9/', channel: '#a'}]
  webhook_configs: [{url: 'http://127.0.0.1:8080/a', max_alerts: 3}, {url_file: hook.url}]
- name: senior
";
    let escalation = "
version: 1
chains: [{name: all, matchers: [], steps: [{after: 5m, unless: acknowledged, notify: senior}]}]
";
    let mut settings = Settings::new(write(folder.path(), "prometheus.yml", ""));
    settings.notify_config = Some(write(folder.path(), "alertmanager.yml", routes));
    settings.notify_escalation = Some(write(folder.path(), "escalation.yml", escalation));
    let setup = load(&settings).map_err(|e| e.to_string()).expect("valid");
    let receivers: Vec<_> = setup.pipeline.notifier.receivers.iter().collect();
    let shown: Vec<_> = receivers.iter().map(|r| (r.name.as_str(), r.url.as_str(), r.max_alerts)).collect();
    assert_eq!(
        shown,
        [
            ("team/webhook[0]", "http://127.0.0.1:8080/a", 3),
            ("team/webhook[1]", "http://127.0.0.1:8080/secret", 0),
        ]
    );
    assert!(receivers.iter().all(|receiver| setup.senders.receiver(&receiver.name).is_some()));
    let plan = setup.pipeline.routing.expect("alerts are routed here");
    assert_eq!(plan.escalation().chains[0].steps[0].notify, "senior");
    fs_err::remove_file(folder.path().join("hook.url")).expect("it was there");
    let missing = load(&settings).expect_err("the URL is nowhere").to_string();
    assert!(missing.contains("hook.url"), "{missing}");
}

#[test]
fn everything_wrong_is_said_in_one_run() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "rules/a.yml", "groups:\n- name: a\n  rules:\n  - {alert: Down, expr: 'up =='}\n");
    write(folder.path(), "rules/b.yml", "groups:\n- name: b\n  rules:\n  - {alert: Down, expr: rate(up)}\n");
    let config = "
rule_files: [rules/*.yml, missing.yml]
scrape_configs:
- job_name: brain
  tls_config: {ca_file: missing.pem}
  static_configs: [{targets: ['backend:8000']}]
";
    insta::assert_snapshot!(problems(folder.path(), config));
    insta::assert_snapshot!(problems(folder.path(), "scrape_configs:\n- job_nam: x\n"));
}

#[test]
fn patterns_stand_for_sorted_paths() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["b.yml", "a.yml", "a.yaml", "ab.yml"] {
        write(folder.path(), name, "");
    }
    let found = |pattern: &str| -> Vec<String> {
        let all = expand(&folder.path().join(pattern).to_string_lossy()).expect("listed");
        all.iter().map(|path| path.rsplit('/').next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(found("*.yml"), ["a.yml", "ab.yml", "b.yml"]);
    assert_eq!(found("?.yml"), ["a.yml", "b.yml"]);
    assert_eq!(found("a*.y*ml"), ["a.yaml", "a.yml", "ab.yml"]);
    assert_eq!(found("[ab].yml"), ["a.yml", "b.yml"]);
    assert_eq!(found("[b-z]*.yml"), ["b.yml"]);
    assert_eq!(found("[^b].y*ml"), ["a.yaml", "a.yml"]);
    assert_eq!(found("plain.yml"), ["plain.yml"], "a plain path is read, and missed then");
    assert_eq!(found("none/*.yml"), [""; 0]);
    for name in ["x1/c.yml", "x2/c.yml", "x2/d.yml", "y/c.yml"] {
        write(folder.path(), name, "");
    }
    assert_eq!(found("x*/?.yml"), ["c.yml", "c.yml", "d.yml"]);
    assert_eq!(found("x?/d.yml"), ["d.yml"]);
    assert_eq!(found("a*/c.yml"), [""; 0], "files are no folders");
}
