//! A shop with its rules, intents and metrics.

use assurance_diagnostics::Source;
use assurance_policy::MetricContract;
use assurance_policy::intents::Intents;
use assurance_prover::claim::{Claim, CounterBirth};
use assurance_rules::{Group, RuleFile};

/// Metrics as a process shows them that keeps nothing and creates a series with its first event.
pub(crate) const CONTRACT: &str = "
version: 1
jobs:
  shop: {metrics_path: /metrics, scrape_interval: 30s, scrape_timeout: 10s}
metrics:
- {name: shop_refunds_total, type: counter, help: Refunds., job: shop, labels: {till: [a, b]}, lazy: true, restored: false, original: lazy, source: refund}
- {name: shop_refund_last_timestamp_seconds, type: gauge, help: When., job: shop, at_start: 0, restored: true, original: absent, source: refund}
- {name: shop_open, type: gauge, help: Whether the door is open., job: shop, at_start: 0, restored: false, original: eager, source: the door}
- {name: process_start_time_seconds, type: gauge, help: When., job: shop, restored: false, original: eager, source: the process}
";

pub(crate) const RULES: &str = "
groups:
- name: shop
  interval: 30s
  rules:
  - alert: Refund
    expr: increase(shop_refunds_total[5m]) > 0
    for: 1m
    labels: {severity: page}
  - alert: RefundSeen
    expr: time() - last_over_time(shop_refund_last_timestamp_seconds[5m]) < 300
    labels: {severity: page}
  - alert: DoorOpen
    expr: shop_open == 1
    for: 5m
    labels: {severity: ticket}
  - alert: ShopGone
    expr: up{job=\"shop\"} == 0 or absent(up{job=\"shop\"})
    for: 2m
    labels: {severity: ticket}
";

pub(crate) const INTENTS: &str = "
version: 1
intents:
- id: S-1
  alert: Refund
  violation: {kind: event, source: refund}
  detect_within: 150s
- id: S-2
  alert: RefundSeen
  violation: {kind: event, source: refund}
  detect_within: 150s
- id: S-3
  alert: DoorOpen
  violation: {kind: state, metric: shop_open, min_hold: 5m}
  detect_within: 6m30s
- id: S-4
  alert: ShopGone
  violation: {kind: absence, of: 'job:shop', for: 2m}
  detect_within: 4m
";

pub(crate) fn groups(rules: &str) -> Vec<Group> {
    RuleFile::parse(&Source::new("shop.yml", rules)).map_err(|found| found[0].to_string()).unwrap().groups
}

pub(crate) fn contract(text: &str) -> MetricContract {
    MetricContract::parse(&Source::new("contract.yml", text)).map_err(|found| found.to_string()).unwrap()
}

pub(crate) fn intents(text: &str) -> Intents {
    Intents::parse(&Source::new("intents.yml", text)).map_err(|found| found.to_string()).unwrap()
}

/// The claim of an intent of the shop.
pub(crate) fn claim(id: &str, birth: CounterBirth) -> Claim {
    let intents = intents(INTENTS);
    let intent = intents.intent(id).unwrap();
    let claim = Claim::new(intent, &intents.environment, &groups(RULES), &contract(CONTRACT));
    claim.map_err(|error| error.to_string()).unwrap().with_birth(birth)
}
