//! What configuration files become, and what is said of those that cannot become anything.

mod bad;
mod fixtures;
mod good;
mod notify;
mod promtool;
mod texts;
