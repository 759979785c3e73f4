//! Any process before the real pipeline: what is seen when depends on phases, faults and restarts as told.

use assurance_diagnostics::Source;
use assurance_metrics_model::{Duration, Timestamp};
use assurance_notifier::{AlertStatus, Receiver, ReceiverKind};
use assurance_rules::{EventKind, RuleFile, Schedule};
use assurance_scrape::{JobConfig, TargetGroup};
use assurance_simulator::{
    Fate, Monitor, MonitorConfig, Observation, Observed, Outage, Passage, Scripted, State,
};

use crate::{T0, secs};

const URL: &str = "http://shop:8080/metrics";

/// Seconds after T0 at which scrapes and evaluations are due: 4, 34, … and 15, 45, ….
const PHASE: i64 = 4;
const EVALUATION: i64 = 15;

const GAUGE: &str = "groups: [{name: shop, rules: [{alert: Held, expr: 'held == 1', for: 5m}]}]";
const COUNTER: &str = "groups: [{name: shop, rules: [{alert: Lost, expr: 'increase(lost_total[5m]) > 0'}]}]";
const ABSENT: &str = "groups: [{name: shop, rules: [{alert: Gone, expr: 'absent(held)'}]}]";

fn config(rules: &str, minutes: i64) -> MonitorConfig {
    let mut job = JobConfig::new("shop");
    job.scrape_interval = Duration::from_secs(30);
    job.scrape_timeout = Duration::from_secs(10);
    job.phase = Some(Duration::from_millis((secs(PHASE) - Timestamp::EPOCH).as_millis()));
    job.static_targets =
        vec![TargetGroup { targets: vec!["shop:8080".to_owned()], ..TargetGroup::default() }];
    let groups = RuleFile::parse(&Source::new("shop.yml", rules)).unwrap().groups;
    let mut pipeline = assurance_pipeline::Config { scrape: vec![job], ..Default::default() };
    pipeline.rules = assurance_rules::Config::new(groups);
    pipeline.rules.default_interval = Duration::from_secs(30);
    pipeline.rules.schedule = Schedule::Aligned(secs(EVALUATION));
    pipeline.notifier.receivers =
        vec![Receiver::new("pager", ReceiverKind::Webhook, "http://pager.invalid/")];
    MonitorConfig {
        start: T0,
        end: secs(minutes * 60),
        pipeline,
        outages: Vec::new(),
        reloads: Vec::new(),
        busy: Vec::new(),
        missed: Vec::new(),
    }
}

fn shows(script: &mut Scripted, from: i64, page: &str) {
    script.set(URL, secs(from), State::Page(page.into()));
}

fn run(config: MonitorConfig, script: Scripted) -> Vec<Observation> {
    Monitor::new(config, script).run().unwrap()
}

fn since_start(at: Timestamp) -> i64 {
    (at - T0).as_millis() / 1000
}

/// When an alert changed so, in seconds after T0.
fn changes(log: &[Observation], wanted: EventKind) -> Vec<i64> {
    let changed = |o: &&Observation| matches!(&o.what, Observed::Alert { kind, .. } if *kind == wanted);
    log.iter().filter(changed).map(|o| since_start(o.at)).collect()
}

/// The times of scrapes that failed, and of those that did not.
fn scrapes(log: &[Observation]) -> (Vec<i64>, Vec<i64>) {
    let (mut failed, mut fine) = (Vec::new(), Vec::new());
    for observation in log {
        if let Observed::Scraped { stamp, failure, .. } = &observation.what {
            let to = if failure.is_some() { &mut failed } else { &mut fine };
            to.push(since_start(*stamp));
        }
    }
    (failed, fine)
}

#[test]
fn scrapes_and_evaluations_are_at_the_phases_that_are_told() {
    let mut script = Scripted::new();
    shows(&mut script, 0, "held 0\n");
    script.pass(secs(34), Passage { delay: Duration::from_millis(1500), ..Passage::default() });
    let log = run(config(GAUGE, 2), script);
    assert_eq!(scrapes(&log), (vec![], vec![4, 35, 64, 94]));
    let evaluated: Vec<i64> = log
        .iter()
        .filter_map(|o| match &o.what {
            Observed::Evaluated { of, .. } => Some(since_start(*of)),
            _ => None,
        })
        .collect();
    assert_eq!(evaluated, [15, 45, 75, 105]);
}

#[test]
fn one_lost_scrape_every_four_minutes_keeps_an_alert_from_firing() {
    let held = |lost: &[i64]| {
        let mut script = Scripted::new();
        shows(&mut script, 0, "held 1\n");
        for at in lost {
            script.pass(secs(*at), Passage { fate: Fate::Lost, ..Passage::default() });
        }
        run(config(GAUGE, 20), script)
    };
    assert_eq!(changes(&held(&[]), EventKind::Firing), [315]);
    // A scrape that is lost is known to be after its timeout, at 14 s past: before the evaluation.
    let lost = [244, 484, 724, 964];
    let log = held(&lost);
    assert_eq!(changes(&log, EventKind::Firing), [0_i64; 0]);
    assert_eq!(changes(&log, EventKind::Withdrawn).len(), 4);
    assert_eq!(scrapes(&log).0, lost);
}

