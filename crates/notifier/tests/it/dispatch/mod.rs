//! Groups, waits and repeats; who is kept quiet; chains; and that a restart changes nothing.

mod escalation;
mod properties;
mod quiet;
mod restart;
mod timing;
pub(crate) mod world;
