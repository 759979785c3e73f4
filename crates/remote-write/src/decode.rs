use assurance_metrics_model::{Labels, Timestamp, Value};

use crate::histogram::Budget;
use crate::wire::Reader;
use crate::{DecodeError, Refusal, RefusalKind, block, histogram, labels};

/// Refusals of one message that are told one by one; all are counted.
pub const MAX_REFUSALS: usize = 100;

/// What one message may hold. Prometheus itself has no such limits; its senders make messages of 2,000 samples.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes as they come; 16 MiB by default.
    pub compressed_bytes: usize,
    /// Bytes decompressed; 64 MiB by default, some 3 million samples.
    pub decompressed_bytes: usize,
    /// Series; 500,000 by default, which take 50 MB decoded.
    pub series: usize,
    /// Samples, floats and histograms together; 2,000,000 by default, which take 48 MB decoded.
    pub samples: usize,
    /// Buckets, spans and bounds of all histograms together; 4,000,000 by default, which take 32 MB decoded.
    pub buckets: usize,
    /// Labels of one series; 256 by default.
    pub labels: usize,
    /// Bytes of a label's name; 1 KiB by default.
    pub label_name_bytes: usize,
    /// Bytes of a label's value; 64 KiB by default.
    pub label_value_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            compressed_bytes: 16 << 20,
            decompressed_bytes: 64 << 20,
            series: 500_000,
            samples: 2_000_000,
            buckets: 4_000_000,
            labels: 256,
            label_name_bytes: 1 << 10,
            label_value_bytes: 64 << 10,
        }
    }
}

/// One series of a message, its samples in the order they came; where floats and histograms come together,
/// they are merged by time.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeSeries {
    /// Its labels, the metric name among them.
    pub labels: Labels,
    /// Times and values.
    pub samples: Vec<(Timestamp, Value)>,
}

/// A message, and what of it is left out.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct WriteRequest {
    /// What can be stored. The same series may stand here twice.
    pub series: Vec<TimeSeries>,
    /// What cannot: the first [`MAX_REFUSALS`].
    pub refusals: Vec<Refusal>,
    /// Series that cannot be stored, all of them.
    pub refused_series: usize,
    /// Samples that cannot be stored, all of them, those of refused series among them.
    pub refused_samples: usize,
    /// Exemplars, which are left out.
    pub exemplars: usize,
    /// Metadata entries, which are left out.
    pub metadata: usize,
}

impl WriteRequest {
    /// Samples that can be stored.
    pub fn samples(&self) -> usize {
        self.series.iter().map(|series| series.samples.len()).sum()
    }

    fn refuse(&mut self, index: usize, pairs: &[(&[u8], &[u8])], samples: usize, kind: RefusalKind) {
        self.refused_samples += samples;
        if self.refusals.len() < MAX_REFUSALS {
            self.refusals.push(Refusal { index, series: labels::shown(pairs), samples, kind });
        }
    }
}

/// Reads a message as it comes over HTTP: a `prometheus.WriteRequest` in snappy's block format.
///
/// # Errors
/// If the body is no such message or beyond the limits. Series and samples that cannot be stored are no error:
/// they are in [`WriteRequest::refusals`].
pub fn decode(body: &[u8], limits: &Limits) -> Result<WriteRequest, DecodeError> {
    decode_message(&block::decompress(body, limits)?, limits)
}

/// Reads a message that is decompressed already.
///
/// # Errors
/// As [`decode`].
pub fn decode_message(message: &[u8], limits: &Limits) -> Result<WriteRequest, DecodeError> {
    let mut reader = Reader::new(message, "write request");
    let mut decoder = Decoder {
        limits,
        index: 0,
        samples: 0,
        buckets: Budget { left: limits.buckets, limit: limits.buckets },
        pairs: Vec::new(),
        labels: 0,
        request: WriteRequest::default(),
    };
    while let Some((field, payload)) = reader.field()? {
        match field {
            1 => decoder.series(reader.message(field, payload, "series")?)?,
            3 => {
                reader.message(field, payload, "metadata entry")?;
                decoder.request.metadata += 1;
            }
            _ => {}
        }
    }
    Ok(decoder.request)
}

