//! Our own syntax tree: what can be evaluated, and nothing else.

use std::fmt;

use assurance_metrics_model::{
    Duration, METRIC_NAME, MatchOp, Matcher, Quoted, Timestamp, format_float, is_legacy_label_name,
};

use crate::function::Function;

/// What an expression evaluates to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// One number a step.
    Scalar,
    /// One text.
    String,
    /// Series with at most one sample a step.
    Vector,
    /// Series with a range of samples.
    Matrix,
}

impl ValueType {
    /// The word Prometheus's API and messages use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::String => "string",
            Self::Vector => "vector",
            Self::Matrix => "matrix",
        }
    }

    /// The words Prometheus's type errors use.
    pub(crate) const fn described(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::String => "string",
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
        }
    }
}

/// A PromQL expression.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Expr {
    /// A number.
    Number(f64),
    /// A text.
    String(String),
    /// Series at an instant.
    Vector(VectorSelector),
    /// Series over a range.
    Matrix(MatrixSelector),
    /// An expression evaluated over a range.
    Subquery(Box<Subquery>),
    /// `-expr`
    Negate(Box<Expr>),
    /// `(expr)`
    Paren(Box<Expr>),
    /// `left op right`
    Binary(Box<Binary>),
    /// `sum by (…) (…)` and its kin.
    Aggregate(Box<Aggregate>),
    /// `function(…)`
    Call(Call),
}

/// To which time a selector is pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// `@ 1609746000`
    Time(Timestamp),
    /// `@ start()`
    Start,
    /// `@ end()`
    End,
}

/// `name{matchers} @ time offset duration`
#[derive(Clone, Debug, PartialEq)]
pub struct VectorSelector {
    /// All conditions, the one on the name among them.
    pub matchers: Vec<Matcher>,
    /// How far back it looks; negative for forward.
    pub offset: Duration,
    /// Where it is pinned.
    pub at: Option<At>,
}

/// `selector[range]`
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixSelector {
    /// The series.
    pub selector: VectorSelector,
    /// How much time before each instant.
    pub range: Duration,
}

/// `expr[range:step] @ time offset duration`
#[derive(Clone, Debug, PartialEq)]
pub struct Subquery {
    /// What is evaluated.
    pub expr: Expr,
    /// How much time before each instant.
    pub range: Duration,
    /// Time between two evaluations; the default is the engine's.
    pub step: Option<Duration>,
    /// How far back it looks; negative for forward.
    pub offset: Duration,
    /// Where it is pinned.
    pub at: Option<At>,
}

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
    /// `^`
    Pow,
    /// `atan2`
    Atan2,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `>`
    Gt,
    /// `<`
    Lt,
    /// `>=`
    Ge,
    /// `<=`
    Le,
    /// `and`
    And,
    /// `or`
    Or,
    /// `unless`
    Unless,
}

impl BinaryOp {
    /// As PromQL writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::Atan2 => "atan2",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Gt => ">",
            Self::Lt => "<",
            Self::Ge => ">=",
            Self::Le => "<=",
            Self::And => "and",
            Self::Or => "or",
            Self::Unless => "unless",
        }
    }

    /// Whether it compares.
    pub const fn is_comparison(self) -> bool {
        matches!(self, Self::Eq | Self::Ne | Self::Gt | Self::Lt | Self::Ge | Self::Le)
    }

    /// Whether it combines sets of series.
    pub const fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }
}

/// Which labels decide what belongs together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// The labels named.
    pub labels: Vec<String>,
    /// `by`/`on` (true), or `without`/`ignoring` (false).
    pub include: bool,
}

/// How many series of each side belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cardinality {
    /// One and one.
    OneToOne,
    /// `group_left`
    ManyToOne,
    /// `group_right`
    OneToMany,
    /// Set operators.
    ManyToMany,
}

/// How two vectors are matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorMatching {
    /// How many of each side.
    pub cardinality: Cardinality,
    /// `on` or `ignoring`; ignoring nothing where not given.
    pub grouping: Grouping,
    /// Whether `on` or `ignoring` was written.
    pub explicit: bool,
    /// Labels taken from the "one" side.
    pub copied: Vec<String>,
}

