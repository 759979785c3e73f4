use std::fmt;

use assurance_metrics_model::{Labels, Matcher, is_legacy_metric_name};

use super::Route;

/// Matchers as `amtool` writes them: `{severity="critical",team=~"a|b"}`.
#[derive(Clone, Copy, Debug)]
pub struct ShowMatchers<'a>(pub &'a [Matcher]);

impl fmt::Display for ShowMatchers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, matcher) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            if is_legacy_metric_name(matcher.name()) {
                f.write_str(matcher.name())?;
            } else {
                quoted(f, matcher.name())?;
            }
            f.write_str(matcher.op().as_str())?;
            quoted(f, matcher.value())?;
        }
        f.write_str("}")
    }
}

/// With the escapes that both forms of matchers read.
fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

/// A tree of routes, drawn as `amtool config routes` draws it.
#[derive(Clone, Copy, Debug)]
pub struct RouteTree<'a>(pub &'a Route);

impl fmt::Display for RouteTree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, ".")?;
        line(f, self.0, "└── ")?;
        children(f, self.0, "    ")
    }
}

/// The part of a tree that an alert takes, drawn as `amtool config routes test --tree` draws it.
#[derive(Clone, Copy, Debug)]
pub struct MatchingTree<'a> {
    /// The top of the tree.
    pub root: &'a Route,
    /// The alert.
    pub labels: &'a Labels,
}

impl fmt::Display for MatchingTree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, ".")?;
        self.below(f, self.root, "", "└── ", "    ")
    }
}

impl MatchingTree<'_> {
    fn below(
        &self,
        f: &mut fmt::Formatter<'_>,
        route: &Route,
        indent: &str,
        branch: &str,
        below: &str,
    ) -> fmt::Result {
        let mut taken = Vec::new();
        for child in route.routes.iter().filter(|child| child.matches(self.labels)) {
            taken.push(child);
            if !child.continues {
                break;
            }
        }
        write!(f, "{indent}{branch}")?;
        name(f, route)?;
        if taken.is_empty() {
            write!(f, "  receiver: {}", route.receiver)?;
        }
        writeln!(f)?;
        let indent = format!("{indent}{below}");
        let last = taken.len().saturating_sub(1);
        for (index, child) in taken.into_iter().enumerate() {
            let (branch, below) = if index == last { LAST } else { MIDDLE };
            self.below(f, child, &indent, branch, below)?;
        }
        Ok(())
    }
}

/// A branch, and what stands before the branches below it; to the byte as `amtool` has it.
const LAST: (&str, &str) = ("└── ", "    ");
const MIDDLE: (&str, &str) = ("├── ", "│\u{a0}\u{a0} ");

fn line(f: &mut fmt::Formatter<'_>, route: &Route, branch: &str) -> fmt::Result {
    f.write_str(branch)?;
    name(f, route)?;
    if route.continues {
        f.write_str("  continue: true")?;
    }
    writeln!(f, "  receiver: {}", route.receiver)
}

fn name(f: &mut fmt::Formatter<'_>, route: &Route) -> fmt::Result {
    if route.matchers.is_empty() {
        f.write_str("default-route")
    } else {
        write!(f, "{}", ShowMatchers(&route.matchers))
    }
}

fn children(f: &mut fmt::Formatter<'_>, route: &Route, indent: &str) -> fmt::Result {
    let last = route.routes.len().saturating_sub(1);
    for (index, child) in route.routes.iter().enumerate() {
        let (branch, below) = if index == last { LAST } else { MIDDLE };
        f.write_str(indent)?;
        line(f, child, branch)?;
        children(f, child, &format!("{indent}{below}"))?;
    }
    Ok(())
}
