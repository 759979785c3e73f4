//! The annotation language of alerting rules, rendered as Prometheus renders it.
//!
//! **In scope:** Go's `text/template` with Prometheus's variables (`$labels`, `$value`, `$externalLabels`,
//! `$externalURL`) and functions (`query`, `humanize`, `stripPort`, …); errors at load for unknown functions and
//! variables; findings at load for what will fail or print nonsense at run time.
//!
//! **Out of scope:** evaluating the queries (the caller's, see `promql`); rule files (`rules`); notification
//! templates and their HTML mode, with `tmpl`.
//!
//! ```
//! use assurance_template::{Data, Externals, Template};
//!
//! let template = Template::parse("{{ $labels.instance | stripPort }} is {{ $value | humanizePercentage }} full")?;
//! let externals = Externals::new([("site", "a")], "http://localhost:9090/");
//! let data = Data::new([("instance", "db:9100")], 0.934, &externals, 0.0);
//! let text = template.render(&data, &|expression| Err(format!("no store to ask {expression} of")))?;
//! assert_eq!(text, "db is 93.4% full");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Invariants.** Rendering is a function of its arguments: no clock, no randomness, no addresses of memory.
//! Text, output, rounds of `range` and queries are bounded.

mod check;
mod clock;
mod error;
mod functions;
mod host;
mod number;
mod object;
mod rewrite;
mod structure;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use gotmpl::parse::Parser;
use gotmpl::{TemplateError, Value};

use functions::{Rendering, Session};

pub use error::{Finding, FindingKind, ParseError, ParseErrorKind, RenderError};

/// Longest template: 64 KiB, 40 times the longest annotation of the published rule collections.
pub const MAX_TEMPLATE_BYTES: usize = 64 << 10;
/// Longest output: 256 KiB, four times the longest template, and still a notification.
pub const MAX_OUTPUT_BYTES: usize = 256 << 10;
/// Rounds of `range` in one rendering, nested ones counted: 10,000 lines are more than anybody reads.
pub const MAX_ROUNDS: u64 = 10_000;
/// Different queries in one rendering. Each costs an evaluation and a run of the template.
pub const MAX_QUERIES: usize = 64;

/// One sample of a query, as templates see it.
#[derive(Clone, Debug, PartialEq)]
pub struct QuerySample {
    /// All labels, the metric name as `__name__` among them.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: f64,
}

/// The value of the sample that made an alert, as templates see it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AlertValue {
    /// A number.
    Float(f64),
    /// A native histogram, which prints as its text and has fields `.Count` and `.Sum`.
    Histogram {
        /// As Prometheus prints it.
        text: String,
        /// How many observations.
        count: f64,
        /// What they add up to.
        sum: f64,
    },
}

impl From<f64> for AlertValue {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

/// A query written out in a template, so that it can be checked before it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiteralQuery {
    /// The text between the quotes, in bytes of the template; exact where nothing in it is escaped.
    pub span: Range<usize>,
    /// The query.
    pub expression: String,
}

/// A template, read and checked.
#[derive(Clone)]
pub struct Template {
    text: Arc<str>,
    /// `None` for text without any action, which needs no engine.
    program: Option<Arc<Program>>,
    findings: Vec<Finding>,
    labels: BTreeSet<String>,
    queries: Vec<LiteralQuery>,
}

/// The engine with a template's trees in it; its functions are shared by all templates.
struct Program(gotmpl::Template);

/// The engine without any template.
static ENGINE: LazyLock<gotmpl::Template> =
    LazyLock::new(|| gotmpl::Template::new("").max_range_iters(MAX_ROUNDS).funcs(functions::all()));

