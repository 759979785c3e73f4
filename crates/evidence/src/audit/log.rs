use std::collections::BTreeSet;

use assurance_storage::{Storage, StorageError};
use assurance_tlog::note::SignedNote;
use assurance_tlog::tiles::{MAX_BUNDLE_BYTES, TILE_WIDTH, TilePath, TileRow, decode_bundle, encode_bundle};
use assurance_tlog::{Checkpoint, Frontier, Hash, HashReader, Tree, leaf_hash};

use super::bytes::{Change, difference};
use super::mend::mend;
use super::notes::newest;
use super::{Class, Finding};
use crate::names::{CHECKPOINT_FILE, LOG_DIRECTORY, LOG_KEY_FILE};

/// The most leaves that are read: a leaf a day for two thousand years, some 1.5 GB.
pub(super) const MAX_LEAVES: u64 = 1 << 20;

/// The log as its files say.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) note: SignedNote,
    pub(super) checkpoint: Checkpoint,
    /// What was sealed; fewer than the checkpoint says where bundles are missing.
    pub(crate) entries: Vec<Vec<u8>>,
    /// Over the entries.
    pub(crate) tree: Tree,
    /// The root at each size, from 0.
    roots: Vec<Hash>,
    /// Whether the entries are those of the checkpoint.
    pub(super) is_whole: bool,
}

impl Log {
    /// Reads the checkpoint and every entry, and compares what can be compared without a key.
    pub(super) fn read(
        storage: &dyn Storage,
        findings: &mut Vec<Finding>,
    ) -> Result<Option<Self>, StorageError> {
        let Some((note, checkpoint)) = newest(storage, findings)? else { return Ok(None) };
        if checkpoint.size() > MAX_LEAVES {
            let message =
                format!("{} leaves are more than the {MAX_LEAVES} that are read", checkpoint.size());
            findings.push(Finding::integrity(Class::Signature, CHECKPOINT_FILE, message));
            return Ok(None);
        }
        let before = findings.len();
        let mut entries = read_entries(storage, checkpoint.size(), findings)?;
        if root_of(&entries) != checkpoint.root()
            && let Some(mended) = mended_entries(storage, &checkpoint)?
        {
            // What is wrong with the bundle is said when it is compared with them.
            findings.truncate(before);
            entries = mended;
        }
        let (mut tree, mut frontier, mut roots) = (Tree::new(), Frontier::new(), Vec::new());
        roots.push(frontier.root());
        for entry in &entries {
            let hash = leaf_hash(entry);
            tree.push(hash);
            // Cannot fail below MAX_LEAVES; where it could, the roots would no longer fit and say so.
            frontier.push(hash).ok();
            roots.push(frontier.root());
        }
        let is_whole = tree.size() == checkpoint.size() && tree.root() == checkpoint.root();
        let log = Self { note, checkpoint, entries, tree, roots, is_whole };
        if is_whole {
            log.compare_tiles(storage, findings)?;
        } else {
            log.blame(storage, findings)?;
        }
        Ok(Some(log))
    }

    pub(super) fn size(&self) -> u64 {
        self.checkpoint.size()
    }

    /// The root that the log had with so many leaves.
    pub(super) fn root_at(&self, size: u64) -> Option<Hash> {
        self.roots.get(usize::try_from(size).ok()?).copied()
    }

    /// The entries do not give the signed root: finds out which file is to blame.
    fn blame(&self, storage: &dyn Storage, findings: &mut Vec<Finding>) -> Result<(), StorageError> {
        if self.tree.size() < self.size() {
            return Ok(()); // told where the bundle was missed
        }
        if let Some(leaves) = signed_hashes(storage, &self.checkpoint)? {
            for ((index, entry), leaf) in self.entries.iter().enumerate().zip(leaves) {
                let index = index as u64;
                if leaf != leaf_hash(entry) {
                    let file = bundle_of(index, self.size());
                    let message = format!("entry {index} is not the one that was signed");
                    findings.push(Finding::integrity(Class::Tile, file, message).at_leaf(index));
                }
            }
            return Ok(());
        }
        let message = format!(
            "it signs root {} over {} leaves, and the entries have root {}: either it or the log behind it was exchanged",
            self.checkpoint.root(),
            self.size(),
            self.tree.root()
        );
        findings.push(Finding::integrity(Class::RewrittenLog, CHECKPOINT_FILE, message));
        Ok(())
    }

