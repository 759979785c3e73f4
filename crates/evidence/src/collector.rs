use assurance_metrics_model::{Duration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::align::{end_of_occurrence, overlaps};
use crate::event::parse_answer;
use crate::export::{Bridge, Export};
use crate::fact::{Fact, FactKind, Neighbour};
use crate::instant::rfc3339;
use crate::manifest::Totals;
use crate::source::SourceErrorKind;
use crate::{Digest, Event};

/// The most entries the backend gives at a time; it answers 422 to more.
pub const MAX_LIMIT: usize = 1000;

/// A timestamp further ahead than this is recorded as one in the future. Two machines with NTP agree within a
/// second; a minute leaves room for those without.
pub const MAX_CLOCK_SKEW: Duration = Duration::from_minutes(1);

/// Turns consecutive answers of the audit log into the events that are new in each.
///
/// A machine without files or network: [`handle_answer`](Self::handle_answer) for every answer, in order.
/// Serialised, it is the cursor of the collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collector {
    /// Digests of the last answer's entries, in order.
    window: Vec<Digest>,
    /// The limit the last answer was asked with.
    limit: usize,
    /// The last entry that was seen, in whatever answer.
    last: Option<Neighbour>,
    /// How long the backend's list was at the last answer, where that is known exactly.
    accounted: Option<u64>,
    /// What the backend last said about the length of its list.
    counted: Option<u64>,
    #[serde(with = "rfc3339")]
    collected: Timestamp,
}

/// What one reading of the source brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Collection {
    /// The new events, in the order of the source.
    pub events: Vec<Event>,
    /// What else was noticed.
    pub facts: Vec<Fact>,
}

/// How an answer goes on from the last one.
struct Continuation {
    /// The first new entry.
    from: usize,
    /// The length of the whole list, where that is known exactly.
    accounted: Option<u64>,
}

impl Collection {
    /// Whether the answer left events out that an export may still show.
    pub(crate) fn leaves_out(&self) -> bool {
        self.facts.iter().any(|fact| match &fact.kind {
            FactKind::Gap { .. } => true,
            FactKind::Restart { earlier_missing, .. } | FactKind::Start { earlier_missing, .. } => {
                *earlier_missing
            }
            _ => false,
        })
    }
}

impl Collector {
    /// What the source counted when it was read last, and what is accounted for.
    pub(crate) fn totals(&self) -> Option<Totals> {
        let (counted, accounted) = (self.counted?, self.accounted?);
        Some(Totals { counted, accounted })
    }

    /// The first answer ever: everything in it is new, and the facts say that the collection starts here.
    ///
    /// `statistics` is the length of the backend's list as it was counted before the answer was asked for.
    pub fn start(
        now: Timestamp,
        source: &str,
        limit: usize,
        answer: &[u8],
        statistics: Option<u64>,
    ) -> Result<(Self, Collection), SourceErrorKind> {
        let events = parse_answer(answer)?;
        let full = events.len() >= limit;
        let entries = events.len() as u64;
        let kind = FactKind::Start { source: source.to_owned(), entries, earlier_missing: full };
        let mut facts = vec![Fact::new(now, kind)];
        if let Some(counted) = statistics.filter(|counted| !full && *counted > entries) {
            let kind = FactKind::TotalsDisagree { since: now, counted, accounted: entries };
            facts.push(Fact::new(now, kind));
        }
        note_oddities(now, None, &events, &mut facts);
        let machine = Self {
            window: events.iter().map(Event::digest).collect(),
            limit,
            last: events.last().map(Neighbour::from),
            accounted: (!full).then_some(entries),
            counted: statistics,
            collected: now,
        };
        Ok((machine, Collection { events, facts }))
    }

