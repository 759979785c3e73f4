//! Where exactly an alert begins to fire: found out by running its rules on our own engine.

use std::fmt::Write as _;

use assurance_diagnostics::Source;
use assurance_metrics_model::Duration;
use assurance_policy::intents::{Intent, Subject, Violation};
use assurance_policy::{Alert, Metric, Pack, rule_files};
use assurance_rules::unit_test::{self, Options};

/// Where counters stand before anything happens.
const BASES: [u64; 4] = [0, 1, 100, 1_000_000];

/// A world, and when it is looked at.
struct Case {
    series: Vec<(String, String)>,
    at: Duration,
}

/// Whether each of the worlds has the alert firing.
fn fire(alert: &Alert, interval: Duration, cases: &[Case]) -> Vec<bool> {
    let file = alert.file.trim_start_matches("rules/");
    let mut text = format!("rule_files: [{file}]\nevaluation_interval: {interval}\ntests:\n");
    for case in cases {
        let _infallible = writeln!(text, "- interval: {interval}\n  input_series:");
        for (series, values) in &case.series {
            let _infallible = writeln!(text, "  - {{series: '{series}', values: {values}}}");
        }
        let _infallible = writeln!(
            text,
            "  promql_expr_test:\n  - {{expr: 'ALERTS{{alertname=\"{}\",severity=\"{}\",alertstate=\"firing\"}}', eval_time: {}, exp_samples: []}}",
            alert.name, alert.severity, case.at
        );
    }
    let load = |name: &str| {
        let path = format!("rules/{name}");
        let (_, text) = rule_files().iter().find(|(n, _)| *n == path).ok_or("no such file")?;
        Ok(vec![Source::new(path, *text)])
    };
    let options = Options { group_intervals: false, ..Options::default() };
    let report = unit_test::run(&Source::new("boundaries.yml", text), &load, &options)
        .unwrap_or_else(|flaws| panic!("{}", flaws[0]));
    report.tests.iter().map(|test| !test.failures.is_empty()).collect()
}

fn series(metric: &Metric, labels: &str) -> String {
    let comma = if labels.is_empty() { "" } else { "," };
    format!("{}{{job=\"{}\",instance=\"a:1\"{comma}{labels}}}", metric.name, metric.job)
}

/// The label sets of a metric.
fn label_sets(metric: &Metric) -> Vec<String> {
    match metric.labels.first_key_value() {
        None => vec![String::new()],
        Some((name, values)) => values.iter().map(|value| format!("{name}=\"{value}\"")).collect(),
    }
}

/// `n` events, one a minute from the first on, taking turns among the label sets.
fn counters(metric: &Metric, base: u64, n: u64) -> Vec<(String, String)> {
    let sets = label_sets(metric);
    let turns = sets.len() as u64;
    let values = |turn: u64| {
        let mut value = base;
        let mut out = format!("{value} {value}");
        for event in 0..n {
            value += u64::from(event % turns == turn);
            let _infallible = write!(out, " {value} {value}");
        }
        format!("{out} {value}x200")
    };
    (0..).zip(&sets).map(|(turn, labels)| (series(metric, labels), values(turn))).collect()
}

fn yes(fires: bool) -> &'static str {
    if fires { "fires" } else { "–" }
}

