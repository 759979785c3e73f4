//! Log files, record by record.

use assurance_metrics_model::{Labels, Timestamp};
use assurance_storage::StorageError;
use hashbrown::HashSet;

use super::{Finding, FindingKind, Inspection, MAX_FINDINGS};
use crate::chunk::Chunk;
use crate::index::MAX_SLOTS;
use crate::wal::frame::{
    HEADER_BYTES, Header, Kind, MAGIC, VERSION, frame_at, header, is_interrupted, next_frame, read_header,
};
use crate::wal::record::{Commit, chunks};
use crate::wal::{MAX_READ_BYTES, file_number};

/// What a log file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogInfo {
    /// The file.
    pub file: String,
    /// Its bytes.
    pub bytes: u64,
    /// Sound records.
    pub records: u64,
    /// Samples in them; a segment or another file may have them too.
    pub samples: u64,
    /// Series they belong to.
    pub series: usize,
    /// Which sort of file it is.
    pub kind: LogKind,
    /// The oldest sample.
    pub first: Option<Timestamp>,
    /// The newest sample.
    pub last: Option<Timestamp>,
    /// Bytes at its end that are no whole record.
    pub torn: u64,
    /// Other bytes that cannot be read.
    pub damaged: u64,
}

/// Which sort a log file is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogKind {
    /// No record yet; so is a checkpoint if nothing was in memory.
    Empty,
    /// What was committed since.
    Log,
    /// Everything that was in memory at one moment.
    Checkpoint,
}

impl LogKind {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Log => "log",
            Self::Checkpoint => "checkpoint",
        }
    }
}

/// A log file that was read.
pub(super) struct LogFile {
    pub(super) info: LogInfo,
    pub(super) findings: Vec<Finding>,
    /// Up to here it is whole records, or damage between them.
    pub(super) whole: usize,
}

impl Inspection {
    /// Reads a log file. What is left at the end of the newest one belongs to its life.
    pub(super) fn read_log(&self, name: &str, is_newest: bool) -> Result<(LogFile, Vec<u8>), StorageError> {
        let bytes = self.storage.read(name, MAX_READ_BYTES)?;
        Ok((Walk::new(name, &bytes, is_newest).run(), bytes))
    }
}

struct Walk<'b> {
    bytes: &'b [u8],
    is_newest: bool,
    file: LogFile,
    /// Which numbers have a name.
    named: Vec<bool>,
    series: HashSet<Labels>,
    /// Findings whose loss ends before the next sound record.
    open: usize,
}

impl<'b> Walk<'b> {
    fn new(name: &str, bytes: &'b [u8], is_newest: bool) -> Self {
        let info = LogInfo {
            file: name.to_owned(),
            bytes: bytes.len() as u64,
            records: 0,
            samples: 0,
            series: 0,
            kind: LogKind::Empty,
            first: None,
            last: None,
            torn: 0,
            damaged: 0,
        };
        let file = LogFile { info, findings: Vec::new(), whole: bytes.len() };
        Self { bytes, is_newest, file, named: Vec::new(), series: HashSet::new(), open: 0 }
    }

    fn run(mut self) -> LogFile {
        if file_number(&self.file.info.file).is_none() {
            self.note(FindingKind::Foreign, 0, self.bytes.len(), "not a file of this store");
            return self.file;
        }
        let mut at = match read_header(self.bytes) {
            Header::Sound => HEADER_BYTES,
            Header::Version(found) => {
                let what =
                    format!("written in format version {found}, and this program reads version {VERSION}");
                self.note(FindingKind::Version, 0, HEADER_BYTES, what);
                return self.file;
            }
            Header::Bad => self.without_header(),
        };
        while at < self.bytes.len() {
            let Some(frame) = frame_at(self.bytes, at) else {
                let Some(next) = next_frame(self.bytes, at + 1) else {
                    self.end(at);
                    break;
                };
                self.damage(FindingKind::Record, at, next, "the sum of a record does not match");
                at = next;
                continue;
            };
            let body = &self.bytes[frame.body.clone()];
            let read = match frame.kind {
                Kind::Commit => Commit::read(body).map(|commit| self.commit(&commit, at, frame.end())),
                Kind::Chunks => chunks(body).map(|series| self.chunks(&series)),
            };
            match read {
                Some(()) => self.file.info.records += 1,
                None => {
                    let what = "the sum of a record matches, but it cannot be read";
                    self.damage(FindingKind::Record, at, frame.end(), what);
                }
            }
            at = frame.end();
        }
        self.file.info.series = self.series.len();
        self.file.findings = shortened(self.file.findings, &self.file.info);
        self.file
    }

    /// As a store does it: damaged if it holds records, unfinished if it holds no more than a header, and else
    /// somebody else's.
    fn without_header(&mut self) -> usize {
        if let Some(first) = next_frame(self.bytes, 0) {
            self.note(FindingKind::Header, 0, first, "the header of a log file is damaged");
            self.file.info.damaged += first as u64;
            return first;
        }
        let begun = header().iter().zip(self.bytes).take_while(|(written, found)| written == found).count();
        if begun >= MAGIC.len() || self.bytes[begun..].iter().all(|byte| *byte == 0) {
            if !self.bytes.is_empty() {
                self.end(0);
            }
        } else {
            self.note(FindingKind::Foreign, 0, self.bytes.len(), "not a file of this store");
        }
        self.bytes.len()
    }

