#![expect(clippy::disallowed_methods, reason = "the faulty scenarios are files of the repository")]

use std::path::{Path, PathBuf};

use assurance_diagnostics::Source;
use assurance_tabletop::Scenario;
use proptest::prelude::*;

use crate::{pack, parse, text};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tabletop").join(name)
}

/// Each faulty scenario, what is said about it, and where.
#[test]
fn faults_are_shown_at_their_place_with_a_remedy() {
    let pack = pack();
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder("bad")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 30, "{} faulty scenarios", files.len());
    let mut shown = String::new();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let flaws = Scenario::parse(&Source::new(name, text), &pack).unwrap_err();
        for flaw in &flaws {
            assert!(flaw.line().is_some(), "{name} has no place: {flaw}");
            shown.push_str(&format!("{flaw}\n"));
        }
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn what_is_not_faulty_is_read() {
    let text = std::fs::read_to_string(folder("good").join("small.yml")).unwrap();
    let scenario = parse(&text).unwrap();
    assert_eq!(scenario.id, "TABLETOP-900");
    assert_eq!((scenario.world.len(), scenario.injects.len(), scenario.claims.len()), (2, 1, 1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever is cut out of or put into a scenario: it is read or refused, at places inside of it.
    #[test]
    fn a_damaged_scenario_is_read_or_refused(
        at in 0..6000usize, cut in 0..40usize, put in "[ -~\n]{0,6}"
    ) {
        let mut text = text("TABLETOP-001").to_owned();
        let floor = |mut at: usize| {
            at = at.min(text.len());
            while !text.is_char_boundary(at) { at -= 1; }
            at
        };
        let range = floor(at)..floor(at + cut);
        text.replace_range(range, &put);
        if let Err(flaws) = parse(&text) {
            prop_assert!(!flaws.is_empty());
            for flaw in flaws {
                prop_assert!(flaw.span.is_none_or(|span| text.get(span).is_some()));
            }
        }
    }
}
