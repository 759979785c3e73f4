//! Whole files: gone, exchanged, or too many.

use super::lines::any_edit;
use super::{Attack, Finding};
use crate::files::Files;
use crate::forge::{bundle_name, size_of};
use crate::hand::{Unit, compress, day_of, file, fit, forged_line, seconds, sidecar, unit, units};
use crate::rng::Rng;
use crate::world::World;

fn append(world: &World, rng: &mut Rng, bytes: &[u8], fitted: bool) -> Option<Attack> {
    let mut files = world.files.clone();
    let name = file(&files, rng, |name| name.ends_with(".zst"))?;
    files.get_mut(&name)?.extend_from_slice(bytes);
    if fitted {
        fit(&mut files, &name);
    }
    Some(Attack::new(files, vec![Finding::new("appended-after-frame", name).by_name()]))
}

pub(crate) fn append_garbage(world: &World, rng: &mut Rng) -> Option<Attack> {
    let bytes: Vec<u8> = (0..1 + rng.below(50)).map(|_| rng.next() as u8).collect();
    append(world, rng, &bytes, false)
}

/// A second frame, which most readers take for more of the first.
pub(crate) fn append_frame(world: &World, rng: &mut Rng) -> Option<Attack> {
    let frame = compress(&forged_line(rng));
    append(world, rng, &frame, false)
}

/// A frame that every reader skips, with room for anything.
fn skippable(rng: &mut Rng) -> Vec<u8> {
    let length = rng.below(20);
    let mut frame = vec![0x50 | rng.below(16) as u8, 0x2a, 0x4d, 0x18, length as u8, 0, 0, 0];
    frame.extend((0..length).map(|_| rng.next() as u8));
    frame
}

pub(crate) fn append_skippable(world: &World, rng: &mut Rng) -> Option<Attack> {
    let frame = skippable(rng);
    append(world, rng, &frame, false)
}

pub(crate) fn append_and_fit(world: &World, rng: &mut Rng) -> Option<Attack> {
    let bytes = match rng.below(3) {
        0 => vec![0; 1 + rng.below(9)],
        1 => compress(&forged_line(rng)),
        _ => skippable(rng),
    };
    append(world, rng, &bytes, true)
}

/// Removes everything of a day.
fn remove_day(world: &World, day: &str) -> Attack {
    let mut files = world.files.clone();
    files.retain(|name, _| day_of(name).as_deref() != Some(day));
    let gone = units(&world.files).into_iter().filter(|unit| unit.day == day && !unit.is_facts());
    let expected = gone.map(|unit| Finding::new("missing-day", unit.plain()).of(day)).collect();
    Attack::new(files, expected)
}

pub(crate) fn day(world: &World, rng: &mut Rng) -> Option<Attack> {
    let unit = unit(&world.files, rng, |unit| !unit.is_facts() && unit.is_hot(&world.files))?;
    Some(remove_day(world, &unit.day))
}

/// A day of which only the compressed form was left goes without a leaf that says so.
pub(crate) fn purge(world: &World, rng: &mut Rng) -> Option<Attack> {
    let unit = unit(&world.files, rng, |unit| !unit.is_facts() && !unit.is_hot(&world.files))?;
    Some(remove_day(world, &unit.day))
}

pub(crate) fn supplement(world: &World, rng: &mut Rng) -> Option<Attack> {
    let unit = unit(&world.files, rng, Unit::is_supplement)?;
    let mut files = world.files.clone();
    let marker = format!("/{}.", unit.plain().trim_start_matches("hot/").trim_end_matches(".jsonl"));
    files.retain(|name, _| !name.contains(&marker));
    Some(Attack::new(files, vec![Finding::new("missing-day", unit.plain()).of(&unit.day)]))
}

fn remove(world: &World, name: String) -> Attack {
    let mut files = world.files.clone();
    files.remove(&name);
    Attack::new(files, vec![Finding::new("missing-file", name).by_name()])
}

/// Whether a day is so young that its plain form must be there, by the promise of its own leaf.
fn must_be_hot(world: &World, unit: &Unit) -> bool {
    let entries = crate::forge::entries(&world.files);
    let Some(leaf) = crate::forge::leaf_of(&entries, unit) else { return false };
    let hot = entries[leaf].split("\"hot_days\":").nth(1).and_then(|rest| rest.split(',').next());
    let hot: i64 = hot.and_then(|days| days.parse().ok()).expect("a leaf has its retention");
    world.now.as_millis() / 1000 < seconds(&format!("{}T00:00:00Z", unit.day)) + (1 + hot) * 86_400
}

