use assurance_tlog::cosignature;
use assurance_tlog::note::{SignedNote, SigningKey};
use assurance_tlog::policy::{CheckError, Policy, PolicyErrorKind, Quorum};
use assurance_tlog::{Checkpoint, note::VerifyError};

use crate::kit::{ORIGIN, log_key, tree, witness_key};

fn witness_lines(numbers: std::ops::RangeInclusive<u8>) -> String {
    numbers.map(|n| format!("witness W{n} {}\n", witness_key(n).verifier_key())).collect()
}

fn policy(rest: &str) -> String {
    format!("log {}\n{}{rest}", log_key().verifier_key(), witness_lines(1..=6))
}

fn cosigned(witnesses: &[u8]) -> SignedNote {
    let checkpoint = Checkpoint::new(ORIGIN, 3, tree(3).root()).unwrap();
    let mut note = checkpoint.sign(&[&log_key()]).unwrap();
    for witness in witnesses {
        note.add(cosignature::sign(&witness_key(*witness), &checkpoint, 1000 + u64::from(*witness))).unwrap();
    }
    note
}

fn quorum(rest: &str, witnesses: &[u8]) -> Quorum {
    Policy::parse(&policy(rest)).unwrap().check(&cosigned(witnesses)).unwrap().quorum
}

const EXAMPLE: &str = "# as in the specification\n\tgroup X-witnesses  2\tW1 W2 W3 \n\ngroup Y-witnesses any W4 W5 W6\n\
    group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n";

#[test]
fn quorums_count_as_the_groups_say() {
    for (witnesses, expected) in [
        (&[][..], Quorum::Missing(3)),
        (&[1], Quorum::Missing(2)),
        (&[1, 2], Quorum::Missing(1)),
        (&[1, 2, 3], Quorum::Missing(1)),
        (&[4, 5, 6], Quorum::Missing(2)),
        (&[1, 4], Quorum::Missing(1)),
        (&[1, 3, 6], Quorum::Met),
        (&[1, 2, 3, 4, 5, 6], Quorum::Met),
    ] {
        assert_eq!(quorum(EXAMPLE, witnesses), expected, "{witnesses:?}");
    }
    assert_eq!(quorum("quorum W2\n", &[1]), Quorum::Missing(1));
    assert_eq!(quorum("quorum W2\n", &[2]), Quorum::Met);
    assert_eq!(quorum("quorum none\n", &[]), Quorum::NotNeeded);
    assert!(Quorum::NotNeeded.is_met() && Quorum::Met.is_met() && !Quorum::Missing(1).is_met());
}

#[test]
fn a_verdict_names_log_and_witnesses_with_their_times() {
    let policy = Policy::parse(&policy("quorum none\n")).unwrap();
    let mut note = cosigned(&[3, 1]);
    let checkpoint = Checkpoint::of_note(&note).unwrap();
    note.add(cosignature::sign(&witness_key(3), &checkpoint, 7)).unwrap();
    let verdict = policy.check(&note).unwrap();
    assert_eq!(verdict.log.name(), ORIGIN);
    assert_eq!(verdict.checkpoint.size(), 3);
    let found: Vec<_> = verdict.witnesses.iter().map(|w| (w.name.as_str(), w.first, w.last)).collect();
    assert_eq!(found, [("W1", 1001, 1001), ("W3", 7, 1003)]);
}

#[test]
fn what_no_log_of_the_policy_signed_has_no_verdict() {
    let policy = Policy::parse(&policy("quorum none\n")).unwrap();
    let root = tree(3).root();
    let stranger = SigningKey::from_seed("example.com/other", &[2; 32]).unwrap();
    let other = Checkpoint::new("example.com/other", 3, root).unwrap();
    let error = policy.check(&other.sign(&[&stranger]).unwrap()).unwrap_err();
    assert!(matches!(error, CheckError::UnknownOrigin { .. }), "{error}");
    // A known log that signs in another's name.
    let error = policy.check(&other.sign(&[&log_key()]).unwrap()).unwrap_err();
    assert!(matches!(error, CheckError::UnknownOrigin { .. }), "{error}");
    let ours = Checkpoint::new(ORIGIN, 3, root).unwrap();
    let error = policy.check(&ours.sign(&[&stranger]).unwrap()).unwrap_err();
    assert!(matches!(error, CheckError::Verify(VerifyError::Unsigned { .. })), "{error}");
    let text = SignedNote::sign("no checkpoint\n", &[&log_key()]).unwrap();
    assert!(matches!(policy.check(&text), Err(CheckError::Checkpoint(_))));
    // A false cosignature of a witness that the quorum does not need condemns all the same.
    let mut note = ours.sign(&[&log_key()]).unwrap();
    note.add(cosignature::sign(&witness_key(5), &other, 1)).unwrap();
    assert!(matches!(policy.check(&note), Err(CheckError::Verify(VerifyError::False { .. }))));
}

