//! The log itself: another history, an older one, another clock, another key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::lines::any_edit;
use super::{Attack, Finding};
use crate::files::Files;
use crate::forge::{
    Key, body, bundle_name, entries, is_kind, note, reseal, rewrite, size_of, text_field, time_of,
};
use crate::hand::{Unit, day_of, instant, seconds, unit};
use crate::rng::Rng;
use crate::world::{Past, World};

/// As findings call what the auditor brought.
const KEPT: &str = "the checkpoint kept from before";
const COSIGNATURES: &str = "log/cosignatures/";
const COPIES: &str = "log/checkpoints/";

fn keys(world: &World) -> Vec<Key> {
    (1..=world.keys).map(Key::of_log).collect()
}

/// The size that a cosignature, or a copy of a checkpoint, is of.
fn size_in(name: &str, directory: &str) -> Option<usize> {
    name.strip_prefix(directory)?.split('.').next()?.parse().ok()
}

fn of_size(files: &Files, directory: &str, fits: impl Fn(usize) -> bool) -> Vec<String> {
    files.keys().filter(|name| size_in(name, directory).is_some_and(&fits)).cloned().collect()
}

/// Another day is sealed in place of one, with the log's key. Gives the first leaf that differs.
fn other_history(world: &World, rng: &mut Rng) -> Option<(Files, usize)> {
    let mut files = world.files.clone();
    let mut entries = entries(&files);
    let unit = unit(&files, rng, |unit| !unit.is_facts())?;
    let edit = any_edit(&unit.content(&files), rng)?;
    let index = reseal(&mut files, &mut entries, &unit, &edit.content)?;
    rewrite(&mut files, &entries, &keys(world), &keys(world));
    Some((files, index))
}

fn forget_witnesses(files: &mut Files, from: usize) {
    for name in of_size(files, COSIGNATURES, |size| size >= from) {
        files.remove(&name);
    }
}

pub(crate) fn rewrite_witnessed(world: &World, rng: &mut Rng) -> Option<Attack> {
    let (files, index) = other_history(world, rng)?;
    let witnessed = of_size(&files, COSIGNATURES, |size| size > index);
    let expected = witnessed.into_iter().map(|name| Finding::new("rewritten-log", name)).collect();
    Some(Attack::new(files, expected))
}

fn checkpoint(past: &Past) -> Option<String> {
    past.files.get("log/checkpoint").map(|text| String::from_utf8_lossy(text).into_owned())
}

pub(crate) fn rewrite_since(world: &World, rng: &mut Rng) -> Option<Attack> {
    let (mut files, index) = other_history(world, rng)?;
    forget_witnesses(&mut files, 0);
    let kept: Vec<&Past> = world.past.iter().filter(|past| size_of(&past.files) > index).collect();
    let kept = kept[rng.below(kept.len())];
    let class = if size_of(&kept.files) == size_of(&files) { "split-view" } else { "rewritten-log" };
    let mut attack = Attack::new(files, vec![Finding::new(class, KEPT)]);
    attack.since = checkpoint(kept);
    Some(attack)
}

/// Two histories of one size, the other one known from what the auditor kept or from a copy that was left.
pub(crate) fn split_view(world: &World, rng: &mut Rng) -> Option<Attack> {
    let (mut files, _) = other_history(world, rng)?;
    forget_witnesses(&mut files, 0);
    let copy = format!("{COPIES}{}", size_of(&files));
    if rng.chance(0.5) {
        files.insert(copy.clone(), world.files[&copy].clone());
        return Some(Attack::new(files, vec![Finding::new("split-view", copy)]));
    }
    let mut attack = Attack::new(files, vec![Finding::new("split-view", KEPT)]);
    attack.since = world.past.last().and_then(checkpoint);
    Some(attack)
}

/// An earlier state of the archive, whole.
fn earlier<'w>(world: &'w World, rng: &mut Rng, fits: impl Fn(&Past) -> bool) -> Option<&'w Past> {
    let now = size_of(&world.files);
    let all: Vec<&Past> = world.past.iter().filter(|past| size_of(&past.files) < now && fits(past)).collect();
    (!all.is_empty()).then(|| all[rng.below(all.len())])
}

