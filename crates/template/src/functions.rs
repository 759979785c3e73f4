//! The functions of rule templates: Prometheus's, and those of Go's that print.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::{FuncMap, Result, Value};

use crate::clock::{Instant, Span};
use crate::object::{self, failed, show, text};
use crate::{host, number};

/// How many arguments a function takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arity {
    Any,
    AtLeast(usize),
    Exactly(usize),
}

impl Arity {
    pub(crate) fn accepts(self, given: usize) -> bool {
        match self {
            Self::Any => true,
            Self::AtLeast(least) => given >= least,
            Self::Exactly(count) => given == count,
        }
    }

    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Any => "any number of arguments",
            Self::AtLeast(1) => "at least one argument",
            Self::AtLeast(_) => "at least two arguments",
            Self::Exactly(0) => "no arguments",
            Self::Exactly(1) => "one argument",
            Self::Exactly(2) => "two arguments",
            Self::Exactly(_) => "three arguments",
        }
    }
}

/// Every function a template may call, by name: those of Go's `text/template`, then Prometheus's.
pub(crate) const FUNCTIONS: &[(&str, Arity)] = &[
    ("and", Arity::AtLeast(1)),
    ("call", Arity::AtLeast(1)),
    ("eq", Arity::AtLeast(2)),
    ("ge", Arity::Exactly(2)),
    ("gt", Arity::Exactly(2)),
    ("html", Arity::Any),
    ("index", Arity::AtLeast(1)),
    ("js", Arity::Any),
    ("le", Arity::Exactly(2)),
    ("len", Arity::Exactly(1)),
    ("lt", Arity::Exactly(2)),
    ("ne", Arity::Exactly(2)),
    ("not", Arity::Exactly(1)),
    ("or", Arity::AtLeast(1)),
    ("print", Arity::Any),
    ("printf", Arity::AtLeast(1)),
    ("println", Arity::Any),
    ("slice", Arity::AtLeast(1)),
    ("urlquery", Arity::Any),
    ("args", Arity::Any),
    ("externalURL", Arity::Exactly(0)),
    ("first", Arity::Exactly(1)),
    ("graphLink", Arity::Exactly(1)),
    ("humanize", Arity::Exactly(1)),
    ("humanize1024", Arity::Exactly(1)),
    ("humanizeDuration", Arity::Exactly(1)),
    ("humanizePercentage", Arity::Exactly(1)),
    ("humanizeTimestamp", Arity::Exactly(1)),
    ("label", Arity::Exactly(2)),
    ("match", Arity::Exactly(2)),
    ("now", Arity::Exactly(0)),
    ("parseDuration", Arity::Exactly(1)),
    ("parseDurationTime", Arity::Exactly(1)),
    ("pathPrefix", Arity::Exactly(0)),
    ("query", Arity::Exactly(1)),
    ("reReplaceAll", Arity::Exactly(3)),
    ("safeHtml", Arity::Exactly(1)),
    ("sortByLabel", Arity::Exactly(2)),
    ("stripDomain", Arity::Exactly(1)),
    ("stripPort", Arity::Exactly(1)),
    ("strvalue", Arity::Exactly(1)),
    ("tableLink", Arity::Exactly(1)),
    ("title", Arity::Exactly(1)),
    ("toDuration", Arity::Exactly(1)),
    ("toLower", Arity::Exactly(1)),
    ("toTime", Arity::Exactly(1)),
    ("toUpper", Arity::Exactly(1)),
    ("urlQueryEscape", Arity::Exactly(1)),
    ("value", Arity::Exactly(1)),
];

/// Functions of the rewritten tree. Templates cannot name them: they are not in [`FUNCTIONS`].
pub(crate) const MEMBER: &str = "__member";
pub(crate) const METHOD: &str = "__method";
pub(crate) const SHOW: &str = "__show";

/// Text that functions may put together in one rendering: 16 MiB, 64 times the longest output. It ends
/// templates that double a string in every round of a `range`.
const MAX_WORK_BYTES: usize = 16 << 20;

/// Arguments that `printf` may take; its format would have to be longer than any annotation seen.
const MAX_PRINTF_ARGUMENTS: usize = 64;

