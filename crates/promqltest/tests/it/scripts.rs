#![expect(clippy::disallowed_methods, reason = "tests read the project's fixtures")]

use assurance_metrics_model::{
    Appender as _, Column, Matcher, QueryError, Queryable, ResetHint, Selection, Series, TimeRange,
    Timestamp, Value,
};
use assurance_promql::Options;
use assurance_promqltest::{MemoryStore, Sample, Script, Store, run};

use crate::stores::{Place, Tsdb};

/// The real store, filled in the order of time, as it is in life.
#[derive(Default)]
struct InOrder(Option<assurance_tsdb::Store>, Vec<Sample>);

impl Store for InOrder {
    fn clear(&mut self) -> Result<(), String> {
        self.1.clear();
        self.0 = Some(assurance_tsdb::Store::new(assurance_tsdb::Config::default()));
        Ok(())
    }

    fn append(&mut self, samples: &mut dyn Iterator<Item = Sample>) -> Result<(), String> {
        self.1.extend(samples);
        self.1.sort_by_key(|sample| sample.at);
        let store = assurance_tsdb::Store::new(assurance_tsdb::Config::default());
        let mut appender = store.appender();
        for Sample { labels, at, value, .. } in &self.1 {
            appender.append(None, labels, *at, value.clone()).map_err(|error| error.to_string())?;
        }
        appender.commit();
        self.0 = Some(store);
        Ok(())
    }

    fn queryable(&self) -> &dyn Queryable {
        self.0.as_ref().expect("cleared before it is read")
    }
}

