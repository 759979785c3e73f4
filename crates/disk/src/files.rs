use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use assurance_storage::{
    AppendFile, Entry, LockGuard, Operation, Storage, StorageError, TEMPORARY_PREFIX, check_directory,
    check_name,
};
use rustix::fs::{AtFlags, CWD, Dir, FileType, FlockOperation, IFlags, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

use crate::append::DiskFile;
use crate::open::OpenFiles;
use crate::system::{self, Kind};

/// How much of a file is copied at a time.
const COPY_BYTES: usize = 256 * 1024;

/// A process id and a newline; what is longer was not written by us.
const MAX_HOLDER_BYTES: usize = 16;

/// [`Storage`] in a directory of a real file system.
#[derive(Debug)]
pub struct Disk {
    root: PathBuf,
    directory: OwnedFd,
    named_temporaries: bool,
    open: OpenFiles,
}

impl Disk {
    /// Opens an existing directory.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, StorageError> {
        let root = root.as_ref().to_owned();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = retry_on_intr(|| rustix::fs::open(&root, flags, Mode::empty()))
            .map_err(|errno| Self::root_error(&root, system::kind(errno)))?;
        Ok(Self { root, directory, named_temporaries: false, open: OpenFiles::default() })
    }

    /// Opens a directory and creates it first when it is missing, with the directories above it.
    pub fn create(root: impl AsRef<Path>) -> Result<Self, StorageError> {
        let root = root.as_ref();
        Self::create_directories(root).map_err(|kind| Self::root_error(root, kind))?;
        Self::open(root)
    }

    /// Publishes through named temporary files even where the file system knows `O_TMPFILE`.
    ///
    /// For file systems that accept `O_TMPFILE` and then refuse to link. Publishing then needs the right to
    /// unlink, so it does not work with `chattr +a`.
    #[must_use]
    pub fn with_named_temporaries(mut self) -> Self {
        self.named_temporaries = true;
        self
    }

    /// Keeps up to so many files open that are read in parts, those used last: for who alone changes the files
    /// here. What another process removes or puts in their place is not noticed while they are open.
    #[must_use]
    pub fn with_open_files(mut self, most: usize) -> Self {
        self.open = OpenFiles::new(most);
        self
    }

    /// The directory, as it was given.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether nothing can be removed from a directory, because it has the append-only attribute (`chattr +a`).
    ///
    /// A directory that does not exist has no attributes, and neither has one of a file system without them.
    pub fn is_append_only(&self, directory: &str) -> Result<bool, StorageError> {
        let flags = match self.directory(directory, false) {
            Ok(found) => {
                rustix::fs::ioctl_getflags(found.as_ref().map_or(self.directory.as_fd(), AsFd::as_fd))
            }
            Err(Kind::NotFound) => return Ok(false),
            Err(kind) => return Err(StorageError::new(Operation::Open, self.path(directory), kind)),
        };
        match flags {
            Ok(flags) => Ok(flags.contains(IFlags::APPEND)),
            Err(Errno::NOTTY | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(false),
            Err(errno) => Err(StorageError::new(Operation::Open, self.path(directory), system::kind(errno))),
        }
    }

    fn root_error(root: &Path, kind: Kind) -> StorageError {
        StorageError::new(Operation::Open, root.display().to_string(), kind)
    }

    fn create_directories(path: &Path) -> Result<(), Kind> {
        match rustix::fs::mkdir(path, system::DIRECTORY_MODE) {
            Ok(()) => {}
            Err(Errno::EXIST) => return Ok(()),
            Err(Errno::NOENT) => {
                let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
                    return Err(Kind::NotFound);
                };
                Self::create_directories(parent)?;
                match rustix::fs::mkdir(path, system::DIRECTORY_MODE) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(errno) => return Err(system::kind(errno)),
                }
            }
            Err(errno) => return Err(system::kind(errno)),
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let parent =
            rustix::fs::open(parent.unwrap_or(Path::new(".")), flags, Mode::empty()).map_err(system::kind)?;
        system::sync(parent)
    }

    fn path(&self, name: &str) -> String {
        self.root.join(name).display().to_string()
    }

    /// Runs `work` on the directory that holds `name` and on the last component, and gives an error its place.
    pub(crate) fn at<T>(
        &self,
        operation: Operation,
        name: &str,
        create: bool,
        work: impl FnOnce(BorrowedFd<'_>, &str) -> Result<T, Kind>,
    ) -> Result<T, StorageError> {
        let outcome = check_name(name).and_then(|()| {
            let (directories, file) = name.rsplit_once('/').unwrap_or(("", name));
            let directory = self.directory(directories, create)?;
            work(directory.as_ref().map_or(self.directory.as_fd(), AsFd::as_fd), file)
        });
        outcome.map_err(|kind| StorageError::new(operation, self.path(name), kind))
    }

    /// The directory of this relative name; `None` is the root.
    fn directory(&self, name: &str, create: bool) -> Result<Option<OwnedFd>, Kind> {
        let mut directory: Option<OwnedFd> = None;
        for component in name.split('/').filter(|component| !component.is_empty()) {
            let above = directory.as_ref().map_or(self.directory.as_fd(), AsFd::as_fd);
            directory = Some(system::open_directory(above, component, create)?);
        }
        Ok(directory)
    }

    fn publish_unnamed(directory: BorrowedFd<'_>, file: &str, content: &mut dyn Read) -> Result<(), Unnamed> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let opened = retry_on_intr(|| rustix::fs::openat(directory, ".", flags, system::FILE_MODE));
        let fd = match opened {
            Ok(fd) => fd,
            // What file systems and kernels say that do not know the flag.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS) => {
                return Err(Unnamed::Unsupported);
            }
            Err(errno) => return Err(Unnamed::Failed(system::kind(errno))),
        };
        copy(content, fd.as_fd())?;
        system::sync(&fd)?;
        let magic = format!("/proc/self/fd/{}", fd.as_raw_fd());
        match rustix::fs::linkat(CWD, &magic, directory, file, AtFlags::SYMLINK_FOLLOW) {
            Ok(()) => Ok(()),
            // Without /proc there is no way to name the file, but its content can still be copied.
            Err(Errno::NOENT) => Err(Unnamed::Unlinkable(fd)),
            Err(errno) => Err(Unnamed::Failed(system::kind(errno))),
        }
    }

    fn publish_named(directory: BorrowedFd<'_>, file: &str, content: &mut dyn Read) -> Result<(), Kind> {
        let temporary = write_temporary(directory, file, content)?;
        let linked = rustix::fs::linkat(directory, &temporary, directory, file, AtFlags::empty());
        let unlinked = rustix::fs::unlinkat(directory, &temporary, AtFlags::empty());
        linked.map_err(system::kind)?;
        unlinked.map_err(system::kind)
    }
}

