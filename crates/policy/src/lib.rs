//! The governance pack: alerting rules GA-001 to GA-010, their tests, routing, runbooks and the metric contract.
