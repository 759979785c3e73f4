//! What is found, for people and for promtool.

mod chart;
mod compare;
mod counterexample;
mod notation;
mod picture;
mod promtool;

pub use chart::{Chart, Content, Row, WIDTH};
pub use compare::{coarse, differential};
pub use counterexample::{Counterexample, scraped, test_of};
pub use notation::MAX_STEPS;
pub use picture::{Mark, picture};
pub use promtool::{Case, Check, Inexpressible, TestFile, Wanted};
