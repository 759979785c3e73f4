use assurance_diagnostics::Severity::{Error, Info, Warning};

use super::shared::{COMPANION, PROMETHEUS, alert};
use crate::Check;

pub(super) const FILES: &[&Check] =
    &[&FILE_REFUSED, &FILE_ODD, &FILE_NOT_DONE, &IGNORE_NO_REASON, &IGNORE_UNUSED, &IGNORE_UNKNOWN];

pub(crate) static FILE_REFUSED: Check = Check {
    id: "file/refused",
    severity: Error,
    title: "file that its reader refuses",
    why: "The server, or Alertmanager, will not start with it, or will go on with the old one.",
    remedy: "correct the marked place",
    bad: &[("rules.yml", "groups:\n- name: orders\n  rules:\n  - alert: OrdersDown\n    exp: up == 0\n")],
    good: &[("rules.yml", alert!("OrdersDown"; "expr: up == 0"; "Orders is down"))],
};

pub(crate) static FILE_ODD: Check = Check {
    id: "file/odd",
    severity: Warning,
    title: "something that is read and has no effect, or another one than it seems",
    why: "Somebody wrote it for a purpose that it does not serve.",
    remedy: "see the marked place",
    bad: &[(
        "rules.yml",
        "groups:\n- name: orders\n  limit: -1\n  rules:\n  - alert: OrdersDown\n    expr: up == 0\n    labels: {severity: warning}\n    annotations: {summary: Orders is down, runbook_url: https://wiki.example/runbook/orders}\n",
    )],
    good: &[("rules.yml", alert!("OrdersDown"; "expr: up == 0"; "Orders is down"))],
};

pub(crate) static FILE_NOT_DONE: Check = Check {
    id: "file/not-done",
    severity: Info,
    title: "key that Prometheus does and this project's server does not",
    why: "The file is right, and `serve` refuses it. The rest of it is looked at as if the key were not there.",
    remedy: "nothing, where a Prometheus reads the file; for `serve`, see the marked place",
    bad: &[
        (
            "prometheus.yml",
            "global: {scrape_interval: 30s, evaluation_interval: 30s}\nremote_write: [{url: 'http://far.example/write'}]\nscrape_configs:\n- job_name: orders\n  static_configs: [{targets: ['orders:8000']}]\n",
        ),
        COMPANION,
    ],
    good: &[PROMETHEUS, COMPANION],
};

pub(crate) static IGNORE_NO_REASON: Check = Check {
    id: "ignore/no-reason",
    severity: Error,
    title: "finding ignored without a reason",
    why: "The next reader cannot know whether it still holds. The comment has no effect.",
    remedy: "write the reason after a colon: `# lint ignore <check>: <reason>`",
    bad: &[(
        "rules.yml",
        "groups:\n- name: orders\n  rules:\n  - alert: OrdersDown\n    expr: up == 0 # lint ignore name/alert\n    labels: {severity: warning}\n    annotations: {summary: Orders is down, runbook_url: https://wiki.example/runbook/orders}\n",
    )],
    good: &[(
        "rules.yml",
        "groups:\n- name: orders\n  rules:\n  # lint ignore name/alert: the ticket system knows it by this name\n  - alert: Orders Down\n    expr: up == 0\n    labels: {severity: warning}\n    annotations: {summary: Orders is down, runbook_url: https://wiki.example/runbook/orders}\n",
    )],
};

pub(crate) static IGNORE_UNUSED: Check = Check {
    id: "ignore/unused",
    severity: Warning,
    title: "comment that lets nothing pass",
    why: "What it let pass was repaired, or stands elsewhere now.",
    remedy: "remove the comment",
    bad: &[(
        "rules.yml",
        "groups:\n- name: orders\n  rules:\n  - alert: OrdersDown\n    expr: up == 0 # lint ignore name/alert: its name had a blank\n    labels: {severity: warning}\n    annotations: {summary: Orders is down, runbook_url: https://wiki.example/runbook/orders}\n",
    )],
    good: &[("rules.yml", alert!("OrdersDown"; "expr: up == 0"; "Orders is down"))],
};

pub(crate) static IGNORE_UNKNOWN: Check = Check {
    id: "ignore/unknown-check",
    severity: Error,
    title: "comment for a check that does not exist",
    why: "It has no effect, and whoever wrote it believes that it has.",
    remedy: "write `# lint ignore <check>: <reason>` or `# lint file ignore <check>: <reason>`",
    bad: &[(
        "rules.yml",
        "groups:\n- name: orders\n  rules:\n  - alert: OrdersDown\n    expr: up == 0 # lint ignore name/alerts: its name had a blank\n    labels: {severity: warning}\n    annotations: {summary: Orders is down, runbook_url: https://wiki.example/runbook/orders}\n",
    )],
    good: &[("rules.yml", alert!("OrdersDown"; "expr: up == 0"; "Orders is down"))],
};
