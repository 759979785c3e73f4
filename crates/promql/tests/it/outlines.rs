//! Long windows over a store that keeps summaries: the same answers, to the bit, as from its samples.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use assurance_metrics_model::{
    Appender as _, Column, Duration, Histogram, Labels, Outline, QueryError, QueryErrorKind, Queryable,
    Selection, Series, TimeRange, Timestamp, Value, stale_nan,
};
use assurance_promql::{Answer, EvalError, Features, Options, QueryValue, instant, parse_with, range};
use assurance_storage::{Memory, Storage as _};
use assurance_tsdb::{Config, Store};
use proptest::prelude::*;

const DAY: i64 = 86_400;

/// Functions that look at nothing but a range; the first ones are answered from summaries.
const FUNCTIONS: [&str; 18] = [
    "avg_over_time",
    "changes",
    "count_over_time",
    "delta",
    "first_over_time",
    "increase",
    "last_over_time",
    "max_over_time",
    "min_over_time",
    "present_over_time",
    "rate",
    "resets",
    "sum_over_time",
    "ts_of_first_over_time",
    "ts_of_last_over_time",
    "absent_over_time",
    "deriv",
    "ts_of_max_over_time",
];

/// A store seen through another one: without its summaries, or without its samples.
struct Veiled<'a> {
    store: &'a Store,
    shows: Shows,
    /// Series that were told of by summaries.
    outlined: AtomicUsize,
}

#[derive(Clone, Copy, PartialEq)]
enum Shows {
    All,
    Samples,
    Summaries,
}

struct VeiledSeries<'a> {
    series: Box<dyn Series + 'a>,
    of: &'a Veiled<'a>,
}

impl<'a> Veiled<'a> {
    fn new(store: &'a Store, shows: Shows) -> Self {
        Self { store, shows, outlined: AtomicUsize::new(0) }
    }
}

impl Queryable for Veiled<'_> {
    fn select(&self, selection: &Selection<'_>) -> Result<Vec<Box<dyn Series + '_>>, QueryError> {
        let found = self.store.select(selection)?.into_iter();
        Ok(found.map(|series| Box::new(VeiledSeries { series, of: self }) as Box<dyn Series>).collect())
    }

    fn label_names(&self, selection: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        self.store.label_names(selection)
    }

    fn label_values(&self, name: &str, selection: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        self.store.label_values(name, selection)
    }
}

impl Series for VeiledSeries<'_> {
    fn labels(&self) -> &Labels {
        self.series.labels()
    }

    fn read(&self, range: TimeRange, into: &mut Column) -> Result<(), QueryError> {
        if self.of.shows == Shows::Summaries {
            return Err(QueryErrorKind::Storage { reason: "samples are not to be read".into() }.into());
        }
        self.series.read(range, into)
    }

    fn outline(&self, into: &mut Outline) -> Result<bool, QueryError> {
        if self.of.shows == Shows::Samples {
            return Ok(false);
        }
        let filled = self.series.outline(into)?;
        self.of.outlined.fetch_add(usize::from(filled), Ordering::Relaxed);
        Ok(filled)
    }
}

/// When a query is asked.
#[derive(Clone, Copy, Debug)]
enum When {
    At(Timestamp),
    Steps(Timestamp, Duration, i64),
}

fn ask(text: &str, store: &dyn Queryable, when: When) -> Result<Answer, EvalError> {
    let expr = parse_with(text, Features::all()).expect("it is PromQL");
    let options = Options::default();
    match when {
        When::At(at) => instant(&expr, store, at, &options),
        When::Steps(start, step, count) => range(&expr, store, start, start + step * count, step, &options),
    }
}

/// An answer as text, in which floats are their bits and every NaN is the same.
fn exactly(answer: &Answer) -> String {
    let value = |value: &Value| match value {
        Value::Float(v) if v.is_nan() => "NaN".to_owned(),
        Value::Float(v) => format!("{v}={:x}", v.to_bits()),
        other => format!("{other:?}"),
    };
    let mut lines: Vec<String> = match &answer.value {
        QueryValue::Vector(all) => all.iter().map(|s| format!("{} {}", s.labels, value(&s.value))).collect(),
        QueryValue::Matrix(all) => all
            .iter()
            .map(|s| {
                let samples = s.samples.iter().map(|(at, v)| format!("{}@{}", value(v), at.as_millis()));
                format!("{} {}", s.labels, samples.collect::<Vec<_>>().join(" "))
            })
            .collect(),
        other => vec![format!("{other:?}")],
    };
    lines.push(format!("{:?} {:?} {:?}", answer.warnings, answer.infos, answer.selected));
    lines.join("\n")
}

