//! The short form of the campaigns.

use crate::{campaign, flips, lawful};

/// What a campaign said, if it failed.
fn run(campaign: impl FnOnce(&mut dyn FnMut(String)) -> u64) {
    let mut said = Vec::new();
    let failures = campaign(&mut |line| said.push(line));
    assert_eq!(failures, 0, "{}", said.join("\n"));
}

#[test]
fn every_class_of_tampering_is_found_and_named() {
    run(|say| campaign::run(3, None, say));
}

#[test]
fn lawful_histories_raise_no_alarm() {
    run(|say| lawful::run(40, say));
}

#[test]
fn any_single_bit_is_found() {
    run(|say| flips::run(211, say));
}
