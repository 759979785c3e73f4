use std::collections::BTreeMap;

use assurance_exposition::Format;
use assurance_metrics_model::Duration;
use assurance_scrape::{JobConfig, ScrapeLimits, ScrapeProtocol};

use crate::client::http;
use crate::discovery::{file_sd, relabel_rules, static_targets};
use crate::findings::{Findings, Place};
use crate::raw;
use crate::scalar::Span;

/// The one protocol of Prometheus's that is not spoken.
const PROTOBUF: &str = "PrometheusProto";

/// What jobs take from `global`.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
    pub(crate) protocols: Vec<ScrapeProtocol>,
    pub(crate) limits: ScrapeLimits,
    pub(crate) extra_metrics: bool,
}

/// A span that is written and not zero: zero counts as not written, as in Prometheus.
pub(crate) fn written(span: Option<Span>) -> Option<Duration> {
    span.map(|span| span.0).filter(|span| !span.is_zero())
}

/// `global`, as far as it is about scraping.
pub(crate) fn defaults(findings: &mut Findings<'_>, place: &Place, raw: &raw::Global) -> Defaults {
    let interval = written(raw.scrape_interval).unwrap_or(Duration::from_minutes(1));
    let timeout =
        timeout(findings, place, (interval, "global"), written(raw.scrape_timeout), Duration::from_secs(10));
    histograms_and_names(
        findings,
        place,
        raw.convert_classic_histograms_to_nhcb.is_some_and(|it| it.0),
        raw.metric_name_escaping_scheme.as_deref(),
        raw.metric_name_validation_scheme.as_deref(),
    );
    let mut limits = ScrapeLimits::default();
    set(&mut limits.body_size, raw.body_size_limit.map(|size| size.0));
    set(&mut limits.samples, raw.sample_limit);
    set(&mut limits.targets, raw.target_limit);
    set(&mut limits.labels, raw.label_limit);
    set(&mut limits.label_name_length, raw.label_name_length_limit);
    set(&mut limits.label_value_length, raw.label_value_length_limit);
    set(&mut limits.keep_dropped_targets, raw.keep_dropped_targets);
    let protocols = protocols(findings, &place.at("scrape_protocols"), raw.scrape_protocols.as_deref());
    Defaults {
        interval,
        timeout,
        protocols: protocols.unwrap_or_else(|| ScrapeProtocol::ALL.to_vec()),
        limits,
        extra_metrics: raw.extra_scrape_metrics.is_some_and(|it| it.0),
    }
}

/// `scrape_configs`
pub(crate) fn jobs(
    findings: &mut Findings<'_>,
    place: &Place,
    raw: Option<Vec<Option<raw::Scrape>>>,
    defaults: &Defaults,
) -> Vec<JobConfig> {
    let mut jobs = Vec::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for (index, raw) in raw.unwrap_or_default().into_iter().enumerate() {
        let place = place.at(index);
        let Some(raw) = raw else {
            findings.error(&place, "the job is empty", "write a job with job_name, or remove the dash");
            continue;
        };
        let name = raw.job_name.clone().unwrap_or_default();
        if name.is_empty() {
            findings.error(&place, "the job has no name", "add job_name; it becomes the label job");
        } else if let Some(first) = names.insert(name.clone(), index) {
            findings.error(
                &place.at("job_name"),
                format!("job name {name:?} is taken"),
                format!("job number {} has it already; names must be unique", first + 1),
            );
        }
        jobs.push(job(findings, &place, &name, raw, defaults));
    }
    jobs
}

fn job(
    findings: &mut Findings<'_>,
    place: &Place,
    name: &str,
    mut raw: raw::Scrape,
    defaults: &Defaults,
) -> JobConfig {
    findings.not_done(place, &raw.refused(), &raw.ignored());
    let mut job = JobConfig::new(name);
    job.scrape_interval = written(raw.scrape_interval).unwrap_or(defaults.interval);
    job.scrape_timeout =
        timeout(findings, place, (job.scrape_interval, name), written(raw.scrape_timeout), defaults.timeout);
    histograms_and_names(
        findings,
        place,
        raw.convert_classic_histograms_to_nhcb.is_some_and(|it| it.0),
        raw.metric_name_escaping_scheme.as_deref(),
        raw.metric_name_validation_scheme.as_deref(),
    );
    if let Some(path) = raw.metrics_path.take().filter(|path| !path.is_empty()) {
        job.metrics_path = path;
    }
    if let Some(scheme) = scheme(findings, place, raw.scheme.as_deref()) {
        job.scheme = scheme;
    }
    job.params = raw.params.take().unwrap_or_default();
    job.honor_labels = raw.honor_labels.is_some_and(|it| it.0);
    job.honor_timestamps = raw.honor_timestamps.is_none_or(|it| it.0);
    job.track_timestamps_staleness = raw.track_timestamps_staleness.is_some_and(|it| it.0);
    job.enable_compression = raw.enable_compression.is_none_or(|it| it.0);
    job.extra_metrics = raw.extra_scrape_metrics.map_or(defaults.extra_metrics, |it| it.0);
    job.protocols = protocols(findings, &place.at("scrape_protocols"), raw.scrape_protocols.as_deref())
        .unwrap_or_else(|| defaults.protocols.clone());
    if let Some(word) = &raw.fallback_scrape_protocol {
        let place = place.at("fallback_scrape_protocol");
        job.fallback = protocol(findings, &place, word).map_or(Format::Text, ScrapeProtocol::format);
    }
    let mut limits = defaults.limits;
    set(&mut limits.body_size, raw.body_size_limit.map(|size| size.0));
    set(&mut limits.samples, raw.sample_limit);
    set(&mut limits.targets, raw.target_limit);
    set(&mut limits.labels, raw.label_limit);
    set(&mut limits.label_name_length, raw.label_name_length_limit);
    set(&mut limits.label_value_length, raw.label_value_length_limit);
    set(&mut limits.keep_dropped_targets, raw.keep_dropped_targets);
    job.limits = limits;
    let rules = raw.relabel_configs.take();
    job.relabel = relabel_rules(findings, &place.at("relabel_configs"), rules);
    let rules = raw.metric_relabel_configs.take();
    job.metric_relabel = relabel_rules(findings, &place.at("metric_relabel_configs"), rules);
    let groups = raw.static_configs.take();
    job.static_targets =
        static_targets(findings, &place.at("static_configs"), groups, job.relabel.is_empty());
    let lists = raw.file_sd_configs.take();
    job.file_sd = file_sd(findings, &place.at("file_sd_configs"), lists);
    job.http = http(findings, place, raw.client());
    job
}

