//! The Prometheus-compatible HTTP API and the status page, as a router that nests in any service.