    /// Every tile and bundle, partial ones of earlier sizes among them, against what the entries say.
    fn compare_tiles(&self, storage: &dyn Storage, findings: &mut Vec<Finding>) -> Result<(), StorageError> {
        let mut directories = BTreeSet::new();
        for row in std::iter::once(TileRow::Entries).chain((0..).map(TileRow::Level)) {
            let Some(width) = row_width(row, self.size()) else { break };
            for index in 0..width.div_ceil(u64::from(TILE_WIDTH)) {
                let Some(path) = TilePath::in_tree(row, index, self.size()) else { break };
                self.compare_tile(storage, path, true, findings)?;
                let full = format!("{LOG_DIRECTORY}/{}", path.full());
                directories.extend(full.rsplit_once('/').map(|(parent, _)| parent.to_owned()));
                directories.insert(format!("{full}.p"));
            }
        }
        for directory in directories {
            for entry in storage.list(&directory)? {
                self.compare_listed(storage, &entry.name, findings)?;
            }
        }
        for entry in storage.list(LOG_DIRECTORY)? {
            if entry.name != CHECKPOINT_FILE && entry.name != LOG_KEY_FILE {
                findings.push(Finding::integrity(Class::ForeignFile, entry.name, "no log has such a file"));
            }
        }
        Ok(())
    }

    fn compare_listed(
        &self,
        storage: &dyn Storage,
        name: &str,
        findings: &mut Vec<Finding>,
    ) -> Result<(), StorageError> {
        let bare = name.strip_prefix(LOG_DIRECTORY).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name);
        let Ok(path) = bare.parse::<TilePath>() else {
            findings.push(Finding::integrity(Class::ForeignFile, name, "no tile has such a name"));
            return Ok(());
        };
        let Some(now) = TilePath::in_tree(path.row(), path.index(), self.size()) else {
            return Ok(()); // beyond the checkpoint: a seal that was interrupted
        };
        // As wide as now was compared already, and wider is beyond the checkpoint.
        if path.width() < now.width() { self.compare_tile(storage, path, false, findings) } else { Ok(()) }
    }

    fn compare_tile(
        &self,
        storage: &dyn Storage,
        path: TilePath,
        needed: bool,
        findings: &mut Vec<Finding>,
    ) -> Result<(), StorageError> {
        let name = format!("{LOG_DIRECTORY}/{path}");
        let Some(sealed) = self.tile(path) else { return Ok(()) };
        let Some((found_at, found)) = read_tile(storage, path)? else {
            if needed && path.row() != TileRow::Entries {
                findings.push(Finding::integrity(Class::MissingFile, name, "the tile is gone"));
            }
            return Ok(());
        };
        if found_at != path && needed {
            return Ok(()); // the full one that stands in was written beyond the checkpoint
        }
        let Ok(Some(change)) = difference(&mut &sealed[..], &mut &found[..]) else { return Ok(()) };
        let class =
            if matches!(change.change, Change::BitFlip { .. }) { Class::BitFlip } else { Class::Tile };
        findings.push(Finding::integrity(class, name, change.change.text()));
        Ok(())
    }

    /// What a tile or bundle must have in it.
    fn tile(&self, path: TilePath) -> Option<Vec<u8>> {
        let first = path.index() * u64::from(TILE_WIDTH);
        match path.row() {
            TileRow::Entries => {
                let first = usize::try_from(first).ok()?;
                encode_bundle(self.entries.get(first..first + usize::from(path.width()))?).ok()
            }
            TileRow::Level(level) => {
                let hash = |index| self.tree.node(level.checked_mul(8)?, index).ok();
                let hashes: Option<Vec<Hash>> = (first..first + u64::from(path.width())).map(hash).collect();
                Some(hashes?.iter().flat_map(|hash| *hash.as_bytes()).collect())
            }
        }
    }
}

