use assurance_tlog::cosignature;
use assurance_tlog::policy::Policy;
use assurance_tlog::proof::{MAX_EXTRA_BYTES, TlogProof, TlogProofErrorKind, TlogProofFailure};
use assurance_tlog::{Checkpoint, inclusion_proof, leaf_hash};

use crate::kit::{ORIGIN, log_key, tree, witness_key};

fn proof(index: u64, witnesses: &[u8]) -> TlogProof {
    let tree = tree(13);
    let checkpoint = Checkpoint::new(ORIGIN, 13, tree.root()).unwrap();
    let mut note = checkpoint.sign(&[&log_key()]).unwrap();
    for witness in witnesses {
        note.add(cosignature::sign(&witness_key(*witness), &checkpoint, 99)).unwrap();
    }
    let hashes = inclusion_proof(index, 13, &tree).unwrap();
    TlogProof { index, extra: None, hashes, checkpoint: note }
}

fn policy(quorum: &str) -> Policy {
    let (log, witness) = (log_key(), witness_key(1));
    let text = format!("log {}\nwitness W {}\nquorum {quorum}\n", log.verifier_key(), witness.verifier_key());
    text.parse().unwrap()
}

#[test]
fn a_proof_says_that_an_entry_is_there_and_who_saw_it() {
    for index in 0..13 {
        let file = proof(index, &[1]).to_string();
        let read = TlogProof::parse(&file).unwrap();
        assert_eq!(read, proof(index, &[1]));
        let entry = format!("entry {index}");
        let verdict = read.verify(entry.as_bytes(), &policy("W")).unwrap();
        assert_eq!((verdict.checkpoint.size(), verdict.witnesses[0].last), (13, 99));
        assert!(read.verify_leaf(&leaf_hash(entry.as_bytes()), &policy("W")).is_ok());
        let failure = read.verify(b"another entry", &policy("W")).unwrap_err();
        assert!(matches!(failure, TlogProofFailure::Inclusion(_)), "{failure}");
        let moved = TlogProof { index: (index + 1) % 13, ..read };
        assert!(moved.verify(entry.as_bytes(), &policy("W")).is_err());
    }
}

#[test]
fn a_proof_without_quorum_fails_and_shows_what_it_has() {
    let failure = proof(3, &[]).verify(b"entry 3", &policy("W")).unwrap_err();
    let TlogProofFailure::Quorum { missing: 1, verdict } = failure else { panic!("{failure}") };
    assert_eq!(verdict.checkpoint.size(), 13);
    assert!(proof(3, &[]).verify(b"entry 3", &policy("none")).is_ok());
    assert!(proof(3, &[2]).verify(b"entry 3", &policy("W")).is_err(), "another witness");
}

#[test]
fn extra_data_is_carried_and_nothing_more() {
    for extra in [&b""[..], b"{\"day\":\"2026-03-01\"}", &[0; MAX_EXTRA_BYTES]] {
        let with = TlogProof { extra: Some(extra.to_vec()), ..proof(5, &[1]) };
        let read = TlogProof::parse(&with.to_string()).unwrap();
        assert_eq!(read.extra.as_deref(), Some(extra));
        assert!(read.verify(b"entry 5", &policy("W")).is_ok());
    }
}

#[test]
fn proofs_have_one_form() {
    let good = TlogProof { extra: Some(b"x".to_vec()), ..proof(5, &[1]) }.to_string();
    let error = |text: &str| {
        let error = TlogProof::parse(text).unwrap_err();
        (error.line, error.kind)
    };
    assert!(matches!(error(""), (1, TlogProofErrorKind::Short)));
    assert!(matches!(error(&good.replace("@v1", "@v2")), (1, TlogProofErrorKind::Header)));
    assert!(matches!(error(&good.replace('\n', "\r\n")), (1, TlogProofErrorKind::Header)));
    assert!(matches!(error(&good.replace("extra eA==", "extra eB==")), (2, TlogProofErrorKind::Extra)));
    assert!(matches!(error(&good.replace("extra eA==", "extra eA")), (2, TlogProofErrorKind::Extra)));
    assert!(matches!(error(&good.replace("index 5", "index 05")), (3, TlogProofErrorKind::Index(_))));
    assert!(matches!(error(&good.replace("index 5", "extra eA==")), (3, TlogProofErrorKind::Index(_))));
    assert!(matches!(error(&good.replace("index 5\n", "index 5\nAAAA\n")), (4, TlogProofErrorKind::Hash(_))));
    let hash = format!("{}\n", leaf_hash(b""));
    let many = good.replace("index 5\n", &format!("index 5\n{}", hash.repeat(60)));
    assert!(matches!(error(&many), (67, TlogProofErrorKind::TooManyHashes)));
    let (head, note) = good.split_once("\n\n").unwrap();
    assert!(matches!(error(head), (7, TlogProofErrorKind::Short)));
    assert!(matches!(error(&format!("{head}\n\n")), (9, TlogProofErrorKind::Note(_))));
    let broken = good.replace(&format!("{ORIGIN}\n13"), &format!("{ORIGIN}\n\t13"));
    assert!(matches!(error(&broken), (10, TlogProofErrorKind::Note(_))), "{:?}", error(&broken));
    assert!(!note.is_empty());
    assert!(matches!(error(&"x".repeat(2_000_000)), (1, TlogProofErrorKind::TooLong(_))));
}

#[test]
fn a_proof_is_small() {
    let three = proof(5, &[1, 2, 3]).to_string().len();
    assert!(three < 2048, "{three} bytes with three witnesses");
}
