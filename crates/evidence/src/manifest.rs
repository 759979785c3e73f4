//! The leaves of the log: what is said, and signed, of every day.

use std::collections::BTreeMap;

use assurance_metrics_model::{Duration, Timestamp};
use assurance_tlog::Hash;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::instant::rfc3339;
use crate::{Day, Digest, Fact};

/// The version of the leaves' form, in each of them as `v`.
pub const LEAF_VERSION: u32 = 1;

/// The longest leaf: what an entry of a tlog-tiles log may have (c2sp.org/tlog-tiles: a 16-bit length).
pub const MAX_LEAF_BYTES: usize = 65_535;

/// How long a leaf may become by the facts that stand in it; the others are in the day's file of facts.
pub const MAX_BYTES_WITH_FACTS: usize = 16 * 1024;

/// One entry of the log.
///
/// Its bytes are JSON without white space, fields in the order they are declared here, numbers whole: each leaf has
/// one spelling, and [`Leaf::decode`] refuses every other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "nearly all leaves are days, so a box would save nothing")]
#[non_exhaustive]
pub enum Leaf {
    /// The log begins.
    Start(Start),
    /// A day is sealed.
    Day(DayLeaf),
    /// Events came after their day was sealed.
    Supplement(SupplementLeaf),
    /// Another key signs from here on.
    KeyRotation(KeyRotation),
    /// Nothing of these days may be purged.
    LegalHold(LegalHold),
    /// A hold ends.
    Release(Release),
    /// Days are given up, by policy.
    Purge(Purge),
}

/// The first leaf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// [`LEAF_VERSION`].
    pub v: u32,
    /// When the log was created.
    #[serde(with = "rfc3339")]
    pub at: Timestamp,
    /// The log's name, as its checkpoints have it.
    pub origin: String,
    /// The key that signs, as a verifier key (c2sp.org/signed-note).
    pub key: String,
    /// The first day that will be sealed.
    pub first_day: Day,
    /// The log that this one goes on from, where its key was lost.
    pub succeeds: Option<Succession>,
}

/// What is known of a log that can no longer be signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Succession {
    /// Its name.
    pub origin: String,
    /// Its last checkpoint, the whole signed note.
    pub checkpoint: String,
    /// Why.
    pub reason: String,
}

/// A closed day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayLeaf {
    /// [`LEAF_VERSION`].
    pub v: u32,
    /// Where the leaf stands in the log, from 0.
    pub index: u64,
    /// The day.
    pub day: Day,
    /// Its events.
    pub events: SealedFile,
    /// The earliest timestamp among them.
    #[serde(with = "rfc3339::option")]
    pub earliest: Option<Timestamp>,
    /// The latest timestamp among them.
    #[serde(with = "rfc3339::option")]
    pub latest: Option<Timestamp>,
    /// What was noticed while they were collected.
    pub facts: SealedFacts,
    /// Whether no fact says that events may be missing.
    pub complete: bool,
    /// Where they come from.
    pub source: String,
    /// The last collection before the day was closed.
    #[serde(with = "rfc3339")]
    pub collected_until: Timestamp,
    /// SHA-256 of the collector's cursor when the day was closed; nothing where it is no longer known.
    pub cursor: Option<Digest>,
    /// The source's own count, where it has one.
    pub totals: Option<Totals>,
    /// What the machine knew of its clock.
    pub clock: ClockState,
    /// How long the day is kept, by the policy in force.
    pub retention: Retention,
    /// When the day was sealed.
    #[serde(with = "rfc3339")]
    pub sealed_at: Timestamp,
    /// Name and version of the program that sealed it.
    pub software: String,
}

/// What came late for a sealed day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupplementLeaf {
    /// [`LEAF_VERSION`].
    pub v: u32,
    /// Where the leaf stands in the log, from 0.
    pub index: u64,
    /// The day.
    pub day: Day,
    /// Which supplement of the day, from 1.
    pub number: u32,
    /// Its events.
    pub events: SealedFile,
    /// How long it is kept, by the policy in force.
    pub retention: Retention,
    /// When it was sealed.
    #[serde(with = "rfc3339")]
    pub sealed_at: Timestamp,
    /// Name and version of the program that sealed it.
    pub software: String,
}