/// The entries, up to the first bundle that cannot be read.
pub(super) fn read_entries(
    storage: &dyn Storage,
    size: u64,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Vec<u8>>, StorageError> {
    let mut entries = Vec::new();
    for index in 0..size.div_ceil(u64::from(TILE_WIDTH)) {
        let Some(path) = TilePath::in_tree(TileRow::Entries, index, size) else { break };
        let name = format!("{LOG_DIRECTORY}/{path}");
        let Some((found_at, bytes)) = read_tile(storage, path)? else {
            let message = "the bundle of entries is gone, and with it what says what was sealed";
            findings.push(Finding::integrity(Class::MissingFile, name, message));
            break;
        };
        match decode_bundle(&bytes, found_at.width()) {
            Ok(bundle) => {
                entries.extend(bundle.iter().take(usize::from(path.width())).map(|entry| entry.to_vec()));
            }
            Err(error) => {
                let message = format!("not a bundle of {} entries: {error}", found_at.width());
                findings.push(Finding::integrity(Class::Tile, name, message));
                break;
            }
        }
    }
    Ok(entries)
}

/// The root over entries, were they the leaves of a tree.
pub(super) fn root_of(entries: &[Vec<u8>]) -> Hash {
    let mut edge = Frontier::new();
    for entry in entries {
        // Cannot fail below MAX_LEAVES; where it could, the root would no longer fit and say so.
        edge.push(leaf_hash(entry)).ok();
    }
    edge.root()
}

/// The hashes of all leaves, if the tiles have those that were signed.
fn signed_hashes(storage: &dyn Storage, checkpoint: &Checkpoint) -> Result<Option<Vec<Hash>>, StorageError> {
    let (mut edge, mut hashes) = (Frontier::new(), Vec::new());
    for index in 0..checkpoint.size().div_ceil(u64::from(TILE_WIDTH)) {
        let Some(path) = TilePath::in_tree(TileRow::Level(0), index, checkpoint.size()) else { break };
        let Some((_, bytes)) = read_tile(storage, path)? else { break };
        for hash in bytes.chunks_exact(Hash::BYTES).take(usize::from(path.width())) {
            let hash = Hash::new(hash.try_into().unwrap_or_default());
            edge.push(hash).ok();
            hashes.push(hash);
        }
    }
    let are_signed = hashes.len() as u64 == checkpoint.size() && edge.root() == checkpoint.root();
    Ok(are_signed.then_some(hashes))
}

/// The entries, where one bit of a bundle is all that is wrong and the tiles know it.
fn mended_entries(
    storage: &dyn Storage,
    checkpoint: &Checkpoint,
) -> Result<Option<Vec<Vec<u8>>>, StorageError> {
    let Some(hashes) = signed_hashes(storage, checkpoint)? else { return Ok(None) };
    let mut entries = Vec::new();
    for (index, hashes) in (0..).zip(hashes.chunks(usize::from(TILE_WIDTH))) {
        let path = TilePath::in_tree(TileRow::Entries, index, checkpoint.size());
        let Some((_, bytes)) = path.map(|path| read_tile(storage, path)).transpose()?.flatten() else {
            return Ok(None);
        };
        let Some(mended) = mended_bundle(&bytes, hashes) else { return Ok(None) };
        entries.extend(mended);
    }
    Ok(Some(entries))
}

/// The entries with these hashes: each is two bytes of length and itself.
fn mended_bundle(bytes: &[u8], hashes: &[Hash]) -> Option<Vec<Vec<u8>>> {
    let (mut rest, mut entries) = (bytes, Vec::new());
    for hash in hashes {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let has_hash = |length: [u8; 2]| {
            after.get(..usize::from(u16::from_be_bytes(length))).filter(|entry| leaf_hash(entry) == *hash)
        };
        let mut entry = has_hash(*length).map(<[u8]>::to_vec);
        if entry.is_none() {
            let mut tried = *length;
            mend(&mut tried, |tried| tried.first_chunk().is_some_and(|tried| has_hash(*tried).is_some()));
            entry = has_hash(tried).map(<[u8]>::to_vec);
        }
        if entry.is_none() {
            let mut tried = after.get(..usize::from(u16::from_be_bytes(*length)))?.to_vec();
            mend(&mut tried, |tried| leaf_hash(tried) == *hash)?;
            entry = Some(tried);
        }
        let entry = entry?;
        rest = after.get(entry.len()..)?;
        entries.push(entry);
    }
    Some(entries)
}

/// A tile, or the full one that may stand in its place, and which of them it was.
fn read_tile(storage: &dyn Storage, path: TilePath) -> Result<Option<(TilePath, Vec<u8>)>, StorageError> {
    for candidate in [path, path.full()] {
        match storage.read(&format!("{LOG_DIRECTORY}/{candidate}"), MAX_BUNDLE_BYTES as u64) {
            Ok(bytes) => return Ok(Some((candidate, bytes))),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// The name of the bundle that has an entry.
pub(super) fn bundle_of(index: u64, size: u64) -> String {
    TilePath::in_tree(TileRow::Entries, index / u64::from(TILE_WIDTH), size)
        .map_or_else(|| LOG_DIRECTORY.to_owned(), |path| format!("{LOG_DIRECTORY}/{path}"))
}

/// How many hashes or entries a row has; `None` where it has none.
fn row_width(row: TileRow, size: u64) -> Option<u64> {
    let width = match row {
        TileRow::Entries => size,
        TileRow::Level(level) => size.checked_shr(u32::from(level) * 8).unwrap_or(0),
    };
    (width > 0).then_some(width)
}
