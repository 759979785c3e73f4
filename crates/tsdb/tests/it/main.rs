//! The store against a naive model, and what it promises to writers and readers.

mod appending;
mod durable;
mod late;
mod memory;
mod model;
mod reading;
mod selecting;

use assurance_metrics_model::{
    Appender as _, Column, Labels, Matcher, Queryable as _, Selection, TimeRange, Timestamp, Value,
};
use assurance_tsdb::Store;

pub(crate) fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

pub(crate) fn series(name: &str, instance: &str) -> Labels {
    Labels::from_pairs([("__name__", name), ("instance", instance)])
}

/// Appends and commits, which the test expects to work.
pub(crate) fn put(store: &Store, labels: &Labels, samples: &[(i64, f64)]) {
    let mut appender = store.appender();
    for (secs, value) in samples {
        appender.append(None, labels, at(*secs), Value::Float(*value)).expect("in order");
    }
    assert_eq!(appender.commit().samples, samples.len());
}

/// Labels and samples of what the matchers select.
pub(crate) fn read(
    store: &Store,
    matchers: &[Matcher],
    range: TimeRange,
) -> Vec<(String, Vec<(i64, Value)>)> {
    let found = store.select(&Selection { matchers, range }).expect("memory can always be read");
    found
        .iter()
        .map(|series| {
            let mut column = Column::new();
            series.read(range, &mut column).expect("memory can always be read");
            let samples =
                (0..column.len()).map(|i| (column.timestamps()[i].as_millis(), column.value(i))).collect();
            (series.labels().to_string(), samples)
        })
        .collect()
}