/// Why a file without a name could not be published.
enum Unnamed {
    Unsupported,
    Unlinkable(OwnedFd),
    Failed(Kind),
}

impl From<Kind> for Unnamed {
    fn from(kind: Kind) -> Self {
        Self::Failed(kind)
    }
}

fn copy(content: &mut dyn Read, to: BorrowedFd<'_>) -> Result<(), Kind> {
    let mut buffer = vec![0; COPY_BYTES];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => system::write_all(to, &buffer[..count]).map_err(|(_, kind)| kind)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Kind::Content(error)),
        }
    }
}

/// Writes and syncs a temporary file beside `file` and gives its name.
///
/// The name depends on the target alone, so a crash leaves at most one of them, and the next attempt
/// takes it away.
fn write_temporary(directory: BorrowedFd<'_>, file: &str, content: &mut dyn Read) -> Result<String, Kind> {
    let temporary = format!("{TEMPORARY_PREFIX}{file}");
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    let fd = match system::open_file(directory, &temporary, flags) {
        Err(Kind::AlreadyExists) => {
            rustix::fs::unlinkat(directory, &temporary, AtFlags::empty()).map_err(system::kind)?;
            system::open_file(directory, &temporary, flags)?
        }
        other => other?,
    };
    if let Err(kind) = copy(content, fd.as_fd()).and_then(|()| system::sync(&fd)) {
        // The error that is reported is the first; a left-over is taken away by the next attempt.
        rustix::fs::unlinkat(directory, &temporary, AtFlags::empty()).ok();
        return Err(kind);
    }
    Ok(temporary)
}

