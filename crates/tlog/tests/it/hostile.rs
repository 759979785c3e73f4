//! Whatever bytes arrive: an error, or something that is written again as the same bytes; never a panic, and
//! never a proof of what is not so.

use assurance_tlog::cosignature::{self, CosignerKey};
use assurance_tlog::note::{SignedNote, SigningKey, VerifierKey, verify};
use assurance_tlog::policy::Policy;
use assurance_tlog::proof::TlogProof;
use assurance_tlog::tiles::{
    TilePath, TileReader, TileRow, TileSource, decode_bundle, encode_bundle, new_tiles,
};
use assurance_tlog::witness::{AddCheckpoint, Decision, TreeHead, Witness, read_conflict, read_cosignatures};
use assurance_tlog::{
    Checkpoint, Frontier, Hash, HashReader as _, consistency_proof, inclusion_proof, verify_consistency,
    verify_inclusion,
};
use proptest::prelude::*;

use crate::kit::{ORIGIN, log_key, tree, witness_key};

fn cosigned() -> SignedNote {
    let checkpoint = Checkpoint::new(ORIGIN, 13, tree(13).root()).expect("sound");
    let mut note = checkpoint.sign(&[&log_key()]).expect("a key");
    note.add(cosignature::sign(&witness_key(1), &checkpoint, 1_700_000_000)).expect("room");
    note
}

fn proof() -> TlogProof {
    let hashes = inclusion_proof(5, 13, &tree(13)).expect("in the tree");
    TlogProof { index: 5, extra: Some(b"extra".to_vec()), hashes, checkpoint: cosigned() }
}

fn request() -> AddCheckpoint {
    let proof = consistency_proof(5, 13, &tree(13)).expect("in order");
    AddCheckpoint::new(5, proof, cosigned()).expect("a checkpoint")
}

fn policy() -> String {
    let (log, first, second) = (log_key(), witness_key(1), witness_key(2));
    format!(
        "log {}\nwitness a {}\nwitness b {} https://w.example/\ngroup g 1 a b\nquorum g\n",
        log.verifier_key(),
        first.verifier_key(),
        second.verifier_key()
    )
}

/// One change of a text: bytes replaced, removed, inserted, repeated or exchanged with what breaks parsers.
fn mutation() -> impl Strategy<Value = (u8, prop::sample::Index, prop::sample::Index, String)> {
    let scrap = prop_oneof![
        prop::sample::select(vec![
            "\n",
            "\n\n",
            "\r\n",
            "\0",
            " ",
            "\t",
            "+",
            "—",
            "— ",
            "=",
            "==",
            "0",
            "00",
            "-1",
            "18446744073709551615",
            "9223372036854775808",
            "é",
            "\u{2003}",
            "\u{feff}",
            "AAAA",
            "old ",
            "index ",
            "extra ",
            ".p/",
            "x000/",
            "quorum none\n",
            "none",
            "#",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,6}",
    ];
    (0_u8..5, any::<prop::sample::Index>(), any::<prop::sample::Index>(), scrap)
}

fn mutated(text: &str, mutations: &[(u8, prop::sample::Index, prop::sample::Index, String)]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for (kind, from, to, scrap) in mutations {
        let a = from.index(text.len() + 1);
        let b = to.index(text.len() + 1);
        let (a, b) = (a.min(b), a.max(b));
        let end = b.min(a + 50);
        match kind {
            0 => drop(text.splice(a..a, scrap.chars())),
            1 => drop(text.splice(a..end, scrap.chars())),
            2 => drop(text.drain(a..end)),
            3 => {
                let again: Vec<char> = text[a..end].to_vec();
                drop(text.splice(b..b, again));
            }
            _ => text.truncate(b),
        }
    }
    text.into_iter().collect()
}

fn mutations() -> impl Strategy<Value = Vec<(u8, prop::sample::Index, prop::sample::Index, String)>> {
    prop::collection::vec(mutation(), 1..4)
}

fn hash() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash::new)
}

/// Sizes around powers of two and at the end of the range, as well as any.
fn size() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        (0_u32..64, -2_i64..3).prop_map(|(bit, by)| (1_u64 << bit).wrapping_add_signed(by)),
        0..300_u64
    ]
}

#[derive(Debug)]
struct AnyTile;

impl TileSource for AnyTile {
    type Error = ();

