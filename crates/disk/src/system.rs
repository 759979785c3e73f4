//! System calls with interruptions retried and errors named.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use assurance_storage::StorageErrorKind;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

pub(crate) type Kind = StorageErrorKind;

/// Owner may write, group may read; the auditors' group is why it is not 0600.
pub(crate) const FILE_MODE: Mode = Mode::from_raw_mode(0o640);
/// As [`FILE_MODE`], with search.
pub(crate) const DIRECTORY_MODE: Mode = Mode::from_raw_mode(0o750);

const DIRECTORY_FLAGS: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

pub(crate) fn kind(errno: Errno) -> Kind {
    match errno {
        Errno::NOENT => Kind::NotFound,
        Errno::EXIST => Kind::AlreadyExists,
        Errno::NOSPC | Errno::DQUOT => Kind::NoSpace,
        Errno::LOOP => Kind::NotRegular { found: "a symbolic link" },
        Errno::ISDIR => Kind::NotRegular { found: "a directory" },
        Errno::NOTDIR => Kind::NotRegular { found: "a file or link where a directory belongs" },
        other => Kind::Io(io::Error::from(other)),
    }
}

/// Opens the directory `component` of `directory`, creating it (durably) when asked.
pub(crate) fn open_directory(
    directory: BorrowedFd<'_>,
    component: &str,
    create: bool,
) -> Result<OwnedFd, Kind> {
    let open = || retry_on_intr(|| rustix::fs::openat(directory, component, DIRECTORY_FLAGS, Mode::empty()));
    match open() {
        Err(Errno::NOENT) if create => {
            match rustix::fs::mkdirat(directory, component, DIRECTORY_MODE) {
                // Another process may have been first, and then it may not have synced yet.
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(kind(errno)),
            }
            sync(directory)?;
            open().map_err(kind)
        }
        other => other.map_err(kind),
    }
}

/// Opens a file of `directory` with no link followed, and checks that it is a regular file.
pub(crate) fn open_file(directory: BorrowedFd<'_>, file: &str, flags: OFlags) -> Result<OwnedFd, Kind> {
    // Non-blocking so that a pipe of this name does not stop the program before it is recognised as one.
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let fd = retry_on_intr(|| rustix::fs::openat(directory, file, flags, FILE_MODE)).map_err(kind)?;
    let stat = rustix::fs::fstat(&fd).map_err(kind)?;
    let found = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => return Ok(fd),
        FileType::Directory => "a directory",
        FileType::Fifo => "a pipe",
        FileType::Socket => "a socket",
        _ => "a device",
    };
    Err(Kind::NotRegular { found })
}

pub(crate) fn size(fd: impl AsFd) -> Result<u64, Kind> {
    let stat = rustix::fs::fstat(fd).map_err(kind)?;
    Ok(u64::try_from(stat.st_size).unwrap_or(0))
}

pub(crate) fn exists(directory: BorrowedFd<'_>, file: &str) -> Result<bool, Kind> {
    match rustix::fs::statat(directory, file, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(kind(errno)),
    }
}

/// Makes a file or directory durable. Never retried after an error: the kernel may have marked the pages
/// clean that it failed to write, and a second call would then report success for them.
pub(crate) fn sync(fd: impl AsFd) -> Result<(), Kind> {
    rustix::fs::fsync(fd).map_err(kind)
}

/// Writes all of `bytes`; on error says how many were written before it.
pub(crate) fn write_all(fd: impl AsFd, bytes: &[u8]) -> Result<(), (u64, Kind)> {
    let fd = fd.as_fd();
    let mut written = 0;
    while written < bytes.len() {
        match retry_on_intr(|| rustix::io::write(fd, &bytes[written..])) {
            Ok(0) => return Err((written as u64, Kind::Io(io::ErrorKind::WriteZero.into()))),
            Ok(count) => written += count,
            Err(errno) => return Err((written as u64, kind(errno))),
        }
    }
    Ok(())
}

pub(crate) fn read_at(fd: impl AsFd, offset: u64, buffer: &mut [u8]) -> Result<usize, Kind> {
    let fd = fd.as_fd();
    let mut filled = 0;
    while filled < buffer.len() {
        let at = offset.saturating_add(filled as u64);
        match retry_on_intr(|| rustix::io::pread(fd, &mut buffer[filled..], at)) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(errno) => return Err(kind(errno)),
        }
    }
    Ok(filled)
}