/// Reads from a file that has no name.
struct Unlinked {
    fd: OwnedFd,
    offset: u64,
}

impl Read for Unlinked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = system::read_at(&self.fd, self.offset, buffer).map_err(io::Error::other)?;
        self.offset += count as u64;
        Ok(count)
    }
}

impl Storage for Disk {
    fn open_append(&self, name: &str) -> Result<Box<dyn AppendFile>, StorageError> {
        let path = self.path(name);
        self.at(Operation::Open, name, true, |directory, file| {
            let flags = OFlags::WRONLY | OFlags::APPEND;
            let fd = match system::open_file(directory, file, flags) {
                Err(Kind::NotFound) => system::open_file(directory, file, flags | OFlags::CREATE)?,
                other => other?,
            };
            let bytes = system::size(&fd)?;
            // Even an existing file's name may not be on the disk yet: its creator may have been stopped.
            let directory = Some(directory.try_clone_to_owned().map_err(Kind::Io)?);
            Ok(Box::new(DiskFile { path, fd, directory, bytes, poisoned: false }) as Box<dyn AppendFile>)
        })
    }

    fn publish(&self, name: &str, content: &mut dyn Read) -> Result<(), StorageError> {
        self.at(Operation::Publish, name, true, |directory, file| {
            if system::exists(directory, file)? {
                // Whoever linked it may have been stopped before this.
                system::sync(directory)?;
                return Err(Kind::AlreadyExists);
            }
            let unnamed = if self.named_temporaries {
                Err(Unnamed::Unsupported)
            } else {
                Self::publish_unnamed(directory, file, content)
            };
            match unnamed {
                Ok(()) => {}
                Err(Unnamed::Failed(kind)) => return Err(kind),
                Err(Unnamed::Unsupported) => Self::publish_named(directory, file, content)?,
                Err(Unnamed::Unlinkable(fd)) => {
                    Self::publish_named(directory, file, &mut Unlinked { fd, offset: 0 })?;
                }
            }
            system::sync(directory)
        })
    }

    fn replace(&self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        self.at(Operation::Replace, name, true, |directory, file| {
            let temporary = write_temporary(directory, file, &mut &*content)?;
            rustix::fs::renameat(directory, &temporary, directory, file).map_err(system::kind)?;
            self.open.close(name);
            system::sync(directory)
        })
    }

    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, StorageError> {
        self.at(Operation::Read, name, false, |directory, file| {
            let fd = system::open_file(directory, file, OFlags::RDONLY)?;
            let bytes = system::size(&fd)?;
            if bytes > max_bytes {
                return Err(Kind::TooLarge { max_bytes });
            }
            // One byte more than expected, so that a file that grows meanwhile is noticed.
            let mut content = vec![0; usize::try_from(bytes).unwrap_or(usize::MAX).saturating_add(1)];
            let mut filled = 0;
            loop {
                let count = system::read_at(&fd, filled as u64, &mut content[filled..])?;
                filled += count;
                if count == 0 || filled < content.len() {
                    break;
                }
                if filled as u64 > max_bytes {
                    return Err(Kind::TooLarge { max_bytes });
                }
                content.resize(content.len() * 2, 0);
            }
            content.truncate(filled);
            if filled as u64 > max_bytes {
                return Err(Kind::TooLarge { max_bytes });
            }
            Ok(content)
        })
    }

    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError> {
        let fd = self.open.get(name, || {
            self.at(Operation::Read, name, false, |directory, file| {
                system::open_file(directory, file, OFlags::RDONLY)
            })
        })?;
        let read = system::read_at(&*fd, offset, buffer);
        read.map_err(|kind| StorageError::new(Operation::Read, self.path(name), kind))
    }

