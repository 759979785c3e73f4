use std::ops::Range;

use assurance_metrics_model::Duration;
use assurance_promql::{BinaryOp, ExprKind};
use assurance_rules::AlertingRule;

use super::Bench;
use crate::catalog;
use crate::claim::{self, Bound, Rate};
use crate::found::{Found, words};
use crate::measure::{Condition, DIFFERENCE, Measure, conditions, constant, measure, walk};
use crate::subject::{Prose, Subject};

/// Above this many events a person cares for the order of magnitude, and no longer for the one more.
const MAX_COUNTED: f64 = 100.0;

/// How far a rate with a fraction may be from what the text says: rounding to two digits.
const ROUNDING: f64 = 0.02;

/// A threshold this far from a count is as far from two counts as it can be.
const NEARLY_HALF: f64 = 0.45;

/// What increase() may add to a count when nothing is known of the scrape interval: nothing.
const NO_EXTRAPOLATION: f64 = 0.0;

pub(super) fn check(bench: &Bench<'_>, subject: &Subject<'_>, alert: &AlertingRule, found: &mut Found) {
    let claims = claims(subject);
    let tree = alert.expression.tree();
    for condition in conditions(tree) {
        let Some(measured) = measure(condition.left).filter(Measure::counts) else { continue };
        if !matches!(condition.op, BinaryOp::Gt | BinaryOp::Ge) {
            continue;
        }
        let at = subject.expr(condition.limit_span);
        let events = measured.events(condition.limit, measured.window);
        let contradictions: Vec<_> =
            claims.iter().map(|claim| (claim, contradiction(&condition, &measured, claim))).collect();
        // A bare number beside one that agrees is about something else.
        let agreed = contradictions.iter().any(|(_, wrong)| wrong.is_none());
        let contradicted = contradictions
            .into_iter()
            .filter(|(claim, _)| !agreed || claim.rate.bound != Bound::Plain)
            .find_map(|(_, wrong)| wrong);
        if let Some((message, help)) = contradicted {
            let label = meaning(&condition, &measured);
            found.rule(&catalog::THRESHOLD_TEXT, subject, at, words(message, label, help));
        } else if claims.is_empty() && matches!(measured.function, "rate" | "irate") && events >= 1.0 {
            let message = "no text of this alert says how much it takes";
            let label = meaning(&condition, &measured);
            found.rule(&catalog::THRESHOLD_UNSTATED, subject, at, words(message, label, ""));
        } else if let Some((count, most)) = extrapolated(bench, &condition, &measured) {
            let message = format!(
                "{count} events in {} may count as {most:.3}, or not, by where the scrapes fall: the threshold is too near",
                measured.window
            );
            let help = format!("write a half: `> {}`", in_place(&measured, count + 0.5));
            found.rule(&catalog::THRESHOLD_EXTRAPOLATED, subject, at, words(message, "", help));
        }
        windows(subject, &measured, &claims, found);
    }
    spans(subject, alert, found);
}

/// A claim and where it stands.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    pub(super) prose: Prose<'a>,
    pub(super) rate: Rate,
}

/// Every count in a time that the alert's texts name, by what they say of the threshold.
pub(super) fn claims<'a>(subject: &Subject<'a>) -> Vec<Claim<'a>> {
    // What else an annotation says is advice, which has numbers of its own.
    let told = |prose: &Prose<'_>| {
        matches!(prose.annotation, None | Some("summary" | "description" | "message" | "title"))
    };
    let all = subject.prose().into_iter().filter(told).flat_map(|prose| {
        claim::rates(prose.text).into_iter().map(move |rate| Claim { prose: prose.clone(), rate })
    });
    all.filter(|claim| claim.rate.bound != Bound::LessThan && !claim.rate.per.is_zero()).collect()
}

/// "10 or more in 1h".
pub(super) fn meaning(condition: &Condition<'_>, measured: &Measure<'_>) -> String {
    let per = if measured.window < Duration::from_minutes(60) {
        Duration::from_minutes(60)
    } else {
        measured.window
    };
    let here = measured.events(condition.limit, measured.window);
    let first = first_count(condition.op, here);
    if first <= 1.0 {
        return format!("any in {}", measured.window);
    }
    let rest = match per == measured.window {
        true => String::new(),
        false => format!(", {} in {per}", short(measured.events(condition.limit, per))),
    };
    match condition.op {
        BinaryOp::Gt => format!("more than {} in {}{rest}: fires at {first}", short(here), measured.window),
        _ => format!("at least {} in {}{rest}: fires at {first}", short(here), measured.window),
    }
}

/// The number of events at which the comparison first holds.
fn first_count(op: BinaryOp, events: f64) -> f64 {
    // What differs by less than this is a number written with few digits.
    let near = events.round();
    let events = if (events - near).abs() < 1e-9 * near.max(1.0) { near } else { events };
    match op {
        BinaryOp::Gt => events.floor() + 1.0,
        _ => events.ceil(),
    }
}

