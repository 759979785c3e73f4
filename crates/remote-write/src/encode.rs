use assurance_metrics_model::{Labels, Timestamp, Value};

use crate::TimeSeries;
use crate::histogram;
use crate::wire::Writer;

/// How the counts of histograms are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counts {
    /// As floats, always.
    #[default]
    Float,
    /// As integers where they are whole, below 2^53 and add up; as floats elsewhere.
    IntegerWhereWhole,
}

/// A message that cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message of {bytes} bytes does not fit snappy's block format: {reason}")]
pub struct EncodeError {
    /// Its length before compression.
    pub bytes: usize,
    /// What snappy says.
    pub reason: String,
}

/// Writes a message as it goes over HTTP: a `prometheus.WriteRequest` in snappy's block format.
///
/// # Errors
/// If it is 4 GiB long or longer.
pub fn encode(series: &[TimeSeries], counts: Counts) -> Result<Vec<u8>, EncodeError> {
    let message = encode_message(series, counts);
    snap::raw::Encoder::new()
        .compress_vec(&message)
        .map_err(|error| EncodeError { bytes: message.len(), reason: error.to_string() })
}

/// Writes a message without compressing it.
pub fn encode_message(series: &[TimeSeries], counts: Counts) -> Vec<u8> {
    let mut writer = Writer::default();
    for TimeSeries { labels, samples } in series {
        let mut inside = Writer::default();
        write_labels(&mut inside, labels);
        // Field after field, as every other writer does: floats, then histograms.
        for (at, value) in samples {
            if let Value::Float(value) = value {
                write_float(&mut inside, *at, *value);
            }
        }
        for (at, value) in samples {
            if let Value::Histogram(histogram) = value {
                let mut sample = Writer::default();
                histogram::write(&mut sample, *at, histogram, counts == Counts::IntegerWhereWhole);
                inside.field(4, &sample.bytes);
            }
        }
        writer.field(1, &inside.bytes);
    }
    writer.bytes
}

fn write_labels(writer: &mut Writer, labels: &Labels) {
    for (name, value) in labels {
        let mut label = Writer::default();
        label.field(1, name.as_bytes());
        label.field(2, value.as_bytes());
        writer.field(1, &label.bytes);
    }
}

fn write_float(writer: &mut Writer, at: Timestamp, value: f64) {
    let mut sample = Writer::default();
    sample.double(1, value);
    sample.number(2, at.as_millis().cast_unsigned());
    writer.field(2, &sample.bytes);
}
