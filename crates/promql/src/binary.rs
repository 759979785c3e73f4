//! Binary operators: numbers, series with numbers, series with series.

use assurance_metrics_model::Labels;
use hashbrown::HashMap;

use crate::ast::{Binary, BinaryOp, Cardinality, VectorMatching};
use crate::error::EvalError;
use crate::eval::{Evaluator, IDENTITY, Line, Lines, Steps};

impl Evaluator<'_> {
    pub(crate) fn binary(&mut self, binary: &Binary, steps: &Steps) -> Result<Lines, EvalError> {
        let left = self.eval(&binary.left, steps)?;
        let right = self.eval(&binary.right, steps)?;
        Ok(match (left, right) {
            (Lines::Scalar(left), Lines::Scalar(right)) => Lines::Scalar(
                left.iter().zip(&right).map(|(a, b)| if_true(compute(binary.op, *a, *b))).collect(),
            ),
            (Lines::Vector(lines), Lines::Scalar(numbers)) => {
                Lines::Vector(with_numbers(binary, lines, &numbers, false))
            }
            (Lines::Scalar(numbers), Lines::Vector(lines)) => {
                Lines::Vector(with_numbers(binary, lines, &numbers, true))
            }
            (Lines::Vector(left), Lines::Vector(right)) => Lines::Vector(if binary.op.is_set() {
                set(binary, left, right, steps)
            } else {
                matched(binary, &left, &right, steps)?
            }),
            (Lines::String(_), _) | (_, Lines::String(_)) => {
                let message =
                    "binary expression must contain only scalar and instant vector types".to_owned();
                return Err(EvalError::Parameter { message });
            }
        })
    }
}

/// What an operator gives: a number, or whether a comparison holds.
#[derive(Clone, Copy)]
enum Outcome {
    Number(f64),
    Holds(bool),
}

fn if_true(outcome: Outcome) -> f64 {
    match outcome {
        Outcome::Number(value) => value,
        Outcome::Holds(holds) => f64::from(u8::from(holds)),
    }
}

#[expect(clippy::float_cmp, reason = "PromQL's == is exact")]
fn compute(op: BinaryOp, a: f64, b: f64) -> Outcome {
    match op {
        BinaryOp::Add => Outcome::Number(a + b),
        BinaryOp::Sub => Outcome::Number(a - b),
        BinaryOp::Mul => Outcome::Number(a * b),
        BinaryOp::Div => Outcome::Number(a / b),
        BinaryOp::Mod => Outcome::Number(a % b),
        BinaryOp::Pow => Outcome::Number(a.powf(b)),
        BinaryOp::Atan2 => Outcome::Number(a.atan2(b)),
        BinaryOp::Eq => Outcome::Holds(a == b),
        BinaryOp::Ne => Outcome::Holds(a != b),
        BinaryOp::Gt => Outcome::Holds(a > b),
        BinaryOp::Lt => Outcome::Holds(a < b),
        BinaryOp::Ge => Outcome::Holds(a >= b),
        BinaryOp::Le => Outcome::Holds(a <= b),
        // Set operators take whole vectors.
        BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => Outcome::Number(f64::NAN),
    }
}

/// What one sample becomes: `kept` where a comparison filters.
fn outcome(binary: &Binary, a: f64, b: f64, kept: f64) -> Option<f64> {
    match compute(binary.op, a, b) {
        Outcome::Holds(holds) if !binary.returns_bool => holds.then_some(kept),
        other => Some(if_true(other)),
    }
}

fn drops_name(binary: &Binary) -> bool {
    binary.returns_bool || !binary.op.is_comparison()
}

