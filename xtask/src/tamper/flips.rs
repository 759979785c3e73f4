//! Every single bit of a small archive, one after the other.

use std::collections::BTreeMap;

use crate::campaign::{alarms, audit};
use crate::hand::day_of;
use crate::world::{Ending, World};

/// Which archive: a short one with a rotation, a supplement, cold days and purged ones.
const SEED: u64 = 1;
const DAYS: usize = 3;

/// Flips every `stride`-th bit. Gives how many were not detected, or not named by their file.
pub(crate) fn run(stride: usize, say: &mut dyn FnMut(String)) -> u64 {
    let world = World::of(SEED, DAYS, Ending::Witnessed);
    let before = alarms(&audit(&world.files, None, None, world.now));
    assert!(before.is_empty(), "the archive is sound: {before:?}");
    // By kind of file and what was found.
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    let (mut flips, mut failures) = (0, 0);
    let mut place = 0;
    for (name, bytes) in &world.files {
        for bit in 0..bytes.len() * 8 {
            place += 1;
            if place % stride != 0 {
                continue;
            }
            let mut files = world.files.clone();
            let byte = files.get_mut(name).and_then(|bytes| bytes.get_mut(bit / 8)).expect("a byte");
            *byte ^= 1 << (bit % 8);
            let found = alarms(&audit(&files, None, None, world.now));
            flips += 1;
            let named = found.iter().any(|finding| finding.file == *name && finding.day == day_of(name));
            let classes: Vec<&str> = found.iter().map(|finding| finding.class.as_str()).collect();
            *counts.entry((kind_of(name), classes.join(" + "))).or_default() += 1;
            if !named {
                failures += 1;
                if failures <= 10 {
                    say(format!("bit {} of byte {} of {name}: {found:?}", bit % 8, bit / 8));
                }
            }
        }
    }
    for ((kind, classes), count) in &counts {
        say(format!("{kind:20} {count:>8} {classes}"));
    }
    let (files, bytes) = (world.files.len(), world.files.values().map(Vec::len).sum::<usize>());
    say(format!("{flips} single bits of {files} files ({bytes} bytes): {failures} not detected by name"));
    failures
}

/// A file's kind: its directory, and what follows its day or number.
fn kind_of(name: &str) -> String {
    match day_of(name) {
        Some(day) => {
            let (directory, rest) = name.split_once(&format!("/audit-{day}")).unwrap_or((name, ""));
            format!("{directory} {rest}")
        }
        None => name.trim_end_matches(|c: char| c.is_ascii_hexdigit() || c == '.').to_owned(),
    }
}
