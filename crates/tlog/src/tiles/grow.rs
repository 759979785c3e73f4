use crate::hash::{Hash, leaf_hash};
use crate::merkle::SizeError;

use super::bundle::{BundleError, decode_bundle, push_entry};
use super::path::{TILE_WIDTH, TilePath, TileRow};
use super::reader::{TileReader, TileSource, TilesError, root_of, root_over};

/// What a log has to publish to grow: the files first, then a checkpoint over size and root.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Growth {
    /// The new size.
    pub size: u64,
    /// The new root.
    pub root: Hash,
    /// New files with their content, in the order in which they should be published. Every name is new: a
    /// partial tile that grew has another width, so another name.
    pub files: Vec<(TilePath, Vec<u8>)>,
}

/// Why a log cannot grow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrowthError<E> {
    /// The log would be too large.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// A tile of the old tree cannot be read.
    #[error(transparent)]
    Tiles(#[from] TilesError<E>),
    /// The last bundle of the old tree is damaged.
    #[error("{path} is damaged: {error}")]
    OldBundle {
        /// The bundle.
        path: TilePath,
        /// What is wrong with it.
        error: BundleError,
    },
    /// An entry of the old tree's last bundle is not the one its tile has the hash of.
    #[error("entry {index} in {path} is not the one whose hash the log has: it was changed")]
    OldEntry {
        /// The bundle.
        path: TilePath,
        /// The entry's index in the log.
        index: u64,
    },
    /// The old tiles do not add up to the old root.
    #[error(
        "the tiles of the log of {size} leaves have the root {found}, not {expected}: they were changed; nothing may be appended"
    )]
    OldRoot {
        /// The old size.
        size: u64,
        /// The root that the old checkpoint has.
        expected: Hash,
        /// The root of the tiles.
        found: Hash,
    },
    /// A new entry is too long.
    #[error("new entry {entry} has {bytes} bytes, more than an entry may have ({max})", max = super::MAX_ENTRY_BYTES)]
    Entry {
        /// Its place among the new entries, from 0.
        entry: usize,
        /// Its length.
        bytes: usize,
    },
}

/// The files that a log of `old_size` leaves needs to take up these entries.
///
/// Only the right edge of the old log is read (at most one partial tile a level and one bundle), and it must add
/// up to `old_root`: whoever signs next would otherwise sign what was tampered with.
///
/// # Errors
///
/// When the old edge cannot be read or was changed, or an entry is too long. Nothing is made then.
pub fn grow<S: TileSource, B: AsRef<[u8]>>(
    source: &S,
    old_size: u64,
    old_root: &Hash,
    entries: &[B],
) -> Result<Growth, GrowthError<S::Error>> {
    let too_large = SizeError { size: u64::MAX };
    let size = old_size.checked_add(entries.len() as u64).ok_or(too_large)?;
    SizeError::check(size)?;
    let mut edge = Edge::read(source, old_size)?;
    let found = root_over(&edge.tiles);
    if found != *old_root {
        return Err(GrowthError::OldRoot { size: old_size, expected: *old_root, found });
    }
    for (place, entry) in entries.iter().enumerate() {
        edge.push(place, entry.as_ref())?;
    }
    edge.finish(size);
    let root = root_over(&edge.tiles);
    let mut files = edge.files;
    // Bundles before hashes, lower levels before higher, as `new_tiles` lists them.
    files.sort_by_key(|(path, _)| (path.row() != TileRow::Entries, path.row(), path.index(), path.width()));
    Ok(Growth { size, root, files })
}

/// The unfinished tiles at the right edge of a tree, and what was finished.
struct Edge {
    size: u64,
    /// Of each level the hashes of its partial tile, leaves first.
    tiles: Vec<Vec<Hash>>,
    /// Whether the partial tile of a level has grown.
    grown: Vec<bool>,
    bundle: Vec<u8>,
    files: Vec<(TilePath, Vec<u8>)>,
}

