//! Detects governance violations: scrapes, stores, evaluates PromQL alerting rules and notifies.

fn main() {}
