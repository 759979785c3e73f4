use std::time::Duration as StdDuration;

use assurance_metrics_model::{Duration, Timestamp};
use tokio::time::Instant;

/// The time, for whoever drives a machine.
///
/// A real clock follows the system's wall clock forwards, and runs on where that is set back: an hour's step
/// must not stop scrapes for an hour. A scaled one begins at a date of its own and runs faster or
/// slower than life, for demonstrations and exercises over real sockets.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Timestamp,
    origin: Instant,
    /// Against life; `None` for the real clock.
    speed: Option<f64>,
}

/// The longest single sleep: after it the wall clock is looked at again, so that a step of the system's time
/// is noticed within a minute.
const MAX_SLEEP: StdDuration = StdDuration::from_secs(60);

impl Clock {
    /// The system's wall clock, from now on.
    pub fn system() -> Self {
        Self { start: wall_clock(), origin: Instant::now(), speed: None }
    }

    /// A clock that shows `start` now and then runs `speed` times as fast as life.
    ///
    /// # Panics
    /// If `speed` is not a positive number.
    pub fn scaled(start: Timestamp, speed: f64) -> Self {
        assert!(speed.is_finite() && speed > 0.0, "a clock runs forwards: speed {speed}");
        Self { start, origin: Instant::now(), speed: Some(speed) }
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        let counted = self.start + self.on_clock(self.origin.elapsed());
        match self.speed {
            None => counted.max(wall_clock()),
            Some(_) => counted,
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

#[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
fn wall_clock() -> Timestamp {
    let now = std::time::SystemTime::now();
    match now.duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => Timestamp::EPOCH + Duration::from(since),
        Err(before) => Timestamp::EPOCH - Duration::from(before.duration()),
    }
}
