//! prometheus.yml as a whole, into each room's plain configuration.
