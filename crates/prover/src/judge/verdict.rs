use std::borrow::Cow;
use std::fmt;

use assurance_metrics_model::Duration;

/// What is wrong with an alert in one world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum VerdictKind {
    /// It can fire in no world.
    Vacuous,
    /// A violation that could be seen, and no alert.
    Missed,
    /// An absence of data, and no alert.
    SilentOnNoData,
    /// An alert after its deadline.
    Late,
    /// An alert without a violation, or long after it.
    FalseAlarm,
    /// An alert that ends, or ends and comes again, within one violation.
    Flap,
    /// An alert that does not say what it is about.
    Identity,
    /// An alert that reaches the wrong people, or nobody.
    Route,
    /// A violation that no scrape could show in time: nobody's fault, but nobody's success.
    Unobservable,
}

impl VerdictKind {
    /// All of them, worst first.
    pub const ALL: [Self; 9] = [
        Self::Vacuous,
        Self::Missed,
        Self::SilentOnNoData,
        Self::Late,
        Self::FalseAlarm,
        Self::Flap,
        Self::Identity,
        Self::Route,
        Self::Unobservable,
    ];

    /// As reports write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vacuous => "VACUOUS",
            Self::Missed => "MISSED",
            Self::SilentOnNoData => "SILENT-ON-NO-DATA",
            Self::Late => "LATE",
            Self::FalseAlarm => "FALSE-ALARM",
            Self::Flap => "FLAP",
            Self::Identity => "IDENTITY",
            Self::Route => "ROUTE",
            Self::Unobservable => "UNOBSERVABLE",
        }
    }

    /// Whether it speaks against the rules: all but what nobody could see.
    pub const fn is_counterexample(self) -> bool {
        !matches!(self, Self::Unobservable)
    }

    /// Its place in [`VerdictKind::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for VerdictKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that is wrong in one world. Times are milliseconds of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// What.
    pub kind: VerdictKind,
    /// When it began: the violation, or the alert that should not be.
    pub at: i64,
    /// When the alert was due, or due to be over.
    pub due: Option<i64>,
    /// When it came, or ended.
    pub came: Option<i64>,
    /// Index into [`Run::alerts`](crate::fast::Run::alerts) of the alert in question.
    pub alert: Option<usize>,
    /// More about it.
    pub why: Cow<'static, str>,
}

impl Verdict {
    /// How late the alert was, or how long after it should have been over it was not.
    pub fn by(&self) -> Option<Duration> {
        Some(Duration::from_millis(self.came? - self.due?))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.kind, Duration::from_millis(self.at))?;
        if let (VerdictKind::Late, Some(by)) = (self.kind, self.by()) {
            write!(f, " by {by}")?;
        }
        write!(f, ": {}", self.why)
    }
}
