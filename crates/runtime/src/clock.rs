use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration as StdDuration;

use assurance_metrics_model::{Duration, Timestamp};
use tokio::time::Instant;

/// The time, for whoever drives a machine.
///
/// A real clock follows the system's wall clock forwards, and runs on where that is set back, from wherever it was: a
/// step must not stop scrapes for as long. It follows again when the process starts anew. A scaled one begins at a date of its own and runs faster or
/// slower than life, for demonstrations and exercises over real sockets.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Timestamp,
    origin: Instant,
    /// The most milliseconds by which the wall clock was seen ahead of the time counted from `origin`. Of the process, not
    /// of a copy: all of them show the same time.
    most_ahead: &'static AtomicI64,
    /// Against life; `None` for the real clock.
    speed: Option<f64>,
}

/// The longest single sleep: after it the wall clock is looked at again, so that a step of the system's time
/// is noticed within a minute.
const MAX_SLEEP: StdDuration = StdDuration::from_secs(60);

impl Clock {
    /// The system's wall clock, from now on.
    pub fn system() -> Self {
        Self::new(wall_clock(), None)
    }

    /// A clock that shows `start` now and then runs `speed` times as fast as life.
    ///
    /// # Panics
    /// If `speed` is not a positive number.
    pub fn scaled(start: Timestamp, speed: f64) -> Self {
        assert!(speed.is_finite() && speed > 0.0, "a clock runs forwards: speed {speed}");
        Self::new(start, Some(speed))
    }

    fn new(start: Timestamp, speed: Option<f64>) -> Self {
        // A few bytes a clock, of which a process has one, so that clocks are copied as times are.
        Self { start, origin: Instant::now(), most_ahead: Box::leak(Box::default()), speed }
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        let counted = self.start + self.on_clock(self.origin.elapsed());
        match self.speed {
            None => follow(self.most_ahead, counted, wall_clock()),
            Some(_) => counted,
        }
    }

    /// How much later it is on this clock than on the system's, which was set back.
    pub fn ahead(&self) -> Duration {
        match self.speed {
            None => (self.now() - wall_clock()).max(Duration::ZERO),
            Some(_) => Duration::ZERO,
        }
    }

    /// How long a span on this clock takes in life.
    pub fn in_life(&self, span: Duration) -> StdDuration {
        let speed = self.speed.unwrap_or(1.0);
        StdDuration::try_from_secs_f64(span.as_secs_f64().max(0.0) / speed).unwrap_or(StdDuration::MAX)
    }

    /// How long a span of life is on this clock.
    pub fn on_clock(&self, span: StdDuration) -> Duration {
        let speed = self.speed.unwrap_or(1.0);
        Timestamp::from_secs_f64(span.as_secs_f64() * speed) - Timestamp::EPOCH
    }

    /// Waits until the clock shows `at` or more.
    pub async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left = at - self.now();
            if left <= Duration::ZERO {
                return;
            }
            // The clock shows whole milliseconds: waiting a little less would spin.
            let wait = self.in_life(left).max(StdDuration::from_micros(100));
            tokio::time::sleep(wait.min(MAX_SLEEP)).await;
        }
    }
}

/// The time, never before what it was.
fn follow(most_ahead: &AtomicI64, counted: Timestamp, wall: Timestamp) -> Timestamp {
    let ahead = (wall - counted).as_millis();
    let before = most_ahead.fetch_max(ahead, Ordering::Relaxed);
    counted + Duration::from_millis(before.max(ahead))
}

#[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
fn wall_clock() -> Timestamp {
    let now = std::time::SystemTime::now();
    match now.duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => Timestamp::EPOCH + Duration::from(since),
        Err(before) => Timestamp::EPOCH - Duration::from(before.duration()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_runs_on_from_wherever_it_was() {
        let most_ahead = AtomicI64::default();
        let mut before = Timestamp::MIN;
        for (counted, wall, shown) in [
            (0, 0, 0),
            (10, 10, 10),
            (20, -3580, 20),
            (30, 31_536_030, 31_536_030),
            (40, 31_536_040, 31_536_040),
            (50, 50, 31_536_050),
            (60, 86_460, 31_536_060),
            (70, 31_536_075, 31_536_075),
        ] {
            let now = follow(&most_ahead, Timestamp::from_secs(counted), Timestamp::from_secs(wall));
            assert_eq!(now, Timestamp::from_secs(shown));
            assert!(now > before);
            before = now;
        }
    }
}
