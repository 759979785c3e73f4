//! Bodies that mostly repeat the last one, against a scraper that remembers no text.

use std::collections::{BTreeMap, BTreeSet};

use assurance_scrape::{CounterBirth, JobConfig, RelabelAction, RelabelRule, RelabelSpec};
use proptest::prelude::*;

use crate::rig::{Rig, START, job, ok};

/// What may be exposed, and the series that it stands for, if relabelling keeps it.
const MENU: [(&str, Option<&str>); 10] = [
    ("a", Some("a{instance=\"t:1\",job=\"j\"}")),
    ("ab", Some("ab{instance=\"t:1\",job=\"j\"}")),
    ("b{x=\"1\"}", Some("b{instance=\"t:1\",job=\"j\",x=\"1\"}")),
    ("b{ x=\"1\" ,}", Some("b{instance=\"t:1\",job=\"j\",x=\"1\"}")),
    ("b{x=\"11\"}", Some("b{instance=\"t:1\",job=\"j\",x=\"11\"}")),
    ("c{drop=\"1\"}", None),
    ("d{job=\"own\"}", Some("d{exported_job=\"own\",instance=\"t:1\",job=\"j\"}")),
    ("e_total{x=\"}\"}", Some("e_total{instance=\"t:1\",job=\"j\",x=\"}\"}")),
    ("{\"g\",y=\"é\"}", Some("g{instance=\"t:1\",job=\"j\",y=\"é\"}")),
    ("h_bucket{le=\"1\"}", Some("h_bucket{instance=\"t:1\",job=\"j\",le=\"1\"}")),
];

const LIMIT: u64 = 12;

/// A line: what it exposes, and its own time, if it has one.
type Line = (usize, Option<u8>);

/// What becomes of the body before the next scrape.
#[derive(Clone, Debug)]
enum Change {
    Nothing,
    Insert(prop::sample::Index, Line),
    Remove(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
    Replace(prop::sample::Index, Line),
    /// Only this much of it is there, this once.
    Cut(prop::sample::Index),
    /// A line that cannot be read stands here, this once.
    Break(prop::sample::Index),
    /// So many more blanks before the number of a line, this once.
    Widen(prop::sample::Index),
}

fn line() -> impl Strategy<Value = Line> {
    (0..MENU.len(), prop_oneof![5 => Just(None), 1 => (0_u8..200).prop_map(Some)])
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        4 => Just(Change::Nothing),
        2 => (index(), line()).prop_map(|(at, line)| Change::Insert(at, line)),
        2 => index().prop_map(Change::Remove),
        1 => (index(), index()).prop_map(|(a, b)| Change::Swap(a, b)),
        1 => (index(), line()).prop_map(|(at, line)| Change::Replace(at, line)),
        1 => index().prop_map(Change::Cut),
        1 => index().prop_map(Change::Break),
        1 => index().prop_map(Change::Widen),
    ]
}

/// The rest of a body is this once only.
struct Once {
    until: usize,
    broken: Option<usize>,
    wide: Option<usize>,
}

fn apply(change: &Change, body: &mut Vec<Line>) -> Once {
    let mut once = Once { until: usize::MAX, broken: None, wide: None };
    let inside = |at: &prop::sample::Index, body: &[Line]| at.index(body.len().max(1));
    match change {
        Change::Nothing => {}
        Change::Insert(at, line) => body.insert(at.index(body.len() + 1), *line),
        Change::Remove(at) if !body.is_empty() => drop(body.remove(inside(at, body))),
        Change::Swap(a, b) if !body.is_empty() => {
            let (a, b) = (inside(a, body), inside(b, body));
            body.swap(a, b);
        }
        Change::Replace(at, line) if !body.is_empty() => {
            let at = inside(at, body);
            body[at] = *line;
        }
        Change::Remove(_) | Change::Swap(..) | Change::Replace(..) => {}
        Change::Cut(at) => once.until = inside(at, body),
        Change::Break(at) => once.broken = Some(inside(at, body)),
        Change::Widen(at) => once.wide = Some(inside(at, body)),
    }
    once
}

fn value(scrape: usize, at: usize) -> f64 {
    f64::from(u32::try_from(scrape * 64 + at).expect("small")) / 8.0
}

