use assurance_metrics_model::{
    Appender as _, Duration, Labels, MatchOp, Matcher, Queryable as _, Selection, TimeRange, Timestamp,
};
use assurance_tsdb::{Config, Store};

fn put(store: &Store, name: &str, at: i64) {
    let labels = Labels::from_pairs([("__name__", name)]);
    let mut appender = store.appender();
    appender.append(None, &labels, Timestamp::from_secs(at), 1.0.into()).expect("a sample in order");
    appender.commit();
}

fn found(store: &Store, matchers: &[Matcher]) -> Vec<String> {
    let selection = Selection { matchers, range: TimeRange::ALL };
    let series = store.select(&selection).expect("memory can be read");
    series.iter().map(|series| series.labels().metric_name().to_owned()).collect()
}

fn matcher(op: MatchOp, value: &str) -> Matcher {
    Matcher::new("__name__", op, value).expect("a matcher")
}

#[test]
fn a_selector_asked_again_finds_what_came_and_misses_what_went() {
    let mut config = Config::default();
    config.retention = Duration::from_secs(100);
    let store = Store::new(config);
    let any = [matcher(MatchOp::Regex, "b|a")];
    assert_eq!(found(&store, &any), Vec::<String>::new());
    put(&store, "b", 10);
    assert_eq!(found(&store, &any), ["b"]);
    put(&store, "a", 200);
    assert_eq!(found(&store, &any), ["a", "b"], "in the order of labels");
    store.apply_retention(Timestamp::from_secs(200));
    assert_eq!(found(&store, &any), ["a"]);
    put(&store, "b", 201);
    assert_eq!(found(&store, &any), ["a", "b"]);
}

#[test]
fn selectors_that_look_alike_are_kept_apart() {
    let store = Store::new(Config::default());
    ["x", "y", "x|y"].iter().for_each(|name| put(&store, name, 1));
    assert_eq!(found(&store, &[matcher(MatchOp::Equal, "x|y")]), ["x|y"]);
    assert_eq!(found(&store, &[matcher(MatchOp::Regex, "x|y")]), ["x", "y"]);
    assert_eq!(found(&store, &[matcher(MatchOp::NotRegex, "x|y")]), ["x|y"]);
    assert_eq!(found(&store, &[matcher(MatchOp::NotEqual, "x|y")]), ["x", "y"]);
    assert_eq!(found(&store, &[]), ["x", "x|y", "y"]);
}
