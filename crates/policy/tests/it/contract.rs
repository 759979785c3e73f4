use assurance_diagnostics::Source;
use assurance_metrics_model::MetricType;
use assurance_policy::{MetricContract, Original, metric_contract};

#[test]
fn the_contract_is_read() {
    let contract = metric_contract().unwrap_or_else(|problem| panic!("{problem}"));
    let switches = contract.metric("sovereign_mode_switch_total").unwrap();
    assert_eq!(switches.metric_type, MetricType::Counter);
    assert_eq!(switches.labels["target_mode"], ["online", "offline", "sovereign", "quarantine"]);
    assert_eq!((switches.at_start, switches.restored, switches.original), (Some(0.0), true, Original::Lazy));
    assert_eq!(contract.jobs["brain-governance"].scrape_interval.to_string(), "30s");
    assert!(contract.metric("nothing").is_none());
}

/// What makes first events and events around a restart visible: counters stand at 0 before anything happened,
/// and both they and the time of the last event outlive the process.
#[test]
fn counters_start_at_zero_and_survive_a_restart_with_the_times_of_events() {
    let contract = metric_contract().unwrap();
    for metric in contract.metrics.iter().filter(|m| m.job == "brain-governance") {
        if metric.metric_type == MetricType::Counter {
            assert!(metric.restored && metric.at_start == Some(0.0), "{}", metric.name);
        }
        if metric.name.ends_with("_last_timestamp_seconds") {
            assert!(metric.restored && metric.at_start == Some(0.0), "{}", metric.name);
        }
    }
}

fn bad(text: &str) -> String {
    MetricContract::parse(&Source::new("metrics.yml", text)).expect_err("the contract is flawed").to_string()
}

#[test]
fn flawed_contracts_are_told_at_their_place() {
    const JOB: &str =
        "version: 1\njobs: {a: {metrics_path: /m, scrape_interval: 30s, scrape_timeout: 10s}}\n";
    const METRIC: &str =
        "{name: x_total, type: counter, help: h, job: a, restored: false, original: eager, source: s}";
    let metric = |from: &str, to: &str| format!("{JOB}metrics:\n- {}\n", METRIC.replace(from, to));
    assert!(MetricContract::parse(&Source::new("f", metric("", ""))).is_ok());
    let texts = [
        metric("job: a", "job: b"),
        metric("x_total", "x"),
        metric("counter", "meter"),
        metric("eager", "eagre"),
        metric("help: h", "halp: h"),
        metric("source: s", "source: s, labels: {l: []}"),
        format!("{JOB}metrics:\n- {METRIC}\n- {METRIC}\n"),
        metric("", "").replace("30s", "30 seconds"),
    ];
    insta::assert_snapshot!(texts.map(|text| bad(&text)).join("\n"));
}
