//! The names of the files, relative to the evidence directory.

use crate::{Day, Digest};

/// Published days, in plain form. Nothing in it is ever changed.
pub const PUBLISHED_DIRECTORY: &str = "hot";
/// What is not published: the cursor, the open days, the lock.
pub const STATE_DIRECTORY: &str = "state";
/// Held by whoever writes.
pub const LOCK_FILE: &str = "state/lock";
/// What was read so far; the commit point of every collection.
pub(crate) const CURSOR_FILE: &str = "state/cursor.json";

/// The events of a day that is not published yet.
pub(crate) fn open_events(day: Day) -> String {
    format!("{STATE_DIRECTORY}/audit-{day}.open.jsonl")
}

/// The facts of a day that is not published yet.
pub(crate) fn open_facts(day: Day) -> String {
    format!("{STATE_DIRECTORY}/audit-{day}.open.facts.jsonl")
}

/// The day whose events a file of the state directory holds.
pub(crate) fn day_of_open_events(name: &str) -> Option<Day> {
    let day = name.strip_prefix(STATE_DIRECTORY)?.strip_prefix("/audit-")?.strip_suffix(".open.jsonl")?;
    day.parse().ok()
}

/// The bare name of a day's published events: `supplement` counts from 1 for what came late.
pub(crate) fn published_events(day: Day, supplement: Option<u32>) -> String {
    match supplement {
        None => format!("audit-{day}.jsonl"),
        Some(number) => format!("audit-{day}.supplement-{number}.jsonl"),
    }
}

/// The bare name of a day's published facts.
pub(crate) fn published_facts(day: Day) -> String {
    format!("audit-{day}.facts.jsonl")
}

/// The bare name of the sidecar that holds a published file's checksum.
pub(crate) fn sidecar(bare: &str) -> String {
    format!("{bare}.sha256")
}

/// A bare name in the directory of published days.
pub(crate) fn in_published(bare: &str) -> String {
    format!("{PUBLISHED_DIRECTORY}/{bare}")
}

/// The day a published file belongs to, whatever its form, and the rest of its name after the day.
pub(crate) fn day_of_published(name: &str) -> Option<(Day, &str)> {
    let bare = name.strip_prefix(PUBLISHED_DIRECTORY)?.strip_prefix('/')?;
    let (day, rest) = bare.strip_prefix("audit-")?.split_at_checked(10)?;
    Some((day.parse().ok()?, rest))
}

/// The longest sidecar: a checksum, two spaces and a name of at most 255 bytes, and some room for more lines than
/// there should be.
pub(crate) const MAX_SIDECAR_BYTES: u64 = 4096;
/// Compressed days, to be kept for years, and the hashes of their lines.
pub(crate) const COLD_DIRECTORY: &str = "cold";
/// The transparency log, in the layout of c2sp.org/tlog-tiles.
pub(crate) const LOG_DIRECTORY: &str = "log";
/// The newest signed tree head: the only published file that changes, and the commit point of every seal.
pub(crate) const CHECKPOINT_FILE: &str = "log/checkpoint";
/// Copies of every checkpoint, by size.
pub(crate) const CHECKPOINTS_DIRECTORY: &str = "log/checkpoints";
/// What witnesses signed, by size and key.
pub(crate) const COSIGNATURES_DIRECTORY: &str = "log/cosignatures";
/// The log's first key, for those who have no better source.
pub(crate) const LOG_KEY_FILE: &str = "log/vkey";

/// A bare name in the directory of compressed days.
pub(crate) fn in_cold(bare: &str) -> String {
    format!("{COLD_DIRECTORY}/{bare}")
}

/// The bare name of a file's compressed form.
pub(crate) fn compressed(bare: &str) -> String {
    format!("{bare}.zst")
}

/// The bare name of the leaf hashes of a file's lines.
pub(crate) fn leaves(bare: &str) -> String {
    format!("{}.leaves", bare.strip_suffix(".jsonl").unwrap_or(bare))
}

/// The bare name of the copy of the leaf that sealed a file of events.
pub(crate) fn manifest(bare: &str) -> String {
    format!("{}.manifest.json", bare.strip_suffix(".jsonl").unwrap_or(bare))
}

/// The day a plain or compressed file belongs to, and the rest of its name after the day.
pub(crate) fn day_of_file(name: &str) -> Option<(Day, &str)> {
    let (directory, bare) = name.split_once('/')?;
    if directory != PUBLISHED_DIRECTORY && directory != COLD_DIRECTORY {
        return None;
    }
    let (day, rest) = bare.strip_prefix("audit-")?.split_at_checked(10)?;
    Some((day.parse().ok()?, rest))
}

/// What is known of the log besides its files.
pub(crate) const LOG_STATE_FILE: &str = "state/log.json";

/// The longest checkpoint that is read: a hundred signatures, and room.
pub(crate) const MAX_CHECKPOINT_BYTES: u64 = 64 * 1024;

/// The line of a checksum file, as `sha256sum` writes and checks it.
pub(crate) fn sidecar_line(bare: &str, digest: Digest) -> String {
    format!("{digest}  {bare}\n")
}
