//! Prometheus text 0.0.4 and OpenMetrics 1.0, in and out, zero-copy, with lines and columns in errors.
