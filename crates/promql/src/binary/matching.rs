//! Which series of two sides belong together.

use assurance_metrics_model::{Labels, Value};
use hashbrown::HashMap;

use super::sample::Operation;
use crate::ast::{Binary, BinaryOp, Cardinality, VectorMatching};
use crate::error::EvalError;
use crate::line::{IDENTITY, Line, Steps};

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

pub(super) fn set(binary: &Binary, mut left: Vec<Line>, mut right: Vec<Line>, steps: &Steps) -> Vec<Line> {
    let matching = &binary.matching;
    if binary.op == BinaryOp::Or {
        let on_left = presence_by_signature(&left, matching, steps);
        for line in &mut right {
            let Some(taken) = on_left.get(&signature(&line.labels, matching)) else { continue };
            (0..steps.count).filter(|step| taken[*step]).for_each(|step| line.clear(step));
        }
        left.extend(right);
    } else {
        let on_right = presence_by_signature(&right, matching, steps);
        let nowhere = vec![false; steps.count];
        let wanted = binary.op == BinaryOp::And;
        for line in &mut left {
            let there = on_right.get(&signature(&line.labels, matching)).unwrap_or(&nowhere);
            (0..steps.count).filter(|step| there[*step] != wanted).for_each(|step| line.clear(step));
        }
    }
    left.retain(|line| !line.is_empty());
    left
}

/// A match of two vectors under way.
struct Match<'a, 'o> {
    operation: &'a mut Operation<'o>,
    /// Whether the "many" side stands on the right.
    swapped: bool,
    out: Vec<Line>,
    /// Where a result's labels stand in `out`: to find two results with the same labels at one step.
    found: HashMap<(Labels, bool), usize>,
}

/// Matches each line of the "many" side with at most one of the "one" side at each step.
pub(super) fn matched(
    operation: &mut Operation<'_>,
    left: Vec<Line>,
    right: Vec<Line>,
    steps: &Steps,
) -> Result<Vec<Line>, EvalError> {
    let binary = operation.binary;
    let matching = &binary.matching;
    let swapped = matching.cardinality == Cardinality::OneToMany;
    let (many, one) = if swapped { (right, left) } else { (left, right) };
    let mut result = Match { operation, swapped, out: Vec::new(), found: HashMap::new() };
    // Upstream fills the "many" side by `fill_left` and the "one" side by `fill_right`, whichever stands where.
    let (fill_many, fill_one) = (matching.fill_left, matching.fill_right);
    let one_by_signature = by_signature(&one, matching);
    let mut taken: HashMap<Labels, Vec<bool>> = HashMap::new();
    let mut checked: HashMap<Labels, Vec<Option<usize>>> = HashMap::new();
    // A group that is not unique fails a step whether or not it has a match there, unless the other side is
    // empty at that step.
    let mut busy = vec![fill_many.is_some(); steps.count];
    many.iter().for_each(|line| mark(&mut busy, line));
    let mut crowded: Vec<_> = one_by_signature.iter().filter(|(_, partners)| partners.len() > 1).collect();
    crowded.sort_unstable_by_key(|(_, partners)| partners[0]);
    for (group, partners) in crowded {
        checked.insert(group.clone(), unique_partner(&one, partners, group, swapped, &busy)?);
    }
    let nobody = vec![None; steps.count];
    for line in &many {
        let group = signature(&line.labels, matching);
        let partners = one_by_signature.get(&group);
        if partners.is_none() && fill_one.is_none() {
            continue;
        }
        if let Some(partners) = partners
            && !checked.contains_key(&group)
        {
            let unique = unique_partner(&one, partners, &group, swapped, &busy)?;
            checked.insert(group.clone(), unique);
        }
        let partner_at = checked.get(&group).unwrap_or(&nobody);
        let alone = fill_one.map(|_value| Line::absent(group.clone(), false, 0));
        // Most lines have one partner at every step.
        let mut last: Option<(Option<usize>, usize)> = None;
        for step in 0..steps.count {
            if !line.present[step] {
                continue;
            }
            if matching.cardinality == Cardinality::OneToOne
                && (partner_at[step].is_some() || fill_one.is_some())
            {
                let taken = taken.entry(group.clone()).or_insert_with(|| vec![false; steps.count]);
                if std::mem::replace(&mut taken[step], true) {
                    return Err(EvalError::ImplicitManyToOne);
                }
            }
            let partner = match (partner_at[step], &alone) {
                (Some(at), _) => &one[at],
                (None, Some(alone)) => alone,
                (None, None) => continue,
            };
            let place = match last {
                Some((at, place)) if at == partner_at[step] => place,
                _ => result.place(line, partner, steps),
            };
            last = Some((partner_at[step], place));
            let other = match partner_at[step] {
                Some(_) => partner.sample(step),
                None => fill_one.map(Value::Float),
            };
            if let (Some(sample), Some(other)) = (line.sample(step), other) {
                result.add(step, place, &sample, &other)?;
            }
        }
    }
    if let Some(value) = fill_many {
        let there = presence_by_signature(&many, matching, steps);
        let value = Value::Float(value);
        for line in &one {
            let group = signature(&line.labels, matching);
            let there = there.get(&group);
            let filled = Line::absent(group, false, 0);
            let place = result.place(&filled, line, steps);
            for step in (0..steps.count).filter(|step| there.is_none_or(|there| !there[*step])) {
                if let Some(other) = line.sample(step) {
                    result.add(step, place, &value, &other)?;
                }
            }
        }
    }
    result.out.retain(|line| !line.is_empty());
    Ok(result.out)
}

impl Match<'_, '_> {
    /// Where the results of two lines go.
    fn place(&mut self, many: &Line, one: &Line, steps: &Steps) -> usize {
        let drops_name = self.operation.drops_name();
        let (labels, drop_name) = result_labels(self.operation.binary, drops_name, many, one);
        let out = &mut self.out;
        *self.found.entry((labels.clone(), drop_name)).or_insert_with(|| {
            out.push(Line::absent(labels, drop_name, steps.count));
            out.len() - 1
        })
    }

    /// What becomes of one pair.
    fn add(&mut self, step: usize, place: usize, sample: &Value, other: &Value) -> Result<(), EvalError> {
        let (a, b) = if self.swapped { (other, sample) } else { (sample, other) };
        let Some(value) = self.operation.apply(a, b, a) else { return Ok(()) };
        if self.out[place].present[step] {
            return Err(EvalError::AmbiguousGrouping);
        }
        self.out[place].put(step, value);
        Ok(())
    }
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

fn result_labels(binary: &Binary, drops_name: bool, many: &Line, one: &Line) -> (Labels, bool) {
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
    (labels, many.drop_name || drops_name)
}
