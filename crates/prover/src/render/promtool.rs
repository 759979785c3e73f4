//! Unit tests in promtool's format.

use std::fmt::Write as _;

use assurance_metrics_model::{Duration, Labels, Timestamp};

use super::notation::{MAX_STEPS, number, step, values};

/// A file of unit tests.
#[derive(Clone, Debug, PartialEq)]
pub struct TestFile {
    /// What is said first, as comments.
    pub head: String,
    /// The rule files, as seen from where the file is.
    pub rule_files: Vec<String>,
    /// How often rules are evaluated, from the start of each test on.
    pub evaluation_interval: Duration,
    /// The tests.
    pub cases: Vec<Case>,
}

/// One test.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// What is instant 0 in it, and the first evaluation.
    pub origin: Timestamp,
    /// What was scraped: series and samples, oldest first, stale markers included.
    pub series: Vec<(Labels, Vec<(Timestamp, f64)>)>,
    /// What is expected.
    pub checks: Vec<Check>,
}

/// What a test expects of an alert. Labels narrow it down to those alerts that have them.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// It fires at some evaluation from one instant to another, both included.
    Fires {
        /// The alert.
        alert: Wanted,
        /// The first instant.
        from: Timestamp,
        /// The last.
        until: Timestamp,
    },
    /// If it ever fired from one instant to another, it fires at the other.
    StillFires {
        /// The alert.
        alert: Wanted,
        /// The first instant.
        from: Timestamp,
        /// The last.
        at: Timestamp,
    },
    /// It begins to fire at most once from one instant to another, both included.
    FiresOnce {
        /// The alert.
        alert: Wanted,
        /// The first instant.
        from: Timestamp,
        /// The last.
        until: Timestamp,
        /// How often rules are evaluated.
        interval: Duration,
    },
    /// Nothing of this name fires at this instant.
    IsQuiet {
        /// The alert's name.
        name: String,
        /// When.
        at: Timestamp,
    },
    /// An expression has exactly these elements at an instant.
    Exactly {
        /// In PromQL.
        expression: String,
        /// When.
        at: Timestamp,
        /// Labels and values.
        elements: Vec<(Labels, f64)>,
    },
}

/// Which alert is expected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// Labels with their values.
    pub labels: Vec<(String, String)>,
    /// Labels that must not be missing, whatever their values.
    pub present: Vec<String>,
}

impl Wanted {
    /// By name alone.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// The selector of its firing instances.
    pub fn firing(&self) -> String {
        let mut out = format!("ALERTS{{alertname={},alertstate=\"firing\"", quoted(&self.name));
        for (name, value) in &self.labels {
            // Writing to a String cannot fail.
            let _infallible = write!(out, ",{name}={}", quoted(value));
        }
        for name in &self.present {
            let _infallible = write!(out, ",{name}!=\"\"");
        }
        out.push('}');
        out
    }
}

/// Why promtool's format cannot say something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Inexpressible {
    /// Samples fall on no common step that is coarse enough.
    #[error(
        "test {case:?} has {steps} steps of {step}, and promtool would make more than {MAX_STEPS} samples of each series; round the instants of scrapes"
    )]
    TooFine {
        /// The test.
        case: String,
        /// How many.
        steps: i64,
        /// How long each.
        step: Duration,
    },
    /// promtool knows nothing of it.
    #[error("promtool's tests know nothing of {what}")]
    Monitoring {
        /// Of what.
        what: &'static str,
    },
    /// A sample is before the test's instant 0.
    #[error("test {case:?} has a sample of {series} before its start")]
    BeforeStart {
        /// The test.
        case: String,
        /// The series.
        series: String,
    },
}

impl TestFile {
    /// As text.
    ///
    /// # Errors
    /// If a test cannot be said in this format.
    pub fn text(&self) -> Result<String, Inexpressible> {
        let mut out = String::new();
        for line in self.head.lines() {
            out.push_str(if line.is_empty() { "#" } else { "# " });
            out.push_str(line);
            out.push('\n');
        }
        let files: Vec<String> = self.rule_files.iter().map(|file| single(file)).collect();
        // Writing to a String cannot fail.
        let _infallible = write!(
            out,
            "rule_files: [{}]\nevaluation_interval: {}\ntests:\n",
            files.join(", "),
            self.evaluation_interval
        );
        for case in &self.cases {
            case.write(&mut out)?;
        }
        Ok(out)
    }
}

