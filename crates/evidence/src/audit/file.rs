//! One sealed file in its two forms, against what the log says of it.

use std::io::{self, Read};

use assurance_storage::{Reader, Storage, StorageError};
use assurance_tlog::{Frontier, Hash};
use sha2::{Digest as _, Sha256};

use super::bytes::{Change, Difference, difference, is_same};
use super::lines::{LineChange, compare};
use super::mend::{MAX_TRIED_BYTES, mend};
use super::{Class, Finding};
use crate::compress::{self, Decoded};
use crate::lines::each_line;
use crate::names::{MAX_SIDECAR_BYTES, sidecar, sidecar_line};
use crate::{Day, Digest};

/// The most lines whose hashes are held to say which of them differ: 320 MB each for what was sealed and what is there.
const MAX_LINES_COMPARED: u64 = 10_000_000;
/// What the log says of a file.
#[derive(Clone, Debug)]
pub(super) struct Sealed {
    pub(super) day: Day,
    pub(super) leaf: u64,
    /// Its names, relative to the archive: plain, compressed, and the leaf hashes of its lines.
    pub(super) plain: String,
    pub(super) cold: String,
    pub(super) leaves: Option<String>,
    pub(super) bytes: u64,
    pub(super) lines: u64,
    pub(super) sha256: Digest,
    /// Over its lines.
    pub(super) root: Option<Hash>,
    pub(super) zstd_bytes: u64,
    pub(super) zstd_sha256: Digest,
}

/// What is there of a form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Good,
    Missing,
    Bad { digest: Digest },
}

/// What checking found besides the findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Presence {
    pub(super) plain: bool,
    pub(super) cold: bool,
}

pub(super) struct FileCheck<'a> {
    pub(super) storage: &'a dyn Storage,
    pub(super) sealed: &'a Sealed,
    /// Whether the plain form may be gone, as it is after a while.
    pub(super) may_be_cold: bool,
    pub(super) findings: &'a mut Vec<Finding>,
}

