use assurance_metrics_model::Duration;

/// Numbers that depend on a seed alone (SplitMix64): small, and the same on every machine.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A span between two, both ends possible; the first where the range is empty.
    pub(super) fn between(&mut self, shortest: Duration, longest: Duration) -> Duration {
        let width = u64::try_from((longest - shortest).as_millis()).unwrap_or(0);
        let drawn = self.next() % width.saturating_add(1);
        shortest + Duration::from_millis(i64::try_from(drawn).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_splitmix64() {
        let mut random = Random::new(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn both_ends_are_drawn_and_nothing_outside() {
        let mut random = Random::new(1);
        let (low, high) = (Duration::from_millis(3), Duration::from_millis(5));
        let mut seen = [0; 3];
        for _ in 0..100 {
            let drawn = random.between(low, high).as_millis();
            seen[usize::try_from(drawn - 3).unwrap()] += 1;
        }
        assert!(seen.iter().all(|n| *n > 10), "{seen:?}");
        assert_eq!(random.between(high, low), high);
    }
}