/// What one rendering knows and has used up.
#[derive(Debug, Default)]
pub(crate) struct Session {
    around: Surroundings,
    answers: RefCell<BTreeMap<String, Value>>,
    wanted: RefCell<Option<String>>,
    spent: Cell<usize>,
}

thread_local! {
    /// The rendering under way on this thread. The engine's functions are made once, for all templates, and can
    /// borrow nothing: this is how they find what they need beside their arguments.
    static CURRENT: RefCell<Session> = RefCell::default();
}

/// Makes a rendering the one under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct Rendering {
    before: Option<Session>,
}

impl Rendering {
    pub(crate) fn begin(around: &Surroundings) -> Self {
        let session = Session { around: around.clone(), ..Session::default() };
        Self { before: Some(CURRENT.replace(session)) }
    }

    /// What the functions of this rendering share.
    pub(crate) fn session<T>(&self, of: impl FnOnce(&Session) -> T) -> T {
        CURRENT.with_borrow(of)
    }
}

impl Drop for Rendering {
    fn drop(&mut self) {
        if let Some(before) = self.before.take() {
            CURRENT.set(before);
        }
    }
}

impl Session {
    /// The query that the last run stopped at.
    pub(crate) fn take_wanted(&self) -> Option<String> {
        self.wanted.take()
    }

    /// Gives the answer to a query; returns how many there are by now.
    pub(crate) fn answer(&self, expression: String, samples: &[crate::QuerySample]) -> usize {
        let list: Vec<Value> = samples.iter().map(object::sample).collect();
        let mut answers = self.answers.borrow_mut();
        answers.insert(expression, Value::List(list.into()));
        answers.len()
    }

    /// Starts a new run of the same rendering.
    pub(crate) fn restart(&self) {
        self.spent.set(0);
    }

    fn query(&self, expression: &str) -> Result<Value> {
        if let Some(answer) = self.answers.borrow().get(expression) {
            return Ok(answer.clone());
        }
        self.wanted.replace(Some(expression.to_owned()));
        Err(failed("the query has not been made yet"))
    }

    fn spend(&self, text: String) -> Result<Value> {
        let spent = self.spent.get() + text.len();
        self.spent.set(spent);
        if spent > MAX_WORK_BYTES {
            return Err(failed(format!("functions made more than {MAX_WORK_BYTES} bytes of text")));
        }
        Ok(Value::String(text.into()))
    }

    fn left(&self) -> usize {
        MAX_WORK_BYTES.saturating_sub(self.spent.get())
    }
}

/// What the functions need besides their arguments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    pub(crate) external_url: Arc<str>,
    pub(crate) path_prefix: Arc<str>,
    pub(crate) now_seconds: f64,
}

/// The functions of all renderings.
pub(crate) fn all() -> FuncMap {
    let mut map = FuncMap::new();
    for (name, function) in BY_NAME {
        let call = move |arguments: &[Value]| CURRENT.with_borrow(|session| function(session, arguments));
        map.insert((*name).to_owned(), Arc::new(call) as _);
    }
    map
}

type Function = fn(&Session, &[Value]) -> Result<Value>;

