//! Every byte of a store, compared with what was written.

use std::collections::BTreeSet;

use assurance_metrics_model::{Column, Labels, Timestamp};
use assurance_storage::{Entry, StorageError};

use super::walk::{BLOCK_BYTES, Sealed, Walk};
use super::{Finding, FindingKind, Inspection, MAX_FINDINGS, MAX_TRIES};
use crate::segment::index::{ChunkRef, SUM_BYTES};
use crate::segment::summary::Values;
use crate::segment::{Day, FOOTER_BYTES, Footer, HEADER_BYTES, MAX_INDEX_BYTES, parse_name, read_fully};
use crate::wal::file_number;

/// What [`Inspection::verify`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// What is not as it was written, or not as it should be.
    pub findings: Vec<Finding>,
    /// Segments read to their end.
    pub segments: usize,
    /// Log files read to their end.
    pub logs: usize,
    /// Bytes read.
    pub bytes: u64,
    /// Chunks of segments whose sums match.
    pub chunks: u64,
    /// Samples of segments that were decoded.
    pub segment_samples: u64,
    /// Samples of log files that were decoded; segments may have them too.
    pub log_samples: u64,
    /// The oldest sample.
    pub first: Option<Timestamp>,
    /// The newest sample.
    pub last: Option<Timestamp>,
    /// Files that were removed before they could be read: retention or a checkpoint did so.
    pub removed: usize,
}

/// How far a verification is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress<'p> {
    /// The file being read.
    pub file: &'p str,
    /// Bytes read so far.
    pub done: u64,
    /// Bytes there are, as far as is known.
    pub total: u64,
}

impl Verified {
    /// Whether nothing is damaged; the end of a log that is being written is not.
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(|finding| finding.kind.is_normal())
    }

    fn saw(&mut self, first: Option<Timestamp>, last: Option<Timestamp>) {
        self.first = [self.first, first].into_iter().flatten().min();
        self.last = self.last.max(last);
    }
}

