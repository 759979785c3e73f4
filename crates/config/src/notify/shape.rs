//! Mappings whose keys stand in tables: what each key holds, read without a type of its own for each mapping.

use std::collections::BTreeMap;
use std::fmt;

use assurance_diagnostics::yaml::Bool;
use assurance_metrics_model::Duration;
use assurance_scrape::Secret;
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::raw;
use crate::raw::Tls;
use crate::scalar::{Hidden, Span};

/// What stands behind a key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// A text, templates included.
    Text,
    /// A text nobody is to see.
    Secret,
    /// The path of a file that holds a secret or a URL.
    File,
    /// The URL of an HTTP server.
    Url,
    /// A URL that is a secret.
    SecretUrl,
    /// `host:port`
    HostPort,
    /// `true` or `false`
    Flag,
    /// A whole number that is not negative.
    Count,
    /// A whole number.
    Number,
    /// A duration as Prometheus writes them.
    Span,
    /// A duration as Go writes them.
    GoSpan,
    /// Texts.
    Texts,
    /// Texts by name.
    TextMap,
    /// A mapping.
    Map(&'static [Key]),
    /// A list of mappings.
    List(&'static [Key]),
    /// A text, or a mapping.
    TextOr(&'static [Key]),
    /// How an HTTP client behaves.
    Http,
    /// TLS settings.
    Tls,
    /// Anything.
    Any,
}

/// A key of a mapping.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
}

/// What was read behind a key.
#[derive(Debug)]
pub(crate) enum Value {
    Text(String),
    Secret(Secret),
    Flag(bool),
    Count(u64),
    Number(i64),
    Span(Duration),
    TextMap(BTreeMap<String, Option<String>>),
    Map(Fields),
    List(Vec<Option<Fields>>),
    Http(Box<raw::Http>),
    Tls(Box<Tls>),
    Any,
}

/// A mapping as it was read. What is empty counts as not written, as in Alertmanager.
#[derive(Debug, Default)]
pub(crate) struct Fields(BTreeMap<&'static str, Value>);

impl Fields {
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn secret(&self, key: &str) -> Option<&Secret> {
        match self.get(key) {
            Some(Value::Secret(secret)) => Some(secret),
            _ => None,
        }
    }

    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        match self.get(key) {
            Some(Value::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    pub(crate) fn list(&self, key: &str) -> &[Option<Self>] {
        match self.get(key) {
            Some(Value::List(list)) => list,
            _ => &[],
        }
    }

    pub(crate) fn take_list(&mut self, key: &str) -> Vec<Option<Self>> {
        match self.0.remove(key) {
            Some(Value::List(list)) => list,
            _ => Vec::new(),
        }
    }

    pub(crate) fn map(&self, key: &str) -> Option<&Self> {
        match self.get(key) {
            Some(Value::Map(map)) => Some(map),
            _ => None,
        }
    }

    pub(crate) fn http(&mut self, key: &str) -> Option<raw::Http> {
        match self.0.remove(key) {
            Some(Value::Http(http)) => Some(*http),
            _ => None,
        }
    }

    pub(crate) fn tls(&mut self, key: &str) -> Option<Tls> {
        match self.0.remove(key) {
            Some(Value::Tls(tls)) => Some(*tls),
            _ => None,
        }
    }
}

/// Reads a mapping with these keys.
#[derive(Clone, Copy)]
pub(crate) struct Mapping(pub(crate) &'static [Key]);

impl<'de> DeserializeSeed<'de> for Mapping {
    type Value = Fields;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Fields, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Mapping {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some(key) = map.next_key_seed(OneOf(self.0))? {
            if let Some(value) = map.next_value_seed(Optional(key.shape))? {
                fields.insert(key.name, value);
            }
        }
        Ok(Fields(fields))
    }
}

/// Reads one of these keys.
struct OneOf(&'static [Key]);

impl<'de> DeserializeSeed<'de> for OneOf {
    type Value = &'static Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<&'static Key, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for OneOf {
    type Value = &'static Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<&'static Key, E> {
        self.0.iter().find(|key| key.name == text).ok_or_else(|| {
            let known: Vec<String> = self.0.iter().map(|key| format!("`{}`", key.name)).collect();
            E::custom(format!("unknown field `{text}`, expected one of {}", known.join(", ")))
        })
    }
}

/// Reads what stands behind a key, or nothing.
struct Optional(Shape);

impl<'de> DeserializeSeed<'de> for Optional {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Value>, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Optional {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_none<E: de::Error>(self) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Option<Value>, D::Error> {
        let text = |text: String| (!text.is_empty()).then_some(Value::Text(text));
        Ok(match self.0 {
            Shape::Text | Shape::File | Shape::Url | Shape::HostPort => text(String::deserialize(d)?),
            Shape::Secret | Shape::SecretUrl => Hidden::deserialize(d)?.0.map(Value::Secret),
            Shape::Flag => Some(Value::Flag(Bool::deserialize(d)?.0)),
            Shape::Count => Some(Value::Count(u64::deserialize(d)?)),
            Shape::Number => Some(Value::Number(i64::deserialize(d)?)),
            Shape::Span => Some(Value::Span(Span::deserialize(d)?.0)),
            Shape::GoSpan => Some(Value::Span(raw::GoSpan::deserialize(d)?.0)),
            Shape::Texts => Vec::<String>::deserialize(d).map(|_texts| Some(Value::Any))?,
            Shape::TextMap => Some(Value::TextMap(BTreeMap::deserialize(d)?)),
            Shape::Map(keys) => Some(Value::Map(Mapping(keys).deserialize(d)?)),
            Shape::List(keys) => Some(Value::List(d.deserialize_seq(ListOf(keys))?)),
            Shape::TextOr(keys) => d.deserialize_any(TextOr(keys))?,
            Shape::Http => Some(Value::Http(Box::new(raw::Http::deserialize(d)?))),
            Shape::Tls => Some(Value::Tls(Box::new(Tls::deserialize(d)?))),
            Shape::Any => IgnoredAny::deserialize(d).map(|_any| Some(Value::Any))?,
        })
    }
}

/// Reads a list of mappings; an empty entry is `None`.
struct ListOf(&'static [Key]);

impl<'de> Visitor<'de> for ListOf {
    type Value = Vec<Option<Fields>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = seq.next_element_seed(Optional(Shape::Map(self.0)))? {
            list.push(match entry {
                Some(Value::Map(fields)) => Some(fields),
                _ => None,
            });
        }
        Ok(list)
    }
}

struct TextOr(&'static [Key]);

impl<'de> Visitor<'de> for TextOr {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a mapping")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<Value>, E> {
        Ok((!text.is_empty()).then(|| Value::Text(text.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<Value>, A::Error> {
        Mapping(self.0).visit_map(map).map(|fields| Some(Value::Map(fields)))
    }
}
