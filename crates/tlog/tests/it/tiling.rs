use std::cell::RefCell;
use std::collections::BTreeMap;

use assurance_tlog::tiles::{
    BundleError, GrowthError, MAX_BUNDLE_BYTES, MAX_ENTRY_BYTES, TilePath, TilePathError, TileReader,
    TileRow, TileSource, TilesError, decode_bundle, encode_bundle, grow, new_tiles,
};
use assurance_tlog::{
    Hash, HashReader as _, consistency_proof, empty_root, inclusion_proof, leaf_hash, tree_root,
    verify_consistency, verify_inclusion,
};

use crate::kit::{entries, tree};

/// Published files by name, as a directory has them. It refuses what a directory could not give.
#[derive(Default)]
struct Files {
    files: BTreeMap<String, Vec<u8>>,
    asked: RefCell<Vec<String>>,
}

impl TileSource for Files {
    type Error = String;

    fn tile(&self, path: &TilePath) -> Result<Vec<u8>, String> {
        self.asked.borrow_mut().push(path.to_string());
        self.files.get(&path.to_string()).cloned().ok_or_else(|| format!("no {path}"))
    }
}

impl Files {
    /// Grows the log step by step and returns its size and root.
    fn grown(steps: &[usize]) -> (Self, u64, Hash) {
        let all = entries(steps.iter().sum());
        let (mut files, mut size, mut root) = (Self::default(), 0, empty_root());
        for step in steps {
            let growth = grow(&files, size, &root, &all[size as usize..][..*step]).unwrap();
            let expected: Vec<_> = new_tiles(size, growth.size).unwrap().collect();
            assert_eq!(
                growth.files.iter().map(|(path, _)| *path).collect::<Vec<_>>(),
                wide(expected, growth.size)
            );
            for (path, content) in growth.files {
                let before = files.files.insert(path.to_string(), content);
                assert!(before.is_none(), "{path} is published twice");
            }
            (size, root) = (growth.size, growth.root);
        }
        (files, size, root)
    }
}

/// Nothing that `new_tiles` names is wider than the tree has it.
fn wide(paths: Vec<TilePath>, size: u64) -> Vec<TilePath> {
    for path in &paths {
        assert_eq!(TilePath::in_tree(path.row(), path.index(), size).as_ref(), Some(path));
    }
    paths
}

#[test]
fn paths_are_those_of_the_specification() {
    for (row, index, width, path) in [
        (TileRow::Level(0), 0, 256, "tile/0/000"),
        (TileRow::Level(0), 1_234_067, 256, "tile/0/x001/x234/067"),
        (TileRow::Level(0), 1_234_067, 8, "tile/0/x001/x234/067.p/8"),
        (TileRow::Level(63), 999, 255, "tile/63/999.p/255"),
        (TileRow::Level(1), 1000, 1, "tile/1/x001/000.p/1"),
        (TileRow::Entries, 5, 256, "tile/entries/005"),
        (TileRow::Entries, u64::MAX, 1, "tile/entries/x018/x446/x744/x073/x709/x551/615.p/1"),
    ] {
        let tile = TilePath::new(row, index, width).unwrap();
        assert_eq!(tile.to_string(), path);
        assert_eq!(path.parse(), Ok(tile));
    }
}

#[test]
fn paths_have_one_spelling() {
    for path in [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/256/000",
        "tile/-1/000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/x1/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/08",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000.p/1/",
        "tile/8/0/000",
        "/tile/0/000",
        "tile/entries/000/",
        "tile/0/+12",
        "tile/0/x+01/000",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/Entries/000",
        "tile/0/x001//000",
        "tile/0/000.p/1.p/1",
    ] {
        assert!(path.parse::<TilePath>().is_err(), "{path}");
    }
    assert_eq!(TilePath::new(TileRow::Entries, 0, 0), Err(TilePathError::Width(0)));
    assert_eq!(TilePath::new(TileRow::Entries, 0, 257), Err(TilePathError::Width(257)));
    assert_eq!(TilePath::new(TileRow::Level(64), 0, 1), Err(TilePathError::Level(64)));
}

