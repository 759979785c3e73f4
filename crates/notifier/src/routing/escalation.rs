use assurance_metrics_model::{Duration, Labels, Matcher, Timestamp};

/// Steps in one chain: each is told to somebody, and nobody follows a hundred.
pub const MAX_STEPS: usize = 100;

/// Chains in one file: each alert that fires is compared with them until one matches.
pub const MAX_CHAINS: usize = 1000;

/// Who is told when an alert goes on without anybody taking it: what Alertmanager does not know.
#[derive(Clone, Debug, Default)]
pub struct Escalation {
    /// The first that matches an alert is the alert's.
    pub chains: Vec<Chain>,
}

/// What is done, step by step, about alerts that match.
#[derive(Clone, Debug)]
pub struct Chain {
    /// For people, unique among the chains.
    pub name: String,
    /// All of them must match the alert's labels.
    pub matchers: Vec<Matcher>,
    /// Only alerts that are routed to one of these receivers; empty for any.
    pub receivers: Vec<String>,
    /// In the order of their times.
    pub steps: Vec<Step>,
}

/// Somebody who is told after a while, unless something happened before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How long after the first notification of the alert.
    pub after: Duration,
    /// What makes it needless.
    pub unless: Unless,
    /// The name of the receiver that is told.
    pub notify: String,
}

/// What makes a step of a chain needless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unless {
    /// Somebody took the alert, or it is over.
    Acknowledged,
    /// The alert is over; that somebody took it is not enough.
    Resolved,
}

impl Unless {
    /// The word in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

/// A step whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueStep<'a> {
    /// Its place in the chain, from 0: with the alert, the name of this notification.
    pub index: usize,
    /// When it became due; earlier than now where nobody looked in between.
    pub at: Timestamp,
    /// The step.
    pub step: &'a Step,
}

impl Escalation {
    /// The chain of an alert with these labels that is routed to these receivers.
    pub fn chain(&self, labels: &Labels, receivers: &[&str]) -> Option<&Chain> {
        self.chains.iter().find(|chain| chain.applies(labels, receivers))
    }
}

impl Chain {
    /// Whether this chain is about an alert with these labels that is routed to these receivers.
    pub fn applies(&self, labels: &Labels, receivers: &[&str]) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches_labels(labels))
            && (self.receivers.is_empty() || self.receivers.iter().any(|r| receivers.contains(&r.as_str())))
    }

    /// The steps that have come due by `now` for an alert that was first told of at `started`, those of the past
    /// included: who tells remembers which are told, by index. A step is not due where what it waits for had
    /// happened by its time; at the very instant is early enough.
    pub fn due(
        &self,
        started: Timestamp,
        acknowledged: Option<Timestamp>,
        resolved: Option<Timestamp>,
        now: Timestamp,
    ) -> impl Iterator<Item = DueStep<'_>> {
        self.open(started, acknowledged, resolved).take_while(move |due| due.at <= now)
    }

    /// When the next step after `now` comes due, as things stand.
    pub fn next_due(
        &self,
        started: Timestamp,
        acknowledged: Option<Timestamp>,
        resolved: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        self.open(started, acknowledged, resolved).map(|due| due.at).find(|at| *at > now)
    }

    /// Every step that is not made needless by what happened so far.
    fn open(
        &self,
        started: Timestamp,
        acknowledged: Option<Timestamp>,
        resolved: Option<Timestamp>,
    ) -> impl Iterator<Item = DueStep<'_>> {
        self.steps.iter().enumerate().filter_map(move |(index, step)| {
            let at = started + step.after;
            let by_then = |happened: Option<Timestamp>| happened.is_some_and(|h| h <= at);
            let needless =
                by_then(resolved) || (step.unless == Unless::Acknowledged && by_then(acknowledged));
            (!needless).then_some(DueStep { index, at, step })
        })
    }
}
