//! The annotation language of alerting rules, rendered as Prometheus renders it.