struct Decoder<'a, 'l> {
    limits: &'l Limits,
    index: usize,
    /// Samples read, refused ones among them.
    samples: usize,
    buckets: Budget,
    /// The labels of the series being read, as many as are kept.
    pairs: Vec<(&'a [u8], &'a [u8])>,
    /// How many labels it has.
    labels: usize,
    request: WriteRequest,
}

impl<'a> Decoder<'a, '_> {
    fn series(&mut self, mut reader: Reader<'a>) -> Result<(), DecodeError> {
        if self.index == self.limits.series {
            return Err(DecodeError::TooMany { what: "series", limit: self.limits.series });
        }
        self.pairs.clear();
        self.labels = 0;
        let mut samples = Vec::new();
        let mut histograms = Vec::new();
        let mut faults = Vec::new();
        let mut unfit = 0;
        while let Some((field, payload)) = reader.field()? {
            match field {
                1 => self.label(reader.message(field, payload, "label")?)?,
                2 => {
                    self.count()?;
                    samples.push(sample(reader.message(field, payload, "sample")?)?);
                }
                3 => {
                    reader.message(field, payload, "exemplar")?;
                    self.request.exemplars += 1;
                }
                4 => {
                    self.count()?;
                    let inside = reader.message(field, payload, "histogram")?;
                    match histogram::read(inside, &mut self.buckets)? {
                        (at, Ok(histogram)) => histograms.push((at, Value::Histogram(histogram))),
                        (at, Err(fault)) => {
                            unfit += 1;
                            if faults.len() < MAX_REFUSALS {
                                faults.push(RefusalKind::Histogram { at, fault });
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        self.finish(merge(samples, histograms), faults, unfit);
        self.index += 1;
        Ok(())
    }

    fn finish(&mut self, samples: Vec<(Timestamp, Value)>, faults: Vec<RefusalKind>, unfit: usize) {
        let index = self.index;
        match labels::read(&self.pairs, self.labels, self.limits) {
            Ok(labels) => {
                // Those that are not told one by one are counted nevertheless.
                self.request.refused_samples += unfit - faults.len();
                for kind in faults {
                    self.request.refuse(index, &self.pairs, 1, kind);
                }
                self.request.series.push(TimeSeries { labels, samples });
            }
            Err(kind) => {
                self.request.refused_series += 1;
                self.request.refuse(index, &self.pairs, samples.len() + unfit, kind);
            }
        }
    }

    fn label(&mut self, mut reader: Reader<'a>) -> Result<(), DecodeError> {
        let (mut name, mut value): (&[u8], &[u8]) = (b"", b"");
        while let Some((field, payload)) = reader.field()? {
            match field {
                1 => name = reader.message(field, payload, "label name")?.bytes(),
                2 => value = reader.message(field, payload, "label value")?.bytes(),
                _ => {}
            }
        }
        self.labels += 1;
        if self.labels <= self.limits.labels {
            self.pairs.push((name, value));
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), DecodeError> {
        if self.samples == self.limits.samples {
            return Err(DecodeError::TooMany { what: "samples", limit: self.limits.samples });
        }
        self.samples += 1;
        Ok(())
    }
}

fn sample(mut reader: Reader<'_>) -> Result<(Timestamp, Value), DecodeError> {
    let (mut value, mut at) = (0.0, 0);
    while let Some((field, payload)) = reader.field()? {
        match field {
            1 => value = reader.double(field, payload)?,
            2 => at = reader.number(field, payload)?.cast_signed(),
            _ => {}
        }
    }
    Ok((Timestamp::from_millis(at), Value::Float(value)))
}

/// Floats and histograms of one series by time, neither list sorted anew.
fn merge(floats: Vec<(Timestamp, Value)>, histograms: Vec<(Timestamp, Value)>) -> Vec<(Timestamp, Value)> {
    if histograms.is_empty() {
        return floats;
    }
    if floats.is_empty() {
        return histograms;
    }
    let mut all = Vec::with_capacity(floats.len() + histograms.len());
    let mut histograms = histograms.into_iter().peekable();
    for float in floats {
        while let Some(histogram) = histograms.next_if(|histogram| histogram.0 < float.0) {
            all.push(histogram);
        }
        all.push(float);
    }
    all.extend(histograms);
    all
}
