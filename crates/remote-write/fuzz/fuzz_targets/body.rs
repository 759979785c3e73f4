//! Bodies as they come over HTTP, within narrow limits: any bytes end in an answer.
#![no_main]

use assurance_remote_write::{Limits, MAX_REFUSALS, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut limits = Limits::default();
    limits.decompressed_bytes = 1 << 16;
    limits.samples = 1000;
    limits.series = 100;
    limits.buckets = 2000;
    limits.labels = 8;
    limits.label_value_bytes = 64;
    for body in [bytes.to_vec(), snap::raw::Encoder::new().compress_vec(bytes).unwrap_or_default()] {
        if let Ok(message) = decode(&body, &limits) {
            assert!(message.series.len() + message.refused_series <= limits.series);
            assert!(message.samples() + message.refused_samples <= limits.samples);
            assert!(message.refusals.len() <= MAX_REFUSALS);
        }
    }
});
