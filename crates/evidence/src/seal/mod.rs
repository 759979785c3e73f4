//! Sealing: what is published becomes compressed, hashed, and a leaf of a signed log.
//!
//! [`Log`] is the log itself: it is created once, grows by leaves, and is signed anew with each commit. [`seal_due`]
//! makes the leaves of days; [`prune`] lets go of what the retention no longer asks for, and says so in the log first.
//!
//! Whoever calls holds the archive's lock ([`crate::Archive`] does) and gives keys, times and what the machine knows of
//! its clock. Every file is published complete and never overwritten; the only one that changes is the checkpoint,
//! which is the commit point. A run that is stopped anywhere leaves what the next one completes to the same bytes.

mod ahead;
mod days;
mod error;
mod log;
mod prune;
mod publish;

pub use days::{Sealed, Sealing, seal_due};
pub use error::{SealError, SealErrorKind};
pub use log::{Beginning, Log, first_day_of, holds_of, is_initialised};
pub(crate) use log::{first_day, supplements};
pub use prune::{Plan, plan, prune};
