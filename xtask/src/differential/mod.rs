//! `cargo xtask differential`: random expressions over random data, asked of a real Prometheus and of us.

mod ask;
mod compare;
mod data;
mod expr;
mod grammar;
mod report;
mod tolerate;
mod vocabulary;

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;

use crate::peers::http::Client;
use crate::peers::process::{evaluator, evaluator_binary, prometheus, scratch, version};
use crate::peers::remote_write;
use crate::rng::Rng;

pub(crate) use ask::{Answer, When, ask, request};
pub(crate) use compare::difference;
use expr::Node;
use report::Report;
use tolerate::{Case, EXCUSES};

/// Attempts to make one mismatch smaller.
const MAX_SHRINKS: usize = 400;

/// Mismatches that are made smaller and shown; the rest is counted.
const MAX_SHOWN: usize = 400;

/// Of both: how far the steps of a subquery are apart that names none.
const CONFIGURATION: &str = "global: {evaluation_interval: 1m}\n";

/// What is asked of a run.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) seed: u64,
    pub(crate) queries: usize,
    /// The Prometheus.
    pub(crate) binary: String,
    /// Our evaluator, built if none is named.
    pub(crate) ours: Option<PathBuf>,
}

/// Both servers, each behind its connection.
pub(crate) struct Sides {
    theirs: Client,
    ours: Client,
}

/// A query that is answered differently, as small as it could be made.
#[derive(Debug)]
pub(crate) struct Mismatch {
    number: usize,
    original: String,
    small: String,
    when: When,
    what: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "query {}, {}:\n  {}", self.number, self.when, self.small)?;
        writeln!(f, "  {}", self.what)?;
        if self.small == self.original { Ok(()) } else { writeln!(f, "  found in {}", self.original) }
    }
}

/// Reads the command line: `[--seed N] [--queries N] [--binary PATH] [--ours PATH]`.
pub(crate) fn command(args: &[&str]) -> Result<(), String> {
    let mut wish = Wish { seed: 1, queries: 5000, binary: "prometheus".to_owned(), ours: None };
    for pair in args.chunks(2) {
        let [name, value] = pair else { return Err(format!("{} needs a value", pair[0])) };
        let number = || value.parse().map_err(|_bad| format!("{name} {value}: write a number"));
        match *name {
            "--seed" => wish.seed = number()?,
            "--queries" => wish.queries = number()? as usize,
            "--binary" => wish.binary = (*value).to_owned(),
            "--ours" => wish.ours = Some(PathBuf::from(value)),
            _ => return Err(format!("{name} is no option of differential")),
        }
    }
    run(&wish)
}

#[expect(clippy::print_stdout, reason = "the report is its output")]
fn run(wish: &Wish) -> Result<(), String> {
    println!("{}; seed {}", version(&wish.binary)?, wish.seed);
    let folder = scratch(&format!("differential-{}", wish.seed))?;
    let series = data::generate(wish.seed);
    let samples: usize = series.iter().map(|s| s.samples.len()).sum();
    println!("{} series with {samples} samples", series.len());
    let theirs = prometheus(&wish.binary, &folder, CONFIGURATION, &["--web.enable-remote-write-receiver"])?;
    remote_write::send(&mut theirs.client(), &series)?;
    let ours = evaluator(
        &evaluator_binary(wish.ours.as_deref())?,
        &folder,
        CONFIGURATION,
        &["--web.enable-remote-write-receiver", "--enable-feature=promql-experimental-functions"],
    )?;
    remote_write::send(&mut ours.client(), &series)?;
    let mut sides = Sides { theirs: theirs.client(), ours: ours.client() };
    let report = compare_all(wish, &mut sides)?;
    print!("{}", report.text());
    let faults = report.faults();
    if faults.is_empty() { Ok(()) } else { Err(format!("differential: {}", faults.join("; "))) }
}