impl Case {
    fn write(&self, out: &mut String) -> Result<(), Inexpressible> {
        let step = step(self.origin, self.series.iter().flat_map(|(_, s)| s.iter().map(|(at, _)| *at)));
        let last = self.series.iter().filter_map(|(_, s)| s.last().map(|(at, _)| *at)).max();
        let steps = last.map_or(0, |last| (last - self.origin).as_millis() / step.as_millis());
        if steps > MAX_STEPS {
            return Err(Inexpressible::TooFine { case: self.name.clone(), steps, step });
        }
        let before = |(_, samples): &&(Labels, Vec<(Timestamp, f64)>)| {
            samples.first().is_some_and(|(at, _)| *at < self.origin)
        };
        if let Some((labels, _)) = self.series.iter().find(before) {
            let series = labels.to_string();
            return Err(Inexpressible::BeforeStart { case: self.name.clone(), series });
        }
        // Writing to a String cannot fail.
        let _infallible = write!(out, "- name: {}\n  interval: {step}\n  input_series:", single(&self.name));
        out.push_str(if self.series.is_empty() { " []\n" } else { "\n" });
        for (labels, samples) in &self.series {
            let values = values(self.origin, step, samples);
            let _infallible =
                writeln!(out, "  - series: {}\n    values: {}", single(&labels.to_string()), single(&values));
        }
        let quiet = |check: &&Check| matches!(check, Check::IsQuiet { .. });
        for (heading, checks) in [
            ("alert_rule_test", self.checks.iter().filter(quiet).collect::<Vec<_>>()),
            ("promql_expr_test", self.checks.iter().filter(|check| !quiet(check)).collect()),
        ] {
            if !checks.is_empty() {
                let _infallible = writeln!(out, "  {heading}:");
            }
            for check in checks {
                self.write_check(check, out);
            }
        }
        Ok(())
    }

    fn write_check(&self, check: &Check, out: &mut String) {
        let time = |at: Timestamp| at - self.origin;
        // Writing to a String cannot fail.
        let _infallible = match check {
            Check::IsQuiet { name, at } => {
                writeln!(
                    out,
                    "  - eval_time: {}\n    alertname: {}\n    exp_alerts: []",
                    time(*at),
                    single(name)
                )
            }
            Check::Fires { alert, from, until } => {
                let window = (*until - *from).max(Duration::from_millis(1));
                let expression = format!("count(count_over_time({}[{window}])) > bool 0", alert.firing());
                expect_one(out, &expression, time(*until))
            }
            Check::FiresOnce { alert, from, until, interval } => {
                let window = (*until - *from).max(*interval);
                let firing = alert.firing();
                let starts = format!("(count({firing}) > bool 0) unless count({firing} offset {interval})");
                let counted = format!("sum_over_time(({starts})[{window}:{interval}])");
                expect_one(out, &format!("({counted} <= bool 1) or vector(1)"), time(*until))
            }
            Check::StillFires { alert, from, at } => {
                let window = (*at - *from).max(Duration::from_millis(1));
                let firing = alert.firing();
                let never = format!("absent(count_over_time({firing}[{window}]))");
                expect_one(out, &format!("(count({firing}) > bool 0) or {never}"), time(*at))
            }
            Check::Exactly { expression, at, elements } => {
                let mut samples = String::new();
                for (labels, value) in elements {
                    let labels = single(&labels.to_string());
                    let _infallible =
                        write!(samples, "\n    - {{labels: {labels}, value: {}}}", number(*value));
                }
                let samples = if elements.is_empty() { " []".to_owned() } else { samples };
                writeln!(
                    out,
                    "  - expr: {}\n    eval_time: {}\n    exp_samples:{samples}",
                    single(expression),
                    time(*at)
                )
            }
        };
    }
}

fn expect_one(out: &mut String, expression: &str, at: Duration) -> std::fmt::Result {
    writeln!(
        out,
        "  - expr: {}\n    eval_time: {at}\n    exp_samples: [{{labels: '{{}}', value: 1}}]",
        single(expression)
    )
}

