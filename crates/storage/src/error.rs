use std::fmt;
use std::io;

/// What was being done when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Opening for appending.
    Open,
    /// Appending bytes.
    Append,
    /// Making appended bytes durable.
    Sync,
    /// Cutting a file short.
    Truncate,
    /// Publishing a complete file.
    Publish,
    /// Replacing a small file.
    Replace,
    /// Reading.
    Read,
    /// Listing a directory.
    List,
    /// Removing a file.
    Remove,
    /// Taking a lock.
    Lock,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Append => "append to",
            Self::Sync => "sync",
            Self::Truncate => "truncate",
            Self::Publish => "publish",
            Self::Replace => "replace",
            Self::Read => "read",
            Self::List => "list",
            Self::Remove => "remove",
            Self::Lock => "lock",
        })
    }
}

/// A file operation that did not do what it promises.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {name}: {kind}")]
#[non_exhaustive]
pub struct StorageError {
    /// What was being done.
    pub operation: Operation,
    /// The file, as the storage names it (a real file system gives the whole path).
    pub name: String,
    /// Why it failed.
    pub kind: StorageErrorKind,
}

impl StorageError {
    /// An error of `operation` on `name`.
    pub fn new(operation: Operation, name: impl Into<String>, kind: StorageErrorKind) -> Self {
        Self { operation, name: name.into(), kind }
    }

    /// Whether the file is longer than what was asked for.
    pub fn is_too_large(&self) -> bool {
        matches!(self.kind, StorageErrorKind::TooLarge { .. })
    }

    /// Whether the file was not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self.kind, StorageErrorKind::NotFound)
    }

    /// Whether the name was taken.
    pub fn is_already_exists(&self) -> bool {
        matches!(self.kind, StorageErrorKind::AlreadyExists)
    }
}

/// Why a file operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageErrorKind {
    /// There is no such file.
    #[error("there is no such file")]
    NotFound,
    /// The name is taken, and what is published is never overwritten.
    #[error("a file of this name exists, and what is published is never overwritten")]
    AlreadyExists,
    /// Another process holds the lock.
    #[error("{}; wait until it has finished, or stop it", holder_text(*holder))]
    Locked {
        /// The process id the holder wrote down, where it could be read.
        holder: Option<u32>,
    },
    /// The device or the quota is full.
    #[error("no space is left; free some and run again, nothing that was acknowledged is lost")]
    NoSpace,
    /// The name is not one this trait accepts.
    #[error("the name is not usable: {reason}")]
    InvalidName {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It is there, but it is a link, a directory or a device.
    #[error("it is {found}, not a regular file; remove it or choose another directory")]
    NotRegular {
        /// What it is.
        found: &'static str,
    },
    /// The file is longer than the reader is willing to take.
    #[error("it is longer than {max_bytes} bytes, more than is expected here")]
    TooLarge {
        /// The bound.
        max_bytes: u64,
    },
    /// A truncation beyond the end was asked for.
    #[error("it has {bytes} bytes and cannot be cut to {wanted}")]
    TooShort {
        /// The present length.
        bytes: u64,
        /// The length asked for.
        wanted: u64,
    },
    /// An earlier sync of this handle failed; what reached the disk is unknown, so nothing more is accepted.
    #[error(
        "an earlier sync of this file failed, so what is on the disk is unknown; start the program again"
    )]
    Poisoned,
    /// Reading the content that was to be published failed.
    #[error("the content to write could not be read: {0}")]
    Content(io::Error),
    /// The operating system said no.
    #[error("{0}")]
    Io(io::Error),
    /// The double has reached its crash: nothing works until its image is opened again.
    #[error("the simulated machine has crashed")]
    Crashed,
}

fn holder_text(holder: Option<u32>) -> String {
    match holder {
        Some(pid) => format!("process {pid} holds the lock"),
        None => "another process holds the lock".to_owned(),
    }
}
