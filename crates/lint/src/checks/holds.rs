use std::collections::BTreeSet;

use assurance_metrics_model::Duration;
use assurance_promql::{BinaryOp, ExprKind};
use assurance_rules::AlertingRule;

use super::Bench;
use crate::catalog;
use crate::found::{Found, words};
use crate::measure::{metric_name, readings, walk};
use crate::subject::Subject;
use crate::world::is_report;

/// How old a sample may be to count as a series' value now, where the server says nothing else.
const LOOKBACK: Duration = Duration::from_minutes(5);

pub(super) fn check(bench: &Bench<'_>, subject: &Subject<'_>, alert: &AlertingRule, found: &mut Found) {
    lost_scrape(bench, subject, alert, found);
    if alert.hold.is_zero()
        && let Some(at) = subject.value(&["for"])
    {
        let message = "a `for` of nothing is the same as none";
        found.rule(&catalog::FOR_ZERO, subject, Some(at), words(message, "", ""));
    }
    let interval = subject.group.interval.unwrap_or(bench.world.evaluation_interval());
    let known = subject.group.interval.is_some() || bench.world.config.is_some();
    if !alert.hold.is_zero() && alert.hold < interval && known {
        let message = format!(
            "`for: {}` is shorter than the group's interval of {interval}: it fires at the second evaluation or not at all",
            alert.hold
        );
        found.rule(&catalog::FOR_BELOW_INTERVAL, subject, subject.value(&["for"]), words(message, "", ""));
    }
    for reading in readings(alert.expression.tree()).iter().filter(|r| r.absent && !r.ranged) {
        let scrape = bench.world.interval(reading.selector);
        let least = scrape.map_or(0, |scrape| scrape.as_millis().saturating_mul(2));
        if alert.hold.is_zero() || alert.hold.as_millis() < least {
            let message = "absent() is true for a moment after every start of the server";
            let help = match scrape {
                Some(scrape) => format!("add a `for` of two scrapes of {scrape} at least"),
                None => String::new(),
            };
            let at = subject.value(&["for"]).or_else(|| subject.expr(reading.span));
            found.rule(&catalog::FOR_ABSENT, subject, at, words(message, "", help));
        }
    }
}

/// A failed scrape marks all of a target's series stale: what is read at the instant only is gone at once.
fn lost_scrape(bench: &Bench<'_>, subject: &Subject<'_>, alert: &AlertingRule, found: &mut Found) {
    if alert.hold.is_zero() {
        return;
    }
    let tree = alert.expression.tree();
    // What stands behind `unless` ends the alert by being there.
    let mut excluded = Vec::new();
    walk(tree, &mut |part| {
        if let ExprKind::Binary(binary) = &part.kind
            && binary.op == BinaryOp::Unless
        {
            excluded.push(binary.right.span.bytes());
        }
    });
    for reading in readings(tree).iter().filter(|r| !r.absent && !r.ranged) {
        let name = metric_name(reading.selector).unwrap_or_default();
        let own = is_report(name) || name.starts_with("ALERTS") || bench.world.recorded(name).is_some();
        if own || excluded.iter().any(|span| span.contains(&reading.span.bytes().start)) {
            continue;
        }
        let what = if name.is_empty() { "the series" } else { name };
        let message = format!("one lost scrape of {what} starts `for: {}` anew", alert.hold);
        let window = bench
            .world
            .interval(reading.selector)
            .map(|interval| Duration::from_millis(interval.as_millis().saturating_mul(3)));
        let help = match window.filter(|_| !name.is_empty()) {
            Some(window) => format!("read it over three scrapes: max_over_time({what}[{window}])"),
            None => String::new(),
        };
        let label = "a failed scrape ends the series until the next";
        found.rule(
            &catalog::FOR_LOST_SCRAPE,
            subject,
            subject.expr(reading.span),
            words(message, label, help),
        );
    }
}

/// Groups so slow that between two evaluations their results are out of sight.
pub(super) fn lookback(bench: &Bench<'_>, found: &mut Found) {
    let mut told = BTreeSet::new();
    for subject in bench.subjects {
        let Some(interval) = subject.group.interval.filter(|interval| *interval > LOOKBACK) else { continue };
        // An alert goes on firing in between; a recorded series is gone.
        let kept = subject.alert().is_some_and(|alert| alert.keep_firing_for >= interval);
        if !kept && told.insert((subject.source.name(), subject.group.name.as_str())) {
            let message = format!(
                "group {:?} is evaluated every {interval}, and queries look back {LOOKBACK}",
                subject.group.name
            );
            let at = subject.group_value("interval");
            found.push(&catalog::GROUP_BEYOND_LOOKBACK, subject.source, at, words(message, "", ""));
        }
    }
}

/// Groups that are evaluated more rarely than what they read is scraped.
pub(super) fn groups(bench: &Bench<'_>, found: &mut Found) {
    let mut told = BTreeSet::new();
    // A recorded metric that is late is a curve that is late; an alert that is late is another thing.
    for (subject, _) in bench.alerts() {
        let Some(interval) = subject.group.interval else { continue };
        let scrapes = readings(subject.rule.expression().tree());
        let scrape = scrapes.iter().filter_map(|r| bench.world.interval(r.selector)).max();
        let Some(scrape) = scrape.filter(|scrape| *scrape < interval) else { continue };
        if told.insert((subject.source.name(), subject.group.name.as_str())) {
            let message = format!(
                "group {:?} is evaluated every {interval}, and what it reads is scraped every {scrape}",
                subject.group.name
            );
            let label = format!("adds up to {interval} to every alert");
            let at = subject.group_value("interval");
            found.push(&catalog::GROUP_INTERVAL, subject.source, at, words(message, label, ""));
        }
    }
}
