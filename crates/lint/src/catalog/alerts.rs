use assurance_diagnostics::Severity::{Error, Info, Warning};

use super::shared::{COMPANION, CONTRACT, PROMETHEUS, alert};
use crate::Check;

pub(super) const ALERTS: &[&Check] = &[
    &CONDITION_MISSING,
    &CONDITION_ALWAYS,
    &CONDITION_NEVER,
    &FOR_LOST_SCRAPE,
    &FOR_BELOW_INTERVAL,
    &FOR_ABSENT,
    &FOR_ZERO,
    &GROUP_INTERVAL,
    &GROUP_BEYOND_LOOKBACK,
    &ABSENCE_NO_COMPANION,
    &ABSENCE_UP_ONLY,
    &ABSENCE_UNWATCHED,
    &ABSENCE_SEVERITY,
];

pub(crate) static CONDITION_MISSING: Check = Check {
    id: "condition/missing",
    severity: Error,
    title: "alert without a comparison",
    why: "Every series of the result is an alert, whatever its value: 0 fires as well as 1.",
    remedy: "compare the value with a number",
    bad: &[("rules.yml", alert!("OrdersDown"; "expr: up{job=\"orders\"}"; "Orders is down"))],
    good: &[("rules.yml", alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0"; "Orders is down"))],
};

pub(crate) static CONDITION_ALWAYS: Check = Check {
    id: "condition/always",
    severity: Error,
    title: "condition that always holds",
    why: "The alert fires for ever. Only a heartbeat should, whose absence is the alarm: it is known by `Watchdog`, `DeadMan` or `Heartbeat` in its name.",
    remedy: "compare with something that can differ, or name it as the heartbeat that it is",
    bad: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: increase(orders_failed_total[1h]) >= 0"; "Orders fail"),
    )],
    good: &[("rules.yml", alert!("OrdersWatchdog"; "expr: vector(1)"; "Alerting works"))],
};

pub(crate) static CONDITION_NEVER: Check = Check {
    id: "condition/never",
    severity: Error,
    title: "condition that can never hold",
    why: "The alert looks as quiet as one that has nothing to tell.",
    remedy: "compare with a value that can occur",
    bad: &[("rules.yml", alert!("OrdersDown"; "expr: up{job=\"orders\"} < 0"; "Orders is down"))],
    good: &[("rules.yml", alert!("OrdersDown"; "expr: up{job=\"orders\"} < 1"; "Orders is down"))],
};

pub(crate) static FOR_LOST_SCRAPE: Check = Check {
    id: "for/lost-scrape",
    severity: Warning,
    title: "`for` that one lost scrape starts anew",
    why: "A failed scrape ends all series of its target until the next one. A condition on the value at the instant is gone with them, and `for` begins again: with one failure every four minutes, `for: 5m` never fires.",
    remedy: "read the value over some scrapes: max_over_time(…) == 1, or min_over_time(…) < 3",
    bad: &[("rules.yml", alert!("OrdersLocked"; "expr: orders_locked == 1", "for: 5m"; "Orders are locked"))],
    good: &[(
        "rules.yml",
        alert!("OrdersLocked"; "expr: max_over_time(orders_locked[90s]) == 1", "for: 5m"; "Orders are locked"),
    )],
};

pub(crate) static FOR_BELOW_INTERVAL: Check = Check {
    id: "for/below-interval",
    severity: Warning,
    title: "`for` that is shorter than the group's interval",
    why: "The condition is looked at once an interval, so that a shorter `for` means the same as one interval.",
    remedy: "make `for` a multiple of the interval, or evaluate more often",
    bad: &[(
        "rules.yml",
        "groups:\n- name: orders\n  interval: 2m\n  rules:\n  - alert: OrdersDown\n    expr: up{job=\"orders\"} == 0\n    for: 1m\n    labels: {severity: warning}\n    annotations: {summary: Orders is down, runbook_url: https://wiki.example/runbook/orders}\n",
    )],
    good: &[(
        "rules.yml",
        "groups:\n- name: orders\n  interval: 30s\n  rules:\n  - alert: OrdersDown\n    expr: up{job=\"orders\"} == 0\n    for: 1m\n    labels: {severity: warning}\n    annotations: {summary: Orders is down, runbook_url: https://wiki.example/runbook/orders}\n",
    )],
};

pub(crate) static FOR_ABSENT: Check = Check {
    id: "for/absent",
    severity: Warning,
    title: "absent() without a `for` of two scrapes",
    why: "After a start of the server, and while a target is replaced, there is no sample yet.",
    remedy: "add a `for` of two scrapes or more",
    bad: &[(
        "rules.yml",
        alert!("OrdersMissing"; "expr: absent(up{job=\"orders\"})"; "No metrics of orders"),
    )],
    good: &[(
        "rules.yml",
        alert!("OrdersMissing"; "expr: absent(up{job=\"orders\"})", "for: 2m"; "No metrics of orders"),
    )],
};

