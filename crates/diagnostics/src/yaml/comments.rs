use std::ops::Range;

use super::tree::Kind;
use crate::Source;

/// The places of all comments, from `#` to the end of the line, in order; none where the text is no YAML.
///
/// A `#` inside of a value is not one.
///
/// ```
/// use assurance_diagnostics::{Source, yaml};
///
/// let source = Source::new("rules.yml", "# first\nexpr: 'up # not this' # second\n");
/// let texts: Vec<&str> = yaml::comments(&source).into_iter().map(|at| &source.text()[at]).collect();
/// assert_eq!(texts, ["# first", "# second"]);
/// ```
pub fn comments(source: &Source) -> Vec<Range<usize>> {
    let Ok(tree) = source.yaml() else { return Vec::new() };
    let text = source.text();
    let scalars = tree.nodes.iter().filter(|node| matches!(node.kind, Kind::Scalar { .. }));
    let mut values: Vec<Range<usize>> = scalars.map(|node| node.span.clone()).collect();
    values.sort_by_key(|span| span.start);
    let mut found = Vec::new();
    let mut at = 0;
    let mut next = 0;
    while let Some(hash) = text[at..].find('#').map(|n| at + n) {
        while values.get(next).is_some_and(|value| value.end <= hash) {
            next += 1;
        }
        if let Some(value) = values.get(next).filter(|value| value.start <= hash) {
            at = value.end.max(hash + 1);
            continue;
        }
        let end = text[hash..].find('\n').map_or(text.len(), |n| hash + n);
        if text[..hash].chars().next_back().is_none_or(char::is_whitespace) {
            found.push(hash..hash + text[hash..end].trim_end().len());
            at = end;
        } else {
            at = hash + 1;
        }
    }
    found
}
