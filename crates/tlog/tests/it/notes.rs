use assurance_tlog::cosignature::{self, CosignerKey};
use assurance_tlog::note::{
    KeyError, KeyKind, MAX_NOTE_BYTES, MAX_SIGNATURES, NoteErrorKind, SignedNote, SigningKey, VerifierKey,
    VerifyError, verify,
};
use assurance_tlog::{Checkpoint, CheckpointErrorKind};

use crate::kit::{ORIGIN, log_key, tree, witness_key};

fn note() -> SignedNote {
    Checkpoint::new(ORIGIN, 3, tree(3).root()).unwrap().sign(&[&log_key()]).unwrap()
}

fn kind(note: &str) -> NoteErrorKind {
    SignedNote::parse(note).unwrap_err().kind
}

#[test]
fn notes_have_one_form() {
    let good = note().to_string();
    let signature = note().signatures()[0].to_string();
    assert_eq!(SignedNote::parse(&good), Ok(note()));
    assert!(matches!(kind(""), NoteErrorKind::Unterminated));
    assert!(matches!(kind("text\n"), NoteErrorKind::NoSignatures));
    assert!(matches!(kind("text\n\n"), NoteErrorKind::NoSignatures));
    assert!(matches!(kind(good.trim_end()), NoteErrorKind::Unterminated));
    assert!(matches!(kind(&good.replace('\n', "\r\n")), NoteErrorKind::Control('\r')));
    assert!(matches!(kind(&good.replace("\n3\n", "\n3\t\n")), NoteErrorKind::Control('\t')));
    assert!(matches!(kind(&format!("{good}\n")), NoteErrorKind::NoSignatures), "a blank line at the end");
    assert!(matches!(kind(&good.replace('—', "-")), NoteErrorKind::Signature(_)));
    assert!(matches!(kind(&good.replace("— ", "—  ")), NoteErrorKind::Signature(_)));
    assert!(matches!(kind(&format!("{good}— name AAAA\n")), NoteErrorKind::Signature(_)), "three bytes");
    assert!(
        matches!(kind(&format!("{good}— name AAAAAA==\n")), NoteErrorKind::Signature(_)),
        "an id and nothing"
    );
    assert!(matches!(kind(&format!("{good}— name AAAAAAB=\n")), NoteErrorKind::Signature(_)), "stray bits");
    assert!(matches!(kind(&format!("{good}— na+me AAAAAAA=\n")), NoteErrorKind::Signature(_)));
    assert!(matches!(kind(&format!("{good}— na\u{2003}me AAAAAAA=\n")), NoteErrorKind::Signature(_)));
    let error = SignedNote::parse(&format!("{good}{signature} \n")).unwrap_err();
    assert_eq!(error.line, Some(6), "{error}");
    assert!(matches!(kind(&"x\n".repeat(MAX_NOTE_BYTES)), NoteErrorKind::TooLong { .. }));
}

#[test]
fn names_and_texts_need_not_be_ascii_and_texts_may_have_blank_lines() {
    let key = SigningKey::from_seed("beispiel.example/prüfung", &[5; 32]).unwrap();
    let text = "Ognuno sta solo\n\ned è subito sera.\n\n";
    let note = SignedNote::sign(text, &[&key]).unwrap();
    let read = SignedNote::parse(&note.to_string()).unwrap();
    assert_eq!(read.text(), text);
    let verified = verify(&read, &[key.verifier_key().clone()]).unwrap();
    assert_eq!(verified[0].name, "beispiel.example/prüfung");
}

#[test]
fn what_cannot_be_a_note_is_not_signed() {
    let key = log_key();
    assert!(SignedNote::sign("no line feed", &[&key]).is_err());
    assert!(SignedNote::sign("", &[&key]).is_err());
    assert!(SignedNote::sign("a\rb\n", &[&key]).is_err());
    assert!(SignedNote::sign("text\n", &[]).is_err());
    assert!(
        SignedNote::sign("text\n", &vec![&key; MAX_SIGNATURES + 1]).is_ok(),
        "the same signature counts once"
    );
}

