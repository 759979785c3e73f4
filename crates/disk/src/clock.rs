use std::time::SystemTime;

use assurance_metrics_model::{Duration, Timestamp};

/// The machine's clock, for programs that need the date and nothing else of `runtime`.
#[derive(Clone, Copy, Debug, Default)]
pub struct WallClock;

impl WallClock {
    /// The present instant in UTC, rounded down to the millisecond. A clock before 1970 reads as 1970.
    pub fn now(self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is handed")]
        let now = SystemTime::now();
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::EPOCH + Duration::from(since)
    }
}
