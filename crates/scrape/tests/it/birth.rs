use assurance_metrics_model::{Duration, Timestamp};
use assurance_scrape::{CounterBirth, RelabelRule, RelabelSpec, Response};

use crate::rig::{Rig, START, job, of_target, ok};

const SECOND: i64 = 1000;

/// A counter of the given value; none for `None`.
fn counter(value: Option<u32>) -> String {
    value.map_or(String::new(), |v| format!("# TYPE c counter\nc {v}\n"))
}

/// `process_start_time_seconds`, `ms` after [`START`].
fn process(ms: i64) -> String {
    let at = START + Duration::from_millis(ms);
    format!("# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds {}\n", at.as_secs_f64())
}

fn samples(rig: &Rig) -> Vec<(i64, Option<f64>)> {
    rig.store.samples(&of_target("c"))
}

/// Scrapes bodies one after another; `None` is a scrape that fails.
fn run(bodies: &[Option<String>]) -> Rig {
    let mut rig = Rig::new(job());
    for body in bodies {
        match body {
            Some(body) => assert!(rig.body(body).up()),
            None => assert!(!rig.fail().up()),
        }
    }
    assert!(rig.store.refused.is_empty(), "{:?}", rig.store.refused);
    rig
}

#[test]
fn first_contact_is_unknown() {
    let rig = run(&[Some(counter(Some(5)))]);
    assert_eq!(samples(&rig), [(rig.at(0), Some(5.0))]);
    let rig = run(&[None, None, Some(counter(Some(5)))]);
    assert_eq!(samples(&rig), [(rig.at(2), Some(5.0))], "failed scrapes are no contact");
}

#[test]
fn a_counter_that_was_absent_stood_at_zero() {
    let rig = run(&[Some("other 1\n".to_owned()), Some(counter(Some(1))), Some(counter(Some(1)))]);
    assert_eq!(samples(&rig), [(rig.at(0), Some(0.0)), (rig.at(1), Some(1.0)), (rig.at(2), Some(1.0))]);
    let target = rig.manager.targets().next().expect("one target");
    assert_eq!(target.health.last_counts.births, 0, "once only");
}

#[test]
fn unknown_mode_writes_nothing_more() {
    let mut job = job();
    job.counter_birth = CounterBirth::Unknown;
    let mut rig = Rig::new(job);
    rig.body(&(process(-SECOND) + "other 1\n"));
    rig.body(&(process(20 * SECOND) + &counter(Some(1))));
    assert_eq!(samples(&rig), [(rig.at(1), Some(1.0))]);
}

