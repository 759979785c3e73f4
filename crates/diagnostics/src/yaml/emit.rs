use std::collections::HashSet;
use std::fmt::Write as _;

use saphyr_parser::ScalarStyle;

use super::tree::{Kind, NodeId, ScalarTag, Tree};
use super::{Flaw, MAX_ALIAS_BYTES, MAX_DEPTH};

/// A document in plain form: one line of ASCII, aliases and merges applied, every text quoted.
pub(super) struct Plain {
    pub(super) text: String,
    marks: Vec<Mark>,
}

/// A node and where its plain form begins.
struct Mark {
    at: usize,
    node: NodeId,
    /// The mark of the list or mapping it stands in.
    parent: Option<usize>,
    /// How `serde_yaml` writes the step from the parent.
    step: Step,
}

#[derive(Clone, Copy)]
enum Step {
    Top,
    Index(usize),
    /// A mapping's value under this key.
    Value(NodeId),
    /// A mapping's key.
    Key,
}

impl Plain {
    fn mark(&self, at: usize) -> Option<usize> {
        self.marks.partition_point(|m| m.at <= at).checked_sub(1)
    }

    /// What begins at an offset of the plain form.
    pub(super) fn origin(&self, at: usize) -> Option<NodeId> {
        self.mark(at).map(|m| self.marks[m].node)
    }

    /// How many bytes of `message` are the path of what begins at `at`, with the colon behind it.
    ///
    /// Some errors carry the path of a list or mapping around the place, so those are tried as well.
    pub(super) fn path_prefix(&self, tree: &Tree, at: usize, message: &str) -> Option<usize> {
        let mut mark = self.mark(at);
        while let Some(m) = mark {
            let path = self.path(tree, m);
            if message.strip_prefix(&path).is_some_and(|rest| rest.starts_with(": ")) {
                return Some(path.len() + 2);
            }
            mark = self.marks[m].parent;
        }
        None
    }

    /// The path of a node as `serde_yaml` writes it: `groups[0].rules[1].expr`.
    fn path(&self, tree: &Tree, mark: usize) -> String {
        let Mark { parent, step, .. } = self.marks[mark];
        let before = parent.map(|p| self.path(tree, p)).unwrap_or_default();
        match step {
            Step::Top => String::new(),
            Step::Key => before,
            Step::Index(index) if parent == Some(0) => format!(".[{index}]"),
            Step::Index(index) => format!("{before}[{index}]"),
            Step::Value(key) => {
                let key = tree.key_text(key).unwrap_or_default();
                if before.is_empty() { key.to_owned() } else { format!("{before}.{key}") }
            }
        }
    }
}

pub(super) fn emit(tree: &Tree) -> Result<Plain, Flaw> {
    let mut emitter = Emitter {
        tree,
        plain: Plain { text: String::new(), marks: Vec::new() },
        depth: 0,
        alias_depth: 0,
        budget: MAX_ALIAS_BYTES,
    };
    if let Some(root) = tree.root.filter(|root| !is_absent(tree, *root)) {
        emitter.node(root, None, Step::Top)?;
    }
    Ok(emitter.plain)
}

type Pair = (NodeId, NodeId);

struct Emitter<'a> {
    tree: &'a Tree,
    plain: Plain,
    depth: usize,
    /// How many aliases and merges we are inside of; what is written there is paid from the budget.
    alias_depth: usize,
    budget: usize,
}

impl<'a> Emitter<'a> {
    fn node(&mut self, id: NodeId, parent: Option<usize>, step: Step) -> Result<(), Flaw> {
        let tree = self.tree;
        let node = tree.node(id);
        if let Kind::Alias(target) = node.kind {
            self.alias_depth += 1;
            let result = self.node(target, parent, step);
            self.alias_depth -= 1;
            return result;
        }
        let mark = self.plain.marks.len();
        self.plain.marks.push(Mark { at: self.plain.text.len(), node: id, parent, step });
        if matches!(step, Step::Value(_)) {
            // Behind the mark, because an absent value has its place right behind the colon.
            self.plain.text.push(' ');
        }
        match &node.kind {
            Kind::Scalar { value, style, tag } => {
                let begin = self.plain.text.len();
                self.scalar(value, *style, *tag, step);
                self.pay(self.plain.text.len() - begin + 1, id)
            }
            Kind::Sequence(items) => {
                self.enter(id)?;
                self.plain.text.push('[');
                for (index, item) in items.iter().enumerate() {
                    self.node(*item, Some(mark), Step::Index(index))?;
                    self.plain.text.push(',');
                }
                self.plain.text.push(']');
                self.depth -= 1;
                self.pay(2, id)
            }
            Kind::Mapping(pairs) => {
                self.enter(id)?;
                self.plain.text.push('{');
                self.pairs(pairs, mark, &mut HashSet::new())?;
                self.plain.text.push('}');
                self.depth -= 1;
                self.pay(2, id)
            }
            Kind::Alias(_) => Ok(()),
        }
    }

