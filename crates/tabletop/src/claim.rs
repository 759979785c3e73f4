//! What a scenario claims: one line each, read into a tree, checked in `check`.

use std::fmt;
use std::ops::Range;

use assurance_diagnostics::suggest;
use assurance_metrics_model::{format_float, parse_float};
use assurance_simulator::EventType;

use crate::when::{WHEN_HELP, When, Window};

/// How claims begin, for help texts.
const FORMS: &str = "\
claims are: `alert ID fires|resolves|notifies|clears in [T+5m, T+6m]`, `alert ID never fires`, `no other alert fires`, \
`audit contains EVENT [once|N times] [before EVENT]`, `audit lacks EVENT`, `evidence contains [EVENT, …]`, \
`evidence is complete`, `evidence verifies`, `metric SELECTOR unchanged`, `metric SELECTOR is NUMBER at T+5m`";

/// What may happen to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// It begins to fire.
    Fires,
    /// It ends.
    Resolves,
    /// A receiver takes the news that it fires.
    Notifies,
    /// A receiver takes the news that it ended.
    Clears,
}

impl Change {
    const ALL: [Self; 4] = [Self::Fires, Self::Resolves, Self::Notifies, Self::Clears];

    /// The verb.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fires => "fires",
            Self::Resolves => "resolves",
            Self::Notifies => "notifies",
            Self::Clears => "clears",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|change| change.as_str() == word)
    }
}

/// One claim of a scenario. Prints as it is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// An alert changes within a window, and never outside of it.
    Alert {
        /// The alert's id, such as `GA-001`.
        id: String,
        /// What happens to it.
        change: Change,
        /// When.
        window: Window,
    },
    /// An alert never fires.
    AlertNever {
        /// The alert's id.
        id: String,
    },
    /// No alert fires that no other claim names.
    NoOtherAlert,
    /// The audit log has an event.
    AuditContains {
        /// Which.
        event: EventType,
        /// How often; at least once where `None`.
        times: Option<usize>,
        /// And its first one stands before the first of these.
        before: Option<EventType>,
    },
    /// The audit log has no such event.
    AuditLacks {
        /// Which.
        event: EventType,
    },
    /// The published evidence has these events.
    EvidenceContains {
        /// Which.
        events: Vec<EventType>,
    },
    /// Every published day says of itself that nothing may be missing.
    EvidenceComplete,
    /// Every published file is what its checksum says.
    EvidenceVerifies,
    /// Every sample of every matching series has the same value as the first.
    MetricUnchanged {
        /// A series selector.
        selector: String,
    },
    /// Every matching series has a value at an instant.
    MetricIs {
        /// A series selector.
        selector: String,
        /// The value.
        value: f64,
        /// The instant.
        at: When,
    },
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alert { id, change, window } => write!(f, "alert {id} {} in {window}", change.as_str()),
            Self::AlertNever { id } => write!(f, "alert {id} never fires"),
            Self::NoOtherAlert => f.write_str("no other alert fires"),
            Self::AuditContains { event, times, before } => {
                write!(f, "audit contains {}", event.as_str())?;
                match times {
                    None => {}
                    Some(1) => f.write_str(" once")?,
                    Some(n) => write!(f, " {n} times")?,
                }
                before.map_or(Ok(()), |before| write!(f, " before {}", before.as_str()))
            }
            Self::AuditLacks { event } => write!(f, "audit lacks {}", event.as_str()),
            Self::EvidenceContains { events } => {
                let names: Vec<&str> = events.iter().map(|e| e.as_str()).collect();
                write!(f, "evidence contains [{}]", names.join(", "))
            }
            Self::EvidenceComplete => f.write_str("evidence is complete"),
            Self::EvidenceVerifies => f.write_str("evidence verifies"),
            Self::MetricUnchanged { selector } => write!(f, "metric {selector} unchanged"),
            Self::MetricIs { selector, value, at } => {
                write!(f, "metric {selector} is {} at {at}", format_float(*value))
            }
        }
    }
}

