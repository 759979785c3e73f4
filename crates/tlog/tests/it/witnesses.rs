use std::collections::BTreeMap;

use assurance_tlog::note::{SignedNote, SigningKey, verify};
use assurance_tlog::witness::{
    AddCheckpoint, AnswerError, Decision, Pending, Refusal, RequestErrorKind, Response, SIZE_CONTENT_TYPE,
    Stored, TreeHead, Witness, checkpoint_path, read_conflict, read_cosignatures,
};
use assurance_tlog::{Checkpoint, Hash, consistency_proof, cosignature, empty_root, leaf_hash};

use crate::kit::{ORIGIN, flipped, log_key, tree, witness_key};

fn witness() -> Witness {
    let mut witness = Witness::new(vec![witness_key(1)]).unwrap();
    witness.add_log(ORIGIN, log_key().verifier_key().clone()).unwrap();
    witness
}

fn head(size: usize) -> Option<TreeHead> {
    Some(TreeHead { size: size as u64, root: tree(size).root() })
}

fn request_with(old: u64, size: u64, root: Hash, proof: Vec<Hash>) -> AddCheckpoint {
    let note = Checkpoint::new(ORIGIN, size, root).unwrap().sign(&[&log_key()]).unwrap();
    AddCheckpoint::new(old, proof, note).unwrap()
}

fn request(old: usize, size: usize) -> AddCheckpoint {
    let proof = consistency_proof(old as u64, size as u64, &tree(size)).unwrap();
    request_with(old as u64, size as u64, tree(size).root(), proof)
}

fn pending(request: &AddCheckpoint, last: Option<TreeHead>) -> Pending {
    match witness().decide(request, last, 1_700_000_000) {
        Decision::Sign(pending) => pending,
        Decision::Refuse(refusal) => panic!("{refusal}"),
    }
}

fn refusal(request: &AddCheckpoint, last: Option<TreeHead>) -> Refusal {
    match witness().decide(request, last, 1_700_000_000) {
        Decision::Sign(pending) => panic!("{pending:?}"),
        Decision::Refuse(refusal) => refusal,
    }
}

/// What a witness's disk holds, swapped in one step as the protocol asks.
#[derive(Default)]
struct Disk(BTreeMap<String, TreeHead>);

impl Disk {
    fn commit(&mut self, pending: Pending) -> Response {
        let swap = |pending: &Pending| {
            let stored = self.0.get(pending.origin()).copied();
            if stored != pending.expected() {
                return Ok::<_, ()>(Stored::Moved { size: stored.map_or(0, |head| head.size) });
            }
            self.0.insert(pending.origin().to_owned(), pending.next());
            Ok(Stored::Yes)
        };
        pending.commit(swap).unwrap()
    }
}

#[test]
fn a_log_that_only_grows_is_cosigned_all_the_way() {
    let (mut disk, witness) = (Disk::default(), witness());
    let mut old = 0;
    for (size, now) in [(1, 10), (3, 20), (3, 30), (8, 40), (130, 50)] {
        let body = request(old, size).to_string();
        let last = |origin: &str| Ok::<_, ()>(disk.0.get(origin).copied());
        let Decision::Sign(pending) = witness.handle(body.as_bytes(), last, now).unwrap() else {
            panic!("{body}")
        };
        let cosigned = pending.cosigned().clone();
        let response = disk.commit(pending);
        assert_eq!(response.status, 200);
        let keys: Vec<_> = witness.verifier_keys().cloned().collect();
        let checkpoint = Checkpoint::new(ORIGIN, size as u64, tree(size).root()).unwrap();
        let signatures = read_cosignatures(&response.body, &checkpoint, &keys).unwrap();
        let mut note = checkpoint.sign(&[&log_key()]).unwrap();
        note.add(signatures[0].clone()).unwrap();
        assert_eq!(note, cosigned, "what monitors fetch is what the log gets");
        assert_eq!(cosignature::verify(&note, &keys[0]), Ok(now));
        assert_eq!(disk.0[ORIGIN], TreeHead { size: size as u64, root: tree(size).root() });
        old = size;
    }
}