impl FileCheck<'_> {
    pub(super) fn run(mut self) -> Result<Presence, StorageError> {
        let sealed = self.sealed;
        let plain = self.plain()?;
        let cold = self.cold(plain == Form::Good)?;
        let presence = Presence { plain: plain != Form::Missing, cold: cold != Form::Missing };
        if !presence.plain && !presence.cold {
            return Ok(presence); // whoever asks knows whether that may be
        }
        match plain {
            Form::Good => self.sidecar(&sealed.plain, sealed.sha256, plain)?,
            Form::Missing if self.may_be_cold => {}
            Form::Missing => self.find(Class::MissingFile, &sealed.plain, None, "the plain file is gone"),
            Form::Bad { digest } => {
                let fits = self.sidecar_fits(&sealed.plain, digest)?;
                self.name_plain(cold == Form::Good, fits)?;
                if !fits {
                    self.sidecar(&sealed.plain, sealed.sha256, plain)?;
                }
            }
        }
        match cold {
            Form::Good => self.sidecar(&sealed.cold, sealed.zstd_sha256, cold)?,
            Form::Missing => self.find(Class::MissingFile, &sealed.cold, None, "the compressed file is gone"),
            Form::Bad { digest } => {
                let fits = self.sidecar_fits(&sealed.cold, digest)?;
                self.name_cold(plain == Form::Good, fits)?;
                if !fits {
                    self.sidecar(&sealed.cold, sealed.zstd_sha256, cold)?;
                }
            }
        }
        self.leaves(plain == Form::Good, cold == Form::Good)?;
        Ok(presence)
    }

    fn find(&mut self, class: Class, file: &str, line: Option<u64>, message: impl Into<String>) {
        let finding = Finding::integrity(class, file, message).of_day(self.sealed.day).at_line(line);
        self.findings.push(finding.at_leaf(self.sealed.leaf));
    }

    /// Reads the plain form once: checksum, lines and their root together.
    fn plain(&mut self) -> Result<Form, StorageError> {
        let name = &self.sealed.plain;
        let Some(read) = summarise(&mut Reader::new(self.storage, name), self.sealed.root.is_some())
            .map(Some)
            .or_else(|error| missing(self.storage, name, error))?
        else {
            return Ok(Form::Missing);
        };
        if read.sha256 != self.sealed.sha256 {
            return Ok(Form::Bad { digest: read.sha256 });
        }
        self.contradictions(&read);
        Ok(Form::Good)
    }

    /// The file is the sealed one; its other measures must be those of the leaf.
    fn contradictions(&mut self, read: &Summary) {
        let sealed = self.sealed;
        let mut wrong = Vec::new();
        if read.bytes != sealed.bytes {
            wrong.push("length");
        }
        if read.lines != sealed.lines {
            wrong.push("number of lines");
        }
        if sealed.root.is_some_and(|root| read.root != Some(root)) {
            wrong.push("root over its lines");
        }
        if !wrong.is_empty() {
            let message =
                format!("the leaf has this file's checksum, and another {}", wrong.join(", another "));
            self.find(Class::Manifest, &sealed.plain, None, message);
        }
    }

    /// Reads the compressed form once. Beside a plain form that is what was sealed, it must hold that; alone, it is
    /// measured as a plain one would be.
    fn cold(&mut self, has_plain: bool) -> Result<Form, StorageError> {
        let (storage, sealed) = (self.storage, self.sealed);
        let mut hashing = Hashing::new(Reader::new(storage, &sealed.cold));
        let decoded = compress::decode(&mut hashing, |content| {
            if has_plain {
                let plain = &mut Reader::new(storage, &sealed.plain);
                return Ok(if is_same(content, plain)? { Held::Plain } else { Held::Else });
            }
            summarise(content, sealed.root.is_some()).map(Held::Measured)
        });
        // Where it is no frame, the rest was not read yet.
        if let Err(error) = io::copy(&mut hashing, &mut io::sink()) {
            return missing::<Form>(storage, &sealed.cold, error).map(|_| Form::Missing);
        }
        let digest = Digest::from(hashing.hasher);
        if digest != sealed.zstd_sha256 || hashing.bytes != sealed.zstd_bytes {
            return Ok(Form::Bad { digest });
        }
        match decoded {
            Ok(Decoded { value: Held::Plain, trailing: 0 }) => {}
            Ok(Decoded { value: Held::Measured(read), trailing: 0 }) if read.sha256 == sealed.sha256 => {
                self.contradictions(&read);
            }
            _ => {
                let message = "the leaf has this file's checksum, but not its content's";
                self.find(Class::Manifest, &sealed.cold, None, message);
            }
        }
        Ok(Form::Good)
    }

    /// Says in what way the plain form differs.
    fn name_plain(&mut self, has_cold: bool, fits: bool) -> Result<(), StorageError> {
        let sealed = self.sealed;
        let exact = has_cold.then(|| {
            let mut cold = Reader::new(self.storage, &sealed.cold);
            compress::decode(&mut cold, |content| {
                difference(content, &mut Reader::new(self.storage, &sealed.plain))
            })
        });
        let exact = match exact.and_then(Result::ok).and_then(|decoded| decoded.value) {
            None => self.tried(&sealed.plain, sealed.bytes, sealed.sha256)?,
            exact => exact,
        };
        let sealed_lines = match exact {
            Some(_) if has_cold => {
                let mut cold = Reader::new(self.storage, &sealed.cold);
                compress::decode(&mut cold, line_hashes).ok().and_then(|decoded| decoded.value)
            }
            _ => self.committed_lines()?,
        };
        let present = line_hashes(&mut Reader::new(self.storage, &sealed.plain)).ok().flatten();
        let lines = sealed_lines.zip(present).and_then(|(sealed, present)| compare(&sealed, &present));
        self.name(&sealed.plain, exact, lines.as_ref(), fits);
        Ok(())
    }

    /// The one bit that differs, found by trying, where no other form is left to compare with.
    fn tried(&self, name: &str, bytes: u64, sealed: Digest) -> Result<Option<Difference>, StorageError> {
        if bytes > MAX_TRIED_BYTES || storage_length(self.storage, name)? != bytes {
            return Ok(None);
        }
        let mut found = self.storage.read(name, MAX_TRIED_BYTES)?;
        let Some(change) = mend(&mut found, |tried| Digest::of(tried) == sealed) else { return Ok(None) };
        let line = match change {
            Change::BitFlip { offset, .. } => {
                let before = found.iter().zip(0..offset).filter(|(byte, _)| **byte == b'\n');
                before.count() as u64 + 1
            }
            _ => 1,
        };
        Ok(Some(Difference { change, line }))
    }

    /// The leaf hashes that were kept, if they are those of the root.
    fn committed_lines(&self) -> Result<Option<Vec<Hash>>, StorageError> {
        let (Some(name), Some(root)) = (&self.sealed.leaves, self.sealed.root) else { return Ok(None) };
        if self.sealed.lines > MAX_LINES_COMPARED {
            return Ok(None);
        }
        let bytes = match self.storage.read(name, MAX_LINES_COMPARED * Hash::BYTES as u64) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() || error.is_too_large() => return Ok(None),
            Err(error) => return Err(error),
        };
        let hashes = hashes_of(&bytes);
        Ok(hashes.filter(|hashes| root_over(hashes) == root))
    }

    /// Says in what way the compressed form differs.
    fn name_cold(&mut self, has_plain: bool, fits: bool) -> Result<(), StorageError> {
        let (storage, sealed) = (self.storage, self.sealed);
        let mut exact = None;
        if has_plain {
            // The same content gives the same frame at the same level, unless another version of the compressor made it.
            for level in compress::LEVELS {
                let made = compress::encode(&mut Reader::new(storage, &sealed.plain), level, sealed.bytes);
                if let Ok(frame) = made
                    && Digest::of(&frame) == sealed.zstd_sha256
                {
                    exact =
                        difference(&mut &frame[..], &mut Reader::new(storage, &sealed.cold)).ok().flatten();
                    break;
                }
            }
        } else {
            exact = self.tried(&sealed.cold, sealed.zstd_bytes, sealed.zstd_sha256)?;
        }
        let class = match exact.map(|exact| exact.change) {
            Some(Change::Appended { .. }) => Some(Class::AppendedAfterFrame),
            Some(Change::BitFlip { .. } | Change::Truncated { .. }) if fits => Some(Class::ReplacedFile),
            Some(Change::BitFlip { .. }) => Some(Class::BitFlip),
            Some(Change::Truncated { .. }) => Some(Class::Truncated),
            // What is in it says more than that bytes differ.
            Some(Change::Other { .. }) | None => None,
        };
        if let (Some(class), Some(exact)) = (class, exact) {
            self.find(class, &sealed.cold, None, told(exact.change.text(), fits));
            return Ok(());
        }
        let decoded = compress::decode(&mut Reader::new(storage, &sealed.cold), line_hashes_and_digest);
        match decoded {
            Ok(Decoded { value: (digest, _), trailing: rest }) if digest == sealed.sha256 => {
                let (class, message) = if rest > 0 {
                    (Class::AppendedAfterFrame, told(format!("{rest} bytes follow the frame"), fits))
                } else {
                    (Class::ReplacedFile, "it was compressed anew: the content is the sealed one".to_owned())
                };
                self.find(class, &sealed.cold, None, message);
            }
            Ok(Decoded { value: (_, present), .. }) => {
                let kept = if has_plain {
                    line_hashes(&mut Reader::new(storage, &sealed.plain)).ok().flatten()
                } else {
                    self.committed_lines()?
                };
                let lines = kept.zip(present).and_then(|(sealed, present)| compare(&sealed, &present));
                self.name(&sealed.cold, None, lines.as_ref(), fits);
            }
            Err(error) => {
                let found = storage_length(storage, &sealed.cold)?;
                let (class, message) = if fits {
                    (Class::ReplacedFile, told(format!("it cannot be decompressed: {error}"), fits))
                } else if found < sealed.zstd_bytes {
                    (Class::Truncated, format!("it has {found} of {} bytes", sealed.zstd_bytes))
                } else {
                    (Class::ChangedBytes, format!("it cannot be decompressed: {error}"))
                };
                self.find(class, &sealed.cold, None, message);
            }
        }
        Ok(())
    }

    fn name(&mut self, file: &str, exact: Option<Difference>, lines: Option<&LineChange>, fits: bool) {
        let how = match (&exact, lines) {
            (Some(Difference { change: change @ Change::BitFlip { .. }, .. }), _) => change.text(),
            (_, Some(lines)) => lines.text(),
            (Some(exact), None) => exact.change.text(),
            (None, None) => "nothing is left to say which lines".to_owned(),
        };
        let line = match (&exact, lines) {
            (Some(Difference { change: Change::BitFlip { .. } | Change::Truncated { .. }, line }), _) => {
                Some(*line)
            }
            (_, Some(lines)) => Some(lines.line),
            (Some(exact), None) => Some(exact.line),
            (None, None) => None,
        };
        let class = match (&exact, lines) {
            _ if fits => Class::ReplacedFile,
            (Some(Difference { change: Change::BitFlip { .. }, .. }), _) => Class::BitFlip,
            (Some(Difference { change: Change::Truncated { .. }, .. }), _) => Class::Truncated,
            (_, Some(lines)) => lines.class,
            (_, None) => Class::ChangedBytes,
        };
        self.find(class, file, line, told(how, fits));
    }

    /// The kept hashes of lines, whose expected bytes follow from any good form.
    fn leaves(&mut self, plain: bool, cold: bool) -> Result<(), StorageError> {
        let (Some(name), Some(root)) = (self.sealed.leaves.clone(), self.sealed.root) else { return Ok(()) };
        let bytes = match self.storage.read(&name, MAX_LINES_COMPARED * Hash::BYTES as u64) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => {
                self.find(Class::MissingFile, &name, None, "the hashes of the lines are gone");
                return Ok(());
            }
            Err(error) if error.is_too_large() && self.sealed.lines > MAX_LINES_COMPARED => return Ok(()),
            Err(error) if error.is_too_large() => {
                self.find(Class::ChangedBytes, &name, None, "longer than the file it is of");
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if hashes_of(&bytes).is_some_and(|hashes| root_over(&hashes) == root) {
            return Ok(());
        }
        let sealed = if plain {
            line_hashes(&mut Reader::new(self.storage, &self.sealed.plain)).ok().flatten()
        } else if cold {
            compress::decode(&mut Reader::new(self.storage, &self.sealed.cold), line_hashes)
                .ok()
                .and_then(|decoded| decoded.value)
        } else {
            None
        };
        let sealed: Option<Vec<u8>> =
            sealed.map(|hashes| hashes.iter().flat_map(|hash| *hash.as_bytes()).collect());
        let exact = sealed.and_then(|sealed| difference(&mut &sealed[..], &mut &bytes[..]).ok().flatten());
        let (class, message) = match exact {
            Some(Difference { change: change @ Change::BitFlip { .. }, .. }) => {
                (Class::BitFlip, change.text())
            }
            Some(Difference { change: change @ Change::Truncated { .. }, .. }) => {
                (Class::Truncated, change.text())
            }
            Some(exact) => (Class::ChangedBytes, exact.change.text()),
            None => (Class::ChangedBytes, "it does not give the sealed root".to_owned()),
        };
        self.find(class, &name, None, message);
        Ok(())
    }

    /// Whether the checksum file says what is there.
    fn sidecar_fits(&self, name: &str, digest: Digest) -> Result<bool, StorageError> {
        Ok(self.sidecar_text(name)?.is_some_and(|text| text == sidecar_of(name, digest).as_bytes()))
    }

    fn sidecar_text(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        match self.storage.read(&sidecar(name), MAX_SIDECAR_BYTES) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) if error.is_too_large() => Ok(Some(Vec::new())),
            Err(error) => Err(error),
        }
    }

    /// The checksum file must say what was sealed.
    fn sidecar(&mut self, name: &str, sealed: Digest, form: Form) -> Result<(), StorageError> {
        let file = sidecar(name);
        let expected = sidecar_of(name, sealed);
        match self.sidecar_text(name)? {
            Some(text) if text == expected.as_bytes() => {}
            Some(text) => {
                let exact = difference(&mut expected.as_bytes(), &mut &text[..]).ok().flatten();
                let (class, message) = match exact.map(|difference| difference.change) {
                    Some(change @ Change::BitFlip { .. }) => (Class::BitFlip, change.text()),
                    Some(change) => (Class::ChecksumFile, change.text()),
                    None => return Ok(()),
                };
                self.find(class, &file, None, message);
            }
            None if form == Form::Good => {
                self.find(Class::MissingFile, &file, None, "the checksum file is gone");
            }
            None => {}
        }
        Ok(())
    }
}