#[test]
fn a_hundred_signatures_are_read_and_no_more() {
    let mut note = note();
    for time in 1..MAX_SIGNATURES as u64 {
        note.add(cosignature::sign(&witness_key(1), &Checkpoint::of_note(&note).unwrap(), time)).unwrap();
    }
    assert_eq!(SignedNote::parse(&note.to_string()).as_ref(), Ok(&note));
    let further = cosignature::sign(&witness_key(2), &Checkpoint::of_note(&note).unwrap(), 1);
    assert!(note.clone().add(further.clone()).is_err());
    assert!(matches!(kind(&format!("{note}{further}\n")), NoteErrorKind::TooManySignatures));
}

#[test]
fn unknown_signatures_are_skipped_and_false_ones_of_known_keys_condemn() {
    let (log, witness) = (log_key().verifier_key().clone(), witness_key(1));
    let mut note = note();
    assert_eq!(verify(&note, std::slice::from_ref(&log)).unwrap().len(), 1);
    note.add(cosignature::sign(&witness, &Checkpoint::of_note(&note).unwrap(), 17)).unwrap();
    assert_eq!(verify(&note, std::slice::from_ref(&log)).unwrap().len(), 1);
    let both = [witness.verifier_key().clone(), log.clone()];
    let verified = verify(&note, &both).unwrap();
    assert_eq!(verified.iter().map(|v| (v.key, v.time)).collect::<Vec<_>>(), [(1, None), (0, Some(17))]);

    let unsigned = verify(&note, &[witness_key(2).verifier_key().clone()]).unwrap_err();
    assert!(matches!(&unsigned, VerifyError::Unsigned { signers } if signers.len() == 2), "{unsigned}");
    // Another checkpoint of the same witness: its signature does not belong to this text.
    let other = Checkpoint::new(ORIGIN, 4, tree(4).root()).unwrap();
    let mut mixed = note.clone();
    mixed.add(cosignature::sign(&witness, &other, 17)).unwrap();
    assert!(matches!(verify(&mixed, &both), Err(VerifyError::False { .. })));
    assert!(
        verify(&mixed, std::slice::from_ref(&log)).is_ok(),
        "who does not know the witness does not mind"
    );
    // The same name with another id, and the same key under another name, are other keys.
    let namesake = SigningKey::from_seed(ORIGIN, &[9; 32]).unwrap();
    assert!(matches!(verify(&note, &[namesake.verifier_key().clone()]), Err(VerifyError::Unsigned { .. })));
}

#[test]
fn a_signature_that_stands_there_twice_counts_once() {
    let text = note().to_string();
    let doubled = SignedNote::parse(&format!("{text}{}\n", note().signatures()[0])).unwrap();
    assert_eq!(doubled.signatures().len(), 2);
    assert_eq!(verify(&doubled, &[log_key().verifier_key().clone()]).unwrap().len(), 1);
}

