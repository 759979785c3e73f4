//! What happened in a world, what was scraped of it, and what became of the alert, one above the other.

use std::collections::{BTreeMap, BTreeSet};

use assurance_metrics_model::{Duration, Labels, Timestamp, is_stale_nan};
use assurance_rules::EventKind;
use assurance_simulator::Observed;

use super::chart::{Chart, Content, Row};
use crate::claim::{Claim, Moves};
use crate::replay::Replay;
use crate::timeline::{Outcome, Slots, Timeline};

/// Series that are drawn; the others are counted.
const MAX_SERIES: usize = 6;

/// Alerts that are drawn; the others are counted.
const MAX_ALERTS: usize = 4;

/// Something to be pointed at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When, in milliseconds of the timeline.
    pub at: i64,
    /// What is to be said.
    pub text: String,
}

/// A drawing of a replayed timeline, at most [`WIDTH`](super::WIDTH) columns wide.
pub fn picture(claim: &Claim, timeline: &Timeline, replay: &Replay, marks: &[Mark]) -> String {
    let artist = Artist { claim, timeline, replay };
    let (from, until) = artist.stretch(marks);
    let mut rows = artist.world();
    rows.extend(artist.scrapes());
    rows.extend(artist.series(from, until));
    rows.extend(artist.evaluations());
    rows.extend(artist.alerts());
    rows.extend(marks.iter().map(|mark| row("", Content::Note(artist.at(mark.at), mark.text.clone()))));
    let legend = legend(&rows);
    Chart { start: artist.at(0), from: artist.at(from), until: artist.at(until), rows, legend }.text()
}

fn row(name: &str, content: Content) -> Row {
    Row { name: name.to_owned(), content }
}

/// Explains the signs that are there.
fn legend(rows: &[Row]) -> Vec<String> {
    let used: BTreeSet<char> = rows
        .iter()
        .filter(|row| !row.name.is_empty())
        .flat_map(|row| match &row.content {
            Content::Marks(marks) | Content::States(marks) => marks.iter().map(|(_, sign)| *sign).collect(),
            Content::Values(values) if values.iter().any(|(_, value)| value.is_none()) => vec!['X'],
            Content::Values(_) => vec!['"'],
            Content::Note(..) => vec![],
        })
        .collect();
    let meanings = [
        ('*', "* event"),
        ('=', "= up"),
        ('#', "# lasts"),
        ('o', "o scraped"),
        ('e', "e empty page"),
        ('x', "x failed"),
        ('X', "x ends"),
        ('|', "| evaluated"),
        ('-', "- skipped"),
        ('p', "p pending"),
        ('F', "F firing"),
    ];
    let meanings = meanings.iter().filter(|(sign, _)| used.contains(sign));
    meanings.map(|(_, meaning)| (*meaning).to_owned()).collect()
}

struct Artist<'a> {
    claim: &'a Claim,
    timeline: &'a Timeline,
    replay: &'a Replay,
}