#[test]
fn pages_that_are_none_fail_and_an_empty_page_ends_all_series() {
    for (fate, fails) in [(Fate::Garbage, true), (Fate::Refused, true), (Fate::Empty, false)] {
        let mut script = Scripted::new();
        shows(&mut script, 0, "held 1\n");
        script.pass(secs(94), Passage { fate, ..Passage::default() });
        let log = run(config(ABSENT, 4), script);
        assert_eq!(scrapes(&log).0 == [94], fails, "{fate:?}");
        assert_eq!(changes(&log, EventKind::Firing), [105], "{fate:?} ends the series at once");
        assert_eq!(changes(&log, EventKind::Resolved), [135], "{fate:?}");
    }
}

#[test]
fn an_answer_after_the_timeout_is_none_and_one_before_it_is_late() {
    for (latency, seen_at) in [(0, 45), (10, 45), (11, 75)] {
        let mut script = Scripted::new();
        shows(&mut script, 0, "other 1\n");
        shows(&mut script, 20, "other 1\nheld 1\n");
        let latency = Duration::from_secs(latency);
        script.pass(secs(34), Passage { latency, ..Passage::default() });
        let log = run(config(GAUGE, 3), script);
        assert_eq!(changes(&log, EventKind::Pending), [seen_at], "after {latency}");
    }
}

#[test]
fn a_first_increment_is_seen_across_the_downtime_of_the_process() {
    let mut script = Scripted::new();
    shows(&mut script, 0, "# TYPE lost_total counter\n");
    script.set(URL, secs(50), State::Down);
    shows(&mut script, 70, "# TYPE lost_total counter\nlost_total{where=\"sea\"} 1\n");
    let log = run(config(COUNTER, 4), script);
    assert_eq!(scrapes(&log).0, [64]);
    assert_eq!(changes(&log, EventKind::Firing), [105]);
}

#[test]
fn a_restart_of_the_evaluator_forgets_what_it_does_not_keep() {
    let mut script = Scripted::new();
    shows(&mut script, 0, "held 1\n");
    for (keeps_alerts, fired) in [(true, 315), (false, 555)] {
        let mut config = config(GAUGE, 12);
        config.outages =
            vec![Outage { from: secs(200), until: secs(240), keeps_samples: true, keeps_alerts }];
        let log = run(config, script.clone());
        assert_eq!(changes(&log, EventKind::Firing), [fired], "alerts kept: {keeps_alerts}");
        let started = log.iter().find_map(|o| match o.what {
            Observed::Started { alerts } => Some((since_start(o.at), alerts)),
            _ => None,
        });
        assert_eq!(started, Some((240, usize::from(keeps_alerts))));
        assert!(scrapes(&log).1.iter().all(|at| !(200..240).contains(at)));
    }
}

#[test]
fn rules_wait_while_the_evaluator_is_busy() {
    let mut script = Scripted::new();
    shows(&mut script, 0, "held 1\n");
    let fired = |busy: (i64, i64)| {
        let mut config = config(GAUGE, 8);
        config.busy = vec![(secs(busy.0), secs(busy.1))];
        changes(&run(config, script.clone()), EventKind::Firing)
    };
    assert_eq!(fired((0, 0)), [315]);
    assert_eq!(fired((310, 345)), [345], "the instant that passed is missed");
    assert_eq!(fired((310, 320)), [315], "an instant that is late is still the same instant");
    let mut config = config(GAUGE, 8);
    config.missed = vec![secs(315), secs(316)];
    assert_eq!(changes(&run(config, script), EventKind::Firing), [345]);
}

#[test]
fn receivers_are_told_once_of_each_state() {
    let mut script = Scripted::new();
    shows(&mut script, 0, "held 1\n");
    shows(&mut script, 600, "held 0\n");
    let log = run(config(GAUGE, 15), script);
    let told: Vec<(i64, AlertStatus)> = log
        .iter()
        .filter_map(|o| match &o.what {
            Observed::Notified { status, .. } => Some((since_start(o.at), *status)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [(315, AlertStatus::Firing), (615, AlertStatus::Resolved)]);
}

#[test]
fn a_target_that_is_taken_out_ends_its_series_and_comes_back() {
    let mut script = Scripted::new();
    shows(&mut script, 0, "held 1\n");
    let mut config = config(ABSENT, 5);
    let mut without = config.pipeline.clone();
    without.scrape.clear();
    // At the very instants of two scrapes: the first does not take place, the second does.
    config.reloads = vec![(secs(94), without), (secs(154), config.pipeline.clone())];
    let log = run(config, script);
    assert_eq!(scrapes(&log).1, [4, 34, 64, 154, 184, 214, 244, 274]);
    assert_eq!(changes(&log, EventKind::Firing), [105]);
    assert_eq!(changes(&log, EventKind::Resolved), [165]);
}