/// A claim that cannot be read: where in its text, what is wrong, what to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClaimError {
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
    pub(crate) help: String,
}

impl Claim {
    pub(crate) fn parse(text: &str) -> Result<Self, ClaimError> {
        let mut words = Words { text, at: 0 };
        let claim = match words.next() {
            ("alert", _) => words.alert()?,
            ("no", _) => {
                words.expect("other")?;
                words.expect("alert")?;
                words.expect("fires")?;
                Self::NoOtherAlert
            }
            ("audit", _) => words.audit()?,
            ("evidence", _) => words.evidence()?,
            ("metric", _) => return words.metric(),
            (word, span) => {
                let known = ["alert", "no", "audit", "evidence", "metric"];
                let help =
                    suggest(word, known).map_or(FORMS.to_owned(), |near| format!("did you mean `{near}`?"));
                return Err(ClaimError {
                    span,
                    message: format!("a claim cannot begin with `{word}`"),
                    help,
                });
            }
        };
        match words.next() {
            ("", _) => Ok(claim),
            (_, span) => {
                let rest = &text[span.start..];
                Err(ClaimError {
                    span: span.start..text.len(),
                    message: format!("nothing can follow here, but `{rest}` does"),
                    help: format!("the claim is complete before it: `{claim}`"),
                })
            }
        }
    }
}

