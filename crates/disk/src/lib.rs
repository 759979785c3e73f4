//! The storage trait on a real file system, and the wall clock for those who need nothing else.
//!
//! **In scope:** [`Disk`], which keeps what [`Storage`] promises with `O_TMPFILE`, `linkat`, `fsync` and
//! `flock`; [`Disk::link_to`], for copies that share their bytes; [`WallClock`].
//!
//! **Out of scope:** what the files mean (`evidence`, `tsdb`); waiting, sockets and signals (`runtime`).
//!
//! ```
//! use assurance_disk::Disk;
//! use assurance_storage::Storage;
//!
//! # let directory = tempfile::tempdir()?;
//! let disk = Disk::create(directory.path().join("evidence"))?;
//! disk.publish("hot/audit-2026-01-02.jsonl", &mut &b"{}\n"[..])?;
//! assert!(disk.publish("hot/audit-2026-01-02.jsonl", &mut &b"{}\n"[..]).unwrap_err().is_already_exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Invariants.** Below the root no symbolic link is followed. New files are 0640 and new directories 0750,
//! less the process's umask. A published name is linked only after its content was synced, and the directory
//! is synced before the call returns. Publishing needs neither rename nor unlink where the file system knows
//! `O_TMPFILE`, so it works in a directory with the append-only attribute (`chattr +a`).

mod append;
mod clock;
mod files;
mod link;
mod open;
mod system;

pub use clock::WallClock;
pub use files::Disk;

#[cfg(doc)]
use assurance_storage::Storage;
