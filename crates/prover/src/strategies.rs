//! Worlds for the property tests of other services, with the feature `proptest`.

use proptest::prelude::*;

use crate::claim::Claim;
use crate::generate::Generator;
use crate::timeline::Timeline;

/// Worlds of a claim, as random searches try them.
///
/// A failing world is not simplified by proptest: print it, and leave that to
/// [`shrink`](crate::shrink::shrink), which knows what a world is made of.
pub fn timelines(claim: impl Into<std::sync::Arc<Claim>>) -> impl Strategy<Value = Timeline> {
    let claim = claim.into();
    (any::<u64>(), any::<u64>())
        .prop_map(move |(seed, index)| Generator::new(&claim).timeline(seed, index))
        .no_shrink()
}

/// Worlds in which something must be told: those that a claim's intent asks something of.
pub fn violated(claim: impl Into<std::sync::Arc<Claim>>) -> impl Strategy<Value = Timeline> {
    let claim = claim.into();
    let asked = std::sync::Arc::clone(&claim);
    timelines(claim).prop_filter("nothing must be told in this world", move |timeline| {
        crate::judge::must_tell(&asked, timeline)
    })
}
