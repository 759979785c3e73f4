use std::collections::BTreeSet;

use assurance_diagnostics::yaml;

use super::Bench;
use crate::catalog;
use crate::found::{Found, words};
use crate::measure::{Reading, metric_name, readings};
use crate::subject::Subject;
use crate::world::{is_report, job_matchers};

/// Severities at which nobody gets up.
const QUIET: [&str; 7] = ["info", "information", "informational", "notice", "none", "low", "debug"];

pub(super) fn check(bench: &Bench<'_>, found: &mut Found) {
    for (subject, alert) in bench.alerts() {
        let readings = readings(alert.expression.tree());
        let loss = |r: &Reading<'_>| r.absent || metric_name(r.selector) == Some("up");
        if readings.is_empty() || !readings.iter().all(loss) {
            continue;
        }
        if let Some(severity) =
            subject.label("severity").filter(|s| QUIET.contains(&s.to_lowercase().as_str()))
        {
            // Another step of the same alert may be louder.
            let louder = bench.alerts().any(|(other, rule)| {
                rule.alert == alert.alert
                    && other.label("severity").is_some_and(|s| !QUIET.contains(&s.to_lowercase().as_str()))
            });
            if !louder {
                let message = format!("to see nothing is told with severity {severity}");
                let at = subject.value(&["labels", "severity"]);
                found.rule(&catalog::ABSENCE_SEVERITY, subject, at, words(message, "", ""));
            }
        }
    }
    let Some(jobs) = &bench.world.jobs else { return };
    if bench.subjects.is_empty() {
        return;
    }
    for job in jobs.keys() {
        companions(bench, job, found);
    }
}

/// What an alert reads of a job.
#[derive(Debug, Default)]
struct Watched<'a> {
    readers: Vec<(&'a Subject<'a>, Reading<'a>)>,
    up: Option<(&'a Subject<'a>, Reading<'a>)>,
    absent: bool,
}

fn companions(bench: &Bench<'_>, job: &str, found: &mut Found) {
    let mut watched = Watched::default();
    for (subject, alert) in bench.alerts() {
        for reading in readings(alert.expression.tree()) {
            let of_job = bench.world.jobs_of(reading.selector).contains(&job);
            let named = job_matchers(reading.selector).next().is_some_and(|m| m.matches(job));
            if reading.absent {
                watched.absent |= of_job || named;
            } else if metric_name(reading.selector) == Some("up") {
                if of_job || job_matchers(reading.selector).next().is_none() {
                    watched.up = watched.up.or(Some((subject, reading)));
                }
            } else if of_job && !metric_name(reading.selector).is_some_and(is_report) {
                watched.readers.push((subject, reading));
            }
        }
    }
    if watched.absent {
        return;
    }
    if let Some((subject, reading)) = watched.up {
        let message = format!("a target of job {job} that is gone has no `up` at all, and this says nothing");
        let help = format!("add `or absent(up{{job=\"{job}\"}})`");
        found.rule(&catalog::ABSENCE_UP_ONLY, subject, subject.expr(reading.span), words(message, "", help));
        return;
    }
    if let Some((subject, reading)) = watched.readers.first() {
        let alerts: BTreeSet<&str> = watched.readers.iter().map(|(s, _)| s.rule.name()).collect();
        let who = match alerts.len() {
            1 => format!("{} reads", subject.rule.name()),
            count => format!("{count} alerts read"),
        };
        let message = format!("nothing tells when job {job} gives no metrics, which {who}");
        let help = format!(
            "add an alert on `up{{job=\"{job}\"}} == 0 or absent(up{{job=\"{job}\"}})` with a `for` of some scrapes"
        );
        let at = subject.expr(reading.span);
        found.rule(&catalog::ABSENCE_NO_COMPANION, subject, at, words(message, "", help));
        return;
    }
    if let (Some(source), Some(config)) = (&bench.input.prometheus, bench.world.config) {
        let index = config.jobs.iter().position(|known| known.job_name == job);
        let at = index.and_then(|index| {
            yaml::locate(source, &["scrape_configs".into(), index.into(), "job_name".into()])
        });
        let message = format!("job {job} is scraped, and no alert looks at it or its absence");
        found.push(&catalog::ABSENCE_UNWATCHED, source, at, words(message, "", ""));
    }
}