    fn tile(&self, path: &TilePath) -> Result<Vec<u8>, ()> {
        Ok(vec![path.width() as u8; usize::from(path.width()) * 32])
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_read_is_written_as_it_was(mutations in mutations()) {
        let text = mutated(&cosigned().to_string(), &mutations);
        if let Ok(note) = SignedNote::parse(&text) {
            prop_assert_eq!(note.to_string(), text);
        }
        let text = mutated(cosigned().text(), &mutations);
        if let Ok(checkpoint) = text.parse::<Checkpoint>() {
            prop_assert_eq!(checkpoint.to_string(), text);
        }
        let text = mutated(&proof().to_string(), &mutations);
        if let Ok(proof) = TlogProof::parse(&text) {
            prop_assert_eq!(proof.to_string(), text);
        }
        let text = mutated(&request().to_string(), &mutations);
        if let Ok(request) = text.parse::<AddCheckpoint>() {
            prop_assert_eq!(request.to_string(), text);
        }
        let text = mutated(&log_key().verifier_key().to_string(), &mutations);
        if let Ok(key) = text.parse::<VerifierKey>() {
            prop_assert_eq!(key.to_string(), text);
        }
        let text = mutated(&log_key().encode(), &mutations);
        if let Ok(key) = text.parse::<SigningKey>() {
            prop_assert!(*key.encode() == text);
        }
        prop_assert!(text.parse::<CosignerKey>().is_err());
        let text = mutated("tile/0/x001/x234/067.p/8", &mutations);
        if let Ok(path) = text.parse::<TilePath>() {
            prop_assert_eq!(path.to_string(), text);
        }
        let text = mutated(&tree(3).root().to_string(), &mutations);
        if let Ok(hash) = text.parse::<Hash>() {
            prop_assert_eq!(hash.to_string(), text);
        }
        // A policy has many spellings; it must only not panic, nor must checking with it.
        if let Ok(policy) = Policy::parse(&mutated(&policy(), &mutations)) {
            policy.check(&cosigned()).ok();
        }
    }

    #[test]
    fn a_changed_note_proves_nothing_else(mutations in mutations()) {
        let keys = [log_key().verifier_key().clone(), witness_key(1).verifier_key().clone()];
        if let Ok(note) = SignedNote::parse(&mutated(&cosigned().to_string(), &mutations))
            && verify(&note, &keys).is_ok()
        {
            prop_assert!(note.text() == cosigned().text(), "{note}");
        }
        let policy = Policy::parse(&policy()).expect("sound");
        if let Ok(changed) = TlogProof::parse(&mutated(&proof().to_string(), &mutations))
            && changed.verify(b"entry 5", &policy).is_ok()
        {
            prop_assert_eq!((changed.index, &changed.hashes), (5, &proof().hashes));
            prop_assert!(changed.checkpoint.text() == cosigned().text(), "{changed}");
        }
    }

    #[test]
    fn a_witness_cosigns_nothing_but_what_its_log_signed(mutations in mutations(), old in size(), root in hash()) {
        let mut witness = Witness::new(vec![witness_key(1)]).expect("a key");
        witness.add_log(ORIGIN, log_key().verifier_key().clone()).expect("a log's key");
        let body = mutated(&request().to_string(), &mutations);
        let good = TreeHead { size: 5, root: tree(5).root() };
        for last in [None, Some(good), Some(TreeHead { size: old, root })] {
            let decision = witness.handle(body.as_bytes(), |_| Ok::<_, ()>(last), 7).expect("no error");
            if let Decision::Sign(pending) = decision {
                prop_assert!(last == Some(good) || (last.is_none() && body.starts_with("old 0\n\n")));
                prop_assert!(pending.cosigned().text() == cosigned().text(), "{body}");
            }
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), width in any::<u16>()) {
        AddCheckpoint::parse(&bytes).ok();
        if let Ok(entries) = decode_bundle(&bytes, width) {
            prop_assert_eq!(encode_bundle(&entries).expect("read"), bytes.clone());
        }
        let text = String::from_utf8_lossy(&bytes);
        SignedNote::parse(&text).ok();
        TlogProof::parse(&text).ok();
        Policy::parse(&text).ok();
        text.parse::<TilePath>().ok();
        text.parse::<VerifierKey>().ok();
        read_conflict(&text).ok();
        let checkpoint = Checkpoint::of_note(&cosigned()).expect("one");
        prop_assert!(read_cosignatures(&text, &checkpoint, &[witness_key(1).verifier_key().clone()]).is_err());
    }

    #[test]
    fn no_numbers_make_the_mathematics_panic(
        a in size(), b in size(), level in any::<u8>(), one in hash(), two in hash(),
        hashes in prop::collection::vec(hash(), 0..70),
    ) {
        prop_assert!(verify_inclusion(&one, a, b, &two, &hashes).is_err());
        prop_assert!(verify_consistency(a, &one, b, &two, &hashes).is_err());
        let small = tree(9);
        inclusion_proof(a, b, &small).ok();
        consistency_proof(a, b, &small).ok();
        Frontier::read(a, &small).ok();
        if let Ok(mut edge) = Frontier::from_parts(a, hashes.iter().copied().cycle().take(a.count_ones() as usize).collect()) {
            edge.push(one).ok();
            prop_assert_eq!(edge.root(), edge.clone().root());
        }
        if let Ok(tiles) = new_tiles(a, b) {
            for tile in tiles.take(300) {
                prop_assert_eq!(tile.to_string().parse(), Ok(tile));
            }
        }
        for row in [TileRow::Level(level), TileRow::Entries] {
            if let Some(tile) = TilePath::in_tree(row, a, b) {
                prop_assert_eq!(tile.to_string().parse(), Ok(tile));
            }
        }
        if let Ok(reader) = TileReader::new(a, AnyTile) {
            reader.node(level, b).ok();
            inclusion_proof(b, a, &reader).ok();
        }
    }
}