/// A file of lines, in its plain and its compressed form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedFile {
    /// Its bare name.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Its lines.
    pub lines: u64,
    /// SHA-256 of it.
    pub sha256: Digest,
    /// The root of the tree over its lines, each without its line feed (RFC 6962, section 2.1).
    #[serde(serialize_with = "hex", deserialize_with = "from_hex")]
    pub root: Hash,
    /// Its compressed form.
    pub zstd: Compressed,
}

/// The facts of a day: [`Fact`]s, a line each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedFacts {
    /// The file of all of them, by its bare name.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Its lines.
    pub lines: u64,
    /// SHA-256 of it.
    pub sha256: Digest,
    /// Its compressed form.
    pub zstd: Compressed,
    /// How many there are of each kind.
    pub kinds: BTreeMap<String, u64>,
    /// The first of them, as many as fit into [`MAX_BYTES_WITH_FACTS`].
    pub first: Vec<Fact>,
}

/// The compressed form of a file: exactly one Zstandard frame (RFC 8878).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compressed {
    /// Its bare name.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of it.
    pub sha256: Digest,
}

/// What a source says that it has, and what it showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Events that it counted.
    pub counted: u64,
    /// Events accounted for.
    pub accounted: u64,
}

/// What a machine knows of its clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockState {
    /// Whether it follows another clock; nothing where that is not known.
    pub synchronised: Option<bool>,
    /// How far it may be off, in milliseconds.
    pub error_ms: Option<u64>,
}

/// How long evidence is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Days in plain form.
    pub hot_days: u32,
    /// Days in compressed form.
    pub cold_days: u32,
}

impl Retention {
    /// 90 days plain, seven years (2,557 days, two leap days among them) compressed.
    pub const USUAL: Self = Self { hot_days: 90, cold_days: 2557 };

    /// What a day is kept for that was sealed with one and has a supplement sealed with the other.
    #[must_use]
    pub fn longest(self, other: Self) -> Self {
        Self { hot_days: self.hot_days.max(other.hot_days), cold_days: self.cold_days.max(other.cold_days) }
    }

    /// Whether a day's plain form may be gone by now.
    pub fn may_be_cold(self, day: Day, now: Timestamp) -> bool {
        day.end() + Duration::from_secs(i64::from(self.hot_days) * 86_400) <= now
    }

    /// Whether a day may be given up by now.
    pub fn may_be_purged(self, day: Day, now: Timestamp) -> bool {
        day.end() + Duration::from_secs(i64::from(self.cold_days) * 86_400) <= now
    }
}

/// The log passes from one key to another. The checkpoint that first has this leaf is signed by both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRotation {
    /// [`LEAF_VERSION`].
    pub v: u32,
    /// Where the leaf stands in the log, from 0.
    pub index: u64,
    /// When.
    #[serde(with = "rfc3339")]
    pub at: Timestamp,
    /// The key so far, as a verifier key.
    pub from: String,
    /// The key from now on.
    pub to: String,
    /// Why.
    pub reason: String,
}

/// Days that must be kept whatever the retention says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegalHold {
    /// [`LEAF_VERSION`].
    pub v: u32,
    /// Where the leaf stands in the log, from 0.
    pub index: u64,
    /// When.
    #[serde(with = "rfc3339")]
    pub at: Timestamp,
    /// Its name, by which it is released.
    pub id: String,
    /// The first day held.
    pub from: Day,
    /// The last day held; nothing for all that come.
    pub to: Option<Day>,
    /// Why.
    pub reason: String,
    /// Who asked for it.
    pub by: String,
}

impl LegalHold {
    /// Whether a day is held.
    pub fn covers(&self, day: Day) -> bool {
        self.from <= day && self.to.is_none_or(|to| day <= to)
    }
}

/// A hold ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// [`LEAF_VERSION`].
    pub v: u32,
    /// Where the leaf stands in the log, from 0.
    pub index: u64,
    /// When.
    #[serde(with = "rfc3339")]
    pub at: Timestamp,
    /// The hold's name.
    pub id: String,
    /// Why.
    pub reason: String,
    /// Who asked for it.
    pub by: String,
}

