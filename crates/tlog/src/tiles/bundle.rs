use super::path::TILE_WIDTH;

/// The longest entry: its length is written in 16 bits.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;

/// The longest bundle: 256 entries, each with two bytes of length (16.8 MB).
pub const MAX_BUNDLE_BYTES: usize = TILE_WIDTH as usize * (2 + MAX_ENTRY_BYTES);

/// Why entries and bytes of a bundle do not go together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// An entry is too long to be written.
    #[error(
        "entry {entry} of the bundle has {bytes} bytes, more than the {MAX_ENTRY_BYTES} an entry may have"
    )]
    TooLong {
        /// Its place in the bundle, from 0.
        entry: usize,
        /// Its length.
        bytes: usize,
    },
    /// There are more entries than a bundle holds, or none.
    #[error("a bundle has 1 to 256 entries, not {entries}")]
    Count {
        /// The entries there are.
        entries: usize,
    },
    /// The bytes end within an entry, or before the last.
    #[error("the bundle ends within or before entry {entry} of {width}: it is cut off")]
    Short {
        /// The entry that is missing or cut, from 0.
        entry: u16,
        /// The entries expected.
        width: u16,
    },
    /// Bytes follow the last entry.
    #[error("{bytes} bytes follow the last of the bundle's {width} entries")]
    Trailing {
        /// How many.
        bytes: usize,
        /// The entries expected.
        width: u16,
    },
}

/// Writes entries as a bundle: each after its length, 16 bits, big-endian.
///
/// # Errors
///
/// When an entry is too long, or there are too many or none.
pub fn encode_bundle<E: AsRef<[u8]>>(entries: &[E]) -> Result<Vec<u8>, BundleError> {
    if entries.is_empty() || entries.len() > usize::from(TILE_WIDTH) {
        return Err(BundleError::Count { entries: entries.len() });
    }
    let mut bundle = Vec::new();
    for (place, entry) in entries.iter().enumerate() {
        push_entry(&mut bundle, place, entry.as_ref())?;
    }
    Ok(bundle)
}

pub(super) fn push_entry(bundle: &mut Vec<u8>, place: usize, entry: &[u8]) -> Result<(), BundleError> {
    let Ok(length) = u16::try_from(entry.len()) else {
        return Err(BundleError::TooLong { entry: place, bytes: entry.len() });
    };
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// Reads a bundle of exactly `width` entries, to its last byte.
///
/// # Errors
///
/// When it has fewer entries, or anything follows the last.
pub fn decode_bundle(bundle: &[u8], width: u16) -> Result<Vec<&[u8]>, BundleError> {
    if !(1..=TILE_WIDTH).contains(&width) {
        return Err(BundleError::Count { entries: usize::from(width) });
    }
    let mut rest = bundle;
    let mut entries = Vec::with_capacity(usize::from(width));
    for entry in 0..width {
        let short = BundleError::Short { entry, width };
        let (length, after) = rest.split_first_chunk::<2>().ok_or_else(|| short.clone())?;
        let (data, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(short)?;
        entries.push(data);
        rest = after;
    }
    if rest.is_empty() { Ok(entries) } else { Err(BundleError::Trailing { bytes: rest.len(), width }) }
}
