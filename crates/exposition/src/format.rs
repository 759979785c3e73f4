/// A way to write metrics down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// Prometheus text format 0.0.4.
    #[default]
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

/// What a scraper sends as `Accept`: OpenMetrics first, as it also carries units, exemplars and creation
/// times, then text; names beyond the legacy characters are welcome in both.
pub const ACCEPT: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
application/openmetrics-text;version=0.0.1;q=0.5,\
text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

const OPENMETRICS_MEDIA_TYPE: &str = "application/openmetrics-text";
const TEXT_MEDIA_TYPE: &str = "text/plain";

impl Format {
    /// The format a `Content-Type` names; text for anything that is not OpenMetrics, as most exporters that
    /// say nothing, or something odd, write text.
    pub fn from_content_type(content_type: &str) -> Self {
        Self::named_by(content_type).unwrap_or_default()
    }

    /// The format a `Content-Type` names, or `None` where it names another one, or none.
    pub fn named_by(content_type: &str) -> Option<Self> {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case(OPENMETRICS_MEDIA_TYPE) {
            Some(Self::OpenMetrics)
        } else if media_type.eq_ignore_ascii_case(TEXT_MEDIA_TYPE) {
            Some(Self::Text)
        } else {
            None
        }
    }

    /// The `Content-Type` to send with a body in this format.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The format to answer an `Accept` with: OpenMetrics where it is named and weighs no less than text.
    pub fn negotiate(accept: &str) -> Self {
        let mut open_metrics = 0.0;
        let mut text = 0.0;
        for item in accept.split(',') {
            let mut parts = item.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default();
            let weight = parts
                .find_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")))
                .map_or(1.0, |q| q.trim().parse::<f64>().unwrap_or(0.0));
            if media_type.eq_ignore_ascii_case(OPENMETRICS_MEDIA_TYPE) {
                open_metrics = weight.max(open_metrics);
            } else if ["text/plain", "text/*", "*/*"].iter().any(|t| media_type.eq_ignore_ascii_case(t)) {
                text = weight.max(text);
            }
        }
        if open_metrics > 0.0 && open_metrics >= text { Self::OpenMetrics } else { Self::Text }
    }
}