const BY_NAME: &[(&str, Function)] = &[
    (MEMBER, member),
    (METHOD, method),
    (SHOW, |_, a| Ok(if matches!(a, [Value::Nil]) { Value::Nil } else { text(&show(one(a)?)) })),
    ("args", |_, a| {
        let pairs = a.iter().enumerate().map(|(n, value)| (Arc::from(format!("arg{n}")), value.clone()));
        Ok(Value::Map(Arc::new(pairs.collect())))
    }),
    ("call", |_, _| Err(failed("call of something that is not a function"))),
    ("externalURL", |s, _| Ok(text(&s.around.external_url))),
    ("first", |_, a| match list(one(a)?)? {
        [first, ..] => Ok(first.clone()),
        [] => Err(failed("first() called on vector with no elements")),
    }),
    ("graphLink", |s, a| {
        s.spend(format!("/graph?g0.expr={}&g0.tab=0", gotmpl::url_encode(string(one(a)?)?)))
    }),
    ("html", |s, a| s.spend(gotmpl::html_escape(&sprint(a)).to_string())),
    ("humanize", |s, a| s.spend(number::humanize(float(one(a)?)?))),
    ("humanize1024", |s, a| s.spend(number::humanize_1024(float(one(a)?)?))),
    ("humanizeDuration", |s, a| s.spend(number::humanize_duration(float(one(a)?)?))),
    ("humanizePercentage", |s, a| s.spend(number::humanize_percentage(float(one(a)?)?))),
    ("humanizeTimestamp", |s, a| s.spend(number::humanize_timestamp(float(one(a)?)?).map_err(failed)?)),
    ("index", index),
    ("js", |s, a| s.spend(gotmpl::js_escape(&sprint(a)).to_string())),
    ("label", |_, a| {
        let [name, sample] = two(a)?;
        object::member(&object::sample_member(sample, "Labels")?, string(name)?, &[])
    }),
    ("match", |_, a| {
        let [pattern, subject] = two(a)?;
        Ok(Value::Bool(regex(string(pattern)?)?.is_match(string(subject)?)))
    }),
    ("now", |s, _| Ok(Value::Float(s.around.now_seconds))),
    ("parseDuration", |_, a| Ok(Value::Float(duration(one(a)?)?.seconds()))),
    ("parseDurationTime", |_, a| Ok(object::span(duration(one(a)?)?))),
    ("pathPrefix", |s, _| Ok(text(&s.around.path_prefix))),
    ("print", |s, a| s.spend(sprint(a))),
    ("printf", printf),
    ("println", |s, a| s.spend(a.iter().map(show).collect::<Vec<_>>().join(" ") + "\n")),
    ("query", |s, a| s.query(string(one(a)?)?)),
    ("reReplaceAll", replace_all),
    ("safeHtml", |_, a| Ok(text(string(one(a)?)?))),
    ("sortByLabel", sort_by_label),
    ("stripDomain", |_, a| Ok(text(&host::strip_domain(string(one(a)?)?)))),
    ("stripPort", |_, a| Ok(text(host::strip_port(string(one(a)?)?)))),
    ("strvalue", |_, a| object::member(&object::sample_member(one(a)?, "Labels")?, "__value__", &[])),
    ("tableLink", |s, a| {
        s.spend(format!("/graph?g0.expr={}&g0.tab=1", gotmpl::url_encode(string(one(a)?)?)))
    }),
    ("title", |s, a| s.spend(title(string(one(a)?)?))),
    ("toDuration", |_, a| Ok(object::span(Span::from_seconds(float(one(a)?)?).map_err(failed)?))),
    ("toLower", |s, a| s.spend(string(one(a)?)?.to_lowercase())),
    ("toTime", |_, a| Ok(object::instant(Instant::from_seconds(float(one(a)?)?).map_err(failed)?))),
    ("toUpper", |s, a| s.spend(string(one(a)?)?.to_uppercase())),
    ("urlQueryEscape", |s, a| s.spend(gotmpl::url_encode(string(one(a)?)?).to_string())),
    ("urlquery", |s, a| s.spend(gotmpl::url_encode(&sprint(a)).to_string())),
    ("value", |_, a| object::sample_member(one(a)?, "Value")),
];

fn one(arguments: &[Value]) -> Result<&Value> {
    match arguments {
        [argument] => Ok(argument),
        _ => Err(failed(format!("wrong number of args: want 1 got {}", arguments.len()))),
    }
}

fn two(arguments: &[Value]) -> Result<[&Value; 2]> {
    match arguments {
        [a, b] => Ok([a, b]),
        _ => Err(failed(format!("wrong number of args: want 2 got {}", arguments.len()))),
    }
}

fn string(value: &Value) -> Result<&str> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(failed(format!("wrong type; expected string, got {}", object::type_of(other)))),
    }
}

fn list(value: &Value) -> Result<&[Value]> {
    match value {
        Value::List(list) => Ok(list),
        other => Err(failed(format!("expected the samples of a query, got {}", object::type_of(other)))),
    }
}

