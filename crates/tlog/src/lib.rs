//! Transparency logs in pure functions: RFC 6962 trees and the C2SP formats around them.
//!
//! **In scope:** hashes, [`Frontier`] and [`Tree`], inclusion and consistency proofs made and verified; signed
//! notes and keys ([`note`]), [`Checkpoint`]s, [`cosignature`]s, a log as static files ([`tiles`]), trust
//! policies ([`policy`]), proofs as files ([`proof`]), and the witness protocol as a machine ([`witness`]).
//!
//! **Out of scope:** files and their durability (`storage`), sockets, the clock, randomness (a seed is an
//! argument), and what the entries mean (`evidence`).
//!
//! Three leaves are sealed, the checkpoint is signed, and an auditor who has nothing but a policy and a proof
//! verifies one of them:
//!
//! ```
//! use assurance_tlog::note::SigningKey;
//! use assurance_tlog::policy::Policy;
//! use assurance_tlog::proof::TlogProof;
//! use assurance_tlog::{Checkpoint, Tree, inclusion_proof, leaf_hash};
//!
//! // The log. The seed comes from the system's random generator.
//! let key = SigningKey::from_seed("example.com/evidence", &[7; 32])?;
//! let tree: Tree = ["monday", "tuesday", "wednesday"].iter().map(|day| leaf_hash(day.as_bytes())).collect();
//! let checkpoint = Checkpoint::new("example.com/evidence", tree.size(), tree.root())?.sign(&[&key])?;
//! let hashes = inclusion_proof(1, tree.size(), &tree)?;
//! let file = TlogProof { index: 1, extra: None, hashes, checkpoint }.to_string();
//!
//! // The auditor, elsewhere and offline.
//! let policy: Policy = format!("log {}\nquorum none\n", key.verifier_key()).parse()?;
//! let proof: TlogProof = file.parse()?;
//! assert_eq!(proof.verify(b"tuesday", &policy)?.checkpoint.size(), 3);
//! assert!(proof.verify(b"Tuesday", &policy).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Invariants.** No input makes a function here panic or allocate without bound. What is read has one spelling:
//! written again it is the same bytes. A proof verifies for the one leaf and index, or the one pair of roots, it was made for.
//! A false signature of a known key condemns the note. No cosignature leaves a witness before its caller says
//! that the decision is durable.

mod checkpoint;
pub mod cosignature;
mod frontier;
mod hash;
mod merkle;
pub mod note;
pub mod policy;
pub mod proof;
mod text;
pub mod tiles;
mod tree;
pub mod witness;

pub use checkpoint::{Checkpoint, CheckpointError, CheckpointErrorKind};
pub use frontier::{Frontier, FrontierError};
pub use hash::{Hash, HashError, empty_root, leaf_hash, node_hash, sha256};
pub use merkle::{
    HashReader, MAX_PROOF_HASHES, MAX_TREE_SIZE, ProofError, ReadError, SizeError, consistency_proof,
    inclusion_proof, tree_root, verify_consistency, verify_inclusion,
};
pub use tree::{MissingNode, Tree};
