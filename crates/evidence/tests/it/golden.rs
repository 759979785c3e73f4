//! The archive of version 1: made once, verified by every later version, and never made anew.

use std::collections::BTreeMap;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assurance_evidence::audit::{self, Options};
use assurance_evidence::manifest::{LegalHold, Retention};
use assurance_evidence::proof::{Wanted, prove, verify_proof};
use assurance_evidence::seal::{plan, prune};
use assurance_metrics_model::{Duration, Timestamp};
use assurance_storage::{AppendFile, Entry, LockGuard, Memory, Storage, StorageError};

use crate::backend::{at, day};
use crate::rig::{Rig, findings, key, policy, witness};

/// What an archive is made of, but for `state/`, which is the program's own.
const DIRECTORIES: [&str; 8] = [
    "hot",
    "cold",
    "log",
    "log/checkpoints",
    "log/cosignatures",
    "log/tile/0",
    "log/tile/entries",
    "log/tile/entries/000.p",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/evidence/v1")
}

/// Six days: one is purged, two are compressed only, one has a supplement; a hold, a rotation and a witness.
fn written_today(storage: Arc<dyn Storage>) -> Arc<dyn Storage> {
    let mut rig = Rig::new(storage);
    rig.retention = Retention { hot_days: 2, cold_days: 4 };
    for events in [3, 0, 5, 1] {
        rig.day(events);
    }
    rig.backend.write(at("2026-01-05T23:59:59Z"));
    rig.day(2);
    let hold = LegalHold {
        v: 0,
        index: 0,
        at: rig.now,
        id: "case-7".to_owned(),
        from: day("2026-01-03"),
        to: None,
        reason: "inquiry".to_owned(),
        by: "counsel".to_owned(),
    };
    rig.open().hold(hold, &rig.key).expect("as the test made it");
    rig.open().rotate(rig.now, &rig.key, &key(2), "yearly").expect("as the test made it");
    rig.key = key(2);
    rig.day(4);
    rig.now += Duration::from_secs(3600);
    let mut log = rig.open();
    let planned = plan(&*rig.storage, &log, rig.retention, rig.now).expect("as the test made it");
    prune(&*rig.storage, &mut log, &planned, rig.retention, rig.now, Some(&rig.key))
        .expect("as the test made it");
    rig.witness(&witness(7));
    rig.storage
}

fn files(storage: &dyn Storage) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut directories: Vec<String> = DIRECTORIES.map(str::to_owned).to_vec();
    for row in ["0", "entries"] {
        directories.extend((0..16).map(|tile| format!("log/tile/{row}/{tile:03}.p")));
    }
    for directory in directories {
        for entry in storage.list(&directory).expect("as the test made it") {
            files
                .insert(entry.name.clone(), storage.read(&entry.name, 1 << 20).expect("as the test made it"));
        }
    }
    files
}

/// The files below a folder.
fn kept() -> BTreeMap<String, Vec<u8>> {
    let (mut files, mut folders) = (BTreeMap::new(), vec![folder()]);
    while let Some(below) = folders.pop() {
        for entry in fs_err::read_dir(below).expect("as the test made it") {
            let path = entry.expect("as the test made it").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder()).expect("as the test made it").display().to_string();
                files.insert(name, fs_err::read(path).expect("as the test made it"));
            }
        }
    }
    files
}

fn archive() -> Memory {
    let storage = Memory::new();
    kept()
        .iter()
        .for_each(|(name, bytes)| storage.publish(name, &mut &bytes[..]).expect("as the test made it"));
    storage
}

#[test]
fn an_archive_of_version_1_verifies() {
    let storage = archive();
    let mut options = Options::at(at_the_end());
    options.policy = Some(policy(&key(1), Some(&witness(7))));
    let report = audit::verify(&storage, &options, &mut |_| {}).expect("as the test made it");
    assert_eq!(findings(&report), [""; 0]);
    insta::assert_json_snapshot!("golden_report", report);
    let leaves: Vec<String> = audit::leaves(&storage)
        .expect("as the test made it")
        .expect("as the test made it")
        .into_iter()
        .map(|leaf| String::from_utf8(leaf).expect("as the test made it"))
        .collect();
    insta::assert_snapshot!("golden_leaves", leaves.join("\n"));
    let proof = prove(&storage, &Wanted::line(day("2026-01-04"), 2)).expect("as the test made it");
    let proven = verify_proof(&proof, &policy(&key(2), Some(&witness(7)))).expect("as the test made it");
    assert_eq!((proven.day, proven.line), (day("2026-01-04"), 2));
}

