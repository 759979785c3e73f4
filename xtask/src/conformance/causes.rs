//! Why evaluations fail that fail: what docs/reference/conformance.md tells of them.

/// A part of `FILE:LINE: EXPRESSION: REASON`, and the cause of the failures that have it; the first that applies is
/// told. `functions.test:12:` is one line, `start_timestamps.test:` a file.
pub(crate) const CAUSES: &[(&str, &str)] = &[
    ("start_timestamps.test:", START_TIMESTAMPS),
    ("counter_reset_hint:not_reset", RESET_HINTS),
    ("native_histograms.test:1947:", RESET_HINTS),
    ("native_histograms.test:1951:", RESET_HINTS),
    ("native_histograms.test:1955:", RESET_HINTS),
];

const START_TIMESTAMPS: &str = "No start timestamps are kept, so a counter is reset where it falls, as in Prometheus \
                                before 3.14.";

const RESET_HINTS: &str = "The store keeps what a histogram says of its own reset; Prometheus's finds out from the \
                           histogram before it. Rates are the same: they compare the two.";
