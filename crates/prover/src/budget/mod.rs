//! How fast an alert can be, by its configuration, and how slow it must be expected to be.

mod routes;

use assurance_metrics_model::Duration;
use assurance_promql::{Expr, ExprKind};

use crate::claim::Claim;

pub use routes::routed;

/// What detection takes by the configuration alone, where nothing is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// From the violation to the first evaluation that fires, where scrape and evaluation follow at once.
    pub best: Duration,
    /// Where both have just passed.
    pub worst: Duration,
    /// What each lost scrape adds.
    pub lost_scrape: Duration,
    /// What each skipped evaluation adds.
    pub skipped_evaluation: Duration,
    /// From firing to the notification; `None` where nobody says who is notified.
    pub wait: Option<Duration>,
    /// Whether one lost scrape begins `for` anew: then no number of them has a bound.
    pub restarts: bool,
}

/// The budget of a claim: of the rule of its that is fastest, as one alert is enough.
pub fn budget(claim: &Claim) -> Budget {
    let scrape = Duration::from_millis(claim.scrape_interval());
    let collection = claim.jobs.iter().filter_map(|job| job.collects).max().unwrap_or(0);
    let of_rule = |rule: &crate::claim::ClaimRule| {
        let interval = Duration::from_millis(rule.interval.max(1));
        let hold = rule.rule.hold.as_millis();
        // The first evaluation at which `for` is over.
        let held = Duration::from_millis((hold + rule.interval - 1) / rule.interval.max(1) * rule.interval);
        let restarts = hold > 0 && reads_instants(rule.rule.expression.tree());
        (held, interval, restarts)
    };
    let rules = claim.rules.iter().map(of_rule);
    let (held, interval, restarts) = rules.min().unwrap_or((Duration::ZERO, Duration::ZERO, false));
    Budget {
        best: held,
        worst: held + scrape + Duration::from_millis(collection) + interval,
        lost_scrape: scrape,
        skipped_evaluation: interval,
        wait: wait(claim),
        restarts,
    }
}

/// Whether an expression reads series at an instant, where a lost scrape leaves nothing.
fn reads_instants(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Vector(_) => true,
        ExprKind::Matrix(_) | ExprKind::Subquery(_) => false,
        _ => expr.children().into_iter().any(reads_instants),
    }
}

fn wait(claim: &Claim) -> Option<Duration> {
    let routing = claim.routing.as_ref()?;
    let labels = claim.rules.iter().map(|rule| {
        let own = rule.rule.labels.iter().filter(|(_, label)| label.is_plain());
        let target = claim.jobs.first().into_iter().flat_map(|job| job.target.iter());
        let pairs = target.chain(own.map(|(name, label)| (name.as_str(), label.text())));
        assurance_metrics_model::Labels::from_pairs(pairs.chain([("alertname", rule.rule.alert.as_str())]))
    });
    labels.flat_map(|labels| (routing.0)(&labels)).map(|notified| notified.wait).min()
}
