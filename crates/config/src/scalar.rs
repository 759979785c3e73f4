use std::fmt;

use assurance_metrics_model::Duration;
use assurance_scrape::Secret;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, Visitor};

/// A key that is known; whatever its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known;

impl<'de> Deserialize<'de> for Known {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// A duration as Prometheus writes them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span(pub(crate) Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer, "a duration such as 30s or 5m", |text| {
            text.parse().map(Self).map_err(|error: assurance_metrics_model::DurationError| error.to_string())
        })
    }
}

/// A size in bytes as Prometheus writes them: `10MB` and `10MiB` are both 10 × 2^20.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size(pub(crate) u64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer, "a size such as 10MB", |text| {
            parse_size(text).map(Self).ok_or_else(|| {
                format!(
                    "{text:?} is not a size; write a number with the unit B, KB, MB, GB or TB, such as 10MB"
                )
            })
        })
    }
}

/// Bytes, from a size as Prometheus writes it: `10MB` and `10MiB` are both 10 × 2^20.
pub fn parse_size(text: &str) -> Option<u64> {
    const UNITS: [(&str, u32); 13] = [
        ("B", 0),
        ("KB", 10),
        ("KiB", 10),
        ("MB", 20),
        ("MiB", 20),
        ("GB", 30),
        ("GiB", 30),
        ("TB", 40),
        ("TiB", 40),
        ("PB", 50),
        ("PiB", 50),
        ("EB", 60),
        ("EiB", 60),
    ];
    if text == "0" {
        return Some(0);
    }
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic())?);
    let (_, shift) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// A text that is not shown. An empty one counts as not written, as in Prometheus.
#[derive(Clone, Debug)]
pub(crate) struct Hidden(pub(crate) Option<Secret>);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Hidden;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Hidden, E> {
                Ok(Hidden((!text.is_empty()).then(|| Secret::new(text))))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

fn read<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    expected: &'static str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<T, D::Error> {
    struct Scalar<F> {
        expected: &'static str,
        parse: F,
    }

    impl<T, F: Fn(&str) -> Result<T, String>> Visitor<'_> for Scalar<F> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.expected)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            (self.parse)(text).map_err(E::custom)
        }
    }

    // As text: a plain `30` is the text 30 to Prometheus, too.
    deserializer.deserialize_str(Scalar { expected, parse })
}
