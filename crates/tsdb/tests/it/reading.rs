use std::sync::Arc;

use assurance_metrics_model::{
    Appender as _, Histogram, MatchOp, Matcher, Queryable as _, ResetHint, Selection, TimeRange, Value,
};
use assurance_tsdb::{Config, Store};

use crate::{at, put, read, series};

fn names(store: &Store, matchers: &[(&str, MatchOp, &str)]) -> Vec<String> {
    let matchers: Vec<Matcher> =
        matchers.iter().map(|(n, op, v)| Matcher::new(n, *op, v).expect("compiles")).collect();
    read(store, &matchers, TimeRange::ALL).into_iter().map(|(labels, _)| labels).collect()
}

#[test]
fn matchers_select_by_lists_and_by_filters() {
    let store = Store::new(Config::default());
    for labels in [series("up", "a"), series("up", "b"), series("down", "a"), series("up", "")] {
        put(&store, &labels, &[(1, 1.0)]);
    }
    use MatchOp::{Equal, NotEqual, NotRegex, Regex};
    let up = ("__name__", Equal, "up");
    assert_eq!(names(&store, &[up]), ["up", r#"up{instance="a"}"#, r#"up{instance="b"}"#]);
    assert_eq!(names(&store, &[up, ("instance", Equal, "")]), ["up"]);
    assert_eq!(
        names(&store, &[up, ("instance", NotEqual, "")]),
        [r#"up{instance="a"}"#, r#"up{instance="b"}"#]
    );
    assert_eq!(
        names(&store, &[("instance", Regex, "a|z")]),
        [r#"down{instance="a"}"#, r#"up{instance="a"}"#]
    );
    assert_eq!(names(&store, &[up, ("instance", Regex, "[b-z]")]), [r#"up{instance="b"}"#]);
    assert_eq!(names(&store, &[up, ("instance", NotRegex, "a.*")]), ["up", r#"up{instance="b"}"#]);
    assert_eq!(names(&store, &[up, ("nothing", Equal, "x")]), [""; 0]);
    assert_eq!(names(&store, &[]).len(), 4);
}

#[test]
fn ranges_are_left_open_and_skip_series_outside() {
    let store = Store::new(Config::default());
    put(&store, &series("up", "a"), &[(10, 1.0), (20, 2.0), (30, 3.0)]);
    let times = |from, to| -> Vec<i64> {
        let found = read(&store, &[], TimeRange::new(at(from), at(to)));
        found.into_iter().flat_map(|(_, s)| s).map(|(at, _)| at / 1000).collect()
    };
    assert_eq!(times(10, 30), [20, 30]);
    assert_eq!(times(9, 29), [10, 20]);
    assert_eq!(times(30, 99), [0; 0]);
    let selection = Selection { matchers: &[], range: TimeRange::new(at(30), at(99)) };
    assert_eq!(store.select(&selection).expect("readable").len(), 0);
}

#[test]
fn label_names_and_values_follow_matchers_and_time() {
    let store = Store::new(Config::default());
    put(&store, &series("up", "b"), &[(1, 1.0)]);
    put(&store, &series("up", "a"), &[(100, 1.0)]);
    let all = Selection { matchers: &[], range: TimeRange::ALL };
    assert_eq!(store.label_names(&all).expect("readable"), ["__name__", "instance"]);
    assert_eq!(store.label_values("instance", &all).expect("readable"), ["a", "b"]);
    assert_eq!(store.label_values("absent", &all).expect("readable"), [""; 0]);
    let late = Selection { matchers: &[], range: TimeRange::new(at(50), at(200)) };
    assert_eq!(store.label_values("instance", &late).expect("readable"), ["a"]);
    let matchers = [Matcher::equal("instance", "b")];
    let one = Selection { matchers: &matchers, range: TimeRange::ALL };
    assert_eq!(store.label_values("instance", &one).expect("readable"), ["b"]);
}

#[test]
fn floats_and_histograms_may_take_turns() {
    let store = Store::new(Config::default());
    let labels = series("mixed", "a");
    let histogram = Value::Histogram(Arc::new(Histogram { count: 2.0, sum: 3.0, ..Histogram::default() }));
    let values = [Value::Float(1.0), histogram.clone(), histogram.clone(), Value::Float(2.0)];
    let mut appender = store.appender();
    for (n, value) in values.iter().enumerate() {
        appender.append(None, &labels, at(i64::try_from(n).expect("few")), value.clone()).expect("in order");
    }
    appender.commit();
    let found: Vec<Value> =
        read(&store, &[], TimeRange::ALL).remove(0).1.into_iter().map(|(_, value)| value).collect();
    // The second follows the first without a reset, which is known from then on.
    let Value::Histogram(first) = histogram else { panic!("a histogram") };
    let second = Histogram { reset_hint: ResetHint::NoReset, ..(*first).clone() };
    let [float, first, _, last] = values;
    assert_eq!(found, [float, first, Value::Histogram(Arc::new(second)), last]);
}