/// Name of the main tree inside of the engine; `{{ define }}` cannot take it away, as it has a blank.
const MAIN: &str = " main";

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// If it is no Go template, calls a function or uses a variable that does not exist, or is too long.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if text.len() > MAX_TEMPLATE_BYTES {
            let kind = ParseErrorKind::TooLong { bytes: text.len(), limit: MAX_TEMPLATE_BYTES };
            return Err(ParseError { span: 0..0, line: 1, column: 1, kind });
        }
        if !text.contains("{{") {
            return Ok(Self {
                text: text.into(),
                program: None,
                findings: Vec::new(),
                labels: BTreeSet::new(),
                queries: Vec::new(),
            });
        }
        let (tree, defines) =
            Parser::new(text, "{{", "}}").and_then(Parser::parse).map_err(|source| syntax(text, &source))?;
        let learned = structure::check(text)
            .and_then(|()| check::check(text, &tree, &defines))
            .map_err(|refusal| located(text, refusal))?;
        let mut main = rewrite::list(tree);
        main.nodes.splice(0..0, rewrite::prelude());
        let engine = ENGINE.clone().add_parse_tree(MAIN, main);
        let engine = defines
            .into_iter()
            .fold(engine, |engine, define| engine.add_parse_tree(&define.name, rewrite::list(define.body)));
        Ok(Self {
            text: text.into(),
            program: Some(Arc::new(Program(engine))),
            findings: learned.findings,
            labels: learned.labels,
            queries: learned.queries,
        })
    }

    /// The text it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is plain text, the same for every alert.
    pub fn is_plain(&self) -> bool {
        self.program.is_none()
    }

    /// What works otherwise than its author will expect.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The alert's labels that it names.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().map(String::as_str)
    }

    /// The queries that are written out in it.
    pub fn queries(&self) -> &[LiteralQuery] {
        &self.queries
    }

    /// Renders it for one alert. `query` evaluates an expression at the time of the evaluation; a scalar is one
    /// sample without labels.
    ///
    /// # Errors
    /// If a function, a field or a query fails on these data, or a bound is crossed.
    pub fn render(
        &self,
        data: &Data,
        query: &dyn Fn(&str) -> Result<Vec<QuerySample>, String>,
    ) -> Result<String, RenderError> {
        let Some(program) = &self.program else { return Ok(self.text.to_string()) };
        let rendering = Rendering::begin(&data.around);
        loop {
            let mut out = Bounded { text: String::new(), full: false };
            let done = program.0.execute_template_fmt(&mut out, MAIN, &data.root);
            let failure = match done {
                Ok(()) => return Ok(out.text),
                Err(failure) => failure,
            };
            if out.full {
                return Err(RenderError::TooMuchText { limit: MAX_OUTPUT_BYTES });
            }
            // The engine cannot call a borrowed function, so a run stops at each new query and is made again
            // with its answer. Rendering has no effects, so that the runs agree up to that point.
            let Some(expression) = rendering.session(Session::take_wanted) else {
                return Err(match failure {
                    TemplateError::RangeIterLimit => RenderError::TooManyRounds { limit: MAX_ROUNDS },
                    TemplateError::Exec(reason) => RenderError::Execution { reason },
                    other => RenderError::Execution { reason: other.to_string() },
                });
            };
            let samples = query(&expression)
                .map_err(|reason| RenderError::Query { expression: expression.clone(), reason })?;
            let answers = rendering.session(|session| session.answer(expression, &samples));
            if answers > MAX_QUERIES {
                return Err(RenderError::TooManyQueries { limit: MAX_QUERIES });
            }
            rendering.session(Session::restart);
        }
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.text).finish()
    }
}

/// Equal texts make equal templates.
impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Template {}

/// What is the same for all alerts of a server.
#[derive(Clone, Debug)]
pub struct Externals {
    labels: Value,
    url: Arc<str>,
    path: Arc<str>,
}

impl Externals {
    /// From the external labels and the URL under which the server is reached from outside.
    pub fn new<N: AsRef<str>, V: AsRef<str>>(labels: impl IntoIterator<Item = (N, V)>, url: &str) -> Self {
        Self { labels: map(labels), url: url.into(), path: host::path_of(url).into() }
    }

    /// The URL under which the server is reached from outside.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// What a template is rendered for. Made once an alert, used for all of its templates.
#[derive(Clone)]
pub struct Data {
    root: Value,
    around: functions::Surroundings,
}

impl Data {
    /// From the labels and the value of the sample that made the alert (the metric name among the labels) and
    /// the time of the evaluation in seconds since the epoch.
    pub fn new<N: AsRef<str>, V: AsRef<str>>(
        labels: impl IntoIterator<Item = (N, V)>,
        value: impl Into<AlertValue>,
        externals: &Externals,
        now_seconds: f64,
    ) -> Self {
        let value = match value.into() {
            AlertValue::Float(value) => Value::Float(value),
            AlertValue::Histogram { text, count, sum } => object::histogram(text, count, sum),
        };
        Self {
            root: object::root(map(labels), externals.labels.clone(), &externals.url, value),
            around: functions::Surroundings {
                external_url: Arc::clone(&externals.url),
                path_prefix: Arc::clone(&externals.path),
                now_seconds,
            },
        }
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Data").field(&object::show(&self.root)).finish()
    }
}

/// The names of all functions, for suggestions.
pub fn function_names() -> impl Iterator<Item = &'static str> {
    functions::FUNCTIONS.iter().map(|(name, _)| *name)
}

fn map<N: AsRef<str>, V: AsRef<str>>(labels: impl IntoIterator<Item = (N, V)>) -> Value {
    let pairs: Vec<(N, V)> = labels.into_iter().collect();
    object::label_map(pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())))
}

/// Takes text up to the limit.
struct Bounded {
    text: String,
    full: bool,
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        if self.text.len() + more.len() > MAX_OUTPUT_BYTES {
            self.full = true;
            return Err(fmt::Error);
        }
        self.text.push_str(more);
        Ok(())
    }
}

fn syntax(text: &str, source: &TemplateError) -> ParseError {
    let (line, column, message) = match source {
        TemplateError::Parse { line, col, message, .. } | TemplateError::Lex { line, col, message, .. } => {
            (*line, *col, message.clone())
        }
        other => (1, 1, other.to_string()),
    };
    let (line, column) = (line.max(1), column.max(1));
    let start = offset_of(text, line, column);
    let end = text[start..].chars().next().map_or(start, |c| start + c.len_utf8());
    ParseError { span: start..end, line, column, kind: ParseErrorKind::Syntax { message } }
}

fn located(text: &str, (span, kind): (Range<usize>, ParseErrorKind)) -> ParseError {
    let (line, column) = line_and_column(text, span.start);
    ParseError { span, line, column, kind }
}

fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = &text[start..];
    rest.char_indices().nth(column - 1).map_or(text.len(), |(at, _)| start + at)
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before[start..].chars().count() + 1)
}
