//! An archive as names and bytes, which anybody who can write there may change.

use std::collections::BTreeMap;

use assurance_storage::{Memory, Storage};

/// The published files of an archive.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

const DIRECTORIES: &[&str] = &[
    "hot",
    "cold",
    "log",
    "log/checkpoints",
    "log/cosignatures",
    "log/tile/0",
    "log/tile/0/000.p",
    "log/tile/1",
    "log/tile/1/000.p",
    "log/tile/entries",
    "log/tile/entries/000.p",
];

pub(crate) fn dump(memory: &Memory) -> Files {
    let mut files = Files::new();
    for directory in DIRECTORIES {
        for entry in memory.list(directory).expect("listed") {
            let bytes = memory.read(&entry.name, u64::MAX).expect("read");
            files.insert(entry.name, bytes);
        }
    }
    files
}

pub(crate) fn load(files: &Files) -> Memory {
    let memory = Memory::new();
    for (name, bytes) in files {
        memory.publish(name, &mut &bytes[..]).expect("published");
    }
    memory
}
