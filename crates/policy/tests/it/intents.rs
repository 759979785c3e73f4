use assurance_diagnostics::Source;
use assurance_metrics_model::Duration;
use assurance_policy::intents::{
    AbsenceForm, Aggregation, Counters, Environment, Intents, Loss, MonitorState, Phase, Subject, Violation,
};
use assurance_policy::metric_contract;

const FILE: &str = "\
version: 1
environment:
  scrape: {interval: 15s, phase: 3s, jitter: 1s, lost: {max_consecutive: 3, max_ratio: 0.25}}
  eval: {phase: any, skipped: {max_consecutive: 2}}
  process: {restarts: {max_per_hour: 4, downtime: [5s, 60s]}, counters: persisted, created: eager}
  monitor: {restarts: {max: 2, downtime: [0s, 30s]}, state: lost}
  counter_base: [0, 7]
  collection: {interval: 20s, jobs: [archive]}
intents:
- id: DOOR
  aliases: {old: D-1}
  alert: DoorForced
  match: {severity: critical}
  violation: {kind: event, source: 'audit:door.forced', labels: {door: [front, back]}}
  detect_within: 2m
  notify_within: 3m
  clear_within: 10m
  quiet_otherwise: 11m
  labels_required: [instance, door]
  severity: critical
  route: ['slack:#doors']
  runbook: RB-1
  must_survive: {lost_scrapes: 2, restarts: 1}
- {id: OPEN, alert: DoorOpen, violation: {kind: state, metric: door_open, min_hold: 5m}, detect_within: 7m}
- {id: MANY, alert: Many, violation: {kind: count, metric: door_total, over: 1h, more_than: 10, group: door}, detect_within: 7m}
- {id: RATE, alert: Many, violation: {kind: rate, metric: door_total, over: 30m, more_than: 10, per: hour}, detect_within: 7m}
- {id: GONE, alert: Gone, violation: {kind: absence, of: 'job:doors', for: 2m, forms: [down, empty]}, detect_within: 4m}
- {id: OLD, alert: Old, violation: {kind: absence, source: door.checked, for: 26h}, detect_within: 4m}
- id: AGAIN
  alert: Again
  violation: {kind: sequence, first: {source: door.shut}, then: {source: door.forced}, within: 5m}
  detect_within: 2m
- {id: NOT, alert: Not, violation: {kind: never}, detect_within: 1s}
- {id: PULSE, alert: Pulse, violation: {kind: always}, detect_within: 1m}
";

fn parse(text: &str) -> Result<Intents, String> {
    Intents::parse(&Source::new("intents.yml", text)).map_err(|flaw| flaw.to_string())
}

#[test]
fn every_key_is_read() {
    let file = parse(FILE).unwrap();
    let environment = &file.environment;
    assert_eq!(environment.scrape.interval, Some(Duration::from_secs(15)));
    assert_eq!(environment.scrape.phase, Phase::Fixed(Duration::from_secs(3)));
    assert_eq!(environment.scrape.lost, Loss::new(3, 0.25));
    assert_eq!((environment.eval.interval, environment.eval.phase), (Duration::from_secs(30), Phase::Any));
    assert_eq!(environment.process.restarts.downtime.to, Duration::from_minutes(1));
    assert_eq!(environment.process.counters, Counters::Persisted);
    assert_eq!(environment.monitor.state, MonitorState::Lost);
    assert_eq!(environment.counter_base, [0, 7]);
    assert_eq!(environment.collection.jobs, ["archive"]);
    let door = file.intent("DOOR").unwrap();
    assert_eq!(door.matching["severity"], "critical");
    assert_eq!(door.aliases["old"], "D-1");
    assert_eq!(
        (door.notify_within, door.clear_within),
        (Some(Duration::from_minutes(3)), Some(Duration::from_minutes(10)))
    );
    assert_eq!((door.must_survive.lost_scrapes, door.must_survive.restarts), (Some(2), Some(1)));
    let Violation::Event(events) = &door.violation else { panic!("{:?}", door.violation) };
    assert_eq!(
        (events.source.as_deref(), &events.labels["door"]),
        (Some("door.forced"), &vec!["front".to_owned(), "back".to_owned()])
    );
    let kinds: Vec<&str> = file.intents.iter().map(|intent| intent.violation.kind()).collect();
    assert_eq!(
        kinds,
        ["event", "state", "count", "count", "absence", "absence", "sequence", "never", "always"]
    );
    let Violation::Count { group, more_than, .. } = &file.intents[2].violation else { panic!() };
    assert_eq!((group, *more_than), (&Aggregation::By("door".into()), 10.0));
    let Violation::Count { more_than, .. } = &file.intents[3].violation else { panic!() };
    assert_eq!(*more_than, 5.0, "10 an hour are 5 in half of one");
    let Violation::Absence { of, forms, .. } = &file.intents[4].violation else { panic!() };
    assert_eq!(
        (of, forms.as_slice()),
        (&Subject::Job("doors".into()), [AbsenceForm::Down, AbsenceForm::Empty].as_slice())
    );
    assert_eq!(parse("version: 1\nintents: []").unwrap().environment, Environment::default());
}

