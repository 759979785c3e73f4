//! Which files there are.

use std::sync::Arc;

use assurance_metrics_model::Timestamp;
use assurance_storage::{Entry, StorageError};

use super::{Finding, FindingKind, Inspection, LogInfo, settled};
use crate::recovery::{OpenErrorKind, QUARANTINE};
use crate::segment::blocks::Blocks;
use crate::segment::{Segment, SegmentError, parse_name};

/// The files of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// Segments that can be opened, by day and number.
    pub segments: Vec<SegmentInfo>,
    /// Log files, oldest first.
    pub logs: Vec<LogInfo>,
    /// What was damaged and put aside: yours to look at and to remove.
    pub quarantine: Vec<(String, u64)>,
    /// Files that cannot be read, or not wholly.
    pub findings: Vec<Finding>,
}

/// A segment by what its end says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentInfo {
    /// The file.
    pub file: String,
    /// Its UTC day.
    pub day: String,
    /// Its number within the day.
    pub number: u32,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of its index.
    pub index_bytes: u64,
    /// Samples.
    pub samples: u64,
    /// Series.
    pub series: u32,
    /// Chunks.
    pub chunks: u32,
    /// The oldest sample.
    pub first: Timestamp,
    /// The newest sample.
    pub last: Timestamp,
}

impl SegmentInfo {
    pub(super) fn of(segment: &Segment) -> Self {
        let footer = segment.footer;
        Self {
            file: segment.name.clone(),
            day: segment.day.name().unwrap_or_default(),
            number: segment.number,
            bytes: segment.bytes,
            index_bytes: footer.index_bytes,
            samples: footer.samples,
            series: footer.series,
            chunks: footer.chunks,
            first: footer.first,
            last: footer.last,
        }
    }
}

impl Inspection {
    /// Lists the files. Of segments only the end is read, log files are read whole.
    ///
    /// # Errors
    /// If a file or directory cannot be read. Damage is none: it stands in [`Listing::findings`].
    pub fn list(&self) -> Result<Listing, StorageError> {
        settled(|| self.try_list())
    }

    fn try_list(&self) -> Result<Listing, StorageError> {
        let mut listing = Listing::default();
        let logs = self.log_files()?;
        for (place, file) in logs.iter().enumerate() {
            let (log, _) = self.read_log(&file.name, place + 1 == logs.len())?;
            listing.logs.push(log.info);
            listing.findings.extend(log.findings);
        }
        let (segments, findings) = self.open_segments()?;
        listing.segments = segments.iter().map(|segment| SegmentInfo::of(segment)).collect();
        listing.findings.extend(findings);
        let quarantine = self.storage.list(QUARANTINE)?;
        listing.quarantine = quarantine.into_iter().map(|Entry { name, bytes }| (name, bytes)).collect();
        Ok(listing)
    }

    /// Those that can be opened, by day and number, and what is wrong with the others.
    pub(super) fn open_segments(&self) -> Result<(Vec<Arc<Segment>>, Vec<Finding>), StorageError> {
        let (mut segments, mut findings) = (Vec::new(), Vec::new());
        for file in self.segment_files()? {
            match self.open_segment(&file)? {
                Ok(segment) => segments.push(segment),
                Err(finding) => findings.push(finding),
            }
        }
        segments.sort_by_key(|segment| (segment.day, segment.number));
        Ok((segments, findings))
    }

    pub(super) fn open_segment(&self, file: &Entry) -> Result<Result<Arc<Segment>, Finding>, StorageError> {
        let finding = |kind, what: &str| {
            let mut finding = Finding::new(kind, &file.name, 0, file.bytes, what);
            finding.day = parse_name(&file.name).and_then(|(day, _)| day.name());
            finding
        };
        Ok(match Segment::open(&self.storage, &Arc::<Blocks>::default(), file) {
            Ok(segment) => Ok(Arc::new(segment)),
            Err(SegmentError::Storage(error)) => return Err(error),
            Err(SegmentError::Damaged(reason)) => Err(finding(FindingKind::End, &reason)),
            Err(SegmentError::Open(error)) => Err(match error.kind {
                OpenErrorKind::Version { .. } => finding(FindingKind::Version, &error.kind.to_string()),
                OpenErrorKind::Storage(error) => return Err(error),
                _ => finding(FindingKind::Foreign, "not a file of this store"),
            }),
        })
    }
}
