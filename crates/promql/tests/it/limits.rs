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
fn a_query_may_not_read_more_samples_than_its_limit() {
    let store = store(10, 100);
    let expr = parse("sum(sum_over_time(m[100s]))").expect("PromQL");
    let at = Timestamp::from_secs(99);
    let mut options = Options::default();
    assert!(instant(&expr, &store, at, &options).is_ok());
    options.max_samples = 999;
    let error = instant(&expr, &store, at, &options).expect_err("a thousand samples");
    assert_eq!(error, EvalError::TooManySamples { limit: 999 });
}

#[test]
fn a_range_may_not_have_more_points_than_its_limit() {
    let store = store(1, 1);
    let expr = parse("m").expect("PromQL");
    let (start, second) = (Timestamp::EPOCH, Duration::from_secs(1));
    let run =
        |secs: i64| range(&expr, &store, start, Timestamp::from_secs(secs), second, &Options::default());
    assert!(run(10_999).is_ok());
    assert_eq!(run(11_000).expect_err("one more"), EvalError::TooManyPoints { limit: 11_000 });
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