pub(crate) fn roll_back_since(world: &World, rng: &mut Rng) -> Option<Attack> {
    let past = earlier(world, rng, |_| true)?;
    let mut attack = Attack::new(past.files.clone(), vec![Finding::new("rolled-back", KEPT)]);
    attack.since = world.past.last().and_then(checkpoint);
    Some(attack)
}

/// Some files of later sizes were left.
fn left(world: &World, rng: &mut Rng, directory: &str) -> Option<Attack> {
    let past = earlier(world, rng, |_| true)?;
    let size = size_of(&past.files);
    let mut later = of_size(&world.files, directory, |of| of > size);
    while later.len() > 1 && rng.chance(0.5) {
        later.remove(rng.below(later.len()));
    }
    let mut files = past.files.clone();
    for name in &later {
        files.insert(name.clone(), world.files[name].clone());
    }
    let expected = later.into_iter().map(|name| Finding::new("rolled-back", name)).collect();
    Some(Attack::new(files, expected))
}

pub(crate) fn roll_back_copy(world: &World, rng: &mut Rng) -> Option<Attack> {
    left(world, rng, COPIES)
}

pub(crate) fn roll_back_cosignature(world: &World, rng: &mut Rng) -> Option<Attack> {
    left(world, rng, COSIGNATURES)
}

pub(crate) fn roll_back_age(world: &World, rng: &mut Rng) -> Option<Attack> {
    const DAY: i64 = 26 * 3600;
    let now = world.now.as_millis() / 1000;
    let past = earlier(world, rng, |past| past.at.as_millis() / 1000 + DAY < now)?;
    let mut attack = Attack::new(past.files.clone(), vec![Finding::new("stale", "log/checkpoint")]);
    attack.max_age = Some(DAY);
    Some(attack)
}

/// When a witness last said to have seen the log, in seconds since 1970.
fn last_seen(files: &Files) -> Option<i64> {
    let times = files.iter().filter(|(name, _)| name.starts_with(COSIGNATURES)).filter_map(|(_, line)| {
        let text = String::from_utf8_lossy(line).into_owned();
        let bytes = STANDARD.decode(text.trim_end().rsplit(' ').next()?).ok()?;
        Some(i64::from_be_bytes(bytes.get(4..12)?.try_into().ok()?))
    });
    times.max()
}

/// One more leaf, signed.
fn extended(world: &World, leaf: impl Fn(usize) -> String, signer: &[Key]) -> (Files, usize) {
    let mut files = world.files.clone();
    let mut entries = entries(&files);
    let index = entries.len();
    entries.push(leaf(index));
    rewrite(&mut files, &entries, &keys(world), signer);
    (files, index)
}

/// A leaf that says to be older than a witness's look at a log without it.
pub(crate) fn backdate_after_witness(world: &World, rng: &mut Rng) -> Option<Attack> {
    let before = seconds(time_of(entries(&world.files).last()?)?);
    let seen = last_seen(&world.files)? - 601;
    if seen <= before {
        return None;
    }
    let at = instant(rng.between(before, seen));
    let hold = |index| {
        format!(
            r#"{{"kind":"legal_hold","v":1,"index":{index},"at":"{at}","id":"old","from":"2026-01-02","to":null,"reason":"","by":""}}"#
        )
    };
    let (files, index) = extended(world, hold, &keys(world));
    Some(Attack::new(files, vec![Finding::new("backdated", bundle_name(index + 1))]))
}