/// Runs the project's scripts; returns how many evaluations they make.
fn check(store: &mut dyn Store) -> usize {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/promql");
    let mut evals = 0;
    let mut failures = Vec::new();
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect("the fixtures").map(|e| e.expect("listed").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "test"));
    paths.sort();
    for path in &paths {
        let name = path.file_name().expect("named").to_string_lossy();
        let text = std::fs::read_to_string(path).expect("readable");
        let script = Script::parse(&name, &text).unwrap_or_else(|error| panic!("{error}"));
        let outcome = run(&script, store, &Options::default());
        assert!(outcome.evals() > 0, "{name} evaluates nothing");
        evals += outcome.evals();
        for failure in outcome.failures().chain(outcome.annotations()) {
            failures.push(format!("{}:{}: {}: {}", failure.file, failure.line, failure.what, failure.reason));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    evals
}

#[test]
fn the_scripts_pass_over_the_simplest_store() {
    let evals = check(&mut MemoryStore::default());
    assert!(evals >= 150, "only {evals} evaluations");
}

#[test]
fn the_scripts_pass_over_the_real_store() {
    check(&mut InOrder::default());
}

/// Nothing is changed for it: what was synced, sealed and read back from files answers as memory does.
#[test]
fn the_scripts_pass_over_files_that_were_opened_again() {
    for place in [Place::Memory, Place::Log, Place::Segments] {
        let mut store = Tsdb::new(place);
        check(&mut store);
        assert_eq!(store.segments() > 0, place == Place::Segments, "{place:?}");
    }
}

fn outcome(text: &str) -> (usize, Vec<String>, Vec<String>) {
    let script = Script::parse("x.test", text).unwrap_or_else(|error| panic!("{error}"));
    let outcome = run(&script, &mut MemoryStore::default(), &Options::default());
    let reasons =
        |failures: Vec<_>| failures.into_iter().map(|f: &assurance_promqltest::Failure| f.reason.clone());
    (
        outcome.evals(),
        reasons(outcome.failures().collect()).collect(),
        reasons(outcome.annotations().collect()).collect(),
    )
}

#[test]
fn a_wrong_expectation_fails() {
    for (eval, wrong) in [
        ("eval instant at 0 m\n  m{a=\"1\"} 1\n", ""),
        ("eval instant at 0 m\n  m{a=\"1\"} 2\n", r#"m{a="1"} is 1 instead of 2"#),
        ("eval instant at 0 m\n  m{a=\"2\"} 1\n", r#"m{a="1"} 1 is not expected"#),
        ("eval instant at 0 m\n", r#"m{a="1"} 1 is not expected"#),
        ("eval instant at 0 m\n  m{a=\"1\"} 1\n  n 1\n", "n is missing"),
        ("eval instant at 0 m\n  m{a=\"1\"} {{count:1}}\n", r#"m{a="1"} is 1 instead of {{count:1}}"#),
        ("eval instant at 0 m\n  1\n", "a result of type Vector instead of the scalar 1"),
        ("eval instant at 0 m[1m]\n  m{a=\"1\"} 1\n", "a range vector instead of an instant vector"),
        ("eval range from 0 to 1m step 30s m\n  m{a=\"1\"} 1 1 1\n", ""),
        (
            "eval range from 0 to 1m step 30s m\n  m{a=\"1\"} 1 1\n",
            r#"m{a="1"} has samples at other times than 0s 30s: 1@0s 1@30s 1@60s"#,
        ),
        (
            "eval range from 0 to 1m step 30s m\n  m{a=\"1\"} 1 2 1\n",
            r#"at 30s: m{a="1"} is 1 instead of 2, among 1@0s 1@30s 1@60s"#,
        ),
        ("eval instant at 0 1\n  2\n", "1 instead of 2"),
        ("eval instant at 0 \"a\"\n  expect string \"b\"\n", r#""a" instead of "b""#),
        ("eval instant at 0 sort_desc({__name__=~\"m|n\"})\n  expect ordered\n  n 2\n  m{a=\"1\"} 1\n", ""),
        (
            "eval instant at 0 sort_desc({__name__=~\"m|n\"})\n  expect ordered\n  m{a=\"1\"} 1\n  n 2\n",
            r#"m{a="1"} is in place 2 instead of 1"#,
        ),
        ("eval instant at 1m m[2m]\n  expect range vector from 0 to 1m step 1m\n  m{a=\"1\"} 1\n", ""),
        (
            "eval instant at 1m m[2m]\n  expect range vector from 0 to 1m step 1m\n  m{a=\"1\"} _ 1\n",
            r#"m{a="1"} has samples at other times than 60s: 1@0s"#,
        ),
    ] {
        let text = format!("load 1m\n  m{{a=\"1\"}} 1\n  n 2\n\n{eval}");
        let (evals, wrongs, _) = outcome(&text);
        assert_eq!((evals, wrongs.join("\n").as_str()), (1, wrong), "{eval}");
    }
}

#[test]
fn errors_are_compared_as_a_whole_or_by_pattern() {
    let told = |expect: &str| {
        let load = "load 1m\n  a 1\n  b 1\n";
        let text = format!("{load}\neval instant at 0 abs({{__name__=~\"a|b\"}})\n  {expect}\n");
        let (evals, wrongs, _) = outcome(&text);
        assert_eq!(evals, 1);
        wrongs.join("\n")
    };
    let says = told("expect fail msg: nonsense");
    let message = says.strip_prefix("the error is \"").and_then(|s| s.strip_suffix('"')).expect(&says);
    assert!(message.contains("same labelset"), "{message}");
    for (expect, wrong) in [
        ("expect fail".to_owned(), ""),
        (format!("expect fail msg: {message}"), ""),
        (format!("expect fail msg: {message}s"), says.as_str()),
        ("expect fail regex: cannot .* the (same|other)".to_owned(), ""),
        ("expect fail regex: ^cannot".to_owned(), says.as_str()),
    ] {
        assert_eq!(told(&expect), wrong, "{expect}");
    }
    let (_, wrongs, _) = outcome("eval instant at 0 1\n  expect fail\n");
    assert!(wrongs[0].starts_with("it succeeded with Scalar"), "{wrongs:?}");
    let (_, wrongs, _) = outcome("eval instant at 0 1 +\n  1\n");
    assert_eq!(wrongs.len(), 1);
}

#[test]
fn annotations_are_scored_apart_from_values() {
    let warning = "PromQL warning: quantile value should be between 0 and 1, got 2";
    for (expect, wrong) in [
        ("expect warn", String::new()),
        ("expect no_info", String::new()),
        ("expect info", "an info is expected".to_owned()),
        ("expect no_warn", "no warning is expected, but there is".to_owned()),
        ("expect warn msg: other", "the warning \"other\" is expected, but there is".to_owned()),
        ("expect warn regex: quantile value .* got [0-9]", String::new()),
        ("expect warn regex: ^quantile", "the warning like".to_owned()),
        ("expect warn regex: ^PromQL", String::new()),
    ] {
        let text = format!("load 1m\n  m 1\n\neval instant at 0 quantile(2, m)\n  {expect}\n  {{}} +Inf\n");
        let (evals, wrongs, annotations) = outcome(&text);
        assert_eq!((evals, wrongs.len()), (1, 0), "{wrongs:?}");
        let said = annotations.join("\n");
        assert!(said.starts_with(&wrong) && said.is_empty() == wrong.is_empty(), "{expect}: {said}");
        assert!(wrong.is_empty() || !wrong.contains("there is") || said.contains(warning), "{said}");
    }
}

#[test]
fn a_failure_counts_whatever_its_expression_begins_with() {
    let (evals, wrongs, _) = outcome("eval instant at 0 load_average\n  {} 1\n");
    assert_eq!((evals, wrongs.len()), (1, 1));
}

/// Answers instant queries as it should, and forgets half a minute in ranges.
struct Forgetful(MemoryStore);

impl Queryable for Forgetful {
    fn select(&self, selection: &Selection<'_>) -> Result<Vec<Box<dyn Series + '_>>, QueryError> {
        let wide = selection.range.contains(Timestamp::from_secs(90));
        if wide { Ok(Vec::new()) } else { self.0.select(selection) }
    }

    fn label_names(&self, selection: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        self.0.label_names(selection)
    }

    fn label_values(&self, name: &str, selection: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        self.0.label_values(name, selection)
    }
}

impl Store for Forgetful {
    fn clear(&mut self) -> Result<(), String> {
        self.0.clear();
        Ok(())
    }

    fn append(&mut self, samples: &mut dyn Iterator<Item = Sample>) -> Result<(), String> {
        Store::append(&mut self.0, samples)
    }

    fn queryable(&self) -> &dyn Queryable {
        self
    }
}

#[test]
fn an_instant_evaluation_is_made_as_a_range_as_well() {
    let script = Script::parse("x.test", "load 1m\n  m 1 1\n\neval instant at 1m m\n  m 1\n").expect("reads");
    let outcome = run(&script, &mut Forgetful(MemoryStore::default()), &Options::default());
    let reasons: Vec<&str> = outcome.failures().map(|f| f.reason.as_str()).collect();
    assert_eq!(reasons, ["as a range: m is missing"]);
}

/// Keeps what it is given.
#[derive(Default)]
struct Kept(MemoryStore, Vec<Sample>);

impl Store for Kept {
    fn clear(&mut self) -> Result<(), String> {
        self.1.clear();
        Ok(())
    }

    fn append(&mut self, samples: &mut dyn Iterator<Item = Sample>) -> Result<(), String> {
        self.1.extend(samples);
        if self.1.is_empty() { Err("there is nothing to load".to_owned()) } else { Ok(()) }
    }

    fn queryable(&self) -> &dyn Queryable {
        &self.0
    }
}

#[test]
fn start_timestamps_reach_the_store() {
    let text = "load 1m\n  @st 0s _\n  m@st _ -30s-30sx1\n  m _ 1 2\n  n 1x2\n";
    let mut store = Kept::default();
    let outcome = run(&Script::parse("x.test", text).expect("reads"), &mut store, &Options::default());
    assert_eq!(outcome.loads, []);
    let seen: Vec<_> = store
        .1
        .iter()
        .map(|s| (s.labels.to_string(), s.at.as_millis() / 1000, s.start.map(|at| at.as_millis() / 1000)))
        .collect();
    let name = |name: &str| name.to_owned();
    assert_eq!(
        seen,
        [
            (name("m"), 60, Some(30)),
            (name("m"), 120, Some(60)),
            // 1970 itself stands for no start; the default is `0s _`, in turn.
            (name("n"), 0, None),
            (name("n"), 60, None),
            (name("n"), 120, Some(120)),
        ]
    );
}

#[test]
fn a_load_that_fails_is_told_with_its_line() {
    let script = Script::parse("x.test", "clear\n\nload 1m\n  m _\n").expect("reads");
    let outcome = run(&script, &mut Kept::default(), &Options::default());
    let told: Vec<_> = outcome.loads.iter().map(|f| (f.line, f.what.as_str(), f.reason.as_str())).collect();
    assert_eq!(told, [(3, "load", "there is nothing to load")]);
}

#[test]
fn a_series_of_histograms_ends_with_one() {
    let script = Script::parse("x.test", "load 1m\n  m 1 stale {{}} _ stale 2 stale\n").expect("reads");
    let mut store = Kept::default();
    run(&script, &mut store, &Options::default());
    let kinds: Vec<_> =
        store.1.iter().map(|s| (matches!(s.value, Value::Histogram(_)), s.value.is_stale())).collect();
    let (float, histogram) = (false, true);
    assert_eq!(
        kinds,
        [(float, false), (float, true), (histogram, false), (histogram, true), (float, false), (float, true)]
    );
}

#[test]
fn a_histogram_knows_from_the_one_before_it_whether_it_was_reset() {
    let hints = |values: &str| {
        let text = format!("load 1m\n  m {values}\n");
        let script = Script::parse("x.test", &text).unwrap_or_else(|error| panic!("{error}"));
        let mut store = MemoryStore::default();
        run(&script, &mut store, &Options::default());
        let matchers = [Matcher::equal("__name__", "m")];
        let selection = Selection { matchers: &matchers, range: TimeRange::ALL };
        let mut column = Column::new();
        store.select(&selection).expect("selects")[0].read(TimeRange::ALL, &mut column).expect("reads");
        let hints = (0..column.len()).map(|at| match column.histogram(at).map(|h| h.reset_hint) {
            None => '1',
            Some(ResetHint::Unknown) => '?',
            Some(ResetHint::Reset) => 'R',
            Some(ResetHint::NoReset) => 'n',
            Some(_) => 'g',
        });
        hints.collect::<String>()
    };
    for (values, known) in [
        ("{{count:1}} {{count:2}} {{count:1}} {{count:1}}", "?nRn"),
        ("{{count:1}} _ {{count:2}}", "?n"),
        ("1 {{count:1}} {{count:1}}", "1?n"),
        ("{{count:1 counter_reset_hint:reset}} {{count:2 counter_reset_hint:reset}}", "RR"),
        ("{{count:1 counter_reset_hint:gauge}}x1 {{count:1}} {{count:2}}", "gg?n"),
        ("{{count:1}} stale {{count:2}}", "???"),
        ("{{schema:1 count:1}} {{count:2}} {{count:3 z_bucket_w:1}}", "???"),
        ("{{schema:-53 custom_values:[1]}} {{schema:-53 custom_values:[2]}}x1", "??n"),
    ] {
        assert_eq!(hints(values), known, "{values}");
    }
}