/// What was done, and that somebody hid it.
fn told(how: String, fits: bool) -> String {
    if fits { format!("{how}, and the checksum file was made to fit") } else { how }
}

/// The one line of a checksum file.
fn sidecar_of(name: &str, digest: Digest) -> String {
    sidecar_line(name.rsplit('/').next().unwrap_or(name), digest)
}

/// Whether a failure to read was that there is no such file.
fn missing<T>(storage: &dyn Storage, name: &str, error: io::Error) -> Result<Option<T>, StorageError> {
    match storage.read_at(name, 0, &mut [0]) {
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
        Ok(_) => Err(StorageError::new(
            assurance_storage::Operation::Read,
            name,
            assurance_storage::StorageErrorKind::Content(error),
        )),
    }
}

fn storage_length(storage: &dyn Storage, name: &str) -> Result<u64, StorageError> {
    let directory = name.rsplit_once('/').map_or("", |(directory, _)| directory);
    let entries = storage.list(directory)?;
    Ok(entries.iter().find(|entry| entry.name == name).map_or(0, |entry| entry.bytes))
}

/// What a frame held.
enum Held {
    /// What the plain form is.
    Plain,
    /// Something else.
    Else,
    Measured(Summary),
}

/// The measures of a file's content.
struct Summary {
    sha256: Digest,
    bytes: u64,
    lines: u64,
    root: Option<Hash>,
}

