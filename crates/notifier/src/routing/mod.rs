//! Which receivers an alert goes to: the route tree, inhibition and time intervals of an `alertmanager.yml`, as
//! data with pure functions.
//!
//! Who reads the file fills these types in; who sends asks them. Nothing here keeps state or knows the time.
//!
//! ```
//! use assurance_metrics_model::{Duration, Labels};
//! use assurance_notifier::routing::{Route, Routing, parse_matchers};
//!
//! let mut root = Route::new("everyone");
//! let mut pages = root.inherit(parse_matchers(r#"severity="critical""#)?);
//! pages.receiver = "pager".to_owned();
//! root.routes.push(pages);
//! let routing = Routing {
//!     root,
//!     receivers: Vec::new(),
//!     inhibit_rules: Vec::new(),
//!     time_intervals: Vec::new(),
//!     resolve_timeout: Duration::from_minutes(5),
//! };
//! let alert = Labels::from_pairs([("alertname", "OverrideActive"), ("severity", "critical")]);
//! assert_eq!(routing.find(&alert)[0].receiver, "pager");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod escalation;
mod inhibit;
mod interval;
mod matchers;
mod receiver;
mod route;
mod show;

use assurance_metrics_model::{Duration, Labels, Timestamp};

pub use escalation::{Chain, DueStep, Escalation, MAX_CHAINS, MAX_STEPS, Step, Unless};
pub use inhibit::{InhibitRule, InhibitTarget};
pub use interval::{DayRange, MinuteRange, TimeInterval, TimeSpan};
pub use matchers::{MatchersError, parse_matcher, parse_matchers};
pub use receiver::{Integration, IntegrationKind, ReceiverDefinition};
pub use route::{GroupBy, Route};
pub use show::{MatchingTree, RouteTree, ShowMatchers};

/// Routes in one tree. Each alert is compared with every route whose parents match: at 100 ns a route, 1 ms an
/// alert in the worst case. How deep they may be nested is the YAML reader's bound.
pub const MAX_ROUTES: usize = 10_000;

/// Rules of inhibition. An alert is compared with each, and with all that fire where it is a rule's target.
pub const MAX_INHIBIT_RULES: usize = 1000;

/// What an `alertmanager.yml` says about where alerts go.
#[derive(Clone, Debug)]
pub struct Routing {
    /// The top of the tree: it matches every alert.
    pub root: Route,
    /// Whom routes name, in the order of the file; names are unique.
    pub receivers: Vec<ReceiverDefinition>,
    /// Which alerts keep which others quiet.
    pub inhibit_rules: Vec<InhibitRule>,
    /// The times routes name; names are unique.
    pub time_intervals: Vec<TimeInterval>,
    /// An alert without an end is taken for resolved this long after it was last heard of.
    pub resolve_timeout: Duration,
}

/// Why a route is silent at a time, though alerts match it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MutedBy {
    /// The time lies in this one of the route's `mute_time_intervals`.
    Interval(String),
    /// The route has `active_time_intervals`, and the time lies in none of them.
    NoActiveInterval,
}

impl Routing {
    /// The routes an alert takes, in the order in which Alertmanager finds them: depth first; a child that
    /// matches ends the search among its siblings unless it `continues`; a route none of whose children match
    /// takes the alert itself. Never empty, as the root matches everything.
    pub fn find(&self, labels: &Labels) -> Vec<&Route> {
        let mut found = Vec::new();
        self.root.find_below(labels, &mut found);
        found
    }

    /// The labels by which `route` groups an alert: its group's name, together with the route.
    pub fn group_labels(route: &Route, labels: &Labels) -> Labels {
        match &route.group_by {
            GroupBy::All => labels.clone(),
            GroupBy::Labels(names) => {
                Labels::from_sorted(labels.iter().filter(|(name, _)| names.iter().any(|n| n == name)))
            }
        }
    }

    /// The receiver of that name.
    pub fn receiver(&self, name: &str) -> Option<&ReceiverDefinition> {
        self.receivers.iter().find(|receiver| receiver.name == name)
    }

    /// The first of `firing` that keeps the alert `target` quiet, with the rule that says so. `firing` are the
    /// labels of all alerts that fire, whether they are silenced, inhibited or muted themselves or not.
    pub fn inhibitor<'a, 'f>(
        &'a self,
        target: &Labels,
        firing: impl IntoIterator<Item = &'f Labels>,
    ) -> Option<(&'a InhibitRule, &'f Labels)> {
        let rules = self.inhibit_rules.iter();
        let sides: Vec<_> =
            rules.filter_map(|rule| rule.as_target(target).map(|side| (rule, side))).collect();
        if sides.is_empty() {
            return None;
        }
        firing.into_iter().find_map(|source| {
            let (rule, _) = sides.iter().find(|(_, side)| side.is_inhibited_by(source))?;
            Some((*rule, source))
        })
    }

    /// Why `route` is silent at this time, if it is. A name that no interval has never holds.
    pub fn muted(&self, route: &Route, at: Timestamp) -> Option<MutedBy> {
        let within = |name: &&String| {
            self.time_intervals.iter().any(|interval| interval.name == **name && interval.contains(at))
        };
        if let Some(name) = route.mute_time_intervals.iter().find(within) {
            return Some(MutedBy::Interval(name.clone()));
        }
        let active = &route.active_time_intervals;
        (!active.is_empty() && !active.iter().any(|name| within(&name))).then_some(MutedBy::NoActiveInterval)
    }
}