    /// The next answer, asked for with `limit`.
    ///
    /// On an error nothing changes, so that the next good answer is aligned with the last good one.
    pub fn handle_answer(
        &mut self,
        now: Timestamp,
        limit: usize,
        answer: &[u8],
        statistics: Option<u64>,
    ) -> Result<Collection, SourceErrorKind> {
        let mut events = parse_answer(answer)?;
        let digests: Vec<Digest> = events.iter().map(Event::digest).collect();
        let mut facts = Vec::new();
        if now < self.collected {
            facts.push(Fact::new(now, FactKind::ClockBack { from: self.collected }));
        }
        let next = self.continuation(now, limit, &events, &digests, statistics, &mut facts);
        events.drain(..next.from);
        note_oddities(now, self.last.as_ref(), &events, &mut facts);
        if let Some(last) = events.last() {
            self.last = Some(last.into());
        }
        self.window = digests;
        self.limit = limit;
        self.accounted = next.accounted;
        self.counted = statistics;
        self.collected = now;
        Ok(Collection { events, facts })
    }

    /// The first answer ever, with an export that shows what came before it; nothing where it does not.
    pub(crate) fn start_with(
        now: Timestamp,
        source: &str,
        limit: usize,
        answer: &[u8],
        statistics: Option<u64>,
        export: &Export,
    ) -> Result<Option<(Self, Collection)>, SourceErrorKind> {
        let (mut machine, first) = Self::start(now, source, limit, answer, statistics)?;
        let Some(bridge) = export.bridge(&[], false, &machine.window) else { return Ok(None) };
        let entries = bridge.length;
        let kind = FactKind::Start { source: source.to_owned(), entries, earlier_missing: false };
        let collection = machine.cross(now, Fact::new(now, kind), bridge, first.events, statistics);
        Ok(Some((machine, collection)))
    }

    /// As [`handle_answer`](Self::handle_answer), with an export that shows what the answer alone leaves out; nothing,
    /// and nothing changed, where it does not.
    pub(crate) fn handle_answer_with(
        &mut self,
        now: Timestamp,
        limit: usize,
        answer: &[u8],
        statistics: Option<u64>,
        export: &Export,
    ) -> Result<Option<Collection>, SourceErrorKind> {
        let events = parse_answer(answer)?;
        let digests: Vec<Digest> = events.iter().map(Event::digest).collect();
        let whole = self.window.len() < self.limit;
        let Some(bridge) = export.bridge(&self.window, whole, &digests) else { return Ok(None) };
        let since = self.collected;
        let clock_back = (now < since).then(|| Fact::new(now, FactKind::ClockBack { from: since }));
        let first = if bridge.joined {
            None
        } else {
            let (before, after) = (self.last.clone(), bridge.missing.first().or(events.first()));
            let after = after.map(Neighbour::from);
            Some(Fact::new(now, FactKind::Restart { since, before, after, earlier_missing: false }))
        };
        self.window = digests;
        self.limit = limit;
        let mut collection = self.cross(now, first, bridge, events, statistics);
        collection.facts.splice(0..0, clock_back);
        Ok(Some(collection))
    }

    /// Takes what an export shows, and then the answer.
    fn cross(
        &mut self,
        now: Timestamp,
        first: impl Into<Option<Fact>>,
        bridge: Bridge,
        answer: Vec<Event>,
        statistics: Option<u64>,
    ) -> Collection {
        let since = self.collected;
        let mut facts: Vec<Fact> = first.into().into_iter().collect();
        facts.push(Fact::new(now, FactKind::Exported { since, events: bridge.missing.len() as u64 }));
        let accounted = bridge.length;
        if let Some(counted) = statistics.filter(|counted| *counted > accounted) {
            facts.push(Fact::new(now, FactKind::TotalsDisagree { since, counted, accounted }));
        }
        let mut events = bridge.missing;
        events.extend(answer);
        // At the start nothing came before, whatever the answer alone seemed to follow.
        let last = facts.iter().all(|fact| !matches!(fact.kind, FactKind::Start { .. }));
        note_oddities(now, self.last.as_ref().filter(|_| last), &events, &mut facts);
        if let Some(last) = events.last() {
            self.last = Some(last.into());
        }
        self.accounted = Some(accounted);
        self.counted = statistics;
        self.collected = now;
        Collection { events, facts }
    }

    /// When the last answer was handled.
    pub fn collected(&self) -> Timestamp {
        self.collected
    }

