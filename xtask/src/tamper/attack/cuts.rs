//! The end of one file.

use super::{Attack, Finding};
use crate::hand::{Unit, file, line_at, unit};
use crate::rng::Rng;
use crate::world::World;

fn any(world: &World, rng: &mut Rng, class: &str, fits: impl Fn(&str) -> bool) -> Option<Attack> {
    let mut files = world.files.clone();
    let name = file(&files, rng, fits)?;
    let bytes = files.get_mut(&name)?;
    bytes.truncate(rng.below(bytes.len()));
    Some(Attack::new(files, vec![Finding::new(class, name).by_name()]))
}

fn plain(world: &World, rng: &mut Rng, fits: impl Fn(&Unit) -> bool) -> Option<Attack> {
    let mut files = world.files.clone();
    let unit =
        unit(&files, rng, |unit| fits(unit) && files.get(&unit.plain()).is_some_and(|b| !b.is_empty()))?;
    let bytes = files.get_mut(&unit.plain())?;
    let at = rng.below(bytes.len());
    let line = line_at(bytes, at);
    bytes.truncate(at);
    Some(Attack::new(files, vec![Finding::new("truncated", unit.plain()).of(&unit.day).at(line)]))
}

pub(crate) fn events(world: &World, rng: &mut Rng) -> Option<Attack> {
    plain(world, rng, |unit| !unit.is_facts())
}

pub(crate) fn facts(world: &World, rng: &mut Rng) -> Option<Attack> {
    plain(world, rng, Unit::is_facts)
}

fn has_plain(world: &World, cold: &str) -> bool {
    world.files.contains_key(&cold.replace("cold/", "hot/").replace(".zst", ""))
}

pub(crate) fn cold(world: &World, rng: &mut Rng) -> Option<Attack> {
    any(world, rng, "truncated", |name| name.ends_with(".zst") && has_plain(world, name))
}

pub(crate) fn cold_alone(world: &World, rng: &mut Rng) -> Option<Attack> {
    any(world, rng, "truncated", |name| name.ends_with(".zst") && !has_plain(world, name))
}

pub(crate) fn sidecars(world: &World, rng: &mut Rng) -> Option<Attack> {
    any(world, rng, "checksum-file", |name| name.ends_with(".sha256"))
}

pub(crate) fn leaves(world: &World, rng: &mut Rng) -> Option<Attack> {
    any(world, rng, "truncated", |name| name.ends_with(".leaves"))
}

pub(crate) fn manifest(world: &World, rng: &mut Rng) -> Option<Attack> {
    any(world, rng, "manifest", |name| name.ends_with(".manifest.json"))
}

pub(crate) fn bundle(world: &World, rng: &mut Rng) -> Option<Attack> {
    any(world, rng, "tile", |name| name.starts_with("log/tile/entries/"))
}

pub(crate) fn tile(world: &World, rng: &mut Rng) -> Option<Attack> {
    any(world, rng, "tile", |name| name.starts_with("log/tile/0/"))
}

pub(crate) fn checkpoint(world: &World, rng: &mut Rng) -> Option<Attack> {
    any(world, rng, "truncated", |name| name == "log/checkpoint")
}

pub(crate) fn copy(world: &World, rng: &mut Rng) -> Option<Attack> {
    let mut attack = any(world, rng, "truncated", |name| name.starts_with("log/checkpoints/"))?;
    // Where two keys have signed, one passes the log on to the other, and only the first one's signature shows it.
    let name = attack.expected.first()?.file.clone();
    let feeds = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
    if feeds(&world.files[&name]) == 6 && feeds(&attack.files[&name]) < 5 {
        attack.expected.push(Finding::new("key-swap", name));
    }
    Some(attack)
}

pub(crate) fn cosignature(world: &World, rng: &mut Rng) -> Option<Attack> {
    any(world, rng, "signature", |name| name.starts_with("log/cosignatures/"))
}
