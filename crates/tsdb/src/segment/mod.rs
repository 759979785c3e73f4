//! A finished day in a file that is never changed.

pub(crate) mod blocks;
pub(crate) mod index;
mod kept;
pub(crate) mod summary;
pub(crate) mod writer;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use assurance_metrics_model::{Column, QueryError, QueryErrorKind, TimeRange, Timestamp};
use assurance_storage::{Entry, Storage, StorageError};

use self::blocks::Blocks;
use self::index::{SUM_BYTES, SegmentIndex};
use self::kept::Kept;
use crate::bytes::Cursor;
use crate::chunk::Chunk;
use crate::recovery::{OpenError, OpenErrorKind};
use assurance_storage::crc32c;

/// Where segments are.
pub(crate) const DIRECTORY: &str = "segments";

const MAGIC: [u8; 8] = *b"asrtSEG\n";
const END_MAGIC: [u8; 8] = *b"asrtEND\n";

/// The version of the format that is written.
const VERSION: u32 = 2;

/// The oldest version that is read: its summaries know less, all else is the same.
const OLDEST_VERSION: u32 = 1;

pub(crate) const HEADER_BYTES: usize = 16;
pub(crate) const FOOTER_BYTES: usize = 64;

/// The longest index that is read: 4 million series with a day of chunks each.
pub(crate) const MAX_INDEX_BYTES: u64 = 4 << 30;

pub(crate) const DAY_MILLIS: i64 = 86_400_000;

/// A UTC day, counted from 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(i64);

impl Day {
    pub(crate) fn of(at: Timestamp) -> Self {
        Self(at.as_millis().div_euclid(DAY_MILLIS))
    }

    pub(crate) fn start(self) -> Timestamp {
        Timestamp::from_millis(self.0.saturating_mul(DAY_MILLIS))
    }

    pub(crate) fn last(self) -> Timestamp {
        Timestamp::from_millis(self.0.saturating_mul(DAY_MILLIS).saturating_add(DAY_MILLIS - 1))
    }

    /// `YYYY-MM-DD`; none for a year that has not four digits, whose samples stay in memory and in the log.
    pub(crate) fn name(self) -> Option<String> {
        let name = self.start().to_string().get(..10)?.to_owned();
        (Self::from_name(&name) == Some(self)).then_some(name)
    }

    fn from_name(name: &str) -> Option<Self> {
        (name.len() == 10).then_some(())?;
        format!("{name}T00:00:00Z").parse().ok().map(Self::of)
    }
}

/// The name of the `number`-th segment of a day.
pub(crate) fn file_name(day: Day, number: u32) -> Option<String> {
    Some(format!("{DIRECTORY}/{}.{number}", day.name()?))
}

pub(crate) fn parse_name(name: &str) -> Option<(Day, u32)> {
    let (date, number) = name.strip_prefix(DIRECTORY)?.strip_prefix('/')?.split_once('.')?;
    let (day, number) = (Day::from_name(date)?, number.parse().ok()?);
    (file_name(day, number).as_deref() == Some(name)).then_some((day, number))
}

fn header(version: u32) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&version.to_le_bytes());
    let sum = crc32c(&[&header[..12]]);
    header[12..].copy_from_slice(&sum.to_le_bytes());
    header
}

/// The end of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Footer {
    pub(crate) index_offset: u64,
    pub(crate) index_bytes: u64,
    pub(crate) samples: u64,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    pub(crate) series: u32,
    pub(crate) chunks: u32,
    pub(crate) index_sum: u32,
}

impl Default for Footer {
    fn default() -> Self {
        Self {
            index_offset: 0,
            index_bytes: 0,
            samples: 0,
            first: Timestamp::MAX,
            last: Timestamp::MIN,
            series: 0,
            chunks: 0,
            index_sum: 0,
        }
    }
}

