//! The life of one rule's alerts: inactive, pending, firing, resolved.

use std::collections::BTreeMap;

use assurance_metrics_model::{Duration, Labels, Timestamp};

/// How long a resolved alert is kept, and its resolution sent again, in case that a receiver was away.
pub const RESOLVED_RETENTION: Duration = Duration::from_minutes(15);

/// Where an alert is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// The condition has ended; the alert is kept to send its resolution.
    Inactive,
    /// The condition holds, but not for long enough.
    Pending,
    /// The condition has held for long enough.
    Firing,
}

impl Phase {
    /// As the API and the series `ALERTS` write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

/// All that is known of one alert. Plain data, so that whoever keeps it may write it down.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertState {
    /// The labels that identify it, `alertname` among them.
    pub labels: Labels,
    /// What describes it, as of the last evaluation at which its condition held.
    pub annotations: BTreeMap<String, String>,
    /// The value of its expression, as of the same evaluation; 0 for a histogram.
    pub value: f64,
    /// Where it is in its life.
    pub phase: Phase,
    /// The first evaluation at which its condition held. Never moves while it is active.
    pub active_at: Timestamp,
    /// When it began to fire.
    pub fired_at: Option<Timestamp>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// Since when it fires only because of `keep_firing_for`.
    pub keep_firing_since: Option<Timestamp>,
    /// When it was last given out to be sent.
    pub last_sent_at: Option<Timestamp>,
    /// Until when receivers may take it as firing without hearing of it again.
    pub valid_until: Option<Timestamp>,
}

impl AlertState {
    /// What receivers are told as its start.
    pub fn starts_at(&self) -> Timestamp {
        self.fired_at.unwrap_or(self.active_at)
    }

    /// What receivers are told as its end: the resolution, or the time until which it is valid.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.resolved_at.or(self.valid_until)
    }

    /// Whether it is to be sent at this evaluation.
    fn needs_sending(&self, at: Timestamp, resend_delay: Duration) -> bool {
        if self.phase == Phase::Pending {
            return false;
        }
        let Some(sent) = self.last_sent_at else { return true };
        self.resolved_at.is_some_and(|resolved| resolved > sent) || sent + resend_delay < at
    }

    /// Decides whether it is to be sent at this evaluation, and notes it if so.
    pub(crate) fn send(&mut self, at: Timestamp, resend_delay: Duration, interval: Duration) -> bool {
        let due = self.needs_sending(at, resend_delay);
        if due {
            self.last_sent_at = Some(at);
            // Two evaluations or two deliveries may fail before receivers take it as over.
            self.valid_until = Some(at + resend_delay.max(interval) * 4);
        }
        due
    }
}

/// One element of an expression's result, labelled and described.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sighting {
    /// `None` where they are what the alert has already.
    pub(crate) annotations: Option<BTreeMap<String, String>>,
    pub(crate) value: f64,
}

/// What happened to an alert at an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// Its condition began to hold, and it waits for its `for`.
    Pending,
    /// Its condition ended before it fired.
    Withdrawn,
    /// It began to fire.
    Firing,
    /// Its condition ended, and it goes on firing for `keep_firing_for`.
    Held,
    /// It ended.
    Resolved,
    /// Nothing: it is sent again, firing or resolved.
    Resend,
    /// Its rule is gone, and it with it, whatever its phase was.
    Dropped,
}

impl EventKind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Withdrawn => "withdrawn",
            Self::Firing => "firing",
            Self::Held => "held",
            Self::Resolved => "resolved",
            Self::Resend => "resend",
            Self::Dropped => "dropped",
        }
    }
}

/// How long conditions must hold and alerts are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holds {
    pub(crate) hold: Duration,
    pub(crate) keep_firing_for: Duration,
}

