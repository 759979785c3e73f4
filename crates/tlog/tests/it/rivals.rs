//! The same trees and notes through implementations that share no code with this one.

use assurance_tlog::note::{SignedNote, SigningKey, VerifierKey, verify};
use assurance_tlog::{Checkpoint, Hash, consistency_proof, inclusion_proof, leaf_hash};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use sha2::Sha256;
use signed_note::{Note, StandardSigner, StandardVerifier, VerifierList};
use tlog_tiles::tlog;

use crate::kit::{ORIGIN, entries, log_key, tree};

const SIZES: [usize; 9] = [1, 2, 3, 7, 8, 13, 64, 100, 300];

fn concatenated(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

#[test]
fn ct_merkle_makes_the_same_trees_and_proofs() {
    for size in SIZES {
        let (ours, mut theirs) = (tree(size), MemoryBackedTree::<Sha256, Vec<u8>>::new());
        entries(size).into_iter().for_each(|entry| theirs.push(entry));
        assert_eq!(ours.root().as_bytes().as_slice(), theirs.root().as_bytes().as_slice());
        for index in 0..size {
            let proof = inclusion_proof(index as u64, size as u64, &ours).unwrap();
            assert_eq!(concatenated(&proof), theirs.prove_inclusion(index).as_bytes(), "{index} of {size}");
        }
        for old in 1..size {
            let proof = consistency_proof(old as u64, size as u64, &ours).unwrap();
            assert_eq!(
                concatenated(&proof),
                theirs.prove_consistency(size - old).as_bytes(),
                "{old} to {size}"
            );
        }
    }
}

#[test]
fn tlog_tiles_verifies_our_proofs() {
    let theirs = |hash: &Hash| tlog::Hash(*hash.as_bytes());
    let all = |hashes: &[Hash]| hashes.iter().map(theirs).collect::<Vec<_>>();
    for size in SIZES {
        let ours = tree(size);
        let (n, root) = (size as u64, theirs(&ours.root()));
        for (index, entry) in entries(size).iter().enumerate() {
            let proof = inclusion_proof(index as u64, n, &ours).unwrap();
            let leaf = tlog::record_hash(entry);
            assert_eq!(leaf, theirs(&leaf_hash(entry)));
            tlog::check_record(&all(&proof), n, root, index as u64, leaf).unwrap();
        }
        for old in 1..=size {
            let proof = consistency_proof(old as u64, n, &ours).unwrap();
            tlog::check_tree(&all(&proof), n, root, old as u64, theirs(&tree(old).root())).unwrap();
        }
    }
}

#[test]
fn signed_note_reads_what_we_sign_and_we_what_it_signs() {
    let ours = log_key();
    let checkpoint = Checkpoint::new(ORIGIN, 3, tree(3).root()).unwrap();
    let note = checkpoint.sign(&[&ours]).unwrap().to_string();

    let verifier = StandardVerifier::new(&ours.verifier_key().to_string()).unwrap();
    let read = Note::from_bytes(note.as_bytes()).unwrap();
    let (verified, _) = read.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!(verified[0].name(), ORIGIN);
    let theirs = tlog_tiles::Checkpoint::from_bytes(read.text()).unwrap();
    assert_eq!((theirs.origin(), theirs.size(), theirs.hash().0), (ORIGIN, 3, *checkpoint.root().as_bytes()));

    let signer = StandardSigner::new(&ours.encode()).unwrap();
    let mut made = Note::new(checkpoint.to_string().as_bytes(), &[]).unwrap();
    made.add_sigs(&[&signer]).unwrap();
    assert_eq!(String::from_utf8(made.to_bytes()).unwrap(), note, "Ed25519 signatures are deterministic");
    let key: VerifierKey = ours.verifier_key().to_string().parse().unwrap();
    assert_eq!(verify(&SignedNote::parse(&note).unwrap(), &[key]).unwrap().len(), 1);
    let reread: SigningKey = ours.encode().parse().unwrap();
    assert_eq!(reread.verifier_key(), ours.verifier_key());
}