    fn commit(&mut self, commit: &Commit, from: usize, to: usize) {
        self.file.info.kind = LogKind::Log;
        let first = commit.named.first as usize;
        if first > MAX_SLOTS {
            let what = "a record numbers more series than there can be";
            return self.damage(FindingKind::Record, from, to, what);
        }
        let count = (first + commit.named.labels.len()).max(self.named.len());
        self.named.resize(count, false);
        self.named[first..first + commit.named.labels.len()].fill(true);
        self.series.extend(commit.named.labels.iter().cloned());
        let is_named = |number: u32| self.named.get(number as usize) == Some(&true);
        let (mut unnamed, mut first, mut last) = (0, Timestamp::MAX, Timestamp::MIN);
        let mut seen: Option<(Timestamp, Timestamp)> = None;
        let mut samples = 0;
        for (number, at, _) in &commit.samples {
            if is_named(*number) {
                samples += 1;
                seen = Some(seen.map_or((*at, *at), |(from, to)| (from.min(*at), to.max(*at))));
            } else {
                unnamed += 1;
                (first, last) = (first.min(*at), last.max(*at));
            }
        }
        self.file.info.samples += samples;
        if unnamed > 0 {
            // What was lost before lies before these, too.
            self.close(first.min(seen.map_or(first, |seen| seen.0)));
            self.unnamed(
                from,
                to,
                super::Lost { samples: Some(unnamed), first: Some(first), last: Some(last) },
            );
        }
        self.saw(seen);
    }

    /// Records that need the same one that is damaged are told of together.
    fn unnamed(&mut self, from: usize, to: usize, lost: super::Lost) {
        let bytes = (to - from) as u64;
        self.file.info.damaged += bytes;
        match self.file.findings.last_mut() {
            Some(before) if before.kind == FindingKind::Names => {
                before.bytes += bytes;
                before.lost.samples = before.lost.samples.zip(lost.samples).map(|(a, b)| a + b);
                before.lost.first = before.lost.first.min(lost.first);
                before.lost.last = before.lost.last.max(lost.last);
            }
            _ => {
                let what = "the series of these records are named in a record that is damaged";
                self.note(FindingKind::Names, from, to, what);
                if let Some(finding) = self.file.findings.last_mut() {
                    finding.lost = lost;
                }
                self.open = self.file.findings.len();
            }
        }
    }

    fn chunks(&mut self, series: &[(Labels, Vec<Chunk>)]) {
        self.file.info.kind = LogKind::Checkpoint;
        for (labels, chunks) in series {
            self.series.insert(labels.clone());
            self.file.info.samples += chunks.iter().map(|chunk| u64::from(chunk.count())).sum::<u64>();
            let ends = chunks.first().zip(chunks.last());
            self.saw(ends.map(|(first, last)| (first.first(), last.last())));
        }
    }

    /// Sound samples between these times follow what was lost.
    fn saw(&mut self, seen: Option<(Timestamp, Timestamp)>) {
        let Some((first, last)) = seen else { return };
        self.close(last);
        let info = &mut self.file.info;
        info.first = Some(info.first.map_or(first, |known| known.min(first)));
        info.last = Some(info.last.map_or(last, |known| known.max(last)));
    }

    /// What was lost so far is not newer than `last`.
    fn close(&mut self, last: Timestamp) {
        // Records of a log follow each other in time, more or less; those of a checkpoint do not.
        if self.file.info.kind != LogKind::Checkpoint {
            for finding in &mut self.file.findings[self.open..] {
                finding.lost.last = Some(last);
            }
        }
        self.open = self.file.findings.len();
    }

    /// What is after the last sound record.
    fn end(&mut self, at: usize) {
        if is_interrupted(self.bytes, at) {
            self.file.whole = at;
            self.file.info.torn = (self.bytes.len() - at) as u64;
            if self.is_newest {
                self.note(FindingKind::TornTail, at, self.bytes.len(), "the last record is not whole");
            } else {
                let what = "a file that takes no more records ends within one";
                self.note(FindingKind::TornEnd, at, self.bytes.len(), what);
            }
        } else {
            let what = "the sum of a record does not match, and nothing sound follows";
            self.damage(FindingKind::Record, at, self.bytes.len(), what);
        }
    }

    fn damage(&mut self, kind: FindingKind, from: usize, to: usize, what: &str) {
        self.file.info.damaged += (to - from) as u64;
        self.note(kind, from, to, what);
    }

    fn note(&mut self, kind: FindingKind, from: usize, to: usize, what: impl Into<String>) {
        let name = &self.file.info.file;
        let mut finding = Finding::new(kind, name, from as u64, (to - from) as u64, what);
        let is_record = matches!(kind, FindingKind::Record | FindingKind::TornEnd | FindingKind::TornTail);
        if kind == FindingKind::Header {
            finding = finding.costs(Some(0), None, None);
        } else if is_record && self.file.info.kind != LogKind::Checkpoint {
            finding = finding.costs(None, self.file.info.last, None);
        }
        self.file.findings.push(finding);
    }
}

/// As many findings as a person reads; of more, how many there are.
fn shortened(mut findings: Vec<Finding>, info: &LogInfo) -> Vec<Finding> {
    if findings.len() > MAX_FINDINGS {
        let more = findings.split_off(MAX_FINDINGS);
        let what = format!("{} more findings in this file", more.len());
        let finding = Finding::new(FindingKind::Record, &info.file, more[0].offset, 0, what);
        let bytes = more.iter().map(|finding| finding.bytes).sum();
        findings.push(Finding { bytes, ..finding }.costs(None, more[0].lost.first, info.last));
    }
    findings
}
