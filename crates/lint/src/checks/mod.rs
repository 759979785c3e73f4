//! The checks, by what they look at.

mod absence;
mod conditions;
mod counters;
mod duplicates;
mod holds;
mod ids;
mod inhibition;
mod intents;
mod labels;
mod routing;
mod runbooks;
mod selectors;
mod templates;
mod tests;
mod thresholds;
mod totals;
mod vectors;
mod windows;

use assurance_rules::AlertingRule;

use crate::Input;
use crate::found::Found;
use crate::links::Page;
use crate::subject::Subject;
use crate::world::World;

/// Everything that the checks look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bench<'a> {
    pub(crate) input: &'a Input,
    pub(crate) world: &'a World<'a>,
    pub(crate) subjects: &'a [Subject<'a>],
    pub(crate) pages: Option<&'a [Page]>,
}

impl<'a> Bench<'a> {
    /// The alerting rules.
    pub(crate) fn alerts(&self) -> impl Iterator<Item = (&'a Subject<'a>, &'a AlertingRule)> + use<'a> {
        self.subjects.iter().filter_map(|subject| subject.alert().map(|alert| (subject, alert)))
    }
}

pub(crate) fn all(bench: &Bench<'_>, found: &mut Found) {
    for subject in bench.subjects {
        selectors::check(bench, subject, found);
        counters::check(bench, subject, found);
        windows::check(bench, subject, found);
        vectors::check(bench, subject, found);
        labels::check(bench, subject, found);
    }
    for (subject, alert) in bench.alerts() {
        holds::check(bench, subject, alert, found);
        conditions::check(bench, subject, alert, found);
        thresholds::check(bench, subject, alert, found);
        totals::check(bench, subject, alert, found);
        templates::check(bench, subject, alert, found);
    }
    holds::groups(bench, found);
    holds::lookback(bench, found);
    absence::check(bench, found);
    duplicates::check(bench, found);
    ids::check(bench, found);
    runbooks::check(bench, found);
    tests::check(bench, found);
    intents::check(bench, found);
    routing::check(bench, found);
}
