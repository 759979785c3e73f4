//! PromQL: a parser that knows where everything stands, and column-wise evaluation over any
//! [`Queryable`](assurance_metrics_model::Queryable).
//!
//! **In scope:** Prometheus 3's language on floats, classic and native histograms: [`parse`], [`instant`],
//! [`range`]. What cannot be evaluated is refused by [`parse`], when a rule or dashboard is loaded.
//!
//! **Out of scope:** storing samples (`tsdb`), rules (`rules`), the HTTP API (`web`).
//!
//! ```
//! use assurance_metrics_model::{Appender as _, Labels, Timestamp};
//! use assurance_promql::{Options, QueryValue, instant, parse};
//! # use assurance_metrics_model::{Column, Queryable, QueryError, Selection, Series, TimeRange};
//! # struct One(Labels);
//! # impl Series for One {
//! #     fn labels(&self) -> &Labels { &self.0 }
//! #     fn read(&self, range: TimeRange, into: &mut Column) -> Result<(), QueryError> {
//! #         let at = Timestamp::from_secs(60);
//! #         if range.contains(at) { into.push_float(at, 1.0); }
//! #         Ok(())
//! #     }
//! # }
//! # struct Store;
//! # impl Queryable for Store {
//! #     fn select(&self, _: &Selection<'_>) -> Result<Vec<Box<dyn Series + '_>>, QueryError> {
//! #         Ok(vec![Box::new(One(Labels::from_pairs([("__name__", "up"), ("job", "brain")])))])
//! #     }
//! #     fn label_names(&self, _: &Selection<'_>) -> Result<Vec<String>, QueryError> { Ok(vec![]) }
//! #     fn label_values(&self, _: &str, _: &Selection<'_>) -> Result<Vec<String>, QueryError> { Ok(vec![]) }
//! # }
//! # let store = Store;
//! let expr = parse(r#"sum by (job) (up{job="brain"}) * 2"#)?;
//! let answer = instant(&expr, &store, Timestamp::from_secs(90), &Options::default())?;
//! let QueryValue::Vector(vector) = answer.value else { panic!("a vector") };
//! assert_eq!(vector[0].labels.to_string(), r#"{job="brain"}"#);
//! assert_eq!(vector[0].value, 2.0.into());
//!
//! let error = parse("rate(up)").unwrap_err();
//! assert!(error.to_diagnostic("rate(up)").to_string().contains("range vector"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Invariants.** The same store, expression and time give the same answer. A range query is, step by step,
//! what instant queries give, but for the last bits where windows slide. An evaluation gives a whole answer or an error, never a part. What `parse`
//! accepts, prints ([`Expr`] is `Display`) as text that parses to the same tree.

mod aggregate;
mod annotations;
mod answer;
mod ast;
mod binary;
mod call;
mod combining;
mod dates;
mod durations;
mod error;
mod eval;
mod function;
mod histogram;
mod info;
mod labels;
mod line;
mod native;
mod numbers;
mod parse;
mod pretty;
mod print;
mod range_function;
mod select;

pub use answer::{Answer, Cancelled, MatrixSeries, Options, QueryValue, VectorSample};
pub use ast::{
    Aggregate, AggregateOp, At, Binary, BinaryOp, Call, Cardinality, DurationExpr, Expr, ExprKind, Grouping,
    MatrixSelector, RangeEnds, Span, Subquery, ValueType, VectorMatching, VectorSelector,
};
pub use error::{EvalError, ParseError, ParseErrorKind};
pub use eval::{instant, range};
pub use function::Function;
pub use parse::{Features, MAX_DEPTH, MAX_EXPRESSION_BYTES, parse, parse_selector, parse_with};
