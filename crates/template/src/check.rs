//! Reads the tree before anything is rendered: unknown functions and variables are errors, as in Go; what will
//! fail or print nonsense is a finding; labels and queries that the template uses are noted.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use gotmpl::parse::{BranchNode, CommandNode, DefineNode, Expr, ListNode, Node, PipeNode, Pos};

use crate::error::{Finding, FindingKind, ParseErrorKind};
use crate::functions::{Arity, FUNCTIONS};
use crate::{LiteralQuery, error};

/// What is known of a value before it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unknown,
    Root,
    AlertLabels,
    OtherLabels,
    List,
    Sample,
}

/// What the check learned.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    pub(crate) findings: Vec<Finding>,
    pub(crate) labels: BTreeSet<String>,
    pub(crate) queries: Vec<LiteralQuery>,
}

/// An error and where it is.
pub(crate) type Refusal = (Range<usize>, ParseErrorKind);

type Outcome<T> = Result<T, Refusal>;

pub(crate) fn check(text: &str, tree: &ListNode, defines: &[DefineNode]) -> Outcome<Learned> {
    for (at, define) in defines.iter().enumerate() {
        let again = |d: &DefineNode| d.name == define.name && !d.body.is_empty_tree();
        if !define.body.is_empty_tree() && defines[..at].iter().any(again) {
            let message = format!("multiple definition of template {:?}", define.name.as_str());
            return Err((error::action_around(text, define.pos.offset), ParseErrorKind::Syntax { message }));
        }
    }
    let mut checker = Checker {
        text,
        learned: Learned::default(),
        scopes: Vec::new(),
        ranges: 0,
        defined: defines.iter().map(|d| d.name.as_str()).collect(),
    };
    checker.scopes = vec![BTreeMap::from([
        ("$", Kind::Root),
        ("$labels", Kind::AlertLabels),
        ("$externalLabels", Kind::OtherLabels),
        ("$externalURL", Kind::Unknown),
        ("$value", Kind::Unknown),
    ])];
    checker.list(tree, Kind::Root)?;
    for define in defines {
        checker.scopes = vec![BTreeMap::from([("$", Kind::Unknown)])];
        checker.list(&define.body, Kind::Unknown)?;
    }
    Ok(checker.learned)
}

struct Checker<'a> {
    text: &'a str,
    learned: Learned,
    scopes: Vec<BTreeMap<&'a str, Kind>>,
    ranges: usize,
    defined: BTreeSet<&'a str>,
}

impl<'a> Checker<'a> {
    fn list(&mut self, list: &'a ListNode, dot: Kind) -> Outcome<()> {
        list.nodes.iter().try_for_each(|node| self.node(node, dot))
    }

    fn node(&mut self, node: &'a Node, dot: Kind) -> Outcome<()> {
        match node {
            Node::Text(_) | Node::Define(_) => {}
            Node::List(list) => self.list(list, dot)?,
            Node::Action(action) => {
                let kind = self.pipe(&action.pipe, dot)?;
                self.bind(&action.pipe, &[kind]);
                let what = match kind {
                    Kind::List => Some(FindingKind::PrintsList),
                    Kind::Sample => Some(FindingKind::PrintsSample),
                    Kind::AlertLabels | Kind::OtherLabels => Some(FindingKind::PrintsLabels),
                    Kind::Root => Some(FindingKind::PrintsAlert),
                    Kind::Unknown => None,
                };
                if let (true, Some(kind)) = (action.pipe.decl.is_empty(), what) {
                    let span = self.action_span(action.pipe.pos);
                    self.learned.findings.push(Finding { span, kind });
                }
            }
            Node::If(branch) => self.branch(branch, dot, |_| None)?,
            Node::With(branch) => self.branch(branch, dot, Some)?,
            Node::Range(branch) => {
                self.ranges += 1;
                let element = |kind| Some(if kind == Kind::List { Kind::Sample } else { Kind::Unknown });
                let done = self.branch(branch, dot, element);
                self.ranges -= 1;
                done?;
            }
            Node::Template(call) => {
                if let Some(pipe) = &call.pipe {
                    self.pipe(pipe, dot)?;
                }
                if !self.defined.contains(call.name.as_str()) {
                    let kind = FindingKind::UnknownTemplate { name: call.name.to_string() };
                    let span = self.action_span(call.pos);
                    self.learned.findings.push(Finding { span, kind });
                }
            }
            Node::Break(pos) | Node::Continue(pos) => {
                if self.ranges == 0 {
                    let word = if matches!(node, Node::Break(_)) { "break" } else { "continue" };
                    let message = format!("{{{{{word}}}}} outside of {{{{range}}}}");
                    return Err((self.action_span(*pos), ParseErrorKind::Syntax { message }));
                }
            }
        }
        Ok(())
    }

