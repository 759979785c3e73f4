//! The one door to YAML.
//!
//! [`parse`] reads a document into any type; [`locate`], [`locate_key`] and [`locate_within`] find the place
//! of a value again, so that later findings (in a rule's expression, say) can point at it too.
//!
//! The text is read twice. `saphyr-parser` gives the tree with the place of every node; duplicate keys,
//! aliases, `<<` merges and all bounds are dealt with there. The tree is then written out in a plain form
//! and `serde_yaml` reads that into the type: the offset in its errors leads back to the node.

mod bool;
mod comments;
mod emit;
mod locate;
mod tree;
mod within;

use std::ops::Range;

use serde::de::DeserializeOwned;

pub use bool::{Bool, deserialize_bool};
pub use comments::comments;
pub use locate::{PathSegment, locate, locate_key, locate_within};
pub(crate) use tree::{Loaded, load};

use tree::Tree;

use crate::{Diagnostic, Source, suggest};

/// Largest text that is read: 10 MiB hold some 40,000 alerting rules of 250 bytes.
pub const MAX_BYTES: usize = 10 << 20;

/// How deep lists and mappings may be nested. A rule file needs 5, a scrape configuration 8; the reader
/// below stops at 128 of its own.
pub const MAX_DEPTH: usize = 64;

/// What aliases and merges may add to a document: 4 MiB of text. Nine levels of nine aliases each, the
/// usual bomb, would be a gigabyte.
pub const MAX_ALIAS_BYTES: usize = 4 << 20;

/// Something wrong with a document, before it has a file's name.
#[derive(Clone, Debug)]
pub(crate) struct Flaw {
    span: Option<Range<usize>>,
    message: String,
    label: Option<String>,
    help: Option<String>,
}

impl Flaw {
    fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span: Some(span), message: message.into(), label: None, help: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn to_diagnostic(&self, source: &Source) -> Diagnostic {
        let mut found = Diagnostic::error(source, self.span.clone(), self.message.clone());
        found.label = self.label.as_deref().map(Into::into);
        found.help = self.help.as_deref().map(Into::into);
        found
    }
}

/// Reads the one document of a text into a type. An empty text is read as an empty mapping is.
///
/// A key given twice in one mapping is an error at any depth, `<<` merges are applied, and the fields of a
/// type with `deny_unknown_fields` are checked with a suggestion where one is near.
///
/// # Errors
/// The first flaw, at its place.
pub fn parse<T: DeserializeOwned>(source: &Source) -> Result<T, Diagnostic> {
    let tree = source.yaml().as_ref().map_err(|flaw| flaw.to_diagnostic(source))?;
    let plain = emit::emit(tree).map_err(|flaw| flaw.to_diagnostic(source))?;
    let reader = serde_yaml::Deserializer::from_str(&plain.text);
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let path = error.path().clone();
        let error = error.into_inner();
        let node = error.location().and_then(|at| plain.origin(at.index()));
        // A type's own refusal (no duration, no regular expression) is only known to be somewhere inside of
        // the list or mapping; the path says where.
        let node = match node {
            Some(node) if !tree.is_scalar(node) => locate::follow(tree, &path).or(Some(node)),
            node => node,
        };
        describe(&error, tree, &plain, node.map(|node| tree.node(node).span.clone())).to_diagnostic(source)
    })
}

/// Turns an error about the plain form into one about the file.
fn describe(error: &serde_yaml::Error, tree: &Tree, plain: &emit::Plain, span: Option<Range<usize>>) -> Flaw {
    let mut message = error.to_string();
    if let Some(at) = error.location() {
        let tail = format!(" at line {} column {}", at.line(), at.column());
        if let Some(cut) = message.strip_suffix(&tail) {
            message.truncate(cut.len());
        }
        // The reader names the path before the message; the place says it better.
        if let Some(path) = plain.path_prefix(tree, at.index(), &message) {
            message.drain(..path);
        }
    }
    let message = expectation(&message).unwrap_or(message);
    let mut flaw = Flaw { span, message, label: None, help: None };
    for kind in ["unknown field", "unknown variant"] {
        if let Some((wrong, expected)) = unknown(&flaw.message, kind) {
            flaw.help = match suggest(&wrong, expected.iter().map(String::as_str)) {
                Some(near) => Some(format!("did you mean `{near}`?")),
                None if expected.is_empty() => None,
                None => Some(format!("expected one of: {}", expected.join(", "))),
            };
            flaw.message = format!("{kind} `{wrong}`");
        }
    }
    flaw
}

/// Says serde's "invalid type: X, expected Y" in the words of YAML.
fn expectation(message: &str) -> Option<String> {
    let rest = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "))?;
    let (found, expected) = rest.rsplit_once(", expected ")?;
    let found = match found {
        "unit value" => "nothing",
        "sequence" => "a list",
        "map" => "a mapping",
        // What remains is `string "x"`, "integer `5`" and the like.
        other => other.split_once(' ').map_or(other, |(_, value)| value),
    };
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a string" => "a text",
        "a sequence" => "a list",
        "a map" => "a mapping",
        other if other.starts_with("struct ") => "a mapping",
        other => other,
    };
    Some(format!("expected {expected}, found {found}"))
}

/// Takes serde's "unknown field `x`, expected one of `a`, `b`" apart.
fn unknown(message: &str, kind: &str) -> Option<(String, Vec<String>)> {
    let rest = message.strip_prefix(kind)?.strip_prefix(" `")?;
    let (wrong, rest) = rest.split_once("`, expected ").or_else(|| rest.split_once("`, there are no "))?;
    let expected = rest.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    Some((wrong.to_owned(), expected))
}
