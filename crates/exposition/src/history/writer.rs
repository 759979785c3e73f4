use std::io::{self, Write};

use assurance_metrics_model::{Labels, METRIC_NAME, Timestamp, is_legacy_label_name, is_legacy_metric_name};

use crate::chars::push_escaped;
use crate::number::{push_float, push_seconds};

/// Why a series has no place in OpenMetrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsayable {
    /// It has no metric name.
    #[error("it has no metric name")]
    NoName,
    /// A label's name begins with two underscores.
    #[error("a label begins with two underscores, which OpenMetrics keeps for itself")]
    Reserved,
}

/// Writes a history as OpenMetrics, series after series, into a stream.
///
/// There is no metadata in it: each metric is a family of its own and of unknown type, so that everything can be said
/// whatever its name promises. Series of one metric should come together.
#[derive(Debug)]
pub struct HistoryWriter<W> {
    out: W,
    /// The series and a space.
    series: String,
    line: String,
}

impl<W: Write> HistoryWriter<W> {
    /// Writes into a stream, which should have a buffer.
    pub const fn new(out: W) -> Self {
        Self { out, series: String::new(), line: String::new() }
    }

    /// Begins a series.
    ///
    /// # Errors
    /// If OpenMetrics has no words for it; nothing is written then.
    pub fn series(&mut self, labels: &Labels) -> Result<(), Unsayable> {
        let name = labels.get(METRIC_NAME).ok_or(Unsayable::NoName)?;
        let others = || labels.iter().filter(|(name, _)| *name != METRIC_NAME);
        if others().any(|(name, _)| name.starts_with("__")) {
            return Err(Unsayable::Reserved);
        }
        let out = &mut self.series;
        out.clear();
        let is_bare = is_legacy_metric_name(name);
        let quoted = |out: &mut String, text: &str| {
            out.push('"');
            push_escaped(out, text, true);
            out.push('"');
        };
        let mut separator = '{';
        if is_bare {
            out.push_str(name);
        } else {
            out.push('{');
            quoted(out, name);
            separator = ',';
        }
        for (name, value) in others() {
            out.push(separator);
            separator = ',';
            if is_legacy_label_name(name) {
                out.push_str(name);
            } else {
                quoted(out, name);
            }
            out.push('=');
            quoted(out, value);
        }
        out.push_str(if separator == ',' { "} " } else { " " });
        Ok(())
    }

    /// Writes a sample of the series begun last. NaN loses what its bits say beside that.
    ///
    /// # Errors
    /// If the stream fails.
    pub fn sample(&mut self, at: Timestamp, value: f64) -> io::Result<()> {
        let line = &mut self.line;
        line.clear();
        line.push_str(&self.series);
        push_float(line, value);
        line.push(' ');
        let start = line.len();
        push_seconds(line, at);
        // Prometheus multiplies by 1,000 and cuts what does not come out whole, which may be a millisecond. A tenth of
        // one more does no harm to anybody.
        let is_misread = at.as_millis() >= 0
            && line[start..].parse::<f64>().is_ok_and(|seconds| cut(seconds) != at.as_millis());
        if is_misread {
            line.push_str(if at.as_millis() % 1000 == 0 { ".0001" } else { "1" });
        }
        line.push('\n');
        self.out.write_all(line.as_bytes())
    }

    /// Writes the end; the stream.
    ///
    /// # Errors
    /// If the stream fails.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(b"# EOF\n")?;
        self.out.flush()?;
        Ok(self.out)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "as Prometheus does")]
fn cut(seconds: f64) -> i64 {
    (seconds * 1000.0) as i64
}