fn set(limit: &mut u64, written: Option<u64>) {
    if let Some(written) = written {
        *limit = written;
    }
}

/// The timeout of a job or of all of them: never longer than the interval.
fn timeout(
    findings: &mut Findings<'_>,
    place: &Place,
    (interval, of): (Duration, &str),
    written: Option<Duration>,
    default: Duration,
) -> Duration {
    match written {
        None => default.min(interval),
        Some(timeout) => {
            if timeout > interval {
                findings.error(
                    &place.at("scrape_timeout"),
                    format!("scrape_timeout {timeout} of {of} is longer than its interval {interval}"),
                    format!("write at most {interval}, or scrape less often"),
                );
            }
            timeout
        }
    }
}

/// `scheme`, where it is written.
pub(crate) fn scheme(findings: &mut Findings<'_>, place: &Place, raw: Option<&str>) -> Option<String> {
    let scheme = raw.filter(|scheme| !scheme.is_empty())?;
    if !matches!(scheme, "http" | "https") {
        findings.error(
            &place.at("scheme"),
            format!("scheme {scheme:?} is not spoken"),
            "write http or https",
        );
    }
    Some(scheme.to_owned())
}

fn histograms_and_names(
    findings: &mut Findings<'_>,
    place: &Place,
    converts: bool,
    escaping: Option<&str>,
    validation: Option<&str>,
) {
    if converts {
        findings.key_error(
            &place.at("convert_classic_histograms_to_nhcb"),
            "classic histograms cannot be converted to native ones",
            "remove it; rules find classic histograms under _bucket, _sum and _count",
        );
    }
    match escaping {
        None | Some("" | "allow-utf-8") => {}
        Some(other) => findings.error(
            &place.at("metric_name_escaping_scheme"),
            format!("names cannot be escaped as {other:?}"),
            "write allow-utf-8, or remove the key",
        ),
    }
    let at = place.at("metric_name_validation_scheme");
    match validation {
        None | Some("" | "utf8") => {}
        Some("legacy") => findings.warn(&at, "names of metrics are not restricted", "it works as utf8 does"),
        Some(other) => {
            findings.error(
                &at,
                format!("{other:?} is no validation scheme"),
                "write utf8, or remove the key",
            );
        }
    }
}

fn protocols(
    findings: &mut Findings<'_>,
    place: &Place,
    words: Option<&[String]>,
) -> Option<Vec<ScrapeProtocol>> {
    let words = words?;
    let mut out: Vec<ScrapeProtocol> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let place = place.at(index);
        if word == PROTOBUF && words.len() > 1 {
            findings.warn(&place, "the protobuf format is not asked for", "the other formats are");
            continue;
        }
        let Some(protocol) = protocol(findings, &place, word) else { continue };
        if out.contains(&protocol) {
            findings.error(&place, format!("{word} is listed twice"), "list each format once, best first");
        } else {
            out.push(protocol);
        }
    }
    (!out.is_empty()).then_some(out)
}

fn protocol(findings: &mut Findings<'_>, place: &Place, word: &str) -> Option<ScrapeProtocol> {
    let found = ScrapeProtocol::ALL.into_iter().find(|protocol| protocol.as_str() == word);
    if found.is_none() {
        let words = ScrapeProtocol::ALL.map(ScrapeProtocol::as_str);
        if word == PROTOBUF {
            let help = format!("write one or more of {}", words.join(", "));
            findings.error(place, "the protobuf format cannot be read", help);
        } else {
            let help = match assurance_diagnostics::suggest(word, words) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("write one or more of {}", words.join(", ")),
            };
            findings.error(place, format!("{word:?} is no scrape protocol"), help);
        }
    }
    found
}
