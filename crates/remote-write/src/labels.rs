//! The labels of a series: in any order, as Prometheus takes them, but text, unique and within bounds.

use assurance_metrics_model::{Labels, METRIC_NAME, Quoted};

use crate::{Limits, RefusalKind};

/// Characters of a series, or bytes of a name, that an error repeats.
const SHOWN: usize = 200;

/// Reads names and values. An empty value means that the label is absent.
///
/// `pairs` are the first of `count` labels.
pub(crate) fn read(pairs: &[(&[u8], &[u8])], count: usize, limits: &Limits) -> Result<Labels, RefusalKind> {
    if count > limits.labels {
        return Err(RefusalKind::TooManyLabels { count, limit: limits.labels });
    }
    let mut texts: Vec<(&str, &str)> = Vec::with_capacity(pairs.len());
    for (name, value) in pairs {
        let long = |part, bytes, limit| RefusalKind::LongLabel { part, label: text(name), bytes, limit };
        if name.len() > limits.label_name_bytes {
            return Err(long("name", name.len(), limits.label_name_bytes));
        }
        if value.len() > limits.label_value_bytes {
            return Err(long("value", value.len(), limits.label_value_bytes));
        }
        let (Ok(utf8_name), Ok(utf8_value)) = (str::from_utf8(name), str::from_utf8(value)) else {
            return Err(RefusalKind::NotUtf8 { label: text(name) });
        };
        if name.is_empty() {
            return Err(RefusalKind::NoLabelName);
        }
        texts.push((utf8_name, utf8_value));
    }
    if !texts.is_sorted_by_key(|(name, _)| *name) {
        texts.sort_by_key(|(name, _)| *name);
    }
    if let Some(twice) = texts.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(RefusalKind::DuplicateLabel { label: twice[0].0.to_owned() });
    }
    let labels = Labels::from_sorted(texts.iter().copied().filter(|(_, value)| !value.is_empty()));
    if labels.get(METRIC_NAME).is_none() {
        return Err(RefusalKind::NoMetricName);
    }
    Ok(labels)
}

/// The series for an error, as far as it is text.
pub(crate) fn shown(pairs: &[(&[u8], &[u8])]) -> String {
    let mut out = String::from("{");
    for (n, (name, value)) in pairs.iter().enumerate() {
        if out.len() > SHOWN {
            out.push_str(", …");
            break;
        }
        if n > 0 {
            out.push_str(", ");
        }
        out.push_str(&text(name));
        out.push('=');
        out.push_str(&Quoted(&text(value)).to_string());
    }
    out.push('}');
    out
}

fn text(bytes: &[u8]) -> String {
    let cut = bytes.len().min(SHOWN);
    let mut text = String::from_utf8_lossy(&bytes[..cut]).into_owned();
    if cut < bytes.len() {
        text.push('…');
    }
    text
}
