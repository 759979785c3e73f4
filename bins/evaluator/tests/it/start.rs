//! Servers on free ports with a configuration of their own.

use std::path::Path;

use tempfile::TempDir;

use crate::process::{Process, evaluator};

/// Interval and timeout of scrapes: short for the test's sake, and long enough for a busy machine.
const INTERVAL: &str = "500ms";

pub(crate) const ACTIVE: &str = "# HELP sovereign_override_active Whether an override is active.\n\
    # TYPE sovereign_override_active gauge\nsovereign_override_active 1\n";
pub(crate) const QUIET: &str = "# HELP sovereign_override_active Whether an override is active.\n\
    # TYPE sovereign_override_active gauge\nsovereign_override_active 0\n";

/// One alert that fires at once, with a label that would be dangerous on a page that does not escape.
pub(crate) const RULES: &str = r#"groups:
  - name: overrides
    rules:
      - alert: GovernanceOverrideActive
        expr: sovereign_override_active == 1
        labels:
          severity: critical
          team: <img src=x onerror=alert(1)>
        annotations:
          summary: "override on {{ $labels.job }}, value {{ $value }}"
      - alert: OverrideForHours
        expr: sovereign_override_active == 1
        for: 2h
        labels: {severity: warning}
      - record: job:overrides:sum
        expr: sum by (job) (sovereign_override_active)
"#;

/// The password is "correct horse"; a cost of 4 is for tests only.
pub(crate) const USERS: &str =
    "basic_auth_users:\n  admin: $2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e\n";

pub(crate) fn configuration(target: &str) -> String {
    format!(
        "global:
  scrape_interval: {INTERVAL}
  scrape_timeout: {INTERVAL}
  evaluation_interval: {INTERVAL}
  external_labels: {{cluster: brain}}
rule_files: [rules/*.yml]
scrape_configs:
  - job_name: brain-governance
    metrics_path: /api/sovereign-mode/metrics
    static_configs:
      - targets: ['{target}']
"
    )
}

pub(crate) fn write(path: impl AsRef<Path>, text: &str) {
    fs_err::write(path.as_ref(), text).unwrap_or_else(|error| panic!("{error}"));
}

/// A folder with a configuration and rules.
pub(crate) fn folder(config: &str, rules: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs_err::create_dir(folder.path().join("rules")).expect("a new folder");
    write(folder.path().join("rules/a.yml"), rules);
    write(folder.path().join("prometheus.yml"), config);
    folder
}

/// `serve`, ready.
pub(crate) struct Running {
    pub(crate) process: Process,
    /// `host:port`
    pub(crate) address: String,
}

pub(crate) fn serve(folder: &Path, more: &[&str]) -> Running {
    let mut command = evaluator();
    command.current_dir(folder).args(["serve", "--web.listen-address=127.0.0.1:0"]).args(more);
    let mut process = Process::start(&mut command);
    let url = process.wait_for("msg=ready url=");
    let address = url.trim_start_matches("https://").trim_start_matches("http://").to_owned();
    Running { process, address }
}
