use std::sync::Arc;

use assurance_evidence::cosign::{Answer, Asking, followed};
use assurance_evidence::witness::{WitnessState, WitnessStateError, create};
use assurance_storage::{Crashing, Fault, Memory, Plan, Storage, Survival};
use assurance_tlog::note::SigningKey;
use assurance_tlog::witness::AddCheckpoint;
use assurance_tlog::{Checkpoint, Tree, consistency_proof, leaf_hash, sha256};

use crate::rig::{ORIGIN, Rig, key, policy, witness};

const NOW: u64 = 1_767_355_200;

/// A request for the first `size` of these leaves, from `old` on.
fn request(signer: &SigningKey, leaves: &[&str], old: u64, size: usize) -> Vec<u8> {
    let tree: Tree = leaves[..size].iter().map(|leaf| leaf_hash(leaf.as_bytes())).collect();
    let note =
        Checkpoint::new(ORIGIN, tree.size(), tree.root()).expect("sound").sign(&[signer]).expect("sound");
    let proof = consistency_proof(old, tree.size(), &tree).expect("sound");
    AddCheckpoint::new(old, proof, note).expect("sound").to_string().into_bytes()
}

fn opened(storage: &Arc<Memory>) -> Result<WitnessState, WitnessStateError> {
    WitnessState::open(storage.clone(), witness(1), &[key(1).verifier_key().clone()])
}

fn created() -> Arc<Memory> {
    let storage = Arc::new(Memory::new());
    create(&*storage, witness(1).verifier_key(), &[key(1).verifier_key().clone()]).expect("sound");
    storage
}

#[test]
fn what_was_cosigned_is_known_after_a_restart() {
    let storage = created();
    let mut state = opened(&storage).unwrap();
    assert_eq!(state.handle(&request(&key(1), &["a", "b"], 0, 2), NOW).unwrap().status, 200);
    drop(state);
    let mut state = opened(&storage).unwrap();
    assert_eq!(state.sizes().collect::<Vec<_>>(), [(ORIGIN, 2)]);
    // From where it stood before it is no more; from where it stands it goes on.
    let behind = state.handle(&request(&key(1), &["a", "b", "c"], 0, 3), NOW).unwrap();
    assert_eq!((behind.status, behind.content_type, behind.body.as_str()), (409, "text/x.tlog.size", "2\n"));
    assert_eq!(state.handle(&request(&key(1), &["a", "b", "c"], 2, 3), NOW + 1).unwrap().status, 200);
    let shown = state.checkpoint(&sha256(ORIGIN.as_bytes()).to_hex()).unwrap();
    assert!(shown.starts_with(&format!("{ORIGIN}\n3\n")), "{shown}");
    assert_eq!(shown.matches('\u{2014}').count(), 2, "the log's signature and the witness's: {shown}");
    assert_eq!(state.checkpoint(&sha256(b"another").to_hex()), None);
}

#[test]
fn a_fork_is_refused_and_kept_as_evidence() {
    let storage = created();
    let mut state = opened(&storage).unwrap();
    assert_eq!(state.handle(&request(&key(1), &["a", "b"], 0, 2), NOW).unwrap().status, 200);
    let fork = request(&key(1), &["a", "X", "c"], 2, 3);
    assert_eq!(state.handle(&fork, NOW).unwrap().status, 422);
    assert_eq!(state.handle(&request(&key(1), &["a", "X"], 2, 2), NOW).unwrap().status, 409);
    let kept = storage.list("refused").unwrap();
    assert_eq!(kept.len(), 2);
    let name = format!("refused/{}", sha256(&fork).to_hex());
    assert_eq!(storage.read(&name, 100_000).unwrap(), fork);
    // What no log signed is nobody's evidence.
    assert_eq!(state.handle(&request(&key(9), &["a", "b", "c"], 2, 3), NOW).unwrap().status, 403);
    assert_eq!(storage.list("refused").unwrap().len(), 2);
}

#[test]
fn a_witness_that_forgot_does_not_sign() {
    let log = key(1).verifier_key().clone();
    let nothing = opened(&Arc::new(Memory::new())).unwrap_err();
    assert!(matches!(nothing, WitnessStateError::NotCreated), "{nothing}");

    let storage = created();
    let other = WitnessState::open(storage.clone(), witness(2), std::slice::from_ref(&log)).unwrap_err();
    assert!(matches!(other, WitnessStateError::OtherKey { .. }), "{other}");

    let stranger = SigningKey::from_seed("elsewhere.example/log", &[3; 32]).unwrap();
    let unknown =
        WitnessState::open(storage.clone(), witness(1), &[stranger.verifier_key().clone()]).unwrap_err();
    assert!(matches!(unknown, WitnessStateError::UnknownLog { .. }), "{unknown}");

    let record = storage.list("logs").unwrap().remove(0).name;
    storage.remove(&record).unwrap();
    let gone = opened(&storage).unwrap_err();
    assert!(matches!(gone, WitnessStateError::RecordMissing { .. }), "{gone}");
    // Making the log known again does not help: it is known, and what was signed of it is not.
    assert_eq!(create(&*storage, witness(1).verifier_key(), std::slice::from_ref(&log)).unwrap(), 0);
    assert!(opened(&storage).is_err());

    let storage = created();
    storage.remove("witness.json").unwrap();
    let orphaned = opened(&storage).unwrap_err();
    assert!(matches!(orphaned, WitnessStateError::Damaged { .. }), "{orphaned}");
    assert!(create(&*storage, witness(1).verifier_key(), &[log]).is_err());
}