#[expect(clippy::cast_precision_loss, reason = "Go converts integers to float64 the same way")]
fn float(value: &Value) -> Result<f64> {
    match value {
        Value::Float(value) => Ok(*value),
        Value::Int(value) => Ok(*value as f64),
        Value::Uint(value) => Ok(*value as f64),
        Value::String(text) => number::parse(text).map_err(failed),
        other => Err(failed(format!("can't convert {} to float", object::type_of(other)))),
    }
}

fn duration(value: &Value) -> Result<Span> {
    Span::parse(string(value)?).map_err(failed)
}

/// Largest compiled form of a regular expression: 1 MiB, as for label matchers.
const MAX_REGEX_BYTES: usize = 1 << 20;

fn regex(pattern: &str) -> Result<regex::Regex> {
    regex::RegexBuilder::new(pattern).size_limit(MAX_REGEX_BYTES).build().map_err(|source| {
        let reason = source.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
        failed(format!("cannot compile regular expression {pattern:?}: {reason}"))
    })
}

fn member(_: &Session, arguments: &[Value]) -> Result<Value> {
    let (base, names) = arguments.split_first().ok_or_else(|| failed("nothing to take a field of"))?;
    names.iter().try_fold(base.clone(), |value, name| object::member(&value, string(name)?, &[]))
}

/// `base, how many names, names…, arguments…`; the last name is the method.
fn method(_: &Session, arguments: &[Value]) -> Result<Value> {
    let wrong = || failed("malformed method call");
    let [base, Value::Int(count), rest @ ..] = arguments else { return Err(wrong()) };
    let count = usize::try_from(*count).map_err(|_source| wrong())?;
    let (names, given) = rest.split_at_checked(count).ok_or_else(wrong)?;
    let (last, path) = names.split_last().ok_or_else(wrong)?;
    let on = path.iter().try_fold(base.clone(), |value, name| object::member(&value, string(name)?, &[]))?;
    object::member(&on, string(last)?, given)
}

fn index(_: &Session, arguments: &[Value]) -> Result<Value> {
    let (item, keys) = arguments.split_first().ok_or_else(|| failed("index of nothing"))?;
    keys.iter().try_fold(item.clone(), |value, key| match (&value, key) {
        (Value::Map(map), Value::String(key)) => {
            Ok(map.get(key.as_ref()).cloned().unwrap_or_else(|| object::absent(map)))
        }
        (Value::Function(_), _) => Err(failed(format!("can't index {}", object::type_of(&value)))),
        _ => value.index(key),
    })
}

/// Go's `Sprint`: blanks only between two operands neither of which is a string.
fn sprint(arguments: &[Value]) -> String {
    let mut out = String::new();
    let mut before_is_string = true;
    for (at, argument) in arguments.iter().enumerate() {
        let is_string = matches!(argument, Value::String(_));
        if at > 0 && !is_string && !before_is_string {
            out.push(' ');
        }
        out.push_str(&show(argument));
        before_is_string = is_string;
    }
    out
}

/// Go's `Sprintf` is the engine's, but `%v` of floats and structs is ours.
fn printf(session: &Session, arguments: &[Value]) -> Result<Value> {
    let (format, given) = arguments.split_first().ok_or_else(|| failed("printf without a format"))?;
    if given.len() > MAX_PRINTF_ARGUMENTS {
        return Err(failed(format!("printf with more than {MAX_PRINTF_ARGUMENTS} arguments")));
    }
    let mut given = given.to_vec();
    for value in &mut given {
        if matches!(value, Value::Function(_) | Value::List(_) | Value::Map(_)) {
            *value = text(&show(value));
        }
    }
    let format = floats_by_g(string(format)?, &mut given)?;
    let mut data = BTreeMap::from([(Arc::from("Format"), Value::String(format.into()))]);
    let mut action = "{{printf .Format".to_owned();
    for (at, value) in given.into_iter().enumerate() {
        action.push_str(&format!(" .A{at}"));
        data.insert(Arc::from(format!("A{at}")), value);
    }
    action.push_str("}}");
    session.spend(gotmpl::execute(&action, &Value::Map(Arc::new(data)))?)
}