#[test]
fn the_specifications_tree_of_70000_has_the_tiles_it_names() {
    let tiles: Vec<_> = new_tiles(0, 70_000).unwrap().collect();
    let count = |row, full| tiles.iter().filter(|t| t.row() == row && t.is_full() == full).count();
    assert_eq!((count(TileRow::Level(0), true), count(TileRow::Level(0), false)), (273, 1));
    assert_eq!((count(TileRow::Level(1), true), count(TileRow::Level(1), false)), (1, 1));
    assert_eq!((count(TileRow::Level(2), true), count(TileRow::Level(2), false)), (0, 1));
    assert_eq!((count(TileRow::Entries, true), count(TileRow::Entries, false)), (273, 1));
    let widths: Vec<_> = tiles.iter().filter(|t| !t.is_full()).map(TilePath::width).collect();
    assert_eq!(widths, [112, 112, 17, 1]);
    let full: Vec<_> = new_tiles(0, 256).unwrap().map(|tile| tile.to_string()).collect();
    assert_eq!(full, ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(new_tiles(70_000, 70_000).unwrap().count(), 0);
    assert_eq!(new_tiles(70_000, 3).unwrap().count(), 0);
    assert_eq!(new_tiles(0, u64::MAX / 2).unwrap().take(1000).count(), 1000, "lazily");
    assert!(new_tiles(0, u64::MAX).is_err());
}

#[test]
fn a_log_grown_in_any_steps_has_the_same_full_tiles_and_gives_every_proof() {
    let steps: &[&[usize]] = &[&[700], &[1; 20], &[255, 1, 1, 255, 188], &[0, 3, 0, 509], &[256, 256, 256]];
    for steps in steps {
        let (files, size, root) = Files::grown(steps);
        let expected = tree(size as usize);
        assert_eq!(root, expected.root(), "{steps:?}");
        let reader = TileReader::new(size, &files).unwrap();
        assert_eq!(tree_root(size, &reader), Ok(root));
        for index in [0, 1, size / 3, size / 2, size - 1] {
            let proof = inclusion_proof(index, size, &reader).unwrap();
            let leaf = expected.node(0, index).unwrap();
            assert_eq!(verify_inclusion(&leaf, index, size, &root, &proof), Ok(()), "{index} of {steps:?}");
            let proof = consistency_proof(index, size, &reader).unwrap();
            let old = tree(index as usize).root();
            assert_eq!(verify_consistency(index, &old, size, &root, &proof), Ok(()), "{index} of {steps:?}");
        }
        for (path, content) in &files.files {
            let path: TilePath = path.parse().unwrap();
            if path.row() == TileRow::Entries {
                let decoded = decode_bundle(content, path.width()).unwrap();
                for (entry, index) in decoded.iter().zip(path.index() * 256..) {
                    assert_eq!(*entry, format!("entry {index}").as_bytes());
                }
            }
        }
    }
}

#[test]
fn three_levels_of_tiles_grow() {
    // 65,536 leaves fill a tile of level 1; the step goes across.
    let (files, size, root) = Files::grown(&[65_000, 800]);
    assert_eq!(root, tree(65_800).root());
    assert!(files.files.contains_key("tile/2/000.p/1"));
    assert_eq!(files.files["tile/1/000"].len(), 8192);
    let reader = TileReader::new(size, &files).unwrap();
    let proof = inclusion_proof(65_535, size, &reader).unwrap();
    assert_eq!(verify_inclusion(&leaf_hash(b"entry 65535"), 65_535, size, &root, &proof), Ok(()));
    // To grow needs only the right edge.
    files.asked.borrow_mut().clear();
    grow(&files, size, &root, &[b"next"]).unwrap();
    assert_eq!(
        *files.asked.borrow(),
        [
            "tile/0/x000/257.p/8".replace("x000/", ""),
            "tile/1/001.p/1".into(),
            "tile/2/000.p/1".into(),
            "tile/entries/257.p/8".into()
        ]
    );
}

#[test]
fn a_full_tile_stands_in_for_a_partial_one() {
    let (mut files, _, _) = Files::grown(&[300, 300]);
    let old_root = tree(300).root();
    for row in ["0", "entries"] {
        let full = files.files[&format!("tile/{row}/001")].clone();
        files.files.insert(format!("tile/{row}/001.p/44"), full);
    }
    let reader = TileReader::new(300, &files).unwrap();
    assert_eq!(tree_root(300, &reader), Ok(old_root));
    let again = grow(&files, 300, &old_root, &entries(600)[300..]).unwrap();
    assert_eq!(again.root, tree(600).root());
    for (path, content) in again.files {
        assert_eq!(files.files[&path.to_string()], content, "{path}");
    }
}

#[test]
fn a_damaged_edge_is_found_before_anything_is_appended() {
    let (files, size, root) = Files::grown(&[300]);
    let next = [b"next"];
    let broken = |name: &str, change: fn(&mut Vec<u8>)| {
        let mut files = Files { files: files.files.clone(), ..Files::default() };
        change(files.files.get_mut(name).unwrap());
        grow(&files, size, &root, &next).unwrap_err()
    };
    let flip: fn(&mut Vec<u8>) = |bytes| bytes[5] ^= 1;
    assert!(matches!(
        broken("tile/0/001.p/44", flip),
        GrowthError::OldEntry { .. } | GrowthError::OldRoot { .. }
    ));
    assert!(matches!(broken("tile/1/000.p/1", flip), GrowthError::OldRoot { .. }));
    assert!(matches!(broken("tile/entries/001.p/44", flip), GrowthError::OldEntry { index: 256, .. }));
    assert!(matches!(broken("tile/entries/001.p/44", |b| b.truncate(9)), GrowthError::OldBundle { .. }));
    assert!(matches!(broken("tile/entries/001.p/44", |b| b.push(0)), GrowthError::OldBundle { .. }));
    let short = broken("tile/0/001.p/44", |bytes| bytes.truncate(43 * 32));
    assert!(matches!(short, GrowthError::Tiles(TilesError::Length { found: 1376, .. })), "{short}");
    assert!(matches!(grow(&files, size, &empty_root(), &next), Err(GrowthError::OldRoot { .. })));
    assert!(matches!(grow(&files, u64::MAX, &root, &next), Err(GrowthError::Size(_))));
    assert!(matches!(grow(&files, 301, &root, &next), Err(GrowthError::Tiles(TilesError::Source { .. }))));
    let long = [vec![0; 3], vec![0; MAX_ENTRY_BYTES + 1]];
    assert!(matches!(grow(&files, size, &root, &long), Err(GrowthError::Entry { entry: 1, bytes: 65_536 })));
}

#[test]
fn bundles_are_read_to_their_last_byte() {
    let bundle = encode_bundle(&[b"ab".as_slice(), b"", b"c"]).unwrap();
    assert_eq!(bundle, b"\0\x02ab\0\0\0\x01c");
    assert_eq!(decode_bundle(&bundle, 3).unwrap(), [b"ab".as_slice(), b"", b"c"]);
    assert_eq!(decode_bundle(&bundle, 2), Err(BundleError::Trailing { bytes: 3, width: 2 }));
    assert_eq!(decode_bundle(&bundle, 4), Err(BundleError::Short { entry: 3, width: 4 }));
    assert_eq!(decode_bundle(&bundle[..8], 3), Err(BundleError::Short { entry: 2, width: 3 }));
    assert!(matches!(decode_bundle(&bundle, 0), Err(BundleError::Count { .. })));
    assert!(matches!(decode_bundle(&bundle, 257), Err(BundleError::Count { .. })));
    assert!(matches!(encode_bundle::<&[u8]>(&[]), Err(BundleError::Count { entries: 0 })));
    let longest = vec![0; MAX_ENTRY_BYTES];
    assert_eq!(encode_bundle(&vec![&longest; 256]).unwrap().len(), MAX_BUNDLE_BYTES);
    assert!(matches!(encode_bundle(&vec![b""; 257]), Err(BundleError::Count { .. })));
    assert!(matches!(encode_bundle(&[vec![0; 65_536]]), Err(BundleError::TooLong { .. })));
}
