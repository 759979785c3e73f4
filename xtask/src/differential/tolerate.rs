//! Where Prometheus 2.42's answer may differ from that of the language we speak, one named reason each.

use super::Sides;
use super::ask::{Answer, Found, When, ask, seconds};
use super::compare::{difference, same};
use super::expr::{Node, Part, Type};
use super::vocabulary::{COMPARISONS, DATES};

/// At most this share of all queries may be excused for one reason.
pub(crate) const MAX_SHARE: f64 = 0.01;

/// A mismatch with all that may excuse it.
pub(crate) struct Case<'a> {
    pub(crate) expression: &'a Node,
    pub(crate) when: When,
    pub(crate) theirs: &'a Answer,
    pub(crate) ours: &'a Answer,
    pub(crate) sides: &'a mut Sides,
}

type Excuse = fn(&mut Case<'_>) -> Result<bool, String>;

/// Name, reason and test.
pub(crate) const EXCUSES: &[(&str, &str, Excuse)] = &[
    ("atan2", "drops the name of the metric since 3.0, as every other operator does", |case| {
        rewritten(case, &["atan2"])
    }),
    ("stddev", "of values that are not finite is NaN since 3.0, even of a single one", |case| {
        rewritten(case, &["stddev", "stdvar"])
    }),
    (
        "dates",
        "of more than 1e15 seconds, and of NaN, which Go takes for some time, and we for none",
        |case| rewritten(case, DATES),
    ),
    (
        "duplicates",
        "of a side that must be unique are refused since 3.9 even where a comparison drops them",
        |case| Ok(refused(case.ours) && rewritten(case, COMPARISONS)?),
    ),
    ("fraction", "histogram_fraction takes classic histograms since 3.0", |case| {
        let of_buckets = case.expression.print().contains("latency_seconds_bucket");
        Ok(of_buckets && case.expression.has("histogram_fraction"))
    }),
    (
        "window",
        "a range with @ moves with the step before 2.43 where a parameter beside it may vary, so that each step is \
         asked by itself",
        step_by_step,
    ),
    (
        "extrapolation",
        "a counter that was 0 about one interval before its first sample in the window, which begins earlier \
         still: 3.x extrapolates by half an interval only",
        extrapolation,
    ),
    (
        "overflow",
        "a compensated sum that overflows is infinite since 3.0, and was NaN before; Go's sinh and cosh are \
         infinite a little early",
        overflow,
    ),
    (
        "last digits",
        "a difference in the last digit becomes a reset of a counter or a whole step of ceil, and is none once rounded",
        last_digits,
    ),
    ("digits", "count_values makes labels of values, whose last digits may differ by rounding", digits),
    ("tie", "topk and bottomk take any of equals, and Prometheus goes by the order of a hash map", tie),
    (
        "cancellation",
        "sums are compensated since 3.0, so that where large values cancel out only the remainder differs",
        cancellation,
    ),
];

/// What turns a difference in the last digit into a large one.
const STEEP: &[&str] = &[
    "subquery",
    "ceil",
    "floor",
    "round",
    "sgn",
    "asin",
    "acos",
    "acosh",
    "atanh",
    "histogram_quantile",
    "%",
    "count_values",
];

fn refused(answer: &Answer) -> bool {
    matches!(answer, Answer::Error { .. })
}

/// Whether Prometheus gives our answer once the nodes with these tags, and any others that differ in a known
/// way beside them, are written as the newer language means them.
fn rewritten(case: &mut Case<'_>, tags: &[&str]) -> Result<bool, String> {
    if !tags.iter().any(|tag| case.expression.has(tag)) {
        return Ok(false);
    }
    let comparisons = COMPARISONS.contains(&tags[0]);
    let expression = case.expression.replaced(&|node| newer(node, comparisons));
    let theirs = ask(&mut case.sides.theirs, &expression.print(), case.when)?;
    Ok(difference(&theirs, case.ours, false).is_none())
}

/// What a node means in the newer language, said in the older one.
fn newer(node: &Node, comparisons: bool) -> Option<Node> {
    if node.gives != Type::Vector {
        return None;
    }
    let is = |words: &[&str]| node.tags.iter().any(|tag| words.contains(tag));
    if is(&["atan2"]) {
        return Some(node.text_around("((", ") + 0)"));
    }
    if is(&["stddev", "stdvar"]) {
        let sum = node.print().replacen("stddev", "sum", 1).replacen("stdvar", "sum", 1);
        return Some(node.text_around("(", &format!(" + 0 * {sum})")));
    }
    if is(DATES) {
        let of = node.children().next().map_or_else(|| "0".to_owned(), Node::print);
        return Some(node.text_around("(", &format!(" + 0 * (({of}) * 1.7976e293))")));
    }
    (comparisons && is(COMPARISONS)).then(|| with_bool(node))
}

/// Whether both agree once what is cut into steps is rounded before.
fn last_digits(case: &mut Case<'_>) -> Result<bool, String> {
    let expression = case.expression.replaced(&|node| {
        let cuts = |tag: &&str| STEEP.contains(tag) || COMPARISONS.contains(tag);
        let round = |child: &Node| child.text_around("round((", "), 0.00000137)");
        node.tags.iter().any(cuts).then(|| node.with_vectors(&round))
    });
    let (theirs, ours) = case.sides.ask(&expression, case.when)?;
    Ok(expression.print() != case.expression.print() && difference(&theirs, &ours, false).is_none())
}

/// A comparison that does not drop.
fn with_bool(node: &Node) -> Node {
    let mut node = node.clone();
    let op = node.tags[0];
    for part in &mut node.parts {
        if let Part::Text(text) = part
            && !text.contains(" bool")
        {
            *text = text.replacen(&format!(" {op} "), &format!(" {op} bool "), 1);
        }
    }
    node
}

/// Whether Prometheus gives our answer when each step of a range is asked for by itself.
fn step_by_step(case: &mut Case<'_>) -> Result<bool, String> {
    let When::Range { start, end, step } = case.when else { return Ok(false) };
    if !["predict_linear", "quantile_over_time"].iter().any(|tag| case.expression.has(tag)) {
        return Ok(false);
    }
    let text = case.expression.print();
    let text = text.replace("@ start()", &format!("@ {}", seconds(start)));
    let last = start + (end - start) / step * step;
    let text = text.replace("@ end()", &format!("@ {}", seconds(last.max(end))));
    let mut all = Found { kind: "matrix".to_owned(), ..Found::default() };
    for at in (start..=end).step_by(step as usize) {
        let Answer::Found(found) = ask(&mut case.sides.theirs, &text, When::At(at))? else {
            return Ok(false);
        };
        for (labels, points) in found.series {
            all.series.entry(labels).or_default().extend(points);
        }
    }
    let all = with_our_infinities(&Answer::Found(all), case.ours);
    Ok(difference(&all, case.ours, false).is_none())
}

/// Whether some `rate` or `increase` begins with a counter that was 0 half an interval to an interval and a
/// tenth before.
fn extrapolation(case: &mut Case<'_>) -> Result<bool, String> {
    let (start, end, step) = match case.when {
        // Inside a subquery it is evaluated at earlier times as well.
        When::At(at) if case.expression.has("subquery") => (at - 1_200_000, at, 15_000),
        When::At(at) => (at, at, 1),
        When::Range { start, end, step } if case.expression.has("subquery") => {
            (start - 1_200_000, end, step.min(15_000))
        }
        When::Range { start, end, step } => (start, end, step),
    };
    for node in case.expression.all() {
        if !node.tags.iter().any(|tag| matches!(*tag, "rate" | "increase")) {
            continue;
        }
        let Some(range) = node.children().find(|child| child.gives == Type::Matrix) else { continue };
        for at in (start..=end).step_by(step as usize) {
            if let Answer::Found(found) = ask(&mut case.sides.theirs, &range.print(), When::At(at))?
                && found.series.values().any(|points| near_zero(points))
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn near_zero(points: &[(f64, f64)]) -> bool {
    let (Some((first_at, first)), Some((last_at, _))) = (points.first(), points.last()) else { return false };
    let span = last_at - first_at;
    let average = span / (points.len().max(2) - 1) as f64;
    let increase: f64 = points
        .windows(2)
        .map(|pair| if pair[1].1 < pair[0].1 { pair[1].1 } else { pair[1].1 - pair[0].1 })
        .sum();
    let to_zero = span * first / increase;
    to_zero > average * 0.49 && to_zero < average * 1.11
}

/// Whether the answers agree but for NaN, which is infinite in ours, and for values next to infinity.
fn overflow(case: &mut Case<'_>) -> Result<bool, String> {
    let sums = [
        "stddev_over_time",
        "stdvar_over_time",
        "sum_over_time",
        "avg_over_time",
        "deriv",
        "predict_linear",
        "sinh",
        "cosh",
    ];
    let agree = difference(&with_our_infinities(case.theirs, case.ours), case.ours, false).is_none();
    Ok(agree && sums.iter().any(|tag| case.expression.has(tag)))
}

fn with_our_infinities(theirs: &Answer, ours: &Answer) -> Answer {
    let mut theirs = theirs.clone();
    if let (Answer::Found(found), Answer::Found(ours)) = (&mut theirs, ours) {
        for (labels, points) in &mut found.series {
            for ((_, value), (_, our_value)) in
                points.iter_mut().zip(ours.series.get(labels).into_iter().flatten())
            {
                let early = value.is_infinite() && our_value.is_finite() && our_value.abs() > f64::MAX / 2.0;
                if (value.is_nan() && our_value.is_infinite()) || early {
                    *value = *our_value;
                }
            }
        }
    }
    theirs
}

/// Whether the answers agree once the values in labels are rounded.
fn digits(case: &mut Case<'_>) -> Result<bool, String> {
    if !case.expression.has("count_values") {
        return Ok(false);
    }
    Ok(difference(&rounded(case.theirs), &rounded(case.ours), false).is_none())
}

fn rounded(answer: &Answer) -> Answer {
    let mut answer = answer.clone();
    if let Answer::Found(found) = &mut answer {
        for (labels, points) in std::mem::take(&mut found.series) {
            let number = labels.split_once("value=\"").and_then(|(before, rest)| {
                let (number, after) = rest.split_once('"')?;
                // Times some number, since values of few decimals stand where rounding turns.
                let number = number.parse::<f64>().ok()? * 1.234_567_891_234;
                Some(format!("{before}value=\"{number:.8e}\"{after}"))
            });
            // Two that become equal are counted together.
            let all = found.series.entry(number.unwrap_or(labels)).or_default();
            for (at, value) in points {
                match all.iter_mut().find(|(time, _)| *time == at) {
                    Some((_, sum)) => *sum += value,
                    None => all.push((at, value)),
                }
            }
        }
    }
    answer
}

/// Whether some `topk` or `bottomk` chooses among equals.
fn tie(case: &mut Case<'_>) -> Result<bool, String> {
    for node in case.expression.all() {
        if !node.tags.iter().any(|tag| matches!(*tag, "topk" | "bottomk")) {
            continue;
        }
        let Some(of) = node.children().find(|child| child.gives == Type::Vector) else { continue };
        // Inside a subquery it is evaluated at other times, where there may be ties as well.
        let when = match case.when {
            When::At(at) => When::Range { start: at - 1_200_000, end: at, step: 15_000 },
            When::Range { start, end, .. } if case.expression.has("subquery") => {
                When::Range { start: start - 1_200_000, end, step: 15_000 }
            }
            range @ When::Range { .. } => range,
        };
        let Answer::Found(found) = ask(&mut case.sides.theirs, &of.print(), when)? else { continue };
        let mut points: Vec<(u64, f64)> =
            found.series.values().flatten().map(|(at, value)| (at.to_bits(), *value)).collect();
        points.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        if points.windows(2).any(|pair| pair[0].0 == pair[1].0 && same(pair[0].1, pair[1].1)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the answers agree but for what is left of values a billion times as large.
fn cancellation(case: &mut Case<'_>) -> Result<bool, String> {
    let (Answer::Found(theirs), Answer::Found(ours)) = (case.theirs, case.ours) else { return Ok(false) };
    if theirs.series.keys().ne(ours.series.keys()) {
        return Ok(false);
    }
    let mut largest: f64 = 0.0;
    for node in case.expression.all() {
        let times = match (node.gives, case.when) {
            (Type::Matrix, When::Range { start, end, step }) => {
                (start..=end).step_by(step as usize).map(When::At).collect()
            }
            (_, when) => vec![when],
        };
        for when in times {
            if let Answer::Found(found) = ask(&mut case.sides.theirs, &node.print(), when)? {
                let values = found.series.values().flatten().map(|(_, value)| value.abs());
                largest = values.filter(|v| v.is_finite()).fold(largest, f64::max);
            }
        }
    }
    // A variance is of the order of squares.
    let squares = ["stdvar", "stdvar_over_time"].iter().any(|tag| case.expression.has(tag));
    let largest = if squares { largest.max(largest * largest) } else { largest };
    let pairs = theirs.series.values().flatten().zip(ours.series.values().flatten());
    Ok(pairs.into_iter().all(|((t, a), (u, b))| t == u && (same(*a, *b) || (a - b).abs() <= largest * 1e-9)))
}
