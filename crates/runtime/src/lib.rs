//! The room that waits: clock, sockets, TLS, files and signals around the machines.
//!
//! **In scope:** [`Clock`], real or scaled; [`http::Client`] for scrapes, notifications and collection;
//! [`server`], which serves a router within limits; [`setup`], which reads configuration files into a
//! [`pipeline::Config`](assurance_pipeline::Config); [`driver`], which drives the pipeline; [`Keeper`], which
//! makes samples and alerts durable; [`signals`].
//!
//! **Out of scope:** deciding anything: what is scraped, fires or is sent is the pipeline's; routes are `web`'s.
//!
//! ```
//! use assurance_metrics_model::{Duration, Timestamp};
//! use assurance_runtime::Clock;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // A clock that begins at a date of its own and runs 3,600 times as fast as life.
//! let clock = Clock::scaled(Timestamp::from_secs(1_766_671_200), 3600.0);
//! let before = clock.now();
//! clock.sleep_until(before + Duration::from_secs(36)).await; // ten milliseconds
//! assert!(clock.now() - before >= Duration::from_secs(36));
//! # }
//! ```
//!
//! **Invariants.** Every wait has an end: requests, heads, bodies and drains have limits. A response is never
//! longer in memory than its limit, decompressed or not. Credentials go to the configured origin only. A
//! configuration is taken as a whole or not at all. Whoever scrapes or evaluates never waits for a disk.

pub mod driver;
pub mod http;
pub mod server;
pub mod setup;
pub mod signals;

mod clock;
mod keeper;
mod notify;

pub use clock::Clock;
pub use keeper::{Alerts, Keeper};
