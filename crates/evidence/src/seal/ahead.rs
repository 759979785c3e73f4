//! What sealing a file takes longest for, done on other threads while the files before it are published.
//!
//! These threads read and compute. Everything that is written is written by the thread that seals, in the order it
//! always was, whether something was done ahead or not; where it was not, or did not work out, that thread does it.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use assurance_storage::{Reader, Storage};
use assurance_tlog::Hash;

use super::publish::checksum;
use crate::compress::Frame;
use crate::lines::LineHashes;
use crate::names::in_published;
use crate::{Day, Digest};

/// The most threads that are used: two for a file, and two files are ahead of the disk.
const MAX_THREADS: usize = 4;

/// The most that is held of a file's frame, and of the hashes of its lines: those of 1,048,576 lines. Of the file that
/// is published and two ahead of it, that is 192 MiB.
const MAX_HELD_BYTES: usize = 32 * 1024 * 1024;

/// How much is compressed at a time.
const READ_BYTES: usize = 256 * 1024;

/// A published file of events that no leaf seals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    pub(super) day: Day,
    pub(super) supplement: Option<u32>,
    pub(super) bytes: u64,
}

/// What was done of a file ahead.
#[derive(Default)]
pub(super) struct Prepared {
    pub(super) hashed: Option<Hashed>,
    pub(super) begun: Option<Begun>,
}

/// A file whose content is the published one, and the hashes of its lines.
pub(super) struct Hashed {
    pub(super) sha256: Digest,
    pub(super) leaves: Vec<u8>,
    /// Bytes, lines and root.
    pub(super) summary: (u64, u64, Hash),
}

/// The frame of a file of so many bytes, of which so many were pushed.
pub(super) struct Begun {
    pub(super) frame: Frame,
    pub(super) bytes: u64,
    pub(super) pushed: u64,
}

/// What other threads do while one seals.
pub(super) struct Ahead<'a> {
    storage: &'a dyn Storage,
    /// The names of the files, as they are published, and their lengths.
    files: Vec<(String, u64)>,
    /// How many files ahead of the present one.
    window: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The file that is being published.
    at: usize,
    /// The next part to be done: each file has two.
    next: usize,
    done: BTreeMap<usize, Done>,
    /// Whether nothing more is to be done.
    over: bool,
}

enum Done {
    Hashed(Option<Hashed>),
    Begun(Option<Begun>),
}

impl Ahead<'_> {
    /// Calls back with what is done ahead, on so many threads; with one, that is nothing.
    pub(super) fn of<T>(
        storage: &dyn Storage,
        files: Vec<(String, u64)>,
        threads: usize,
        seal: impl FnOnce(&Ahead<'_>) -> T,
    ) -> T {
        let threads = if threads > 1 { threads.min(MAX_THREADS).min(2 * files.len()) } else { 0 };
        let state = Mutex::new(State { over: threads == 0, ..State::default() });
        let ahead = Ahead { storage, files, window: threads.div_ceil(2), state, changed: Condvar::new() };
        std::thread::scope(|scope| {
            let _end = End { ahead: &ahead, by_panic: false };
            for _ in 0..threads {
                scope.spawn(|| {
                    let _end = End { ahead: &ahead, by_panic: true };
                    ahead.work();
                });
            }
            seal(&ahead)
        })
    }

    /// What was done of a file; waits for what is being done. Files are taken in their order.
    pub(super) fn take(&self, file: usize) -> Prepared {
        let mut state = self.state();
        state.at = file;
        self.changed.notify_all();
        let (first, second) = (2 * file, 2 * file + 1);
        while !(state.over || state.done.contains_key(&first) && state.done.contains_key(&second)) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let mut prepared = Prepared::default();
        for part in [first, second] {
            match state.done.remove(&part) {
                Some(Done::Hashed(hashed)) => prepared.hashed = hashed,
                Some(Done::Begun(begun)) => prepared.begun = begun,
                None => {}
            }
        }
        prepared
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what is next until nothing is left.
    fn work(&self) {
        let mut state = self.state();
        loop {
            let part = state.next;
            let Some((name, bytes)) = self.files.get(part / 2).filter(|_| !state.over) else { return };
            if part / 2 > state.at + self.window {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.next += 1;
            drop(state);
            // What fails here fails again where it is told.
            let done = if part.is_multiple_of(2) {
                Done::Hashed(hash(self.storage, name).ok().flatten())
            } else {
                Done::Begun(begin(self.storage, name, *bytes).ok())
            };
            state = self.state();
            state.done.insert(part, done);
            self.changed.notify_all();
        }
    }
}

/// Ends what is done ahead when it goes out of scope: nobody waits for one who is not there any more.
struct End<'a> {
    ahead: &'a Ahead<'a>,
    /// Whether only a panic is an end, as it is of one thread of several.
    by_panic: bool,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        if !self.by_panic || std::thread::panicking() {
            self.ahead.state().over = true;
            self.ahead.changed.notify_all();
        }
    }
}

/// The hashes of a file's lines, unless they are too many.
fn hash(storage: &dyn Storage, bare: &str) -> io::Result<Option<Hashed>> {
    let Ok(sha256) = checksum(storage, bare) else { return Ok(None) };
    let name = in_published(bare);
    let mut content = Reader::new(storage, &name);
    let mut hashes = LineHashes::new(&mut content, sha256);
    let mut leaves = Vec::new();
    hashes.by_ref().take(MAX_HELD_BYTES as u64).read_to_end(&mut leaves)?;
    if hashes.read(&mut [0])? > 0 {
        return Ok(None);
    }
    Ok(Some(Hashed { sha256, leaves, summary: hashes.summary() }))
}

/// The frame of a file, as far as it may be held.
fn begin(storage: &dyn Storage, bare: &str, bytes: u64) -> io::Result<Begun> {
    let name = in_published(bare);
    let mut content = Reader::new(storage, &name);
    let mut begun = Begun { frame: Frame::new(bytes)?, bytes, pushed: 0 };
    let mut piece = vec![0; READ_BYTES];
    while begun.frame.made().len() < MAX_HELD_BYTES {
        let count = content.read(&mut piece)?;
        if count == 0 {
            break;
        }
        begun.frame.push(&piece[..count])?;
        begun.pushed += count as u64;
    }
    Ok(begun)
}
