use assurance_evidence::manifest::{
    ClockState, Compressed, DayLeaf, KeyRotation, LEAF_VERSION, Leaf, LeafError, LegalHold, Purge, PurgedDay,
    Release, Retention, SealedFacts, SealedFile, Start, SupplementLeaf, Totals,
};
use assurance_evidence::{Day, Digest, Fact, FactKind};
use assurance_metrics_model::Timestamp;
use assurance_tlog::leaf_hash;
use proptest::prelude::*;

fn day(text: &str) -> Day {
    text.parse().expect("as the test made it")
}

fn compressed(file: &str) -> Compressed {
    Compressed { file: format!("{file}.zst"), bytes: 17, sha256: Digest::of(b"frame") }
}

fn events(file: &str) -> SealedFile {
    let (bytes, lines) = (4, 1);
    let (sha256, root) = (Digest::of(b"{}\n"), leaf_hash(b"{}"));
    SealedFile { file: file.to_owned(), bytes, lines, sha256, root, zstd: compressed(file) }
}

fn day_leaf() -> DayLeaf {
    let file = "audit-2026-01-02.facts.jsonl";
    let at = Timestamp::from_secs(1_767_400_000);
    let fact = Fact::new(at, FactKind::Future { events: 2, latest: at });
    DayLeaf {
        v: LEAF_VERSION,
        index: 1,
        day: day("2026-01-02"),
        events: events("audit-2026-01-02.jsonl"),
        earliest: Some(at),
        latest: None,
        facts: SealedFacts {
            file: file.to_owned(),
            bytes: 3,
            lines: 1,
            sha256: Digest::of(b"facts"),
            zstd: compressed(file),
            kinds: [("future".to_owned(), 1)].into(),
            first: vec![fact],
        },
        complete: true,
        source: "http://backend:8000".to_owned(),
        collected_until: at,
        cursor: None,
        totals: Some(Totals { counted: 3, accounted: 3 }),
        clock: ClockState { synchronised: Some(true), error_ms: Some(12) },
        retention: Retention::USUAL,
        sealed_at: at,
        software: "assurance-exporter 0.1.0".to_owned(),
    }
}

fn one_of_each() -> Vec<Leaf> {
    let (v, at) = (LEAF_VERSION, Timestamp::from_secs(1_767_400_000));
    let text = str::to_owned;
    vec![
        Leaf::Start(Start {
            v,
            at,
            origin: text("host/evidence"),
            key: text("host/evidence+00000000+AQ=="),
            first_day: day("2026-01-02"),
            succeeds: None,
        }),
        Leaf::Day(day_leaf()),
        Leaf::Supplement(SupplementLeaf {
            v,
            index: 2,
            day: day("2026-01-02"),
            number: 1,
            events: events("audit-2026-01-02.supplement-1.jsonl"),
            retention: Retention::USUAL,
            sealed_at: at,
            software: text("assurance-exporter 0.1.0"),
        }),
        Leaf::KeyRotation(KeyRotation {
            v,
            index: 3,
            at,
            from: text("a"),
            to: text("b"),
            reason: text("yearly \"change\""),
        }),
        Leaf::LegalHold(LegalHold {
            v,
            index: 4,
            at,
            id: text("case-7"),
            from: day("2026-01-02"),
            to: None,
            reason: text("inquiry"),
            by: text("counsel"),
        }),
        Leaf::Release(Release {
            v,
            index: 5,
            at,
            id: text("case-7"),
            reason: text("closed"),
            by: text("counsel"),
        }),
        Leaf::Purge(Purge {
            v,
            index: 6,
            at,
            days: vec![PurgedDay { day: day("2026-01-02"), leaf: 1 }],
            retention: Retention::USUAL,
            reason: text("seven years are over"),
            by: text("assurance-exporter"),
        }),
    ]
}

#[test]
fn every_kind_is_read_back_from_its_one_spelling() {
    let mut all = Vec::new();
    for leaf in one_of_each() {
        let bytes = leaf.encode().expect("as the test made it");
        assert_eq!(Leaf::decode(&bytes).expect("as the test made it"), leaf);
        all.push(String::from_utf8(bytes).expect("as the test made it"));
    }
    insta::assert_snapshot!("leaves", all.join("\n"));
}

#[test]
fn any_other_spelling_is_refused() {
    for leaf in one_of_each() {
        let bytes = leaf.encode().expect("as the test made it");
        let text = String::from_utf8(bytes).expect("as the test made it");
        let spaced = text.replacen(':', ": ", 1);
        assert!(matches!(Leaf::decode(spaced.as_bytes()), Err(LeafError::Spelling { .. })), "{spaced}");
        let more = text.replacen('{', "{\"more\":1,", 1);
        assert!(Leaf::decode(more.as_bytes()).is_err(), "{more}");
        let newline = format!("{text}\n");
        assert!(matches!(Leaf::decode(newline.as_bytes()), Err(LeafError::Spelling { .. })));
        let newer = text.replacen("\"v\":1", "\"v\":2", 1);
        assert!(matches!(Leaf::decode(newer.as_bytes()), Err(LeafError::Version { found: 2 })), "{newer}");
    }
    let left_out = String::from_utf8(one_of_each()[4].encode().expect("as the test made it"))
        .expect("as the test made it")
        .replace("\"to\":null,", "");
    assert!(matches!(Leaf::decode(left_out.as_bytes()), Err(LeafError::Spelling { .. })));
    assert!(matches!(Leaf::decode(&[b'x'; 70_000]), Err(LeafError::TooLong { bytes: 70_000 })));
}

#[test]
fn a_leaf_that_no_entry_can_hold_is_refused_before_it_is_signed() {
    let mut leaf = day_leaf();
    leaf.source = "x".repeat(70_000);
    assert!(matches!(Leaf::Day(leaf).encode(), Err(LeafError::TooLong { .. })));
}

proptest! {
    /// What a leaf says, it says in full: no two leaves have the same bytes, and all come back.
    #[test]
    fn leaves_come_back(
        index in any::<u64>(),
        bytes in any::<u64>(),
        source in "\\PC{0,40}",
        complete in any::<bool>(),
        error_ms in proptest::option::of(any::<u64>()),
        kinds in proptest::collection::btree_map("[a-z_]{1,12}", any::<u64>(), 0..4),
    ) {
        let mut leaf = day_leaf();
        (leaf.index, leaf.events.bytes, leaf.source, leaf.complete) = (index, bytes, source, complete);
        (leaf.clock.error_ms, leaf.facts.kinds) = (error_ms, kinds);
        let leaf = Leaf::Day(leaf);
        prop_assert_eq!(Leaf::decode(&leaf.encode().expect("as the test made it")).expect("as the test made it"), leaf);
    }
}
