#![expect(clippy::disallowed_methods, reason = "tests read the project's fixtures")]

use assurance_metrics_model::{Appender as _, Labels, Queryable, Timestamp, Value};
use assurance_promql::Options;
use assurance_promqltest::{MemoryStore, Script, Store, run};

/// The real store, filled in the order of time, as it is in life.
#[derive(Default)]
struct Tsdb(Option<assurance_tsdb::Store>, Vec<(Labels, Timestamp, Value)>);

impl Store for Tsdb {
    fn clear(&mut self) {
        self.1.clear();
        self.0 = Some(assurance_tsdb::Store::new(assurance_tsdb::Config::default()));
    }

    fn append(
        &mut self,
        samples: &mut dyn Iterator<Item = (Labels, Timestamp, Value)>,
    ) -> Result<(), String> {
        self.1.extend(samples);
        self.1.sort_by_key(|(_, at, _)| *at);
        let store = assurance_tsdb::Store::new(assurance_tsdb::Config::default());
        let mut appender = store.appender();
        for (labels, at, value) in &self.1 {
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
    check(&mut Tsdb::default());
}

#[test]
fn a_wrong_expectation_fails() {
    for (eval, fails) in [
        ("eval instant at 0 m\n  m{a=\"1\"} 1\n", false),
        ("eval instant at 0 m\n  m{a=\"1\"} 2\n", true),
        ("eval instant at 0 m\n  m{a=\"2\"} 1\n", true),
        ("eval instant at 0 m\n", true),
        ("eval instant at 0 m\n  m{a=\"1\"} 1\n  n 1\n", true),
        ("eval instant at 0 m\n  expect fail\n", true),
        ("eval range from 0 to 1m step 30s m\n  m{a=\"1\"} 1 1 1\n", false),
        ("eval range from 0 to 1m step 30s m\n  m{a=\"1\"} 1 1\n", true),
        ("eval instant at 0 1 +\n  1\n", true),
        ("eval instant at 0 1\n  2\n", true),
        ("eval instant at 0 \"a\"\n  expect string \"b\"\n", true),
    ] {
        let text = format!("load 1m\n  m{{a=\"1\"}} 1\n\n{eval}");
        let script = Script::parse("x.test", &text).expect("reads");
        let outcome = run(&script, &mut MemoryStore::default(), &Options::default());
        assert_eq!(outcome.failures().count() == 1, fails, "{eval}");
    }
}

#[test]
fn a_failure_counts_whatever_its_expression_begins_with() {
    let script = Script::parse("x.test", "eval instant at 0 load_average\n  {} 1\n").expect("reads");
    let outcome = run(&script, &mut MemoryStore::default(), &Options::default());
    assert_eq!((outcome.evals(), outcome.passed(), outcome.failures().count()), (1, 0, 1));
}
