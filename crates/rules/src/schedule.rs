//! When groups are evaluated.

use assurance_metrics_model::{Duration, Labels, Timestamp};

/// At which instants groups are evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Schedule {
    /// Every group at instants of its own, shifted by a hash of its file and name: the load is spread, and a
    /// restart does not move them.
    #[default]
    Hashed,
    /// Every group at whole multiples of its interval after an instant, as tests and simulations want it.
    Aligned(Timestamp),
}

/// The instants of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slots {
    interval: Duration,
    offset: i64,
}

impl Slots {
    pub(crate) fn new(schedule: Schedule, file: &str, name: &str, interval: Duration) -> Self {
        // An interval of zero cannot be configured; one millisecond keeps the arithmetic whole.
        let interval = interval.max(Duration::from_millis(1));
        let offset = match schedule {
            Schedule::Hashed => {
                let hash = Labels::from_pairs([("file", file), ("name", name)]).fingerprint();
                let modulus = interval.as_millis().unsigned_abs();
                i64::try_from(hash % modulus).unwrap_or(0)
            }
            Schedule::Aligned(start) => start.as_millis().rem_euclid(interval.as_millis()),
        };
        Self { interval, offset }
    }

    pub(crate) fn interval(self) -> Duration {
        self.interval
    }

    /// The first instant after `now`.
    pub(crate) fn after(self, now: Timestamp) -> Timestamp {
        let shifted = now.as_millis().saturating_sub(self.offset);
        let base = shifted - shifted.rem_euclid(self.interval.as_millis());
        Timestamp::from_millis(base.saturating_add(self.offset)) + self.interval
    }

    /// The last instant at or before `now`, counted from one that was due, and how many were missed before it.
    pub(crate) fn latest(self, due: Timestamp, now: Timestamp) -> (Timestamp, u64) {
        let missed = ((now - due).as_millis() / self.interval.as_millis()).max(0);
        (due + self.interval * missed, missed.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_minutes(1);

    #[test]
    fn slots_are_one_interval_apart_and_after_now() {
        for schedule in [Schedule::Hashed, Schedule::Aligned(Timestamp::from_secs(7))] {
            let slots = Slots::new(schedule, "rules.yml", "a", MINUTE);
            let first = slots.after(Timestamp::from_secs(1000));
            assert!(first > Timestamp::from_secs(1000) && first <= Timestamp::from_secs(1060));
            assert_eq!(slots.after(first), first + MINUTE, "a slot is not after itself");
            assert_eq!(slots.after(first - Duration::from_millis(1)), first);
        }
    }

    #[test]
    fn groups_are_spread() {
        let at = |name| Slots::new(Schedule::Hashed, "rules.yml", name, MINUTE).after(Timestamp::EPOCH);
        assert_ne!(at("a"), at("b"));
    }

    #[test]
    fn missed_slots_are_counted_and_the_newest_is_used() {
        let slots = Slots::new(Schedule::Aligned(Timestamp::EPOCH), "", "", MINUTE);
        let due = Timestamp::from_secs(60);
        assert_eq!(slots.latest(due, Timestamp::from_secs(60)), (due, 0));
        assert_eq!(slots.latest(due, Timestamp::from_secs(119)), (due, 0));
        assert_eq!(slots.latest(due, Timestamp::from_secs(250)), (Timestamp::from_secs(240), 3));
    }
}
