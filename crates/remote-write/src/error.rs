use std::fmt;

use assurance_metrics_model::{HistogramError, Timestamp};

/// A message that cannot be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The body is longer than is read.
    #[error(
        "the message has {bytes} bytes compressed, and {limit} are read at most; send fewer samples in one message"
    )]
    Compressed {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The message is longer than is read, by what snappy's header says.
    #[error(
        "the message has {bytes} bytes decompressed, and {limit} are read at most; send fewer samples in one message"
    )]
    Decompressed {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The body is not in snappy's block format.
    #[error("the body is not in snappy's block format: {reason}")]
    Snappy {
        /// What is wrong.
        reason: String,
    },
    /// The message is not protobuf, or not of the fields' types.
    #[error("not a prometheus.WriteRequest: {fault} at byte {at}, in a {of}")]
    Wire {
        /// Which byte of the decompressed message.
        at: usize,
        /// What was being read.
        of: &'static str,
        /// What is wrong.
        fault: WireFault,
    },
    /// The message holds more than is kept.
    #[error("the message holds more than {limit} {what}; send fewer in one message")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

/// What is wrong with the bytes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireFault {
    /// The message ends inside of a field.
    #[error("it ends too early")]
    Truncated,
    /// A number has more than 64 bits.
    #[error("a number is too long")]
    LongVarint,
    /// A field has the number 0 or one beyond 29 bits.
    #[error("a field has no valid number")]
    FieldNumber,
    /// A field has an encoding that this message has none of: groups, and those not defined.
    #[error("a field has the unknown wire type {wire_type}")]
    WireType {
        /// Which.
        wire_type: u8,
    },
    /// A known field has another encoding than its type.
    #[error("field {field} is of another type")]
    FieldType {
        /// Its number.
        field: u32,
    },
}

/// A series, or one sample of it, that is left out of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Which series of the message, from 0.
    pub index: usize,
    /// The series as far as it can be read, shortened where it is long.
    pub series: String,
    /// How many samples are left out.
    pub samples: usize,
    /// Why.
    pub kind: RefusalKind,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "series {} of the message, {}: {}", self.index, self.series, self.kind)
    }
}

/// Why a series or sample is left out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RefusalKind {
    /// There is no metric name.
    #[error("it has no metric name; set the label __name__")]
    NoMetricName,
    /// A label has no name.
    #[error("a label has no name")]
    NoLabelName,
    /// A name or value is not text.
    #[error("label {label} is not valid UTF-8")]
    NotUtf8 {
        /// Its name, as far as it is text.
        label: String,
    },
    /// A name is there twice.
    #[error("label {label} is there twice")]
    DuplicateLabel {
        /// Its name.
        label: String,
    },
    /// There are more labels than are kept.
    #[error("it has {count} labels, and {limit} are kept at most")]
    TooManyLabels {
        /// How many.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// A name or value is longer than is kept.
    #[error("the {part} of label {label} has {bytes} bytes, and {limit} are kept at most")]
    LongLabel {
        /// `name` or `value`.
        part: &'static str,
        /// The label's name, shortened.
        label: String,
        /// The length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// One histogram cannot be.
    #[error("the histogram at {at}: {fault}")]
    Histogram {
        /// Its time.
        at: Timestamp,
        /// What is wrong.
        fault: HistogramFault,
    },
}

/// Why a histogram cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HistogramFault {
    /// Its parts do not fit together.
    #[error(transparent)]
    Parts(#[from] HistogramError),
    /// The deltas of integer buckets add up to less than nothing, or to more than 63 bits.
    #[error("the deltas up to {side} bucket {index} add up to no count")]
    Delta {
        /// `positive` or `negative`.
        side: &'static str,
        /// Which bucket, from 0.
        index: usize,
    },
    /// The buckets' counts are not those of the whole.
    #[error("its buckets count {buckets} observations, and its count is {count}")]
    Sum {
        /// What the buckets add up to.
        buckets: u128,
        /// What the histogram says.
        count: u64,
    },
    /// A bucket lies where no 32-bit number reaches.
    #[error("{side} span {index} ends beyond any bucket")]
    Reach {
        /// `positive` or `negative`.
        side: &'static str,
        /// Which span, from 0.
        index: usize,
    },
    /// A count is no count.
    #[error("its {part} is {value}")]
    Negative {
        /// `count` or `zero count`.
        part: &'static str,
        /// Its value.
        value: f64,
    },
}