/// What a series does for some time.
#[derive(Clone, Copy, Debug)]
enum Mood {
    /// Rises by thirds of a whole number.
    Rises,
    Counts,
    /// A counter that starts anew after so many samples.
    Restarts(usize),
    Stands,
    Wanders,
    /// 0 and 1.
    Flips,
    /// Both zeros.
    Zeros,
    Is(f64),
    Odd(f64),
    Histograms,
    Nothing,
}

fn mood() -> impl Strategy<Value = Mood> {
    let odd = prop_oneof![
        Just(f64::NAN),
        Just(stale_nan()),
        Just(-0.0),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(1.7e308),
        Just(-1e17),
        Just(5e-324),
    ];
    prop_oneof![
        4 => Just(Mood::Rises),
        6 => Just(Mood::Counts),
        3 => (1..700_usize).prop_map(Mood::Restarts),
        3 => Just(Mood::Stands),
        3 => Just(Mood::Wanders),
        3 => Just(Mood::Flips),
        1 => Just(Mood::Zeros),
        1 => odd.clone().prop_map(Mood::Is),
        2 => odd.prop_map(Mood::Odd),
        1 => Just(Mood::Histograms),
        2 => Just(Mood::Nothing),
    ]
}

/// The values of a series, one a slot of time.
fn values(moods: &[(Mood, usize)]) -> Vec<Option<Value>> {
    let mut out = Vec::new();
    let mut value = 3.0_f64;
    for (mood, length) in moods {
        for n in 0..*length {
            let mixed = (n * 7919 + length) % 101;
            let next = match mood {
                Mood::Rises => value + mixed as f64 / 3.0,
                Mood::Counts => value.trunc() + mixed as f64,
                Mood::Restarts(after) if n % after == 0 => mixed as f64 / 7.0,
                Mood::Restarts(_) => value + mixed as f64 / 7.0,
                Mood::Stands => value,
                Mood::Wanders => value + (mixed as f64 - 50.0) / 1000.0,
                Mood::Flips => f64::from(u8::from(mixed < 3)),
                Mood::Zeros => {
                    if mixed < 50 {
                        0.0
                    } else {
                        -0.0
                    }
                }
                Mood::Is(odd) => *odd,
                Mood::Odd(odd) => {
                    if mixed == 7 {
                        *odd
                    } else {
                        mixed as f64
                    }
                }
                Mood::Histograms | Mood::Nothing => value,
            };
            value = if next.is_finite() && next.abs() < 1e15 { next } else { 3.0 };
            out.push(match mood {
                Mood::Nothing => None,
                Mood::Histograms => {
                    let histogram = Histogram { count: n as f64, sum: 1.0, ..Histogram::default() };
                    Some(Value::Histogram(Arc::new(histogram)))
                }
                _ => Some(Value::Float(next)),
            });
        }
    }
    out
}

fn labels(instance: usize) -> Labels {
    Labels::from_pairs([("__name__", "x".to_owned()), ("instance", instance.to_string())])
}

fn open(files: &Memory) -> Store {
    let mut config = Config::default();
    config.out_of_order_window = Duration::from_secs(30 * DAY);
    Store::open(config, Arc::new(files.clone())).expect("memory can be read").0
}

/// How a store came to be.
#[derive(Clone, Debug)]
struct History {
    series: Vec<Vec<(Mood, usize)>>,
    /// Seconds between samples.
    step: i64,
    /// Which samples come late, one in so many: in a supplement, or still in memory.
    supplemented: usize,
    late: usize,
    /// Whether a log is left whose samples are in segments.
    overlaps: bool,
    /// Days that stay in memory.
    open_days: i64,
}

fn history() -> impl Strategy<Value = History> {
    let series = prop::collection::vec((mood(), 1..900_usize), 1..14);
    let late = || prop_oneof![2 => Just(usize::MAX), 1 => 60..3000_usize];
    (prop::collection::vec(series, 1..4), 30..130_i64, late(), late(), any::<bool>(), 0..2_i64).prop_map(
        |(series, step, supplemented, late, overlaps, open_days)| History {
            series,
            step,
            supplemented,
            late,
            overlaps,
            open_days,
        },
    )
}