/// The words of a claim, one after the other.
struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    /// The next word and its place; empty at the end.
    fn next(&mut self) -> (&'a str, Range<usize>) {
        let rest = &self.text[self.at..];
        let start = self.at + (rest.len() - rest.trim_start().len());
        let length = self.text[start..].find(char::is_whitespace).unwrap_or(self.text.len() - start);
        self.at = start + length;
        (&self.text[start..self.at], start..self.at)
    }

    /// The next word, left where it is.
    fn peek(&self) -> &'a str {
        Words { text: self.text, at: self.at }.next().0
    }

    fn expect(&mut self, wanted: &str) -> Result<(), ClaimError> {
        let (word, span) = self.next();
        if word == wanted { Ok(()) } else { Err(unexpected(word, span, &format!("`{wanted}`"))) }
    }

    fn alert(&mut self) -> Result<Claim, ClaimError> {
        let (id, span) = self.next();
        if id.is_empty() {
            return Err(unexpected(id, span, "an alert's id, such as GA-001"));
        }
        let id = id.to_owned();
        let (word, span) = self.next();
        if word == "never" {
            if self.peek() == "fires" {
                self.next();
            }
            return Ok(Claim::AlertNever { id });
        }
        let change = Change::from_word(word)
            .ok_or_else(|| unexpected(word, span, "`fires`, `resolves`, `notifies`, `clears` or `never`"))?;
        self.expect("in")?;
        let window = self.window()?;
        Ok(Claim::Alert { id, change, window })
    }

    fn audit(&mut self) -> Result<Claim, ClaimError> {
        match self.next() {
            ("lacks", _) => Ok(Claim::AuditLacks { event: self.event()? }),
            ("contains", _) => {
                let event = self.event()?;
                let times = match self.peek() {
                    "once" => {
                        self.next();
                        Some(1)
                    }
                    word if word.starts_with(|c: char| c.is_ascii_digit()) => {
                        let (word, span) = self.next();
                        let times = word.parse().map_err(|_source| unexpected(word, span, "a number"))?;
                        self.expect("times")?;
                        Some(times)
                    }
                    _ => None,
                };
                let before = if self.peek() == "before" {
                    self.next();
                    Some(self.event()?)
                } else {
                    None
                };
                Ok(Claim::AuditContains { event, times, before })
            }
            (word, span) => Err(unexpected(word, span, "`contains` or `lacks`")),
        }
    }

    fn evidence(&mut self) -> Result<Claim, ClaimError> {
        match self.next() {
            ("verifies", _) => Ok(Claim::EvidenceVerifies),
            ("is", _) => {
                self.expect("complete")?;
                Ok(Claim::EvidenceComplete)
            }
            ("contains", _) => {
                let (inside, start) = self.brackets("a list of events in brackets")?;
                let events =
                    pieces(inside, start).map(|(name, span)| event(name, span)).collect::<Result<_, _>>()?;
                Ok(Claim::EvidenceContains { events })
            }
            (word, span) => Err(unexpected(word, span, "`contains`, `is complete` or `verifies`")),
        }
    }

    /// A selector may hold blanks, so the words are taken from the end.
    fn metric(&mut self) -> Result<Claim, ClaimError> {
        let start = self.at + (self.text[self.at..].len() - self.text[self.at..].trim_start().len());
        let rest = self.text[start..].trim_end();
        let (selector, claim) = if let Some(selector) = rest.strip_suffix(" unchanged") {
            let selector = selector.trim_end();
            (selector, Claim::MetricUnchanged { selector: selector.to_owned() })
        } else if let Some((selector, value)) = rest.rsplit_once(" is ") {
            let from = start + selector.len() + " is ".len();
            let mut tail = Words { text: &self.text[..start + rest.len()], at: from };
            let (number, span) = tail.next();
            let value_read = parse_float(number).ok_or_else(|| unexpected(number, span, "a number"))?;
            tail.expect("at")?;
            let (when, span) = tail.next();
            let at = instant(when, span)?;
            if let (word, span @ Range { .. }) = tail.next()
                && !word.is_empty()
            {
                return Err(unexpected(word, span, &format!("the end after `{value}`")));
            }
            let selector = selector.trim_end();
            (selector, Claim::MetricIs { selector: selector.to_owned(), value: value_read, at })
        } else {
            let span = start..start + rest.len();
            return Err(ClaimError {
                span,
                message: "the claim about a metric has no end".to_owned(),
                help: "end it with `unchanged`, or with `is NUMBER at T+5m`".to_owned(),
            });
        };
        assurance_promql::parse_selector(selector).map_err(|error| ClaimError {
            span: start + error.span.start..start + error.span.end,
            message: format!("`{selector}` selects no series: {}", error.kind),
            help: error
                .help()
                .unwrap_or_else(|| "write a name with matchers, such as up{job=\"x\"}".to_owned()),
        })?;
        Ok(claim)
    }

    fn event(&mut self) -> Result<EventType, ClaimError> {
        let (name, span) = self.next();
        event(name, span)
    }

    /// What stands between the next `[` and its `]`, and where.
    fn brackets(&mut self, wanted: &str) -> Result<(&'a str, usize), ClaimError> {
        let (word, span) = Words { text: self.text, at: self.at }.next();
        if !word.starts_with('[') {
            return Err(unexpected(word, span, wanted));
        }
        let start = span.start + 1;
        let Some(length) = self.text[start..].find(']') else {
            let help = "close the bracket with `]`".to_owned();
            return Err(ClaimError {
                span: span.start..self.text.len(),
                message: "the bracket is never closed".to_owned(),
                help,
            });
        };
        self.at = start + length + 1;
        Ok((&self.text[start..start + length], start))
    }

    fn window(&mut self) -> Result<Window, ClaimError> {
        let (inside, start) = self.brackets("a window, such as [T+5m, T+6m30s]")?;
        let mut ends = pieces(inside, start);
        let (Some(from), Some(until), None) = (ends.next(), ends.next(), ends.next()) else {
            return Err(ClaimError {
                span: start..start + inside.len(),
                message: "a window has two instants".to_owned(),
                help: "write its first and its last instant, such as [T+5m, T+6m30s]".to_owned(),
            });
        };
        Ok(Window { from: instant(from.0, from.1)?, until: instant(until.0, until.1)? })
    }
}

/// Parts between commas, without blanks around them, and their places.
fn pieces(text: &str, start: usize) -> impl Iterator<Item = (&str, Range<usize>)> {
    let mut at = start;
    text.split(',').map(move |piece| {
        let from = at + (piece.len() - piece.trim_start().len());
        at += piece.len() + 1;
        let piece = piece.trim();
        (piece, from..from + piece.len())
    })
}

