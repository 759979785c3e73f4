use std::ops::Range;

use assurance_diagnostics::suggest;
use assurance_metrics_model::{MatchOp, Matcher};
use assurance_policy::MismatchKind;
use assurance_promql::Expr;

use super::Bench;
use crate::catalog;
use crate::found::{Found, Words, words};
use crate::measure::{Reading, matcher_place, metric_name, readings};
use crate::subject::Subject;
use crate::world::job_matchers;

/// Selectors of the expression, and of queries that are written out in templates.
pub(super) fn check(bench: &Bench<'_>, subject: &Subject<'_>, found: &mut Found) {
    let expression = subject.rule.expression();
    let place = |part: &Range<usize>| subject.part_of_expr(part);
    each(bench, subject, expression.tree(), expression.text(), &place, found);
    let Some(alert) = subject.alert() else { return };
    for (name, template) in &alert.annotations {
        for query in template.queries() {
            let Ok(tree) = assurance_promql::parse(&query.expression) else { continue };
            let start = query.span.start;
            let place = |part: &Range<usize>| {
                subject.template("annotations", name, &(start + part.start..start + part.end))
            };
            each(bench, subject, &tree, &query.expression, &place, found);
        }
    }
}

type Place<'p> = &'p dyn Fn(&Range<usize>) -> Option<Range<usize>>;

fn each(
    bench: &Bench<'_>,
    subject: &Subject<'_>,
    tree: &Expr,
    text: &str,
    place: Place<'_>,
    found: &mut Found,
) {
    for reading in readings(tree) {
        for matcher in &reading.selector.matchers {
            if let Some(said) = plain_regex(matcher) {
                let at = place(&matcher_place(text, reading.span, matcher.name()));
                found.rule(&catalog::SELECTOR_PLAIN_REGEX, subject, at, said);
            }
        }
        if let Some((label, check, said)) = impossible(bench, &reading) {
            let part = match label {
                Some(label) => matcher_place(text, reading.span, &label),
                None => reading.span.bytes(),
            };
            found.rule(check, subject, place(&part), said);
        }
    }
}

fn impossible(
    bench: &Bench<'_>,
    reading: &Reading<'_>,
) -> Option<(Option<String>, &'static crate::Check, Words)> {
    let (world, selector) = (bench.world, reading.selector);
    let name = metric_name(selector).unwrap_or_default();
    // `ALERTS` carries the labels of whatever raised it, and a recorded metric what its rule says.
    if name.starts_with("ALERTS") || world.recorded(name).is_some() {
        return None;
    }
    if let Some(jobs) = world.jobs.as_ref().filter(|_| !world.any_job) {
        let asked: Vec<&Matcher> = job_matchers(selector).collect();
        let known = |job: &String| asked.iter().all(|matcher| matcher.matches(job));
        if let Some(matcher) = asked.first().filter(|_| !jobs.keys().any(known)) {
            let near = suggest(matcher.value(), jobs.keys().map(String::as_str));
            let help = match near {
                Some(near) => format!("did you mean `job=\"{near}\"`?"),
                None => String::new(),
            };
            let list: Vec<&str> = jobs.keys().map(String::as_str).collect();
            let message = format!("no scrape job is selected by {matcher}: this finds nothing, ever");
            let label = format!("the jobs are {}", list.join(", "));
            return Some((Some("job".to_owned()), &catalog::SELECTOR_NO_JOB, words(message, label, help)));
        }
    }
    if let (Some(config), Some(metric)) = (world.config, world.metric(selector).filter(|_| !world.any_job)) {
        let scraped = world.jobs.as_ref().is_some_and(|jobs| jobs.contains_key(&metric.job));
        if !scraped && job_matchers(selector).next().is_none() {
            let message = format!("{name} comes from job {}, which is not scraped", metric.job);
            let list: Vec<&str> = config.jobs.iter().map(|job| job.job_name.as_str()).collect();
            let label = format!("the jobs are {}", list.join(", "));
            return Some((None, &catalog::SELECTOR_NO_JOB, words(message, label, "")));
        }
    }
    let contract = world.contract?;
    // A job that the contract does not speak of may have anything.
    if !contract.jobs.keys().any(|job| job_matchers(selector).all(|m| m.matches(job))) {
        return None;
    }
    Some(match contract.mismatch(&selector.matchers, &world.recorded_names())? {
        MismatchKind::UnknownMetric { suggestion } => {
            let help = suggestion.map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
            let message = format!("the contract has no metric {name}");
            (None, &catalog::SELECTOR_UNKNOWN_METRIC, words(message, "", help))
        }
        MismatchKind::UnknownLabel { label, known } => {
            let message = format!("{name} has no label {label}");
            let said = match known.is_empty() {
                true => "it has none of its own".to_owned(),
                false => format!("it has {}", known.join(", ")),
            };
            (Some(label), &catalog::SELECTOR_UNKNOWN_LABEL, words(message, said, ""))
        }
        MismatchKind::ImpossibleValue { matcher, known } => {
            let label = selector.matchers.iter().find(|m| m.to_string() == matcher);
            let label = label.map(|m| m.name().to_owned());
            let value = label.as_ref().and_then(|l| selector.matchers.iter().find(|m| m.name() == l));
            let near = value.and_then(|m| suggest(m.value(), known.iter().map(String::as_str)));
            let help = near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
            let message = format!("{name} never has {matcher}");
            let said = format!("the values are {}", known.join(", "));
            (label, &catalog::SELECTOR_IMPOSSIBLE_VALUE, words(message, said, help))
        }
        _ => return None,
    })
}

/// A regular expression that says no more than a text does.
fn plain_regex(matcher: &Matcher) -> Option<Words> {
    let sign = match matcher.op() {
        MatchOp::Regex => "=",
        MatchOp::NotRegex => "!=",
        MatchOp::Equal | MatchOp::NotEqual => return None,
    };
    let value = matcher.value();
    let bare = value.strip_prefix('^').unwrap_or(value);
    let bare = bare.strip_suffix('$').unwrap_or(bare);
    let special = |c: char| "\\.+*?()|[]{}^$".contains(c);
    if !bare.contains(special) {
        let message = format!("{matcher} is a regular expression for one text");
        let help = format!("write `{}{sign}\"{bare}\"`", matcher.name());
        return Some(words(message, "", help));
    }
    (bare.len() != value.len()).then(|| {
        let message = format!("the anchors in {matcher} do nothing: the whole value is compared anyway");
        words(message, "", format!("write `{}{}\"{bare}\"`", matcher.name(), matcher.op().as_str()))
    })
}