impl Footer {
    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FOOTER_BYTES);
        for number in [self.index_offset, self.index_bytes, self.samples] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for at in [self.first, self.last] {
            out.extend_from_slice(&at.as_millis().to_le_bytes());
        }
        for number in [self.series, self.chunks, self.index_sum] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        let sum = crc32c(&[&out]);
        out.extend_from_slice(&sum.to_le_bytes());
        out.extend_from_slice(&END_MAGIC);
        out
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut from = Cursor::new(bytes);
        let (index_offset, index_bytes, samples) = (from.u64()?, from.u64()?, from.u64()?);
        let (first, last) = (from.u64()?.cast_signed(), from.u64()?.cast_signed());
        let (series, chunks, index_sum) = (from.u32()?, from.u32()?, from.u32()?);
        let sum = crc32c(&[&bytes[..bytes.len() - from.left()]]);
        let sound = from.u32()? == sum && from.take(END_MAGIC.len())? == END_MAGIC && from.is_empty();
        let (first, last) = (Timestamp::from_millis(first), Timestamp::from_millis(last));
        sound.then_some(Self { index_offset, index_bytes, samples, first, last, series, chunks, index_sum })
    }
}

/// A segment that is open: its end was read, the rest is when it is asked for.
#[derive(Debug)]
pub(crate) struct Segment {
    storage: Arc<dyn Storage>,
    pub(crate) name: String,
    pub(crate) day: Day,
    pub(crate) number: u32,
    /// Of the file.
    pub(crate) bytes: u64,
    pub(crate) footer: Footer,
    blocks: Arc<Blocks>,
    /// Its number among the blocks.
    file: u64,
    /// The first damage that a reader met.
    damage: OnceLock<Arc<str>>,
    pub(crate) kept: Kept,
}

/// Why a segment was not opened.
#[derive(Debug)]
pub(crate) enum SegmentError {
    /// Nothing of this store's.
    Open(OpenError),
    Storage(StorageError),
    Damaged(Arc<str>),
}

impl Segment {
    pub(crate) fn open(
        storage: &Arc<dyn Storage>,
        blocks: &Arc<Blocks>,
        file: &Entry,
    ) -> Result<Self, SegmentError> {
        let foreign = || SegmentError::Open(OpenError::new(&file.name, OpenErrorKind::Foreign));
        let (day, number) = parse_name(&file.name).ok_or_else(foreign)?;
        let read = |offset, buffer: &mut [u8]| {
            read_fully(&**storage, &file.name, offset, buffer).map_err(SegmentError::Storage)
        };
        let mut head = [0; HEADER_BYTES];
        let mut end = [0; FOOTER_BYTES];
        read(0, &mut head)?;
        let end_offset = file.bytes.saturating_sub(FOOTER_BYTES as u64);
        read(end_offset, &mut end)?;
        let is_ours = (OLDEST_VERSION..=VERSION).any(|version| head == header(version));
        let sum = u32::from_le_bytes([head[12], head[13], head[14], head[15]]);
        if !is_ours && head.starts_with(&MAGIC) && sum == crc32c(&[&head[..12]]) {
            let found = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
            let kind = OpenErrorKind::Version { found, supported: VERSION };
            return Err(SegmentError::Open(OpenError::new(&file.name, kind)));
        }
        let footer = Footer::read(&end);
        if !is_ours && footer.is_none() && !head.starts_with(&MAGIC) && !end.ends_with(&END_MAGIC) {
            return Err(foreign());
        }
        if !is_ours {
            return Err(SegmentError::Damaged("its header is damaged".into()));
        }
        let footer = footer.ok_or_else(|| SegmentError::Damaged("its end is missing or damaged".into()))?;
        if footer.index_offset.checked_add(footer.index_bytes) != Some(end_offset)
            || footer.index_bytes > MAX_INDEX_BYTES
        {
            return Err(SegmentError::Damaged("its length is not as its end says".into()));
        }
        Ok(Self {
            storage: Arc::clone(storage),
            name: file.name.clone(),
            day,
            number,
            bytes: file.bytes,
            footer,
            blocks: Arc::clone(blocks),
            file: blocks.register(),
            damage: OnceLock::new(),
            kept: Kept::default(),
        })
    }

