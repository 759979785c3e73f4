//! Rehearses the response: runs tabletop exercises on a virtual clock and reports.

fn main() {}