fn compare_all(wish: &Wish, sides: &mut Sides) -> Result<Report, String> {
    let mut rng = Rng::new(wish.seed);
    let mut report = Report::default();
    let (mut seen, mut used) = (HashSet::new(), grammar::Used::new());
    while report.queries < wish.queries {
        let when = draw_when(&mut rng);
        let instant = matches!(when, When::At(_));
        let node = grammar::expression(&mut rng, &mut used, instant);
        if !seen.insert(node.print()) {
            continue;
        }
        report.queries += 1;
        report.ranges += usize::from(!instant);
        for tag in node.all_tags() {
            *report.words.entry(tag).or_default() += 1;
        }
        let (theirs, ours) = sides.ask(&node, when)?;
        report.found += usize::from(!theirs.is_empty());
        report.errors +=
            usize::from(matches!((&theirs, &ours), (Answer::Error { .. }, Answer::Error { .. })));
        let Some(what) = difference(&theirs, &ours, sorted(&node)) else {
            report.identical += usize::from(!theirs.is_empty() && compare::identical(&theirs, &ours));
            continue;
        };
        if let Some(name) = excuse(&node, when, &theirs, &ours, sides)? {
            *report.excused.entry(name).or_default() += 1;
            continue;
        }
        let (number, original) = (report.queries, node.print());
        let mut mismatch = Mismatch { number, small: original.clone(), original, when, what };
        if report.mismatches.len() < MAX_SHOWN {
            shrink(node, sides, &mut mismatch)?;
        }
        report.mismatches.push(mismatch);
    }
    Ok(report)
}

impl Sides {
    fn ask(&mut self, node: &Node, when: When) -> Result<(Answer, Answer), String> {
        let text = node.print();
        // Its name since Prometheus 3.0.
        let newer = text.replace("holt_winters(", "double_exponential_smoothing(");
        Ok((ask(&mut self.theirs, &text, when)?, ask(&mut self.ours, &newer, when)?))
    }
}

/// A time at which something is known, mostly; it ends in 333 ms, as no sample does.
fn draw_when(rng: &mut Rng) -> When {
    let second = data::START / 1000 + rng.between(300, data::SPAN / 1000 + 400);
    let at = second * 1000 + 333;
    if rng.chance(0.6) {
        return When::At(at);
    }
    let step = rng.pick(&[&15_000, &30_000, &60_000, &7_000, &300_000]);
    When::Range { start: at, end: at + rng.between(3, 25) * step, step: *step }
}

fn sorted(node: &Node) -> bool {
    node.tags.iter().any(|tag| matches!(*tag, "sort" | "sort_desc"))
}

fn excuse(
    expression: &Node,
    when: When,
    theirs: &Answer,
    ours: &Answer,
    sides: &mut Sides,
) -> Result<Option<&'static str>, String> {
    for (name, _, test) in EXCUSES {
        if test(&mut Case { expression, when, theirs, ours, sides: &mut *sides })? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Replaces the mismatch by the smallest one that can be reached from it.
fn shrink(mut node: Node, sides: &mut Sides, mismatch: &mut Mismatch) -> Result<(), String> {
    let mut attempts = 0;
    'smaller: loop {
        for candidate in node.smaller() {
            attempts += 1;
            if attempts > MAX_SHRINKS {
                return Ok(());
            }
            let (theirs, ours) = sides.ask(&candidate, mismatch.when)?;
            let Some(what) = difference(&theirs, &ours, sorted(&candidate)) else { continue };
            if excuse(&candidate, mismatch.when, &theirs, &ours, sides)?.is_some() {
                continue;
            }
            mismatch.what = what;
            mismatch.small = candidate.print();
            node = candidate;
            continue 'smaller;
        }
        return Ok(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_drawn_often_enough() {
        for seed in 1..4 {
            let (mut rng, mut used) = (Rng::new(seed), grammar::Used::new());
            let mut report = Report { queries: 5000, found: 5000, ..Report::default() };
            for n in 0..report.queries {
                for tag in grammar::expression(&mut rng, &mut used, n % 2 == 0).all_tags() {
                    *report.words.entry(tag).or_default() += 1;
                }
            }
            assert_eq!(report.faults(), [""; 0], "seed {seed}");
        }
    }

    #[test]
    fn samples_stand_where_no_query_asks() {
        let series = data::generate(1);
        assert!(series.len() > 200);
        let all = series.iter().flat_map(|s| &s.samples);
        assert!(all.clone().all(|(at, _)| at % 1000 != 0 && at % 2 == 0), "a query could stand at a sample");
        assert!(series.iter().all(|s| s.samples.is_sorted_by(|a, b| a.0 < b.0)));
        assert!(all.clone().any(|(_, value)| value.to_bits() == crate::peers::STALE));
    }
}