impl Artist<'_> {
    fn at(&self, millis: i64) -> Timestamp {
        self.claim.origin + Duration::from_millis(millis)
    }

    fn millis(&self, at: Timestamp) -> i64 {
        (at - self.claim.origin).as_millis()
    }

    /// Where something happens, with a scrape before and one after it.
    fn stretch(&self, marks: &[Mark]) -> (i64, i64) {
        let world = self.timeline;
        let mut instants: Vec<i64> = world.events.iter().map(|event| event.at).collect();
        instants.extend(marks.iter().map(|mark| mark.at));
        let holds = world.holds.iter().map(|hold| hold.span);
        let absences = world.absences.iter().map(|absence| absence.span);
        for span in holds.chain(absences).chain(world.downs.iter().copied()).chain(world.away.iter().copied())
        {
            instants.extend([span.from, span.until.min(world.end)]);
        }
        instants.extend(&world.lost);
        instants.extend(&world.skipped);
        instants.extend(world.late.iter().map(|(slot, _)| *slot));
        let margin = world.scrape.interval.max(world.eval.interval);
        let first = instants.iter().min().map_or(0, |first| (first - margin).max(0));
        let last = instants.iter().max().map_or(world.end, |last| (last + margin).min(world.end));
        (first, last.max(first + 1))
    }

    fn world(&self) -> Vec<Row> {
        let world = self.timeline;
        let mut rows = Vec::new();
        for (index, stream) in world.streams.iter().enumerate() {
            let events = world.events.iter().filter(|event| usize::from(event.stream) == index);
            let marks: Vec<(Timestamp, char)> = events.map(|event| (self.at(event.at), '*')).collect();
            if !marks.is_empty() {
                let labels = if stream.labels.is_empty() { String::new() } else { stream.labels.to_string() };
                rows.push(row(&format!("{}{labels}", stream.source), Content::Marks(marks)));
            }
        }
        for (index, state) in world.states.iter().enumerate() {
            let spans = world.holds.iter().filter(|hold| usize::from(hold.state) == index);
            let states: Vec<_> = spans
                .flat_map(|hold| [(self.at(hold.span.from), '#'), (self.end(hold.span.until), '.')])
                .collect();
            if !states.is_empty() {
                rows.push(row(state, Content::States([vec![(self.at(0), '.')], states].concat())));
            }
        }
        if !world.downs.is_empty() {
            rows.push(row("process", Content::States(self.without(world.downs.iter().copied()))));
        }
        for absence in &world.absences {
            let name = format!("job {}", absence.form.as_str());
            rows.push(row(&name, Content::States(self.without(std::iter::once(absence.span)))));
        }
        if !world.away.is_empty() {
            rows.push(row("monitoring", Content::States(self.without(world.away.iter().copied()))));
        }
        rows
    }

    fn end(&self, until: i64) -> Timestamp {
        self.at(until.min(self.timeline.end))
    }

    /// Up but for these times.
    fn without(&self, spans: impl Iterator<Item = crate::timeline::Span>) -> Vec<(Timestamp, char)> {
        let gaps = spans.flat_map(|span| [(self.at(span.from), ' '), (self.end(span.until), '=')]);
        std::iter::once((self.at(0), '=')).chain(gaps).collect()
    }

    fn scrapes(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for job in &self.claim.jobs {
            let slots =
                Slots { interval: job.interval, phase: self.timeline.scrape.phase.rem_euclid(job.interval) };
            // What went wrong is drawn over what went well.
            let mut marks: Vec<(Timestamp, char)> = Vec::new();
            for slot in slots.until(self.timeline.end) {
                let sign = match self.timeline.outcome(slot, job.collects.is_some()) {
                    Outcome::Success => 'o',
                    Outcome::Empty => 'e',
                    Outcome::Failure => 'x',
                    Outcome::Removed | Outcome::Away => continue,
                };
                marks.push((self.at(self.timeline.begins(slot)), sign));
            }
            marks.sort_by_key(|(at, sign)| (*sign != 'o', *at));
            let name = if self.claim.jobs.len() == 1 {
                "scrapes".to_owned()
            } else {
                format!("scrapes {}", job.name)
            };
            rows.push(row(&name, Content::Marks(marks)));
        }
        rows
    }

    fn series(&self, from: i64, until: i64) -> Vec<Row> {
        let selectors = self.claim.rules.iter().flat_map(|rule| rule.rule.expression.tree().selectors());
        let selectors: Vec<_> = selectors.map(|selector| selector.matchers.clone()).collect();
        let all = self.replay.samples(&selectors);
        let seen = |at: Timestamp| (from..=until).contains(&self.millis(at));
        let mut moving: Vec<&(Labels, Vec<(Timestamp, f64)>)> = all.iter().collect();
        // What stands still tells nothing while something moves.
        let moves = |samples: &[(Timestamp, f64)]| {
            let bits: BTreeSet<u64> =
                samples.iter().filter(|(at, _)| seen(*at)).map(|(_, v)| v.to_bits()).collect();
            bits.len()
        };
        moving.sort_by_key(|(_, samples)| std::cmp::Reverse(moves(samples).min(2)));
        let mut rows: Vec<Row> = moving
            .iter()
            .take(MAX_SERIES)
            .map(|(labels, samples)| {
                let is_time = self.is_time(labels);
                let value = |value: f64| {
                    (!is_stale_nan(value)).then(|| if is_time { self.time(value) } else { value.to_string() })
                };
                let values = samples.iter().map(|(at, number)| (*at, value(*number))).collect();
                row(&self.name(labels), Content::Values(values))
            })
            .collect();
        if moving.len() > MAX_SERIES {
            let more = format!("… and {} series more", moving.len() - MAX_SERIES);
            rows.push(row(&more, Content::Marks(Vec::new())));
        }
        rows
    }

    /// A series without the labels of its target.
    fn name(&self, labels: &Labels) -> String {
        let plan = self.claim.series.iter().find(|plan| plan.labels == *labels);
        match plan {
            Some(plan) if plan.exposed.is_empty() => plan.name.to_string(),
            Some(plan) => format!("{}{}", plan.name, plan.exposed),
            None => labels.to_string(),
        }
    }

    fn is_time(&self, labels: &Labels) -> bool {
        let plan = self.claim.series.iter().find(|plan| plan.labels == *labels);
        plan.is_some_and(|plan| matches!(plan.moves, Moves::LastTime { .. } | Moves::ProcessStart))
    }

    /// A point of time as one of the timeline.
    fn time(&self, seconds: f64) -> String {
        let from_origin = seconds - self.claim.origin.as_secs_f64();
        if seconds == 0.0 {
            return "never".to_owned();
        }
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a timeline are small")]
        let millis = (from_origin * 1000.0).round() as i64;
        Duration::from_millis(millis).to_string()
    }

    fn evaluations(&self) -> Vec<Row> {
        let intervals: BTreeSet<i64> = self.claim.rules.iter().map(|rule| rule.interval).collect();
        let mut rows = Vec::new();
        for interval in &intervals {
            let slots = Slots { interval: *interval, phase: self.timeline.eval.phase.rem_euclid(*interval) };
            let mut marks = Vec::new();
            for at in slots.until(self.timeline.end) {
                if self.timeline.evaluates(at) {
                    marks.push((self.at(at), '|'));
                } else if !self.timeline.is_away(at) {
                    marks.push((self.at(at), '-'));
                }
            }
            marks.sort_by_key(|(at, sign)| (*sign == '-', *at));
            let name = match intervals.len() {
                1 => "evaluations".to_owned(),
                _ => format!("every {}", Duration::from_millis(*interval)),
            };
            rows.push(row(&name, Content::Marks(marks)));
        }
        rows
    }

    fn alerts(&self) -> Vec<Row> {
        let mut phases: BTreeMap<&Labels, Vec<(Timestamp, char)>> = BTreeMap::new();
        for observation in &self.replay.log {
            let Observed::Alert { kind, labels, .. } = &observation.what else { continue };
            if !self.is_own(labels) {
                continue;
            }
            let sign = match kind {
                EventKind::Pending => 'p',
                EventKind::Firing => 'F',
                EventKind::Withdrawn | EventKind::Resolved | EventKind::Dropped => '.',
                _ => continue,
            };
            phases.entry(labels).or_insert_with(|| vec![(self.at(0), '.')]).push((observation.at, sign));
        }
        let name = self.claim.intent.alert.as_str();
        if phases.is_empty() {
            return vec![row(name, Content::States(vec![(self.at(0), '.')]))];
        }
        let (count, several) = (phases.len(), phases.len() > 1);
        let named = |labels: &Labels| if several { self.told_apart(labels) } else { name.to_owned() };
        let mut rows: Vec<Row> = phases
            .into_iter()
            .take(MAX_ALERTS)
            .map(|(labels, states)| row(&named(labels), Content::States(states)))
            .collect();
        if count > MAX_ALERTS {
            rows.push(row(&format!("… and {} alerts more", count - MAX_ALERTS), Content::Marks(Vec::new())));
        }
        rows
    }

    /// Whether the alert is one that the claim is about.
    fn is_own(&self, labels: &Labels) -> bool {
        let mut matching = self.claim.intent.matching.iter();
        labels.get("alertname") == Some(self.claim.intent.alert.as_str())
            && matching.all(|(name, value)| labels.get_or_empty(name) == value)
    }

    /// An alert's labels without those of the job, which all have.
    fn told_apart(&self, labels: &Labels) -> String {
        let of_target = |name: &str| self.claim.jobs.iter().any(|job| job.target.get(name).is_some());
        let own = labels.iter().filter(|(name, _)| *name != "alertname" && !of_target(name));
        format!("{}{}", self.claim.intent.alert, Labels::from_pairs(own))
    }
}
