use assurance_metrics_model::{Labels, METRIC_NAME, Metadata, MetricType, Timestamp, Value};

/// A metric family: what is said of it, and its samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The name, as the family's metadata lines have it. A counter's may or may not end in `_total`: the
    /// writer knows what either format wants.
    pub name: String,
    /// Type, help and unit.
    pub metadata: Metadata,
    /// The samples in the order they are written.
    pub samples: Vec<FamilySample>,
}

impl Family {
    /// A family without samples yet.
    pub fn new(name: impl Into<String>, metric_type: MetricType, help: impl Into<String>) -> Self {
        let metadata = Metadata { metric_type, help: help.into(), unit: String::new() };
        Self { name: name.into(), metadata, samples: Vec::new() }
    }

    /// A counter without samples yet; the name should end in `_total`.
    pub fn counter(name: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(name, MetricType::Counter, help)
    }

    /// A gauge without samples yet.
    pub fn gauge(name: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(name, MetricType::Gauge, help)
    }

    /// With a unit, which OpenMetrics writes where the name ends in it.
    #[must_use]
    pub fn with_unit(mut self, unit: impl Into<String>) -> Self {
        self.metadata.unit = unit.into();
        self
    }

    /// With one more sample, named as the family.
    #[must_use]
    pub fn with_sample(mut self, labels: &[(&str, &str)], value: impl Into<Value>) -> Self {
        self.push("", labels, value);
        self
    }

    /// Adds a sample whose name is the family's and `suffix`: `""`, `_bucket`, `_sum`, …
    pub fn push(
        &mut self,
        suffix: &str,
        labels: &[(&str, &str)],
        value: impl Into<Value>,
    ) -> &mut FamilySample {
        let name = format!("{}{suffix}", self.name);
        let labels = labels.iter().copied().chain([(METRIC_NAME, name.as_str())]).collect();
        self.samples.push(FamilySample::new(labels, value));
        let last = self.samples.len() - 1;
        &mut self.samples[last]
    }
}

/// A sample in a family.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FamilySample {
    /// All labels, `__name__` included: a histogram's family has samples of several names.
    pub labels: Labels,
    /// The value. A native histogram is written as buckets, count and sum, as these formats know no other
    /// way.
    pub value: Value,
    /// When it was taken, where that is not the time of the scrape.
    pub timestamp: Option<Timestamp>,
    /// An example of what was counted; only OpenMetrics can say it.
    pub exemplar: Option<FamilyExemplar>,
}

impl FamilySample {
    /// A sample without timestamp and exemplar.
    pub fn new(labels: Labels, value: impl Into<Value>) -> Self {
        Self { labels, value: value.into(), timestamp: None, exemplar: None }
    }

    /// With a timestamp.
    #[must_use]
    pub const fn with_timestamp(mut self, at: Timestamp) -> Self {
        self.timestamp = Some(at);
        self
    }

    /// With an exemplar.
    #[must_use]
    pub fn with_exemplar(mut self, exemplar: FamilyExemplar) -> Self {
        self.exemplar = Some(exemplar);
        self
    }
}

/// An exemplar in a family.
#[derive(Clone, Debug)]
pub struct FamilyExemplar {
    /// What identifies it, such as a trace id.
    pub labels: Labels,
    /// What it shows.
    pub value: f64,
    /// When it happened.
    pub timestamp: Option<Timestamp>,
}

/// Equal to the bit, as samples are.
impl PartialEq for FamilyExemplar {
    fn eq(&self, other: &Self) -> bool {
        self.labels == other.labels
            && self.value.to_bits() == other.value.to_bits()
            && self.timestamp == other.timestamp
    }
}