/// Widest field and longest fraction that `printf` may pad to: ten times an ordinary line.
const MAX_PRINTF_WIDTH: usize = 1000;

/// Makes `%v` of a float `%g`, since the engine prints floats without an exponent, and infinities and NaN text,
/// since it does not print them as Go does.
fn floats_by_g(format: &str, given: &mut [Value]) -> Result<String> {
    let mut out = String::with_capacity(format.len());
    let mut rest = format;
    let mut next = 0;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = 1 + rest[1..].find(|c: char| c.is_alphabetic() || c == '%').unwrap_or(rest.len() - 1);
        let (flags, tail) = rest.split_at(length);
        next = take_widths(flags, next, given)?;
        let Some(verb) = tail.chars().next() else {
            out.push_str(flags);
            return Ok(out);
        };
        rest = &tail[verb.len_utf8()..];
        match given.get_mut(next) {
            Some(value) if verb.is_alphabetic() => {
                let odd = matches!(value, Value::Float(f) if !f.is_finite()) && "veEfFgG".contains(verb);
                let is_float = matches!(value, Value::Float(_));
                out.push_str(if odd { flags.split('.').next().unwrap_or(flags) } else { flags });
                out.push(match verb {
                    _ if odd => 's',
                    'v' if is_float => 'g',
                    verb => verb,
                });
                if odd {
                    *value = text(&show(value));
                }
            }
            _ => {
                out.push_str(flags);
                out.push(verb);
            }
        }
        if verb != '%' {
            next += 1;
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// Walks the part between `%` and the verb; gives the argument that the verb will print.
fn take_widths(flags: &str, mut next: usize, given: &[Value]) -> Result<usize> {
    let wide = || failed(format!("printf with a width above {MAX_PRINTF_WIDTH}"));
    let mut number = 0_usize;
    for c in flags.bytes() {
        match c {
            b'0'..=b'9' => {
                number = number.saturating_mul(10).saturating_add(usize::from(c - b'0'));
                if number > MAX_PRINTF_WIDTH {
                    return Err(wide());
                }
                continue;
            }
            b']' => next = number.saturating_sub(1),
            b'*' => {
                if matches!(given.get(next), Some(Value::Int(w)) if w.unsigned_abs() > MAX_PRINTF_WIDTH as u64)
                {
                    return Err(wide());
                }
                next += 1;
            }
            _ => {}
        }
        number = 0;
    }
    Ok(next)
}

fn replace_all(session: &Session, arguments: &[Value]) -> Result<Value> {
    let [pattern, replacement, subject] = arguments else {
        return Err(failed(format!("wrong number of args: want 3 got {}", arguments.len())));
    };
    let (replacement, subject) = (string(replacement)?, string(subject)?);
    let regex = regex(string(pattern)?)?;
    let mut out = String::new();
    let mut at = 0;
    for found in regex.captures_iter(subject) {
        let whole = found.get_match();
        out.push_str(&subject[at..whole.start()]);
        found.expand(replacement, &mut out);
        at = whole.end();
        if out.len() > session.left() {
            return Err(failed("reReplaceAll makes too much text"));
        }
    }
    out.push_str(&subject[at..]);
    session.spend(out)
}

fn sort_by_label(_: &Session, arguments: &[Value]) -> Result<Value> {
    let [name, samples] = two(arguments)?;
    let name = string(name)?;
    let mut keyed = Vec::new();
    for sample in list(samples)? {
        let labels = object::sample_member(sample, "Labels")?;
        let key = object::member(&labels, name, &[])?;
        keyed.push((string(&key)?.to_owned(), sample.clone()));
    }
    keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(Value::List(keyed.into_iter().map(|(_, sample)| sample).collect()))
}

/// Go's `strings.Title`: the first letter of every word in upper case. `_`, letters and digits belong to
/// words; outside ASCII only blanks part them.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut starts = true;
    for c in text.chars() {
        if starts {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        starts = if c.is_ascii() {
            !(c.is_ascii_alphanumeric() || c == '_')
        } else {
            !c.is_alphanumeric() && c.is_whitespace()
        };
    }
    out
}