    pub(crate) fn first(&self) -> Timestamp {
        self.footer.first
    }

    pub(crate) fn last(&self) -> Timestamp {
        self.footer.last
    }

    pub(crate) fn samples(&self) -> u64 {
        self.footer.samples
    }

    pub(crate) fn chunks(&self) -> u32 {
        self.footer.chunks
    }

    pub(crate) fn overlaps(&self, range: TimeRange) -> bool {
        self.footer.first <= range.until && self.footer.last > range.after
    }

    pub(crate) fn damage(&self) -> Option<&Arc<str>> {
        self.damage.get()
    }

    pub(crate) fn read_index(&self) -> Result<SegmentIndex, QueryError> {
        let Footer { index_offset, index_bytes, index_sum, series, .. } = self.footer;
        let length = usize::try_from(index_bytes).unwrap_or(usize::MAX);
        let bytes = self.read(index_offset, length)?;
        if crc32c(&[&bytes]) != index_sum {
            return Err(self.damaged("the sum of its index does not match"));
        }
        SegmentIndex::read(&bytes, HEADER_BYTES as u64, index_offset)
            .filter(|index| index.all_labels().count() == series as usize)
            .ok_or_else(|| self.damaged("its index cannot be read"))
    }

    /// Appends the samples of neighbouring chunks that are inside `range`.
    pub(crate) fn read_chunks(
        &self,
        index: &SegmentIndex,
        chunks: Range<usize>,
        range: TimeRange,
        into: &mut Column,
    ) -> Result<(), QueryError> {
        let refs = index.chunks(chunks);
        let (Some(first), Some(last)) = (refs.first(), refs.last()) else { return Ok(()) };
        let length = last.offset - first.offset + u64::from(last.bytes) + SUM_BYTES as u64;
        let bytes = self.read(first.offset, usize::try_from(length).unwrap_or(usize::MAX))?;
        into.reserve(refs.iter().map(|chunk| chunk.count as usize).sum());
        let mut from = Cursor::new(&bytes);
        for at in refs {
            let chunk = from.take(at.bytes as usize).zip(from.u32()).and_then(|(bytes, sum)| {
                (crc32c(&[bytes]) == sum).then(|| Chunk::read_from(bytes)).flatten()
            });
            let fits =
                |chunk: &Chunk| (chunk.first(), chunk.last(), chunk.count()) == (at.first, at.last, at.count);
            match chunk.filter(fits) {
                Some(chunk) => chunk.read(range, into),
                None => return Err(self.damaged(&format!("the chunk at byte {} is damaged", at.offset))),
            }
        }
        Ok(())
    }

    fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, QueryError> {
        if offset.saturating_add(length as u64) > self.bytes {
            return Err(self.damaged("it is shorter than its index says"));
        }
        let read = |range: Range<u64>| {
            let end = range.end.min(self.bytes);
            let mut bytes = vec![0; usize::try_from(end - range.start).unwrap_or(usize::MAX)];
            read_fully(&*self.storage, &self.name, range.start, &mut bytes)?;
            Ok(bytes)
        };
        let bytes = self.blocks.get(self.file, offset..offset + length as u64, read);
        bytes.map_err(|error: StorageError| {
            QueryErrorKind::Storage { reason: error.to_string().into() }.into()
        })
    }

    fn damaged(&self, what: &str) -> QueryError {
        let reason: Arc<str> =
            format!("{}: {what}; restore it from a backup, or move it away", self.name).into();
        let _first_counts = self.damage.set(Arc::clone(&reason));
        QueryErrorKind::Storage { reason }.into()
    }
}

/// Fills the buffer; past the end of the file with zeros, which no sum matches.
pub(crate) fn read_fully(
    storage: &dyn Storage,
    name: &str,
    mut offset: u64,
    mut buffer: &mut [u8],
) -> Result<(), StorageError> {
    while !buffer.is_empty() {
        let count = storage.read_at(name, offset, buffer)?;
        if count == 0 {
            return Ok(());
        }
        offset += count as u64;
        buffer = &mut buffer[count..];
    }
    Ok(())
}
