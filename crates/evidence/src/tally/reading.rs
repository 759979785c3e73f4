use std::io::{self, BufRead, BufReader, Read};

use assurance_storage::{Reader, Storage, StorageError};

use super::{Counts, TallyError};
use crate::compress;
use crate::names::{compressed, in_cold, in_published};
use crate::{Day, Fact};

/// Where the lines of a day's file are found: in the open file, the published one, or the compressed one.
pub(super) struct Source<'a> {
    pub(super) day: Day,
    /// The bare name that it is, or will be, published under.
    pub(super) published: &'a str,
    /// Its name while it is open.
    pub(super) open: Option<&'a str>,
    /// Whether its lines are facts.
    pub(super) facts: bool,
}

impl Source<'_> {
    /// Counts the lines between two offsets; nothing where no form of the file has them any more.
    pub(super) fn count(
        &self,
        storage: &dyn Storage,
        from: u64,
        to: u64,
    ) -> Result<Option<Counts>, TallyError> {
        let plain = in_published(self.published);
        for name in self.open.into_iter().chain([plain.as_str()]) {
            if !exists(storage, name)? {
                continue;
            }
            let mut content = BufReader::with_capacity(128 * 1024, Reader::range(storage, name, from, to));
            let (counts, read) = self.lines(&mut content).map_err(|error| unreadable(name, &error))?;
            if read == to - from {
                return Ok(Some(counts));
            }
        }
        let cold = in_cold(&compressed(self.published));
        if !exists(storage, &cold)? {
            return Ok(None);
        }
        let decoded = compress::decode(&mut Reader::new(storage, &cold), |content| {
            io::copy(&mut content.take(from), &mut io::sink())?;
            self.lines(&mut BufReader::new(content.take(to - from)))
        });
        let (counts, read) = decoded.map_err(|error| unreadable(&cold, &error))?.value;
        Ok((read == to - from).then_some(counts))
    }

    fn lines(&self, content: &mut dyn BufRead) -> io::Result<(Counts, u64)> {
        let (mut counts, mut read, mut line) = (Counts::default(), 0, Vec::new());
        loop {
            line.clear();
            // Nothing longer than an answer was ever written.
            let count = content.take(crate::MAX_ANSWER_BYTES + 1).read_until(b'\n', &mut line)?;
            if count == 0 {
                return Ok((counts, read));
            }
            read += count as u64;
            if !self.facts {
                counts.event(&line);
            } else if let Ok(fact) = serde_json::from_slice::<Fact>(&line) {
                counts.fact(self.day, &fact);
            }
        }
    }
}

fn exists(storage: &dyn Storage, name: &str) -> Result<bool, StorageError> {
    match storage.read_at(name, 0, &mut [0]) {
        Ok(_) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

fn unreadable(file: &str, error: &io::Error) -> TallyError {
    TallyError::Unreadable { file: file.to_owned(), message: error.to_string() }
}
