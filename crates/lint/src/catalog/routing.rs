use assurance_diagnostics::Severity::{Error, Info, Warning};

use super::shared::alert;
use crate::Check;

pub(super) const ROUTING: &[&Check] = &[
    &ROUTING_USELESS_CONTINUE,
    &ROUTING_UNKNOWN_ALERT,
    &ROUTING_USELESS_INHIBITION,
    &ROUTING_UNREACHED_ROUTE,
    &ROUTING_UNREACHED_RECEIVER,
    &ROUTING_DEFAULT_ONLY,
    &ROUTING_NO_RESOLVED,
    &ROUTING_NO_HEARTBEAT,
    &ROUTING_OLD_MATCH,
];

const RULES: (&str, &str) =
    ("rules.yml", alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0"; "Orders is down"));

/// The heartbeat, so that examples need not have one.
const HEARTBEAT: (&str, &str) = ("beat_rules.yml", alert!("Watchdog"; "expr: vector(1)"; "Alerting works"));

/// Receivers `ops` and `chat`.
macro_rules! routed {
    ($($line:literal),+) => {
        concat!(
            $($line, "\n",)+
            "receivers:\n- name: ops\n  webhook_configs: [{url: 'http://ops.example/hook'}]\n",
            "- name: chat\n  webhook_configs: [{url: 'http://chat.example/hook'}]\n"
        )
    };
}

pub(crate) static ROUTING_USELESS_CONTINUE: Check = Check {
    id: "routing/useless-continue",
    severity: Warning,
    title: "`continue: true` without a later route that could match",
    why: "Somebody meant more than one receiver to be told, and only one is.",
    remedy: "remove it, or let a later route match the same alerts",
    bad: &[
        RULES,
        HEARTBEAT,
        (
            "alertmanager.yml",
            routed!(
                "route:",
                "  receiver: ops",
                "  routes:",
                "  - matchers: [alertname=\"OrdersDown\"]",
                "    receiver: chat",
                "    continue: true",
                "  - matchers: [alertname=\"Watchdog\"]",
                "    receiver: ops"
            ),
        ),
    ],
    good: &[
        RULES,
        HEARTBEAT,
        (
            "alertmanager.yml",
            routed!(
                "route:",
                "  receiver: ops",
                "  routes:",
                "  - matchers: [alertname=\"OrdersDown\"]",
                "    receiver: chat",
                "    continue: true",
                "  - matchers: [severity=\"warning\"]",
                "    receiver: ops"
            ),
        ),
    ],
};

pub(crate) static ROUTING_UNKNOWN_ALERT: Check = Check {
    id: "routing/unknown-alert",
    severity: Error,
    title: "route or inhibition for an alert that no rule makes",
    why: "An inhibition from an alert that does not exist never inhibits, and the flood that it should hold back comes. Usually the alert was renamed.",
    remedy: "name an alert that exists, or write its rule",
    bad: &[
        RULES,
        HEARTBEAT,
        (
            "alertmanager.yml",
            routed!(
                "route:",
                "  receiver: ops",
                "  routes:",
                "  - matchers: [alertname=\"Watchdog\"]",
                "    receiver: chat",
                "inhibit_rules:",
                "- source_matchers: [alertname=\"HostDown\"]",
                "  target_matchers: [alertname=\"OrdersDown\"]"
            ),
        ),
    ],
    good: &[
        RULES,
        HEARTBEAT,
        (
            "alertmanager.yml",
            routed!(
                "route:",
                "  receiver: ops",
                "  routes:",
                "  - matchers: [alertname=\"Watchdog\"]",
                "    receiver: chat"
            ),
        ),
    ],
};

pub(crate) static ROUTING_USELESS_INHIBITION: Check = Check {
    id: "routing/useless-inhibition",
    severity: Warning,
    title: "inhibition that can never inhibit",
    why: "No alert is its source or its target, or the two never agree in a label of `equal`: `equal: [severity]` between critical and warning is a common one.",
    remedy: "match labels that the alerts have, and let `equal` name what both have in common",
    bad: &[
        RULES,
        HEARTBEAT,
        (
            "alertmanager.yml",
            routed!(
                "route:",
                "  receiver: ops",
                "  routes:",
                "  - matchers: [alertname=\"Watchdog\"]",
                "    receiver: chat",
                "inhibit_rules:",
                "- source_matchers: [severity=\"critical\"]",
                "  target_matchers: [severity=\"warning\"]"
            ),
        ),
    ],
    good: &[
        RULES,
        HEARTBEAT,
        (
            "alertmanager.yml",
            routed!(
                "route:",
                "  receiver: ops",
                "  routes:",
                "  - matchers: [alertname=\"Watchdog\"]",
                "    receiver: chat"
            ),
        ),
    ],
};

pub(crate) static ROUTING_UNREACHED_ROUTE: Check = Check {
    id: "routing/unreached-route",
    severity: Warning,
    title: "route that no alert reaches",
    why: "Either the alerts lack a label, or an earlier route takes them all.",
    remedy: "match labels that alerts have, or put the route before the one that takes them",
    bad: &[
        RULES,
        HEARTBEAT,
        (
            "alertmanager.yml",
            routed!(
                "route:",
                "  receiver: ops",
                "  routes:",
                "  - matchers: [alertname=\"Watchdog\"]",
                "    receiver: chat",
                "  - matchers: [alertname=~\"Watch.*\"]",
                "    receiver: ops"
            ),
        ),
    ],
    good: &[
        RULES,
        HEARTBEAT,
        (
            "alertmanager.yml",
            routed!(
                "route:",
                "  receiver: ops",
                "  routes:",
                "  - matchers: [alertname=\"Watchdog\"]",
                "    receiver: chat"
            ),
        ),
    ],
};

pub(crate) static ROUTING_UNREACHED_RECEIVER: Check = Check {
    id: "routing/unreached-receiver",
    severity: Warning,
    title: "receiver that no alert reaches",
    why: "Its people believe that they would be told.",
    remedy: "route something to it, or remove it",
    bad: &[RULES, HEARTBEAT, ("alertmanager.yml", routed!("route:", "  receiver: ops"))],
    good: &[
        RULES,
        HEARTBEAT,
        (
            "alertmanager.yml",
            routed!(
                "route:",
                "  receiver: ops",
                "  routes:",
                "  - matchers: [alertname=\"Watchdog\"]",
                "    receiver: chat"
            ),
        ),
    ],
};

pub(crate) static ROUTING_DEFAULT_ONLY: Check = Check {
    id: "routing/default-only",
    severity: Error,
    title: "severity for which there is no route",
    why: "The routes decide by severity, and this one is none of theirs: the alert goes to whoever is the default, often a channel that nobody watches.",
    remedy: "write one of the severities that are routed, or add a route",
    bad: &[
        ("rules.yml", alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0"; "Orders is down")),
        HEARTBEAT_CRITICAL,
        (
            "alertmanager.yml",
            routed!(
                "route:",
                "  receiver: ops",
                "  routes:",
                "  - matchers: [severity=\"critical\"]",
                "    receiver: chat"
            ),
        ),
    ],
    good: &[
        RULES,
        HEARTBEAT,
        (
            "alertmanager.yml",
            routed!(
                "route:",
                "  receiver: ops",
                "  routes:",
                "  - matchers: [severity=\"warning\", alertname=\"Watchdog\"]",
                "    receiver: chat",
                "  - matchers: [severity=\"warning\"]",
                "    receiver: ops"
            ),
        ),
    ],
};

const HEARTBEAT_CRITICAL: (&str, &str) = (
    "beat_rules.yml",
    "groups:\n- name: beat\n  rules:\n  - alert: Watchdog\n    expr: vector(1)\n    labels: {severity: critical}\n    annotations: {summary: Alerting works, runbook_url: https://wiki.example/runbook/beat}\n",
);

pub(crate) static ROUTING_NO_RESOLVED: Check = Check {
    id: "routing/no-resolved",
    severity: Warning,
    title: "receiver that is not told when an alert ends",
    why: "Mail and Slack say nothing about the end unless asked to. People go on working on what is over.",
    remedy: "write `send_resolved: true`, or `false` where that is meant",
    bad: &[
        RULES,
        HEARTBEAT,
        (
            "alertmanager.yml",
            "route: {receiver: ops}\nreceivers:\n- name: ops\n  slack_configs: [{api_url: 'http://chat.example/hook', channel: '#ops'}]\n",
        ),
    ],
    good: &[
        RULES,
        HEARTBEAT,
        (
            "alertmanager.yml",
            "route: {receiver: ops}\nreceivers:\n- name: ops\n  slack_configs: [{api_url: 'http://chat.example/hook', channel: '#ops', send_resolved: true}]\n",
        ),
    ],
};

pub(crate) static ROUTING_NO_HEARTBEAT: Check = Check {
    id: "routing/no-heartbeat",
    severity: Warning,
    title: "no alert that always fires",
    why: "If the server, the network or Alertmanager fails, the silence is the same as that of a good day. Something outside must miss a message.",
    remedy: "add an alert Watchdog with `expr: vector(1)`, and route it to something that complains when it stops",
    bad: &[
        RULES,
        (
            "alertmanager.yml",
            "route: {receiver: ops}\nreceivers:\n- name: ops\n  webhook_configs: [{url: 'http://ops.example/hook'}]\n",
        ),
    ],
    good: &[
        RULES,
        HEARTBEAT,
        (
            "alertmanager.yml",
            "route: {receiver: ops}\nreceivers:\n- name: ops\n  webhook_configs: [{url: 'http://ops.example/hook'}]\n",
        ),
    ],
};

pub(crate) static ROUTING_OLD_MATCH: Check = Check {
    id: "routing/old-match",
    severity: Info,
    title: "`match` and its kin",
    why: "They are deprecated since Alertmanager 0.22 and read without a warning; one day they will not be.",
    remedy: "write `matchers`, `source_matchers` and `target_matchers`",
    bad: &[
        RULES,
        HEARTBEAT,
        (
            "alertmanager.yml",
            routed!(
                "route:",
                "  receiver: ops",
                "  routes:",
                "  - match: {alertname: Watchdog}",
                "    receiver: chat"
            ),
        ),
    ],
    good: &[
        RULES,
        HEARTBEAT,
        (
            "alertmanager.yml",
            routed!(
                "route:",
                "  receiver: ops",
                "  routes:",
                "  - matchers: [alertname=\"Watchdog\"]",
                "    receiver: chat"
            ),
        ),
    ],
};
