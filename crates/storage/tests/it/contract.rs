//! What every implementation of the trait does. `disk` runs the same checks on a real file system.

use std::io::{self, Read};

use assurance_storage::{Memory, Reader, Storage, StorageError, StorageErrorKind};

pub(crate) fn check(storage: &dyn Storage) {
    appending(storage);
    publishing(storage);
    replacing(storage);
    reading(storage);
    listing(storage);
    removing(storage);
    locking(storage);
    refusing(storage);
}

fn content(storage: &dyn Storage, name: &str) -> String {
    let bytes = storage.read(name, 1 << 20).expect("the file is there");
    String::from_utf8(bytes).expect("the test writes text")
}

fn kind<T>(outcome: Result<T, StorageError>) -> StorageErrorKind {
    outcome.err().expect("an error").kind
}

fn appending(storage: &dyn Storage) {
    let mut file = storage.open_append("append/log").expect("created");
    assert_eq!(file.bytes(), 0);
    file.append(b"one ").expect("appended");
    file.append(b"two").expect("appended");
    file.sync().expect("synced");
    drop(file);
    let mut file = storage.open_append("append/log").expect("opened again");
    assert_eq!(file.bytes(), 7);
    file.truncate(4).expect("cut");
    file.append(b"three").expect("appended at the new end");
    file.sync().expect("synced");
    assert_eq!(file.bytes(), 9);
    assert_eq!(content(storage, "append/log"), "one three");
    assert!(matches!(kind(file.truncate(10)), StorageErrorKind::TooShort { bytes: 9, wanted: 10 }));
}

fn publishing(storage: &dyn Storage) {
    storage.publish("published/a.jsonl", &mut &b"first\n"[..]).expect("published");
    let again = storage.publish("published/a.jsonl", &mut &b"second\n"[..]);
    assert!(matches!(kind(again), StorageErrorKind::AlreadyExists));
    assert_eq!(content(storage, "published/a.jsonl"), "first\n");

    let mut broken = b"half".chain(Failing);
    let error = storage.publish("published/b.jsonl", &mut broken).expect_err("the content fails");
    assert!(matches!(error.kind, StorageErrorKind::Content(_)), "{error}");
    assert!(matches!(kind(storage.read("published/b.jsonl", 10)), StorageErrorKind::NotFound));

    let large = vec![b'x'; 700_000];
    storage.publish("published/large", &mut &large[..]).expect("published");
    assert_eq!(storage.read("published/large", 1 << 20).expect("read"), large);
}

/// A reader that fails at once.
struct Failing;

impl Read for Failing {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("torn wire"))
    }
}

fn replacing(storage: &dyn Storage) {
    storage.replace("replaced/cursor", b"a longer first").expect("created");
    storage.replace("replaced/cursor", b"second").expect("replaced");
    assert_eq!(content(storage, "replaced/cursor"), "second");
}

fn reading(storage: &dyn Storage) {
    storage.replace("read/digits", b"0123456789").expect("written");
    assert!(matches!(kind(storage.read("read/digits", 9)), StorageErrorKind::TooLarge { max_bytes: 9 }));
    assert_eq!(storage.read("read/digits", 10).expect("read"), b"0123456789");
    let mut buffer = [0; 4];
    assert_eq!(storage.read_at("read/digits", 7, &mut buffer).expect("read"), 3);
    assert_eq!(&buffer[..3], b"789");
    assert_eq!(storage.read_at("read/digits", 10, &mut buffer).expect("read"), 0);
    assert_eq!(storage.read_at("read/digits", 99, &mut buffer).expect("read"), 0);
    let mut text = String::new();
    Reader::range(storage, "read/digits", 2, 5).read_to_string(&mut text).expect("read");
    assert_eq!(text, "234");
    assert!(matches!(kind(storage.read("read/nothing", 9)), StorageErrorKind::NotFound));
    assert!(matches!(kind(storage.read("nowhere/at/all", 9)), StorageErrorKind::NotFound));
}

fn listing(storage: &dyn Storage) {
    for name in ["list/b", "list/a", "list/below/c"] {
        storage.replace(name, name.as_bytes()).expect("written");
    }
    let found: Vec<(String, u64)> =
        storage.list("list").expect("listed").into_iter().map(|entry| (entry.name, entry.bytes)).collect();
    assert_eq!(found, [("list/a".to_owned(), 6), ("list/b".to_owned(), 6)]);
    assert_eq!(storage.list("nowhere").expect("an absent directory is empty"), []);
    assert!(storage.list("").expect("listed").iter().all(|entry| !entry.name.contains('/')));
}

fn removing(storage: &dyn Storage) {
    storage.replace("removed/file", b"x").expect("written");
    storage.remove("removed/file").expect("removed");
    assert!(matches!(kind(storage.remove("removed/file")), StorageErrorKind::NotFound));
    assert_eq!(storage.list("removed").expect("listed"), []);
}

fn locking(storage: &dyn Storage) {
    let held = storage.lock("locked/lock").expect("free");
    assert!(matches!(kind(storage.lock("locked/lock")), StorageErrorKind::Locked { .. }));
    drop(held);
    storage.lock("locked/lock").expect("free again");
}

fn refusing(storage: &dyn Storage) {
    for name in ["", "/etc/passwd", "../up", "a/../b", "a//b", "a/", ".", "a b", "ä", ".tmp-x", "a/.tmp-x"] {
        let invalid = |kind| matches!(kind, StorageErrorKind::InvalidName { .. });
        assert!(invalid(kind(storage.open_append(name))), "{name:?}");
        assert!(invalid(kind(storage.publish(name, &mut io::empty()))), "{name:?}");
        assert!(invalid(kind(storage.replace(name, b""))), "{name:?}");
        assert!(invalid(kind(storage.read(name, 1))), "{name:?}");
        assert!(invalid(kind(storage.remove(name))), "{name:?}");
        assert!(invalid(kind(storage.lock(name))), "{name:?}");
        assert!(name.is_empty() || invalid(kind(storage.list(name))), "{name:?}");
    }
}

#[test]
fn memory_keeps_the_contract() {
    check(&Memory::new());
}

#[test]
fn the_crashing_double_without_a_plan_keeps_the_contract() {
    check(&assurance_storage::Crashing::counting());
}

#[test]
fn an_overlay_over_nothing_keeps_the_contract() {
    check(&assurance_storage::Overlay::new(Memory::new()));
}