#[test]
fn a_policy_without_logs_takes_one_from_elsewhere() {
    let policy = Policy::parse("quorum none\n").unwrap();
    assert!(matches!(policy.check(&cosigned(&[])), Err(CheckError::UnknownOrigin { .. })));
    let key = log_key().verifier_key().clone();
    let policy = policy.with_log(key.clone()).unwrap();
    assert!(policy.check(&cosigned(&[])).is_ok());
    assert!(matches!(policy.clone().with_log(key), Err(PolicyErrorKind::DuplicateKey(_))));
    assert!(policy.with_log(witness_key(1).verifier_key().clone()).is_err());
}

#[test]
fn urls_are_kept() {
    let text = format!(
        "log {} https://log.example/\nwitness w {} https://w.example/\nquorum w\n",
        log_key().verifier_key(),
        witness_key(1).verifier_key()
    );
    let policy = Policy::parse(&text).unwrap();
    assert_eq!(policy.logs()[0].url.as_deref(), Some("https://log.example/"));
    assert_eq!(policy.witnesses().next().unwrap().url.as_deref(), Some("https://w.example/"));
    assert!(policy.needs_witnesses());
}

#[test]
fn faulty_policies_are_refused_at_their_line() {
    let error = |rest: &str| {
        let error = Policy::parse(&policy(rest)).unwrap_err();
        (error.line, error.kind)
    };
    assert!(matches!(error(""), (8, PolicyErrorKind::NoQuorum)));
    assert!(matches!(error("quorum W1\nquorum none\n"), (9, PolicyErrorKind::SecondQuorum)));
    assert!(matches!(error("quorum W7\n"), (8, PolicyErrorKind::Undefined(_))));
    assert!(matches!(error("quorum W1"), (8, PolicyErrorKind::Unterminated)));
    assert!(matches!(error("quorum W1 W2\n"), (8, PolicyErrorKind::Form(_))));
    assert!(matches!(error("quorum\n"), (8, PolicyErrorKind::Form(_))));
    assert!(matches!(error("quorum W1\r\n"), (8, PolicyErrorKind::Control('\r'))));
    assert!(matches!(error("Quorum W1\n"), (8, PolicyErrorKind::Keyword(_))));
    assert!(matches!(error("group g all\n"), (8, PolicyErrorKind::Form(_))));
    for threshold in ["0", "3", "02", "-1", "most", "18446744073709551617"] {
        let found = error(&format!("group g {threshold} W1 W2\n"));
        assert!(matches!(found, (8, PolicyErrorKind::Threshold { members: 2, .. })), "{threshold}");
    }
    assert!(matches!(error("group g all W1 W1\n"), (8, PolicyErrorKind::MemberTwice(_))));
    assert!(matches!(error("group g all W1\ngroup h all W1 g\n"), (9, PolicyErrorKind::MemberTwice(_))));
    assert!(matches!(error("group g all h\ngroup h all W1\n"), (8, PolicyErrorKind::Undefined(_))));
    assert!(matches!(error("group g all g\n"), (8, PolicyErrorKind::Undefined(_))));
    assert!(matches!(error("group g all none\n"), (8, PolicyErrorKind::Undefined(_))));
    assert!(matches!(error("group W1 all W2\n"), (8, PolicyErrorKind::NameTaken(_))));
    assert!(matches!(error("group none all W2\n"), (8, PolicyErrorKind::NameTaken(_))));
    let log = log_key();
    let renamed = SigningKey::from_seed("another.example", &[1; 32]).unwrap();
    for key in [log.verifier_key(), renamed.verifier_key()] {
        assert!(matches!(error(&format!("log {key}\n")), (8, PolicyErrorKind::DuplicateKey(_))));
        assert!(matches!(error(&format!("witness W7 {key}\n")), (8, PolicyErrorKind::Key(_))));
    }
    let witness = witness_key(1);
    assert!(matches!(
        error(&format!("witness W7 {}\n", witness.verifier_key())),
        (8, PolicyErrorKind::DuplicateKey(_))
    ));
    let fresh = witness_key(7);
    assert!(matches!(
        error(&format!("witness W1 {}\n", fresh.verifier_key())),
        (8, PolicyErrorKind::NameTaken(_))
    ));
    assert!(matches!(error(&format!("log {}\n", fresh.verifier_key())), (8, PolicyErrorKind::Key(_))));
    assert!(matches!(error(&"#\n".repeat(200_000)), (_, PolicyErrorKind::TooLong(_))));
}

#[test]
fn thirty_two_of_each_are_supported_and_numbers_bounded() {
    let lines = |logs: u16| -> String {
        let key = |n: u16| {
            let mut seed = [3; 32];
            seed[..2].copy_from_slice(&n.to_be_bytes());
            SigningKey::from_seed("log.example", &seed).unwrap()
        };
        (0..logs).map(|n| format!("log {}\n", key(n).verifier_key())).collect()
    };
    let groups: String = (1..=32).map(|n| format!("group g{n} any W{n}\n")).collect();
    let all = format!("{}{}{groups}quorum g32\n", lines(256), witness_lines(1..=32));
    assert!(Policy::parse(&all).is_ok());
    let error = Policy::parse(&format!("{}quorum none\n", lines(257))).unwrap_err();
    assert!(matches!((error.line, error.kind), (257, PolicyErrorKind::TooMany { .. })));
}
