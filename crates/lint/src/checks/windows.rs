use assurance_metrics_model::Duration;
use assurance_promql::{DurationExpr, ExprKind};

use super::Bench;
use crate::catalog;
use crate::found::{Found, words};
use crate::measure::{measures, walk};
use crate::subject::Subject;

/// Scrapes that a window needs for a difference to outlast two lost ones.
const FOR_A_DIFFERENCE: i64 = 4;

/// Scrapes that a window needs for a value to outlast a lost one.
const FOR_A_VALUE: i64 = 2;

pub(super) fn check(bench: &Bench<'_>, subject: &Subject<'_>, found: &mut Found) {
    beyond_retention(bench, subject, found);
    for measure in measures(subject.rule.expression().tree()) {
        let difference = matches!(
            measure.function,
            "increase"
                | "rate"
                | "irate"
                | "delta"
                | "idelta"
                | "deriv"
                | "predict_linear"
                | "changes"
                | "resets"
        );
        let wanted = if difference { FOR_A_DIFFERENCE } else { FOR_A_VALUE };
        let Some(interval) = bench.world.interval(measure.selector) else { continue };
        let shortest = interval.as_millis().saturating_mul(wanted);
        if measure.window.as_millis() >= shortest {
            continue;
        }
        let message = format!(
            "{}() looks at {}, which is less than {wanted} scrapes of {interval}",
            measure.function, measure.window
        );
        let label = match difference {
            true => "two lost scrapes leave nothing to compare",
            false => "one lost scrape leaves nothing",
        };
        let shortest = Duration::from_millis(shortest);
        let help = format!("make it {shortest} or longer");
        found.rule(
            &catalog::WINDOW_TOO_SHORT,
            subject,
            subject.expr(measure.window_span),
            words(message, label, help),
        );
    }
}

/// What is looked for is deleted before it is that old.
fn beyond_retention(bench: &Bench<'_>, subject: &Subject<'_>, found: &mut Found) {
    let Some(retention) = bench.world.config.and_then(|config| config.storage.retention_time) else { return };
    let length = |duration: &Option<DurationExpr>| duration.as_ref().and_then(DurationExpr::literal);
    walk(subject.rule.expression().tree(), &mut |part| {
        let (range, offset) = match &part.kind {
            ExprKind::Vector(selector) => (None, length(&selector.offset)),
            ExprKind::Matrix(matrix) => (matrix.range.literal(), length(&matrix.selector.offset)),
            ExprKind::Subquery(subquery) => (subquery.range.literal(), length(&subquery.offset)),
            _ => return,
        };
        let back = range.map_or(0, Duration::as_millis).saturating_add(offset.map_or(0, Duration::as_millis));
        if back > retention.as_millis() {
            let message = format!(
                "this looks back {}, and samples are kept for {retention}",
                Duration::from_millis(back)
            );
            let at = subject.expr(part.span);
            found.rule(&catalog::WINDOW_BEYOND_RETENTION, subject, at, words(message, "", ""));
        }
    });
}