/// `left op right`
#[derive(Clone, Debug, PartialEq)]
pub struct Binary {
    /// The operator.
    pub op: BinaryOp,
    /// The left operand.
    pub left: Expr,
    /// The right operand.
    pub right: Expr,
    /// `bool`: 0 or 1 instead of filtering.
    pub returns_bool: bool,
    /// For two vectors.
    pub matching: VectorMatching,
}

/// An aggregation operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateOp {
    /// `sum`
    Sum,
    /// `avg`
    Avg,
    /// `min`
    Min,
    /// `max`
    Max,
    /// `count`
    Count,
    /// `group`
    Group,
    /// `stddev`
    Stddev,
    /// `stdvar`
    Stdvar,
    /// `topk`
    Topk,
    /// `bottomk`
    Bottomk,
    /// `quantile`
    Quantile,
    /// `count_values`
    CountValues,
    /// `limitk`
    Limitk,
    /// `limit_ratio`
    LimitRatio,
}

impl AggregateOp {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Sum,
        Self::Avg,
        Self::Min,
        Self::Max,
        Self::Count,
        Self::Group,
        Self::Stddev,
        Self::Stdvar,
        Self::Topk,
        Self::Bottomk,
        Self::Quantile,
        Self::CountValues,
        Self::Limitk,
        Self::LimitRatio,
    ];

    /// As PromQL writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
            Self::Count => "count",
            Self::Group => "group",
            Self::Stddev => "stddev",
            Self::Stdvar => "stdvar",
            Self::Topk => "topk",
            Self::Bottomk => "bottomk",
            Self::Quantile => "quantile",
            Self::CountValues => "count_values",
            Self::Limitk => "limitk",
            Self::LimitRatio => "limit_ratio",
        }
    }
}

/// `op by (labels) (param, expr)`
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// The operator.
    pub op: AggregateOp,
    /// What is aggregated.
    pub expr: Expr,
    /// The parameter of `topk` and its kin.
    pub param: Option<Expr>,
    /// `by` no label where not given.
    pub grouping: Grouping,
}

/// `function(args)`
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Which one.
    pub function: Function,
    /// Its arguments, as many as it takes.
    pub args: Vec<Expr>,
}

impl Expr {
    /// What this evaluates to.
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::Number(_) => ValueType::Scalar,
            Self::String(_) => ValueType::String,
            Self::Vector(_) | Self::Aggregate(_) => ValueType::Vector,
            Self::Matrix(_) | Self::Subquery(_) => ValueType::Matrix,
            Self::Negate(inner) | Self::Paren(inner) => inner.value_type(),
            Self::Binary(binary) => match (binary.left.value_type(), binary.right.value_type()) {
                (ValueType::Scalar, ValueType::Scalar) => ValueType::Scalar,
                _ => ValueType::Vector,
            },
            Self::Call(call) => call.function.returns(),
        }
    }

    /// Its direct parts, left to right.
    pub fn children(&self) -> Vec<&Self> {
        match self {
            Self::Number(_) | Self::String(_) | Self::Vector(_) | Self::Matrix(_) => Vec::new(),
            Self::Negate(inner) | Self::Paren(inner) => vec![inner],
            Self::Subquery(subquery) => vec![&subquery.expr],
            Self::Binary(binary) => vec![&binary.left, &binary.right],
            Self::Aggregate(aggregate) => {
                aggregate.param.iter().chain(std::iter::once(&aggregate.expr)).collect()
            }
            Self::Call(call) => call.args.iter().collect(),
        }
    }

    /// Every selector inside, left to right: what an evaluation reads. [`Answer::selected`](crate::Answer) has
    /// the same order.
    pub fn selectors(&self) -> Vec<&VectorSelector> {
        match self {
            Self::Vector(selector) => vec![selector],
            Self::Matrix(matrix) => vec![&matrix.selector],
            _ => self.children().into_iter().flat_map(Self::selectors).collect(),
        }
    }

    /// The expression inside any parentheses.
    pub(crate) fn unparenthesised(&self) -> &Self {
        match self {
            Self::Paren(inner) => inner.unparenthesised(),
            other => other,
        }
    }
}

// How expressions print: canonical PromQL, which parses to the same tree.

