//! Looks for a world in which an alert does not keep its promise.
//!
//! **Invariants.** The same seed and index give the same world, on any number of cores.

pub mod claim;
pub mod exhaustive;
pub mod expose;
pub mod fast;
pub mod generate;
pub mod judge;
pub mod mutate;
pub mod render;
pub mod replay;
pub mod search;
pub mod shrink;
pub mod timeline;
