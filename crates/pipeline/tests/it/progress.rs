use assurance_metrics_model::{Duration, Timestamp};
use proptest::prelude::*;

use crate::world::{START, World, at};

const RULES: &str = "
groups:
  - name: g
    rules:
      - alert: Down
        expr: up == 0
        for: 1m
";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is lost and refused, and however late the driver comes: the machine always has a next
    /// wake-up, never one in the past, and does a bounded number of things in an hour.
    #[test]
    fn it_always_goes_on(lost in any::<u64>(), refused in any::<u64>(), late_ms in 0..90_000i64) {
        let bit = |mask: u64, now: Timestamp| (mask >> ((now - START).as_millis() / 30_000 % 64)) & 1 == 1;
        let body = |now| (!bit(lost, now)).then(|| "m 1\n".to_owned());
        let takes = |now| !bit(refused, now);
        let mut world = World::new(RULES, &body);
        world.takes = &takes;
        world.run_until(at(1800));
        world.now += Duration::from_millis(late_ms);
        world.pipeline.handle_timeout(world.now);
        world.run_until(at(3600));
        let scrapes = world.pipeline.scrape().targets().map(|t| t.health.scrapes).sum::<u64>();
        prop_assert!((100..=122).contains(&scrapes), "{scrapes} scrapes in an hour at 30 s");
    }
}
