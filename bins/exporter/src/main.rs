//! Preserves audit events: collects them from BRAiN into checksummed day files.

fn main() {}
