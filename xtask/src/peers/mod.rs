//! Neighbours that run beside us for a comparison: starting them, filling them, asking them, weighing them.

pub(crate) mod http;
pub(crate) mod process;
pub(crate) mod remote_write;
pub(crate) mod usage;

/// One series and its samples, in rising order of time (milliseconds).
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// Sorted by name, `__name__` among them.
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) samples: Vec<(i64, f64)>,
}

/// The bits of a stale marker.
pub(crate) const STALE: u64 = 0x7ff0_0000_0000_0002;

/// `name{label="value"}`, as the text formats write it.
pub(crate) fn series_text(labels: &[(String, String)]) -> String {
    let mut name = "";
    let mut pairs = Vec::new();
    for (label, value) in labels {
        if label == "__name__" {
            name = value;
        } else {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            pairs.push(format!("{label}=\"{value}\""));
        }
    }
    format!("{name}{{{}}}", pairs.join(","))
}