    fn list(&self, directory: &str) -> Result<Vec<Entry>, StorageError> {
        let outcome = check_directory(directory).and_then(|()| match self.directory(directory, false) {
            Ok(opened) => list(opened.as_ref().map_or(self.directory.as_fd(), AsFd::as_fd), directory),
            Err(Kind::NotFound) => Ok(Vec::new()),
            Err(kind) => Err(kind),
        });
        outcome.map_err(|kind| StorageError::new(Operation::List, self.path(directory), kind))
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.at(Operation::Remove, name, false, |directory, file| {
            let removed = rustix::fs::unlinkat(directory, file, AtFlags::empty()).map_err(system::kind);
            self.open.close(name);
            if matches!(removed, Ok(()) | Err(Kind::NotFound)) {
                system::sync(directory)?;
            }
            removed
        })
    }

    fn lock(&self, name: &str) -> Result<Box<dyn LockGuard>, StorageError> {
        self.at(Operation::Lock, name, true, |directory, file| {
            let fd = system::open_file(directory, file, OFlags::RDWR | OFlags::CREATE)?;
            match retry_on_intr(|| rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive)) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Err(Kind::Locked { holder: holder(&fd) }),
                Err(errno) => return Err(system::kind(errno)),
            }
            rustix::fs::ftruncate(&fd, 0).map_err(system::kind)?;
            let pid = rustix::process::getpid().as_raw_nonzero();
            system::write_all(&fd, format!("{pid}\n").as_bytes()).map_err(|(_, kind)| kind)?;
            Ok(Box::new(DiskLock { fd }) as Box<dyn LockGuard>)
        })
    }
}

/// The process id that the holder of a lock wrote into its file.
fn holder(fd: &OwnedFd) -> Option<u32> {
    let mut buffer = [0; MAX_HOLDER_BYTES];
    let count = system::read_at(fd, 0, &mut buffer).ok()?;
    std::str::from_utf8(&buffer[..count]).ok()?.trim().parse().ok()
}

fn list(directory: BorrowedFd<'_>, name: &str) -> Result<Vec<Entry>, Kind> {
    let mut entries = Vec::new();
    for entry in Dir::read_from(directory).map_err(system::kind)? {
        let entry = entry.map_err(system::kind)?;
        // A name that the trait would refuse cannot be one of its files.
        let Ok(file) = entry.file_name().to_str() else { continue };
        if check_name(file).is_err() {
            continue;
        }
        let stat = match rustix::fs::statat(directory, file, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => continue, // removed meanwhile
            Err(errno) => return Err(system::kind(errno)),
        };
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            continue;
        }
        let name = if name.is_empty() { file.to_owned() } else { format!("{name}/{file}") };
        entries.push(Entry { name, bytes: u64::try_from(stat.st_size).unwrap_or(0) });
    }
    entries.sort();
    Ok(entries)
}

/// An `flock` that is held. The kernel releases it with the process, whatever becomes of this.
#[derive(Debug)]
struct DiskLock {
    fd: OwnedFd,
}

impl Drop for DiskLock {
    /// Closing would not do: a process that another thread is just starting has a copy of the descriptor until it
    /// becomes its program, and the lock would last as long.
    fn drop(&mut self) {
        // What cannot fail on a lock that is held; if it did, closing is left.
        let _released = rustix::fs::flock(&self.fd, FlockOperation::Unlock);
    }
}

impl LockGuard for DiskLock {}
