use assurance_metrics_model::{Duration, Labels, Timestamp};

/// Samples are stamped with the slot's time if the scrape began at most this much later, so that timestamps
/// compress and line up (Prometheus `ScrapeTimestampTolerance`: 2 ms, and at most 1 % of the interval).
const TIMESTAMP_TOLERANCE_MS: i64 = 2;

/// When a target is scraped: at every instant congruent to `offset` modulo `interval`.
///
/// The offset is a hash of the target, so that targets spread over the interval, and depends on nothing else,
/// so that a restart keeps the phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    interval: Duration,
    offset: Duration,
}

impl Schedule {
    /// `interval` must be positive.
    pub(crate) fn new(labels: &Labels, url: &str, seed: u64, interval: Duration) -> Self {
        let mut hash = labels.fingerprint() ^ seed;
        for byte in url.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        let millis = interval.as_millis().max(1);
        let offset = mix(hash) % millis.unsigned_abs();
        Self {
            interval: Duration::from_millis(millis),
            offset: Duration::from_millis(i64::try_from(offset).unwrap_or(0)),
        }
    }

    /// At a phase that somebody imposes.
    pub(crate) fn at(phase: Duration, interval: Duration) -> Self {
        let millis = interval.as_millis().max(1);
        Self {
            interval: Duration::from_millis(millis),
            offset: Duration::from_millis(phase.as_millis().rem_euclid(millis)),
        }
    }

    pub(crate) const fn interval(&self) -> Duration {
        self.interval
    }

    /// The first slot at or after an instant.
    pub(crate) fn next(&self, at: Timestamp) -> Timestamp {
        let behind =
            at.as_millis().saturating_sub(self.offset.as_millis()).rem_euclid(self.interval.as_millis());
        if behind == 0 { at } else { at + (self.interval - Duration::from_millis(behind)) }
    }

    /// The last slot at or before an instant.
    pub(crate) fn latest(&self, at: Timestamp) -> Timestamp {
        let behind =
            at.as_millis().saturating_sub(self.offset.as_millis()).rem_euclid(self.interval.as_millis());
        at - Duration::from_millis(behind)
    }

    /// The timestamp of samples from a scrape for `slot` that began at `started`.
    pub(crate) fn stamp(&self, slot: Timestamp, started: Timestamp) -> Timestamp {
        let tolerance = (self.interval.as_millis() / 100).min(TIMESTAMP_TOLERANCE_MS);
        let late = (started - slot).as_millis();
        if late <= tolerance { slot } else { started }
    }
}

/// Spreads a hash over all bits (the finaliser of SplitMix64): FNV's low bits alone follow the last bytes.
const fn mix(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}
