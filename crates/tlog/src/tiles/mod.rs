//! A log as static files (c2sp.org/tlog-tiles): hashes in tiles of 256, entries in bundles of 256.

mod bundle;
mod grow;
mod path;
mod reader;

pub use bundle::{BundleError, MAX_BUNDLE_BYTES, MAX_ENTRY_BYTES, decode_bundle, encode_bundle};
pub use grow::{Growth, GrowthError, grow};
pub use path::{TILE_WIDTH, TilePath, TilePathError, TileRow, new_tiles};
pub use reader::{TileReader, TileSource, TilesError};