fn contradiction(
    condition: &Condition<'_>,
    measured: &Measure<'_>,
    claim: &Claim<'_>,
) -> Option<(String, String)> {
    let rate = &claim.rate;
    let events = measured.events(condition.limit, rate.per);
    let said = claim.prose.text.get(rate.place.clone()).unwrap_or_default();
    let whole = (rate.count.round() - rate.count).abs() < 1e-9 && rate.count >= 1.0;
    if !whole || rate.count > MAX_COUNTED {
        let wrong = (events - rate.count).abs() > ROUNDING * rate.count;
        return wrong.then(|| {
            let message =
                format!("the text says \"{said}\", the expression {} in {}", short(events), rate.per);
            (message, format!("write `{}`", short(in_place_number(measured, rate))))
        });
    }
    let first = first_count(condition.op, events);
    let wanted = match (rate.bound, condition.op) {
        (Bound::AtLeast, _) => rate.count,
        (Bound::MoreThan, _) | (_, BinaryOp::Gt) => rate.count + 1.0,
        _ => rate.count,
    };
    (first.to_bits() != wanted.to_bits()).then(|| {
        let message = format!(
            "the text says \"{said}\", the expression {} in {}: it fires at {first}, not at {wanted}",
            short(events),
            rate.per
        );
        let half = Rate { count: wanted - 0.5, ..rate.clone() };
        (message, format!("write `> {}`", short(in_place_number(measured, &half))))
    })
}

/// The number that stands for a count in the expression's own unit.
fn in_place_number(measured: &Measure<'_>, rate: &Rate) -> f64 {
    rate.count / measured.events(1.0, rate.per)
}

fn in_place(measured: &Measure<'_>, count: f64) -> String {
    short(count / measured.events(1.0, measured.window))
}

/// The count that extrapolation can lift over the threshold, and to what.
fn extrapolated(bench: &Bench<'_>, condition: &Condition<'_>, measured: &Measure<'_>) -> Option<(f64, f64)> {
    if bench.world.is_counter(measured.selector) == Some(false)
        || matches!(measured.function, "irate" | DIFFERENCE)
    {
        return None;
    }
    let interval = bench.world.interval(measured.selector);
    let grows = interval.map_or(NO_EXTRAPOLATION, |i| i.as_secs_f64() / measured.window.as_secs_f64());
    let limit = measured.events(condition.limit, measured.window);
    let near = limit.round();
    let limit = if (limit - near).abs() < 1e-9 * near.max(1.0) { near } else { limit };
    let count = match condition.op {
        BinaryOp::Gt => limit.floor(),
        // What just misses the bound may be lifted to it.
        _ if limit > 1.0 => limit.ceil() - 1.0,
        _ => return None,
    };
    let most = count * (1.0 + grows);
    let touches = match condition.op {
        BinaryOp::Gt => limit.to_bits() == count.to_bits() || most > limit && limit - count < NEARLY_HALF,
        _ => most >= limit && limit - count > 1.0 - NEARLY_HALF,
    };
    let shown = if interval.is_some() { most } else { count * 1.05 };
    (touches && (1.0..=MAX_COUNTED).contains(&count)).then_some((count, shown))
}

/// "More than ten in an hour" over a window of five minutes.
fn windows(subject: &Subject<'_>, measured: &Measure<'_>, claims: &[Claim<'_>], found: &mut Found) {
    let windowed: Vec<&Claim<'_>> = claims.iter().filter(|claim| claim.rate.windowed).collect();
    let Some(first) = windowed.first() else { return };
    if windowed.iter().any(|claim| claim.rate.per == measured.window) {
        return;
    }
    let said = first.prose.text.get(first.rate.place.clone()).unwrap_or_default();
    let message = format!("the text says \"{said}\", the expression looks at {}", measured.window);
    let help = format!("make the window {}, or correct the text", first.rate.per);
    found.rule(
        &catalog::THRESHOLD_WINDOW,
        subject,
        subject.expr(measured.window_span),
        words(message, "", help),
    );
}

/// "For five minutes" beside `for: 2m`.
fn spans(subject: &Subject<'_>, alert: &AlertingRule, found: &mut Found) {
    let mut lengths = vec![alert.hold.as_secs_f64(), alert.keep_firing_for.as_secs_f64()];
    walk(alert.expression.tree(), &mut |part| {
        if let Some(number) = constant(part) {
            lengths.push(number);
        }
        match &part.kind {
            ExprKind::Matrix(matrix) => lengths.extend(matrix.range.literal().map(Duration::as_secs_f64)),
            ExprKind::Subquery(subquery) => {
                lengths.extend(subquery.range.literal().map(Duration::as_secs_f64));
            }
            _ => {}
        }
    });
    let sum = lengths[0] + lengths.iter().skip(2).copied().fold(0.0, f64::max);
    lengths.push(sum);
    for prose in subject.prose() {
        // Of annotations only those that say what happened: others give advice.
        if !matches!(prose.annotation, Some("summary" | "title")) {
            continue;
        }
        for span in claim::spans(prose.text) {
            let said = span.length.as_secs_f64();
            if lengths.iter().any(|length| (length - said).abs() < 0.5) {
                continue;
            }
            let text = prose.text.get(span.place.clone()).unwrap_or_default();
            let message = format!("the text says \"{text}\", the rule has `for: {}`", alert.hold);
            let at: Option<Range<usize>> = subject.prose_part(&prose, &span.place);
            found.rule(&catalog::THRESHOLD_FOR, subject, at, words(message, "", ""));
        }
    }
}

/// At most four digits that count.
fn short(number: f64) -> String {
    if number.abs() >= 1.0 || number == 0.0 {
        let text = format!("{number:.2}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let digits = (-number.abs().log10()).ceil().clamp(0.0, 12.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 12")]
    let digits = digits as usize + 3;
    let text = format!("{number:.digits$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
