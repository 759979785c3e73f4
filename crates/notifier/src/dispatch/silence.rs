use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use assurance_metrics_model::{Duration, Labels, Matcher, Timestamp};

/// Silences, those that are over and not yet forgotten included. Each alert of a group is compared with each one
/// that is active whenever the group is looked at: 1,000 alerts with 1,000 silences take some 50 ms.
pub const MAX_SILENCES: usize = 1_000;

/// Matchers of one silence.
pub const MAX_SILENCE_MATCHERS: usize = 64;

/// The longest text of a silence: matchers, author and comment together.
pub const MAX_SILENCE_TEXT_BYTES: usize = 16 << 10;

/// How long a silence can be looked up after its end (Alertmanager's `--data.retention`).
pub const SILENCE_RETENTION: Duration = Duration::from_minutes(120 * 60);

/// The name of a silence, in the form of a UUID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SilenceId(Arc<str>);

impl SilenceId {
    /// A name that somebody wrote, of whatever form.
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SilenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A time during which nobody is told of alerts that match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Its name.
    pub id: SilenceId,
    /// All of them must match an alert's labels.
    pub matchers: Vec<Matcher>,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends; at this very instant it still holds.
    pub ends_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A silence as somebody asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSilence {
    /// The silence to be changed; `None` for a new one.
    pub id: Option<SilenceId>,
    /// All of them must match an alert's labels.
    pub matchers: Vec<Matcher>,
    /// When it begins; a time in the past is taken for now.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Who asks.
    pub created_by: String,
    /// Why.
    pub comment: String,
}

/// Where a silence is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SilencePhase {
    /// It holds.
    Active,
    /// It has not begun.
    Pending,
    /// It is over.
    Expired,
}

impl SilencePhase {
    /// As Alertmanager's API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Expired => "expired",
        }
    }
}

/// Why a silence is not made, changed or ended. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SilenceError {
    /// There is none of that name.
    #[error("there is no silence {0}; it may have been over for more than {SILENCE_RETENTION}")]
    Unknown(SilenceId),
    /// It is over already.
    #[error("silence {0} already expired")]
    Expired(SilenceId),
    /// It would match everything.
    #[error(
        "a silence needs a matcher that does not match the empty text: give at least one label its value"
    )]
    MatchesEverything,
    /// It ends before it begins.
    #[error("a silence must start before it ends, not at {starts_at} and end at {ends_at}")]
    Order {
        /// Its beginning.
        starts_at: Timestamp,
        /// Its end.
        ends_at: Timestamp,
    },
    /// It is over before it begins.
    #[error("a silence cannot end in the past, at {0}")]
    Past(Timestamp),
    /// Nobody is said to have made it.
    #[error("a silence needs to say who made it and why: created_by and comment")]
    Anonymous,
    /// It is too large.
    #[error(
        "a silence has at most {MAX_SILENCE_MATCHERS} matchers and {MAX_SILENCE_TEXT_BYTES} bytes of text; \
         make several smaller ones"
    )]
    Large,
    /// There are too many.
    #[error("there are {MAX_SILENCES} silences already; end those that are no longer needed")]
    TooMany,
}

impl Silence {
    /// Where it is in its life.
    pub fn phase(&self, now: Timestamp) -> SilencePhase {
        if now < self.starts_at {
            SilencePhase::Pending
        } else if now > self.ends_at {
            SilencePhase::Expired
        } else {
            SilencePhase::Active
        }
    }

    /// Whether it is about an alert with these labels.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches_labels(labels))
    }

    /// Whether it may become what is asked for and keep its name: what has been silent so far stays as it was.
    fn can_become(&self, asked: &NewSilence, now: Timestamp) -> bool {
        self.matchers == asked.matchers
            && match self.phase(now) {
                // To the second: that is how such times come back from those who read them.
                SilencePhase::Active => {
                    asked.starts_at.as_millis().div_euclid(1000)
                        == self.starts_at.as_millis().div_euclid(1000)
                }
                SilencePhase::Pending => asked.starts_at >= now,
                SilencePhase::Expired => false,
            }
    }

    fn end(&mut self, now: Timestamp) {
        if self.phase(now) == SilencePhase::Pending {
            self.starts_at = now;
        }
        // At its end it would still hold.
        self.ends_at = Timestamp::from_millis(now.as_millis() - 1);
        self.starts_at = self.starts_at.min(self.ends_at);
        self.updated_at = now;
    }
}

/// All silences that are remembered.
#[derive(Debug, Default)]
pub(super) struct Silences {
    all: BTreeMap<SilenceId, Silence>,
    /// Silences made so far.
    pub(super) made: u64,
}

