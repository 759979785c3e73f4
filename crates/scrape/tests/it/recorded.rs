//! The same answers as Prometheus got, and what it wrote of them (`fixtures/scrape/recorded`).

use std::collections::BTreeMap;

use assurance_metrics_model::{format_float, is_stale_nan};
use assurance_scrape::{CounterBirth, RelabelAction, RelabelRule, RelabelSpec, Response};

use crate::rig::{Rig, START, job, ok};

const BODIES: &str = include_str!("../../../../fixtures/scrape/recorded/bodies.txt");
const WRITTEN: &str = include_str!("../../../../fixtures/scrape/recorded/written.txt");

fn rule(source: &str, regex: &str, target: Option<(&str, &str)>) -> RelabelRule {
    RelabelRule::new(RelabelSpec {
        source_labels: Some(vec![source.to_owned()]),
        regex: Some(regex.to_owned()),
        target_label: target.map(|(label, _)| label.to_owned()),
        replacement: target.map(|(_, replacement)| replacement.to_owned()),
        action: if target.is_some() { RelabelAction::Replace } else { RelabelAction::Drop },
        ..RelabelSpec::default()
    })
    .expect("the rule is valid")
}

#[test]
fn unknown_mode_writes_what_prometheus_wrote() {
    let mut job = job();
    job.counter_birth = CounterBirth::Unknown;
    job.limits.label_value_length = 30;
    job.metric_relabel = vec![
        rule("__name__", "noise.*", None),
        rule("a", "(.)", Some(("aa", "x$1"))),
        rule("l", "", Some(("filled", "y"))),
    ];
    let mut rig = Rig::new(job);
    let mut times = Vec::new();
    for answer in BODIES.split("=== ").skip(1) {
        let (status, body) = answer.split_once('\n').expect("a status, then the body");
        let status = status.parse().expect("a status");
        times.push(rig.outcome(|at| ok(body, at).map(|r| Response { status, ..r })).at);
    }
    let mut ours: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (labels, samples) in &rig.store.series {
        if labels.metric_name() == "scrape_duration_seconds" {
            continue;
        }
        let row = ours.entry(labels.to_string()).or_insert_with(|| vec![".".to_owned(); times.len()]);
        for (at, value) in samples {
            let column = times.iter().position(|t| t == at).expect("samples have the time of their scrape");
            row[column] = if is_stale_nan(*value) { "NaN".to_owned() } else { format_float(*value) };
        }
    }
    let mut theirs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in WRITTEN.lines() {
        let (series, row) = line.split_once('\t').expect("a series, then its samples");
        theirs.insert(series.to_owned(), row.split(' ').map(str::to_owned).collect());
    }
    // Prometheus means to end all series when it refuses a body, and forgets those that stood before the fault.
    let spared = theirs.get_mut(r#"c{filled="y",instance="t:1",job="j"}"#).expect("it is recorded");
    for refused in [5, 11] {
        assert_eq!(spared[refused], ".");
        spared[refused] = "NaN".to_owned();
    }
    assert_eq!(ours, theirs);
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]) && times[0] > START);
}
