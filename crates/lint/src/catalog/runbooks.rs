use assurance_diagnostics::Severity::{Error, Info, Warning};

use crate::Check;

pub(super) const RUNBOOKS: &[&Check] =
    &[&RUNBOOK_NONE, &RUNBOOK_DEAD_FILE, &RUNBOOK_DEAD_ANCHOR, &RUNBOOK_UNREFERENCED];

/// A rule file whose one alert links to a runbook.
macro_rules! linked {
    ($link:literal) => {
        concat!(
            "groups:\n- name: orders\n  rules:\n  - alert: OrdersDown\n    expr: up{job=\"orders\"} == 0\n",
            "    labels: {severity: warning}\n    annotations:\n      summary: Orders is down\n      runbook_url: ",
            $link, "\n"
        )
    };
}

const BOOK: (&str, &str) = ("ORDERS.md", "# Orders\n\n## Runbook 1: Orders Down\n\nStart it again.\n");

pub(crate) static RUNBOOK_NONE: Check = Check {
    id: "runbook/none",
    severity: Warning,
    title: "alert without a runbook",
    why: "Whoever is woken by it must find out alone what to do.",
    remedy: "write down what to do, and link to it by `runbook_url` under `annotations:`",
    bad: &[(
        "rules.yml",
        "groups:\n- name: orders\n  rules:\n  - alert: OrdersDown\n    expr: up{job=\"orders\"} == 0\n    labels: {severity: warning}\n    annotations: {summary: Orders is down}\n",
    )],
    good: &[("rules.yml", linked!("docs/ORDERS.md"))],
};

pub(crate) static RUNBOOK_DEAD_FILE: Check = Check {
    id: "runbook/dead-file",
    severity: Error,
    title: "link to a runbook that is not there",
    why: "The page that should help is an error 404.",
    remedy: "correct the link, or write the runbook",
    bad: &[("rules.yml", linked!("docs/ORDER.md")), BOOK, ("rules2_rules.yml", SECOND)],
    good: &[("rules.yml", linked!("docs/ORDERS.md")), BOOK, ("rules2_rules.yml", SECOND)],
};

/// Keeps the page itself referenced.
const SECOND: &str = "groups:\n- name: late\n  rules:\n  - alert: OrdersLate\n    expr: up{job=\"late\"} == 0\n    labels: {severity: warning}\n    annotations: {summary: Orders are late, runbook_url: docs/ORDERS.md}\n";

pub(crate) static RUNBOOK_DEAD_ANCHOR: Check = Check {
    id: "runbook/dead-anchor",
    severity: Error,
    title: "link to a heading that the runbook does not have",
    why: "The page opens at its top, and the reader scrolls through procedures for other alerts. GitHub makes the anchor from the whole heading: lower case, hyphens for blanks, no punctuation.",
    remedy: "link to the anchor of a heading that is there",
    bad: &[("rules.yml", linked!("docs/ORDERS.md#orders-down")), BOOK],
    good: &[("rules.yml", linked!("docs/ORDERS.md#runbook-1-orders-down")), BOOK],
};

pub(crate) static RUNBOOK_UNREFERENCED: Check = Check {
    id: "runbook/unreferenced",
    severity: Info,
    title: "runbook that no alert leads to",
    why: "Either an alert is missing, or nobody will find the runbook when it is needed.",
    remedy: "link to it from an alert, or move it out of the runbooks",
    bad: &[("rules.yml", linked!("docs/ORDERS.md")), BOOK, ("LATE.md", "# Late orders\n")],
    good: &[("rules.yml", linked!("docs/ORDERS.md")), BOOK],
};