#[test]
fn every_byte_of_an_archive_of_version_1_is_looked_at() {
    // Of the key in the archive nothing is believed where a policy has one.
    for name in kept().keys().filter(|name| *name != "log/vkey") {
        let storage = archive();
        let mut bytes = storage.read(name, 1 << 20).expect("as the test made it");
        let Some(last) = bytes.len().checked_sub(2) else { continue }; // an empty day's
        bytes[last] ^= 1;
        storage.remove(name).expect("as the test made it");
        storage.publish(name, &mut &bytes[..]).expect("as the test made it");
        let mut options = Options::at(at_the_end());
        options.policy = Some(policy(&key(1), None));
        let report = audit::verify(&storage, &options, &mut |_| {}).expect("as the test made it");
        assert!(!report.findings.is_empty(), "a change of {name} was not seen");
    }
}

/// Writes frames as the first versions did, at level 3, which is no part of the format; all else depends on their bytes.
#[derive(Debug)]
struct AtLevel3(Memory);

impl Storage for AtLevel3 {
    fn publish(&self, name: &str, content: &mut dyn Read) -> Result<(), StorageError> {
        if !name.ends_with(".zst") {
            return self.0.publish(name, content);
        }
        let content = zstd::decode_all(content).expect("a frame");
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).expect("a level");
        encoder.include_checksum(true).expect("known");
        encoder.set_pledged_src_size(Some(content.len() as u64)).expect("known");
        encoder.write_all(&content).expect("of this length");
        self.0.publish(name, &mut &encoder.finish().expect("of this length")[..])
    }

    fn open_append(&self, name: &str) -> Result<Box<dyn AppendFile>, StorageError> {
        self.0.open_append(name)
    }

    fn replace(&self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        self.0.replace(name, content)
    }

    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, StorageError> {
        self.0.read(name, max_bytes)
    }

    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError> {
        self.0.read_at(name, offset, buffer)
    }

    fn list(&self, directory: &str) -> Result<Vec<Entry>, StorageError> {
        self.0.list(directory)
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.0.remove(name)
    }

    fn lock(&self, name: &str) -> Result<Box<dyn LockGuard>, StorageError> {
        self.0.lock(name)
    }
}

/// Where this fails because compressed bytes differ, a new version of the compressor is the reason, and archives are as
/// good as before. Where anything else differs, the format changed, and that is another version of it.
#[test]
fn version_1_is_written_as_ever_but_for_the_level_of_its_frames() {
    let written = files(&*written_today(Arc::new(AtLevel3(Memory::new()))));
    if !folder().exists() {
        // The first time, and no other.
        for (name, bytes) in &written {
            let path = folder().join(name);
            fs_err::create_dir_all(path.parent().expect("as the test made it")).expect("as the test made it");
            fs_err::write(path, bytes).expect("as the test made it");
        }
        panic!("the archive was missing and is there now: look at it, and run this again");
    }
    let kept = kept();
    assert_eq!(written.keys().collect::<Vec<_>>(), kept.keys().collect::<Vec<_>>());
    for (name, bytes) in &written {
        assert!(*bytes == kept[name], "{name} is written in another way than before");
    }
}

#[test]
fn frames_of_today_hold_what_frames_of_version_1_did() {
    let (written, kept) = (files(&*written_today(Arc::new(Memory::new()))), kept());
    assert_eq!(written.keys().collect::<Vec<_>>(), kept.keys().collect::<Vec<_>>());
    let (mut frames, mut others) = (0, 0);
    for (name, bytes) in &written {
        if name.ends_with(".zst") {
            let content = |frame: &[u8]| zstd::decode_all(frame).expect("a frame");
            assert!(content(bytes) == content(&kept[name]), "{name}");
            frames += usize::from(*bytes != kept[name]);
        } else if name.ends_with(".jsonl") || name.ends_with(".leaves") {
            assert!(*bytes == kept[name], "{name}");
            others += 1;
        }
    }
    assert!(frames > 0 && others > 0, "{frames} frames of another level, {others} other files");
}

/// A frame is made again to see what was done to it: at the level it was made at.
#[test]
fn a_changed_bit_of_a_frame_of_version_1_is_named() {
    let mut named = 0;
    for name in kept().keys().filter(|name| name.ends_with(".zst")) {
        let storage = archive();
        let plain = name.replace("cold/", "hot/").replace(".zst", "");
        if storage.read(&plain, 1 << 20).is_err() {
            continue;
        }
        let mut bytes = storage.read(name, 1 << 20).expect("as the test made it");
        let at = bytes.len() - 1; // of the checksum
        bytes[at] ^= 4;
        storage.remove(name).expect("as the test made it");
        storage.publish(name, &mut &bytes[..]).expect("as the test made it");
        let report = audit::verify(&storage, &Options::at(at_the_end()), &mut |_| {}).expect("readable");
        let found = findings(&report).join("\n");
        assert!(found.contains(&format!("bit 2 of byte {at} is flipped")), "{name}: {found}");
        named += 1;
    }
    assert!(named > 3, "{named}");
}

fn at_the_end() -> Timestamp {
    at("2026-01-08T04:00:00Z")
}