/// The table of an intent: Markdown, and nothing where there is no boundary.
pub(crate) fn table(pack: &Pack, alert: &Alert, intent: &Intent) -> String {
    let half = Duration::from_secs(30);
    let mut out = String::new();
    match &intent.violation {
        Violation::Count { events, more_than, .. } => {
            let name = events.metric.as_deref().expect("counts name a metric");
            let metric = pack.contract.metric(name).expect("the contract has it");
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a small whole number"
            )]
            let limit = *more_than as u64;
            let numbers: Vec<u64> = (limit - 1..=limit + 2).collect();
            out += "| events within an hour, the counter standing at |";
            numbers.iter().for_each(|n| out += &format!(" {n} |"));
            out += &format!("\n|---|{}\n", "---|".repeat(numbers.len()));
            for base in BASES {
                let case =
                    |n: &u64| Case { series: counters(metric, base, *n), at: Duration::from_minutes(59) };
                let cases: Vec<Case> = numbers.iter().map(case).collect();
                out += &format!("| {base} |");
                fire(alert, half, &cases).into_iter().for_each(|f| out += &format!(" {} |", yes(f)));
                out.push('\n');
            }
        }
        Violation::Event(events) => {
            let source = events.source.as_deref();
            let metric = pack.contract.metrics.iter().find(|metric| {
                let moved = source.map_or(events.metric.as_ref() == Some(&metric.name), |source| {
                    metric.source.split(", ").any(|s| s == source)
                });
                moved && metric.job == "brain-governance" && metric.name.ends_with("_last_timestamp_seconds")
            });
            let metric = metric.expect("the contract has it");
            let labels = label_sets(metric).remove(0);
            // Never; once, twenty minutes after the beginning; and again a minute later.
            let worlds = ["0x100", "0x40 1205x100", "0x40 1205 1205 1265x100"];
            let look = [Duration::from_minutes(21), Duration::from_minutes(30), Duration::from_minutes(32)];
            out += "| events | a minute after the first | ten | twelve |\n|---|---|---|---|\n";
            for (n, values) in worlds.iter().enumerate() {
                let series = vec![(series(metric, &labels), (*values).to_owned())];
                let cases: Vec<Case> =
                    look.into_iter().map(|at| Case { series: series.clone(), at }).collect();
                out += &format!("| {n} |");
                fire(alert, half, &cases).into_iter().for_each(|f| out += &format!(" {} |", yes(f)));
                out.push('\n');
            }
        }
        Violation::State { metric, min_hold, .. } => {
            let metric = pack.contract.metric(metric).expect("the contract has it");
            let lasts: Vec<Duration> = (-1..=2).map(|n| *min_hold + Duration::from_secs(30 * n)).collect();
            let case = |hold: &Duration| {
                let ones = hold.as_millis() / 30_000;
                // So many intervals from the first scrape that shows it to the last.
                let values = format!("0x9 1x{ones} 0x100");
                let at = Duration::from_minutes(5) + *hold;
                Case { series: vec![(series(metric, ""), values)], at }
            };
            let fired = fire(alert, half, &lasts.iter().map(case).collect::<Vec<_>>());
            out += &line("seen for", &lasts, &fired);
        }
        Violation::Absence { of: Subject::Job(job), hold, .. } => {
            let lasts: Vec<Duration> = (-1..=2).map(|n| *hold + Duration::from_secs(30 * n)).collect();
            let case = |hold: &Duration| {
                let zeros = hold.as_millis() / 30_000;
                let up = format!("up{{job=\"{job}\",instance=\"a:1\"}}");
                let metric = format!("sovereign_override_active{{job=\"{job}\",instance=\"a:1\"}}");
                let gone = "_ ".repeat(usize::try_from(zeros).unwrap_or(0));
                Case {
                    series: vec![
                        (up, format!("1x9 0x{zeros} 1x100")),
                        (metric, format!("0x9 stale {gone}0x100")),
                    ],
                    at: Duration::from_minutes(5) + *hold,
                }
            };
            let fired = fire(alert, half, &lasts.iter().map(case).collect::<Vec<_>>());
            out += &line("scrapes failing for", &lasts, &fired);
        }
        Violation::Absence { of: Subject::Events(events), hold, .. } => {
            let metric = events.metric.as_deref().and_then(|name| pack.contract.metric(name));
            let metric = metric.expect("the contract has it");
            let five = Duration::from_minutes(5);
            let lasts: Vec<Duration> = [0, 5, 10, 15].map(|n| *hold + Duration::from_minutes(n)).into();
            let case =
                |at: &Duration| Case { series: vec![(series(metric, ""), "0x400".to_owned())], at: *at };
            let fired = fire(alert, five, &lasts.iter().map(case).collect::<Vec<_>>());
            out += &line("since the last one", &lasts, &fired);
        }
        _ => {}
    }
    out
}

fn line(what: &str, lasts: &[Duration], fired: &[bool]) -> String {
    let head: String = lasts.iter().map(|d| format!(" {d} |")).collect();
    let cells: String = fired.iter().map(|f| format!(" {} |", yes(*f))).collect();
    format!("| {what} |{head}\n|---|{}\n| |{cells}\n", "---|".repeat(lasts.len()))
}
