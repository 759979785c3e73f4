//! What the trait promises, held against the doubles, and what the doubles do when they fail.

mod contract;
mod crashes;
mod names;
mod overlays;
