//! What is found, for people and for promtool.

mod chart;
mod notation;
mod picture;
mod promtool;

pub use chart::{Chart, Content, Row, WIDTH};
pub use notation::MAX_STEPS;
pub use picture::{Mark, picture};
pub use promtool::{Case, Check, Inexpressible, TestFile, Wanted};