#[test]
fn flaws_are_shown_at_their_place() {
    for (wrong, right, message) in [
        ("version: 2", "version: 1", "version 2 of the format is not known"),
        ("detect_wihtin: 2m", "detect_within: 2m", "did you mean `detect_within`?"),
        ("max_consecutve: 3", "max_consecutive: 3", "did you mean `max_consecutive`?"),
        ("kind: evnt, source", "kind: event, source", "did you mean `event`?"),
        ("downtime: [60s, 5s]", "downtime: [5s, 60s]", "the first duration is the longer one"),
        ("notify_within: 1m", "notify_within: 3m", "notified within 1m, but detected only within 2m"),
        (
            "metric: door_open, over: 5m",
            "metric: door_open, min_hold: 5m",
            "`over` has no meaning for this kind",
        ),
        ("over: 1h, group: door", "over: 1h, more_than: 10, group: door", "this kind needs `more_than`"),
        ("of: 'doors'", "of: 'job:doors'", "write `job:NAME`"),
        ("max_ratio: 1.25", "max_ratio: 0.25", "a ratio is between 0 and 1"),
        ("counter_base: []", "counter_base: [0, 7]", "there is no value to begin with"),
        ("first: {sources: door.shut}", "first: {source: door.shut}", "did you mean `source`?"),
        ("first: {labels: {a: b}}", "first: {source: door.shut}", "no events are named"),
        ("detect_within: 0s", "detect_within: 4m", "nothing is detected at once"),
        ("phase: some", "phase: any", "or write `any`"),
    ] {
        let text = FILE.replacen(right, wrong, 1);
        assert_ne!(text, FILE, "{right}");
        let flaw = parse(&text).unwrap_err();
        assert!(flaw.contains(message), "{wrong}: {flaw}");
        assert!(flaw.contains("intents.yml:"), "{flaw}");
    }
    let twice = parse(&FILE.replace("id: OPEN", "id: DOOR")).unwrap_err();
    assert!(twice.contains("\"DOOR\" is given twice"), "{twice}");
}

#[test]
fn the_world_before_the_contract_has_fewer_metrics_and_forgets_them() {
    let contract = metric_contract().unwrap();
    let before = contract.as_original();
    assert!(before.metrics.len() < contract.metrics.len());
    assert!(before.metrics.iter().all(|metric| !metric.restored));
    assert!(before.metric("axe_trust_violation_total").unwrap().lazy);
    assert!(!before.metric("sovereign_override_active").unwrap().lazy);
    assert_eq!(before.metric("axe_trust_violation_last_timestamp_seconds"), None);
    assert!(!contract.metric("axe_trust_violation_total").unwrap().lazy);
}
