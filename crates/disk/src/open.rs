//! Files that are read again and again, kept open.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

/// Descriptors by name, the one used last at the end.
#[derive(Debug, Default)]
pub(crate) struct OpenFiles {
    most: usize,
    files: Mutex<Vec<(String, Arc<OwnedFd>)>>,
}

impl OpenFiles {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, files: Mutex::default() }
    }

    /// The file's descriptor, opened where it is not open.
    pub(crate) fn get<E>(
        &self,
        name: &str,
        open: impl FnOnce() -> Result<OwnedFd, E>,
    ) -> Result<Arc<OwnedFd>, E> {
        if self.most == 0 {
            return open().map(Arc::new);
        }
        let held = || self.files.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut files = held();
            if let Some(place) = files.iter().rposition(|(held, _)| held == name) {
                let used = files.remove(place);
                let fd = Arc::clone(&used.1);
                files.push(used);
                return Ok(fd);
            }
        }
        // Opened without the lock: a slow disk holds up only those who want this one.
        let fd = Arc::new(open()?);
        let mut files = held();
        files.retain(|(held, _)| held != name);
        if files.len() >= self.most {
            files.remove(0);
        }
        files.push((name.to_owned(), Arc::clone(&fd)));
        Ok(fd)
    }

    /// Closes a file whose name is about to go, or to name another; whoever reads it finishes.
    pub(crate) fn close(&self, name: &str) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).retain(|(held, _)| held != name);
    }

    #[cfg(test)]
    fn names(&self) -> Vec<String> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.iter().map(|(name, _)| name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_used_last_stay_open() {
        let files = OpenFiles::new(2);
        let mut opened = Vec::new();
        for name in ["a", "b", "a", "c", "a", "b"] {
            let open = || {
                opened.push(name);
                rustix::fs::open("/dev/null", rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty())
            };
            files.get(name, open).expect("there is a null device");
        }
        assert_eq!(opened, ["a", "b", "c", "b"]);
        assert_eq!(files.names(), ["a", "b"]);
        files.close("a");
        assert_eq!(files.names(), ["b"]);
    }
}