impl Silences {
    pub(super) fn restore(made: u64, silences: Vec<Silence>) -> Self {
        Self { made, all: silences.into_iter().map(|silence| (silence.id.clone(), silence)).collect() }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Silence> {
        self.all.values()
    }

    pub(super) fn get(&self, id: &SilenceId) -> Option<&Silence> {
        self.all.get(id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Those that hold now and match.
    pub(super) fn holding<'a>(
        &'a self,
        labels: &'a Labels,
        now: Timestamp,
    ) -> impl Iterator<Item = &'a Silence> {
        self.all.values().filter(move |s| s.phase(now) == SilencePhase::Active && s.matches(labels))
    }

    pub(super) fn forget(&mut self, now: Timestamp) {
        self.all.retain(|_, silence| silence.ends_at + SILENCE_RETENTION > now);
    }

    pub(super) fn set(&mut self, now: Timestamp, asked: NewSilence) -> Result<SilenceId, SilenceError> {
        check(&asked, now)?;
        let previous = match &asked.id {
            None => None,
            Some(id) => Some(self.all.get_mut(id).ok_or_else(|| SilenceError::Unknown(id.clone()))?),
        };
        if let Some(previous) = previous {
            if previous.can_become(&asked, now) {
                let id = previous.id.clone();
                // What holds began when it began.
                let starts_at = match previous.phase(now) {
                    SilencePhase::Active => previous.starts_at,
                    _ => asked.starts_at,
                };
                *previous = asked.made(id.clone(), starts_at, now);
                return Ok(id);
            }
            if self.all.len() >= MAX_SILENCES {
                return Err(SilenceError::TooMany);
            }
            if let Some(previous) = asked.id.as_ref().and_then(|id| self.all.get_mut(id))
                && previous.phase(now) != SilencePhase::Expired
            {
                previous.end(now);
            }
        }
        self.forget(now);
        if self.all.len() >= MAX_SILENCES {
            return Err(SilenceError::TooMany);
        }
        self.made += 1;
        let id = name(self.made, now, &asked);
        let starts_at = asked.starts_at.max(now);
        self.all.insert(id.clone(), asked.made(id.clone(), starts_at, now));
        Ok(id)
    }

    pub(super) fn expire(&mut self, now: Timestamp, id: &SilenceId) -> Result<(), SilenceError> {
        let silence = self.all.get_mut(id).ok_or_else(|| SilenceError::Unknown(id.clone()))?;
        if silence.phase(now) == SilencePhase::Expired {
            return Err(SilenceError::Expired(id.clone()));
        }
        silence.end(now);
        Ok(())
    }
}

impl NewSilence {
    fn made(self, id: SilenceId, starts_at: Timestamp, now: Timestamp) -> Silence {
        let Self { id: _, matchers, starts_at: _, ends_at, created_by, comment } = self;
        Silence { id, matchers, starts_at, ends_at, created_by, comment, updated_at: now }
    }
}

fn check(asked: &NewSilence, now: Timestamp) -> Result<(), SilenceError> {
    let texts = asked.matchers.iter().map(|matcher| matcher.name().len() + matcher.value().len());
    let bytes = texts.sum::<usize>() + asked.created_by.len() + asked.comment.len();
    if asked.matchers.len() > MAX_SILENCE_MATCHERS || bytes > MAX_SILENCE_TEXT_BYTES {
        return Err(SilenceError::Large);
    }
    if asked.matchers.iter().all(Matcher::matches_empty) {
        return Err(SilenceError::MatchesEverything);
    }
    if asked.starts_at >= asked.ends_at {
        return Err(SilenceError::Order { starts_at: asked.starts_at, ends_at: asked.ends_at });
    }
    if asked.ends_at < now {
        return Err(SilenceError::Past(asked.ends_at));
    }
    if asked.created_by.trim().is_empty() || asked.comment.trim().is_empty() {
        return Err(SilenceError::Anonymous);
    }
    Ok(())
}

/// A name no other silence of this machine has: from its number, and from what it says, so that it cannot be
/// guessed from the number alone.
fn name(number: u64, now: Timestamp, asked: &NewSilence) -> SilenceId {
    let said: String = asked.matchers.iter().map(ToString::to_string).collect();
    let labels = Labels::from_pairs([
        ("at", now.as_millis().to_string()),
        ("by", asked.created_by.clone()),
        ("number", number.to_string()),
        ("what", said),
        ("why", asked.comment.clone()),
    ]);
    let print = labels.fingerprint();
    let (a, b) = (print >> 32, (print >> 16) & 0xffff);
    let (c, d) = (print & 0x0fff, (number >> 48) & 0x3fff);
    // Version 8 is for those who make names in their own way.
    let text = format!("{a:08x}-{b:04x}-8{c:03x}-{:04x}-{:012x}", 0x8000 | d, number & 0xffff_ffff_ffff);
    SilenceId(Arc::from(text))
}
