//! From when retention counts: a clock that is wrong must not cost ninety days of samples.

use std::sync::{Mutex, PoisonError};

use assurance_metrics_model::{Duration, Timestamp};

/// Time without samples after which what comes is doubted. A clock that goes ahead by less lets the oldest samples go
/// as much sooner.
pub(crate) const DOUBTED_AFTER: Duration = Duration::from_secs(86_400);

/// How long samples must have come before what is doubted is believed: long enough for a person to notice.
const BELIEVED_AFTER: Duration = Duration::from_secs(86_400);

/// Spans of time in which samples came, oldest first, more than [`DOUBTED_AFTER`] apart from each other.
#[derive(Debug, Default)]
pub(crate) struct Horizon(Mutex<Vec<Run>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: Timestamp,
    last: Timestamp,
}

impl Horizon {
    /// There are samples from `first` to `last`.
    pub(crate) fn note(&self, first: Timestamp, last: Timestamp) {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = runs.partition_point(|run| run.last < first - DOUBTED_AFTER);
        let to = runs.partition_point(|run| run.first <= last.saturating_add(DOUBTED_AFTER)).max(from);
        let mut whole = Run { first, last };
        for run in &runs[from..to] {
            whole = Run { first: whole.first.min(run.first), last: whole.last.max(run.last) };
        }
        runs.splice(from..to, [whole]);
    }

    /// The time that is believed to have come when the newest sample, or the clock, is at `newest`: that itself,
    /// unless it came after a long silence and has not lasted yet.
    pub(crate) fn advance(&self, newest: Timestamp) -> Timestamp {
        {
            let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // The clock was set back: what lies ahead proves nothing.
            runs.retain(|run| run.first <= newest);
        }
        self.note(newest, newest);
        let runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lasted = |run: &&Run| run.last - run.first >= BELIEVED_AFTER;
        let believed = runs.iter().rev().find(lasted).or(runs.first());
        believed.map_or(newest, |run| run.last.min(newest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;
    const DAY: i64 = 24 * HOUR;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    #[test]
    fn what_comes_without_a_silence_is_believed_at_once() {
        let horizon = Horizon::default();
        for secs in [0, 60, HOUR, DAY, 2 * DAY, 2 * DAY + 60] {
            assert_eq!(horizon.advance(at(secs)), at(secs));
        }
    }

    #[test]
    fn a_clock_that_goes_ahead_is_believed_after_a_day_and_forgotten_when_it_comes_back() {
        let horizon = Horizon::default();
        horizon.note(at(0), at(90 * DAY));
        let ahead = 455 * DAY;
        for hour in 0..24 {
            assert_eq!(horizon.advance(at(ahead + hour * HOUR)), at(90 * DAY), "hour {hour}");
        }
        assert_eq!(horizon.advance(at(90 * DAY + 60)), at(90 * DAY + 60), "it came back");
        // It goes ahead again, twice.
        assert_eq!(horizon.advance(at(ahead)), at(90 * DAY + 60));
        assert_eq!(horizon.advance(at(2 * ahead)), at(90 * DAY + 60));
        for hour in 0..24 {
            assert_eq!(horizon.advance(at(2 * ahead + hour * HOUR)), at(90 * DAY + 60), "hour {hour}");
        }
        assert_eq!(horizon.advance(at(2 * ahead + DAY)), at(2 * ahead + DAY), "it has lasted");
    }

    #[test]
    fn spans_are_joined_in_whatever_order_they_come() {
        let spans = [(5, 6), (0, 1), (9, 9), (2, 3), (12, 14)];
        for turn in 0..spans.len() {
            let horizon = Horizon::default();
            let mut spans = spans;
            spans.rotate_left(turn);
            spans.iter().for_each(|(first, last)| horizon.note(at(first * DAY), at(last * DAY)));
            let runs: Vec<_> = horizon.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let days = runs.iter().map(|run| [run.first, run.last].map(|at| at.as_millis() / 86_400_000));
            assert_eq!(days.collect::<Vec<_>>(), [[0, 3], [5, 6], [9, 9], [12, 14]], "{turn}");
        }
    }
}