/// Reads content once.
fn summarise(content: &mut dyn Read, with_root: bool) -> io::Result<Summary> {
    let (mut lines, mut edge) = (0, Frontier::new());
    let (sha256, bytes) = each_line(content, with_root, |hash| {
        lines += 1;
        if let Some(hash) = hash {
            // Cannot fail: no file has so many lines.
            edge.push(hash).ok();
        }
    })?;
    Ok(Summary { sha256, bytes, lines, root: with_root.then(|| edge.root()) })
}

fn line_hashes(content: &mut dyn Read) -> io::Result<Option<Vec<Hash>>> {
    line_hashes_and_digest(content).map(|(_, hashes)| hashes)
}

/// The hashes of all lines, where they are not too many.
fn line_hashes_and_digest(content: &mut dyn Read) -> io::Result<(Digest, Option<Vec<Hash>>)> {
    let (mut hashes, mut count) = (Vec::new(), 0);
    let (digest, _) = each_line(content, true, |hash| {
        count += 1;
        if count <= MAX_LINES_COMPARED {
            hashes.extend(hash);
        }
    })?;
    Ok((digest, (count <= MAX_LINES_COMPARED).then_some(hashes)))
}

fn hashes_of(bytes: &[u8]) -> Option<Vec<Hash>> {
    if !bytes.len().is_multiple_of(Hash::BYTES) {
        return None;
    }
    Some(bytes.chunks_exact(Hash::BYTES).map(|hash| Hash::new(hash.try_into().unwrap_or_default())).collect())
}

fn root_over(hashes: &[Hash]) -> Hash {
    let mut edge = Frontier::new();
    for hash in hashes {
        edge.push(*hash).ok();
    }
    edge.root()
}

/// Passes bytes on and hashes them.
struct Hashing<R> {
    reader: R,
    hasher: Sha256,
    bytes: u64,
}

impl<R> Hashing<R> {
    fn new(reader: R) -> Self {
        Self { reader, hasher: Sha256::new(), bytes: 0 }
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}
