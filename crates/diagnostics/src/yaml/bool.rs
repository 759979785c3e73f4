use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// A boolean as Prometheus's configuration files may write it: `true`, `yes`, `on`, `y` and their opposites,
/// in lower case, upper case or with a capital (YAML 1.1 §10.2.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bool(pub bool);

impl<'de> Deserialize<'de> for Bool {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_bool(deserializer).map(Self)
    }
}

/// For `#[serde(deserialize_with = …)]`: reads a [`Bool`] into a plain `bool`.
///
/// # Errors
/// If the value is none of the words.
pub fn deserialize_bool<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    struct Words;

    impl Visitor<'_> for Words {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("true or false")
        }

        fn visit_bool<E: de::Error>(self, value: bool) -> Result<bool, E> {
            Ok(value)
        }

        fn visit_str<E: de::Error>(self, value: &str) -> Result<bool, E> {
            match value {
                "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Ok(true),
                "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Ok(false),
                _ => Err(E::invalid_value(de::Unexpected::Str(value), &self)),
            }
        }
    }

    deserializer.deserialize_any(Words)
}
