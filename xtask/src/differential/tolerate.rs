//! Where Prometheus 2.42's answer may differ from that of the language we speak, one named reason each.

use super::Sides;
use super::ask::{Answer, When, ask};
use super::compare::same;
use super::expr::{Node, Type};

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
    (
        "holt_winters",
        "the function is called double_exponential_smoothing since 3.0, and is experimental",
        |case| Ok(case.expression.has("holt_winters") && refused(case.ours)),
    ),
    ("tie", "topk and bottomk take any of equals, and Prometheus goes by the order of a hash map", tie),
    (
        "cancellation",
        "sums are compensated since 3.0, so that where large values cancel out only the remainder differs",
        cancellation,
    ),
];

fn refused(answer: &Answer) -> bool {
    matches!(answer, Answer::Error { .. })
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
        let when = match (node.gives, case.when) {
            (Type::Matrix, When::Range { end, .. }) => When::At(end),
            (_, when) => when,
        };
        if let Answer::Found(found) = ask(&mut case.sides.theirs, &node.print(), when)? {
            let finite =
                found.series.values().flatten().map(|(_, value)| value.abs()).filter(|v| v.is_finite());
            largest = finite.fold(largest, f64::max);
        }
    }
    let pairs = theirs.series.values().flatten().zip(ours.series.values().flatten());
    Ok(pairs.into_iter().all(|((t, a), (u, b))| t == u && (same(*a, *b) || (a - b).abs() <= largest * 1e-9)))
}
