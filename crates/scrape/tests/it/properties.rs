use std::collections::{BTreeMap, BTreeSet};

use assurance_metrics_model::{Duration, Labels, is_stale_nan};
use assurance_scrape::CounterBirth;
use proptest::prelude::*;

use crate::rig::{Memory, Rig, START, job, of_target, ok, refused};

/// What one scrape finds.
#[derive(Clone, Debug)]
enum Step {
    /// Series by number, with a value each, in this order.
    Body(Vec<(u8, u8)>),
    /// The body ends in a line that cannot be read.
    Broken(Vec<(u8, u8)>),
    Fails,
    /// Nobody answers.
    Silence,
}

fn series() -> impl Strategy<Value = Vec<(u8, u8)>> {
    proptest::collection::vec((0_u8..8, 0_u8..4), 0..10)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => series().prop_map(Step::Body),
        1 => series().prop_map(Step::Broken),
        1 => Just(Step::Fails),
        1 => Just(Step::Silence),
    ];
    proptest::collection::vec(step, 1..12)
}

/// Even numbers are counters, odd ones gauges; number 0 is the start of the process.
fn body(series: &[(u8, u8)]) -> String {
    let mut out = String::new();
    for (number, value) in series {
        match number {
            0 => {
                let start = START.as_secs_f64() + f64::from(*value) * 15.0;
                out += &format!("process_start_time_seconds {start}\n");
            }
            n if n % 2 == 0 => out += &format!("c_total{{n=\"{n}\"}} {value}\n"),
            n => out += &format!("g{{n=\"{n}\"}} {value}\n"),
        }
    }
    out
}

fn play(steps: &[Step], birth: CounterBirth) -> Memory {
    let mut job = job();
    job.counter_birth = birth;
    let mut rig = Rig::new(job);
    for step in steps {
        match step {
            Step::Body(series) => {
                let before = rig.store.series.values().map(Vec::len).sum::<usize>();
                let report = rig.body(&body(series));
                assert!(report.up());
                let counts = report.counts;
                let written = counts.post_relabel - counts.duplicates + counts.births + counts.stale + 5;
                let after = rig.store.series.values().map(Vec::len).sum::<usize>();
                assert_eq!(
                    u64::try_from(after - before),
                    Ok(written),
                    "what is written is counted: {counts:?}"
                );
            }
            Step::Broken(series) => {
                let text = body(series) + "broken\n";
                let before = rig.store.series.len();
                let report = rig.outcome(|at| ok(&text, at));
                assert!(!report.up());
                assert!(rig.store.series.len() <= before + 5, "whole or not at all");
            }
            Step::Fails => assert!(!rig.outcome(refused).up()),
            Step::Silence => {
                rig.request();
                let (reports, _) = rig.wake();
                assert_eq!(reports.len(), 1);
            }
        }
    }
    rig.manager.finish(rig.now, &mut rig.store);
    assert!(rig.store.refused.is_empty(), "nothing out of order: {:?}", rig.store.refused);
    rig.store
}

fn name(number: u8) -> String {
    match number {
        0 => of_target("process_start_time_seconds"),
        n if n % 2 == 0 => format!("c_total{{instance=\"t:1\",job=\"j\",n=\"{n}\"}}"),
        n => format!("g{{instance=\"t:1\",job=\"j\",n=\"{n}\"}}"),
    }
}

/// Prometheus's rules, naively: a value where the body has the series, an end where it had it and has not.
fn expected(steps: &[Step]) -> BTreeMap<String, Vec<Option<f64>>> {
    let mut out: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
    let mut alive: BTreeSet<u8> = BTreeSet::new();
    for step in steps.iter().chain([&Step::Fails]) {
        let mut found: BTreeMap<u8, u8> = BTreeMap::new();
        if let Step::Body(series) = step {
            for (number, value) in series {
                found.entry(*number).or_insert(*value);
            }
        }
        for gone in alive.iter().filter(|number| !found.contains_key(number)) {
            out.entry(name(*gone)).or_default().push(None);
        }
        for (number, value) in &found {
            let value = match number {
                0 => START.as_secs_f64() + f64::from(*value) * 15.0,
                _ => f64::from(*value),
            };
            out.entry(name(*number)).or_default().push(Some(value));
        }
        alive = found.into_keys().collect();
    }
    out
}

fn written(store: &Memory) -> BTreeMap<String, Vec<Option<f64>>> {
    store.names().into_iter().map(|name| (name.clone(), store.values(&name))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// `unknown` writes what Prometheus writes and nothing else.
    #[test]
    fn unknown_is_prometheus(steps in steps()) {
        prop_assert_eq!(written(&play(&steps, CounterBirth::Unknown)), expected(&steps));
    }

    /// `zero` adds zeros to counters, each before a value above 0, and changes nothing else.
    #[test]
    fn zero_only_adds_zeros_before_counters(steps in steps()) {
        let plain = written(&play(&steps, CounterBirth::Unknown));
        let zero = written(&play(&steps, CounterBirth::Zero));
        prop_assert_eq!(plain.keys().collect::<Vec<_>>(), zero.keys().collect::<Vec<_>>());
        for (name, with) in &zero {
            let without = &plain[name];
            if !name.starts_with("c_total") {
                prop_assert_eq!(with, without, "{}", name);
                continue;
            }
            let mut rest = without.iter();
            let mut next = rest.next();
            for (at, value) in with.iter().enumerate() {
                if Some(value) == next {
                    next = rest.next();
                } else {
                    prop_assert_eq!(*value, Some(0.0), "{}: {:?} of {:?}", name, with, without);
                    prop_assert!(with[at + 1] > Some(0.0), "{}: {:?}", name, with);
                }
            }
            prop_assert_eq!(next, None, "{}: {:?} lost some of {:?}", name, with, without);
        }
    }

    /// A series that got a sample and vanished ends with exactly one marker.
    #[test]
    fn every_life_ends_once(steps in steps()) {
        let store = play(&steps, CounterBirth::Zero);
        for (labels, samples) in &store.series {
            let mut ended = true;
            for (at, value) in samples {
                let end = is_stale_nan(*value);
                prop_assert!(!(end && ended), "{} ends twice, at {}", labels, at);
                ended = end;
            }
            prop_assert!(ended, "{} does not end", labels);
            prop_assert!(samples.windows(2).all(|pair| pair[0].0 < pair[1].0), "{} goes back", labels);
        }
    }

    /// Every target is scraped once an interval, whatever its name and interval.
    #[test]
    fn slots_come_once_an_interval(host in "[a-z]{1,12}", secs in 1_i64..120) {
        let mut job = job();
        job.scrape_interval = Duration::from_secs(secs);
        job.scrape_timeout = Duration::from_secs(1);
        job.static_targets = vec![crate::rig::group(&[&format!("{host}:1")])];
        let mut rig = Rig::new(job);
        let mut before = None;
        for _ in 0..4 {
            rig.body("a 1\n");
            match before {
                None => prop_assert!(rig.now - START < Duration::from_secs(secs)),
                Some(before) => prop_assert_eq!(rig.now - before, Duration::from_secs(secs)),
            }
            before = Some(rig.now);
        }
        prop_assert_eq!(rig.store.series.keys().filter(|l: &&Labels| l.metric_name() == "up").count(), 1);
    }
}
