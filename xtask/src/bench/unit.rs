//! Unit tests of rules: one small file, from the start of the process to its end.

use std::path::Path;
use std::process::{Command, Stdio};

use super::options::Options;
use super::side::{OURS, PROMETHEUS};
use super::table::{Goal, Table, verdict};
use crate::peers::process::{evaluator_binary, scratch};

/// Runs of each program, in turn.
const RUNS: usize = 20;

/// Name, expression, time it must hold, severity, and the labels it fires with.
type Alert = (&'static str, &'static str, &'static str, &'static str, &'static str);

const ALERTS: &[Alert] = &[
    ("SovereignOverride", "sovereign_override_active == 1", "0s", "critical", "system: s0"),
    ("PolicyViolations", "increase(policy_violations_total[5m]) > 0", "0s", "warning", "policy: p0"),
    (
        "DenyRate",
        "rate(gate_decisions_total{decision=\"deny\"}[10m]) > 0.0027",
        "5m",
        "warning",
        "gate: g0, decision: deny",
    ),
    (
        "DenyRatio",
        "sum by (gate) (rate(gate_decisions_total{decision=\"deny\"}[5m])) / sum by (gate) (rate(gate_decisions_total[5m])) > 0.2",
        "5m",
        "warning",
        "gate: g0",
    ),
    (
        "GateLatency",
        "histogram_quantile(0.99, sum by (gate, le) (rate(gate_latency_seconds_bucket[5m]))) > 1",
        "2m",
        "warning",
        "gate: g0",
    ),
    ("AuditLag", "max_over_time(audit_lag_seconds[10m]) > 300", "0s", "critical", "node: n0"),
    ("RiskHigh", "avg by (system) (risk_score) > 0.8", "3m", "warning", "system: s0"),
    ("MonitorMissing", "absent(monitor_heartbeat)", "2m", "critical", ""),
];

/// Sixty minutes of 30 s.
const SERIES: &[(&str, &str)] = &[
    ("sovereign_override_active{system=\"s0\"}", "0x60 1x60"),
    ("sovereign_override_active{system=\"s1\"}", "0x120"),
    ("policy_violations_total{policy=\"p0\"}", "0x60 1+1x60"),
    ("policy_violations_total{policy=\"p1\"}", "0x120"),
    ("gate_decisions_total{gate=\"g0\",decision=\"allow\"}", "0+10x120"),
    ("gate_decisions_total{gate=\"g0\",decision=\"deny\"}", "0+5x120"),
    ("gate_decisions_total{gate=\"g1\",decision=\"allow\"}", "0+10x120"),
    ("gate_decisions_total{gate=\"g1\",decision=\"deny\"}", "0x120"),
    ("gate_latency_seconds_bucket{gate=\"g0\",le=\"0.1\"}", "0+1x120"),
    ("gate_latency_seconds_bucket{gate=\"g0\",le=\"1\"}", "0+2x120"),
    ("gate_latency_seconds_bucket{gate=\"g0\",le=\"2.5\"}", "0+3x120"),
    ("gate_latency_seconds_bucket{gate=\"g0\",le=\"+Inf\"}", "0+4x120"),
    ("audit_lag_seconds{node=\"n0\"}", "0+10x120"),
    ("risk_score{system=\"s0\"}", "0.9x120"),
    ("risk_score{system=\"s1\"}", "0.1x120"),
    ("monitor_heartbeat", "1x60 _x60"),
];

#[expect(clippy::print_stdout, reason = "the table is its output")]
pub(super) fn run(options: &Options) -> Result<(), String> {
    let folder = scratch("unit")?;
    let write = |name: &str, text: String| fs_err::write(folder.join(name), text).map_err(|e| e.to_string());
    write("rules.yml", rules())?;
    write("small.yml", tests())?;
    let ours = evaluator_binary(options.ours.as_deref())?.display().to_string();
    let (mut their_cpu, mut our_cpu) = (0.0, 0.0);
    for _ in 0..RUNS {
        their_cpu += run_once(&options.promtool, &folder)?;
        our_cpu += run_once(&ours, &folder)?;
    }
    let each = |cpu: f64| cpu * 1e3 / RUNS as f64;
    let what = format!("test rules small.yml: {} alerts, {} series, 1 h", ALERTS.len(), SERIES.len());
    let mut table = Table::new("CPU ms of a unit test, from start to end", &[OURS, PROMETHEUS]);
    let values = vec![Some(each(our_cpu).into()), Some(each(their_cpu).into())];
    table.row(&what, values, &[Goal::Times(0.1, PROMETHEUS)], "Prometheus's is promtool");
    println!("{table}");
    verdict("rules", &table.missed())
}

/// Seconds of CPU of one run, which must succeed.
fn run_once(program: &str, folder: &Path) -> Result<f64, String> {
    let before = children()?;
    let output = Command::new(program)
        .args(["test", "rules", "small.yml"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run {program}: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "{program} test rules: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    Ok(children()? - before)
}

/// Seconds of CPU of all children that have ended. The kernel counts in ticks of 10 ms, so that only the sum of
/// many runs is exact.
fn children() -> Result<f64, String> {
    let stat = fs_err::read_to_string("/proc/self/stat").map_err(|error| error.to_string())?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let tick = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).unwrap_or_default();
    Ok((tick(13) + tick(14)) / 100.0)
}

fn rules() -> String {
    let mut out = "groups:\n- name: governance\n  interval: 30s\n  rules:\n".to_owned();
    for (name, expression, hold, severity, _) in ALERTS {
        out.push_str(&format!(
            "  - alert: {name}\n    expr: '{expression}'\n    for: {hold}\n    labels: {{severity: {severity}}}\n    \
             annotations: {{summary: governance alert {name}}}\n"
        ));
    }
    out
}

fn tests() -> String {
    let mut out =
        "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n- interval: 30s\n  input_series:\n"
            .to_owned();
    for (series, values) in SERIES {
        out.push_str(&format!("  - series: '{series}'\n    values: '{values}'\n"));
    }
    out.push_str("  alert_rule_test:\n");
    for (name, _, _, severity, labels) in ALERTS {
        let comma = if labels.is_empty() { "" } else { ", " };
        out.push_str(&format!(
            "  - {{eval_time: 55m, alertname: {name}, exp_alerts: [{{exp_labels: {{severity: {severity}{comma}{labels}}}, \
             exp_annotations: {{summary: governance alert {name}}}}}]}}\n"
        ));
    }
    out
}