    fn continuation(
        &self,
        now: Timestamp,
        limit: usize,
        events: &[Event],
        digests: &[Digest],
        statistics: Option<u64>,
        facts: &mut Vec<Fact>,
    ) -> Continuation {
        let since = self.collected;
        let length = digests.len();
        // An answer shorter than the limit is the whole list; of a full one, the beginning may be missing.
        let full = length >= limit;
        let whole = (!full).then_some(length as u64);
        let grown = |from: usize| self.accounted.map(|before| before + (length - from) as u64).or(whole);

        // Where equal neighbours leave several overlaps, the backend's own count says which is too long.
        let enough = |overlap: &usize| match (self.accounted, statistics) {
            (Some(before), Some(counted)) => before + (length - overlap) as u64 >= counted,
            _ => true,
        };
        let all = overlaps(&self.window, digests);
        let overlap = all.iter().find(|overlap| enough(overlap)).or(all.first()).copied();
        // Asked with a larger limit, the answer may begin before the last one did.
        let inside = (limit > self.limit).then(|| end_of_occurrence(&self.window, digests)).flatten();

        if let Some(from) = inside.or(overlap) {
            let accounted = grown(from);
            let vanished = if full || inside.is_some() { 0 } else { self.window.len() - from };
            if vanished > 0 {
                let vanished = vanished as u64;
                facts.push(Fact::new(now, FactKind::Rewritten { since, vanished }));
                return Continuation { from, accounted: whole };
            }
            if let (Some(counted), Some(accounted)) = (statistics, accounted)
                && counted > accounted
            {
                facts.push(Fact::new(now, FactKind::TotalsDisagree { since, counted, accounted }));
            }
            return Continuation { from, accounted };
        }

        let before = self.last.clone();
        let after = events.first().map(Neighbour::from);
        if self.window.is_empty() && !full {
            // The list was empty, and what it holds now is all of it.
            if let Some(counted) = statistics.filter(|counted| *counted > length as u64) {
                let accounted = length as u64;
                facts.push(Fact::new(now, FactKind::TotalsDisagree { since, counted, accounted }));
            }
        } else if !full || self.fell(statistics) {
            let kind = FactKind::Restart { since, before, after, earlier_missing: full };
            facts.push(Fact::new(now, kind));
        } else {
            facts.push(Fact::new(now, FactKind::Gap { since, before, after }));
        }
        Continuation { from: 0, accounted: whole }
    }

    /// Whether the backend counts fewer entries than it did, which only a restart explains.
    fn fell(&self, statistics: Option<u64>) -> bool {
        matches!((self.counted.max(self.accounted), statistics), (Some(before), Some(now)) if now < before)
    }
}

/// Records timestamps that step back or lie in the future; the events stay as they are.
pub(crate) fn note_oddities(
    now: Timestamp,
    last: Option<&Neighbour>,
    events: &[Event],
    facts: &mut Vec<Fact>,
) {
    let compacted = events.iter().filter(|event| event.was_compacted()).count() as u64;
    if compacted > 0 {
        facts.push(Fact::new(now, FactKind::Compacted { events: compacted }));
    }
    let mut previous = last.map(|last| last.timestamp);
    let mut steps: Option<(u64, &Event, Duration)> = None;
    for event in events {
        if let Some(step) =
            previous.map(|previous| previous - event.at()).filter(|step| *step > Duration::ZERO)
        {
            let (count, first, largest) = steps.unwrap_or((0, event, step));
            steps = Some((count + 1, first, largest.max(step)));
        }
        previous = Some(event.at());
    }
    if let Some((events, first, largest)) = steps {
        let first = first.into();
        let kind = FactKind::OutOfOrder { events, first, largest_step_ms: largest.as_millis() };
        facts.push(Fact::new(now, kind));
    }
    let ahead: Vec<Timestamp> =
        events.iter().map(Event::at).filter(|at| *at > now + MAX_CLOCK_SKEW).collect();
    if let Some(latest) = ahead.iter().max() {
        facts.push(Fact::new(now, FactKind::Future { events: ahead.len() as u64, latest: *latest }));
    }
}