pub(crate) static GROUP_INTERVAL: Check = Check {
    id: "group/slower-than-scrape",
    severity: Info,
    title: "group that is evaluated more rarely than what it reads is scraped",
    why: "Every alert of the group waits up to an interval before it is even pending, and `promtool test rules` does not show it: it evaluates all groups at one interval.",
    remedy: "evaluate as often as is scraped",
    bad: &[
        PROMETHEUS,
        (
            "rules.yml",
            "groups:\n- name: orders\n  interval: 2m\n  rules:\n  - alert: OrdersDown\n    expr: up{job=\"orders\"} == 0 or absent(up{job=\"orders\"})\n    for: 4m\n    labels: {severity: warning}\n    annotations: {summary: Orders is down, runbook_url: https://wiki.example/runbook/orders}\n",
        ),
    ],
    good: &[
        PROMETHEUS,
        (
            "rules.yml",
            "groups:\n- name: orders\n  interval: 30s\n  rules:\n  - alert: OrdersDown\n    expr: up{job=\"orders\"} == 0 or absent(up{job=\"orders\"})\n    for: 4m\n    labels: {severity: warning}\n    annotations: {summary: Orders is down, runbook_url: https://wiki.example/runbook/orders}\n",
        ),
    ],
};

pub(crate) static ABSENCE_NO_COMPANION: Check = Check {
    id: "absence/no-companion",
    severity: Error,
    title: "alerts on a job whose absence nothing tells",
    why: "A target that dies ends its series, and an alert that was firing on them resolves. Without an alert on `up` or on absence, the worst outage looks like calm.",
    remedy: "add an alert on `up == 0 or absent(up)` of the job",
    bad: &[
        CONTRACT,
        ("rules.yml", alert!("OrdersStuck"; "expr: min_over_time(orders_open[5m]) > 0"; "Orders wait")),
    ],
    good: &[
        CONTRACT,
        ("rules.yml", alert!("OrdersStuck"; "expr: min_over_time(orders_open[5m]) > 0"; "Orders wait")),
        COMPANION,
    ],
};

pub(crate) static ABSENCE_UP_ONLY: Check = Check {
    id: "absence/up-only",
    severity: Warning,
    title: "`up == 0` alone",
    why: "A target that service discovery no longer finds, or a job that was taken out of the configuration, has no `up`: there is nothing that could be 0.",
    remedy: "add `or absent(up{job=\"…\"})`",
    bad: &[
        PROMETHEUS,
        ("rules.yml", alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0", "for: 2m"; "Orders is down")),
    ],
    good: &[
        PROMETHEUS,
        (
            "rules.yml",
            alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0 or absent(up{job=\"orders\"})", "for: 2m"; "Orders is down"),
        ),
    ],
};

pub(crate) static ABSENCE_UNWATCHED: Check = Check {
    id: "absence/unwatched-job",
    severity: Info,
    title: "job that is scraped and that no alert looks at",
    why: "Somebody found its metrics worth keeping, and nobody will notice when there are none.",
    remedy: "add an alert on `up` of the job, or stop scraping it",
    bad: &[PROMETHEUS, ("rules.yml", alert!("OrdersWatchdog"; "expr: vector(1)"; "Alerting works"))],
    good: &[
        PROMETHEUS,
        ("rules.yml", alert!("OrdersWatchdog"; "expr: vector(1)"; "Alerting works")),
        COMPANION,
    ],
};

pub(crate) static ABSENCE_SEVERITY: Check = Check {
    id: "absence/severity",
    severity: Warning,
    title: "loss of monitoring told as a remark",
    why: "While nothing is seen, no other alert can be relied on. A message that waits for office hours leaves a night without any.",
    remedy: "make it a warning, and critical when it lasts",
    bad: &[(
        "rules.yml",
        "groups:\n- name: orders\n  rules:\n  - alert: OrdersMissing\n    expr: up{job=\"orders\"} == 0\n    for: 2m\n    labels: {severity: info}\n    annotations: {summary: No metrics of orders, runbook_url: https://wiki.example/runbook/orders}\n",
    )],
    good: &[(
        "rules.yml",
        "groups:\n- name: orders\n  rules:\n  - alert: OrdersMissing\n    expr: up{job=\"orders\"} == 0\n    for: 2m\n    labels: {severity: warning}\n    annotations: {summary: No metrics of orders, runbook_url: https://wiki.example/runbook/orders}\n",
    )],
};

pub(crate) static FOR_ZERO: Check = Check {
    id: "for/zero",
    severity: Info,
    title: "`for: 0s`",
    why: "It is what is done without it, and the reader looks for the reason.",
    remedy: "remove it",
    bad: &[("rules.yml", alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0", "for: 0s"; "Orders is down"))],
    good: &[("rules.yml", alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0"; "Orders is down"))],
};

pub(crate) static GROUP_BEYOND_LOOKBACK: Check = Check {
    id: "group/beyond-lookback",
    severity: Warning,
    title: "group that is evaluated more rarely than queries look back",
    why: "A recorded series has a sample every ten minutes and is seen for five of them. An alert cannot end in between, whatever happens.",
    remedy: "evaluate every five minutes or more often; an alert may have `keep_firing_for` instead",
    bad: &[(
        "rules.yml",
        "groups:\n- name: orders\n  interval: 10m\n  rules:\n  - record: job:orders_failed:increase1h\n    expr: sum by (job) (increase(orders_failed_total[1h]))\n",
    )],
    good: &[(
        "rules.yml",
        "groups:\n- name: orders\n  interval: 5m\n  rules:\n  - record: job:orders_failed:increase1h\n    expr: sum by (job) (increase(orders_failed_total[1h]))\n",
    )],
};
