use super::Bench;
use crate::catalog;
use crate::found::{Found, words};
use crate::measure::measures;
use crate::subject::Subject;

/// Scrapes that a window needs for a difference to outlast two lost ones.
const FOR_A_DIFFERENCE: i64 = 4;

/// Scrapes that a window needs for a value to outlast a lost one.
const FOR_A_VALUE: i64 = 2;

pub(super) fn check(bench: &Bench<'_>, subject: &Subject<'_>, found: &mut Found) {
    for measure in measures(subject.rule.expression().tree()) {
        let difference = matches!(
            measure.function,
            "increase" | "rate" | "irate" | "delta" | "idelta" | "deriv" | "predict_linear" | "changes" | "resets"
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
        let shortest = assurance_metrics_model::Duration::from_millis(shortest);
        let help = format!("make it {shortest} or longer");
        found.rule(
            &catalog::WINDOW_TOO_SHORT,
            subject,
            subject.expr(measure.window_span),
            words(message, label, help),
        );
    }
}
