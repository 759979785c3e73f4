//! Go's structs as template values: the engine knows maps, lists and scalars only.
//!
//! A struct is a function from a member's name to its value. The rewritten tree (see `rewrite`) asks it for
//! members and prints it; no action of a user's template can reach the function itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::{TemplateError, Value};

use crate::clock::{Instant, Span};
use crate::{QuerySample, number};

/// Member that gives a struct as Go prints it. Field names come from the parser and have no blanks.
const SHOW: &str = " show";
/// Member that gives the name of a struct's type.
const TYPE: &str = " type";

pub(crate) fn failed(reason: impl Into<String>) -> TemplateError {
    TemplateError::Exec(reason.into())
}

pub(crate) fn text(text: &str) -> Value {
    Value::String(text.into())
}

/// Labels as Go's `map[string]string`.
pub(crate) fn label_map<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Value {
    let map: BTreeMap<Arc<str>, Value> =
        labels.into_iter().map(|(name, value)| (name.into(), text(value))).collect();
    Value::Map(Arc::new(map))
}

/// A struct with fields, in the order in which Go prints them.
fn record(kind: &'static str, fields: Vec<(&'static str, Value)>) -> Value {
    Value::Function(Arc::new(move |arguments: &[Value]| {
        let Some(Value::String(name)) = arguments.first() else {
            return Err(failed("not a function"));
        };
        match name.as_ref() {
            TYPE => Ok(text(kind)),
            SHOW => {
                let all: Vec<String> = fields.iter().map(|(_, value)| show(value)).collect();
                Ok(text(&format!("{{{}}}", all.join(" "))))
            }
            name => fields
                .iter()
                .find(|(field, _)| *field == name)
                .map(|(_, value)| value.clone())
                .ok_or_else(|| failed(format!("can't evaluate field {name} in {kind}"))),
        }
    }))
}

pub(crate) const SAMPLE: &str = "a sample";

/// One sample of a query.
pub(crate) fn sample(sample: &QuerySample) -> Value {
    let labels = label_map(sample.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())));
    record(SAMPLE, vec![("Labels", labels), ("Value", Value::Float(sample.value))])
}

/// A native histogram.
pub(crate) fn histogram(shown: String, count: f64, sum: f64) -> Value {
    Value::Function(Arc::new(move |arguments: &[Value]| match arguments {
        [Value::String(name)] => match name.as_ref() {
            TYPE => Ok(text("a histogram")),
            SHOW => Ok(text(&shown)),
            "Count" => Ok(Value::Float(count)),
            "Sum" => Ok(Value::Float(sum)),
            name => Err(failed(format!("can't evaluate field {name} in a histogram"))),
        },
        _ => Err(failed("not a function")),
    }))
}

/// The top of a rule's template.
pub(crate) fn root(labels: Value, external_labels: Value, external_url: &str, value: Value) -> Value {
    record(
        "an alert",
        vec![
            ("Labels", labels),
            ("ExternalLabels", external_labels),
            ("ExternalURL", text(external_url)),
            ("Value", value),
        ],
    )
}

/// What `toTime` gives.
pub(crate) fn instant(at: Instant) -> Value {
    Value::Function(Arc::new(move |arguments: &[Value]| {
        let Some((Value::String(name), arguments)) = arguments.split_first() else {
            return Err(failed("not a function"));
        };
        match (name.as_ref(), arguments) {
            (TYPE, _) => Ok(text("a time")),
            (SHOW, _) => Ok(text(&at.to_string())),
            ("UTC", []) => Ok(instant(at)),
            ("Format", [Value::String(layout)]) => Ok(text(&at.format(layout))),
            ("Add", [span]) => at.add(as_span(span)?).map(instant).map_err(failed),
            (name, []) => at.method(name).ok_or_else(|| unknown_method(name, "a time")),
            (name, _) => Err(unknown_method(name, "a time")),
        }
    }))
}

