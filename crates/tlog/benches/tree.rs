//! What hashing, proving and signing cost on one core.
//!
//! The best of several rounds counts: the machine may be busy with other things, and nothing is ever faster than
//! it can be.
#![expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures the time that passes")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use assurance_tlog::cosignature::{self, CosignerKey};
use assurance_tlog::note::{SigningKey, verify};
use assurance_tlog::policy::Policy;
use assurance_tlog::proof::TlogProof;
use assurance_tlog::tiles::{TilePath, TileSource, grow};
use assurance_tlog::{
    Checkpoint, Frontier, Tree, consistency_proof, empty_root, inclusion_proof, leaf_hash, node_hash,
    verify_consistency, verify_inclusion,
};

/// Audit events, as long as they are on average.
const EVENTS: usize = 20_000;
const EVENT_BYTES: usize = 510;
const ROUNDS: usize = 40;

fn main() {
    let events: Vec<Vec<u8>> = (0..EVENTS).map(event).collect();
    let (bytes, count) = ((EVENTS * EVENT_BYTES) as f64, EVENTS as f64);
    let rate = |time: Duration| format!("{:.0} MB/s", bytes / time.as_secs_f64() / 1e6);

    let time =
        best(|| events.iter().map(|event| leaf_hash(event)).fold(0, |sum, hash| sum ^ hash.as_bytes()[0]));
    println!("leaf hash, {EVENT_BYTES} B          {:>9}  {:.0} ns each", rate(time), each(time, count));
    let (left, right) = (leaf_hash(b"left"), leaf_hash(b"right"));
    let time = best(|| (0..EVENTS).fold(left, |hash, _| node_hash(&hash, &right)));
    println!("node hash                            {:.0} ns each", each(time, count));
    let time = best(|| {
        let mut edge = Frontier::new();
        events.iter().for_each(|event| edge.push(leaf_hash(event)).unwrap_or_default());
        edge.root()
    });
    println!("tree, frontier only        {:>9}  {:.0} ns a leaf", rate(time), each(time, count));
    let time = best(|| events.iter().map(|event| leaf_hash(event)).collect::<Tree>().root());
    println!("tree, whole in memory      {:>9}  {:.0} ns a leaf", rate(time), each(time, count));
    let time = best(|| grow(&Nothing, 0, &empty_root(), &events).map(|growth| growth.files.len()));
    println!("tree, as tiles and bundles {:>9}  {:.0} ns a leaf", rate(time), each(time, count));

    let tree: Tree = events.iter().map(|event| leaf_hash(event)).collect();
    let (size, root) = (tree.size(), tree.root());
    let mut report = |name: &str, time: Duration| println!("{name:<36} {:.2} us", each(time, 100.0) / 1e3);
    report(
        "inclusion proof, made",
        best(|| (0..100).map(|i| inclusion_proof(i * 19, size, &tree).map_or(0, |p| p.len())).sum::<usize>()),
    );
    let leaf = leaf_hash(&events[4242]);
    let proof = inclusion_proof(4242, size, &tree).unwrap_or_default();
    report(
        "inclusion proof, verified",
        best(|| (0..100).all(|_| verify_inclusion(&leaf, 4242, size, &root, black_box(&proof)).is_ok())),
    );
    let old = events[..17_777].iter().map(|event| leaf_hash(event)).collect::<Tree>().root();
    let proof = consistency_proof(17_777, size, &tree).unwrap_or_default();
    report(
        "consistency proof, verified",
        best(|| (0..100).all(|_| verify_consistency(17_777, &old, size, &root, black_box(&proof)).is_ok())),
    );
    signatures(&tree, &events[4242], &mut report);
}

fn signatures(tree: &Tree, event: &[u8], report: &mut dyn FnMut(&str, Duration)) {
    let log = SigningKey::from_seed("example.com/log", &[1; 32]).expect("a sound name");
    let witness = |n: u8| CosignerKey::from_seed(&format!("w{n}.example"), &[n; 32]).expect("a sound name");
    let checkpoint = Checkpoint::new("example.com/log", tree.size(), tree.root()).expect("a sound origin");
    report(
        "checkpoint signed (Ed25519)",
        best(|| (0..100).all(|_| checkpoint.sign(&[black_box(&log)]).is_ok())),
    );
    let mut note = checkpoint.sign(&[&log]).expect("a key");
    let keys = [log.verifier_key().clone()];
    report(
        "checkpoint verified (Ed25519)",
        best(|| (0..100).all(|_| verify(black_box(&note), &keys).is_ok())),
    );
    let mut policy = format!("log {}\n", log.verifier_key());
    for n in 2..5 {
        note.add(cosignature::sign(&witness(n), &checkpoint, 1_700_000_000)).expect("room");
        policy += &format!("witness w{n} {}\n", witness(n).verifier_key());
    }
    let policy: Policy = (policy + "group all 3 w2 w3 w4\nquorum all\n").parse().expect("a policy");
    let hashes = inclusion_proof(4242, tree.size(), tree).expect("in the tree");
    let file = TlogProof { index: 4242, extra: None, hashes, checkpoint: note }.to_string();
    let check = || TlogProof::parse(&file).is_ok_and(|proof| proof.verify(event, &policy).is_ok());
    assert!(check(), "the proof is good");
    report("proof file, log and 3 witnesses", best(|| (0..100).all(|_| black_box(check()))));
    println!("                                     {} bytes", file.len());
}

fn event(number: usize) -> Vec<u8> {
    let mut event = format!("{{\"id\":\"{number:016x}\",\"detail\":\"").into_bytes();
    event.resize(EVENT_BYTES, b'a' + (number % 26) as u8);
    event
}

struct Nothing;

impl TileSource for Nothing {
    type Error = ();

    fn tile(&self, _: &TilePath) -> Result<Vec<u8>, ()> {
        Err(())
    }
}

fn each(time: Duration, count: f64) -> f64 {
    time.as_nanos() as f64 / count
}

fn best<T>(mut work: impl FnMut() -> T) -> Duration {
    let round = || {
        let start = Instant::now();
        black_box(work());
        start.elapsed()
    };
    std::iter::repeat_with(round).take(ROUNDS).min().unwrap_or_default()
}