/// A day that was sealed before it was over.
pub(crate) fn backdate_day(world: &World, rng: &mut Rng) -> Option<Attack> {
    let mut files = world.files.clone();
    let mut entries = entries(&files);
    let index = entries.iter().rposition(|entry| is_kind(entry, "day"))?;
    let day = text_field(&entries[index], "day")?.to_owned();
    let end = seconds(&format!("{day}T00:00:00Z")) + 86_400;
    let at = instant(end - rng.between(1, 3600));
    let old = time_of(&entries[index])?.to_owned();
    entries[index] =
        entries[index].replace(&format!("\"sealed_at\":\"{old}\""), &format!("\"sealed_at\":\"{at}\""));
    let copy = format!("hot/audit-{day}.manifest.json");
    if files.contains_key(&copy) {
        files.insert(copy, format!("{}\n", entries[index]).into_bytes());
    }
    rewrite(&mut files, &entries, &keys(world), &keys(world));
    forget_witnesses(&mut files, index + 1);
    Some(Attack::new(files, vec![Finding::new("backdated", bundle_name(entries.len())).of(&day)]))
}

/// The newest checkpoint, signed by somebody else under the log's name.
pub(crate) fn swap_checkpoint_key(world: &World, rng: &mut Rng) -> Option<Attack> {
    let mut files = world.files.clone();
    let text = note(&body(&entries(&files)), &[&Key::stranger(1)]).into_bytes();
    let mut expected = vec![Finding::new("key-swap", "log/checkpoint")];
    files.insert("log/checkpoint".to_owned(), text.clone());
    if rng.chance(0.5) {
        let copy = format!("{COPIES}{}", size_of(&files));
        expected.push(Finding::new("key-swap", &copy));
        files.insert(copy, text);
    }
    Some(Attack::new(files, expected))
}

/// The whole log, as if it had always been somebody else's.
pub(crate) fn swap_whole_log(world: &World, _: &mut Rng) -> Option<Attack> {
    let mut files = world.files.clone();
    let mut entries = entries(&files);
    let strangers: Vec<Key> = (1..=world.keys).map(Key::stranger).collect();
    for (known, stranger) in keys(world).iter().zip(&strangers) {
        for entry in &mut entries {
            *entry = entry.replace(&known.text(), &stranger.text());
        }
    }
    rewrite(&mut files, &entries, &keys(world), &strangers);
    files.insert("log/vkey".to_owned(), format!("{}\n", strangers[0].text()).into_bytes());
    forget_witnesses(&mut files, 0);
    Some(Attack::new(files, vec![Finding::new("key-swap", "log/checkpoint")]))
}

/// A rotation that the key before it has not signed.
pub(crate) fn forge_rotation(world: &World, _: &mut Rng) -> Option<Attack> {
    let (from, to) = (Key::of_log(world.keys).text(), Key::stranger(1).text());
    let at = instant(world.now.as_millis() / 1000);
    let rotation = |index| {
        format!(
            r#"{{"kind":"key_rotation","v":1,"index":{index},"at":"{at}","from":"{from}","to":"{to}","reason":"x"}}"#
        )
    };
    let mut signers: Vec<Key> = keys(world);
    signers.push(Key::stranger(1));
    let (files, index) = extended(world, rotation, &signers);
    Some(Attack::new(files, vec![Finding::new("key-swap", format!("{COPIES}{}", index + 1))]))
}

pub(crate) fn purge_under_hold(world: &World, rng: &mut Rng) -> Option<Attack> {
    let held: Vec<String> = world.held.iter().map(ToString::to_string).collect();
    let is_held = |unit: &Unit| !unit.is_facts() && !unit.is_supplement() && held.contains(&unit.day);
    let day = unit(&world.files, rng, is_held)?.day;
    let sealed = entries(&world.files);
    let field = format!("\"day\":\"{day}\"");
    let leaf = sealed.iter().position(|entry| is_kind(entry, "day") && entry.contains(&field))?;
    let at = instant(world.now.as_millis() / 1000);
    let purge = |index| {
        format!(
            r#"{{"kind":"purge","v":1,"index":{index},"at":"{at}","days":[{{"day":"{day}","leaf":{leaf}}}],"retention":{{"hot_days":0,"cold_days":0}},"reason":"","by":""}}"#
        )
    };
    let (mut files, index) = extended(world, purge, &keys(world));
    files.retain(|name, _| day_of(name).as_deref() != Some(day.as_str()));
    Some(Attack::new(files, vec![Finding::new("manifest", bundle_name(index + 1)).of(&day)]))
}
