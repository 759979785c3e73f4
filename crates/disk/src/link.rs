use assurance_storage::{Operation, Storage as _, StorageError};
use rustix::fs::AtFlags;
use rustix::io::Errno;

use crate::files::Disk;
use crate::system;

impl Disk {
    /// Gives a file a second name, the same one in `to`, durably: both share their bytes. Only for files that
    /// nobody changes any more. `false` where the file system, or who owns the file, does not allow it.
    ///
    /// # Errors
    /// If there is no such file, or if the name is taken.
    pub fn link_to(&self, name: &str, to: &Self) -> Result<bool, StorageError> {
        // Neither a link nor a directory, and there: said as for every file that is read.
        self.read_at(name, 0, &mut [])?;
        self.at(Operation::Read, name, false, |from, file| {
            let linked = to.at(Operation::Publish, name, true, |into, _| {
                match rustix::fs::linkat(from, file, into, file, AtFlags::empty()) {
                    Ok(()) => system::sync(into).map(|()| Ok(true)),
                    Err(Errno::XDEV | Errno::PERM | Errno::MLINK | Errno::OPNOTSUPP | Errno::NOSYS) => {
                        Ok(Ok(false))
                    }
                    // It is the file that is gone.
                    Err(Errno::NOENT) => Ok(Err(system::Kind::NotFound)),
                    Err(errno) => Err(system::kind(errno)),
                }
            });
            linked.unwrap_or_else(|error| Err(error.kind))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use assurance_storage::Storage as _;

    use crate::Disk;

    #[test]
    fn a_linked_file_outlives_its_first_name() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (from, to) = (Disk::open(here.path()).unwrap(), Disk::open(there.path()).unwrap());
        from.publish("a/file", &mut &b"content"[..]).unwrap();
        assert!(from.link_to("a/file", &to).unwrap());
        assert_eq!(there.path().join("a/file").metadata().unwrap().nlink(), 2);
        assert!(from.link_to("a/file", &to).unwrap_err().is_already_exists());
        from.remove("a/file").unwrap();
        assert_eq!(to.read("a/file", 100).unwrap(), b"content");
        assert!(from.link_to("a/file", &to).unwrap_err().is_not_found());
        std::os::unix::fs::symlink("/etc/passwd", here.path().join("a/link")).unwrap();
        assert!(from.link_to("a/link", &to).unwrap_err().to_string().contains("symbolic link"));
    }

    #[test]
    fn across_file_systems_there_is_no_link() {
        let here = tempfile::tempdir().unwrap();
        let Ok(there) = tempfile::tempdir_in("/dev/shm") else { return };
        let device = |path: &std::path::Path| path.metadata().unwrap().dev();
        if device(here.path()) == device(there.path()) {
            return;
        }
        let (from, to) = (Disk::open(here.path()).unwrap(), Disk::open(there.path()).unwrap());
        from.publish("a/file", &mut &b"content"[..]).unwrap();
        assert!(!from.link_to("a/file", &to).unwrap());
    }
}
