//! Any text: what parses prints and reads back to the same tree, and its evaluation over a small store ends in an
//! answer or an error, within small limits.
#![no_main]

use std::sync::LazyLock;

use assurance_metrics_model::{Duration, Timestamp};
use assurance_promql::{Features, Options, ValueType, instant, parse_with, range};
use assurance_promqltest::{MemoryStore, Script, run};
use libfuzzer_sys::fuzz_target;

/// Floats, counters with resets, classic and native histograms, gaps and ends.
const SAMPLES: &str = r#"
load 30s
  up{job="a",instance="1"} 1 1 0 stale 1x8
  up{job="b",instance="2"} 1x12
  requests_total{job="a",code="200"} 0+10x5 3+7x5
  requests_total{job="a",code="500"} 0x3 _x3 1+1x5
  odd{kind="nan"} NaN Inf -Inf 0 -0 1e300 -1e300 NaN NaN NaN
  queue_length{queue="mail",job="a"} 5 4 6 8 2 0 1 3x4
  temperature_celsius{sensor="cpu"} 20.5+0.25x8 -3 -2.5
  latency_seconds_bucket{route="read",le="0.1"} 0+1x10
  latency_seconds_bucket{route="read",le="1"} 0+2x10
  latency_seconds_bucket{route="read",le="+Inf"} 0+3x10
  native{job="a"} {{schema:0 sum:5 count:4 buckets:[1 2 1]}}+{{schema:0 sum:1 count:2 buckets:[1 1]}}x10
  native{job="b"} {{schema:1 sum:5 count:4 z_bucket:1 z_bucket_w:0.1 buckets:[1 2] n_buckets:[1]}}x10
  custom {{schema:-53 sum:5 count:4 custom_values:[1 2] buckets:[1 2 1]}}x10
  mixed 1 2 {{schema:0 sum:1 count:1 buckets:[1]}} 3 {{schema:0 sum:1 count:1 buckets:[1]}}x3 4
"#;

static STORE: LazyLock<MemoryStore> = LazyLock::new(|| {
    let mut store = MemoryStore::default();
    let script = Script::parse("samples", SAMPLES).expect("the samples parse");
    let _nothing_evaluated = run(&script, &mut store, &Options::default());
    store
});

fuzz_target!(|text: &str| {
    let Ok(tree) = parse_with(text, Features::all()) else { return };
    let printed = tree.to_string();
    match parse_with(&printed, Features::all()) {
        Ok(again) => {
            assert_eq!(printed, again.to_string(), "of {text:?}");
            // A tree with a NaN in it is not equal to itself.
            assert!(tree == again || tree != tree.clone(), "{text:?} prints as {printed:?}");
        }
        Err(error) => panic!("{text:?} prints as {printed:?}, which does not parse: {error}"),
    }
    let mut options = Options::default();
    options.max_samples = 20_000;
    options.max_points = 100;
    let (start, end) = (Timestamp::from_secs(30), Timestamp::from_secs(300));
    // Errors are as good as answers.
    let _answer = instant(&tree, &*STORE, end, &options);
    if matches!(tree.value_type(), ValueType::Scalar | ValueType::Vector) {
        let _answer = range(&tree, &*STORE, start, end, Duration::from_secs(45), &options);
    }
});
