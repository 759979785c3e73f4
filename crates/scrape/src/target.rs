use std::collections::BTreeMap;

use assurance_metrics_model::{Duration, DurationError, Labels, LabelsBuilder};

use crate::relabel::relabel_builder;
use crate::{JobConfig, TargetGroup};

const ADDRESS: &str = "__address__";
const SCHEME: &str = "__scheme__";
const METRICS_PATH: &str = "__metrics_path__";
const INTERVAL: &str = "__scrape_interval__";
const TIMEOUT: &str = "__scrape_timeout__";
const PARAM_PREFIX: &str = "__param_";
const RESERVED_PREFIX: &str = "__";

/// What relabelling made of one target.
#[derive(Clone, Debug)]
pub(crate) enum Made {
    Kept(Resolved),
    /// Relabelling dropped it.
    Dropped {
        discovered: Labels,
    },
    /// It cannot be scraped.
    Invalid {
        discovered: Labels,
        reason: TargetError,
    },
}

/// A target that can be scraped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// Labels before relabelling, for display.
    pub(crate) discovered: Labels,
    /// Labels that its series get.
    pub(crate) labels: Labels,
    pub(crate) url: String,
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
    /// As the job imposes it.
    pub(crate) phase: Option<Duration>,
}

impl Resolved {
    /// What makes it the same target in two lists.
    pub(crate) fn key(&self) -> (Labels, String) {
        (self.labels.clone(), self.url.clone())
    }
}

/// Why a target cannot be scraped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Relabelling left no `__address__`.
    #[error("target has no address; relabelling must leave __address__ set")]
    NoAddress,
    /// An address with a path.
    #[error("{address:?} is no address; write host:port, and the path as metrics_path")]
    Address {
        /// What was given.
        address: String,
    },
    /// A scheme that nobody speaks.
    #[error("scheme {scheme:?} is not http or https")]
    Scheme {
        /// What was given.
        scheme: String,
    },
    /// The interval or the timeout is no duration.
    #[error("{label}: {source}")]
    Duration {
        /// The label it came from.
        label: &'static str,
        /// What is wrong.
        source: DurationError,
    },
    /// The interval or the timeout is zero.
    #[error("{label} is zero")]
    Zero {
        /// The label it came from.
        label: &'static str,
    },
    /// The timeout is longer than the interval.
    #[error("scrape timeout {timeout} is greater than the interval {interval}")]
    TimeoutAboveInterval {
        /// The timeout.
        timeout: Duration,
        /// The interval.
        interval: Duration,
    },
}

/// All targets of a group, as the job's relabelling makes them (Prometheus `PopulateLabels`).
pub(crate) fn make(job: &JobConfig, group: &TargetGroup) -> impl Iterator<Item = Made> {
    group.targets.iter().map(move |address| {
        let mut labels = group.labels.to_builder();
        labels.set(ADDRESS, address);
        make_one(job, labels)
    })
}

fn make_one(job: &JobConfig, mut labels: LabelsBuilder) -> Made {
    for (name, value) in [
        ("job", job.job_name.as_str()),
        (INTERVAL, &job.scrape_interval.to_string()),
        (TIMEOUT, &job.scrape_timeout.to_string()),
        (METRICS_PATH, &job.metrics_path),
        (SCHEME, &job.scheme),
    ] {
        if labels.get(name).is_none() {
            labels.set(name, value);
        }
    }
    for (name, values) in &job.params {
        let name = format!("{PARAM_PREFIX}{name}");
        if let (Some(first), None) = (values.first(), labels.get(&name)) {
            labels.set(&name, first);
        }
    }
    let discovered = labels.clone().build();
    if !relabel_builder(&mut labels, &job.relabel) {
        return Made::Dropped { discovered };
    }
    match resolve(job, &labels) {
        Ok((labels, url, interval, timeout)) => {
            Made::Kept(Resolved { discovered, labels, url, interval, timeout, phase: job.phase })
        }
        Err(reason) => Made::Invalid { discovered, reason },
    }
}

fn resolve(
    job: &JobConfig,
    labels: &LabelsBuilder,
) -> Result<(Labels, String, Duration, Duration), TargetError> {
    let get = |name| labels.get(name).unwrap_or_default();
    let address = get(ADDRESS);
    if address.is_empty() {
        return Err(TargetError::NoAddress);
    }
    if address
        .contains(|c: char| matches!(c, '/' | '?' | '#' | '@' | '\\') || c.is_whitespace() || c.is_control())
    {
        return Err(TargetError::Address { address: address.to_owned() });
    }
    let scheme = get(SCHEME);
    if !matches!(scheme, "http" | "https") {
        return Err(TargetError::Scheme { scheme: scheme.to_owned() });
    }
    let duration = |label: &'static str| {
        let value: Duration = get(label).parse().map_err(|source| TargetError::Duration { label, source })?;
        if value.is_zero() { Err(TargetError::Zero { label }) } else { Ok(value) }
    };
    let interval = duration(INTERVAL)?;
    let timeout = duration(TIMEOUT)?;
    if timeout > interval {
        return Err(TargetError::TimeoutAboveInterval { timeout, interval });
    }
    let mut params: BTreeMap<&str, Vec<&str>> =
        job.params.iter().map(|(k, v)| (k.as_str(), v.iter().map(String::as_str).collect())).collect();
    for (name, value) in labels.iter() {
        let Some(name) = name.strip_prefix(PARAM_PREFIX) else { continue };
        let values = params.entry(name).or_default();
        match values.first_mut() {
            Some(first) => *first = value,
            None => values.push(value),
        }
    }
    let url = url(scheme, address, get(METRICS_PATH), &params);
    let mut public = LabelsBuilder::new();
    for (name, value) in labels.iter().filter(|(name, _)| !name.starts_with(RESERVED_PREFIX)) {
        public.set(name, value);
    }
    if public.get("instance").is_none() {
        public.set("instance", address);
    }
    Ok((public.build(), url, interval, timeout))
}

fn url(scheme: &str, address: &str, path: &str, params: &BTreeMap<&str, Vec<&str>>) -> String {
    let mut out = format!("{scheme}://{address}");
    if !path.starts_with('/') && !path.is_empty() {
        out.push('/');
    }
    // What Go's `URL.EscapedPath` leaves as it is.
    escape(&mut out, path, b"-._~/$&+,:;=@%", false);
    let mut separator = '?';
    for (name, values) in params {
        for value in values {
            out.push(separator);
            separator = '&';
            escape(&mut out, name, b"-._~", true);
            out.push('=');
            escape(&mut out, value, b"-._~", true);
        }
    }
    out
}

fn escape(out: &mut String, text: &str, keep: &[u8], space_as_plus: bool) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || keep.contains(&byte) {
            out.push(char::from(byte));
        } else if byte == b' ' && space_as_plus {
            out.push('+');
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}