pub(crate) fn plain(world: &World, rng: &mut Rng) -> Option<Attack> {
    let unit = unit(&world.files, rng, |unit| unit.is_hot(&world.files) && must_be_hot(world, unit))?;
    let mut attack = remove(world, unit.plain());
    if rng.chance(0.5) {
        attack.files.remove(&sidecar(&unit.plain()));
    }
    Some(attack)
}

pub(crate) fn cold(world: &World, rng: &mut Rng) -> Option<Attack> {
    let unit = unit(&world.files, rng, |unit| unit.is_hot(&world.files))?;
    let mut attack = remove(world, unit.cold());
    if rng.chance(0.5) {
        attack.files.remove(&sidecar(&unit.cold()));
    }
    Some(attack)
}

/// A checksum file, the hashes of lines, or the copy of a leaf.
pub(crate) fn beside(world: &World, rng: &mut Rng) -> Option<Attack> {
    let unit = unit(&world.files, rng, |unit| must_be_hot(world, unit) && unit.is_hot(&world.files))?;
    let mut names = vec![sidecar(&unit.plain()), sidecar(&unit.cold())];
    if !unit.is_facts() {
        names.extend([unit.leaves(), unit.manifest()]);
    }
    Some(remove(world, names[rng.below(names.len())].clone()))
}

/// The newest bundle, tile or checkpoint.
pub(crate) fn of_log(world: &World, rng: &mut Rng) -> Option<Attack> {
    let size = size_of(&world.files);
    let names = [bundle_name(size), format!("log/tile/0/000.p/{size}"), "log/checkpoint".to_owned()];
    Some(remove(world, names[rng.below(names.len())].clone()))
}

fn replaced(
    world: &World,
    rng: &mut Rng,
    fits: impl Fn(&Unit) -> bool,
    plain: bool,
    cold: bool,
) -> Option<Attack> {
    let mut files = world.files.clone();
    let unit = unit(&files, rng, fits)?;
    let edit = any_edit(&unit.content(&files), rng)?;
    let mut expected = Vec::new();
    let mut replace = |files: &mut Files, name: String, bytes: Vec<u8>| {
        files.insert(name.clone(), bytes);
        fit(files, &name);
        let mut found = Finding::new("replaced-file", name).of(&unit.day);
        // The lines of facts are hashed nowhere: with both forms gone nothing can say which.
        if !(unit.is_facts() && (plain == cold || !unit.is_hot(&world.files))) {
            found = found.at(edit.line);
        }
        expected.push(found);
    };
    if plain {
        replace(&mut files, unit.plain(), edit.content.clone());
    }
    if cold {
        replace(&mut files, unit.cold(), compress(&edit.content));
    }
    Some(Attack::new(files, expected))
}

pub(crate) fn replace_plain(world: &World, rng: &mut Rng) -> Option<Attack> {
    replaced(world, rng, |unit| unit.is_hot(&world.files), true, false)
}

pub(crate) fn replace_cold(world: &World, rng: &mut Rng) -> Option<Attack> {
    replaced(world, rng, |_| true, false, true)
}

pub(crate) fn replace_both(world: &World, rng: &mut Rng) -> Option<Attack> {
    replaced(world, rng, |unit| unit.is_hot(&world.files), true, true)
}

pub(crate) fn foreign(world: &World, rng: &mut Rng) -> Option<Attack> {
    let mut files = world.files.clone();
    let unit = unit(&files, rng, |unit| !unit.is_facts() && !unit.is_supplement())?;
    let noise = rng.next();
    let name = match rng.below(9) {
        0 => format!("hot/notes-{noise}.txt"),
        1 => format!("cold/core.{noise}"),
        2 => format!("hot/audit-{}.jsonl.{noise}", unit.day),
        3 => format!("cold/audit-{}.facts.leaves", unit.day),
        4 => format!("cold/audit-{}.jsonl", unit.day),
        5 => format!("log/{noise}"),
        6 => format!("log/checkpoints/x{noise}"),
        7 => format!("log/cosignatures/{noise}.txt"),
        _ => format!("log/tile/0/y{noise}"),
    };
    files.insert(name.clone(), forged_line(rng));
    Some(Attack::new(files, vec![Finding::new("foreign-file", name).by_name()]))
}
