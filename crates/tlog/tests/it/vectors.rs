//! Published values that any implementation must give.

use assurance_tlog::cosignature;
use assurance_tlog::note::{KeyKind, SignedNote, SigningKey, VerifierKey, verify};
use assurance_tlog::witness::{AddCheckpoint, Decision, Witness};
use assurance_tlog::{Checkpoint, Hash, Tree, empty_root, leaf_hash, node_hash};

use crate::kit::witness_key;

/// The eight leaves that the tests of Certificate Transparency implementations use, and the roots over the
/// first one, two, … eight.
const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

#[test]
fn certificate_transparencys_eight_leaves() {
    assert_eq!(empty_root().to_hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let mut tree = Tree::new();
    for (leaf, root) in LEAVES.iter().zip(ROOTS) {
        tree.push(leaf_hash(leaf));
        assert_eq!(tree.root().to_hex(), root);
        assert_eq!(Hash::from_hex(root), Ok(tree.root()));
    }
    let pair = node_hash(&leaf_hash(LEAVES[0]), &leaf_hash(LEAVES[1]));
    assert_eq!(pair.to_hex(), ROOTS[1]);
}

/// The example of Go's golang.org/x/mod/sumdb/note.
const PETER_SECRET: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETERS_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\
    \n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n\
    — EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

#[test]
fn the_note_of_the_reference_implementation() {
    let key: SigningKey = PETER_SECRET.parse().unwrap();
    assert_eq!(key.verifier_key().to_string(), PETER);
    assert_eq!(*key.encode(), PETER_SECRET);
    let note = SignedNote::parse(PETERS_NOTE).unwrap();
    let again = SignedNote::sign(note.text(), &[&key]).unwrap();
    assert_eq!(again.signatures()[0], note.signatures()[0]);
    let verified = verify(&note, &[PETER.parse().unwrap()]).unwrap();
    assert_eq!(verified.len(), 1, "the other key is not known");
    assert_eq!(
        (verified[0].name.as_str(), verified[0].id, verified[0].time),
        ("PeterNeumann", 0xc74f_20a3, None)
    );
    assert_eq!(note.to_string(), PETERS_NOTE);
}

/// A checkpoint by which witnesses are tried, with its log's key.
const TEST_LOG: &str = "geomys.org/witness/test-log+c0787ff4+AeMb5VOzy60PTGdGmLPxOKGAa0jNyDGsgv2rnprGju1t";
const TEST_LOG_CHECKPOINT: &str = "geomys.org/witness/test-log\n\
    1\n\
    BCml5C32yqMcl0gjTrcSOeNVx59oPnSdytBzDGBO5k0=\n\
    \n\
    — geomys.org/witness/test-log wHh/9BPsoBNr2x0Ol3qPBYasIN0HI2ZiBg5ac0v3LQq/7F+YO7U4oWbDeJn1VaWVrlbSEM30Gr7WWYQjj2SBxRoJ/Ao=\n";

#[test]
fn a_checkpoint_of_another_implementation_is_verified() {
    let note = SignedNote::parse(TEST_LOG_CHECKPOINT).unwrap();
    let key: VerifierKey = TEST_LOG.parse().unwrap();
    assert_eq!(verify(&note, std::slice::from_ref(&key)).unwrap().len(), 1);
    let checkpoint = Checkpoint::of_note(&note).unwrap();
    assert_eq!((checkpoint.origin(), checkpoint.size()), (key.name(), 1));
    assert_eq!(checkpoint.to_string(), note.text());
}

/// A request by which another witness is tried, for a log whose key is given in hexadecimal.
const SIGSUM_KEY: &str = "52c05edad1bf5feffa81354faae59a655d9a9a1a793ed2f62c39c26c0be2aecd";
const SIGSUM_REQUEST: &str = "old 0\n\
    \n\
    sigsum.org/v1/tree/985ea163f5af026723561354f51f2ebcdcf2af809ce254ccfb64aa9aadd80f90\n\
    1\n\
    KgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\
    \n\
    — sigsum.org/v1/tree/985ea163f5af026723561354f51f2ebcdcf2af809ce254ccfb64aa9aadd80f90 7BKT0gOfNZ1J0So9unY3BZtm2YkPIoNYM/dce0Z2avJDs8dxN6ts9bOSwwrVrbjm6P9K3ZxpK6jJngOG6YvGGzV/lwo=\n";

#[test]
fn a_request_for_another_witness_is_cosigned() {
    let request: AddCheckpoint = SIGSUM_REQUEST.parse().unwrap();
    let public = Hash::from_hex(SIGSUM_KEY).unwrap();
    let origin = request.checkpoint().origin();
    let key = VerifierKey::new(origin, KeyKind::Ed25519, public.as_bytes()).unwrap();
    let mut witness = Witness::new(vec![witness_key(1)]).unwrap();
    witness.add_log(origin, key).unwrap();
    assert!(matches!(witness.decide(&request, None, 1), Decision::Sign(_)));
    assert_eq!(request.to_string(), SIGSUM_REQUEST);
}

/// A checkpoint of a public log, cosigned by a public witness.
const NAVIGLI: &str =
    "witness.navigli.sunlight.geomys.org+a3e00fe2+BNy/co4C1Hn1p+INwJrfUlgz7W55dSZReusH/GhUhJ/G";
const COSIGNED: &str = "coachandhorses2026h1.staging.certificate.transparency.goog\n\
    185550722\n\
    YXAM0VmnrfvLaBCOOYSJhCaE5F10oGBOo+hkbDa1kng=\n\
    \n\
    — coachandhorses2026h1.staging.certificate.transparency.goog MpXgsHy8ZwxXnO+WjtVrPxAzL49Rs1gWTkNVNeEa//5peAzaocRCB3qt3EaibjzY5GILLtGgBP7dBhgcSHy+JQh0OAc=\n\
    — witness.navigli.sunlight.geomys.org o+AP4gAAAABqb7DzNrGFRJnQ9vrJ8xpnwZytnr/ZYczDIsvwvouiSjwOjn7a72ccxBk+lKnZ7dKqkYKER1s/KxLTaVwQD7lJZTC/CQ==\n";

#[test]
fn a_cosignature_of_a_public_witness_is_verified() {
    let note = SignedNote::parse(COSIGNED).unwrap();
    let key: VerifierKey = NAVIGLI.parse().unwrap();
    assert_eq!(key.kind(), KeyKind::CosignatureV1);
    assert_eq!(cosignature::verify(&note, &key), Ok(0x6a6f_b0f3));
    let other = SignedNote::parse(&COSIGNED.replace("185550722", "185550723")).unwrap();
    assert!(cosignature::verify(&other, &key).is_err());
}

/// The examples that the specifications give without keys: they are read, and written as they were.
const EXAMPLE_NOTE: &str = "Ognuno sta solo sul cuor della terra\n\
    trafitto da un raggio di sole:\n\
    \n\
    ed è subito sera.\n\
    \n\
    — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
const EXAMPLE_REQUEST: &str = "old 20852014\n\
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
    jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\
    5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n\
    /6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\
    \n\
    example.com/behind-the-sofa\n\
    20852163\n\
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\
    \n\
    — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
    — example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";

#[test]
fn the_specifications_examples_are_read() {
    let note = SignedNote::parse(EXAMPLE_NOTE).unwrap();
    assert_eq!(note.text().lines().count(), 4);
    assert_eq!((note.signatures()[0].id(), note.signatures()[0].bytes().len()), (0x367b_a04b, 64));
    assert_eq!(note.to_string(), EXAMPLE_NOTE);
    let request: AddCheckpoint = EXAMPLE_REQUEST.parse().unwrap();
    assert_eq!(
        (request.old(), request.proof().len(), request.checkpoint().size()),
        (20_852_014, 4, 20_852_163)
    );
    assert_eq!(request.to_string(), EXAMPLE_REQUEST);
}