    /// `inner` gives the dot of the body from the kind of the pipeline; `None` keeps the dot.
    fn branch(
        &mut self,
        branch: &'a BranchNode,
        dot: Kind,
        inner: impl Fn(Kind) -> Option<Kind>,
    ) -> Outcome<()> {
        self.scopes.push(BTreeMap::new());
        let kind = self.pipe(&branch.pipe, dot)?;
        let body = inner(kind).unwrap_or(dot);
        match branch.pipe.decl.len() {
            2 => self.bind(&branch.pipe, &[Kind::Unknown, body]),
            _ if inner(kind).is_some() => self.bind(&branch.pipe, &[body]),
            _ => self.bind(&branch.pipe, &[kind]),
        }
        self.scopes.push(BTreeMap::new());
        self.list(&branch.body, body)?;
        self.scopes.pop();
        if let Some(other) = &branch.else_body {
            self.scopes.push(BTreeMap::new());
            self.list(other, dot)?;
            self.scopes.pop();
        }
        self.scopes.pop();
        Ok(())
    }

    fn bind(&mut self, pipe: &'a PipeNode, kinds: &[Kind]) {
        for (name, kind) in pipe.decl.iter().zip(kinds) {
            let holder = match pipe.is_assign {
                // An assignment changes a variable of an outer scope; what it then holds depends on the way taken.
                true => self.scopes.iter_mut().rev().find(|scope| scope.contains_key(name.as_str())),
                false => self.scopes.last_mut(),
            };
            if let Some(scope) = holder {
                let before = scope.insert(name.as_str(), *kind);
                if pipe.is_assign && before != Some(*kind) {
                    scope.insert(name.as_str(), Kind::Unknown);
                }
            }
        }
    }