impl Inspection {
    /// Reads every byte: the sums of all files, every chunk decoded, what the indexes and ends of segments say
    /// compared with what is in them, the records of log files. `progress` is told now and then.
    ///
    /// # Errors
    /// If a directory cannot be listed. A file that cannot be read is a finding, and the others are read.
    pub fn verify(&self, progress: &mut dyn FnMut(Progress<'_>)) -> Result<Verified, StorageError> {
        let mut verified = Verified::default();
        let mut seen = BTreeSet::new();
        // Until no file has come meanwhile.
        for _ in 0..MAX_TRIES {
            let logs = self.log_files()?;
            let segments = self.segment_files()?;
            let newest = logs.iter().rfind(|file| file_number(&file.name).is_some()).map(|f| f.name.clone());
            let all: Vec<Entry> =
                logs.into_iter().chain(segments).filter(|f| !seen.contains(&f.name)).collect();
            if all.is_empty() {
                break;
            }
            let total = verified.bytes + all.iter().map(|file| file.bytes).sum::<u64>();
            for file in all {
                let before = verified.clone();
                let mut tell = |done: u64| progress(Progress { file: &file.name, done, total });
                let outcome = if file.name.starts_with(crate::wal::DIRECTORY) {
                    self.verify_log(&file, newest.as_deref() == Some(&*file.name), &mut verified)
                } else {
                    self.verify_segment(&file, &mut verified, &mut tell)
                };
                match outcome {
                    Ok(()) => {}
                    Err(error) if error.is_not_found() => {
                        verified = before;
                        verified.removed += 1;
                    }
                    Err(error) => {
                        let what = error.to_string();
                        let finding = Finding::new(FindingKind::Unreadable, &file.name, 0, file.bytes, what);
                        verified.findings.push(finding.on(&file.name));
                    }
                }
                tell(verified.bytes);
                seen.insert(file.name);
            }
        }
        Ok(verified)
    }

    fn verify_log(&self, file: &Entry, is_newest: bool, verified: &mut Verified) -> Result<(), StorageError> {
        let (log, bytes) = self.read_log(&file.name, is_newest)?;
        verified.bytes += bytes.len() as u64;
        verified.logs += 1;
        verified.log_samples += log.info.samples;
        verified.saw(log.info.first, log.info.last);
        verified.findings.extend(log.findings);
        Ok(())
    }

    fn verify_segment(
        &self,
        file: &Entry,
        verified: &mut Verified,
        tell: &mut dyn FnMut(u64),
    ) -> Result<(), StorageError> {
        let Some((day, _)) = parse_name(&file.name) else {
            let what = "not a file of this store";
            verified.findings.push(Finding::new(FindingKind::Foreign, &file.name, 0, file.bytes, what));
            return Ok(());
        };
        let opened = self.open_segment(file)?;
        let end = file.bytes.saturating_sub(FOOTER_BYTES as u64);
        let mut bytes = [0; FOOTER_BYTES];
        read_fully(&*self.storage, &file.name, end, &mut bytes)?;
        let fits = |footer: &Footer| {
            footer.index_offset.checked_add(footer.index_bytes) == Some(end)
                && footer.index_offset >= HEADER_BYTES as u64
                && footer.index_bytes <= MAX_INDEX_BYTES
        };
        let footer = Footer::read(&bytes).filter(fits);
        if let Err(finding) = opened {
            let finding = finding.costs(None, Some(day.start()), Some(day.last()));
            let Some(footer) = footer.filter(|_| finding.kind == FindingKind::End) else {
                verified.findings.push(finding);
                verified.bytes += file.bytes;
                return Ok(());
            };
            // Its end is sound, so that it is the header which is not.
            let finding = Finding { kind: FindingKind::Header, bytes: HEADER_BYTES as u64, ..finding };
            verified.findings.push(finding.costs(
                Some(footer.samples),
                Some(footer.first),
                Some(footer.last),
            ));
        }
        let Some(footer) = footer else {
            let finding = Finding::new(
                FindingKind::End,
                &file.name,
                end,
                FOOTER_BYTES as u64,
                "the end of the segment does not say where its index is",
            );
            verified.findings.push(finding.on(&file.name).costs(None, Some(day.start()), Some(day.last())));
            return Ok(());
        };
        let walk = Walk::new(&self.storage, &file.name, &footer, BLOCK_BYTES);
        Check::new(file, day, footer, verified, tell).run(walk)
    }
}

impl Finding {
    /// With the day that the name of its file tells, if it is one of a segment.
    pub(super) fn on(self, file: &str) -> Self {
        match parse_name(file).and_then(|(day, _)| day.name()) {
            Some(day) => self.of_day(&day),
            None => self,
        }
    }
}

/// A segment being verified.
struct Check<'c> {
    file: &'c Entry,
    day: Day,
    footer: Footer,
    verified: &'c mut Verified,
    tell: &'c mut dyn FnMut(u64),
    findings: Vec<Finding>,
    /// Findings past those that are told, and their samples.
    more: (u64, u64),
    found: Footer,
    column: Column,
    /// Bytes read of the file.
    read: u64,
    before: u64,
}

impl<'c> Check<'c> {
    fn new(
        file: &'c Entry,
        day: Day,
        footer: Footer,
        verified: &'c mut Verified,
        tell: &'c mut dyn FnMut(u64),
    ) -> Self {
        let before = verified.bytes;
        let (findings, found, column) = (Vec::new(), Footer::default(), Column::new());
        Self { file, day, footer, verified, tell, findings, more: (0, 0), found, column, read: 0, before }
    }

    fn run(mut self, mut walk: Walk) -> Result<(), StorageError> {
        self.index_and_chunks(&mut walk)?;
        self.finish();
        Ok(())
    }

    fn index_and_chunks(&mut self, walk: &mut Walk) -> Result<(), StorageError> {
        let footer = self.footer;
        let mut read = 0;
        let (tell, before) = (&mut self.tell, self.before);
        let sound = walk.index_is_sound(footer.index_sum, &mut |bytes| {
            read += bytes;
            tell(before + read);
        })?;
        self.read = read + (HEADER_BYTES + FOOTER_BYTES) as u64;
        if !sound {
            self.index("the sum of the index does not match");
            return Ok(());
        }
        while let Some(series) = walk.next()? {
            let Ok(series) = series else {
                self.index("the sum of the index matches, but a series in it cannot be read");
                return Ok(());
            };
            self.series(walk, &series)?;
        }
        if self.found.series != footer.series {
            self.index("the index has another number of series than the end says");
        } else if walk.offset != footer.index_offset {
            self.index("the chunks that the index tells of do not reach to the index");
        } else {
            self.totals();
        }
        Ok(())
    }

