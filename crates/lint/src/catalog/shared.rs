//! What several examples stand on.

/// A rule file with one alert: its name, the lines between name and labels, and its summary.
macro_rules! alert {
    ($name:literal; $($line:literal),+; $summary:literal) => {
        concat!(
            "groups:\n- name: orders\n  rules:\n  - alert: ", $name, "\n",
            $("    ", $line, "\n",)+
            "    labels: {severity: warning}\n    annotations:\n      summary: ", $summary, "\n",
            "      runbook_url: https://wiki.example/runbook/orders\n"
        )
    };
}
pub(crate) use alert;

/// The scrape configuration.
pub(crate) const PROMETHEUS: (&str, &str) = (
    "prometheus.yml",
    "\
global: {scrape_interval: 30s, evaluation_interval: 30s}
scrape_configs:
- job_name: orders
  static_configs: [{targets: ['orders:8000']}]
",
);

/// The metric contract.
pub(crate) const CONTRACT: (&str, &str) = (
    "contract.yml",
    "\
version: 1
jobs:
  orders: {metrics_path: /metrics, scrape_interval: 30s, scrape_timeout: 10s}
metrics:
- {name: orders_failed_total, type: counter, help: Orders that failed., job: orders,
   labels: {shop: [north, south]}, at_start: 0, restored: false, original: eager, source: order.failed}
- {name: orders_failed_last_timestamp_seconds, type: gauge, help: When an order last failed., job: orders,
   at_start: 0, restored: true, original: absent, source: order.failed}
- {name: orders_imported_total, type: counter, help: Orders that were imported., job: orders,
   labels: {shop: [north, south]}, lazy: true, restored: false, original: lazy, source: order.imported}
- {name: orders_open, type: gauge, help: Orders that wait., job: orders, at_start: 0, restored: true,
   original: eager, source: state of the queue}
",
);

/// An alert on the absence of the job, without which every other alert on it would be incomplete.
pub(crate) const COMPANION: (&str, &str) = (
    "up_rules.yml",
    r#"groups:
- name: up
  rules:
  - alert: OrdersMissing
    expr: up{job="orders"} == 0 or absent(up{job="orders"})
    for: 2m
    labels: {severity: critical}
    annotations:
      summary: No metrics of orders
      runbook_url: https://wiki.example/runbook/orders
"#,
);

/// The files that stand beside many examples, to be shown once.
pub(crate) const SHARED: [(&str, &str); 3] = [PROMETHEUS, CONTRACT, COMPANION];
