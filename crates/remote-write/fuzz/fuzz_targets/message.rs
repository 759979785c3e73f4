//! Messages after decompression: any bytes end in an answer, and what is read is written and read again.
#![no_main]

use assurance_remote_write::{Counts, Limits, decode_message, encode_message};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    let Ok(message) = decode_message(bytes, &limits) else { return };
    for counts in [Counts::Float, Counts::IntegerWhereWhole] {
        let again = decode_message(&encode_message(&message.series, counts), &limits);
        let again = again.expect("what was read can be written");
        assert!(again.refusals.is_empty(), "{:?}", again.refusals);
        assert_eq!(again.series.len(), message.series.len());
        assert_eq!(again.samples(), message.samples());
        for (old, new) in message.series.iter().zip(&again.series) {
            assert_eq!(old.labels, new.labels);
            // Floats and histograms travel in two lists: only what rises in time keeps its order.
            if old.samples.is_sorted_by_key(|(at, _)| *at) {
                let times = |samples: &[(_, _)]| samples.iter().map(|(at, _)| *at).collect::<Vec<_>>();
                assert_eq!(times(&old.samples), times(&new.samples));
            }
        }
    }
});