/// Moves a rule's alerts on by one evaluation and tells what happened, in the order of the labels. An alert
/// that is removed at this step comes with its last state.
pub(crate) fn step(
    active: &mut BTreeMap<Labels, AlertState>,
    seen: BTreeMap<Labels, Sighting>,
    at: Timestamp,
    holds: Holds,
) -> Vec<(EventKind, AlertState)> {
    let mut unseen = BTreeMap::new();
    std::mem::swap(active, &mut unseen);
    let mut changes = Vec::new();
    for (labels, sighting) in seen {
        let known = unseen.remove(&labels).filter(|alert| alert.phase != Phase::Inactive);
        let is_new = known.is_none();
        let mut alert = known.unwrap_or_else(|| AlertState {
            labels: labels.clone(),
            annotations: BTreeMap::new(),
            value: 0.0,
            phase: Phase::Pending,
            active_at: at,
            fired_at: None,
            resolved_at: None,
            keep_firing_since: None,
            last_sent_at: None,
            valid_until: None,
        });
        if let Some(annotations) = sighting.annotations {
            alert.annotations = annotations;
        }
        alert.value = sighting.value;
        alert.keep_firing_since = None;
        if alert.phase == Phase::Pending && at - alert.active_at >= holds.hold {
            alert.phase = Phase::Firing;
            alert.fired_at = Some(at);
            changes.push((EventKind::Firing, alert.clone()));
        } else if is_new {
            changes.push((EventKind::Pending, alert.clone()));
        }
        active.insert(labels, alert);
    }
    for (labels, mut alert) in unseen {
        match alert.phase {
            Phase::Pending => changes.push((EventKind::Withdrawn, alert)),
            Phase::Firing => {
                if holds.keep_firing_for > Duration::ZERO {
                    let since = *alert.keep_firing_since.get_or_insert(at);
                    if at - since < holds.keep_firing_for {
                        if since == at {
                            changes.push((EventKind::Held, alert.clone()));
                        }
                        active.insert(labels, alert);
                        continue;
                    }
                }
                alert.phase = Phase::Inactive;
                alert.resolved_at = Some(at);
                changes.push((EventKind::Resolved, alert.clone()));
                active.insert(labels, alert);
            }
            Phase::Inactive => {
                let over = alert.resolved_at.is_none_or(|resolved| at - resolved > RESOLVED_RETENTION);
                if !over {
                    active.insert(labels, alert);
                }
            }
        }
    }
    changes.sort_by(|(_, a), (_, b)| a.labels.cmp(&b.labels));
    changes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STEP: Duration = Duration::from_secs(30);

    fn labels() -> Labels {
        Labels::from_pairs([("alertname", "A")])
    }

    fn at(index: usize) -> Timestamp {
        Timestamp::from_secs(1_000_000) + STEP * i64::try_from(index).expect("a small number")
    }

    fn seen(holds: bool) -> BTreeMap<Labels, Sighting> {
        let sighting = Sighting { annotations: None, value: 1.0 };
        if holds { BTreeMap::from([(labels(), sighting)]) } else { BTreeMap::new() }
    }

    /// Runs one alert over a timeline (`X`: the condition holds) and draws its phases: `.` none, `p` pending,
    /// `f` firing, `k` held by `keep_firing_for`, `r` resolved and kept.
    fn phases(hold: i64, keep: i64, timeline: &str) -> String {
        let holds = Holds { hold: Duration::from_secs(hold), keep_firing_for: Duration::from_secs(keep) };
        let mut active = BTreeMap::new();
        let draw = |(index, c): (usize, char)| {
            step(&mut active, seen(c == 'X'), at(index), holds);
            match active.get(&labels()) {
                None => '.',
                Some(a) if a.keep_firing_since.is_some() && a.phase == Phase::Firing => 'k',
                Some(a) if a.phase == Phase::Inactive => 'r',
                Some(a) => a.phase.as_str().chars().next().unwrap_or('?'),
            }
        };
        timeline.chars().enumerate().map(draw).collect()
    }

    #[test]
    fn the_life_of_an_alert() {
        for (hold, keep, timeline, expected) in [
            // Without `for` it fires at once.
            (0, 0, "_XX_", ".ffr"),
            // It fires at the first evaluation `for` after the first true one, not before.
            (60, 0, "XXXX", "ppff"),
            (61, 0, "XXXX", "pppf"),
            (1, 0, "XXX", "pff"),
            // One false evaluation starts it anew.
            (60, 0, "XX_XXXX", "pp.ppff"),
            // A pending alert that ends is never resolved.
            (60, 0, "XX__", "pp.."),
            // Resolved alerts come back as new ones.
            (60, 0, "XXX_XXX", "ppfrppf"),
            (0, 0, "X_X_", "frfr"),
            // It is held for less than `keep_firing_for` after its condition ended.
            (0, 60, "X___", "fkkr"),
            (0, 61, "X____", "fkkkr"),
            // A condition that comes back ends the hold, and starts it anew when it ends.
            (0, 60, "X_X__X___", "fkfkkfkkr"),
            // A pending alert is not held.
            (60, 60, "XX__", "pp.."),
            (60, 60, "XXX_X___", "ppfkfkkr"),
        ] {
            assert_eq!(phases(hold, keep, timeline), expected, "for {hold}s, keep {keep}s, {timeline}");
        }
    }

    #[test]
    fn resolved_alerts_are_kept_for_a_quarter_of_an_hour() {
        let timeline = format!("X{}", "_".repeat(33));
        // Resolved at the first step; kept up to and including 15 minutes, which are 30 steps, later.
        assert_eq!(phases(0, 0, &timeline), format!("f{}..", "r".repeat(31)));
    }

    /// Times in seconds at which one alert is sent, over a timeline.
    fn sent(interval: i64, delay: i64, timeline: &str) -> Vec<i64> {
        let holds = Holds { hold: Duration::ZERO, keep_firing_for: Duration::ZERO };
        let mut active = BTreeMap::new();
        let mut times = Vec::new();
        for (index, c) in timeline.chars().enumerate() {
            let second = interval * i64::try_from(index).expect("a small number");
            let at = Timestamp::from_secs(second);
            step(&mut active, seen(c == 'X'), at, holds);
            for alert in active.values_mut() {
                if alert.send(at, Duration::from_secs(delay), Duration::from_secs(interval)) {
                    times.push(second);
                }
            }
        }
        times
    }

    #[test]
    fn alerts_are_sent_again_after_more_than_the_delay() {
        assert_eq!(sent(30, 60, "XXXXXXXX"), [0, 90, 180], "60 s after is not more than 60 s after");
        assert_eq!(sent(40, 60, "XXXXX"), [0, 80, 160]);
        assert_eq!(sent(120, 60, "XXX"), [0, 120, 240]);
        assert_eq!(sent(30, 60, "XX_____"), [0, 60, 150], "a resolution is sent at once, and again");
        assert_eq!(sent(30, 60, "X_X_"), [0, 30, 60, 90], "each change is sent at once");
    }

    #[test]
    fn receivers_may_miss_two_sendings() {
        for (interval, end) in [(30, 240), (120, 480)] {
            let mut active = BTreeMap::new();
            let holds = Holds { hold: Duration::ZERO, keep_firing_for: Duration::ZERO };
            step(&mut active, seen(true), Timestamp::EPOCH, holds);
            let alert = active.get_mut(&labels()).expect("it fires");
            alert.send(Timestamp::EPOCH, Duration::from_minutes(1), Duration::from_secs(interval));
            assert_eq!(alert.ends_at(), Some(Timestamp::from_secs(end)));
        }
    }

    proptest! {
        /// Whatever the timeline: no firing without having been pending, `active_at` stands still while active,
        /// every firing ends in a resolution, and events tell exactly how the phase moved.
        #[test]
        fn any_timeline(
            timeline in prop::collection::vec(any::<bool>(), 1..60),
            hold in 0_i64..5,
            keep in 0_i64..5,
        ) {
            let holds = Holds { hold: STEP * hold, keep_firing_for: STEP * keep };
            let mut active: BTreeMap<Labels, AlertState> = BTreeMap::new();
            let mut open_fires = 0;
            for (index, holds_now) in timeline.into_iter().enumerate() {
                let before = active.get(&labels()).cloned();
                let changes = step(&mut active, seen(holds_now), at(index), holds);
                let after = active.get(&labels());
                let was = before.as_ref().map_or(Phase::Inactive, |a| a.phase);
                let is = after.map_or(Phase::Inactive, |a| a.phase);
                if is == Phase::Firing && was == Phase::Inactive {
                    prop_assert_eq!(hold, 0, "fired without having been pending");
                }
                if was != Phase::Inactive && is != Phase::Inactive {
                    let since = |alert: Option<&AlertState>| alert.map(|a| a.active_at);
                    prop_assert_eq!(since(before.as_ref()), since(after));
                }
                if holds_now {
                    prop_assert!(is != Phase::Inactive);
                }
                let kinds: Vec<EventKind> = changes.iter().map(|(kind, _)| *kind).collect();
                let expected: Vec<EventKind> = match (was, is) {
                    (Phase::Inactive, Phase::Pending) => vec![EventKind::Pending],
                    (Phase::Pending, Phase::Inactive) => vec![EventKind::Withdrawn],
                    (Phase::Inactive | Phase::Pending, Phase::Firing) => vec![EventKind::Firing],
                    (Phase::Firing, Phase::Inactive) => vec![EventKind::Resolved],
                    (Phase::Firing, Phase::Firing)
                        if after.and_then(|a| a.keep_firing_since) == Some(at(index)) => vec![EventKind::Held],
                    _ => vec![],
                };
                prop_assert_eq!(&kinds, &expected);
                open_fires += i32::from(kinds == [EventKind::Firing]);
                open_fires -= i32::from(kinds == [EventKind::Resolved]);
                prop_assert_eq!(open_fires, i32::from(is == Phase::Firing));
            }
        }

        /// A firing alert outlives every gap that is shorter than `keep_firing_for`.
        #[test]
        fn no_flapping_within_the_hold(gaps in prop::collection::vec(1_usize..4, 1..10)) {
            let timeline: String = gaps.iter().map(|gap| format!("X{}", "_".repeat(*gap))).collect();
            let drawn = phases(0, 120, &(timeline + "X"));
            prop_assert!(!drawn.contains('r'), "{}", drawn);
        }
    }
}
