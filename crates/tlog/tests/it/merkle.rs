use assurance_tlog::{
    Frontier, FrontierError, Hash, HashReader as _, MAX_TREE_SIZE, ProofError, ReadError, Tree,
    consistency_proof, empty_root, inclusion_proof, leaf_hash, tree_root, verify_consistency,
    verify_inclusion,
};

use crate::kit::{Definition, entries, flipped, tree};

const SIZES: usize = 130;

fn definition() -> Definition {
    Definition::new(entries(SIZES).iter().map(|entry| leaf_hash(entry)).collect())
}

#[test]
fn roots_are_those_of_the_definition_however_they_are_computed() {
    let mut definition = definition();
    let (mut growing, mut edge) = (Tree::new(), Frontier::new());
    let whole = tree(SIZES);
    for size in 0..=SIZES {
        let expected = definition.root(0, size);
        assert_eq!(growing.root(), expected, "tree of {size}");
        assert_eq!(edge.root(), expected, "edge of {size}");
        assert_eq!(tree_root(size as u64, &whole), Ok(expected), "reader of {size}");
        assert_eq!(Frontier::read(size as u64, &whole).as_ref(), Ok(&edge));
        assert_eq!(growing.frontier(), edge);
        assert_eq!(Frontier::from_parts(edge.size(), edge.hashes().to_vec()).as_ref(), Ok(&edge));
        let leaf = leaf_hash(format!("entry {size}").as_bytes());
        growing.push(leaf);
        edge.push(leaf).unwrap();
    }
}

#[test]
fn every_inclusion_proof_is_the_definitions_and_no_change_of_it_verifies() {
    let mut definition = definition();
    let whole = tree(SIZES);
    for size in 1..=SIZES {
        let root = definition.root(0, size);
        for index in 0..size {
            let proof = inclusion_proof(index as u64, size as u64, &whole).unwrap();
            assert_eq!(proof, definition.path(index, 0, size), "leaf {index} of {size}");
            let leaf = whole.node(0, index as u64).unwrap();
            let verify = |leaf: &Hash, index: usize, root: &Hash, proof: &[Hash]| {
                verify_inclusion(leaf, index as u64, size as u64, root, proof)
            };
            assert_eq!(verify(&leaf, index, &root, &proof), Ok(()), "leaf {index} of {size}");
            changes(&proof, |changed| {
                assert!(verify(&leaf, index, &root, changed).is_err(), "leaf {index} of {size}: {changed:?}");
            });
            assert!(verify(&flipped(&leaf), index, &root, &proof).is_err());
            assert!(verify(&leaf, index, &flipped(&root), &proof).is_err());
            for other in
                [index ^ 1, index / 2, (index + 7) % size, size, size + 1].into_iter().filter(|o| *o != index)
            {
                assert!(verify(&leaf, other, &root, &proof).is_err(), "leaf {index} as {other} of {size}");
            }
        }
    }
}

#[test]
fn every_consistency_proof_is_the_definitions_and_no_change_of_it_verifies() {
    let mut definition = definition();
    let whole = tree(SIZES);
    for new in 1..=SIZES {
        let new_root = definition.root(0, new);
        for old in 0..=new {
            let old_root = definition.root(0, old);
            let proof = consistency_proof(old as u64, new as u64, &whole).unwrap();
            if old > 0 {
                assert_eq!(proof, definition.subproof(old, 0, new, true), "{old} to {new}");
            }
            let verify = |old_root: &Hash, new_root: &Hash, proof: &[Hash]| {
                verify_consistency(old as u64, old_root, new as u64, new_root, proof)
            };
            assert_eq!(verify(&old_root, &new_root, &proof), Ok(()), "{old} to {new}");
            changes(&proof, |changed| {
                assert!(verify(&old_root, &new_root, changed).is_err(), "{old} to {new}: {changed:?}");
            });
            assert!(verify(&flipped(&old_root), &new_root, &proof).is_err(), "{old} to {new}");
            if old > 0 {
                assert!(verify(&old_root, &flipped(&new_root), &proof).is_err(), "{old} to {new}");
            }
        }
    }
}

/// Every change of one hash, one hash less or more anywhere, and neighbours exchanged.
fn changes(proof: &[Hash], mut check: impl FnMut(&[Hash])) {
    for place in 0..=proof.len() {
        let mut more = proof.to_vec();
        more.insert(place, leaf_hash(b"one too many"));
        check(&more);
        if place == proof.len() {
            break;
        }
        let mut other = proof.to_vec();
        other[place] = flipped(&other[place]);
        check(&other);
        let mut less = proof.to_vec();
        less.remove(place);
        check(&less);
        if place > 0 {
            let mut exchanged = proof.to_vec();
            exchanged.swap(place, place - 1);
            check(&exchanged);
        }
    }
}

#[test]
fn sizes_that_no_tree_has_are_errors() {
    let (hash, whole) = (empty_root(), tree(3));
    for size in [MAX_TREE_SIZE + 1, u64::MAX] {
        assert!(matches!(inclusion_proof(0, size, &whole), Err(ReadError::Size(_))));
        assert!(matches!(consistency_proof(1, size, &whole), Err(ReadError::Size(_))));
        assert!(matches!(tree_root(size, &whole), Err(ReadError::Size(_))));
        assert!(matches!(Frontier::read(size, &whole), Err(ReadError::Size(_))));
        assert!(matches!(verify_inclusion(&hash, 0, size, &hash, &[]), Err(ProofError::Size(_))));
        assert!(matches!(verify_consistency(1, &hash, size, &hash, &[]), Err(ProofError::Size(_))));
        assert!(matches!(Frontier::from_parts(size, vec![hash; 64]), Err(FrontierError::Size(_))));
    }
    assert_eq!(inclusion_proof(3, 3, &whole), Err(ReadError::Index { index: 3, size: 3 }));
    assert!(matches!(inclusion_proof(2, 4, &whole), Err(ReadError::Reader(_))), "beyond what there is");
    assert_eq!(consistency_proof(3, 2, &whole), Err(ReadError::Order { old: 3, new: 2 }));
    assert_eq!(verify_inclusion(&hash, 0, 0, &hash, &[]), Err(ProofError::Index { index: 0, size: 0 }));
    assert_eq!(verify_consistency(2, &hash, 1, &hash, &[]), Err(ProofError::Order { old: 2, new: 1 }));
    let most = inclusion_needs(MAX_TREE_SIZE);
    assert_eq!(most, assurance_tlog::MAX_PROOF_HASHES, "the largest tree fits the protocol's bound");
    assert!(Frontier::from_parts(5, vec![hash]).is_err());
    let mut full = Frontier::from_parts(MAX_TREE_SIZE, vec![hash; 63]).unwrap();
    assert!(full.push(hash).is_err());
}

/// How many hashes the verifier asks for, for the first leaf of a tree.
fn inclusion_needs(size: u64) -> usize {
    match verify_inclusion(&empty_root(), 0, size, &empty_root(), &[]) {
        Err(ProofError::Length { expected, .. }) => expected,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_empty_tree_has_one_root() {
    let root = empty_root();
    assert_eq!(verify_consistency(0, &root, 0, &root, &[]), Ok(()));
    assert!(verify_consistency(0, &root, 0, &flipped(&root), &[]).is_err());
    assert!(verify_consistency(0, &flipped(&root), 3, &tree(3).root(), &[]).is_err());
    assert!(verify_consistency(0, &root, 3, &tree(3).root(), &[root]).is_err());
}
