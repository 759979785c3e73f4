//! Prometheus text format 0.0.4 and OpenMetrics 1.0, in and out, zero-copy, with lines and columns in errors.
//!
//! **In scope:** [`Parser`], which borrows from a body and hands out its lines one by one; [`parse()`], the
//! same as whole families; [`encode()`], the way back; [`lint()`]; content types and negotiation ([`Format`]);
//! [`History`] and [`HistoryWriter`], samples of long spans of time as a stream.
//!
//! **Out of scope:** fetching, relabelling and what a scrape makes of an error (`scrape`); the protobuf format;
//! native histograms as text, which OpenMetrics 1.0 does not have (they are written as buckets).
//!
//! ```
//! use assurance_exposition::{Entry, Family, Format, Parser, encode, parse};
//!
//! let body = b"# TYPE gates_total counter\ngates_total{gate=\"DG-1\",state=\"closed\"} 2\n";
//! for entry in Parser::new(body, Format::Text) {
//!     if let Entry::Sample(sample) = entry? {
//!         assert_eq!(sample.series, br#"gates_total{gate="DG-1",state="closed"}"#);
//!         assert_eq!(sample.value, 2.0);
//!         assert_eq!(sample.to_labels().get("state"), Some("closed"));
//!     }
//! }
//!
//! let error = parse(b"up 1\ngates{gate=DG} 1\n", Format::Text).errors.remove(0);
//! assert_eq!((error.line, error.column), (2, 12));
//!
//! let family = Family::gauge("up", "Whether the last scrape went well.").with_sample(&[("job", "brain")], 1.0);
//! assert_eq!(
//!     encode(&[family], Format::Text),
//!     "# HELP up Whether the last scrape went well.\n# TYPE up gauge\nup{job=\"brain\"} 1\n",
//! );
//! # Ok::<(), assurance_exposition::ParseError>(())
//! ```
//!
//! # What is accepted
//!
//! **Text** as Prometheus 3 reads it (`model/textparse`): blanks and tabs between the parts, a trailing comma
//! or none at all between labels, line feeds inside quotes, quoted names, comments, families in any order; but
//! no hexadecimal numbers, no underscores, no carriage returns, no numbers that overflow, no timestamps before
//! 1970. It differs where Prometheus guesses: a bare name that runs into its value (`a.b 1`, read there as `a`
//! with the value .5 or refused, depending on what follows) is an error, `# HELP a.b …` is a comment rather
//! than the help of `a`, blanks before a name are not part of it, and a NUL byte does not end the body.
//!
//! **OpenMetrics** as its reference parser (`prometheus_client`) judges: single spaces, every line known,
//! metadata once and before samples, families and groups in one piece, time forwards, types that keep their
//! promises, histograms that add up, `# EOF`. Where that parser lets through what the grammar forbids
//! (blanks inside braces, a missing space), the grammar holds.
//!
//! **Invariants.** The parser allocates nothing per sample (but to compare label names, where a sample has more
//! than sixteen labels or escapes in their names); a body cannot make it panic, nor cost more than its limits;
//! an error's line and column lie in the body; nothing is skipped without an error.

mod byteset;
mod chars;
mod classic;
mod encode;
mod error;
mod family;
mod format;
mod history;
mod limits;
mod lint;
mod number;
mod openmetrics;
mod parse;
mod parser;
mod sample;
mod series;
mod strict;

pub use encode::{Encoder, encode};
pub use error::{ParseError, ParseErrorKind};
pub use family::{Family, FamilyExemplar, FamilySample};
pub use format::{ACCEPT, Format};
pub use history::{
    History, HistoryError, HistoryFormat, HistoryNotes, HistorySample, HistoryWriter, NanMeans, Noted,
    Unsayable,
};
pub use limits::Limits;
pub use lint::{Finding, FindingKind, lint};
pub use parse::{Parsed, parse, parse_with_limits};
pub use parser::{Entry, Known, Parser};
pub use sample::{Exemplar, LabelPairs, Sample};
