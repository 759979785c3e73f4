//! What summaries tell of stretches is what their samples come to.

use std::sync::Arc;

use assurance_metrics_model::{
    Appender as _, Aspect, Column, Outline, Queryable as _, Selection, TimeRange, Timestamp, Value, stale_nan,
};
use assurance_storage::{Memory, Storage as _};
use assurance_tsdb::{Config, Store};

use super::{open, open_with};
use crate::{at, put, series};

const DAY: i64 = 86_400;

/// Three days of a gauge of whole numbers that falls often, once by a half, and ends once.
fn gauge() -> (Memory, Store) {
    let files = Memory::new();
    let (store, _) = open(&files);
    let mut appender = store.appender();
    for n in 0..4320_i64 {
        let value = (n * n % 97) as f64 - if n == 2007 { 50.5 } else { 0.0 };
        let value = if n == 1500 { stale_nan() } else { value };
        appender.append(None, &series("m", "a"), at(60 * n), Value::Float(value)).expect("in order");
    }
    appender.commit();
    assert_eq!(store.maintain(at(3 * DAY + 700)).sealed.len(), 3);
    (files, store)
}

fn fill(store: &Store, bounds: &[i64], aspect: Aspect) -> Option<Outline> {
    let bounds: Vec<Timestamp> = bounds.iter().map(|secs| at(*secs)).collect();
    let mut outline = Outline::new(bounds, aspect).expect("bounds rise");
    let found = store.select(&Selection { matchers: &[], range: outline.range() }).expect("it reads");
    found[0].outline(&mut outline).expect("files can be read").then_some(outline)
}

fn samples(store: &Store, range: TimeRange) -> Vec<(Timestamp, f64)> {
    let found = store.select(&Selection { matchers: &[], range }).expect("files can be read");
    let mut column = Column::new();
    found[0].read(range, &mut column).expect("files can be read");
    let live = (0..column.len()).filter(|n| !column.is_stale(*n));
    live.map(|n| (column.timestamps()[n], column.floats()[n])).collect()
}

#[test]
fn an_outline_is_what_samples_come_to() {
    let (_files, store) = gauge();
    for bounds in
        [&[-1, 200_000][..], &[600, 90_000], &[-5, DAY, 2 * DAY], &[7, 43_000, 250_000], &[1, 100_000]]
    {
        for aspect in [Aspect::Ends, Aspect::Extremes, Aspect::Changes, Aspect::Resets, Aspect::Sum] {
            let Some(outline) = fill(&store, bounds, aspect) else {
                let has_half = (bounds[0]..bounds[bounds.len() - 1]).contains(&(2007 * 60));
                assert!(aspect == Aspect::Sum && has_half, "{bounds:?} {aspect:?}");
                continue;
            };
            assert_eq!(outline.parts().len(), bounds.len() - 1);
            for (stretch, part) in outline.parts() {
                let samples = samples(&store, TimeRange::new(at(bounds[*stretch]), at(bounds[stretch + 1])));
                let values = || samples.iter().map(|(_, value)| *value);
                let pairs = |happens: fn(f64, f64) -> bool| {
                    samples.windows(2).filter(|pair| happens(pair[0].1, pair[1].1)).count() as u64
                };
                assert_eq!(part.count, samples.len() as u64);
                assert_eq!(Some(part.first), samples.first().copied());
                assert_eq!(Some(part.last), samples.last().copied());
                match aspect {
                    Aspect::Extremes => {
                        let ends = (values().reduce(f64::min), values().reduce(f64::max));
                        assert_eq!((Some(part.min), Some(part.max)), ends);
                    }
                    Aspect::Changes => assert_eq!(part.changes, pairs(|a, b| a.total_cmp(&b).is_ne())),
                    Aspect::Resets => assert_eq!(part.resets, pairs(|a, b| b < a)),
                    Aspect::Sum => assert_eq!(part.sum.to_bits(), values().sum::<f64>().to_bits()),
                    _ => {}
                }
            }
        }
    }
}

/// A gauge falls more than once a chunk, and each value counts: there is nothing to save.
#[test]
fn what_saves_too_little_is_not_made() {
    let (_files, store) = gauge();
    let bounds = [-1, 3 * DAY];
    assert!(fill(&store, &bounds, Aspect::Ends).is_some());
    assert!(fill(&store, &bounds, Aspect::ResetValues).is_none());
    let hourly: Vec<i64> = (0..72).map(|hour| hour * 3600 - 1).collect();
    assert!(fill(&store, &hourly, Aspect::Ends).is_none(), "every chunk is divided");
}

/// Late samples leave the other days to their summaries, wherever they are.
#[test]
fn what_is_late_is_read_with_its_day() {
    let files = Memory::new();
    let mut config = Config::default();
    config.out_of_order_window = assurance_metrics_model::Duration::from_secs(30 * DAY);
    let (store, _) = open_with(config, &files);
    let labels = series("m", "a");
    let day = |day: i64| (0..1440).map(|n| (day * DAY + n * 60, 5.0)).collect::<Vec<_>>();
    (0..5).for_each(|n| put(&store, &labels, &day(n)));
    assert_eq!(store.maintain(at(6 * DAY + 1)).sealed.len(), 5);
    put(&store, &labels, &[(2 * DAY + 30, 9.0)]);
    let outline = fill(&store, &[-1, 2 * DAY - 1, 3 * DAY - 1, 5 * DAY], Aspect::Extremes);
    let outline = outline.expect("four days have nothing late");
    let parts: Vec<_> = outline.parts().iter().map(|(_, part)| (part.count, part.max)).collect();
    assert_eq!(parts, [(2880, 5.0), (1441, 9.0), (2880, 5.0)]);
    // A chunk that need not be read is not missed: all but those of the third day are damaged.
    drop(store);
    let name = "segments/1970-01-02.0";
    let mut bytes = files.read(name, u64::MAX).expect("it was written");
    bytes[30] ^= 1;
    files.replace(name, &bytes).expect("memory writes");
    let bounds = [-1, 5 * DAY];
    let (store, _) = Store::open(Config::default(), Arc::new(files)).expect("its end is whole");
    assert_eq!(fill(&store, &bounds, Aspect::Ends).map(|outline| outline.parts()[0].1.count), Some(7201));
    let found = store.select(&Selection { matchers: &[], range: TimeRange::ALL }).expect("it reads");
    found[0].read(TimeRange::ALL, &mut Column::new()).expect_err("the samples are damaged");
}
