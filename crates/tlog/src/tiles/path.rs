use std::fmt;
use std::str::FromStr;

use crate::merkle::{MAX_TREE_SIZE, SizeError};
use crate::text;

/// The hashes of a full tile, and the entries of a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// The highest level a path may name. Trees that fit a 64-bit size end at level 7.
const MAX_LEVEL: u8 = 63;

/// Which row of a log's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TileRow {
    /// Hashes: at level 0 of leaves, above of full tiles of the level below. At most 63.
    Level(u8),
    /// The entries themselves.
    Entries,
}

impl TileRow {
    /// Leaves under one hash or entry of the row, as a power of two; `None` beyond what a tree can have.
    fn shift(self) -> Option<u32> {
        match self {
            Self::Level(level) => Some(8 * u32::from(level)).filter(|shift| *shift < u64::BITS),
            Self::Entries => Some(0),
        }
    }

    /// How many hashes or entries the row has in a tree of this size.
    pub(crate) fn length(self, size: u64) -> u64 {
        self.shift().map_or(0, |shift| size >> shift)
    }
}

/// The name of a tile or bundle: `tile/0/x001/x234/067.p/8`, `tile/entries/000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TilePath {
    row: TileRow,
    index: u64,
    width: u16,
}

/// Why there is no such tile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TilePathError {
    /// The text is not of the form of a tile's path, or not in its only spelling.
    #[error("\"{0}\" is no path of a tile (tile/<level or entries>/<index>[.p/<width>])")]
    Form(String),
    /// No tile is at such a level.
    #[error("level {0} is above the highest, 63")]
    Level(u8),
    /// No tile has such a width.
    #[error("a tile is 1 to 256 wide, not {0}")]
    Width(u16),
}

impl TilePath {
    /// A tile or bundle by row, place in the row, and width: 256 when full, less when partial.
    ///
    /// # Errors
    ///
    /// When level or width are none that a tile can have.
    pub fn new(row: TileRow, index: u64, width: u16) -> Result<Self, TilePathError> {
        if let TileRow::Level(level) = row
            && level > MAX_LEVEL
        {
            return Err(TilePathError::Level(level));
        }
        if !(1..=TILE_WIDTH).contains(&width) {
            return Err(TilePathError::Width(width));
        }
        Ok(Self { row, index, width })
    }

    /// The tile at this place of the row in a tree of `size` leaves, as wide as it is there; `None` where such a
    /// tree has none.
    #[must_use]
    pub fn in_tree(row: TileRow, index: u64, size: u64) -> Option<Self> {
        let before = index.checked_mul(u64::from(TILE_WIDTH))?;
        let width = row.length(size).checked_sub(before)?.min(u64::from(TILE_WIDTH));
        Self::new(row, index, u16::try_from(width).ok()?).ok()
    }

    /// Hashes of which level, or entries.
    #[must_use]
    pub fn row(&self) -> TileRow {
        self.row
    }

    /// The place in the row, from 0.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries: 1 to 256.
    #[must_use]
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it will grow no more.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The full tile at the same place, which stands in for a partial one that was cleared away.
    #[must_use]
    pub fn full(&self) -> Self {
        Self { width: TILE_WIDTH, ..*self }
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            TileRow::Level(level) => write!(f, "tile/{level}/")?,
            TileRow::Entries => f.write_str("tile/entries/")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for group in groups.iter().skip(1).rev() {
            write!(f, "x{group:03}/")?;
        }
        write!(f, "{:03}", groups[0])?;
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

impl FromStr for TilePath {
    type Err = TilePathError;

    fn from_str(path: &str) -> Result<Self, TilePathError> {
        let error = || TilePathError::Form(text::excerpt(path));
        let (row, rest) =
            path.strip_prefix("tile/").and_then(|rest| rest.split_once('/')).ok_or_else(error)?;
        let small = |text: &str| text::decimal(text).and_then(|number| u16::try_from(number).ok());
        let row = match row {
            "entries" => TileRow::Entries,
            level => TileRow::Level(small(level).and_then(|l| u8::try_from(l).ok()).ok_or_else(error)?),
        };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, small(width).ok_or_else(error)?),
            None => (rest, TILE_WIDTH),
        };
        let number = index.split('/').try_fold(0_u64, |number, group| {
            let digits = group.strip_prefix('x').unwrap_or(group);
            let group: u64 = digits.parse().ok()?;
            number.checked_mul(1000)?.checked_add(group)
        });
        let tile = Self::new(row, number.ok_or_else(error)?, width)?;
        // Numbers and groups can be misspelt in many ways; there is one right way.
        if tile.to_string() == path { Ok(tile) } else { Err(error()) }
    }
}

/// The tiles and bundles that a tree of `new_size` leaves has and one of `old_size` had not, in the order in
/// which they should be published: entries, then hashes from the leaves up.
///
/// It is lazy, since a size alone may stand for more tiles than memory holds.
///
/// # Errors
///
/// When `new_size` is beyond what a log may have.
pub fn new_tiles(old_size: u64, new_size: u64) -> Result<impl Iterator<Item = TilePath>, SizeError> {
    SizeError::check(new_size)?;
    let rows = std::iter::once(TileRow::Entries).chain((0..8).map(TileRow::Level));
    Ok(rows.flat_map(move |row| {
        let (old, new) = (row.length(old_size.min(MAX_TREE_SIZE)), row.length(new_size));
        let width = u64::from(TILE_WIDTH);
        let range = if old < new { old / width..new.div_ceil(width) } else { 0..0 };
        range.filter_map(move |index| TilePath::in_tree(row, index, new_size))
    }))
}
