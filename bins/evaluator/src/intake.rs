//! What a server takes from others, and features by their names in Prometheus.

use std::collections::BTreeSet;

use assurance_metrics_model::Duration;
use assurance_promql as promql;
use clap::{ArgAction, Args};

/// Flags about samples that others write, and about what Prometheus has behind switches.
#[derive(Clone, Debug, Args)]
pub(crate) struct Intake {
    /// Take samples at POST /api/v1/write, from Prometheus's remote write.
    #[arg(long = "web.enable-remote-write-receiver")]
    pub(crate) remote_write_receiver: bool,
    /// How much older than its series' newest sample a sample may come; none where neither this nor the
    /// configuration file says otherwise.
    #[arg(long = "storage.tsdb.out-of-order-time-window", value_name = "DURATION")]
    pub(crate) out_of_order_window: Option<Duration>,
    /// Features by Prometheus's names, separated by commas.
    #[arg(long = "enable-feature", value_name = "NAMES", value_delimiter = ',', action = ArgAction::Append)]
    pub(crate) features: Vec<String>,
    /// Taken for Prometheus's sake: there are no blocks.
    #[arg(long = "storage.tsdb.min-block-duration", value_name = "DURATION", hide = true)]
    min_block_duration: Option<Duration>,
    /// Taken for Prometheus's sake: there are no blocks.
    #[arg(long = "storage.tsdb.max-block-duration", value_name = "DURATION", hide = true)]
    max_block_duration: Option<Duration>,
    /// Taken for Prometheus's sake: there is no lock file.
    #[arg(long = "storage.tsdb.no-lockfile", hide = true)]
    no_lockfile: bool,
    /// Taken for Prometheus's sake: there is no write-ahead log of its kind.
    #[arg(long = "storage.tsdb.wal-compression", hide = true)]
    wal_compression: bool,
}

/// What a feature of Prometheus is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feature {
    /// It switches something.
    Switch,
    /// It is so without being asked for.
    Always,
    /// It has no effect.
    Idle,
}

/// Every name that Prometheus 3 knows, and those of version 2 that scripts still give.
const FEATURES: &[(&str, Feature)] = &[
    ("promql-experimental-functions", Feature::Switch),
    ("native-histograms", Feature::Always),
    ("promql-at-modifier", Feature::Always),
    ("promql-negative-offset", Feature::Always),
    ("remote-write-receiver", Feature::Switch),
    ("utf8-names", Feature::Always),
    ("new-service-discovery-manager", Feature::Always),
    ("expand-external-labels", Feature::Idle),
    ("agent", Feature::Idle),
    ("auto-gomaxprocs", Feature::Idle),
    ("auto-gomemlimit", Feature::Idle),
    ("auto-reload-config", Feature::Idle),
    ("concurrent-rule-eval", Feature::Idle),
    ("created-timestamp-zero-ingestion", Feature::Idle),
    ("created-timestamps-zero-ingestion", Feature::Idle),
    ("delayed-compaction", Feature::Idle),
    ("exemplar-storage", Feature::Idle),
    ("extra-scrape-metrics", Feature::Idle),
    ("fast-startup", Feature::Idle),
    ("memory-snapshot-on-shutdown", Feature::Idle),
    ("metadata-wal-records", Feature::Idle),
    ("no-default-scrape-port", Feature::Idle),
    ("old-ui", Feature::Idle),
    ("otlp-deltatocumulative", Feature::Idle),
    ("otlp-native-delta-ingestion", Feature::Idle),
    ("otlp-write-receiver", Feature::Idle),
    ("promql-binop-fill-modifiers", Feature::Idle),
    ("promql-delayed-name-removal", Feature::Idle),
    ("promql-duration-expr", Feature::Idle),
    ("promql-extended-range-selectors", Feature::Idle),
    ("promql-per-step-stats", Feature::Idle),
    ("remote-write-receiver-v2", Feature::Idle),
    ("st-storage", Feature::Idle),
    ("type-and-unit-labels", Feature::Idle),
    ("use-uncached-io", Feature::Idle),
    ("xor2-encoding", Feature::Idle),
];

impl Intake {
    /// The features asked for that are known.
    pub(crate) fn features(&self) -> BTreeSet<String> {
        self.asked().filter(|name| kind(name).is_some()).map(str::to_owned).collect()
    }

    /// Whether remote write is received: by the flag, or by its name as a feature of Prometheus 2.
    pub(crate) fn receives(&self) -> bool {
        self.remote_write_receiver || self.asked().any(|name| name == "remote-write-receiver")
    }

    /// Says what was asked for and changes nothing.
    pub(crate) fn tell(&self) {
        for name in self.asked() {
            match kind(name) {
                Some(Feature::Switch) => tracing::info!(feature = name, "feature enabled"),
                Some(Feature::Always) => tracing::info!(feature = name, "feature needs no enabling"),
                Some(Feature::Idle) => {
                    tracing::info!(feature = name, "feature of Prometheus that changes nothing here");
                }
                None => tracing::warn!(option = name, "unknown option for --enable-feature"),
            }
        }
        for (flag, given) in [
            ("--storage.tsdb.min-block-duration", self.min_block_duration.is_some()),
            ("--storage.tsdb.max-block-duration", self.max_block_duration.is_some()),
            ("--storage.tsdb.no-lockfile", self.no_lockfile),
            ("--storage.tsdb.wal-compression", self.wal_compression),
        ] {
            if given {
                tracing::warn!(flag, "flag of Prometheus that changes nothing here");
            }
        }
    }

    fn asked(&self) -> impl Iterator<Item = &str> {
        self.features.iter().map(|name| name.trim()).filter(|name| !name.is_empty())
    }
}

/// The parts of PromQL that are enabled by features' names, for commands that judge files. An unknown name is
/// told, and changes nothing, as in promtool.
#[expect(clippy::print_stderr, reason = "talk goes to stderr")]
pub(crate) fn promql_features(names: &[String]) -> promql::Features {
    let mut features = promql::Features::default();
    for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        features.experimental_functions |= name == "promql-experimental-functions";
        if kind(name).is_none() {
            eprintln!("  WARNING: unknown option {name:?} for --enable-feature");
        }
    }
    features
}

fn kind(name: &str) -> Option<Feature> {
    FEATURES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::FEATURES;

    #[test]
    fn each_feature_stands_once() {
        for (n, (name, _)) in FEATURES.iter().enumerate() {
            assert!(FEATURES[n + 1..].iter().all(|(other, _)| other != name), "{name}");
        }
    }
}
