use assurance_diagnostics::{Diagnostic, Source, yaml};
use assurance_metrics_model::{Duration, Labels};
use assurance_scrape::JobConfig;

use crate::alerting::{Alerting, alerting};
use crate::discovery::is_pattern;
use crate::findings::{Findings, Place};
use crate::raw;
use crate::scrape::{defaults, jobs, written};

/// A hint that lists every key there is helps nobody; past this length the manual is named instead.
const MAX_HELP_BYTES: usize = 200;

/// `prometheus.yml`, checked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Loaded {
    /// Settings for everything.
    pub global: Global,
    /// Jobs, in the order of the file.
    pub jobs: Vec<JobConfig>,
    /// Paths of rule files, seen from the working directory. A `*` may stand in the last part.
    pub rule_files: Vec<String>,
    /// Who is told of alerts.
    pub alerting: Alerting,
    /// How samples are kept, where the file says so.
    pub storage: Storage,
    /// What was read and has no effect, or works otherwise than in Prometheus.
    pub warnings: Vec<Diagnostic>,
}

/// `global`, apart from the defaults that are in the jobs already.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Global {
    /// Time between two scrapes of jobs that say nothing else.
    pub scrape_interval: Duration,
    /// Time between two evaluations of rule groups that say nothing else.
    pub evaluation_interval: Duration,
    /// How far in the past rule groups that say nothing else look.
    pub rule_query_offset: Duration,
    /// Added to what leaves: alerts, and samples that are sent on.
    pub external_labels: Labels,
}

/// `storage.tsdb`, where the file says something; the command line may say otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Storage {
    /// How far behind a series' newest sample another may come.
    pub out_of_order_time_window: Option<Duration>,
    /// How long samples are kept.
    pub retention_time: Option<Duration>,
    /// How many bytes of samples are kept.
    pub retention_size: Option<u64>,
}

/// Reads `prometheus.yml`. Paths in it are seen from `directory`, the one the file is in (empty for the
/// working directory); nothing is opened here.
///
/// # Errors
/// Everything that is wrong, each with place and remedy. A file whose structure is wrong (a list where a
/// mapping belongs, an unknown key) gives the first such flaw alone, as what follows it cannot be told.
pub fn load(source: &Source, directory: &str) -> Result<Loaded, Vec<Diagnostic>> {
    let raw: raw::File = yaml::parse(source).map_err(|flaw| vec![with_remedy(flaw)])?;
    let mut findings = Findings::new(source, directory);
    let root = Place::default();
    findings.not_done(&root, &raw.refused(), &raw.ignored());
    let place = root.at("global");
    let mut raw_global = raw.global.unwrap_or_default();
    findings.not_done(&place, &[], &raw_global.ignored());
    let defaults = defaults(&mut findings, &place, &raw_global);
    let global = Global {
        scrape_interval: defaults.interval,
        evaluation_interval: written(raw_global.evaluation_interval).unwrap_or(Duration::from_minutes(1)),
        rule_query_offset: written(raw_global.rule_query_offset).unwrap_or(Duration::ZERO),
        external_labels: external_labels(&mut findings, &place, &mut raw_global),
    };
    let jobs = jobs(&mut findings, &root.at("scrape_configs"), raw.scrape_configs, &defaults);
    let rule_files = rule_files(&mut findings, &root.at("rule_files"), &raw.rule_files.unwrap_or_default());
    let alerting = alerting(&mut findings, &root.at("alerting"), raw.alerting.unwrap_or_default());
    let storage = storage(&mut findings, &root.at("storage"), raw.storage.unwrap_or_default());
    let warnings = findings.finish()?;
    Ok(Loaded { global, jobs, rule_files, alerting, storage, warnings })
}

/// A remedy a person can follow, for flaws that are found below this room.
pub(crate) fn with_remedy(mut flaw: Diagnostic) -> Diagnostic {
    match &flaw.help {
        Some(help) if help.len() <= MAX_HELP_BYTES => {}
        Some(_) => flaw.help = Some("Prometheus's manual lists the keys, under Configuration".into()),
        None => {
            // Durations and sizes say what to write in the same sentence.
            if let Some((wrong, remedy)) = flaw.message.rsplit_once("; write ") {
                flaw.help = Some(format!("write {remedy}").into());
                flaw.message = wrong.into();
            } else if flaw.message.starts_with("expected a list") {
                flaw.help = Some("begin each entry with a dash (-), or put all of them in [ ]".into());
            } else {
                flaw.help =
                    Some("Prometheus's manual shows the form of each key, under Configuration".into());
            }
        }
    }
    flaw
}

fn external_labels(findings: &mut Findings<'_>, place: &Place, raw: &mut raw::Global) -> Labels {
    let labels = raw.external_labels.take().unwrap_or_default();
    let place = place.at("external_labels");
    findings.label_names(&place, labels.keys());
    for (name, value) in &labels {
        if value.contains('$') {
            findings.warn(
                &place.at(name.as_str()),
                format!("the value of {name} is taken as it is written"),
                "environment variables are not filled in; write the value itself",
            );
        }
    }
    Labels::from_pairs(&labels)
}

fn rule_files(findings: &mut Findings<'_>, place: &Place, raw: &[String]) -> Vec<String> {
    for (index, path) in raw.iter().enumerate() {
        if path.is_empty() || !is_pattern(path) {
            findings.error(
                &place.at(index),
                format!("{path:?} cannot be a rule file"),
                "write a path; a * may stand in its last part only",
            );
        }
    }
    raw.iter().map(|path| findings.path(path)).collect()
}

fn storage(findings: &mut Findings<'_>, place: &Place, raw: raw::Storage) -> Storage {
    findings.not_done(place, &[], &raw.ignored());
    let tsdb = raw.tsdb.unwrap_or_default();
    let retention = tsdb.retention.unwrap_or_default();
    findings.not_done(&place.at("tsdb").at("retention"), &retention.refused(), &[]);
    Storage {
        out_of_order_time_window: tsdb.out_of_order_time_window.map(|span| span.0),
        retention_time: written(retention.time),
        retention_size: retention.size.map(|size| size.0).filter(|size| *size > 0),
    }
}