/// Milliseconds of the `n`-th sample.
fn time(history: &History, n: usize) -> i64 {
    let n = i64::try_from(n).expect("few");
    n * history.step * 1000 + (n * 7919) % 13
}

fn store(history: &History, files: &Memory) -> Store {
    let all: Vec<Vec<Option<Value>>> = history.series.iter().map(|moods| values(moods)).collect();
    let longest = all.iter().map(Vec::len).max().unwrap_or_default();
    let end = time(history, longest) / 1000;
    // The day that is written last comes after the others, and takes late samples of them along.
    let last_day = end / DAY - history.open_days;
    let is = |n: usize, one_in: usize| n % one_in == one_in - 1;
    let put = |store: &Store, wanted: &dyn Fn(usize) -> bool| {
        let mut appender = store.appender();
        for (instance, values) in all.iter().enumerate() {
            for (n, value) in values.iter().enumerate().filter(|(n, _)| wanted(*n)) {
                let at = Timestamp::from_millis(time(history, n));
                if let Some(value) = value {
                    appender.append(None, &labels(instance), at, value.clone()).expect("the window is long");
                }
            }
        }
        appender.commit();
    };
    let day = |n: usize| time(history, n) / 1000 / DAY;
    let (supplemented, late) = (|n| is(n, history.supplemented), |n| is(n, history.late));
    let mut store = open(files);
    put(&store, &|n| day(n) < last_day && !supplemented(n) && !late(n));
    let seal = |store: &Store, until: i64| {
        let done = store.maintain(Timestamp::from_secs((until + 1) * DAY + 1));
        assert_eq!(done.faults, []);
    };
    let log = |files: &Memory| {
        let names = files.list("wal").expect("memory lists").into_iter();
        names.map(|f| (f.name.clone(), files.read(&f.name, u64::MAX).expect("it reads"))).collect::<Vec<_>>()
    };
    store.sync().expect("memory writes");
    let before = log(files);
    seal(&store, last_day);
    if history.overlaps {
        drop(store);
        for (name, bytes) in before {
            files.replace(&name, &bytes).expect("memory writes");
        }
        store = open(files);
    }
    put(&store, &|n| day(n) < last_day && supplemented(n) && !late(n));
    put(&store, &|n| day(n) == last_day && !late(n));
    seal(&store, last_day + 1);
    put(&store, &|n| day(n) > last_day || late(n));
    store
}

fn compare(store: &Store, text: &str, when: When) -> Result<usize, TestCaseError> {
    let (all, samples) = (Veiled::new(store, Shows::All), Veiled::new(store, Shows::Samples));
    let expected = ask(text, &samples, when).map(|answer| exactly(&answer));
    let got = ask(text, &all, when).map(|answer| exactly(&answer));
    prop_assert_eq!(got, expected, "{} {:?}", text, when);
    Ok(all.outlined.into_inner())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn summaries_change_no_answer(
        history in history(),
        windows in prop::collection::vec((0..6 * DAY, 3600..5 * DAY, 300..2 * DAY, 1..30_i64), 3),
    ) {
        let files = Memory::new();
        let store = store(&history, &files);
        for (at, length, step, count) in windows {
            for function in FUNCTIONS {
                let text = format!("{function}(x[{length}s])");
                let start = Timestamp::from_millis(at * 1000 + 500);
                compare(&store, &text, When::At(start))?;
                compare(&store, &text, When::Steps(start, Duration::from_secs(step), count))?;
                let text = format!("{function}(x[{length}s] @ {at} offset 3h)");
                compare(&store, &text, When::Steps(start, Duration::from_secs(step), 3))?;
            }
        }
    }
}

fn steady(moods: &[(Mood, usize)]) -> History {
    History {
        series: vec![moods.to_vec()],
        step: 60,
        supplemented: usize::MAX,
        late: usize::MAX,
        overlaps: false,
        open_days: 0,
    }
}