struct Name<'a>(&'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_legacy_label_name(self.0) { f.write_str(self.0) } else { write!(f, "{}", Quoted(self.0)) }
    }
}

fn write_names(f: &mut fmt::Formatter<'_>, names: &[String]) -> fmt::Result {
    f.write_str("(")?;
    for (n, name) in names.iter().enumerate() {
        write!(f, "{}{}", if n > 0 { ", " } else { "" }, Name(name))?;
    }
    f.write_str(")")
}

fn write_modifiers(f: &mut fmt::Formatter<'_>, at: Option<At>, offset: Duration) -> fmt::Result {
    match at {
        Some(At::Time(time)) => write!(f, " @ {:.3}", time.as_secs_f64())?,
        Some(At::Start) => f.write_str(" @ start()")?,
        Some(At::End) => f.write_str(" @ end()")?,
        None => {}
    }
    if offset.is_zero() { Ok(()) } else { write!(f, " offset {offset}") }
}

impl VectorSelector {
    fn write_series(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = self.matchers.iter().position(|m| {
            m.name() == METRIC_NAME
                && m.op() == MatchOp::Equal
                && assurance_metrics_model::is_legacy_metric_name(m.value())
                && !crate::lower::is_keyword(m.value())
        });
        if let Some(at) = bare {
            f.write_str(self.matchers[at].value())?;
            if self.matchers.len() == 1 {
                return Ok(());
            }
        }
        f.write_str("{")?;
        let rest = self.matchers.iter().enumerate().filter(|(n, _)| Some(*n) != bare);
        for (n, (_, matcher)) in rest.enumerate() {
            if n > 0 {
                f.write_str(",")?;
            }
            write!(f, "{}{}", Name(matcher.name()), matcher.op().as_str())?;
            write!(f, "{}", Quoted(matcher.value()))?;
        }
        f.write_str("}")
    }
}

impl fmt::Display for VectorSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_series(f)?;
        write_modifiers(f, self.at, self.offset)
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) => f.write_str(&format_float(*value)),
            Self::String(text) => write!(f, "{}", Quoted(text)),
            Self::Vector(selector) => selector.fmt(f),
            Self::Matrix(matrix) => {
                matrix.selector.write_series(f)?;
                write!(f, "[{}]", matrix.range)?;
                write_modifiers(f, matrix.selector.at, matrix.selector.offset)
            }
            Self::Subquery(subquery) => {
                write!(f, "{}[{}:", subquery.expr, subquery.range)?;
                if let Some(step) = subquery.step {
                    write!(f, "{step}")?;
                }
                f.write_str("]")?;
                write_modifiers(f, subquery.at, subquery.offset)
            }
            Self::Negate(inner) => write!(f, "-{inner}"),
            Self::Paren(inner) => write!(f, "({inner})"),
            Self::Binary(binary) => binary.fmt(f),
            Self::Aggregate(aggregate) => aggregate.fmt(f),
            Self::Call(call) => {
                write!(f, "{}(", call.function.name())?;
                for (n, arg) in call.args.iter().enumerate() {
                    write!(f, "{}{arg}", if n > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
        }
    }
}

impl fmt::Display for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.left, self.op.as_str())?;
        if self.returns_bool {
            f.write_str(" bool")?;
        }
        let matching = &self.matching;
        if matching.explicit {
            f.write_str(if matching.grouping.include { " on " } else { " ignoring " })?;
            write_names(f, &matching.grouping.labels)?;
        }
        let side = match matching.cardinality {
            Cardinality::ManyToOne => " group_left ",
            Cardinality::OneToMany => " group_right ",
            Cardinality::OneToOne | Cardinality::ManyToMany => "",
        };
        if !side.is_empty() {
            f.write_str(side)?;
            write_names(f, &matching.copied)?;
        }
        write!(f, " {}", self.right)
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.op.as_str())?;
        if !self.grouping.include || !self.grouping.labels.is_empty() {
            f.write_str(if self.grouping.include { " by " } else { " without " })?;
            write_names(f, &self.grouping.labels)?;
            f.write_str(" ")?;
        }
        f.write_str("(")?;
        if let Some(param) = &self.param {
            write!(f, "{param}, ")?;
        }
        write!(f, "{})", self.expr)
    }
}