/// What `parseDurationTime` and `toDuration` give.
pub(crate) fn span(span: Span) -> Value {
    Value::Function(Arc::new(move |arguments: &[Value]| {
        let Some((Value::String(name), arguments)) = arguments.split_first() else {
            return Err(failed("not a function"));
        };
        match (name.as_ref(), arguments) {
            (TYPE, _) => Ok(text("a duration")),
            (SHOW, _) => Ok(text(&span.to_string())),
            (NANOSECONDS, []) => Ok(span.method("Nanoseconds").unwrap_or(Value::Nil)),
            (name, []) => span.method(name).ok_or_else(|| unknown_method(name, "a duration")),
            (name, _) => Err(unknown_method(name, "a duration")),
        }
    }))
}

/// Member by which a duration gives itself to a time's `Add`.
const NANOSECONDS: &str = " nanoseconds";

fn as_span(value: &Value) -> Result<Span, TemplateError> {
    match value {
        Value::Function(object) => match object(&[text(NANOSECONDS)])? {
            Value::Int(nanos) => Ok(Span::from_nanos(nanos)),
            other => Err(failed(format!("{} is no duration", other.type_name()))),
        },
        Value::Int(nanos) => Ok(Span::from_nanos(*nanos)),
        other => Err(failed(format!("{} is no duration", other.type_name()))),
    }
}

fn unknown_method(name: &str, kind: &str) -> TemplateError {
    failed(format!("can't evaluate method {name} of {kind} with these arguments"))
}

/// The name of a value's type, for errors.
pub(crate) fn type_of(value: &Value) -> String {
    match value {
        Value::Function(object) => match object(&[text(TYPE)]) {
            Ok(Value::String(kind)) => kind.to_string(),
            _ => "a function".to_owned(),
        },
        other => format!("type {}", other.type_name()),
    }
}

/// A member of a value, as `.Name` asks for it, with arguments where it is a method.
pub(crate) fn member(value: &Value, name: &str, arguments: &[Value]) -> Result<Value, TemplateError> {
    match value {
        Value::Function(object) => {
            let mut all = vec![text(name)];
            all.extend_from_slice(arguments);
            object(&all)
        }
        _ if !arguments.is_empty() => Err(failed(format!("{name} is no method and takes no arguments"))),
        Value::Map(map) => Ok(map.get(name).cloned().unwrap_or_else(|| absent(map))),
        Value::Nil => Err(failed(format!("nil data; no entry for key {name:?}"))),
        other => Err(failed(format!("can't evaluate field {name} in {}", type_of(other)))),
    }
}

/// What Go gives for a key that a map lacks: `""` from a `map[string]string`, nothing from what `args` makes.
pub(crate) fn absent(map: &BTreeMap<Arc<str>, Value>) -> Value {
    let from_args = map.contains_key("arg0") && map.keys().all(|key| is_argument(key));
    if from_args { Value::Nil } else { text("") }
}

fn is_argument(key: &str) -> bool {
    key.strip_prefix("arg").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Reads a sample's member; fails on what is no sample.
pub(crate) fn sample_member(value: &Value, name: &str) -> Result<Value, TemplateError> {
    if matches!(value, Value::Nil) {
        return Err(failed("the sample is missing"));
    }
    if type_of(value) != SAMPLE {
        return Err(failed(format!("expected a sample, not {}", type_of(value))));
    }
    member(value, name, &[])
}

/// A value as Go's `%v` prints it. Where Go would print a sample's address, this prints the sample.
pub(crate) fn show(value: &Value) -> String {
    match value {
        Value::Float(value) => number::plain(*value),
        Value::String(text) => text.to_string(),
        Value::List(all) => format!("[{}]", all.iter().map(show).collect::<Vec<_>>().join(" ")),
        Value::Map(map) => {
            let all: Vec<String> = map.iter().map(|(key, value)| format!("{key}:{}", show(value))).collect();
            format!("map[{}]", all.join(" "))
        }
        Value::Function(object) => match object(&[text(SHOW)]) {
            Ok(Value::String(text)) => text.to_string(),
            _ => "<func>".to_owned(),
        },
        other => other.to_string(),
    }
}