/// In YAML's single quotes.
fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''").replace('\n', " "))
}

/// As a string of PromQL.
fn quoted(text: &str) -> String {
    format!("{text:?}")
}

#[cfg(test)]
mod tests {
    use assurance_diagnostics::Source;
    use assurance_metrics_model::stale_nan;
    use assurance_rules::unit_test::{self, Options};

    use super::*;

    const RULES: &str = "groups: [{name: a, rules: [{alert: Down Here, expr: 'up == 0', for: 1m, labels: {severity: page}}]}]";

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + secs)
    }

    fn file(checks: Vec<Check>) -> TestFile {
        let labels = Labels::from_pairs([("__name__", "up"), ("instance", "it's")]);
        let samples =
            vec![(at(12), 1.0), (at(42), 0.0), (at(72), 0.0), (at(102), 0.0), (at(132), stale_nan())];
        TestFile {
            head: "Found by a test.\n\nNothing else.".to_owned(),
            rule_files: vec!["rules.yml".to_owned()],
            evaluation_interval: Duration::from_secs(30),
            cases: vec![Case {
                name: "it's down".to_owned(),
                origin: at(0),
                series: vec![(labels, samples)],
                checks,
            }],
        }
    }

    fn alert() -> Wanted {
        Wanted {
            name: "Down Here".to_owned(),
            labels: vec![("severity".to_owned(), "page".to_owned())],
            present: vec!["instance".to_owned()],
        }
    }

    fn failures(checks: Vec<Check>) -> Vec<String> {
        let test = Source::new("test.yml", file(checks).text().unwrap());
        let load = |name: &str| Ok(vec![Source::new(name, RULES)]);
        let report = unit_test::run(&test, &load, &Options::default()).map_err(|found| found[0].to_string());
        report.unwrap().tests[0].failures.iter().map(|f| f.diagnostic.message.to_string()).collect()
    }

    #[test]
    fn a_file_as_it_is_written() {
        let checks = vec![
            Check::Fires { alert: alert(), from: at(40), until: at(125) },
            Check::IsQuiet { name: "Down Here".to_owned(), at: at(90) },
            Check::Exactly { expression: "up".to_owned(), at: at(132), elements: vec![] },
        ];
        insta::assert_snapshot!(file(checks).text().unwrap());
    }

    #[test]
    fn expectations_are_met_exactly_where_they_hold() {
        let fires = |from, until| Check::Fires { alert: alert(), from: at(from), until: at(until) };
        let firing = |secs| Check::StillFires { alert: alert(), from: at(40), at: at(secs) };
        let quiet = |secs| Check::IsQuiet { name: "Down Here".to_owned(), at: at(secs) };
        // Pending at 60, fires at 120, over at 150.
        assert_eq!(failures(vec![fires(40, 120), firing(90), firing(120), quiet(90), quiet(150)]), [""; 0]);
        assert_eq!(failures(vec![fires(40, 119)]).len(), 1);
        assert_eq!(failures(vec![fires(125, 160)]).len(), 1);
        assert_eq!(failures(vec![firing(150), quiet(120)]).len(), 2);
        let missing = Wanted { present: vec!["tier".to_owned()], ..alert() };
        assert_eq!(failures(vec![Check::Fires { alert: missing, from: at(40), until: at(120) }]).len(), 1);
        let once = |from, until| {
            let interval = Duration::from_secs(30);
            Check::FiresOnce { alert: alert(), from: at(from), until: at(until), interval }
        };
        assert_eq!(failures(vec![once(30, 90), once(30, 150)]), [""; 0]);
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        let mut early = file(vec![]);
        early.cases[0].origin = at(20);
        assert!(matches!(early.text(), Err(Inexpressible::BeforeStart { .. })));
        let mut fine = file(vec![]);
        fine.cases[0].series[0].1.push((at(700) + Duration::from_millis(1), 0.0));
        let refused = fine.text().unwrap_err();
        insta::assert_snapshot!(refused, @r#"test "it's down" has 700001 steps of 1ms, and promtool would make more than 200000 samples of each series; round the instants of scrapes"#);
    }
}
