//! Every class of tampering, and what the verifier must say of it.

pub(crate) mod bits;
pub(crate) mod chain;
pub(crate) mod cuts;
pub(crate) mod lines;
pub(crate) mod whole;

use crate::files::Files;
use crate::rng::Rng;
use crate::world::World;

/// What must be found: exactly these, and nothing else that says that something is not what was sealed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) class: String,
    pub(crate) file: String,
    pub(crate) day: Option<String>,
    pub(crate) line: Option<u64>,
}

impl Finding {
    pub(crate) fn new(class: &str, file: impl Into<String>) -> Self {
        Self { class: class.to_owned(), file: file.into(), day: None, line: None }
    }

    pub(crate) fn of(mut self, day: &str) -> Self {
        self.day = Some(day.to_owned());
        self
    }

    /// The day that the file's name has, if any.
    pub(crate) fn by_name(mut self) -> Self {
        self.day = crate::hand::day_of(&self.file);
        self
    }

    pub(crate) fn at(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }
}

/// An archive that was tampered with.
#[derive(Clone, Debug)]
pub(crate) struct Attack {
    pub(crate) files: Files,
    /// The checkpoint that the auditor kept, if that is what it takes.
    pub(crate) since: Option<String>,
    /// The age in seconds that the auditor allows, if that is what it takes.
    pub(crate) max_age: Option<i64>,
    pub(crate) expected: Vec<Finding>,
}

impl Attack {
    pub(crate) fn new(files: Files, expected: Vec<Finding>) -> Self {
        Self { files, since: None, max_age: None, expected }
    }
}

/// Tampers with an archive; nothing where it has nothing of the kind.
pub(crate) type Tamper = fn(&World, &mut Rng) -> Option<Attack>;

/// A class: its name, what the findings are named, and how it is done.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) found: &'static str,
    pub(crate) tamper: Tamper,
}

const fn kind(name: &'static str, found: &'static str, tamper: Tamper) -> Kind {
    Kind { name, found, tamper }
}

/// All classes.
pub(crate) const KINDS: &[Kind] = &[
    kind("flip-events", "bit-flip, with the line", bits::events),
    kind(
        "flip-events-alone",
        "bit-flip without a line where the compressed form is gone, too",
        bits::events_alone,
    ),
    kind("flip-facts", "bit-flip, with the line", bits::facts),
    kind("flip-cold", "bit-flip", bits::cold),
    kind("flip-cold-alone", "bit-flip, found by trying where the plain form is gone", bits::cold_alone),
    kind("flip-sidecar", "bit-flip", bits::sidecars),
    kind("flip-leaves", "bit-flip", bits::leaves),
    kind("flip-manifest", "bit-flip", bits::manifest),
    kind("flip-bundle", "bit-flip", bits::bundle),
    kind("flip-tile", "bit-flip", bits::tile),
    kind("flip-checkpoint", "bit-flip", bits::checkpoint),
    kind("flip-checkpoint-copy", "bit-flip", bits::copy),
    kind("flip-cosignature", "bit-flip", bits::cosignature),
    kind("flip-vkey", "bit-flip", bits::vkey),
    kind("cut-events", "truncated, at the first line that is not whole", cuts::events),
    kind("cut-facts", "truncated, at the first line that is not whole", cuts::facts),
    kind("cut-cold", "truncated", cuts::cold),
    kind("cut-cold-alone", "truncated", cuts::cold_alone),
    kind("cut-sidecar", "checksum-file: the evidence is there", cuts::sidecars),
    kind("cut-leaves", "truncated", cuts::leaves),
    kind("cut-manifest", "manifest: the leaf is in the log", cuts::manifest),
    kind("cut-bundle", "tile: no bundle of so many entries", cuts::bundle),
    kind("cut-tile", "tile: not the hashes of the entries", cuts::tile),
    kind("cut-checkpoint", "truncated", cuts::checkpoint),
    kind("cut-checkpoint-copy", "truncated; and key-swap, if it passed the log to another key", cuts::copy),
    kind("cut-cosignature", "signature: no line of a cosignature", cuts::cosignature),
    kind("reorder-lines", "reordered-lines", lines::reorder),
    kind("insert-lines", "inserted-lines", lines::insert),
    kind("delete-lines", "deleted-lines; truncated where they were the last", lines::delete),
    kind("change-lines", "changed-lines", lines::change),
    kind("lines-of-facts", "as in events", lines::facts),
    kind("lines-in-cold", "as in the plain form, of the compressed file", lines::cold),
    kind("lines-in-cold-alone", "the same, by the kept hashes of lines", lines::cold_alone),
    kind("lines-in-both", "the same for both forms, by the kept hashes of lines", lines::both),
    kind("append-garbage", "appended-after-frame", whole::append_garbage),
    kind("append-frame", "appended-after-frame", whole::append_frame),
    kind("append-skippable", "appended-after-frame", whole::append_skippable),
    kind("append-and-fit", "appended-after-frame, though the checksum file fits", whole::append_and_fit),
    kind("delete-day", "missing-day, once for the day and once for each supplement", whole::day),
    kind("delete-supplement", "missing-day, with the supplement's name", whole::supplement),
    kind("delete-plain", "missing-file", whole::plain),
    kind("delete-cold", "missing-file", whole::cold),
    kind("delete-beside", "missing-file", whole::beside),
    kind("delete-from-log", "missing-file", whole::of_log),
    kind("replace-plain", "replaced-file, with the first line", whole::replace_plain),
    kind("replace-cold", "replaced-file, with the first line", whole::replace_cold),
    kind("replace-both", "replaced-file for both", whole::replace_both),
    kind("foreign-file", "foreign-file", whole::foreign),
    kind("unrecorded-purge", "missing-day", whole::purge),
    kind("rewrite-witnessed", "rewritten-log, at each cosignature of what was", chain::rewrite_witnessed),
    kind(
        "rewrite-since",
        "rewritten-log; split-view where the kept checkpoint is as long",
        chain::rewrite_since,
    ),
    kind("roll-back-since", "rolled-back", chain::roll_back_since),
    kind("roll-back-copy", "rolled-back, at each larger checkpoint", chain::roll_back_copy),
    kind("roll-back-cosignature", "rolled-back, at each larger cosignature", chain::roll_back_cosignature),
    kind("roll-back-age", "stale (exit 7): nothing else is left that knows better", chain::roll_back_age),
    kind("split-view", "split-view", chain::split_view),
    kind("backdate-after-witness", "backdated", chain::backdate_after_witness),
    kind("backdate-day", "backdated", chain::backdate_day),
    kind("swap-checkpoint-key", "key-swap", chain::swap_checkpoint_key),
    kind("swap-whole-log", "key-swap", chain::swap_whole_log),
    kind("forge-rotation", "key-swap, at the checkpoint that should pass the log on", chain::forge_rotation),
    kind("purge-under-hold", "manifest: a leaf that the rules forbid", chain::purge_under_hold),
];
