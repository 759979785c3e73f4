//! promql-parser as a second opinion: what both read, they read alike, and where only one of them reads, it is
//! known why.

use assurance_promql::{Features, ParseErrorKind, parse_with};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::corpus;
use crate::language::{Age, vector};
use crate::shape::{of_ours, of_theirs};

/// What Prometheus refuses, as we do, and promql-parser reads.
const LENIENT: [&str; 2] = [
    "must not occur in ON and GROUP clause at once",
    "filling in missing series only allowed between instant vectors",
];

/// What Prometheus reads since, as we do, and promql-parser 0.11 does not.
const NEWER: [&str; 11] = [
    "</",
    ">/",
    "anchored",
    "smoothed",
    "offset (",
    "offset -(",
    "step()",
    "range()",
    "min_of(",
    "max_of(",
    "histogram_quantiles(",
];

/// Compares the two readings of `text`. Whether promql-parser reads it at all.
fn compare(text: &str) -> Result<bool, String> {
    let ours = parse_with(text, Features::all());
    let theirs = promql_parser::parser::parse(text);
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => {
            let (ours, theirs) = (of_ours(&ours), of_theirs(&theirs));
            if ours == theirs {
                Ok(true)
            } else {
                Err(format!("{text}\n  ours:   {ours}\n  theirs: {theirs}"))
            }
        }
        (Err(error), Ok(_)) if matches!(error.kind, ParseErrorKind::TooLarge { .. }) => Ok(true),
        (Err(error), Ok(_)) if LENIENT.iter().any(|part| error.to_string().contains(part)) => Ok(false),
        (Err(error), Ok(_)) => Err(format!("{text}\n  is refused by us alone: {error}")),
        (Ok(_), Err(_)) if NEWER.iter().any(|part| text.contains(part)) => Ok(false),
        (Ok(_), Err(why)) => Err(format!("{text}\n  is read by us alone: {why}")),
        (Err(_), Err(_)) => Ok(false),
    }
}

#[test]
fn random_expressions_are_read_alike() {
    let mut runner = TestRunner::new(ProptestConfig::default());
    let mut read = 0;
    for _ in 0..2_000 {
        let text = vector(Age::Classic).new_tree(&mut runner).expect("an expression").current();
        read += usize::from(compare(&text).unwrap_or_else(|fault| panic!("{fault}")));
    }
    assert!(read > 1_000, "{read} of 2,000 read by both");
}

#[test]
fn expressions_of_the_project_are_read_alike() {
    let texts = corpus::expressions();
    let (mut read, mut faults) = (0, Vec::new());
    for text in &texts {
        match compare(text) {
            Ok(by_both) => read += usize::from(by_both),
            Err(fault) => faults.push(fault),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(texts.len() > 200, "{} expressions found", texts.len());
    assert!(read * 10 > texts.len() * 9, "{read} of {} read by both", texts.len());
}
