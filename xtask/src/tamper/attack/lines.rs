//! Lines of one file.

use super::{Attack, Finding};
use crate::hand::{Unit, compress, forged_line, lines, unit};
use crate::rng::Rng;
use crate::world::World;

/// What was done to lines: its name, the first line concerned, and what they are then.
pub(crate) struct Edit {
    pub(crate) class: &'static str,
    pub(crate) line: u64,
    pub(crate) content: Vec<u8>,
}

type Editing = fn(Vec<Vec<u8>>, &mut Rng) -> Option<Edit>;

const ALL: [Editing; 4] = [reordered, inserted, deleted, changed];

fn edit(class: &'static str, first: usize, lines: &[Vec<u8>]) -> Option<Edit> {
    Some(Edit { class, line: first as u64 + 1, content: lines.concat() })
}

/// Two to five lines that follow each other change places.
fn reordered(mut lines: Vec<Vec<u8>>, rng: &mut Rng) -> Option<Edit> {
    let count = (2 + rng.below(4)).min(lines.len());
    if count < 2 {
        return None;
    }
    let first = rng.below(lines.len() - count + 1);
    let before = lines.clone();
    match rng.below(2) {
        0 => lines[first..first + count].reverse(),
        _ => lines[first..first + count].rotate_left(1),
    }
    let first = before.iter().zip(&lines).position(|(a, b)| a != b)?;
    edit("reordered-lines", first, &lines)
}

fn inserted(mut lines: Vec<Vec<u8>>, rng: &mut Rng) -> Option<Edit> {
    let first = rng.below(lines.len() + 1);
    for _ in 0..1 + rng.below(3) {
        lines.insert(first, forged_line(rng));
    }
    edit("inserted-lines", first, &lines)
}

fn deleted(mut lines: Vec<Vec<u8>>, rng: &mut Rng) -> Option<Edit> {
    if lines.is_empty() {
        return None;
    }
    let first = rng.below(lines.len());
    let count = (1 + rng.below(3)).min(lines.len() - first);
    lines.drain(first..first + count);
    edit(if first == lines.len() { "truncated" } else { "deleted-lines" }, first, &lines)
}

fn changed(mut lines: Vec<Vec<u8>>, rng: &mut Rng) -> Option<Edit> {
    if lines.is_empty() {
        return None;
    }
    let first = rng.below(lines.len());
    let count = (1 + rng.below(3)).min(lines.len() - first);
    for line in &mut lines[first..first + count] {
        *line = forged_line(rng);
    }
    edit("changed-lines", first, &lines)
}

/// Any of the ways that the content admits.
pub(crate) fn any_edit(content: &[u8], rng: &mut Rng) -> Option<Edit> {
    ALL[rng.below(ALL.len())](lines(content), rng)
}

fn plain(
    world: &World,
    rng: &mut Rng,
    how: impl Fn(Vec<Vec<u8>>, &mut Rng) -> Option<Edit>,
    fits: impl Fn(&Unit) -> bool,
) -> Option<Attack> {
    let mut files = world.files.clone();
    let unit = unit(&files, rng, |unit| fits(unit) && unit.is_hot(&files))?;
    let edit = how(lines(&unit.content(&files)), rng)?;
    files.insert(unit.plain(), edit.content);
    Some(Attack::new(files, vec![Finding::new(edit.class, unit.plain()).of(&unit.day).at(edit.line)]))
}

fn is_events(unit: &Unit) -> bool {
    !unit.is_facts()
}

pub(crate) fn reorder(world: &World, rng: &mut Rng) -> Option<Attack> {
    plain(world, rng, reordered, is_events)
}

pub(crate) fn insert(world: &World, rng: &mut Rng) -> Option<Attack> {
    plain(world, rng, inserted, is_events)
}

pub(crate) fn delete(world: &World, rng: &mut Rng) -> Option<Attack> {
    plain(world, rng, deleted, is_events)
}

pub(crate) fn change(world: &World, rng: &mut Rng) -> Option<Attack> {
    plain(world, rng, changed, is_events)
}

pub(crate) fn facts(world: &World, rng: &mut Rng) -> Option<Attack> {
    let how = ALL[rng.below(ALL.len())];
    plain(world, rng, how, Unit::is_facts)
}

fn compressed(world: &World, rng: &mut Rng, hot: bool) -> Option<Attack> {
    let mut files = world.files.clone();
    let unit = unit(&files, rng, |unit| is_events(unit) && unit.is_hot(&files) == hot)?;
    let edit = any_edit(&unit.content(&files), rng)?;
    files.insert(unit.cold(), compress(&edit.content));
    Some(Attack::new(files, vec![Finding::new(edit.class, unit.cold()).of(&unit.day).at(edit.line)]))
}

/// The compressed form holds other lines, the plain one those that were sealed.
pub(crate) fn cold(world: &World, rng: &mut Rng) -> Option<Attack> {
    compressed(world, rng, true)
}

pub(crate) fn cold_alone(world: &World, rng: &mut Rng) -> Option<Attack> {
    compressed(world, rng, false)
}

/// Both forms hold other lines, and the checksum files those that were sealed.
pub(crate) fn both(world: &World, rng: &mut Rng) -> Option<Attack> {
    let mut files = world.files.clone();
    let unit = unit(&files, rng, |unit| is_events(unit) && unit.is_hot(&files))?;
    let edit = any_edit(&unit.content(&files), rng)?;
    files.insert(unit.cold(), compress(&edit.content));
    files.insert(unit.plain(), edit.content);
    let found = |file| Finding::new(edit.class, file).of(&unit.day).at(edit.line);
    let expected = vec![found(unit.plain()), found(unit.cold())];
    Some(Attack::new(files, expected))
}