#[test]
fn a_cosignature_is_of_time_and_text_and_of_checkpoints_alone() {
    let (key, note) = (witness_key(1), note());
    let checkpoint = Checkpoint::of_note(&note).unwrap();
    let public = key.verifier_key();
    let with = |time| {
        let mut note = note.clone();
        note.add(cosignature::sign(&key, &checkpoint, time)).unwrap();
        note
    };
    assert_eq!(cosignature::verify(&with(1_679_315_147), public), Ok(1_679_315_147));
    assert_eq!(cosignature::verify(&with(u64::MAX), public), Ok(u64::MAX));
    assert!(cosignature::verify(&note, public).is_err());
    assert!(cosignature::verify(&with(1), log_key().verifier_key()).is_err(), "a log is no witness");
    // Moved to a text that is no checkpoint, with a signature that would be good for it.
    let text = "no checkpoint\n";
    let raw = SigningKey::from_seed("witness.example/w1", &[101; 32]).unwrap();
    let signed = SignedNote::sign(&format!("cosignature/v1\ntime 5\n{text}"), &[&raw]).unwrap();
    let mut bytes = public.id().to_be_bytes().to_vec();
    bytes.extend_from_slice(&5_u64.to_be_bytes());
    bytes.extend_from_slice(signed.signatures()[0].bytes());
    let base64 = base64_of(&bytes);
    let forged = SignedNote::parse(&format!("{text}\n— {} {base64}\n", public.name())).unwrap();
    assert!(matches!(verify(&forged, std::slice::from_ref(public)), Err(VerifyError::False { .. })));
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn keys_have_one_form_and_secrets_are_not_shown() {
    let (log, witness) = (log_key(), witness_key(1));
    let public = log.verifier_key().to_string();
    assert_eq!(public.parse::<VerifierKey>().as_ref(), Ok(log.verifier_key()));
    let error = |key: &str| key.parse::<VerifierKey>().unwrap_err();
    assert!(matches!(error("name+12345678"), KeyError::Parts { .. }));
    assert!(matches!(error("+12345678+AAAA"), KeyError::Name { .. }));
    assert!(matches!(error(&public.replace("evidence+", "ev idence+")), KeyError::Name { .. }));
    assert!(matches!(error(&public.replace("evidence+", "other+")), KeyError::IdMismatch { .. }));
    assert!(matches!(error("name+1234567+AAAA"), KeyError::Id { .. }));
    assert!(matches!(error("name+1234567A+AAAA"), KeyError::Id { .. }));
    assert!(matches!(error("name+12345678+AAAA"), KeyError::Material { .. }));
    let material = |bytes: &[u8]| format!("name+12345678+{}", base64_of(bytes));
    assert!(matches!(error(&material(&[6; 33])), KeyError::Kind { byte: 6, .. }));
    let mut weak = [0; 33];
    weak[0] = 1;
    assert!(matches!(error(&material(&weak)), KeyError::Point { .. }), "of small order");
    let mut neutral = weak;
    neutral[1] = 1;
    assert!(
        matches!(error(&material(&neutral)), KeyError::Point { .. }),
        "the neutral element signs anything"
    );

    assert!(matches!(
        log.encode().parse::<CosignerKey>(),
        Err(KeyError::WrongKind { found: KeyKind::Ed25519, .. })
    ));
    assert!(matches!(witness.encode().parse::<SigningKey>(), Err(KeyError::WrongKind { .. })));
    assert!(matches!(public.parse::<SigningKey>(), Err(KeyError::Parts { .. })), "a public key is no secret");
    let secret = log.encode();
    for misspelt in [
        secret.replace(ORIGIN, ""),
        secret.replacen('+', "", 1),
        secret.replace("KEY+", "KEY+a+"),
        secret[..secret.len() - 1].to_owned(),
    ] {
        let error = misspelt.parse::<SigningKey>().unwrap_err();
        assert!(matches!(error, KeyError::Parts { .. }), "{error}");
    }
    let seed = secret.rsplit('+').next().unwrap();
    assert!(!format!("{log:?}{witness:?}").contains(seed));
    assert!(
        !secret.replace("+example", "+other").parse::<SigningKey>().unwrap_err().to_string().contains(seed)
    );
}

#[test]
fn checkpoints_have_one_form() {
    let (origin, root) = (ORIGIN, tree(3).root());
    let good = format!("{origin}\n3\n{root}\n");
    assert_eq!(good.parse::<Checkpoint>().unwrap().to_string(), good);
    let extended = format!("{good}one\ntwo\n");
    assert_eq!(extended.parse::<Checkpoint>().unwrap().extensions(), ["one", "two"]);
    assert_eq!(extended.parse::<Checkpoint>().unwrap().to_string(), extended);
    let error = |text: &str| text.parse::<Checkpoint>().unwrap_err();
    for (text, line) in [("", 1), ("o\n", 2), ("o\n3\n", 3), (good.trim_end(), 3), ("o\n3", 2)] {
        let error = error(text);
        assert!(matches!(error.kind, CheckpointErrorKind::Short), "{error}");
        assert_eq!(error.line, line, "{text:?}");
    }
    for size in ["03", "-3", "+3", "", " 3", "3 ", "0x3", "9223372036854775808", "18446744073709551616", "٣"]
    {
        let error = error(&format!("{origin}\n{size}\n{root}\n"));
        assert!(matches!(error.kind, CheckpointErrorKind::Size(_)), "{size}: {error}");
    }
    assert!(matches!(error(&format!("\n3\n{root}\n")).kind, CheckpointErrorKind::Origin(_)));
    assert!(matches!(error(&format!("{origin}\n3\n{}\n", root.to_hex())).kind, CheckpointErrorKind::Root(_)));
    assert!(matches!(error(&format!("{good}\n")).kind, CheckpointErrorKind::Extension(_)));
    assert!(Checkpoint::new("two\nlines", 3, root).is_err());
    assert!(Checkpoint::new(origin, u64::MAX, root).is_err());
}
