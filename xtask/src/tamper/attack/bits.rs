//! One bit of one file.

use super::{Attack, Finding};
use crate::files::Files;
use crate::hand::{Unit, file, line_at, sidecar, unit};
use crate::rng::Rng;
use crate::world::World;

/// Flips a bit anywhere in a file, and gives where.
fn flip(files: &mut Files, name: &str, rng: &mut Rng) -> usize {
    let bytes = files.get_mut(name).expect("a file");
    let at = rng.below(bytes.len());
    bytes[at] ^= 1 << rng.below(8);
    at
}

/// A file of the log, or any other of which no more can be said than its name.
fn any(world: &World, rng: &mut Rng, fits: impl Fn(&str) -> bool) -> Option<Attack> {
    let mut files = world.files.clone();
    let name = file(&files, rng, fits)?;
    flip(&mut files, &name, rng);
    Some(Attack::new(files, vec![Finding::new("bit-flip", name).by_name()]))
}

fn plain(world: &World, rng: &mut Rng, fits: impl Fn(&Unit) -> bool) -> Option<Attack> {
    let mut files = world.files.clone();
    let unit =
        unit(&files, rng, |unit| fits(unit) && files.get(&unit.plain()).is_some_and(|b| !b.is_empty()))?;
    let at = flip(&mut files, &unit.plain(), rng);
    let line = line_at(&world.files[&unit.plain()], at);
    Some(Attack::new(files, vec![Finding::new("bit-flip", unit.plain()).of(&unit.day).at(line)]))
}

pub(crate) fn events(world: &World, rng: &mut Rng) -> Option<Attack> {
    plain(world, rng, |unit| !unit.is_facts())
}

pub(crate) fn facts(world: &World, rng: &mut Rng) -> Option<Attack> {
    plain(world, rng, Unit::is_facts)
}

/// The compressed form is gone as well.
pub(crate) fn events_alone(world: &World, rng: &mut Rng) -> Option<Attack> {
    let mut attack = events(world, rng)?;
    let found = attack.expected.pop()?;
    let cold = found.file.replace("hot/", "cold/") + ".zst";
    attack.files.remove(&cold);
    attack.files.remove(&sidecar(&cold));
    attack.expected = vec![Finding::new("missing-file", cold).by_name(), found];
    Some(attack)
}

pub(crate) fn cold(world: &World, rng: &mut Rng) -> Option<Attack> {
    any(world, rng, |name| {
        name.ends_with(".zst") && world.files.contains_key(&name.replace("cold/", "hot/").replace(".zst", ""))
    })
}

pub(crate) fn cold_alone(world: &World, rng: &mut Rng) -> Option<Attack> {
    any(world, rng, |name| {
        name.ends_with(".zst")
            && !world.files.contains_key(&name.replace("cold/", "hot/").replace(".zst", ""))
    })
}

pub(crate) fn sidecars(world: &World, rng: &mut Rng) -> Option<Attack> {
    any(world, rng, |name| name.ends_with(".sha256"))
}

pub(crate) fn leaves(world: &World, rng: &mut Rng) -> Option<Attack> {
    any(world, rng, |name| name.ends_with(".leaves"))
}

pub(crate) fn manifest(world: &World, rng: &mut Rng) -> Option<Attack> {
    any(world, rng, |name| name.ends_with(".manifest.json"))
}

pub(crate) fn bundle(world: &World, rng: &mut Rng) -> Option<Attack> {
    any(world, rng, |name| name.starts_with("log/tile/entries/"))
}

pub(crate) fn tile(world: &World, rng: &mut Rng) -> Option<Attack> {
    any(world, rng, |name| name.starts_with("log/tile/0/"))
}

pub(crate) fn checkpoint(world: &World, rng: &mut Rng) -> Option<Attack> {
    any(world, rng, |name| name == "log/checkpoint")
}

pub(crate) fn copy(world: &World, rng: &mut Rng) -> Option<Attack> {
    any(world, rng, |name| name.starts_with("log/checkpoints/"))
}

pub(crate) fn cosignature(world: &World, rng: &mut Rng) -> Option<Attack> {
    any(world, rng, |name| name.starts_with("log/cosignatures/"))
}

pub(crate) fn vkey(world: &World, rng: &mut Rng) -> Option<Attack> {
    any(world, rng, |name| name == "log/vkey")
}