fn instant(text: &str, span: Range<usize>) -> Result<When, ClaimError> {
    text.parse().map_err(|error: crate::when::WhenError| ClaimError {
        span,
        message: error.to_string(),
        help: WHEN_HELP.to_owned(),
    })
}

/// The event of a name, with the nearest name for help.
pub(crate) fn event(name: &str, span: Range<usize>) -> Result<EventType, ClaimError> {
    if let Some(event) = EventType::ALL.into_iter().find(|e| e.as_str() == name) {
        return Ok(event);
    }
    let names = EventType::ALL.map(EventType::as_str);
    let near =
        suggest(name, names).or_else(|| names.into_iter().find(|n| n.rsplit('.').next() == Some(name)));
    let help = match (near, EventType::from_filter(name)) {
        (_, Some(alias)) => format!("the backend calls it `{}`", alias.as_str()),
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, None) => format!("events are: {}", names.join(", ")),
    };
    Err(ClaimError { span, message: format!("the backend writes no event `{name}`"), help })
}

fn unexpected(word: &str, span: Range<usize>, wanted: &str) -> ClaimError {
    let message = if word.is_empty() {
        format!("the claim ends where {wanted} is expected")
    } else {
        format!("found `{word}` where {wanted} is expected")
    };
    // What may stand here is in backticks.
    let near = suggest(word, wanted.split('`').skip(1).step_by(2));
    let help = near.map_or(FORMS.to_owned(), |near| format!("did you mean `{near}`?"));
    ClaimError { span, message, help }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_print_as_they_are_written() {
        for text in [
            "alert GA-001 fires in [T+5m, T+6m30s]",
            "alert GA-001b clears in [E-1m, E+0s]",
            "alert GA-002 never fires",
            "no other alert fires",
            "audit contains sovereign.mode_changed",
            "audit contains sovereign.mode_changed once",
            "audit contains sovereign.mode_changed 3 times before axe.request_blocked",
            "audit lacks sovereign.mode_rollback",
            "evidence contains [sovereign.mode_changed, axe.request_blocked]",
            "evidence is complete",
            "evidence verifies",
            "metric up{job=\"a b\", x!~\" is 1 at \"} unchanged",
            "metric up{job=\"x\"} is -0.5 at T+1m",
        ] {
            assert_eq!(Claim::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Claim::parse("alert GA-1 never"), Claim::parse("alert GA-1 never fires"));
        assert_eq!(
            Claim::parse("  audit   lacks  sovereign.mode_rollback "),
            Claim::parse("audit lacks sovereign.mode_rollback")
        );
    }

    #[test]
    fn faults_are_found_at_their_place() {
        for (text, place) in [
            ("", ""),
            ("alarm GA-001 fires in [T, T]", "alarm"),
            ("alert", ""),
            ("alert GA-001 burns in [T, T]", "burns"),
            ("alert GA-001 fires at T+5m", "at"),
            ("alert GA-001 fires in T+5m", "T+5m"),
            ("alert GA-001 fires in [T+5m]", "T+5m"),
            ("alert GA-001 fires in [T+5m, T+6]", "T+6"),
            ("alert GA-001 fires in [T+5m, T+6m", "[T+5m, T+6m"),
            ("alert GA-001 fires in [T+5m, T+6m] or so", "or so"),
            ("audit has x", "has"),
            ("audit contains sovereign.mode_change", "sovereign.mode_change"),
            ("audit contains sovereign.mode_changed 3", ""),
            ("evidence is nice", "nice"),
            ("evidence contains sovereign.mode_changed", "sovereign.mode_changed"),
            ("evidence contains [sovereign.mode_changed, oops]", "oops"),
            ("metric up", "up"),
            ("metric up is one at T+1m", "one"),
            ("metric up is 1 at noon", "noon"),
            ("metric up is 1 at T+1m today", "today"),
            ("metric up{ unchanged", "{"),
        ] {
            let error = Claim::parse(text).unwrap_err();
            assert!(text[error.span.clone()].contains(place), "{text}: {error:?}");
            assert!(!error.help.is_empty());
        }
    }
}