/// The body as text: each third scrape has a comment on top, so that lines do not begin where they did.
fn text(body: &[Line], once: &Once, scrape: usize) -> String {
    let mut out =
        String::from(if scrape.is_multiple_of(3) { "# HELP a Something.\n# TYPE a gauge\n" } else { "" });
    for (at, (menu, own)) in body.iter().enumerate().take(once.until) {
        if once.broken == Some(at) {
            out += "broken\n";
        }
        let blanks = if once.wide == Some(at) { "  \t" } else { " " };
        out += &format!("{}{blanks}{}", MENU[*menu].0, value(scrape, at));
        if let Some(own) = own {
            out += &format!(" {}", (START.as_millis() + i64::from(*own) * 1000));
        }
        out.push('\n');
    }
    out
}

/// A scraper without any memory of texts, and a store, as the documentation says of them.
#[derive(Default)]
struct Naive {
    stored: BTreeMap<String, Vec<(i64, Option<f64>)>>,
    alive: BTreeSet<String>,
}

impl Naive {
    fn append(&mut self, series: &str, at: i64, value: Option<f64>) -> bool {
        let samples = self.stored.entry(series.to_owned()).or_default();
        match samples.last() {
            Some((newest, _)) if at < *newest => return false,
            Some((newest, held)) if at == *newest => return *held == value,
            _ => samples.push((at, value)),
        }
        true
    }

    /// Ends all series but these.
    fn end(&mut self, seen: &BTreeSet<&str>, at: i64) {
        let ended: Vec<String> = self.alive.iter().filter(|s| !seen.contains(s.as_str())).cloned().collect();
        for series in ended {
            self.alive.remove(&series);
            self.append(&series, at, None);
        }
    }

    /// What is counted: samples, those left after relabelling, duplicates; `None` where the scrape fails.
    fn scrape(&mut self, body: &[Line], once: &Once, scrape: usize, at: i64) -> Option<(u64, u64, u64)> {
        let body = &body[..body.len().min(once.until)];
        let kept = body.iter().filter(|(menu, _)| MENU[*menu].1.is_some()).count() as u64;
        if kept > LIMIT || once.broken.is_some_and(|line| line < body.len()) {
            self.end(&BTreeSet::new(), at);
            return None;
        }
        let mut seen = BTreeSet::new();
        let mut duplicates = 0;
        for (line, (menu, own)) in body.iter().enumerate() {
            let Some(series) = MENU[*menu].1 else { continue };
            if !seen.insert(series) && own.is_none() {
                duplicates += 1;
                continue;
            }
            let when = own.map_or(at, |own| i64::from(own) * 1000);
            if self.append(series, when, Some(value(scrape, line))) {
                // Series with times of their own are not ended.
                if own.is_none() {
                    self.alive.insert(series.to_owned());
                } else {
                    self.alive.remove(series);
                }
            }
        }
        self.end(&seen, at);
        Some((body.len() as u64, kept, duplicates))
    }
}

fn job_under_test() -> JobConfig {
    let mut job = job();
    job.counter_birth = CounterBirth::Unknown;
    job.limits.samples = LIMIT;
    let spec = RelabelSpec {
        source_labels: Some(vec!["drop".to_owned()]),
        regex: Some("1".to_owned()),
        action: RelabelAction::Drop,
        ..RelabelSpec::default()
    };
    job.metric_relabel = vec![RelabelRule::new(spec).expect("the rule is valid")];
    job
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// However bodies change, what is stored is as if each text were read anew.
    #[test]
    fn what_is_remembered_of_a_body_changes_nothing(
        start in proptest::collection::vec(line(), 0..10),
        changes in proptest::collection::vec(change(), 1..16),
    ) {
        let mut rig = Rig::new(job_under_test());
        let mut naive = Naive::default();
        let mut body = start;
        for (scrape, change) in changes.iter().enumerate() {
            let once = apply(change, &mut body);
            let text = text(&body, &once, scrape);
            let report = rig.outcome(|at| ok(&text, at));
            let expected = naive.scrape(&body, &once, scrape, (report.at - START).as_millis());
            let counts = report.counts;
            let counted = report.up().then_some((counts.scraped, counts.post_relabel, counts.duplicates));
            prop_assert_eq!(counted, expected, "scrape {} of\n{}", scrape, text);
        }
        let stored: BTreeMap<String, Vec<(i64, Option<f64>)>> =
            rig.store.names().into_iter().map(|name| (name.clone(), rig.store.samples(&name))).collect();
        naive.stored.retain(|_, samples| !samples.is_empty());
        prop_assert_eq!(stored, naive.stored);
    }
}
