use std::borrow::Cow;

use assurance_metrics_model::{Labels, METRIC_NAME, MetricType, Timestamp};

use crate::number::{float, go_refuses, push_canonical_float};
use crate::series::{Term, Terms};

/// One sample as it stands in the body. Names and values are decoded only when asked for.
#[derive(Clone, Debug)]
pub struct Sample<'a> {
    /// The text of name and labels, as written: the same bytes are always the same series, so a cache can be
    /// asked with them and nothing decoded. Value, timestamp and exemplar are outside.
    pub series: &'a [u8],
    /// The value; every NaN is Prometheus's ordinary one.
    pub value: f64,
    /// When it was taken, where the body says so. OpenMetrics's fractions below a millisecond are cut.
    pub timestamp: Option<Timestamp>,
    /// The exemplar, in OpenMetrics.
    pub exemplar: Option<Exemplar<'a>>,
    /// The type of the family the sample belongs to by its name; unknown where no `# TYPE` covers it.
    pub metric_type: MetricType,
    /// Where the line begins in the body, for [`Parser::position`](crate::Parser::position).
    pub offset: usize,
    pub(crate) text: &'a str,
    /// Bytes of the bare name; 0 where it is quoted inside the braces.
    pub(crate) name_len: usize,
    /// Where the opening brace stands in `text`; its length where there is none.
    pub(crate) brace: usize,
    /// The type of the last `# TYPE`, whatever its family: by it Prometheus canonicalises bounds.
    pub(crate) last_type: MetricType,
}

impl<'a> Sample<'a> {
    /// The metric's name.
    #[inline]
    pub fn metric_name(&self) -> Cow<'a, str> {
        if self.name_len > 0 {
            return Cow::Borrowed(&self.text[..self.name_len]);
        }
        Terms::new(self.text, self.brace)
            .find_map(|term| match term {
                Term::Name(raw) => Some(raw.decode()),
                Term::Label { .. } => None,
            })
            .unwrap_or_default()
    }

    /// The labels as written, in their order, without the metric's name; empty values included. Borrowed
    /// wherever nothing is escaped.
    pub fn labels(&self) -> LabelPairs<'a> {
        LabelPairs { terms: Terms::new(self.text, self.brace) }
    }

    /// The labels as Prometheus 3 keeps them: with `__name__`, without empty values, and with the bounds of
    /// histograms (`le`) and the quantiles of summaries in OpenMetrics's form (`1` becomes `1.0`).
    pub fn to_labels(&self) -> Labels {
        let canonical = match self.last_type {
            MetricType::Histogram => "le",
            MetricType::Summary => "quantile",
            _ => "",
        };
        let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::with_capacity(8);
        pairs.push((Cow::Borrowed(METRIC_NAME), self.metric_name()));
        for (name, value) in self.labels().filter(|(_, value)| !value.is_empty()) {
            let number = if name == canonical { float(&value) } else { None };
            // What Go's reader refuses, Prometheus leaves as it is.
            match number.filter(|number| !go_refuses(value.as_bytes(), *number)) {
                Some(number) => {
                    let mut text = String::new();
                    push_canonical_float(&mut text, number);
                    pairs.push((name, Cow::Owned(text)));
                }
                None => pairs.push((name, value)),
            }
        }
        pairs.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Labels::from_sorted(pairs.iter().map(|(n, v)| (n.as_ref(), v.as_ref())))
    }

    /// Whether this is the `_created` sample of a family that has them: its value is a time, the second since
    /// 1970 at which the counters of this label set were born.
    pub fn is_created(&self) -> bool {
        matches!(self.metric_type, MetricType::Counter | MetricType::Histogram | MetricType::Summary)
            && self.metric_name().ends_with("_created")
    }
}

/// An example of what a counter or bucket counted, such as a trace.
#[derive(Clone, Copy, Debug)]
pub struct Exemplar<'a> {
    /// What it shows, in the unit of the metric.
    pub value: f64,
    /// When it happened, where the body says so.
    pub timestamp: Option<Timestamp>,
    pub(crate) text: &'a str,
}

impl<'a> Exemplar<'a> {
    /// Its labels as written, in their order.
    pub fn labels(&self) -> LabelPairs<'a> {
        LabelPairs { terms: Terms::new(self.text, 0) }
    }

    /// Its labels.
    pub fn to_labels(&self) -> Labels {
        self.labels().collect()
    }
}

/// Names and values of a sample or exemplar, decoded as they are taken.
#[derive(Clone, Debug)]
pub struct LabelPairs<'a> {
    terms: Terms<'a>,
}

impl<'a> Iterator for LabelPairs<'a> {
    type Item = (Cow<'a, str>, Cow<'a, str>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.terms.next()? {
                Term::Label { name, value, .. } => return Some((name.decode(), value.decode())),
                Term::Name(_) => {}
            }
        }
    }
}