impl Edge {
    fn read<S: TileSource>(source: &S, size: u64) -> Result<Self, GrowthError<S::Error>> {
        let reader = TileReader::new(size, source)?;
        let mut edge =
            Self { size, tiles: Vec::new(), grown: Vec::new(), bundle: Vec::new(), files: Vec::new() };
        for level in 0..8 {
            let row = TileRow::Level(level);
            let length = row.length(size);
            if length == 0 {
                break;
            }
            let partial = TilePath::in_tree(row, length / u64::from(TILE_WIDTH), size);
            edge.tiles.push(partial.map_or(Ok(Vec::new()), |path| reader.hashes(&path))?);
            edge.grown.push(false);
        }
        let index = size / u64::from(TILE_WIDTH);
        if let Some(path) = TilePath::in_tree(TileRow::Entries, index, size) {
            edge.bundle = Self::read_bundle(&reader, &path, &edge.tiles[0])?;
        }
        Ok(edge)
    }

    fn read_bundle<S: TileSource>(
        reader: &TileReader<&S>,
        path: &TilePath,
        hashes: &[Hash],
    ) -> Result<Vec<u8>, GrowthError<S::Error>> {
        let path = *path;
        let mut bundle = reader.source().tile(&path).map_err(|error| TilesError::Source { path, error })?;
        let damaged = |error| GrowthError::OldBundle { path, error };
        let entries = match decode_bundle(&bundle, path.width()) {
            // The source may have given the full bundle instead; then the rest of it is made anew.
            Err(BundleError::Trailing { bytes, .. }) if decode_bundle(&bundle, TILE_WIDTH).is_ok() => {
                bundle.truncate(bundle.len() - bytes);
                decode_bundle(&bundle, path.width())
            }
            decoded => decoded,
        }
        .map_err(damaged)?;
        for ((entry, hash), place) in entries.iter().zip(hashes).zip(0..) {
            if leaf_hash(entry) != *hash {
                let index = path.index() * u64::from(TILE_WIDTH) + place;
                return Err(GrowthError::OldEntry { path, index });
            }
        }
        Ok(bundle)
    }

    fn push<E>(&mut self, place: usize, entry: &[u8]) -> Result<(), GrowthError<E>> {
        if push_entry(&mut self.bundle, place, entry).is_err() {
            return Err(GrowthError::Entry { entry: place, bytes: entry.len() });
        }
        self.size += 1;
        if self.size.is_multiple_of(u64::from(TILE_WIDTH)) {
            let bundle = std::mem::take(&mut self.bundle);
            self.publish(TileRow::Entries, bundle, self.size);
        }
        let mut hash = leaf_hash(entry);
        for level in 0..8 {
            if self.tiles.len() == usize::from(level) {
                self.tiles.push(Vec::new());
                self.grown.push(false);
            }
            let tile = &mut self.tiles[usize::from(level)];
            tile.push(hash);
            if tile.len() < usize::from(TILE_WIDTH) {
                self.grown[usize::from(level)] = true;
                break;
            }
            self.grown[usize::from(level)] = false;
            let full = std::mem::take(tile);
            hash = root_of(&full);
            self.publish(TileRow::Level(level), bytes(&full), self.size);
        }
        Ok(())
    }

    /// Publishes what ended partial.
    fn finish(&mut self, size: u64) {
        if self.grown.first() == Some(&true) {
            let bundle = self.bundle.clone();
            self.publish(TileRow::Entries, bundle, size);
        }
        for level in 0..8 {
            if self.grown.get(usize::from(level)) == Some(&true) {
                let content = bytes(&self.tiles[usize::from(level)]);
                self.publish(TileRow::Level(level), content, size);
            }
        }
    }

    /// Keeps the last tile of a row in a tree of `size` leaves for publication.
    fn publish(&mut self, row: TileRow, content: Vec<u8>, size: u64) {
        let index = row.length(size).saturating_sub(1) / u64::from(TILE_WIDTH);
        if let Some(path) = TilePath::in_tree(row, index, size) {
            self.files.push((path, content));
        }
    }
}

fn bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}
