//! Small texts, where a file of its own would say no more.

use assurance_config::{Loaded, load};
use assurance_diagnostics::{Diagnostic, Source};

fn read(text: &str, directory: &str) -> Result<Loaded, Vec<Diagnostic>> {
    load(&Source::new("prometheus.yml", text), directory)
}

fn refused(text: &str) -> Vec<String> {
    read(text, "")
        .expect_err(text)
        .iter()
        .map(|d| format!("{}: {}", d.line().unwrap_or(0), d.message))
        .collect()
}

fn warned(text: &str) -> Vec<String> {
    let loaded = read(text, "").unwrap_or_else(|problems| panic!("{}", problems[0]));
    loaded.warnings.iter().map(|d| format!("{}: {}", d.line().unwrap_or(0), d.message)).collect()
}

#[test]
fn paths_are_seen_from_the_directory_of_the_file() {
    let rules = |directory: &str| {
        let text = "rule_files: [a.yml, ./b.yml, sub/*.yml, ../c.yml, /abs/d.yml]\n";
        read(text, directory).expect("it is valid").rule_files
    };
    assert_eq!(rules(""), ["a.yml", "b.yml", "sub/*.yml", "../c.yml", "/abs/d.yml"]);
    assert_eq!(rules("conf"), ["conf/a.yml", "conf/b.yml", "conf/sub/*.yml", "conf/../c.yml", "/abs/d.yml"]);
}

#[test]
fn timeouts_shrink_to_the_interval_where_they_are_not_written() {
    let timeout = |text: &str| {
        read(text, "").expect("it is valid").jobs.first().map(|job| job.scrape_timeout.to_string())
    };
    let job = "scrape_configs: [{job_name: a, scrape_interval: 5s}]\n";
    assert_eq!(timeout(job).as_deref(), Some("5s"));
    assert_eq!(timeout("scrape_configs: [{job_name: a}]\n").as_deref(), Some("10s"));
    assert_eq!(
        timeout("global: {scrape_interval: 30s, scrape_timeout: 20s}\nscrape_configs: [{job_name: a, scrape_interval: 15s}]\n")
            .as_deref(),
        Some("15s")
    );
    assert_eq!(
        timeout("global: {scrape_interval: 4s}\nscrape_configs: [{job_name: a}]\n").as_deref(),
        Some("4s")
    );
}

#[test]
fn keys_without_effect_are_named() {
    let text = "\
global:
  query_log_file: /tmp/q
  metric_name_validation_scheme: legacy
  external_labels: {env: '${ENV}'}
tracing: {endpoint: 'x:1'}
otlp: {}
storage:
  exemplars: {max_exemplars: 5}
scrape_configs:
- job_name: a
  bearer_token_file: token
  native_histogram_bucket_limit: 7
  tls_config: {min_version: TLS10}
";
    assert_eq!(
        warned(text),
        [
            "2: query_log_file has no effect here",
            "3: names of metrics are not restricted",
            "4: the value of env is taken as it is written",
            "5: tracing has no effect here",
            "6: otlp has no effect here",
            "8: exemplars has no effect here",
            "11: bearer_token_file is deprecated",
            "12: native_histogram_bucket_limit has no effect here",
            "13: TLS 1.0 and 1.1 are never spoken",
        ]
    );
}

#[test]
fn keys_whose_absence_would_matter_are_refused() {
    let text = "\
remote_read: []
scrape_config_files: [a.yml]
scrape_configs:
- job_name: a
  oauth2: {client_id: x}
  consul_sd_configs: []
  proxy_from_environment: true
  convert_classic_histograms_to_nhcb: true
  http_headers: {Host: {values: [x]}, 'a b': {values: [x]}}
alerting:
  alertmanagers:
  - sigv4: {}
    basic_auth: {username_ref: x}
";
    assert_eq!(
        refused(text),
        [
            "1: remote_read is not supported",
            "2: scrape_config_files is not supported",
            "5: oauth2 is not supported",
            "6: consul_sd_configs is not supported",
            "7: proxy_from_environment is not supported",
            "8: classic histograms cannot be converted to native ones",
            "9: header Host cannot be set",
            "9: \"a b\" is no header name",
            "12: sigv4 is not supported",
            "13: username_ref is not supported",
        ]
    );
}

#[test]
fn empty_values_count_as_not_written() {
    let text = "\
global:
rule_files:
alerting:
scrape_configs:
- job_name: a
  proxy_url:
  oauth2:
  metrics_path: ''
  scheme: ''
  basic_auth:
    username: u
    password: ''
    password_file: secret
";
    let loaded = read(text, "").unwrap_or_else(|problems| panic!("{}", problems[0]));
    assert_eq!(loaded.jobs[0].metrics_path, "/metrics");
    assert_eq!(loaded.warnings, []);
}

#[test]
fn sizes_are_powers_of_two() {
    let limit = |size: &str| {
        let text = format!("scrape_configs: [{{job_name: a, body_size_limit: {size}}}]\n");
        read(&text, "").map(|loaded| loaded.jobs[0].limits.body_size)
    };
    for (text, want) in
        [("0", 0), ("17B", 17), ("1KB", 1024), ("1KiB", 1024), ("3MB", 3 << 20), ("2GiB", 2 << 30)]
    {
        assert_eq!(limit(text).ok(), Some(want), "{text}");
    }
    for text in ["17", "MB", "1.5MB", "-1MB", "1mb", "99999999999TB"] {
        assert!(limit(text).is_err(), "{text}");
    }
}

#[test]
fn a_hint_does_not_list_every_key() {
    let problems = read("scrape_configs: [{job_name: a, wholly_else: 1}]\n", "").expect_err("unknown key");
    assert_eq!(problems[0].message.as_ref(), "unknown field `wholly_else`");
    assert_eq!(problems[0].help.as_deref(), Some("Prometheus's manual lists the keys, under Configuration"));
}

#[test]
fn alertmanagers_may_be_relabelled() {
    let text = "\
alerting:
  alertmanagers:
  - path_prefix: am
    static_configs:
    - targets: ['a:1', 'b:1', 'a:1']
      labels: {tier: gold}
    relabel_configs:
    - {source_labels: [tier], regex: gold, target_label: __scheme__, replacement: https}
    - {source_labels: [__address__], regex: 'b:1', target_label: __alerts_path__, replacement: /other/api/v2/alerts}
";
    let loaded = read(text, "").unwrap_or_else(|problems| panic!("{}", problems[0]));
    let urls: Vec<_> = loaded.alerting.alertmanagers[0].receivers(&[]).into_iter().map(|r| r.url).collect();
    assert_eq!(urls, ["https://a:1/am", "https://b:1/other"]);
}

#[test]
fn findings_about_secrets_do_not_quote_them() {
    let token = "scrape_configs:\n- job_name: a\n  bearer_token: never-shown\n";
    let loaded = read(token, "").unwrap_or_else(|problems| panic!("{}", problems[0]));
    let shown = format!("{}{:?}", loaded.warnings[0], loaded.jobs);
    assert!(shown.contains("bearer_token is deprecated") && !shown.contains("never-shown"), "{shown}");
    let both = format!("{token}  basic_auth: {{username: u}}\n");
    let problems = read(&both, "").expect_err("two ways");
    assert!(!problems[0].to_string().contains("never-shown"), "{}", problems[0]);
}
