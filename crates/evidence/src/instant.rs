use std::fmt;
use std::str::FromStr;

use assurance_metrics_model::{Duration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const DAY: Duration = Duration::from_secs(86_400);

/// Reads the instants audit events carry: RFC 3339, where a missing offset means UTC, rounded down to the
/// millisecond.
///
/// BRAiN writes `2025-12-25T14:15:23.456789` without a zone and means UTC; `Z` and offsets are read as what
/// they say.
pub fn parse_instant(text: &str) -> Option<Timestamp> {
    let zoned = text.ends_with(['Z', 'z'])
        || text.len().checked_sub(6).is_some_and(|at| {
            let tail = &text.as_bytes()[at..];
            matches!(tail[0], b'+' | b'-') && tail[3] == b':'
        });
    let parsed = if zoned {
        OffsetDateTime::parse(text, &Rfc3339)
    } else {
        OffsetDateTime::parse(&format!("{text}Z"), &Rfc3339)
    };
    let nanos = parsed.ok()?.unix_timestamp_nanos();
    i64::try_from(nanos.div_euclid(1_000_000)).ok().map(Timestamp::from_millis)
}

/// A day of the UTC calendar, midnight to midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

impl Day {
    /// The day an instant falls on.
    pub fn of(at: Timestamp) -> Self {
        Self(at.as_millis().div_euclid(DAY.as_millis()))
    }

    /// Midnight at its beginning.
    pub fn start(self) -> Timestamp {
        Timestamp::EPOCH + DAY * self.0
    }

    /// Midnight at its end, the first instant of the next day.
    pub fn end(self) -> Timestamp {
        self.next().start()
    }

    /// The day after.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// How many days `self` is after `earlier`.
    pub(crate) fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// `2026-01-02`.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = self.start().to_string();
        f.write_str(instant.split('T').next().unwrap_or(&instant))
    }
}

/// A text that is not a day of the calendar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a day; write it as 2026-01-02")]
#[non_exhaustive]
pub struct DayError {
    /// What was given.
    pub text: String,
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let well_formed = text.len() == 10 && !text.contains('T');
        well_formed
            .then(|| parse_instant(&format!("{text}T00:00:00Z")))
            .flatten()
            .map(Self::of)
            .ok_or_else(|| DayError { text: text.to_owned() })
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A [`Timestamp`] as RFC 3339 text, for `#[serde(with)]`.
pub(crate) mod rfc3339 {
    use super::{Deserialize, Deserializer, Serializer, Timestamp, parse_instant};

    pub(crate) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(at)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_instant(&text).ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not an instant")))
    }

    pub(crate) mod option {
        use super::{Deserialize, Deserializer, Serializer, Timestamp, parse_instant};

        #[expect(clippy::ref_option, reason = "serde's `with` hands over a reference to the field")]
        pub(crate) fn serialize<S: Serializer>(
            at: &Option<Timestamp>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => serializer.collect_str(at),
                None => serializer.serialize_none(),
            }
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Timestamp>, D::Error> {
            let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
            parse_instant(&text)
                .map(Some)
                .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not an instant")))
        }
    }
}
