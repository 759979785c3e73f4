//! Expressions as trees of text, so that they can be counted and made smaller.

use std::collections::BTreeSet;

/// What an expression gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Vector,
    Scalar,
    Matrix,
}

#[derive(Clone, Debug)]
pub(crate) enum Part {
    Text(String),
    Child(Node),
}

/// One construct: text around smaller expressions.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) gives: Type,
    /// What this construct is counted as.
    pub(crate) tags: Vec<&'static str>,
    pub(crate) parts: Vec<Part>,
}

impl Node {
    pub(crate) fn new(gives: Type, tag: &'static str) -> Self {
        Self { gives, tags: vec![tag], parts: Vec::new() }
    }

    pub(crate) fn tag(mut self, tag: &'static str) -> Self {
        self.tags.push(tag);
        self
    }

    pub(crate) fn text(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Text(text.into()));
        self
    }

    pub(crate) fn child(mut self, child: Node) -> Self {
        self.parts.push(Part::Child(child));
        self
    }

    /// This within more text, giving the same.
    pub(crate) fn text_around(&self, before: &str, after: &str) -> Self {
        Self { gives: self.gives, tags: Vec::new(), parts: Vec::new() }
            .text(before)
            .child(self.clone())
            .text(after)
    }

    pub(crate) fn children(&self) -> impl Iterator<Item = &Node> {
        self.parts.iter().filter_map(|part| match part {
            Part::Child(child) => Some(child),
            Part::Text(_) => None,
        })
    }

    pub(crate) fn print(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Child(child) => child.write(out),
            }
        }
    }

    /// This and everything below it, from the top.
    pub(crate) fn all(&self) -> Vec<&Node> {
        let mut found = vec![self];
        for child in self.children() {
            found.extend(child.all());
        }
        found
    }

    pub(crate) fn all_tags(&self) -> BTreeSet<&'static str> {
        self.all().iter().flat_map(|node| node.tags.iter().copied()).collect()
    }

    pub(crate) fn has(&self, tag: &str) -> bool {
        self.all_tags().contains(tag)
    }

    /// The same construct over other vectors.
    pub(crate) fn with_vectors(&self, by: &impl Fn(&Node) -> Node) -> Node {
        let parts = self.parts.iter().map(|part| match part {
            Part::Child(child) if child.gives == Type::Vector => Part::Child(by(child)),
            part => part.clone(),
        });
        Node { gives: self.gives, tags: self.tags.clone(), parts: parts.collect() }
    }

    /// The tree with some nodes replaced, from the bottom up.
    pub(crate) fn replaced(&self, by: &impl Fn(&Node) -> Option<Node>) -> Node {
        let parts = self.parts.iter().map(|part| match part {
            Part::Child(child) => Part::Child(child.replaced(by)),
            text @ Part::Text(_) => text.clone(),
        });
        let node = Node { gives: self.gives, tags: self.tags.clone(), parts: parts.collect() };
        by(&node).unwrap_or(node)
    }

    /// Every tree in which one node is replaced by one that stands below it and gives the same, biggest
    /// steps first.
    pub(crate) fn smaller(&self) -> Vec<Node> {
        let mut found: Vec<Node> =
            self.all().into_iter().skip(1).filter(|n| n.gives == self.gives).cloned().collect();
        found.sort_by_key(|node| node.print().len());
        for (at, part) in self.parts.iter().enumerate() {
            let Part::Child(child) = part else { continue };
            for smaller in child.smaller() {
                let mut copy = self.clone();
                copy.parts[at] = Part::Child(smaller);
                found.push(copy);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(text: &str) -> Node {
        Node::new(Type::Vector, "selector").text(text)
    }

    #[test]
    fn a_tree_is_printed_counted_and_made_smaller() {
        let sum = Node::new(Type::Vector, "sum").text("sum(").child(leaf("a")).text(")");
        let tree = Node::new(Type::Vector, "+").text("(").child(sum).text(" + ").child(leaf("b")).text(")");
        assert_eq!(tree.print(), "(sum(a) + b)");
        assert!(tree.has("sum") && !tree.has("avg"));
        let smaller: Vec<String> = tree.smaller().iter().map(Node::print).collect();
        assert_eq!(smaller, ["a", "b", "sum(a)", "(a + b)"]);
    }
}
