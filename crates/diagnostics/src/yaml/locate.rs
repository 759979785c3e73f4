use std::ops::Range;

use serde_path_to_error::Segment;

use super::tree::{Kind, NodeId, Tree};
use super::within::offsets;
use crate::Source;

/// One step on the way to a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathSegment {
    /// Into a mapping, by key.
    Key(String),
    /// Into a list, from 0.
    Index(usize),
}

impl From<&str> for PathSegment {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<String> for PathSegment {
    fn from(key: String) -> Self {
        Self::Key(key)
    }
}

impl From<usize> for PathSegment {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// The place of the value at a path, in bytes; aliases and merges are followed. `None` where there is no
/// such value, or the text is no YAML.
///
/// ```
/// use assurance_diagnostics::{Source, yaml};
///
/// let source = Source::new("rules.yml", "groups:\n- name: a\n  rules: []\n");
/// let at = yaml::locate(&source, &["groups".into(), 0.into(), "name".into()]).unwrap();
/// assert_eq!(&source.text()[at], "a");
/// ```
pub fn locate(source: &Source, path: &[PathSegment]) -> Option<Range<usize>> {
    let tree = source.yaml().as_ref().ok()?;
    let (_, value) = walk(tree, path)?;
    Some(source.clamp(&tree.node(value).span))
}

/// The place of the key of the value at a path; of the value itself where it stands in a list.
pub fn locate_key(source: &Source, path: &[PathSegment]) -> Option<Range<usize>> {
    let tree = source.yaml().as_ref().ok()?;
    let (key, value) = walk(tree, path)?;
    Some(source.clamp(&tree.node(key.unwrap_or(value)).span))
}

/// The place of a part of the text value at a path: `len` bytes from byte `offset_in_value` of the value as
/// it was read.
///
/// Follows the value through quotes, escapes, folding and the indentation of blocks. Where it cannot, it
/// gives the whole value's place. An offset behind the end of the value gives the place behind its last
/// character.
pub fn locate_within(
    source: &Source,
    path: &[PathSegment],
    offset_in_value: usize,
    len: usize,
) -> Option<Range<usize>> {
    let tree = source.yaml().as_ref().ok()?;
    let (_, value) = walk(tree, path)?;
    let target = tree.node(tree.resolve(value));
    let exact = match &target.kind {
        Kind::Scalar { value, style, .. } => {
            let text = source.text();
            let line_start = text[..target.span.start].rfind('\n').map_or(0, |at| at + 1);
            let indent = target.span.start - line_start;
            offsets(&text[target.span.clone()], value, *style, indent).map(|map| {
                let start = map.start(offset_in_value);
                let end = map.end(offset_in_value.saturating_add(len)).max(start);
                target.span.start + start..target.span.start + end
            })
        }
        _ => None,
    };
    Some(source.clamp(&exact.unwrap_or_else(|| tree.node(value).span.clone())))
}

fn walk(tree: &Tree, path: &[PathSegment]) -> Option<(Option<NodeId>, NodeId)> {
    let mut at = (None, tree.root?);
    for segment in path {
        let here = tree.resolve(at.1);
        at = match (segment, &tree.node(here).kind) {
            (PathSegment::Index(index), Kind::Sequence(items)) => (None, *items.get(*index)?),
            (PathSegment::Key(key), Kind::Mapping(_)) => {
                let mut steps = MAX_MERGE_STEPS;
                let (key, value) = find(tree, here, key, &mut steps)?;
                (Some(key), value)
            }
            _ => return None,
        };
    }
    Some(at)
}

/// The node at the path of an error, as far as the path is known.
pub(super) fn follow(tree: &Tree, path: &serde_path_to_error::Path) -> Option<NodeId> {
    let mut known = Vec::new();
    for segment in path {
        known.push(match segment {
            Segment::Seq { index } => PathSegment::Index(*index),
            Segment::Map { key } => PathSegment::Key(key.clone()),
            Segment::Enum { .. } | Segment::Unknown => break,
        });
    }
    walk(tree, &known).map(|(_, value)| value)
}

/// Mappings looked into for one key: merges can name the same mapping again and again.
const MAX_MERGE_STEPS: usize = 10_000;

fn find(tree: &Tree, mapping: NodeId, wanted: &str, steps: &mut usize) -> Option<(NodeId, NodeId)> {
    *steps = steps.checked_sub(1)?;
    let Kind::Mapping(pairs) = &tree.node(mapping).kind else { return None };
    let own = |(key, _): &&(NodeId, NodeId)| !tree.is_merge(*key) && tree.key_text(*key) == Some(wanted);
    if let Some(pair) = pairs.iter().find(own) {
        return Some(*pair);
    }
    for (_, merged) in pairs.iter().filter(|(key, _)| tree.is_merge(*key)) {
        let merged = tree.resolve(*merged);
        let found = match &tree.node(merged).kind {
            Kind::Sequence(items) => {
                items.iter().find_map(|item| find(tree, tree.resolve(*item), wanted, steps))
            }
            _ => find(tree, merged, wanted, steps),
        };
        if found.is_some() {
            return found;
        }
    }
    None
}
