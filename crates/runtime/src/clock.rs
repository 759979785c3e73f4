use std::time::Duration as StdDuration;

use assurance_metrics_model::{Duration, Timestamp};
use tokio::time::Instant;

/// The time, for whoever drives a machine.
///
/// A real clock follows the system's wall clock. A scaled one begins at a date of its own and runs faster or
/// slower than life, for demonstrations and exercises over real sockets.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    scaled: Option<Scaled>,
}

#[derive(Clone, Copy, Debug)]
struct Scaled {
    start: Timestamp,
    origin: Instant,
    speed: f64,
}

/// The longest single sleep: after it the wall clock is looked at again, so that a step of the system's time
/// is noticed within a minute.
const MAX_SLEEP: StdDuration = StdDuration::from_secs(60);

impl Clock {
    /// The system's wall clock.
    pub const fn system() -> Self {
        Self { scaled: None }
    }

    /// A clock that shows `start` now and then runs `speed` times as fast as life.
    ///
    /// # Panics
    /// If `speed` is not a positive number.
    pub fn scaled(start: Timestamp, speed: f64) -> Self {
        assert!(speed.is_finite() && speed > 0.0, "a clock runs forwards: speed {speed}");
        Self { scaled: Some(Scaled { start, origin: Instant::now(), speed }) }
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        match self.scaled {
            None => wall_clock(),
            Some(Scaled { start, origin, speed }) => {
                let secs = origin.elapsed().as_secs_f64() * speed;
                start + (Timestamp::from_secs_f64(secs) - Timestamp::EPOCH)
            }
        }
    }

    /// How long a span on this clock takes in life.
    pub fn in_life(&self, span: Duration) -> StdDuration {
        let speed = self.scaled.map_or(1.0, |scaled| scaled.speed);
        StdDuration::try_from_secs_f64(span.as_secs_f64().max(0.0) / speed).unwrap_or(StdDuration::MAX)
    }

    /// How long a span of life is on this clock.
    pub fn on_clock(&self, span: StdDuration) -> Duration {
        let speed = self.scaled.map_or(1.0, |scaled| scaled.speed);
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