/// Days whose files are removed once this leaf is in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purge {
    /// [`LEAF_VERSION`].
    pub v: u32,
    /// Where the leaf stands in the log, from 0.
    pub index: u64,
    /// When.
    #[serde(with = "rfc3339")]
    pub at: Timestamp,
    /// The days, with their supplements.
    pub days: Vec<PurgedDay>,
    /// The policy in force.
    pub retention: Retention,
    /// Why.
    pub reason: String,
    /// Who asked for it.
    pub by: String,
}

/// A day that is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurgedDay {
    /// The day.
    pub day: Day,
    /// Its leaf.
    pub leaf: u64,
}

/// Why bytes are no leaf, or a leaf cannot be one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeafError {
    /// It is no JSON of a leaf, or has fields that this version does not know.
    #[error("no leaf of a kind that is known here: {0}")]
    Form(#[source] serde_json::Error),
    /// It is a leaf in another spelling than the one it has.
    #[error("a leaf has one spelling, and this is another, from byte {at} on")]
    Spelling {
        /// The first byte that differs.
        at: usize,
    },
    /// It is of another version.
    #[error("a leaf of version {found}; this program knows {LEAF_VERSION}")]
    Version {
        /// Its version.
        found: u32,
    },
    /// It is too long to be an entry.
    #[error("a leaf of {bytes} bytes; {MAX_LEAF_BYTES} are the most")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

impl Leaf {
    /// The bytes of the entry.
    pub fn encode(&self) -> Result<Vec<u8>, LeafError> {
        let bytes = serde_json::to_vec(self).map_err(LeafError::Form)?;
        if bytes.len() > MAX_LEAF_BYTES {
            return Err(LeafError::TooLong { bytes: bytes.len() });
        }
        Ok(bytes)
    }

    /// Reads an entry, in its one spelling.
    pub fn decode(bytes: &[u8]) -> Result<Self, LeafError> {
        if bytes.len() > MAX_LEAF_BYTES {
            return Err(LeafError::TooLong { bytes: bytes.len() });
        }
        let leaf: Self = serde_json::from_slice(bytes).map_err(LeafError::Form)?;
        let found = leaf.version();
        if found != LEAF_VERSION {
            return Err(LeafError::Version { found });
        }
        let canonical = leaf.encode()?;
        if canonical != bytes {
            let shared = canonical.iter().zip(bytes).take_while(|(a, b)| a == b);
            return Err(LeafError::Spelling { at: shared.count() });
        }
        Ok(leaf)
    }

    fn version(&self) -> u32 {
        match self {
            Self::Start(leaf) => leaf.v,
            Self::Day(leaf) => leaf.v,
            Self::Supplement(leaf) => leaf.v,
            Self::KeyRotation(leaf) => leaf.v,
            Self::LegalHold(leaf) => leaf.v,
            Self::Release(leaf) => leaf.v,
            Self::Purge(leaf) => leaf.v,
        }
    }

    /// Where the leaf says that it stands.
    pub fn index(&self) -> u64 {
        match self {
            Self::Start(_) => 0,
            Self::Day(leaf) => leaf.index,
            Self::Supplement(leaf) => leaf.index,
            Self::KeyRotation(leaf) => leaf.index,
            Self::LegalHold(leaf) => leaf.index,
            Self::Release(leaf) => leaf.index,
            Self::Purge(leaf) => leaf.index,
        }
    }

    /// The one day that it is of, where it is of one.
    pub fn day(&self) -> Option<Day> {
        match self {
            Self::Day(leaf) => Some(leaf.day),
            Self::Supplement(leaf) => Some(leaf.day),
            _ => None,
        }
    }

    /// When it was made.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Start(leaf) => leaf.at,
            Self::Day(leaf) => leaf.sealed_at,
            Self::Supplement(leaf) => leaf.sealed_at,
            Self::KeyRotation(leaf) => leaf.at,
            Self::LegalHold(leaf) => leaf.at,
            Self::Release(leaf) => leaf.at,
            Self::Purge(leaf) => leaf.at,
        }
    }
}

fn hex<S: Serializer>(hash: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hash.to_hex())
}

fn from_hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
    let text = String::deserialize(deserializer)?;
    Hash::from_hex(&text).map_err(serde::de::Error::custom)
}
