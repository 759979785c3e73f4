//! Why evaluations fail that fail: what docs/reference/conformance.md tells of them.

/// A part of `FILE:LINE: EXPRESSION: REASON`, and the cause of the failures that have it; the first that applies is
/// told. `functions.test:12:` is one line, `start_timestamps.test:` a file.
pub(crate) const CAUSES: &[(&str, &str)] = &[(
    "start_timestamps.test:",
    "No start timestamps are kept, so a counter is reset where it falls, as in Prometheus before 3.14.",
)];