#[test]
fn what_is_a_counter_is_said_by_its_type() {
    let families = "\
# TYPE typed counter
typed 1
untyped_total 1
untyped_count 1
# TYPE told_total untyped
told_total 1
# TYPE gauge_total gauge
gauge_total 1
# TYPE h histogram
h_bucket{le=\"+Inf\"} 1
h_sum 1
h_count 1
# TYPE s summary
s{quantile=\"0.5\"} 1
s_sum 1
s_count 1
# TYPE zero counter
zero 0
# TYPE stamped counter
stamped 1 1767225600123
";
    let rig = run(&[Some("other 1\n".to_owned()), Some(families.to_owned())]);
    let born: Vec<&str> = rig
        .store
        .series
        .iter()
        .filter(|(labels, samples)| labels.metric_name() != "other" && samples.len() == 2)
        .map(|(labels, _)| labels.metric_name())
        .filter(|name| *name != "up" && !name.starts_with("scrape_"))
        .collect();
    assert_eq!(
        born,
        ["h_bucket", "h_count", "h_sum", "s_count", "s_sum", "told_total", "typed", "untyped_total"]
    );
}

#[test]
fn relabelling_does_not_hide_what_a_series_was() {
    let mut job = job();
    job.metric_relabel = vec![
        RelabelRule::new(RelabelSpec {
            source_labels: Some(vec!["__name__".to_owned()]),
            regex: Some("violations_total".to_owned()),
            target_label: Some("__name__".to_owned()),
            replacement: Some("c".to_owned()),
            ..RelabelSpec::default()
        })
        .expect("the rule is valid"),
    ];
    let mut rig = Rig::new(job);
    rig.body("other 1\n");
    rig.body("violations_total 2\n");
    assert_eq!(samples(&rig), [(rig.at(0), Some(0.0)), (rig.at(1), Some(2.0))]);
}

#[test]
fn the_last_scrape_that_succeeded_counts() {
    let rig = run(&[Some("other 1\n".to_owned()), None, None, Some(counter(Some(1)))]);
    assert_eq!(samples(&rig), [(rig.at(0), Some(0.0)), (rig.at(3), Some(1.0))]);
}

#[test]
fn after_a_restart_the_zero_is_at_the_start_of_the_process() {
    let first = process(-100 * SECOND);
    // First slot at 20.343 s, second at 50.343 s.
    for (start, want) in [(30 * SECOND, 30 * SECOND), (5 * SECOND, 20_344), (60 * SECOND, 50_342)] {
        let rig = run(&[Some(first.clone()), Some(process(start) + &counter(Some(3)))]);
        assert_eq!((rig.at(0), rig.at(1)), (20_343, 50_343));
        assert_eq!(samples(&rig), [(want, Some(0.0)), (rig.at(1), Some(3.0))], "started at {start}");
        // The same for a counter that was there: a restart that leaves it at its old value would be unseen.
        let rig = run(&[Some(first.clone() + &counter(Some(3))), Some(process(start) + &counter(Some(3)))]);
        assert_eq!(samples(&rig), [(rig.at(0), Some(3.0)), (want, Some(0.0)), (rig.at(1), Some(3.0))]);
    }
}

#[test]
fn after_failures_the_zero_comes_after_the_end_of_the_series() {
    let there = process(-100 * SECOND) + &counter(Some(1));
    for (start, want) in [(60 * SECOND, 60 * SECOND), (30 * SECOND, 50_344)] {
        let rig = run(&[Some(there.clone()), None, None, Some(process(start) + &counter(Some(1)))]);
        assert_eq!(
            samples(&rig),
            [(rig.at(0), Some(1.0)), (50_343, None), (want, Some(0.0)), (rig.at(3), Some(1.0))]
        );
    }
}

#[test]
fn each_outage_ends_the_series_at_its_own_time() {
    let there = Some(process(-100 * SECOND) + &counter(Some(1)));
    let rig = run(&[None, there, None, Some(process(30 * SECOND) + &counter(Some(1)))]);
    assert_eq!(
        samples(&rig),
        [(rig.at(1), Some(1.0)), (rig.at(2), None), (rig.at(2) + 1, Some(0.0)), (rig.at(3), Some(1.0))]
    );
}

#[test]
fn a_new_process_hides_nothing_of_the_old_one() {
    let old = process(-100 * SECOND) + &counter(Some(5));
    let new = process(30 * SECOND);
    let rig = run(&[Some(old), Some(new.clone()), Some(new + &counter(Some(7)))]);
    assert_eq!(
        samples(&rig),
        [(rig.at(0), Some(5.0)), (rig.at(1), None), (rig.at(1) + 1, Some(0.0)), (rig.at(2), Some(7.0))]
    );
    // Nor does it hide what the old one hid already.
    let hid = process(-100 * SECOND);
    let new = process(70 * SECOND);
    let rig = run(&[
        Some(hid.clone() + &counter(Some(5))),
        Some(hid),
        Some(new.clone()),
        Some(new + &counter(Some(7))),
    ]);
    assert_eq!(
        samples(&rig),
        [(rig.at(0), Some(5.0)), (rig.at(1), None), (rig.at(2), Some(0.0)), (rig.at(3), Some(7.0))]
    );
}

#[test]
fn a_restart_adds_nothing_to_series_with_times_of_their_own() {
    let body = |start: i64| {
        move |at: Timestamp| {
            let stamped = format!("# TYPE c counter\nc 3 {}\n", at.as_millis());
            ok(&(process(start) + &stamped), at)
        }
    };
    let mut rig = Rig::new(job());
    rig.outcome(body(-100 * SECOND));
    rig.outcome(body(30 * SECOND));
    assert_eq!(rig.values("c"), [Some(3.0), Some(3.0)]);
}

#[test]
fn other_starts_are_no_restarts() {
    let hour = 3600 * SECOND;
    let same = |first: i64, second: i64| {
        let rig = run(&[Some(process(first) + &counter(Some(1))), Some(process(second) + &counter(Some(1)))]);
        assert_eq!(rig.values("c"), [Some(1.0), Some(1.0)], "{first} then {second}");
    };
    same(-hour, -hour + 900);
    same(-10 * SECOND, -10 * SECOND + 900);
    same(-hour, -2 * hour);
    // Two replicas behind one address: the other one is younger, and has run for long.
    same(-2 * hour, -hour);
    let several = "process_start_time_seconds{pid=\"1\"} 1\n".to_owned();
    let rig = run(&[
        Some(several.clone() + &process(-hour) + &counter(Some(1))),
        Some(several + &process(20 * SECOND) + &counter(Some(1))),
    ]);
    assert_eq!(rig.values("c"), [Some(1.0), Some(1.0)], "which process restarted is not known");
}

#[test]
fn the_same_process_may_hide_a_counter_for_a_while() {
    let process = process(-100 * SECOND);
    let with = |value| Some(process.clone() + &counter(value));
    let rig = run(&[with(Some(5)), with(None), with(Some(5)), with(None), with(None), with(Some(6))]);
    assert_eq!(rig.values("c"), [Some(5.0), None, Some(5.0), None, Some(6.0)]);
    // Below its old value it has begun anew; the end stands at the very scrape that found it absent.
    let rig = run(&[with(Some(5)), with(None), with(Some(2))]);
    assert_eq!(
        samples(&rig),
        [(rig.at(0), Some(5.0)), (rig.at(1), None), (rig.at(1) + 1, Some(0.0)), (rig.at(2), Some(2.0))]
    );
    let rig = run(&[with(Some(5)), with(None), with(None), with(Some(2))]);
    assert_eq!(samples(&rig)[2], (rig.at(2), Some(0.0)));
}

#[test]
fn where_the_process_does_not_say_its_start_a_counter_that_returns_is_new() {
    let with = |value| Some("other 1\n".to_owned() + &counter(value));
    let rig = run(&[with(Some(1)), with(None), with(Some(1))]);
    assert_eq!(
        samples(&rig),
        [(rig.at(0), Some(1.0)), (rig.at(1), None), (rig.at(1) + 1, Some(0.0)), (rig.at(2), Some(1.0))]
    );
    // A body without any series says that all of them are absent, as much as one with others.
    let rig = run(&[with(Some(1)), Some(String::new()), with(Some(1))]);
    assert_eq!(samples(&rig)[2], (rig.at(1) + 1, Some(0.0)));
}

fn created(ms: i64, value: u32) -> String {
    let at: Timestamp = START + Duration::from_millis(ms);
    format!("# TYPE c counter\nc {value}\n# TYPE c_created gauge\nc_created {}\n", at.as_secs_f64())
}

#[test]
fn created_tells_of_resets_and_of_lives_before() {
    let rig = run(&[Some(created(-100 * SECOND, 1)), Some(created(25 * SECOND, 1))]);
    assert_eq!(samples(&rig), [(rig.at(0), Some(1.0)), (25 * SECOND, Some(0.0)), (rig.at(1), Some(1.0))]);
    let rig = run(&[Some("other 1\n".to_owned()), Some(created(25 * SECOND, 1))]);
    assert_eq!(samples(&rig), [(rig.at(0), Some(0.0)), (rig.at(1), Some(1.0))]);
    let rig = run(&[Some("other 1\n".to_owned()), Some(created(-100 * SECOND, 1))]);
    assert_eq!(samples(&rig), [(rig.at(1), Some(1.0))], "it existed while it was absent");
    let rig = run(&[Some(created(-100 * SECOND, 1)), Some(created(-200 * SECOND, 1))]);
    assert_eq!(rig.values("c"), [Some(1.0), Some(1.0)], "a replica, not a reset");
}

#[test]
fn created_is_read_in_openmetrics_too() {
    let mut rig = Rig::new(job());
    for created in [-100 * SECOND, 25 * SECOND] {
        let at = (START + Duration::from_millis(created)).as_secs_f64();
        let body = format!("# TYPE c counter\nc_total 2.0\nc_created {at}\n# EOF\n");
        let report = rig.outcome(|at| {
            let content_type = Some("application/openmetrics-text; version=1.0.0".to_owned());
            ok(&body, at).map(|response| Response { content_type, ..response })
        });
        assert!(report.up(), "{report:?}");
    }
    let want = [(rig.at(0), Some(2.0)), (25 * SECOND, Some(0.0)), (rig.at(1), Some(2.0))];
    assert_eq!(rig.store.samples(&of_target("c_total")), want);
}

#[test]
fn created_belongs_to_the_labels_it_carries() {
    let open = |labels_a: &str, a: i64, b: i64| {
        let at = |ms: i64| (START + Duration::from_millis(ms)).as_secs_f64();
        format!(
            "# TYPE h histogram\nh_bucket{{{labels_a},le=\"1\"}} 1\nh_bucket{{{labels_a},le=\"+Inf\"}} 1\n\
             h_sum{{{labels_a}}} 1\nh_count{{{labels_a}}} 1\nh_bucket{{x=\"b\",le=\"+Inf\"}} 1\nh_sum{{x=\"b\"}} 1\nh_count{{x=\"b\"}} 1\n\
             # TYPE h_created gauge\nh_created{{{labels_a}}} {}\nh_created{{x=\"b\"}} {}\n",
            at(a),
            at(b)
        )
    };
    let old = -100 * SECOND;
    let rig = run(&[Some(open("x=\"a\"", old, old)), Some(open("x=\"a\"", 25 * SECOND, old))]);
    let lengths: Vec<(String, usize)> = rig
        .store
        .series
        .iter()
        .filter(|(labels, _)| labels.metric_name().starts_with("h_") && labels.metric_name() != "h_created")
        .map(|(labels, samples)| (labels.get_or_empty("x").to_owned(), samples.len()))
        .collect();
    assert!(lengths.iter().all(|(x, n)| *n == if x == "a" { 3 } else { 2 }), "{lengths:?}");
    assert_eq!(lengths.len(), 7);
}

#[test]
fn an_exporter_that_restarts_does_not_restart_what_it_reports_on() {
    let body = |start: i64, own: u32, others: u32| {
        let mut body = process(start) + &counter(Some(own));
        for n in 0..20 {
            body += &format!("disk_bytes_total{{n=\"{n}\"}} {}\n", others + n);
        }
        body
    };
    let rig = run(&[Some(body(-100 * SECOND, 50, 1000)), Some(body(20 * SECOND, 2, 1001))]);
    assert_eq!(rig.values("c"), [Some(50.0), Some(0.0), Some(2.0)]);
    assert_eq!(
        rig.store.values(r#"disk_bytes_total{instance="t:1",job="j",n="3"}"#),
        [Some(1003.0), Some(1004.0)]
    );
}

#[test]
fn a_target_s_history_ends_with_it() {
    let mut rig = Rig::new(job());
    rig.body("other 1\n");
    rig.manager.reload(rig.now, vec![]);
    rig.now += Duration::from_secs(1);
    rig.manager.handle_timeout(rig.now, &mut rig.store);
    rig.manager.reload(rig.now, vec![job()]);
    rig.outcome(|at| ok(&counter(Some(4)), at));
    assert_eq!(rig.values("c"), [Some(4.0)], "the first contact with the new one is unknown again");
}