#[test]
fn every_refusal_has_its_status() {
    let good = request(3, 8);
    let answer = |refusal: &Refusal| refusal.response().status;

    let none = Witness::new(vec![witness_key(1)]).unwrap();
    let Decision::Refuse(unknown) = none.decide(&good, None, 0) else { panic!() };
    assert!(matches!(unknown, Refusal::UnknownOrigin { .. }) && answer(&unknown) == 404);

    let stranger = SigningKey::from_seed(ORIGIN, &[77; 32]).unwrap();
    let note = good.checkpoint().sign(&[&stranger]).unwrap();
    let unsigned = refusal(&AddCheckpoint::new(3, good.proof().to_vec(), note).unwrap(), head(3));
    assert!(matches!(unsigned, Refusal::BadSignature(_)) && answer(&unsigned) == 403);
    let moved = good.note().to_string().replace("\n8\n", "\n9\n");
    let forged = AddCheckpoint::new(3, Vec::new(), SignedNote::parse(&moved).unwrap()).unwrap();
    assert_eq!(answer(&refusal(&forged, head(3))), 403);

    let beyond = refusal(&request_with(9, 8, tree(8).root(), Vec::new()), head(9));
    assert!(matches!(beyond, Refusal::OldBeyond { old: 9, size: 8 }) && answer(&beyond) == 400);

    for (last, size) in [(None, 0), (head(2), 2), (head(8), 8)] {
        let conflict = refusal(&good, last);
        assert_eq!(conflict, Refusal::Conflict { size });
        let response = conflict.response();
        assert_eq!((response.status, response.content_type), (409, SIZE_CONTENT_TYPE));
        assert_eq!(read_conflict(&response.body), Ok(size));
    }

    let fork = refusal(&request_with(8, 8, flipped(&tree(8).root()), Vec::new()), head(8));
    assert!(matches!(fork, Refusal::Fork { size: 8, .. }) && answer(&fork) == 409);

    for bad in [
        request_with(3, 8, tree(8).root(), Vec::new()),
        request_with(3, 8, flipped(&tree(8).root()), good.proof().to_vec()),
        request_with(3, 8, tree(8).root(), good.proof().iter().map(flipped).collect()),
    ] {
        let refused = refusal(&bad, head(3));
        assert!(matches!(refused, Refusal::BadProof(_)) && answer(&refused) == 422);
    }
    let history = Some(TreeHead { size: 3, root: flipped(&tree(3).root()) });
    assert!(matches!(refusal(&good, history), Refusal::BadProof(_)), "another past");
    let proof_from_nothing = request_with(0, 8, tree(8).root(), vec![leaf_hash(b"")]);
    assert!(matches!(refusal(&proof_from_nothing, None), Refusal::BadProof(_)));
    let proof_of_sameness = request_with(8, 8, tree(8).root(), vec![leaf_hash(b"")]);
    assert!(matches!(refusal(&proof_of_sameness, head(8)), Refusal::BadProof(_)));
    assert!(matches!(refusal(&request_with(0, 0, leaf_hash(b""), Vec::new()), None), Refusal::BadProof(_)));
    assert_eq!(pending(&request_with(0, 0, empty_root(), Vec::new()), None).next().size, 0);
}

#[test]
fn nothing_leaves_before_it_is_durable() {
    let failed = pending(&request(3, 8), head(3)).commit(|_| Err("disk full"));
    assert_eq!(failed, Err("disk full"));
    // Two requests are decided from the same record; the one that comes second must not roll it back.
    let mut disk = Disk::default();
    disk.commit(pending(&request(0, 3), None));
    let (short, long) = (pending(&request(3, 5), head(3)), pending(&request(3, 8), head(3)));
    assert_eq!(disk.commit(long).status, 200);
    let late = disk.commit(short);
    assert_eq!((late.status, late.body.as_str()), (409, "8\n"));
    assert_eq!(disk.0[ORIGIN].size, 8);
}

#[test]
fn the_record_is_read_only_for_logs_that_signed_and_its_errors_are_told() {
    let never = |_: &str| -> Result<_, ()> { panic!("asked") };
    let refused = |body: &str| matches!(witness().handle(body.as_bytes(), never, 0), Ok(Decision::Refuse(_)));
    assert!(refused("old 0\n"));
    let note = Checkpoint::new("unknown.example", 1, tree(1).root()).unwrap().sign(&[&log_key()]).unwrap();
    assert!(refused(&AddCheckpoint::new(0, Vec::new(), note).unwrap().to_string()));
    let broken = witness().handle(request(0, 1).to_string().as_bytes(), |_| Err("broken"), 0);
    assert_eq!(broken.unwrap_err(), "broken");
}

#[test]
fn several_keys_cosign_and_several_keys_of_a_log_are_trusted() {
    let mut witness = Witness::new(vec![witness_key(1), witness_key(2)]).unwrap();
    let next = SigningKey::from_seed(ORIGIN, &[42; 32]).unwrap();
    for key in [log_key().verifier_key(), next.verifier_key(), next.verifier_key()] {
        witness.add_log(ORIGIN, key.clone()).unwrap();
    }
    assert!(witness.add_log(ORIGIN, witness_key(1).verifier_key().clone()).is_err());
    assert_eq!(witness.origins().collect::<Vec<_>>(), [ORIGIN]);
    let note = Checkpoint::new(ORIGIN, 2, tree(2).root()).unwrap().sign(&[&next]).unwrap();
    let rotated = AddCheckpoint::new(0, Vec::new(), note).unwrap();
    let Decision::Sign(pending) = witness.decide(&rotated, None, 5) else { panic!() };
    let response = pending.commit(|_| Ok::<_, ()>(Stored::Yes)).unwrap();
    assert_eq!(response.body.lines().count(), 2);
    assert!(Witness::new(Vec::new()).is_err());
}

