use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use assurance_metrics_model::{Duration, Labels, Timestamp, Value};
use assurance_promql::{EvalError, MAX_DEPTH, Options, instant, parse, range};
use assurance_promqltest::MemoryStore;

fn store(series: usize, samples: i64) -> MemoryStore {
    let mut store = MemoryStore::default();
    for n in 0..series {
        let labels = Labels::from_pairs([("__name__", "m"), ("n", &n.to_string())]);
        (0..samples).for_each(|t| store.put(&labels, Timestamp::from_secs(t), Value::Float(1.0)));
    }
    store
}

#[test]
fn a_query_may_not_hold_more_samples_than_its_limit() {
    let store = store(10, 100);
    let at = Timestamp::from_secs(99);
    let run = |text: &str, max_samples: usize| {
        let expr = parse(text).expect("PromQL");
        let options = {
            let mut options = Options::default();
            options.max_samples = max_samples;
            options
        };
        instant(&expr, &store, at, &options)
    };
    // One series is read after the other, and its result alone is kept.
    assert!(run("sum(sum_over_time(m[100s]))", 110).is_ok());
    let error = run("sum(sum_over_time(m[100s]))", 99).expect_err("a hundred samples in one series");
    assert_eq!(error, EvalError::TooManySamples { limit: 99 });
    let error = run("m", 9).expect_err("ten series");
    assert_eq!(error, EvalError::TooManySamples { limit: 9 });
}

#[test]
fn a_query_ends_where_whoever_asked_says_so() {
    let store = store(1, 1);
    let expr = parse("sum_over_time(m[100000s:1s])").expect("PromQL");
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let mut options = Options::default();
    options.cancelled = Some(Arc::new(move || count.fetch_add(1, Ordering::Relaxed) > 3));
    let at = Timestamp::from_secs(99);
    let wide = Duration::from_secs(1);
    let ended = range(&expr, &store, at, at + wide * 10_000, wide, &options);
    assert!(ended.is_ok(), "a small query is over before anybody asks");
    let deep = (0..8).fold("m".to_owned(), |inner, _| format!("sum_over_time({inner}[1000000s:1s])"));
    let expr = parse(&deep).expect("PromQL");
    let ended = instant(&expr, &store, at, &options);
    assert_eq!(ended.expect_err("millions of samples"), EvalError::Cancelled);
    assert_eq!(asked.load(Ordering::Relaxed), 5);
}

#[test]
fn labels_may_not_grow_without_end() {
    let store = store(3, 1);
    let run =
        |text: &str| instant(&parse(text).expect("PromQL"), &store, Timestamp::EPOCH, &Options::default());
    let doubled =
        (0..40).fold("m".to_owned(), |inner, _| format!(r#"label_join({inner}, "n", "", "n", "n")"#));
    assert!(matches!(run(&doubled), Err(EvalError::LabelTooLong { function: "label_join", .. })));
    let squared = (0..6).fold("m".to_owned(), |inner, _| {
        format!(r#"label_replace({inner}, "n", "{}", "n", "(.*)")"#, "$1".repeat(100))
    });
    assert!(matches!(run(&squared), Err(EvalError::LabelTooLong { function: "label_replace", .. })));
    let mut options = Options::default();
    options.max_bytes = 64;
    let few = instant(&parse("m").expect("PromQL"), &store, Timestamp::EPOCH, &options);
    assert_eq!(few.expect_err("three series"), EvalError::TooManyBytes { limit: 64 });
}

#[test]
fn a_range_may_not_have_more_points_than_its_limit() {
    let store = store(1, 1);
    let expr = parse("m").expect("PromQL");
    let (start, second) = (Timestamp::EPOCH, Duration::from_secs(1));
    let run =
        |secs: i64| range(&expr, &store, start, Timestamp::from_secs(secs), second, &Options::default());
    assert!(run(11_000).is_ok());
    assert_eq!(run(11_001).expect_err("one more"), EvalError::TooManyPoints { limit: 11_001 });
    let backwards = range(&expr, &store, Timestamp::from_secs(1), start, second, &Options::default());
    assert!(matches!(backwards, Err(EvalError::Range { .. })));
    let still = range(&expr, &store, start, start, Duration::ZERO, &Options::default());
    assert!(matches!(still, Err(EvalError::Range { .. })));
}

#[test]
fn the_deepest_expression_that_is_read_is_evaluated_too() {
    let text = format!("1{}", "+1".repeat(MAX_DEPTH - 2));
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
        let expr = parse(&text).expect("PromQL");
        let printed = expr.to_string();
        let answer = instant(&expr, &MemoryStore::default(), Timestamp::EPOCH, &Options::default());
        (printed == text.replace('+', " + "), answer.is_ok())
    });
    assert_eq!(thread.expect("a thread").join().expect("no overflow"), (true, true));
}