fn with_numbers(binary: &Binary, lines: Vec<Line>, numbers: &[f64], number_is_left: bool) -> Vec<Line> {
    let drop = drops_name(binary);
    let mut lines = lines;
    for line in &mut lines {
        line.drop_name |= drop;
        for (step, number) in numbers.iter().enumerate() {
            let Some(value) = line.get(step) else { continue };
            let (a, b) = if number_is_left { (*number, value) } else { (value, *number) };
            match outcome(binary, a, b, value) {
                Some(result) => line.set(step, result),
                None => line.present[step] = false,
            }
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// The labels by which two sides are matched.
fn signature(labels: &Labels, matching: &VectorMatching) -> Labels {
    let names: Vec<&str> = matching.grouping.labels.iter().map(String::as_str).collect();
    if matching.grouping.include {
        labels.only(&names)
    } else {
        let mut without = names;
        without.extend(IDENTITY);
        labels.without(&without)
    }
}

fn by_signature(lines: &[Line], matching: &VectorMatching) -> HashMap<Labels, Vec<usize>> {
    let mut found: HashMap<Labels, Vec<usize>> = HashMap::new();
    for (at, line) in lines.iter().enumerate() {
        found.entry(signature(&line.labels, matching)).or_default().push(at);
    }
    found
}

/// Adds the steps at which a line has a sample.
fn mark(any: &mut [bool], line: &Line) {
    any.iter_mut().zip(&line.present).for_each(|(any, present)| *any |= present);
}

/// The steps at which any line of a group has a sample: once a group, so that two large groups cost their sum
/// and not their product.
fn presence_by_signature(
    lines: &[Line],
    matching: &VectorMatching,
    steps: &Steps,
) -> HashMap<Labels, Vec<bool>> {
    let mut found: HashMap<Labels, Vec<bool>> = HashMap::new();
    for line in lines {
        let any = found.entry(signature(&line.labels, matching)).or_insert_with(|| vec![false; steps.count]);
        mark(any, line);
    }
    found
}

fn set(binary: &Binary, mut left: Vec<Line>, mut right: Vec<Line>, steps: &Steps) -> Vec<Line> {
    let matching = &binary.matching;
    if binary.op == BinaryOp::Or {
        let on_left = presence_by_signature(&left, matching, steps);
        for line in &mut right {
            let Some(taken) = on_left.get(&signature(&line.labels, matching)) else { continue };
            line.present.iter_mut().zip(taken).for_each(|(present, taken)| *present &= !taken);
        }
        left.extend(right);
    } else {
        let on_right = presence_by_signature(&right, matching, steps);
        let nowhere = vec![false; steps.count];
        let wanted = binary.op == BinaryOp::And;
        for line in &mut left {
            let there = on_right.get(&signature(&line.labels, matching)).unwrap_or(&nowhere);
            line.present.iter_mut().zip(there).for_each(|(present, there)| *present &= *there == wanted);
        }
    }
    left.retain(|line| !line.is_empty());
    left
}

/// Matches each line of the "many" side with at most one of the "one" side at each step.
fn matched(binary: &Binary, left: &[Line], right: &[Line], steps: &Steps) -> Result<Vec<Line>, EvalError> {
    let matching = &binary.matching;
    let swapped = matching.cardinality == Cardinality::OneToMany;
    let (many, one) = if swapped { (right, left) } else { (left, right) };
    let one_by_signature = by_signature(one, matching);
    let mut out: Vec<Line> = Vec::new();
    // Where a result line came from: to find two results with the same labels at one step.
    let mut found: HashMap<(Labels, bool), usize> = HashMap::new();
    let mut taken: HashMap<Labels, Vec<bool>> = HashMap::new();
    let mut checked: HashMap<Labels, Vec<Option<usize>>> = HashMap::new();
    // A group that is not unique fails a step whether or not it has a match there, unless the other side is
    // empty at that step.
    let mut busy = vec![false; steps.count];
    many.iter().for_each(|line| mark(&mut busy, line));
    let mut crowded: Vec<_> = one_by_signature.iter().filter(|(_, partners)| partners.len() > 1).collect();
    crowded.sort_unstable_by_key(|(_, partners)| partners[0]);
    for (group, partners) in crowded {
        checked.insert(group.clone(), unique_partner(one, partners, group, swapped, &busy)?);
    }
    for line in many {
        let group = signature(&line.labels, matching);
        let Some(partners) = one_by_signature.get(&group) else { continue };
        if !checked.contains_key(&group) {
            let unique = unique_partner(one, partners, &group, swapped, &busy)?;
            checked.insert(group.clone(), unique);
        }
        let partner_at = &checked[&group];
        for step in 0..steps.count {
            let (Some(value), Some(partner)) = (line.get(step), partner_at[step]) else { continue };
            let other = one[partner].values[step];
            let (a, b) = if swapped { (other, value) } else { (value, other) };
            if matching.cardinality == Cardinality::OneToOne {
                let taken = taken.entry(group.clone()).or_insert_with(|| vec![false; steps.count]);
                if std::mem::replace(&mut taken[step], true) {
                    return Err(EvalError::ImplicitManyToOne);
                }
            }
            let Some(result) = outcome(binary, a, b, a) else { continue };
            let (labels, drop_name) = result_labels(binary, line, &one[partner]);
            let at = *found.entry((labels.clone(), drop_name)).or_insert_with(|| {
                out.push(Line::absent(labels, drop_name, steps.count));
                out.len() - 1
            });
            if out[at].present[step] {
                return Err(EvalError::AmbiguousGrouping);
            }
            out[at].set(step, result);
        }
    }
    Ok(out)
}

/// For each step the one line of a group that has a sample there.
fn unique_partner(
    one: &[Line],
    partners: &[usize],
    group: &Labels,
    swapped: bool,
    busy: &[bool],
) -> Result<Vec<Option<usize>>, EvalError> {
    let mut unique = vec![None; busy.len()];
    for partner in partners {
        for (step, slot) in unique.iter_mut().enumerate() {
            if !busy[step] || !one[*partner].present[step] {
                continue;
            }
            if let Some(before) = slot.replace(*partner) {
                return Err(EvalError::ManyToMany {
                    group: group.clone(),
                    side: if swapped { "left" } else { "right" },
                    first: one[*partner].labels.clone(),
                    second: one[before].labels.clone(),
                });
            }
        }
    }
    Ok(unique)
}

fn result_labels(binary: &Binary, many: &Line, one: &Line) -> (Labels, bool) {
    let matching = &binary.matching;
    let names: Vec<&str> = matching.grouping.labels.iter().map(String::as_str).collect();
    let mut labels = many.labels.clone();
    if matching.cardinality == Cardinality::OneToOne {
        labels = if matching.grouping.include { labels.only(&names) } else { labels.without(&names) };
    }
    if !matching.copied.is_empty() {
        let mut builder = labels.to_builder();
        for name in &matching.copied {
            builder.set(name, one.labels.get_or_empty(name));
        }
        labels = builder.build();
    }
    (labels, many.drop_name || drops_name(binary))
}
