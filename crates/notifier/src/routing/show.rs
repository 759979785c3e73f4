use std::fmt;

use assurance_metrics_model::{Matcher, Quoted};

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
            write!(f, "{}{}{}", matcher.name(), matcher.op().as_str(), Quoted(matcher.value()))?;
        }
        f.write_str("}")
    }
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

fn line(f: &mut fmt::Formatter<'_>, route: &Route, branch: &str) -> fmt::Result {
    f.write_str(branch)?;
    if route.matchers.is_empty() {
        f.write_str("default-route")?;
    } else {
        write!(f, "{}", ShowMatchers(&route.matchers))?;
    }
    if route.continues {
        f.write_str("  continue: true")?;
    }
    writeln!(f, "  receiver: {}", route.receiver)
}

fn children(f: &mut fmt::Formatter<'_>, route: &Route, indent: &str) -> fmt::Result {
    let last = route.routes.len().saturating_sub(1);
    for (index, child) in route.routes.iter().enumerate() {
        let (branch, below) = if index == last { ("└── ", "    ") } else { ("├── ", "│   ") };
        f.write_str(indent)?;
        line(f, child, branch)?;
        children(f, child, &format!("{indent}{below}"))?;
    }
    Ok(())
}