#[test]
fn two_at_once_do_not_have_one_memory() {
    let storage = created();
    let first = opened(&storage).unwrap();
    assert!(opened(&storage).unwrap_err().is_locked());
    drop(first);
    assert!(opened(&storage).is_ok());
}

/// Whatever write fails, and whatever a power cut leaves of it: a signature that left is remembered.
#[test]
fn no_signature_leaves_before_it_is_remembered() {
    let steps = {
        let counting = Arc::new(Crashing::over(&created(), Plan::new(u64::MAX, Fault::Crash)));
        let log = [key(1).verifier_key().clone()];
        let mut state = WitnessState::open(counting.clone(), witness(1), &log).unwrap();
        state.handle(&request(&key(1), &["a", "b"], 0, 2), NOW).unwrap();
        counting.steps()
    };
    assert!(steps >= 8, "opening and signing write: {steps} steps");
    for fault in [Fault::Crash, Fault::Io, Fault::ShortWrite] {
        for survival in [Survival::Synced, Survival::Torn(3), Survival::Everything] {
            for step in 0..=steps {
                let crashing = Arc::new(Crashing::over(&created(), Plan::new(step, fault)));
                let log = [key(1).verifier_key().clone()];
                let opened = WitnessState::open(crashing.clone(), witness(1), &log);
                let answer = opened.and_then(|mut state| {
                    let answer = state.handle(&request(&key(1), &["a", "b"], 0, 2), NOW);
                    // After a failure nothing is signed any more.
                    if answer.is_err() {
                        assert!(state.handle(&request(&key(1), &["a", "b"], 0, 2), NOW).is_err());
                    }
                    answer
                });
                let signed = answer.is_ok_and(|answer| answer.status == 200);
                let after = Arc::new(crashing.after_crash(survival));
                let state = WitnessState::open(after, witness(1), &log).unwrap();
                let (_, size) = state.sizes().next().unwrap();
                assert!(size == 2 || !signed, "{fault:?} at {step}, {survival:?}: signed and forgotten");
            }
        }
    }
}

#[test]
fn the_exporter_asks_until_the_witness_has_followed() {
    let mut rig = Rig::new(Arc::new(Memory::new()));
    let storage = created();
    let mut state = opened(&storage).unwrap();
    let cosigner = witness(1);
    let policy = policy(&rig.key, Some(&cosigner));
    rig.day(2);
    rig.day(0);
    let behind = |rig: &Rig| followed(&*rig.storage, &policy).unwrap().unwrap();
    assert_eq!((behind(&rig).behind, behind(&rig).witnesses, behind(&rig).at), (3, 0, None));

    let ask = |rig: &Rig, state: &mut WitnessState| {
        let asking = Asking::read(&*rig.storage).unwrap().unwrap();
        let mut old = asking.known_size(cosigner.verifier_key());
        loop {
            let request = asking.request(old).unwrap();
            let secs = u64::try_from(rig.now.as_millis() / 1000).unwrap();
            let response = state.handle(request.as_bytes(), secs).unwrap();
            match asking.answer(cosigner.verifier_key(), old, response.status, response.body.as_bytes()) {
                Answer::Signed(signature) => break asking.keep(&rig.storage, &[signature]).unwrap(),
                Answer::Again(size) => old = size,
                other => panic!("{other:?}"),
            }
        }
    };
    ask(&rig, &mut state);
    assert_eq!((behind(&rig).behind, behind(&rig).size, behind(&rig).witnesses), (0, 3, 1));
    let mut options = rig.options();
    options.policy = Some(policy.clone());
    assert_eq!(rig.verify(&options).findings, []);

    // What was kept is lost: the witness says where it stands, and signs from there.
    rig.day(1);
    for entry in rig.storage.list("log/cosignatures").unwrap() {
        rig.storage.remove(&entry.name).unwrap();
    }
    ask(&rig, &mut state);
    assert_eq!(behind(&rig).behind, 0);

    // A log that was rolled back, and one that forked.
    let asking = Asking::read(&*rig.storage).unwrap().unwrap();
    let verifier = cosigner.verifier_key();
    assert!(matches!(asking.answer(verifier, 3, 409, b"9\n"), Answer::Contradicts(_)));
    assert!(matches!(asking.answer(verifier, 3, 409, b"3\n"), Answer::Contradicts(_)));
    assert!(matches!(asking.answer(verifier, 3, 422, b"no"), Answer::Contradicts(_)));
    assert!(matches!(asking.answer(verifier, 3, 200, b"\xe2\x80\x94 nonsense\n"), Answer::Refused(_)));
    assert!(matches!(asking.answer(verifier, 3, 404, b"no such log"), Answer::Refused(_)));
}
