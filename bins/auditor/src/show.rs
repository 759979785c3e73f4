//! `show`: the leaves of the log, for people.

use assurance_evidence::audit;
use assurance_evidence::manifest::Leaf;

use crate::args::{Format, Show};
use crate::talk::{self, Exit, failed, print};

pub(crate) fn run(args: &Show) -> Exit {
    match show(args) {
        Ok(()) => Exit::Done,
        Err(exit) => exit,
    }
}

fn show(args: &Show) -> Result<(), Exit> {
    let storage = talk::open(&args.archive.path())?;
    let entries = audit::leaves(&storage)
        .map_err(|error| failed(Exit::Storage, error))?
        .map_err(|finding| failed(Exit::Integrity, format_args!("{finding}; `verify` says more")))?;
    let mut shown = false;
    for (index, entry) in entries.iter().enumerate() {
        let text = String::from_utf8_lossy(entry);
        let leaf = Leaf::decode(entry)
            .map_err(|error| failed(Exit::Integrity, format_args!("leaf {index}: {error}")))?;
        match &args.leaf {
            Some(wanted) if !is(&leaf, index, wanted) => continue,
            Some(_) => print(text),
            None if args.output == Format::Json => print(text),
            None => print(format_args!("{index:>6}  {}  {}", leaf.at(), line(&leaf))),
        }
        shown = true;
    }
    match &args.leaf {
        Some(wanted) if !shown => {
            Err(failed(Exit::Usage, format_args!("no leaf is {wanted}; `show` without --leaf lists them")))
        }
        _ => Ok(()),
    }
}

fn is(leaf: &Leaf, index: usize, wanted: &str) -> bool {
    wanted == index.to_string()
        || match leaf {
            Leaf::Day(leaf) => leaf.day.to_string() == wanted,
            Leaf::Supplement(leaf) => leaf.day.to_string() == wanted,
            _ => false,
        }
}

fn line(leaf: &Leaf) -> String {
    match leaf {
        Leaf::Start(leaf) => match &leaf.succeeds {
            None => format!("start        {} from {} on", leaf.origin, leaf.first_day),
            Some(old) => format!("start        {} goes on from {}: {}", leaf.origin, old.origin, old.reason),
        },
        Leaf::Day(leaf) => {
            let missing = if leaf.complete { "" } else { ", events may be missing" };
            format!("day          {}, {} events{missing}", leaf.day, leaf.events.lines)
        }
        Leaf::Supplement(leaf) => {
            format!("supplement   {} of {}, {} events", leaf.number, leaf.day, leaf.events.lines)
        }
        Leaf::KeyRotation(leaf) => format!("key rotation to {}: {}", leaf.to, leaf.reason),
        Leaf::LegalHold(leaf) => {
            let to = leaf.to.map_or_else(|| "on".to_owned(), |to| format!("to {to}"));
            format!("legal hold   {} from {} {to}, by {}: {}", leaf.id, leaf.from, leaf.by, leaf.reason)
        }
        Leaf::Release(leaf) => format!("release      {}, by {}: {}", leaf.id, leaf.by, leaf.reason),
        Leaf::Purge(leaf) => {
            format!("purge        {} days, by {}: {}", leaf.days.len(), leaf.by, leaf.reason)
        }
        _ => "of a kind that this program does not show".to_owned(),
    }
}
