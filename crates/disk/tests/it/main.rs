//! The trait's promises on a real file system.

#[path = "../../../storage/tests/it/contract.rs"]
mod contract;
mod files;
mod kills;