    fn pair(&mut self, key: NodeId, value: NodeId, mark: usize) -> Result<(), Flaw> {
        // `? ` because a key without it may have at most 1024 characters.
        self.plain.text.push_str("? ");
        self.node(key, Some(mark), Step::Key)?;
        self.plain.text.push_str(" :");
        self.node(value, Some(mark), Step::Value(key))?;
        self.plain.text.push(',');
        Ok(())
    }

    /// Writes pairs whose keys are not there yet: a mapping's own first, then what it merges, so that its
    /// own win.
    fn pairs(&mut self, pairs: &[Pair], mark: usize, seen: &mut HashSet<&'a str>) -> Result<(), Flaw> {
        let tree = self.tree;
        for (key, value) in pairs.iter().filter(|(key, _)| !tree.is_merge(*key)) {
            self.pay(1, *key)?;
            if seen.insert(tree.key_text(*key).unwrap_or_default()) {
                self.pair(*key, *value, mark)?;
            }
        }
        for (_, source) in pairs.iter().filter(|(key, _)| tree.is_merge(*key)) {
            self.alias_depth += 1;
            self.merge(*source, mark, seen)?;
            self.alias_depth -= 1;
        }
        Ok(())
    }

    /// Writes what `<<` names: a mapping, or a list of them of which earlier ones win.
    fn merge(&mut self, source: NodeId, mark: usize, seen: &mut HashSet<&'a str>) -> Result<(), Flaw> {
        self.enter(source)?;
        let tree = self.tree;
        let target = tree.node(tree.resolve(source));
        match &target.kind {
            Kind::Mapping(pairs) => self.pairs(pairs, mark, seen)?,
            Kind::Sequence(items)
                if items.iter().all(|i| matches!(tree.node(tree.resolve(*i)).kind, Kind::Mapping(_))) =>
            {
                for item in items {
                    self.pay(1, *item)?;
                    self.merge(*item, mark, seen)?;
                }
            }
            _ => {
                return Err(Flaw::new(
                    tree.node(source).span.clone(),
                    "`<<` can only merge a mapping or a list of mappings",
                )
                .help("name one by its anchor, as in `<<: *defaults`"));
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn enter(&mut self, id: NodeId) -> Result<(), Flaw> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("aliases nest this more than {MAX_DEPTH} levels deep");
            return Err(Flaw::new(self.tree.node(id).span.clone(), message));
        }
        Ok(())
    }

    /// Takes bytes from the budget while inside of an alias.
    fn pay(&mut self, bytes: usize, id: NodeId) -> Result<(), Flaw> {
        if self.alias_depth == 0 {
            return Ok(());
        }
        let Some(left) = self.budget.checked_sub(bytes) else {
            let message = format!("aliases blow the document up by more than {MAX_ALIAS_BYTES} bytes");
            return Err(Flaw::new(self.tree.node(id).span.clone(), message)
                .help("write the repeated parts out, or repeat them less often"));
        };
        self.budget = left;
        Ok(())
    }

    fn scalar(&mut self, value: &str, style: ScalarStyle, tag: Option<ScalarTag>, step: Step) {
        let out = &mut self.plain.text;
        let plain = style == ScalarStyle::Plain;
        match tag {
            Some(ScalarTag::Str) => out.push_str("!!str "),
            Some(ScalarTag::Int) => out.push_str("!!int "),
            Some(ScalarTag::Float) => out.push_str("!!float "),
            Some(ScalarTag::Bool) => out.push_str("!!bool "),
            Some(ScalarTag::Null) => out.push_str("!!null "),
            // An absent value leaves a field at its default, as in Go; only this form does so.
            None if plain && is_null(value) && matches!(step, Step::Value(_)) => return,
            None if plain && value.is_empty() => {
                out.push('~');
                return;
            }
            None if plain && may_be_typed(value) => {
                out.push_str(value);
                return;
            }
            None => {}
        }
        quote(out, value);
    }
}

fn is_null(value: &str) -> bool {
    matches!(value, "" | "~" | "null" | "Null" | "NULL")
}

/// Whether a document consists of nothing, as one of `---` alone does.
fn is_absent(tree: &Tree, root: NodeId) -> bool {
    match &tree.node(root).kind {
        Kind::Scalar { value, style, tag } => *style == ScalarStyle::Plain && tag.is_none() && is_null(value),
        _ => false,
    }
}

/// Whether a plain scalar may mean something else than its text: a null, a boolean or a number. All of
/// those can be written plainly anywhere.
fn may_be_typed(value: &str) -> bool {
    const LONGEST: usize = 64;
    is_null(value)
        || matches!(value, "true" | "True" | "TRUE" | "false" | "False" | "FALSE")
        || value.len() <= LONGEST
            && value.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'))
            && value.len() > 1 - usize::from(value.starts_with(|c: char| c.is_ascii_digit()))
            && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.' | b'_'))
            && !value.starts_with("---")
            && value != "..."
}

/// Writes a text between double quotes, in ASCII, so that bytes and characters are the same.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            // Writing to a String cannot fail.
            _ => {
                let _infallible = write!(out, "\\U{:08X}", u32::from(c));
            }
        }
    }
    out.push('"');
}
