//! Random expressions of the whole language, as people write them: odd blanks, comments, any case of keywords.

use proptest::prelude::*;
use proptest::sample::select;

/// Which language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// What promql-parser knows.
    Classic,
    /// All of it.
    Newest,
}

fn one_of(words: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    select(words).prop_map(str::to_owned)
}

fn name() -> impl Strategy<Value = String> + Clone {
    one_of(&[
        "m", "n", "up", "a:b", "_x", "sum", "offset", "start", "by", "and", "fill", "min", "Topk", "end",
        "without",
    ])
}

fn matcher(age: Age) -> BoxedStrategy<String> {
    let label = one_of(&["a", "b", "job", "on", "by", "inf", "__name", "le"]);
    let op = one_of(&["=", "!=", "=~", "!~", " = "]);
    let value = one_of(&["\"x\"", "'x|y'", "`z`", "\"\"", "\"a\\tb\\\"c\"", "'.+'", "\"é\\u00e9\""]);
    let plain = (label, op, value).prop_map(|(l, op, v)| format!("{l}{op}{v}")).boxed();
    match age {
        Age::Classic => plain,
        Age::Newest => prop_oneof![9 => plain, 1 => Just("\"utf8.label\"=\"x\"".to_owned())].boxed(),
    }
}

/// `name{matchers}` with something in it.
fn series(age: Age) -> BoxedStrategy<String> {
    let matchers = prop::collection::vec(matcher(age), 1..4).prop_map(|all| all.join(" , "));
    prop_oneof![
        4 => name(),
        1 => name().prop_map(|n| format!("{n}{{}}")),
        3 => (name(), matchers.clone()).prop_map(|(n, m)| format!("{n}{{{m}}}")),
        1 => matchers.clone().prop_map(|m| format!("{{{m},c=\"d\",}}")),
        1 => matchers.prop_map(|m| format!("{{__name__=\"m\",{m}}}")),
        1 => Just("{\"utf8.name\"}".to_owned()),
        1 => Just("{'m', a='x'}".to_owned()),
    ]
    .boxed()
}

fn literal_length() -> impl Strategy<Value = String> + Clone {
    one_of(&["5m", "1h30m", "30", "1d", "90s", "250ms", "1y2w3d4h5m6s7ms", "1.5", "0x10", "2w"])
}

/// A length with arithmetic.
fn computed_length() -> BoxedStrategy<String> {
    let leaf = prop_oneof![4 => literal_length(), 1 => one_of(&["step()", "range()", "STEP ( )", "1"])];
    leaf.prop_recursive(3, 8, 2, |inner| {
        let op = one_of(&["+", " - ", "*", "/", " % ", "^"]);
        prop_oneof![
            (inner.clone(), op, inner.clone()).prop_map(|(l, op, r)| format!("{l}{op}{r}")),
            inner.clone().prop_map(|l| format!("({l})")),
            inner.clone().prop_map(|l| format!("-{l}")),
            inner.clone().prop_map(|l| format!("+{l}")),
            (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("min_of({l}, {r})")),
            (inner.clone(), inner).prop_map(|(l, r)| format!("max_of( {l},{r} )")),
        ]
    })
    .boxed()
}

/// A length in brackets.
fn length(age: Age) -> BoxedStrategy<String> {
    match age {
        Age::Classic => literal_length().boxed(),
        Age::Newest => prop_oneof![4 => literal_length(), 1 => computed_length()].boxed(),
    }
}

/// What stands behind a selector or subquery, in either order.
fn suffix(age: Age) -> BoxedStrategy<String> {
    let offset = match age {
        Age::Classic => literal_length().boxed(),
        Age::Newest => prop_oneof![
            4 => literal_length().boxed(),
            1 => computed_length().prop_map(|l| format!("({l})")).boxed(),
            1 => one_of(&["step()", "-range()", "+min_of(step(), 1s)"]).boxed(),
        ]
        .boxed(),
    };
    let offset = (one_of(&["offset", "OFFSET"]), one_of(&["", "-"]), offset).prop_map(|(word, sign, l)| {
        if l.starts_with(['+', '-']) { format!(" {word} {l}") } else { format!(" {word} {sign}{l}") }
    });
    let at = one_of(&[" @ 1609746000", " @ 1.5", " @ -3", " @ start()", " @ end ( )", " @ 0x10", " @ 1e3"]);
    prop_oneof![
        5 => Just(String::new()),
        1 => offset.clone(),
        1 => at.clone(),
        1 => (offset.clone(), at.clone()).prop_map(|(o, a)| format!("{o}{a}")),
        1 => (at, offset).prop_map(|(a, o)| format!("{a}{o}")),
    ]
    .boxed()
}

/// `[range]` or `[range:step]`, and what stands behind it.
fn matrix(age: Age, inner: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let plain = (series(age), length(age), suffix(age)).prop_map(|(s, l, x)| format!("{s}[{l}]{x}"));
    let step = prop_oneof![Just(String::new()), length(age)];
    let subquery =
        (inner, length(age), step, suffix(age)).prop_map(|(e, l, s, x)| format!("({e})[{l}:{s}]{x}"));
    prop_oneof![3 => plain, 1 => subquery].boxed()
}

