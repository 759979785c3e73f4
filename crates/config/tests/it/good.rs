use assurance_config::{Loaded, load};
use assurance_exposition::Format;
use assurance_metrics_model::Duration;
use assurance_scrape::{Auth, Credential, ScrapeProtocol, TlsVersion};

use crate::fixtures::{names, source};

fn good(name: &str) -> Loaded {
    load(&source("config/good", name), "/etc/assurance").unwrap_or_else(|problems| panic!("{}", problems[0]))
}

#[test]
fn every_good_file_loads() {
    for name in names("config/good") {
        good(&name);
    }
}

#[test]
fn the_governance_file_is_read_as_written() {
    let loaded = good("governance.yml");
    assert_eq!(loaded.warnings, []);
    assert_eq!(
        loaded.global.external_labels.to_string(),
        r#"{cluster="brain",environment="production",service="governance"}"#
    );
    assert_eq!(loaded.global.evaluation_interval, Duration::from_secs(30));
    let jobs: Vec<_> =
        loaded.jobs.iter().map(|j| (j.job_name.as_str(), j.scrape_interval, j.scrape_timeout)).collect();
    let (interval, timeout) = (Duration::from_secs(30), Duration::from_secs(10));
    assert_eq!(
        jobs,
        [
            ("brain-governance", interval, timeout),
            ("brain-ipv6", interval, timeout),
            ("evaluator", interval, timeout)
        ]
    );
    assert_eq!(loaded.jobs[0].metrics_path, "/api/sovereign-mode/metrics");
    assert_eq!(loaded.jobs[0].static_targets[0].labels.get("module"), Some("g4-monitoring"));
    assert_eq!(loaded.rule_files, ["/etc/assurance/rules/*.yml"]);
    let urls: Vec<_> = loaded.alerting.alertmanagers[0].receivers(&[]).into_iter().map(|r| r.url).collect();
    assert_eq!(urls, ["http://alertmanager:9093"]);
}

#[test]
fn every_key_arrives() {
    let loaded = good("every-key.yml");
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.global.scrape_interval.to_string(), "1m30s");
    assert_eq!(loaded.global.external_labels.to_string(), r#"{region="eu-1",shard="7"}"#);
    assert_eq!(loaded.rule_files, ["/srv/rules/one.yml", "/etc/assurance/rules/*.yml"]);
    assert_eq!(loaded.storage.out_of_order_time_window, Some(Duration::from_minutes(10)));
    insta::assert_snapshot!("every-key_job", format!("{:#?}", loaded.jobs[0]));
    insta::assert_snapshot!("every-key_alerting", format!("{:#?}", loaded.alerting));
    let receivers = loaded.alerting.alertmanagers[0].receivers(&[]);
    let receivers: Vec<_> = receivers.iter().map(|r| (r.url.as_str(), r.timeout)).collect();
    assert_eq!(receivers, [("https://am-a:9093/am", Duration::from_secs(4))]);
}

#[test]
fn yaml_is_read_as_prometheus_reads_it() {
    let loaded = good("yaml-forms.yml");
    let jobs: Vec<_> = loaded
        .jobs
        .iter()
        .map(|j| (j.job_name.as_str(), j.honor_labels, j.scrape_interval.to_string(), j.static_targets.len()))
        .collect();
    assert_eq!(
        jobs,
        [
            ("first", true, "20s".to_owned(), 1),
            ("second", true, "1m".to_owned(), 1),
            ("third", false, "20s".to_owned(), 0)
        ]
    );
}

#[test]
fn limits_and_formats_are_inherited_and_lifted() {
    let loaded = good("prometheus-3.yml");
    let [inherits, lifts] = &loaded.jobs[..] else { panic!("two jobs") };
    assert_eq!((inherits.limits.samples, inherits.limits.body_size), (5000, 20 << 20));
    assert_eq!((inherits.limits.labels, inherits.limits.targets), (40, 500));
    assert_eq!((inherits.limits.keep_dropped_targets, inherits.extra_metrics), (50, true));
    assert_eq!(inherits.protocols, [ScrapeProtocol::OpenMetrics1, ScrapeProtocol::PrometheusText0]);
    assert_eq!((lifts.limits.samples, lifts.limits.keep_dropped_targets), (0, 3));
    assert_eq!((lifts.fallback, lifts.extra_metrics), (Format::OpenMetrics, false));
    assert!(lifts.track_timestamps_staleness && !lifts.enable_compression);
    let headers: Vec<_> =
        lifts.http.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
    assert_eq!(
        headers,
        [
            "X-Tenant: Inline(<secret>)",
            "X-Token: Inline(<secret>)",
            "X-Token: File(\"/etc/assurance/secrets/header\")"
        ]
    );
    assert_eq!(loaded.global.rule_query_offset, Duration::from_secs(30));
    assert_eq!(loaded.storage.retention_time.map(|t| t.to_string()).as_deref(), Some("90d"));
    assert_eq!(loaded.storage.retention_size, Some(2 << 30));
    let warnings: String = loaded.warnings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!("prometheus-3_warnings", warnings);
}

#[test]
fn what_is_not_written_has_finite_bounds() {
    let loaded = good("governance.yml");
    let limits = loaded.jobs[0].limits;
    for limit in [
        limits.body_size,
        limits.samples,
        limits.labels,
        limits.label_name_length,
        limits.label_value_length,
        limits.targets,
    ] {
        assert!(limit > 0);
    }
}

#[test]
fn secrets_and_tls_reach_the_client() {
    let loaded = good("every-key.yml");
    let http = &loaded.jobs[0].http;
    let Some(Auth::Basic { username: Credential::Inline(username), password }) = &http.auth else {
        panic!("{:?}", http.auth)
    };
    assert_eq!(username.expose(), "scraper");
    assert_eq!(*password, Some(Credential::File("/etc/assurance/secrets/password".to_owned())));
    assert_eq!(http.tls.cert, Some(Credential::File("/etc/assurance/tls/cert.pem".to_owned())));
    assert_eq!(http.tls.key, Some(Credential::File("/etc/tls/key.pem".to_owned())));
    assert!(http.tls.insecure_skip_verify && !http.follow_redirects);
    assert_eq!(http.tls.min_version, Some(TlsVersion::Tls13));
}
