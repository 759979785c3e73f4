use std::fmt;
use std::ops::Range;

use assurance_diagnostics::{Diagnostic, Source};
use assurance_metrics_model::{Labels, QueryError};

/// An expression that cannot be used, and where it goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Bytes of the expression that the message is about; the whole expression where no better place is known.
    pub span: Range<usize>,
    /// What is wrong.
    pub kind: ParseErrorKind,
}

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// It is no PromQL.
    #[error("{message}")]
    Syntax {
        /// The parser's words.
        message: String,
    },
    /// It is PromQL, and no evaluation of it could succeed: what Prometheus says when it evaluates.
    #[error("{message}")]
    Evaluation {
        /// What is wrong.
        message: String,
    },
    /// It nests too deeply or is too long.
    #[error("{what} exceeds the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

impl ParseError {
    /// What to do about it, where something general can be said.
    pub fn help(&self) -> Option<String> {
        match &self.kind {
            ParseErrorKind::TooLarge { .. } => Some("split the expression by recording rules".to_owned()),
            ParseErrorKind::Syntax { message } | ParseErrorKind::Evaluation { message } => {
                crate::parse::help(message)
            }
        }
    }

    /// With a line and a caret, for an expression that stands alone.
    pub fn to_diagnostic(&self, expression: &str) -> Diagnostic {
        let source = Source::new("expression", expression);
        let diagnostic = Diagnostic::error(&source, Some(self.span.clone()), self.kind.to_string());
        match self.help() {
            Some(help) => diagnostic.with_help(help),
            None => diagnostic,
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl std::error::Error for ParseError {}

/// An evaluation that failed. None of its results are given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// Two series of a result have the same labels.
    #[error("vector cannot contain metrics with the same labelset: {labels}")]
    DuplicateLabels {
        /// The labels.
        labels: Labels,
    },
    /// Several series on the "one" side of a match.
    #[error(
        "found duplicate series for the match group {group} on the {side} hand-side of the operation: [{first}, {second}];many-to-many matching not allowed: matching labels must be unique on one side"
    )]
    ManyToMany {
        /// The labels they are matched by.
        group: Labels,
        /// `left` or `right`.
        side: &'static str,
        /// One of them.
        first: Labels,
        /// The other.
        second: Labels,
    },
    /// Several series on the "many" side without `group_left` or `group_right`.
    #[error("multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)")]
    ImplicitManyToOne,
    /// Several matches that would get the same labels.
    #[error("multiple matches for labels: grouping labels must ensure unique matches")]
    AmbiguousGrouping,
    /// A parameter that the function or operator cannot take.
    #[error("{message}")]
    Parameter {
        /// What is wrong with it.
        message: String,
    },
    /// Whoever asked has given up: a deadline passed, or the client left.
    #[error("query was cancelled, or ran out of time")]
    Cancelled,
    /// More samples than one query may read or make.
    #[error(
        "query processing would load too many samples into memory in query execution: more than {limit}; narrow the selector, the range, or widen the step"
    )]
    TooManySamples {
        /// The limit.
        limit: usize,
    },
    /// More memory than one query may take.
    #[error(
        "query would take more than {limit} bytes of memory; narrow the selector, or make shorter labels"
    )]
    TooManyBytes {
        /// The limit.
        limit: usize,
    },
    /// A label value that a function would make longer than any may be.
    #[error("{function}() would make a value of label {label:?} longer than {limit} bytes")]
    LabelTooLong {
        /// The function.
        function: &'static str,
        /// The label.
        label: String,
        /// The limit.
        limit: usize,
    },
    /// More points than a range query may have.
    #[error(
        "exceeded maximum resolution of {limit} points per timeseries. Try decreasing the query resolution (?step=XX)"
    )]
    TooManyPoints {
        /// The limit.
        limit: usize,
    },
    /// A range query that ends before it starts, or does not move.
    #[error("{message}")]
    Range {
        /// What is wrong with it.
        message: &'static str,
    },
    /// The store cannot read.
    #[error(transparent)]
    Store(#[from] QueryError),
}
