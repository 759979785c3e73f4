use std::fmt;
use std::str::FromStr;

/// What kind of metric a family is (text format 0.0.4 and OpenMetrics 1.0, §MetricFamily types).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum MetricType {
    /// Not told.
    #[default]
    Unknown,
    /// Only ever grows, or restarts at zero.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Buckets, a sum and a count.
    Histogram,
    /// Buckets of a distribution that may shrink.
    GaugeHistogram,
    /// Quantiles, a sum and a count.
    Summary,
    /// Facts as labels, value 1.
    Info,
    /// One of several states, each a series of 0 or 1.
    StateSet,
}

impl MetricType {
    /// The word OpenMetrics and Prometheus's API use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
        }
    }
}

impl fmt::Display for MetricType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no metric type's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no metric type; use counter, gauge, histogram, gaugehistogram, summary, info, stateset, unknown or untyped"
)]
pub struct UnknownMetricType(pub String);

/// Reads OpenMetrics's names and text 0.0.4's `untyped`.
impl FromStr for MetricType {
    type Err = UnknownMetricType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "unknown" | "untyped" => Self::Unknown,
            "counter" => Self::Counter,
            "gauge" => Self::Gauge,
            "histogram" => Self::Histogram,
            "gaugehistogram" => Self::GaugeHistogram,
            "summary" => Self::Summary,
            "info" => Self::Info,
            "stateset" => Self::StateSet,
            _ => return Err(UnknownMetricType(text.to_owned())),
        })
    }
}

/// What a target says of a metric family.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Metadata {
    /// The family's type.
    pub metric_type: MetricType,
    /// The help text, unescaped; empty where not given.
    pub help: String,
    /// The unit (OpenMetrics `# UNIT`); empty where not given.
    pub unit: String,
}
