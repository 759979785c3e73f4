//! What another Prometheus gets.

use std::sync::{Arc, Mutex};

use assurance_exposition::{Format, parse};
use assurance_metrics_model::{Appender as _, Labels, Timestamp, stale_nan};
use assurance_pipeline::{Config, Pipeline};
use assurance_tsdb::Store;
use assurance_web::State;

use crate::world::get_of;

const NOW: Timestamp = Timestamp::from_secs(1000);

type Pairs = &'static [(&'static str, &'static str)];

fn federated() -> State {
    let store = Arc::new(Store::new(assurance_tsdb::Config::default()));
    let mut appender = store.appender();
    let samples: [(Pairs, i64, f64); 7] = [
        (&[("__name__", "b"), ("instance", "i:1"), ("job", "j")], 990, 1.0),
        (&[("__name__", "b"), ("instance", "i:1"), ("job", "j")], 995, 2.5),
        (&[("__name__", "a"), ("cluster", "own"), ("text", "q\"b\\\n")], 999, f64::INFINITY),
        (&[("__name__", "gone")], 990, stale_nan()),
        (&[("__name__", "old")], 600, 7.0),
        (&[("__name__", "odd.name"), ("odd.label", "v")], 1000, -1.0),
        (&[("job", "nameless")], 999, 1.0),
    ];
    for (labels, secs, value) in samples {
        let labels = Labels::from_pairs(labels.iter().copied());
        appender.append(None, &labels, Timestamp::from_secs(secs), value.into()).unwrap();
    }
    appender.commit();
    let external_labels = Labels::from_pairs([("cluster", "brain"), ("zone", "z")]);
    let config = Config { external_labels, ..Config::default() };
    let pipeline = Pipeline::new(config, Arc::clone(&store), NOW);
    State::new(Arc::new(Mutex::new(pipeline)), store, Arc::new(|| NOW))
}

#[tokio::test]
async fn the_newest_samples_come_with_their_times_and_external_labels() {
    let every = "/federate?match[]=%7B__name__%3D~%22.%2B%22%7D&match[]=b&match[]=%7Bjob%3D~%22.%2B%22%7D";
    let answer = get_of(federated(), every).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    let expected = "\
# TYPE a untyped
a{cluster=\"own\",text=\"q\\\"b\\\\\\n\",instance=\"\",zone=\"z\"} +Inf 999000
# TYPE b untyped
b{instance=\"i:1\",job=\"j\",cluster=\"brain\",zone=\"z\"} 2.5 995000
# TYPE \"odd.name\" untyped
{\"odd.name\",\"odd.label\"=\"v\",cluster=\"brain\",instance=\"\",zone=\"z\"} -1 1000000
";
    assert_eq!(answer.body, expected);
    let read = parse(answer.body.as_bytes(), Format::Text);
    assert_eq!((read.errors.len(), read.families.len()), (0, 3), "{:?}", read.errors);
}

#[tokio::test]
async fn without_a_selector_there_is_nothing_and_a_wrong_one_is_said() {
    assert_eq!(get_of(federated(), "/federate").await.body, "");
    let wrong = get_of(federated(), "/federate?match[]=b%7B").await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.starts_with("1:") && wrong.body.contains(": parse error: "), "{}", wrong.body);
    assert!(wrong.header("content-type").starts_with("text/plain"));
}
