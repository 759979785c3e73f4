//! What a parse costs in allocations: nothing for a sample.

use std::fmt::Write as _;

use allocation_counter::measure;
use assurance_exposition::{Entry, Format, Parser};

fn body(series: usize) -> String {
    let mut out = String::from("# HELP took_seconds How long it took.\n# TYPE took_seconds histogram\n");
    for n in 0..series {
        let _infallible = write!(
            out,
            "took_seconds_bucket{{route=\"/gates/{n}\",le=\"1.0\"}} 4\n\
             took_seconds_bucket{{route=\"/gates/{n}\",le=\"+Inf\"}} 5\n\
             took_seconds_count{{route=\"/gates/{n}\"}} 5\ntook_seconds_sum{{route=\"/gates/{n}\"}} 1.25\n"
        );
    }
    out.push_str("# EOF\n");
    out
}

fn read(body: &str, format: Format) -> u64 {
    let mut samples = 0;
    let info = measure(|| {
        for entry in Parser::new(body.as_bytes(), format) {
            if let Entry::Sample(sample) = entry.expect("good") {
                assert!(!sample.metric_name().is_empty());
                samples += usize::from(sample.labels().all(|(_, value)| !value.is_empty()));
            }
        }
    });
    assert!(samples >= 4, "the body holds samples");
    info.count_total
}

#[test]
fn text_is_read_without_any_allocation() {
    assert_eq!(read(&body(1), Format::Text), 0);
    assert_eq!(read(&body(1000), Format::Text), 0);
}

#[test]
fn known_series_are_read_without_any_allocation() {
    let body = body(1000);
    let known: Vec<Vec<u8>> = Parser::new(body.as_bytes(), Format::Text)
        .filter_map(|entry| match entry {
            Ok(Entry::Sample(sample)) => Some(sample.series.to_vec()),
            _ => None,
        })
        .collect();
    let mut hits = 0;
    let info = measure(|| {
        let mut expected = known.iter().peekable();
        let mut parser = Parser::new(body.as_bytes(), Format::Text);
        loop {
            if parser.next_known(expected.peek().map_or(&[], |s| s)).is_some() {
                expected.next();
                hits += 1;
            } else if parser.next().is_none() {
                break;
            }
        }
    });
    assert_eq!((hits, info.count_total), (4000, 0));
}

/// OpenMetrics remembers the label sets of a family to find those that are not together; its memory grows by
/// doubling, not by sample.
#[test]
fn open_metrics_allocates_for_its_memory_alone() {
    let (few, many) = (read(&body(100), Format::OpenMetrics), read(&body(6400), Format::OpenMetrics));
    assert!(few <= 40, "{few}");
    assert!(many <= few + 6 * 4, "64 times the samples took {many} allocations instead of {few}");
}
