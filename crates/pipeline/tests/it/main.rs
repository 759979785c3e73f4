//! The machine as a whole: what is exposed becomes a page, and the same inputs become the same pages.

mod detection;
mod keeping;
mod progress;
mod record;
mod routing;
mod world;
