use std::fmt;

use regex::{Regex, RegexBuilder};

use crate::Labels;

/// How a [`Matcher`] compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

impl MatchOp {
    /// The operator as PromQL writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }
}

/// Largest compiled form of one regular expression, in bytes: 1 MiB holds alternations of some thousand
/// names, and ten matchers of that size still fit in 10 MiB.
const MAX_REGEX_BYTES: usize = 1 << 20;

/// A condition on one label. An absent label has the value `""`; regular expressions are anchored at both
/// ends, and `.` matches line ends too (Prometheus `labels.Matcher`).
#[derive(Clone)]
pub struct Matcher {
    name: String,
    op: MatchOp,
    value: String,
    regex: Option<Compiled>,
}

#[derive(Clone)]
enum Compiled {
    /// Alternation of literals, such as `a|b|c`: the common case, compared without the engine.
    Literals(Vec<String>),
    Regex(Regex),
}

/// The regular expression of a matcher does not compile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot compile regular expression {value:?} for label {name:?}: {reason}")]
pub struct MatcherError {
    /// The label's name.
    pub name: String,
    /// The expression as given.
    pub value: String,
    /// What the compiler says.
    pub reason: String,
}

impl Matcher {
    /// A matcher for label `name`.
    ///
    /// # Errors
    /// If the operator is a regular expression's and `value` does not compile or compiles to more than 1 MiB.
    pub fn new(name: &str, op: MatchOp, value: &str) -> Result<Self, MatcherError> {
        let regex =
            match op {
                MatchOp::Equal | MatchOp::NotEqual => None,
                MatchOp::Regex | MatchOp::NotRegex => Some(compile(value).map_err(|reason| {
                    MatcherError { name: name.to_owned(), value: value.to_owned(), reason }
                })?),
            };
        Ok(Self { name: name.to_owned(), op, value: value.to_owned(), regex })
    }

    /// `name="value"`, which cannot fail.
    pub fn equal(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), op: MatchOp::Equal, value: value.to_owned(), regex: None }
    }

    /// The label's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The operator.
    pub fn op(&self) -> MatchOp {
        self.op
    }

    /// The value or regular expression as given.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether a label value satisfies this; pass `""` for an absent label.
    pub fn matches(&self, value: &str) -> bool {
        match (&self.regex, self.op) {
            (None, MatchOp::NotEqual) => self.value != value,
            (None, _) => self.value == value,
            (Some(regex), op) => {
                let found = match regex {
                    Compiled::Literals(all) => all.iter().any(|l| l == value),
                    Compiled::Regex(regex) => regex.is_match(value),
                };
                found == (op == MatchOp::Regex)
            }
        }
    }

    /// Whether a series' labels satisfy this.
    pub fn matches_labels(&self, labels: &Labels) -> bool {
        self.matches(labels.get_or_empty(&self.name))
    }

    /// Whether a series without this label satisfies it.
    pub fn matches_empty(&self) -> bool {
        self.matches("")
    }

    /// The only values that can match, where they are known without looking at any series: one for `=`, the
    /// alternatives for `=~"a|b"`. An index can look these up directly.
    pub fn candidates(&self) -> Option<Vec<&str>> {
        match (self.op, &self.regex) {
            (MatchOp::Equal, _) => Some(vec![&self.value]),
            (MatchOp::Regex, Some(Compiled::Literals(all))) => Some(all.iter().map(String::as_str).collect()),
            _ => None,
        }
    }
}

fn compile(value: &str) -> Result<Compiled, String> {
    let literal = |part: &str| !part.contains(|c: char| r"\.+*?()[]{}^$".contains(c));
    if !value.is_empty() && value.split('|').all(literal) {
        return Ok(Compiled::Literals(value.split('|').map(str::to_owned).collect()));
    }
    let build = |pattern: &str| RegexBuilder::new(pattern).size_limit(MAX_REGEX_BYTES).build();
    // First alone: `a)|(b` would compile inside the group, and mean something else.
    build(value).and_then(|_alone| build(&format!("^(?s:{value})$"))).map(Compiled::Regex).map_err(
        |e| match e {
            regex::Error::CompiledTooBig(limit) => format!("it compiles to more than {limit} bytes"),
            // The engine prints the pattern as we wrapped it; its last line is the reason.
            e => e.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
        },
    )
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.op == other.op && self.name == other.name && self.value == other.value
    }
}

impl Eq for Matcher {}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{:?}", self.name, self.op.as_str(), self.value)
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
