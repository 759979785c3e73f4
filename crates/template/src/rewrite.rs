//! Changes the tree so that it means what Go means by it.
//!
//! The engine knows no typed maps, structs or methods: a missing label would print `<no value>`, and
//! `(x | toTime).Format "2006"` would not run. So every field becomes a call of `__member` or `__method`,
//! and every printed pipeline ends in `__show`.

use gotmpl::parse::{
    ActionNode, BranchNode, CommandNode, Expr, ListNode, Node, Number, PipeNode, Pos, SmolStr,
};

use crate::functions::{MEMBER, METHOD, SHOW};

pub(crate) fn list(list: ListNode) -> ListNode {
    ListNode { pos: list.pos, nodes: list.nodes.into_iter().map(node).collect() }
}

/// The variables that every template of a rule starts with.
pub(crate) fn prelude() -> Vec<Node> {
    let pos = Pos::new(0, 1);
    let define = |(variable, field): (&'static str, &'static str)| {
        let member = Expr::Field(pos, vec![SmolStr::new_static(field)]);
        Node::Action(ActionNode {
            pos,
            pipe: pipe(PipeNode {
                pos,
                decl: vec![SmolStr::new_static(variable)],
                commands: vec![CommandNode { pos, args: vec![member] }],
                is_assign: false,
            }),
        })
    };
    [
        ("$labels", "Labels"),
        ("$externalLabels", "ExternalLabels"),
        ("$externalURL", "ExternalURL"),
        ("$value", "Value"),
    ]
    .map(define)
    .into()
}

fn node(node: Node) -> Node {
    match node {
        Node::List(inner) => Node::List(list(inner)),
        Node::Action(action) => {
            let pos = action.pos;
            let prints = action.pipe.decl.is_empty();
            let mut pipe = pipe(action.pipe);
            if prints {
                pipe.commands.push(CommandNode { pos, args: vec![function(pos, SHOW)] });
            }
            Node::Action(ActionNode { pos, pipe })
        }
        Node::If(inner) => Node::If(branch(inner)),
        Node::With(inner) => Node::With(branch(inner)),
        Node::Range(inner) => Node::Range(branch(inner)),
        Node::Template(mut call) => {
            call.pipe = call.pipe.map(pipe);
            Node::Template(call)
        }
        Node::Define(mut define) => {
            define.body = list(define.body);
            Node::Define(define)
        }
        same @ (Node::Text(_) | Node::Break(_) | Node::Continue(_)) => same,
    }
}

fn branch(inner: BranchNode) -> BranchNode {
    BranchNode {
        pos: inner.pos,
        pipe: pipe(inner.pipe),
        body: list(inner.body),
        else_body: inner.else_body.map(list),
    }
}

fn pipe(inner: PipeNode) -> PipeNode {
    let commands = inner.commands.into_iter().enumerate().map(|(at, c)| command(c, at > 0)).collect();
    PipeNode { pos: inner.pos, decl: inner.decl, commands, is_assign: inner.is_assign }
}

fn command(inner: CommandNode, piped: bool) -> CommandNode {
    let pos = inner.pos;
    let mut arguments = inner.args.into_iter();
    let Some(first) = arguments.next() else { return CommandNode { pos, args: Vec::new() } };
    let rest: Vec<Expr> = arguments.map(expression).collect();
    let is_call = piped || !rest.is_empty();
    let args = match fields(first) {
        Ok((base, names)) if is_call => {
            let count = i64::try_from(names.len()).unwrap_or(i64::MAX);
            let head = [function(pos, METHOD), base, Expr::Number(pos, Number::Int(count))];
            head.into_iter().chain(strings(pos, &names)).chain(rest).collect()
        }
        Ok((base, names)) => [function(pos, MEMBER), base].into_iter().chain(strings(pos, &names)).collect(),
        Err(first) => std::iter::once(first).chain(rest).collect(),
    };
    CommandNode { pos, args }
}

fn expression(inner: Expr) -> Expr {
    let pos = inner.pos();
    match fields(inner) {
        Ok((base, names)) => {
            let args = [function(pos, MEMBER), base].into_iter().chain(strings(pos, &names)).collect();
            let commands = vec![CommandNode { pos, args }];
            Expr::Pipe(pos, PipeNode { pos, decl: Vec::new(), commands, is_assign: false })
        }
        Err(other) => other,
    }
}

/// What fields are taken of, and their names; or the expression, rewritten inside, if it takes none.
fn fields(inner: Expr) -> Result<(Expr, Vec<SmolStr>), Expr> {
    match inner {
        Expr::Field(pos, names) => Ok((Expr::Dot(pos), names)),
        Expr::Variable(pos, name, names) if !names.is_empty() => {
            Ok((Expr::Variable(pos, name, Vec::new()), names))
        }
        Expr::Chain(_, inner, names) => Ok((expression(*inner), names)),
        Expr::Pipe(pos, inner) => Err(Expr::Pipe(pos, pipe(inner))),
        same => Err(same),
    }
}

fn strings(pos: Pos, names: &[SmolStr]) -> Vec<Expr> {
    names.iter().map(|name| Expr::String(pos, name.as_str().into())).collect()
}

fn function(pos: Pos, name: &'static str) -> Expr {
    Expr::Identifier(pos, SmolStr::new_static(name))
}