fn labels() -> impl Strategy<Value = String> + Clone {
    one_of(&["", "a", "a, b", "job,", "on, by ,bool", "a , sum"])
}

/// A scalar.
fn scalar() -> BoxedStrategy<String> {
    let leaf =
        one_of(&["1", "2.5", "0x1f", "1e3", ".5", "Inf", "nan", "007", "5m", "time()", "pi()", "scalar(m)"]);
    leaf.prop_recursive(2, 4, 2, |inner| {
        let op = one_of(&["+", "-", "*", "/", "%", "^", "atan2", "== bool", "< bool"]);
        prop_oneof![
            (inner.clone(), op, inner.clone()).prop_map(|(l, op, r)| format!("{l} {op} {r}")),
            inner.clone().prop_map(|e| format!("-{e}")),
            inner.clone().prop_map(|e| format!("+{e}")),
            inner.prop_map(|e| format!("({e})")),
        ]
    })
    .boxed()
}

/// An instant vector.
pub(crate) fn vector(age: Age) -> BoxedStrategy<String> {
    let leaf = (series(age), suffix(age)).prop_map(|(s, x)| format!("{s}{x}")).boxed();
    let leaf = match age {
        Age::Classic => leaf,
        Age::Newest => prop_oneof![
            6 => leaf,
            1 => one_of(&["m smoothed", "m anchored offset 5m", "m @ 10 smoothed"]),
            1 => (one_of(&["rate", "increase", "delta"]), one_of(&["smoothed", "anchored offset 1m", "@ start() smoothed"]))
                .prop_map(|(f, ends)| format!("{f}(m[5m] {ends})")),
        ]
        .boxed(),
    };
    leaf.prop_recursive(4, 24, 3, move |inner| {
        let inner = inner.boxed();
        let over_time = one_of(&["rate", "increase", "last_over_time", "changes", "stddev_over_time", "absent_over_time"]);
        let of_vector = one_of(&["abs", "ceil", "sgn", "absent", "timestamp", "sort_desc", "round", "hour", "day_of_year"]);
        let aggregation = one_of(&["sum", "AVG", "min", "max", "count", "group", "stddev", "stdvar"]);
        let with_number = one_of(&["topk", "bottomk", "quantile", "limitk", "limit_ratio"]);
        let grouping = (one_of(&["by", "without", "BY"]), labels()).prop_map(|(w, l)| format!(" {w} ({l}) "));
        let op = one_of(match age {
            Age::Classic => &["+", "-", "*", "/", "%", "^", "atan2", ">", "<=", "==", "!= bool", ">= bool"],
            Age::Newest => &["+", "-", "*", "/", "%", "^", "atan2", ">", "<=", "==", "!= bool", "</", ">/"],
        });
        let matching = prop_oneof![
            3 => Just(String::new()),
            2 => (one_of(&["on", "ignoring", "ON"]), labels()).prop_map(|(w, l)| format!("{w}({l})")),
            1 => (one_of(&["group_left", "group_right"]), one_of(&["", "()", "(c)", "(c, d)"]))
                .prop_map(|(w, l)| format!("on (a) {w} {l}")),
            1 => Just("ignoring (b, c) group_left".to_owned()),
            1 => one_of(&["fill(0)", "on(a) fill_left(-1.5)", "fill_right (Inf)", "fill_right(1) fill_left(2)"]),
        ];
        let set = one_of(&["and", "or", "unless", "AND", "or on()", "unless ignoring(a)"]);
        prop_oneof![
            (over_time, matrix(age, inner.clone())).prop_map(|(f, m)| format!("{f}({m})")),
            (of_vector, inner.clone()).prop_map(|(f, e)| format!("{f}({e})")),
            (aggregation.clone(), grouping.clone(), inner.clone()).prop_map(|(op, g, e)| format!("{op}{g}({e})")),
            (aggregation, grouping, inner.clone()).prop_map(|(op, g, e)| format!("{op}({e}){g}")),
            (with_number, scalar(), inner.clone()).prop_map(|(op, s, e)| format!("{op}({s}, {e})")),
            inner.clone().prop_map(|e| format!("count_values('v', {e})")),
            (inner.clone(), op.clone(), matching, inner.clone()).prop_map(|(l, op, m, r)| format!("{l} {op} {m} {r}")),
            (inner.clone(), op.clone(), scalar()).prop_map(|(l, op, r)| format!("{l} {op} {r}")),
            (scalar(), op, inner.clone()).prop_map(|(l, op, r)| format!("{l}\t{op}\n{r}")),
            (inner.clone(), set, inner.clone()).prop_map(|(l, op, r)| format!("{l} {op} # why\n {r}")),
            inner.clone().prop_map(|e| format!("-{e}")),
            inner.clone().prop_map(|e| format!("( {e} )")),
            inner.clone().prop_map(|e| format!("label_replace({e}, \"c\", \"$1\", 'a', `(.*)`)")),
            (inner, scalar()).prop_map(|(e, s)| format!("clamp_max({e}, {s})")),
        ]
    })
    .boxed()
}