    fn pipe(&mut self, pipe: &'a PipeNode, dot: Kind) -> Outcome<Kind> {
        if pipe.is_assign {
            for name in &pipe.decl {
                self.lookup(name, pipe.pos)?;
            }
        }
        let mut before: Option<(&'a CommandNode, Kind)> = None;
        for (stage, command) in pipe.commands.iter().enumerate() {
            self.executable(stage, command)?;
            let kind = self.command(command, dot, before)?;
            before = Some((command, kind));
        }
        Ok(before.map_or(Kind::Unknown, |(_, kind)| kind))
    }

    /// Go refuses values where only a function can stand.
    fn executable(&self, stage: usize, command: &CommandNode) -> Outcome<()> {
        let message = match command.args.first() {
            Some(Expr::Nil(_)) => "nil is not a command".to_owned(),
            Some(Expr::Bool(..) | Expr::Dot(_) | Expr::Number(..) | Expr::String(..)) if stage > 0 => {
                format!("the value in stage {} of the pipe is no function", stage + 1)
            }
            _ => return Ok(()),
        };
        Err((self.action_span(command.pos), ParseErrorKind::Syntax { message }))
    }

    fn command(
        &mut self,
        command: &'a CommandNode,
        dot: Kind,
        piped: Option<(&'a CommandNode, Kind)>,
    ) -> Outcome<Kind> {
        let Some((first, rest)) = command.args.split_first() else { return Ok(Kind::Unknown) };
        let mut kinds = Vec::new();
        for argument in rest {
            kinds.push(self.expression(argument, dot)?);
        }
        let Expr::Identifier(pos, name) = first else { return self.expression(first, dot) };
        let arity = self.function(name, *pos)?;
        kinds.extend(piped.map(|(_, kind)| kind));
        self.count(name, *pos, arity, kinds.len());
        let literal = rest.last().or_else(|| piped.and_then(|(command, _)| only(command)));
        match (name.as_str(), literal) {
            ("query", Some(Expr::String(pos, text))) => {
                let start = pos.offset + 1;
                let span = start..(start + text.len()).min(self.text.len());
                self.learned.queries.push(LiteralQuery { span, expression: text.to_string() });
            }
            ("index", Some(Expr::String(_, label))) if kinds.first() == Some(&Kind::AlertLabels) => {
                self.learned.labels.insert(label.to_string());
            }
            _ => {}
        }
        Ok(match (name.as_str(), kinds.as_slice()) {
            ("query" | "sortByLabel", _) => Kind::List,
            ("first", _) | ("index", [Kind::List, _]) => Kind::Sample,
            _ => Kind::Unknown,
        })
    }

    fn function(&self, name: &str, pos: Pos) -> Outcome<Arity> {
        let found = FUNCTIONS.iter().find(|(known, _)| *known == name);
        found.map(|(_, arity)| *arity).ok_or_else(|| {
            (self.span(pos, name.len()), ParseErrorKind::UnknownFunction { name: name.to_owned() })
        })
    }

    fn count(&mut self, name: &str, pos: Pos, arity: Arity, given: usize) {
        if !arity.accepts(given) {
            let kind = FindingKind::ArgumentCount { name: name.to_owned(), wanted: arity.in_words(), given };
            let span = self.span(pos, name.len());
            self.learned.findings.push(Finding { span, kind });
        }
    }

    fn lookup(&self, name: &str, pos: Pos) -> Outcome<Kind> {
        let found = self.scopes.iter().rev().find_map(|scope| scope.get(name));
        found.copied().ok_or_else(|| {
            (self.span(pos, name.len()), ParseErrorKind::UnknownVariable { name: name.to_owned() })
        })
    }

    fn expression(&mut self, expression: &'a Expr, dot: Kind) -> Outcome<Kind> {
        match expression {
            Expr::Dot(_) => Ok(dot),
            Expr::Field(pos, names) => Ok(self.fields(dot, names, *pos)),
            Expr::Variable(pos, name, names) => {
                let kind = self.lookup(name, *pos)?;
                Ok(self.fields(kind, names, *pos))
            }
            Expr::Identifier(pos, name) => {
                let arity = self.function(name, *pos)?;
                self.count(name, *pos, arity, 0);
                Ok(Kind::Unknown)
            }
            Expr::Pipe(_, pipe) => self.pipe(pipe, dot),
            Expr::Chain(pos, inner, names) => {
                let kind = self.expression(inner, dot)?;
                Ok(self.fields(kind, names, *pos))
            }
            Expr::String(..) | Expr::Number(..) | Expr::Bool(..) | Expr::Nil(_) => Ok(Kind::Unknown),
        }
    }

    fn fields<S: AsRef<str>>(&mut self, mut kind: Kind, names: &[S], pos: Pos) -> Kind {
        for name in names {
            let name = name.as_ref();
            let missing = |of| Some(FindingKind::UnknownField { of, name: name.to_owned() });
            let (next, finding) = match (kind, name) {
                (Kind::Root, "Labels") => (Kind::AlertLabels, None),
                (Kind::Root, "ExternalLabels") | (Kind::Sample, "Labels") => (Kind::OtherLabels, None),
                (Kind::Root, "Value" | "ExternalURL") | (Kind::Sample, "Value") => (Kind::Unknown, None),
                (Kind::Root, _) => (Kind::Unknown, missing("an alert")),
                (Kind::Sample, _) => (Kind::Unknown, missing("a sample")),
                (Kind::List, _) => (Kind::Unknown, missing("a list")),
                (Kind::AlertLabels, label) => {
                    self.learned.labels.insert(label.to_owned());
                    (Kind::Unknown, None)
                }
                (Kind::OtherLabels | Kind::Unknown, _) => (Kind::Unknown, None),
            };
            if let Some(kind) = finding {
                let span = self.span_of(pos, name);
                self.learned.findings.push(Finding { span, kind });
            }
            kind = next;
        }
        kind
    }

    fn span(&self, pos: Pos, length: usize) -> Range<usize> {
        let start = pos.offset.min(self.text.len());
        start..(start + length).min(self.text.len())
    }

    /// Where `.name` stands at or soon after a position.
    fn span_of(&self, pos: Pos, name: &str) -> Range<usize> {
        let start = pos.offset.min(self.text.len());
        let rest = self.text.get(start..).unwrap_or_default();
        match rest.find(name) {
            Some(at) => start + at..start + at + name.len(),
            None => self.span(pos, 1),
        }
    }

    /// From `{{` to `}}` around a position.
    fn action_span(&self, pos: Pos) -> Range<usize> {
        error::action_around(self.text, pos.offset)
    }
}

/// The only operand of a command, such as `"up"` in `"up" | query`.
fn only(command: &CommandNode) -> Option<&Expr> {
    match command.args.as_slice() {
        [only] => Some(only),
        _ => None,
    }
}
