//! The syntax tree of PromQL: what can be evaluated, and nothing else.

use std::ops::Range;

use assurance_metrics_model::{Duration, Matcher, Timestamp};

use crate::function::Function;

/// Where a part of an expression stands in its text.
///
/// Two spans always compare equal: where an expression stands does not make it another one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
    /// Line of the first byte, from 1; 0 where the expression was not read from text.
    pub line: u32,
    /// Column of the first byte, in bytes from 1, as Prometheus counts.
    pub column: u32,
}

impl Span {
    /// The bytes, to cut them out of the text.
    pub const fn bytes(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl PartialEq for Span {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Span {}

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

/// A PromQL expression, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands in the text.
    pub span: Span,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ExprKind {
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
    /// `+expr`
    Plus(Box<Expr>),
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

/// A length of time, which may depend on the query's own step and range.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DurationExpr {
    /// `5m`, or a number of seconds.
    Literal(Duration),
    /// A number among durations: seconds where a length is wanted, a factor or an exponent elsewhere.
    Number(f64),
    /// `step()`: the query's step; 0 for an instant query.
    Step,
    /// `range()`: from the query's first step to its last.
    Range,
    /// `-duration`
    Negate(Box<DurationExpr>),
    /// `+duration`
    Plus(Box<DurationExpr>),
    /// `(duration)`
    Paren(Box<DurationExpr>),
    /// `left op right`
    Binary {
        /// `+ - * / % ^` only.
        op: BinaryOp,
        /// The left operand.
        left: Box<DurationExpr>,
        /// The right operand.
        right: Box<DurationExpr>,
    },
    /// `min_of(left, right)`
    Min(Box<DurationExpr>, Box<DurationExpr>),
    /// `max_of(left, right)`
    Max(Box<DurationExpr>, Box<DurationExpr>),
}

impl DurationExpr {
    /// The length, where it is written as one literal.
    pub const fn literal(&self) -> Option<Duration> {
        match self {
            Self::Literal(duration) => Some(*duration),
            _ => None,
        }
    }
}

/// How the ends of a range are completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RangeEnds {
    /// `anchored`: by the sample before, as it is.
    Anchored,
    /// `smoothed`: by interpolation between the samples on either side.
    Smoothed,
}

/// `name{matchers} @ time offset duration`
#[derive(Clone, Debug, PartialEq)]
pub struct VectorSelector {
    /// All conditions, the one on the name among them.
    pub matchers: Vec<Matcher>,
    /// How far back it looks; negative for forward.
    pub offset: Option<DurationExpr>,
    /// Where it is pinned.
    pub at: Option<At>,
    /// `smoothed` or `anchored`, where given.
    pub ends: Option<RangeEnds>,
}

/// `selector[range]`
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixSelector {
    /// The series; its `ends` are those of the range.
    pub selector: VectorSelector,
    /// Where the selector stands, without the range.
    pub selector_span: Span,
    /// How much time before each instant.
    pub range: DurationExpr,
}

/// `expr[range:step] @ time offset duration`
#[derive(Clone, Debug, PartialEq)]
pub struct Subquery {
    /// What is evaluated.
    pub expr: Expr,
    /// How much time before each instant.
    pub range: DurationExpr,
    /// Time between two evaluations; the default is the engine's.
    pub step: Option<DurationExpr>,
    /// How far back it looks; negative for forward.
    pub offset: Option<DurationExpr>,
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
    /// `</`: keeps the part of a histogram below a bound.
    TrimUpper,
    /// `>/`: keeps the part of a histogram above a bound.
    TrimLower,
}

impl BinaryOp {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Add,
        Self::Sub,
        Self::Mul,
        Self::Div,
        Self::Mod,
        Self::Pow,
        Self::Atan2,
        Self::Eq,
        Self::Ne,
        Self::Gt,
        Self::Lt,
        Self::Ge,
        Self::Le,
        Self::And,
        Self::Or,
        Self::Unless,
        Self::TrimUpper,
        Self::TrimLower,
    ];

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
            Self::TrimUpper => "</",
            Self::TrimLower => ">/",
        }
    }

    /// Whether it compares.
    pub const fn is_comparison(self) -> bool {
        matches!(self, Self::Eq | Self::Ne | Self::Gt | Self::Lt | Self::Ge | Self::Le)
    }

    /// Whether it cuts histograms.
    pub const fn is_trim(self) -> bool {
        matches!(self, Self::TrimUpper | Self::TrimLower)
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
#[derive(Clone, Debug, PartialEq)]
pub struct VectorMatching {
    /// How many of each side.
    pub cardinality: Cardinality,
    /// `on` or `ignoring`; ignoring nothing where not given.
    pub grouping: Grouping,
    /// Whether `on` or `ignoring` was written.
    pub explicit: bool,
    /// Labels taken from the "one" side.
    pub copied: Vec<String>,
    /// `fill_left`: the value of a missing left side.
    pub fill_left: Option<f64>,
    /// `fill_right`: the value of a missing right side.
    pub fill_right: Option<f64>,
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
    /// Where the operator stands.
    pub op_span: Span,
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
        match &self.kind {
            ExprKind::Number(_) => ValueType::Scalar,
            ExprKind::String(_) => ValueType::String,
            ExprKind::Vector(_) | ExprKind::Aggregate(_) => ValueType::Vector,
            ExprKind::Matrix(_) | ExprKind::Subquery(_) => ValueType::Matrix,
            ExprKind::Negate(inner) | ExprKind::Plus(inner) | ExprKind::Paren(inner) => inner.value_type(),
            ExprKind::Binary(binary) => match (binary.left.value_type(), binary.right.value_type()) {
                (ValueType::Scalar, ValueType::Scalar) => ValueType::Scalar,
                _ => ValueType::Vector,
            },
            ExprKind::Call(call) => call.function.returns(),
        }
    }

    /// Its direct parts, left to right.
    pub fn children(&self) -> Vec<&Self> {
        match &self.kind {
            ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Vector(_) | ExprKind::Matrix(_) => {
                Vec::new()
            }
            ExprKind::Negate(inner) | ExprKind::Plus(inner) | ExprKind::Paren(inner) => vec![inner],
            ExprKind::Subquery(subquery) => vec![&subquery.expr],
            ExprKind::Binary(binary) => vec![&binary.left, &binary.right],
            ExprKind::Aggregate(aggregate) => {
                aggregate.param.iter().chain(std::iter::once(&aggregate.expr)).collect()
            }
            ExprKind::Call(call) => call.args.iter().collect(),
        }
    }

    /// Every selector inside, left to right: what an evaluation reads. [`Answer::selected`](crate::Answer) has
    /// the same order.
    pub fn selectors(&self) -> Vec<&VectorSelector> {
        match &self.kind {
            ExprKind::Vector(selector) => vec![selector],
            ExprKind::Matrix(matrix) => vec![&matrix.selector],
            _ => self.children().into_iter().flat_map(Self::selectors).collect(),
        }
    }

    /// The expression inside any parentheses.
    pub(crate) fn unparenthesised(&self) -> &Self {
        match &self.kind {
            ExprKind::Paren(inner) => inner.unparenthesised(),
            _ => self,
        }
    }
}
