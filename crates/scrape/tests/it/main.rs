//! What the scrape machine does, by behaviour.

mod allocations;
mod birth;
mod cache;
mod file_sd;
mod labels;
mod limits;
mod properties;
mod recorded;
mod relabel;
mod reload;
mod repeating;
mod rig;
mod schedule;
mod staleness;
mod targets;
