//! What whoever tampers can do without a key, and knows by reading: nothing here is shared with the verifier.

use std::io::{Read as _, Write as _};

use sha2::{Digest as _, Sha256};

use crate::files::Files;
use crate::rng::Rng;

/// A file of lines in its two forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(crate) day: String,
    /// `audit-2026-01-02`, `audit-2026-01-02.facts` or `audit-2026-01-02.supplement-1`.
    stem: String,
}

impl Unit {
    pub(crate) fn plain(&self) -> String {
        format!("hot/{}.jsonl", self.stem)
    }

    pub(crate) fn cold(&self) -> String {
        format!("cold/{}.jsonl.zst", self.stem)
    }

    pub(crate) fn leaves(&self) -> String {
        format!("cold/{}.leaves", self.stem)
    }

    pub(crate) fn manifest(&self) -> String {
        format!("hot/{}.manifest.json", self.stem)
    }

    pub(crate) fn is_facts(&self) -> bool {
        self.stem.ends_with(".facts")
    }

    pub(crate) fn is_supplement(&self) -> bool {
        self.stem.contains(".supplement-")
    }

    pub(crate) fn is_hot(&self, files: &Files) -> bool {
        files.contains_key(&self.plain())
    }

    /// The content, from whichever form is there.
    pub(crate) fn content(&self, files: &Files) -> Vec<u8> {
        match files.get(&self.plain()) {
            Some(plain) => plain.clone(),
            None => decompress(&files[&self.cold()]),
        }
    }
}

pub(crate) fn sidecar(name: &str) -> String {
    format!("{name}.sha256")
}

/// Everything that is sealed, by its compressed files.
pub(crate) fn units(files: &Files) -> Vec<Unit> {
    files
        .keys()
        .filter_map(|name| {
            let stem = name.strip_prefix("cold/")?.strip_suffix(".jsonl.zst")?;
            Some(Unit { day: stem.get(6..16)?.to_owned(), stem: stem.to_owned() })
        })
        .collect()
}

/// One of them that fits.
pub(crate) fn unit(files: &Files, rng: &mut Rng, fits: impl Fn(&Unit) -> bool) -> Option<Unit> {
    let all: Vec<Unit> = units(files).into_iter().filter(fits).collect();
    (!all.is_empty()).then(|| all[rng.below(all.len())].clone())
}

/// One file that fits.
pub(crate) fn file(files: &Files, rng: &mut Rng, fits: impl Fn(&str) -> bool) -> Option<String> {
    let all: Vec<&String> = files.iter().filter(|(n, b)| fits(n) && !b.is_empty()).map(|(n, _)| n).collect();
    (!all.is_empty()).then(|| all[rng.below(all.len())].clone())
}

/// The day in the name of a file of `hot` or `cold`.
pub(crate) fn day_of(name: &str) -> Option<String> {
    let at = name.find("audit-")? + 6;
    name.get(at..at + 10).map(str::to_owned)
}

/// The lines, each with its line feed.
pub(crate) fn lines(content: &[u8]) -> Vec<Vec<u8>> {
    content.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// The line, from 1, that a byte is of.
pub(crate) fn line_at(content: &[u8], at: usize) -> u64 {
    1 + content[..at].iter().filter(|byte| **byte == b'\n').count() as u64
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes the checksum file fit.
pub(crate) fn fit(files: &mut Files, name: &str) {
    let bare = name.rsplit('/').next().unwrap_or(name);
    let text = format!("{}  {bare}\n", hex(&sha256(&files[name])));
    files.insert(sidecar(name), text.into_bytes());
}

pub(crate) fn compress(content: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).expect("an encoder");
    encoder.include_checksum(true).expect("set");
    encoder.include_contentsize(true).expect("set");
    encoder.set_pledged_src_size(Some(content.len() as u64)).expect("set");
    encoder.write_all(content).expect("into memory");
    encoder.finish().expect("into memory")
}

pub(crate) fn decompress(frame: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    let mut decoder = zstd::stream::read::Decoder::new(frame).expect("a frame");
    decoder.read_to_end(&mut content).expect("a frame");
    content
}

/// A line that nobody has sealed.
pub(crate) fn forged_line(rng: &mut Rng) -> Vec<u8> {
    let noise = rng.next();
    format!("{{\"id\":\"forged_{noise}\",\"timestamp\":\"2026-01-03T01:02:03Z\",\"by\":\"nobody\"}}\n")
        .into_bytes()
}

const MONTHS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/// 2026-01-01T00:00:00Z; every archive here begins in the first days of that year.
const YEAR: i64 = 1_767_225_600;

/// Seconds since 1970 of `2026-01-02T03:04:05Z`.
pub(crate) fn seconds(text: &str) -> i64 {
    let number = |from: usize, to: usize| text[from..to].parse::<i64>().expect("digits");
    let days: i64 = MONTHS.iter().take(number(5, 7) as usize - 1).sum::<i64>() + number(8, 10) - 1;
    YEAR + (days + 365 * (number(0, 4) - 2026)) * 86_400
        + number(11, 13) * 3600
        + number(14, 16) * 60
        + number(17, 19)
}

/// The reverse.
pub(crate) fn instant(seconds: i64) -> String {
    let (mut days, of_day) = ((seconds - YEAR) / 86_400, (seconds - YEAR) % 86_400);
    let mut month = 0;
    while days >= MONTHS[month] {
        days -= MONTHS[month];
        month += 1;
    }
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("2026-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", month + 1, days + 1)
}