    fn series(&mut self, walk: &mut Walk, series: &Sealed) -> Result<(), StorageError> {
        self.found.series = self.found.series.saturating_add(1);
        let mut before: Option<Timestamp> = None;
        for at in &series.chunks {
            let length = u64::from(at.bytes) + SUM_BYTES as u64;
            if at.offset + length > self.footer.index_offset {
                // Said of the whole index.
                break;
            }
            self.found.chunks = self.found.chunks.saturating_add(1);
            self.found.samples += u64::from(at.count);
            self.found.first = self.found.first.min(at.first);
            self.found.last = self.found.last.max(at.last);
            let ranges = (Day::of(at.first), Day::of(at.last));
            if before.is_some_and(|before| before >= at.first) || ranges != (self.day, self.day) {
                self.chunk(FindingKind::Order, at, &series.labels, "a chunk is not where its times belong");
            }
            before = Some(at.last);
            match walk.chunk(at)? {
                Ok(chunk) => {
                    self.column.clear();
                    chunk.read_all(&mut self.column);
                    self.verified.chunks += 1;
                    self.verified.segment_samples += self.column.len() as u64;
                    self.samples(at, &series.labels);
                }
                Err(what) => self.chunk(FindingKind::Chunk, at, &series.labels, what),
            }
            let unsaid = self.read;
            self.read += length;
            if unsaid >> 20 != self.read >> 20 {
                (self.tell)(self.before + self.read);
            }
        }
        Ok(())
    }

    /// Whether the samples rise, and come to what the index says.
    fn samples(&mut self, at: &ChunkRef, labels: &Labels) {
        if !self.column.timestamps().is_sorted_by(|a, b| a < b) {
            self.chunk(FindingKind::Order, at, labels, "the samples of a chunk do not rise in time");
        }
        if !Values::are_right(at.values.as_ref(), &self.column) {
            let what = "the summary of a chunk is not what its samples come to";
            self.chunk(FindingKind::Summary, at, labels, what);
        }
    }

    fn chunk(&mut self, kind: FindingKind, at: &ChunkRef, labels: &Labels, what: &str) {
        let lost = if kind == FindingKind::Chunk { u64::from(at.count) } else { 0 };
        if self.findings.len() >= MAX_FINDINGS {
            self.more = (self.more.0 + 1, self.more.1 + lost);
            return;
        }
        let bytes = u64::from(at.bytes) + SUM_BYTES as u64;
        let mut finding = Finding::new(kind, &self.file.name, at.offset, bytes, what);
        finding.series = Some(labels.clone());
        self.findings.push(finding.costs(Some(lost), Some(at.first), Some(at.last)));
    }

    fn index(&mut self, what: &str) {
        let Footer { index_offset, index_bytes, samples, first, last, .. } = self.footer;
        let finding = Finding::new(FindingKind::Index, &self.file.name, index_offset, index_bytes, what);
        self.findings.push(finding.costs(Some(samples), Some(first), Some(last)));
    }

    fn totals(&mut self) {
        let say = |footer: &Footer| (footer.samples, footer.chunks, footer.first, footer.last);
        if say(&self.found) != say(&self.footer) {
            let end = self.file.bytes.saturating_sub(FOOTER_BYTES as u64);
            let what = format!(
                "the end of the segment says {} samples in {} chunks from {} to {}, its index {} in {} from {} to {}",
                self.footer.samples,
                self.footer.chunks,
                self.footer.first,
                self.footer.last,
                self.found.samples,
                self.found.chunks,
                self.found.first,
                self.found.last,
            );
            let bytes = FOOTER_BYTES as u64;
            let finding = Finding::new(FindingKind::Totals, &self.file.name, end, bytes, what);
            self.findings.push(finding.costs(Some(0), None, None));
        }
    }

    fn finish(mut self) {
        if self.more.0 > 0 {
            let what = format!("{} more findings in this file", self.more.0);
            let finding = Finding::new(FindingKind::Chunk, &self.file.name, 0, self.file.bytes, what);
            let (first, last) = (self.footer.first, self.footer.last);
            self.findings.push(finding.costs(Some(self.more.1), Some(first), Some(last)));
        }
        self.verified.segments += 1;
        self.verified.bytes = self.before + self.file.bytes;
        self.verified.saw(Some(self.footer.first), Some(self.footer.last));
        self.verified.findings.extend(self.findings.into_iter().map(|finding| finding.on(&self.file.name)));
    }
}