/// A gauge and a counter of ten days: whole windows are told of without a sample being handed out.
#[test]
fn long_windows_are_answered_without_samples() {
    let files = Memory::new();
    let mut history = steady(&[(Mood::Counts, 12 * 1440)]);
    history.series.push(vec![(Mood::Restarts(1500), 12 * 1440)]);
    history.series.push(vec![(Mood::Flips, 12 * 1440)]);
    history.series.push(vec![(Mood::Stands, 5 * 1440), (Mood::Odd(stale_nan()), 300), (Mood::Counts, 7000)]);
    let store = store(&history, &files);
    let at = When::At(Timestamp::from_secs(11 * DAY));
    let steps = When::Steps(Timestamp::from_secs(4 * DAY), Duration::from_secs(DAY), 7);
    for (function, instances) in [
        ("avg_over_time", "[2]"),
        ("changes", "[0123]"),
        ("count_over_time", "[0123]"),
        ("delta", "[0123]"),
        ("increase", "[013]"),
        ("max_over_time", "[0123]"),
        ("min_over_time", "[0123]"),
        ("rate", "[013]"),
        ("resets", "[0123]"),
        ("sum_over_time", "[2]"),
    ] {
        for when in [at, steps] {
            let text = format!("{function}(x{{instance=~'{instances}'}}[3d])");
            let summaries = ask(&text, &Veiled::new(&store, Shows::Summaries), when);
            let samples = ask(&text, &Veiled::new(&store, Shows::Samples), when).expect("it reads");
            let summaries = summaries.unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(exactly(&summaries), exactly(&samples), "{text}");
            assert!(
                matches!(&samples.value, QueryValue::Vector(all) if !all.is_empty())
                    || matches!(&samples.value, QueryValue::Matrix(all) if !all.is_empty())
            );
        }
    }
}

/// Windows that slide over stretches of samples, which are read, are as each window alone.
#[test]
fn windows_that_slide_are_their_instants() {
    let files = Memory::new();
    let moods = [Mood::Zeros, Mood::Wanders, Mood::Odd(f64::NAN), Mood::Is(f64::NAN), Mood::Flips];
    let mut history = steady(&moods.map(|mood| (mood, 700)));
    history.series.push(vec![(Mood::Flips, 2000), (Mood::Nothing, 300), (Mood::Odd(stale_nan()), 1500)]);
    let store = store(&history, &files);
    let (start, step) = (Timestamp::from_secs(3600), Duration::from_secs(1800));
    for (function, instances) in [("min", ".*"), ("max", ".*"), ("sum", "1"), ("avg", "1")] {
        let text = format!("{function}_over_time(x{{instance=~'{instances}'}}[5h])");
        let answer = ask(&text, &store, When::Steps(start, step, 120)).expect("it reads");
        let QueryValue::Matrix(matrix) = &answer.value else { panic!("{answer:?}") };
        assert!(!matrix.is_empty());
        for n in 0..=120 {
            let at = start + step * n;
            let QueryValue::Vector(alone) =
                ask(&text, &Veiled::new(&store, Shows::Samples), When::At(at)).expect("it reads").value
            else {
                panic!("an instant query gives a vector");
            };
            let bits = |value: &Value| match value {
                Value::Float(v) if v.is_nan() => f64::NAN.to_bits(),
                Value::Float(v) => v.to_bits(),
                other => panic!("{other:?}"),
            };
            let expected = alone.iter().map(|s| (s.labels.clone(), bits(&s.value))).collect::<Vec<_>>();
            let here = matrix.iter().filter_map(|series| {
                let (_, value) = series.samples.iter().find(|(time, _)| *time == at)?;
                Some((series.labels.clone(), bits(value)))
            });
            assert_eq!(here.collect::<Vec<_>>(), expected, "{text} {at}");
        }
    }
}

/// Windows that move by less than a chunk divide every chunk, and short ones lie inside of one.
#[test]
fn windows_that_summaries_do_not_help_are_read() {
    let files = Memory::new();
    let store = store(&steady(&[(Mood::Counts, 12 * 1440)]), &files);
    let start = Timestamp::from_secs(4 * DAY);
    for (text, when) in [
        ("max_over_time(x[3d])", When::Steps(start, Duration::from_secs(600), 500)),
        ("max_over_time(x[1h])", When::At(start)),
        ("quantile_over_time(0.5, x[3d])", When::At(start)),
        ("increase(x[3d] anchored)", When::At(start)),
    ] {
        let all = Veiled::new(&store, Shows::All);
        let _only_how_it_is_read_matters = ask(text, &all, when);
        assert_eq!(all.outlined.into_inner(), 0, "{text}");
    }
}
