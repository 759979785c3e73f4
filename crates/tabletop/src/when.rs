use std::fmt;
use std::str::FromStr;

use assurance_metrics_model::{Duration, Timestamp};

/// What an instant is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The moment at which the backend is first touched.
    T,
    /// The start of the exercise.
    E,
}

/// An instant of a scenario: `T+5m`, `T-30s`, `E+10m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct When {
    /// Counted from what.
    pub origin: Origin,
    /// How much later, or earlier.
    pub offset: Duration,
}

/// A text that is no instant of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an instant of a scenario")]
pub struct WhenError {
    /// What was given.
    pub text: String,
}

/// How instants are written, for help texts.
pub(crate) const WHEN_HELP: &str = "write T or E, a sign and a duration: T+5m counts from the first event, E+10m from the start of the exercise";

impl FromStr for When {
    type Err = WhenError;

    fn from_str(text: &str) -> Result<Self, WhenError> {
        let wrong = || WhenError { text: text.to_owned() };
        let (origin, rest) = match (text.strip_prefix('T'), text.strip_prefix('E')) {
            (Some(rest), _) => (Origin::T, rest),
            (_, Some(rest)) => (Origin::E, rest),
            (None, None) => return Err(wrong()),
        };
        let span = |text: &str| text.parse::<Duration>().map_err(|_source| wrong());
        let offset = match (rest.strip_prefix('+'), rest.strip_prefix('-')) {
            (Some(later), _) => span(later)?,
            (_, Some(earlier)) => -span(earlier)?,
            (None, None) if rest.is_empty() => Duration::ZERO,
            (None, None) => return Err(wrong()),
        };
        Ok(Self { origin, offset })
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = match self.origin {
            Origin::T => 'T',
            Origin::E => 'E',
        };
        if self.offset < Duration::ZERO {
            write!(f, "{origin}-{}", -self.offset)
        } else {
            write!(f, "{origin}+{}", self.offset)
        }
    }
}

/// A closed span of a scenario's time: `[T+5m, T+6m30s]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// The first instant inside.
    pub from: When,
    /// The last instant inside.
    pub until: When,
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}]", self.from, self.until)
    }
}

/// The three instants that a scenario hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExerciseClock {
    /// The moment at which the backend is first touched.
    pub t0: Timestamp,
    /// The start of the exercise.
    pub startex: Timestamp,
    /// Its end.
    pub endex: Timestamp,
}

impl ExerciseClock {
    /// The instant on the calendar.
    pub fn resolve(&self, when: When) -> Timestamp {
        match when.origin {
            Origin::T => self.t0 + when.offset,
            Origin::E => self.startex + when.offset,
        }
    }

    /// An instant as this scenario counts it: `T+5m36s`.
    pub fn relative(&self, at: Timestamp) -> When {
        When { origin: Origin::T, offset: at - self.t0 }
    }

    /// Whether an instant lies in a window, its ends included.
    pub fn is_inside(&self, at: Timestamp, window: Window) -> bool {
        (self.resolve(window.from)..=self.resolve(window.until)).contains(&at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_read_and_print() {
        for text in ["T+0s", "T+5m", "T-30s", "E+1h2m3s", "E+10m", "T+250ms"] {
            assert_eq!(text.parse::<When>().unwrap().to_string(), text);
        }
        assert_eq!("T".parse::<When>().unwrap().to_string(), "T+0s");
        assert_eq!("T+90s".parse::<When>().unwrap().to_string(), "T+1m30s");
        for text in ["", "5m", "T5m", "T+", "T+5", "X+5m", "T++5m", "T+5m ", "Ü+1m", "TÜ"] {
            assert!(text.parse::<When>().is_err(), "{text}");
        }
    }
}
