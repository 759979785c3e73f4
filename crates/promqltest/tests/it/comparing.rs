//! What counts as the same, seen with something that answers as it is told to.

use std::sync::Arc;

use assurance_metrics_model::{Duration, Histogram, Labels, Timestamp, Value, stale_nan};
use assurance_promql::{MatrixSeries, QueryValue, VectorSample};
use assurance_promqltest::{Answered, Refused, Sample, Script, Subject, parse_histogram, run_on};

/// Gives the same answer to everything, and remembers what it was asked.
struct Told {
    answer: Answered,
    asked: Vec<String>,
}

impl Told {
    fn new(value: QueryValue) -> Self {
        Self { answer: Answered { value, warnings: Vec::new(), infos: Vec::new() }, asked: Vec::new() }
    }

    /// What is wrong with its answers, in the eyes of a script that makes one evaluation.
    fn judge(&mut self, script: &str) -> (Option<String>, Option<String>) {
        let script = Script::parse("x.test", script).unwrap_or_else(|error| panic!("{error}"));
        let outcome = run_on(&script, self);
        let verdict = outcome.verdicts.into_iter().next().expect("an evaluation");
        (verdict.values.map(|f| f.reason), verdict.annotations.map(|f| f.reason))
    }
}

impl Subject for Told {
    fn clear(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn load(&mut self, _samples: &mut dyn Iterator<Item = Sample>) -> Result<(), String> {
        Ok(())
    }

    fn instant(&mut self, _expr: &str, at: Timestamp) -> Result<Answered, Refused> {
        self.asked.push(format!("at {}", at.as_millis() / 1000));
        Ok(self.answer.clone())
    }

    fn range(
        &mut self,
        _expr: &str,
        start: Timestamp,
        end: Timestamp,
        step: Duration,
    ) -> Result<Answered, Refused> {
        let [start, end] = [start, end].map(|at| at.as_millis() / 1000);
        self.asked.push(format!("from {start} to {end} step {step}"));
        match &self.answer.value {
            // The same in every step.
            QueryValue::Vector(samples) => {
                let series = samples.iter().map(|sample| MatrixSeries {
                    labels: sample.labels.clone(),
                    samples: (start..=end).map(|s| (Timestamp::from_secs(s), sample.value.clone())).collect(),
                });
                Ok(Answered { value: QueryValue::Matrix(series.collect()), ..self.answer.clone() })
            }
            _ => Ok(self.answer.clone()),
        }
    }
}

fn vector(value: Value) -> QueryValue {
    QueryValue::Vector(vec![VectorSample { labels: Labels::empty(), at: Timestamp::EPOCH, value }])
}

fn judge_histogram(found: Histogram, wanted: &str) -> bool {
    let mut told = Told::new(vector(Value::Histogram(Arc::new(found))));
    told.judge(&format!("eval instant at 0 h\n  {{}} {wanted}\n")).0.is_none()
}

#[test]
fn histograms_are_the_same_but_for_rounding_layout_and_a_hint_that_is_not_named() {
    let found =
        "{{schema:1 count:9 sum:8 z_bucket:1 z_bucket_w:0.5 buckets:[0 2 0 3] n_buckets:[3] n_offset:2}}";
    let judge = |wanted: &str| judge_histogram(parse_histogram(found).expect("reads"), wanted);
    assert!(judge(found));
    for same in [
        "{{schema:1 count:9 sum:8 z_bucket:1 z_bucket_w:0.5 buckets:[2 0 3] offset:1 n_buckets:[0 0 3 0]}}",
        "{{schema:1 count:9 sum:8.000001 z_bucket:1 z_bucket_w:0.5 buckets:[0 2.000001 0 3] n_buckets:[3] n_offset:2}}",
    ] {
        assert!(judge(same), "{same}");
    }
    for (part, other) in [
        ("schema:1", "schema:2"),
        ("count:9", "count:8"),
        ("sum:8", "sum:9"),
        ("sum:8", "sum:8.001"),
        ("z_bucket:1", "z_bucket:2"),
        ("z_bucket_w:0.5", "z_bucket_w:0.25"),
        ("buckets:[0 2", "buckets:[0 1"),
        ("buckets:[0 2", "buckets:[2"),
        ("buckets:[0 2 0 3", "buckets:[0 2 0"),
        ("n_buckets:[3]", "n_buckets:[2]"),
        ("n_offset:2", "n_offset:1"),
        ("}}", " counter_reset_hint:gauge}}"),
    ] {
        let wanted = found.replace(part, other);
        assert!(!judge(&wanted), "{wanted}");
    }
    let gauge = "{{count:1 counter_reset_hint:gauge}}";
    let hint = |wanted| judge_histogram(parse_histogram(gauge).expect("reads"), wanted);
    assert!(hint(gauge) && hint("{{count:1}}"));
    assert!(!hint("{{count:1 counter_reset_hint:unknown}}"));
    let custom = "{{schema:-53 count:1 custom_values:[1 2] buckets:[1]}}";
    let bounds = |wanted| judge_histogram(parse_histogram(custom).expect("reads"), wanted);
    assert!(bounds(custom));
    assert!(!bounds("{{schema:-53 count:1 custom_values:[1 3] buckets:[1]}}"));
}

#[test]
fn floats_are_the_same_but_for_a_millionth() {
    let judge = |found: f64, wanted: &str| {
        Told::new(vector(found.into())).judge(&format!("eval instant at 0 m\n  {{}} {wanted}\n")).0.is_none()
    };
    for (found, same, other) in [
        (1.0, "1.000001", "1.00001"),
        (-3e9, "-3000000001", "-3000300000"),
        (0.0, "0", "1e-300"),
        (1e-310, "1e-310", "-1e-300"),
        (f64::INFINITY, "Inf", "-Inf"),
        (f64::MAX, "1.7976931348623157e308", "Inf"),
        (f64::NAN, "NaN", "0"),
        (f64::NAN, "NaN", "stale"),
        (stale_nan(), "stale", "NaN"),
    ] {
        assert!(judge(found, same), "{found} is {same}");
        assert!(!judge(found, other), "{found} is not {other}");
    }
}

#[test]
fn ranges_have_to_be_sorted_by_labels() {
    let series = |a: &str| MatrixSeries {
        labels: Labels::from_pairs([("a", a)]),
        samples: vec![(Timestamp::EPOCH, 1.0.into())],
    };
    let script = "eval range from 0 to 0 step 1m m\n  {a=\"1\"} 1\n  {a=\"2\"} 1\n";
    let judge = |all: Vec<MatrixSeries>| Told::new(QueryValue::Matrix(all)).judge(script).0;
    assert_eq!(judge(vec![series("1"), series("2")]), None);
    assert_eq!(judge(vec![series("2"), series("1")]).as_deref(), Some("the result is not sorted by labels"));
    assert_eq!(
        judge(vec![series("1"), series("1"), series("2")]).as_deref(),
        Some("a series is there twice")
    );
}

#[test]
fn every_warning_is_expected_and_every_expected_one_is_there() {
    let mut told = Told::new(vector(1.0.into()));
    told.answer.warnings = vec!["one".to_owned(), "two".to_owned()];
    told.answer.infos = vec!["three".to_owned()];
    let mut judge = |expect: &str| {
        let script = format!("eval instant at 0 m\n{expect}  {{}} 1\n");
        let (values, annotations) = told.judge(&script);
        assert_eq!(values, None);
        annotations
    };
    assert_eq!(judge(""), None);
    assert_eq!(judge("  expect warn\n  expect info\n"), None);
    assert_eq!(judge("  expect warn msg: two\n  expect warn regex: ^on\n"), None);
    assert_eq!(judge("  expect warn msg: one\n").as_deref(), Some("the warning \"two\" is not expected"));
    assert_eq!(
        judge("  expect warn msg: one\n  expect warn msg: two\n  expect warn regex: th.\n").as_deref(),
        Some("the warning like \"th.\" is expected, but there is [\"one\", \"two\"]")
    );
    assert_eq!(judge("  expect no_info\n").as_deref(), Some("no info is expected, but there is [\"three\"]"));
}

#[test]
fn an_instant_evaluation_is_repeated_unless_its_value_depends_on_the_range() {
    let asked = |answer: QueryValue, eval: &str| {
        let mut told = Told::new(answer);
        told.judge(eval);
        told.asked
    };
    let one = || vector(1.0.into());
    assert_eq!(asked(one(), "eval instant at 5m m\n  {} 1\n"), ["at 300", "from 240 to 360 step 1m"]);
    assert_eq!(asked(one(), "eval instant at 0 m\n  {} 1\n"), ["at 0", "from -60 to 60 step 1m"]);
    for call in ["start()", "end()", "range()", "step()"] {
        assert_eq!(asked(one(), &format!("eval instant at 0 m * {call}\n  {{}} 1\n")), ["at 0"]);
    }
    // Wrong already, and so not repeated.
    assert_eq!(asked(one(), "eval instant at 0 m\n  {} 2\n"), ["at 0"]);
    // A range vector is asked for at its end.
    let range = "eval instant at 5m m[1m]\n  expect range vector from 0 to 1m step 1m\n  {} 1\n";
    assert_eq!(asked(QueryValue::Matrix(Vec::new()), range), ["at 60"]);
    let text = QueryValue::String { at: Timestamp::EPOCH, text: "a".to_owned() };
    assert_eq!(asked(text, "eval instant at 0 \"a\"\n  expect string \"a\"\n"), ["at 0"]);
}

#[test]
fn a_number_alone_is_read_as_go_reads_numbers() {
    for (written, number) in [
        ("12", 12.0),
        ("-0x1f", -31.0),
        ("010", 8.0),
        ("0b101", 5.0),
        ("1_000", 1000.0),
        ("08", 8.0),
        ("1e3", 1000.0),
        ("+Inf", f64::INFINITY),
    ] {
        let mut told = Told::new(QueryValue::Scalar { at: Timestamp::EPOCH, value: number });
        let script = format!("eval range from 0 to 0 step 1 m\n  {written}\n");
        assert_eq!(told.judge(&script).0, None, "{written}");
        told.answer.value = QueryValue::Scalar { at: Timestamp::EPOCH, value: number + 1.0 };
        if number.is_finite() {
            assert!(told.judge(&script).0.is_some(), "{written}");
        }
    }
}