#[test]
fn requests_have_one_form() {
    let good = request(3, 8).to_string();
    assert_eq!(good.parse::<AddCheckpoint>(), Ok(request(3, 8)));
    let error = |text: &str| {
        let error = AddCheckpoint::parse(text.as_bytes()).unwrap_err();
        (error.line, error.kind)
    };
    assert!(matches!(error(""), (1, RequestErrorKind::Short)));
    for old in ["old 03", "old -3", "old", "old  3", "Old 3", "old 3 ", "old 18446744073709551616"] {
        assert!(matches!(error(&good.replacen("old 3", old, 1)), (1, RequestErrorKind::Old(_))), "{old}");
    }
    assert!(matches!(error(&good.replacen("old 3\n", "old 3\nAAAA\n", 1)), (2, RequestErrorKind::Hash(_))));
    assert!(matches!(error(&good.replace('\n', "\r\n")), (1, RequestErrorKind::Old(_))));
    let line = format!("{}\n", leaf_hash(b""));
    let lines = |count| good.replacen("old 3\n", &format!("old 3\n{}", line.repeat(count)), 1);
    let proof = request(3, 8).proof().len();
    assert!(AddCheckpoint::parse(lines(63 - proof).as_bytes()).is_ok());
    assert!(matches!(error(&lines(64 - proof)), (65, RequestErrorKind::TooManyHashes)));
    assert!(matches!(error("old 3\n\n"), (3, RequestErrorKind::Note(_))));
    assert!(matches!(error("old 3\n"), (2, RequestErrorKind::Short)));
    let text = SignedNote::sign("one\ntwo\n", &[&log_key()]).unwrap();
    assert!(matches!(error(&format!("old 0\n\n{text}")), (5, RequestErrorKind::Checkpoint(_))));
    let latin = AddCheckpoint::parse(b"old 3\n\xe9\n").unwrap_err();
    assert!(matches!((latin.line, latin.kind), (2, RequestErrorKind::Encoding)));
    assert!(matches!(error(&"x".repeat(2_000_000)), (1, RequestErrorKind::TooLong(_))));
}

#[test]
fn answers_are_not_believed() {
    let checkpoint = Checkpoint::new(ORIGIN, 8, tree(8).root()).unwrap();
    let other = Checkpoint::new(ORIGIN, 9, tree(9).root()).unwrap();
    let known = [witness_key(1).verifier_key().clone(), log_key().verifier_key().clone()];
    let line = |number, checkpoint| format!("{}\n", cosignature::sign(&witness_key(number), checkpoint, 3));
    let read = |answer: &str| read_cosignatures(answer, &checkpoint, &known);
    assert_eq!(read(&(line(2, &checkpoint) + &line(1, &checkpoint))).unwrap().len(), 1);
    assert_eq!(read(&line(1, &checkpoint).repeat(2)).unwrap().len(), 1);
    assert!(matches!(read(&line(1, &other)), Err(AnswerError::False { .. })));
    assert_eq!(read(&line(2, &other)), Err(AnswerError::Unknown));
    assert_eq!(read(line(1, &checkpoint).trim_end()), Err(AnswerError::Unterminated));
    assert_eq!(read(""), Err(AnswerError::Unterminated));
    assert!(matches!(read("nonsense\n"), Err(AnswerError::Line { line: 1, .. })));
    assert!(matches!(read(&"x\n".repeat(1_000_000)), Err(AnswerError::TooLong(_))));
    // The log's own signature is no cosignature.
    let own = checkpoint.sign(&[&log_key()]).unwrap();
    assert_eq!(read(&format!("{}\n", own.signatures()[0])), Err(AnswerError::Unknown));
    assert_eq!(verify(&own, &known).unwrap().len(), 1);
    for (answer, size) in
        [("0\n", Some(0)), ("42\n", Some(42)), ("42", None), ("042\n", None), ("4 2\n", None), ("\n", None)]
    {
        assert_eq!(read_conflict(answer).ok(), size, "{answer:?}");
    }
}

#[test]
fn monitors_find_a_log_by_the_hash_of_its_origin() {
    // printf 'example.com/behind-the-sofa' | sha256sum
    let hash = "5fd2dc0beb4ce54da5050cf6d5c75248b023abad441c3cecde3976fbe9da4fe4";
    assert_eq!(checkpoint_path("example.com/behind-the-sofa"), format!("{hash}/checkpoint"));
}
