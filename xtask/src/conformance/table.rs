//! Scores, by file and by class.

use std::fmt::Write as _;

use assurance_promqltest::Verdict;

use crate::Report;
use crate::class::Class;

/// How many evaluations went well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Score {
    pub(crate) evals: usize,
    /// With the right values.
    pub(crate) values: usize,
    /// With the right values, warnings and infos.
    pub(crate) strict: usize,
}

impl Score {
    pub(crate) fn add(&mut self, verdict: &Verdict) {
        self.evals += 1;
        if verdict.values.is_none() {
            self.values += 1;
            self.strict += usize::from(verdict.annotations.is_none());
        }
    }
}

/// Scores under the names of files, or of classes.
type Rows = Vec<(String, Score)>;

/// By file, by class, and in all. Classes that nothing belongs to are left out.
pub(crate) fn scores(reports: &[Report]) -> (Rows, Rows, Score) {
    let mut files = Vec::new();
    let mut total = Score::default();
    for report in reports {
        let mut score = Score::default();
        for verdict in &report.outcome.verdicts {
            score.add(verdict);
            total.add(verdict);
        }
        files.push((report.file.clone(), score));
    }
    let classes = Class::ALL.iter().rev().map(|class| {
        let mut score = Score::default();
        for report in reports {
            let verdicts = report.classes.iter().zip(&report.outcome.verdicts);
            verdicts.filter(|(c, _)| *c == class).for_each(|(_, verdict)| score.add(verdict));
        }
        (class.name().to_owned(), score)
    });
    (files, classes.filter(|(_, score)| score.evals > 0).collect(), total)
}

/// The tables for a terminal.
pub(crate) fn render(reports: &[Report]) -> String {
    let (files, classes, total) = scores(reports);
    let mut out = String::new();
    let mut line = |name: &str, score: Option<&Score>| {
        let number = |pick: fn(&Score) -> usize, title: &str| {
            score.map_or_else(|| title.to_owned(), |score| pick(score).to_string())
        };
        let (evals, values) = (number(|s| s.evals, "evals"), number(|s| s.values, "values"));
        let strict = number(|s| s.strict, "strict");
        // Writing to a String cannot fail.
        let _infallible = writeln!(out, "{name:<28} {evals:>6} {values:>6} {strict:>6}");
    };
    line("file", None);
    files.iter().for_each(|(name, score)| line(name, Some(score)));
    line("", None);
    classes.iter().for_each(|(name, score)| line(name, Some(score)));
    line("all", Some(&total));
    for failure in reports.iter().flat_map(|report| &report.outcome.loads) {
        let _infallible =
            writeln!(out, "{}:{}: {} fails: {}", failure.file, failure.line, failure.what, failure.reason);
    }
    out
}

/// Each failure with its line, expression and reason.
pub(crate) fn failures(reports: &[Report]) -> String {
    let mut out = String::new();
    for report in reports {
        for (class, verdict) in report.classes.iter().zip(&report.outcome.verdicts) {
            let wrong = [("values", &verdict.values), ("annotations", &verdict.annotations)];
            for (what, failure) in wrong {
                let Some(failure) = failure else { continue };
                // Writing to a String cannot fail.
                let _infallible = writeln!(
                    out,
                    "{}:{}: {}, {what}: {}\n    {}",
                    failure.file,
                    failure.line,
                    class.name(),
                    failure.what,
                    failure.reason
                );
            }
        }
    }
    out
}
