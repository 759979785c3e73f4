use assurance_diagnostics::Source;
use assurance_evidence::{Day, verify_day};
use assurance_metrics_model::{Duration, Labels, Timestamp};
use assurance_notifier::{AlertStatus, Receiver, ReceiverKind};
use assurance_rules::{EventKind, RuleFile};
use assurance_scrape::{JobConfig, TargetGroup};
use assurance_simulator::{
    BACKEND, Command, EXPORTER, Fault, Mode, Simulation, SimulationConfig, SwitchRequest, What,
};
use assurance_storage::Storage as _;
use proptest::prelude::*;

use crate::metrics::command;
use crate::{T0, an_override, secs};

const LEAD: Duration = Duration::from_minutes(5);

fn job(name: &str, path: &str, target: &str) -> JobConfig {
    let mut job = JobConfig::new(name);
    job.scrape_interval = Duration::from_secs(30);
    job.scrape_timeout = Duration::from_secs(10);
    job.metrics_path = path.to_owned();
    job.static_targets = vec![TargetGroup { targets: vec![target.to_owned()], ..TargetGroup::default() }];
    job
}

/// The pack over the virtual backend: five minutes before T0 and `minutes` after it.
fn config(minutes: i64, seed: u64) -> SimulationConfig {
    let mut groups = Vec::new();
    for (name, text) in assurance_policy::rule_files() {
        groups.extend(RuleFile::parse(&Source::new(*name, *text)).unwrap().groups);
    }
    let mut config = SimulationConfig::new(T0 - LEAD, T0 + Duration::from_minutes(minutes));
    config.seed = seed;
    config.pipeline.scrape = vec![
        job("brain-governance", "/api/sovereign-mode/metrics", BACKEND),
        job("brain-evidence", "/metrics", EXPORTER),
    ];
    config.pipeline.rules = assurance_rules::Config::new(groups);
    config.pipeline.notifier.receivers =
        vec![Receiver::new("pager", ReceiverKind::Webhook, "http://pager.invalid/")];
    config.pipeline.external_labels = Labels::from_pairs([("seed", seed.to_string())]);
    config
}

fn run(config: SimulationConfig) -> Simulation {
    let mut simulation = Simulation::new(config).unwrap();
    simulation.run().unwrap();
    simulation
}

fn created(at: Timestamp) -> (Timestamp, Command) {
    (at, Command::CreateOverride(an_override()))
}

/// When an alert changed so, after T0.
fn alerts(simulation: &Simulation, name: &str, kind: EventKind) -> Vec<Duration> {
    let changes = simulation.log().iter().filter_map(|o| match &o.what {
        What::Alert(event) if event.kind == kind && event.alert.labels.get("alertname") == Some(name) => {
            Some(o.at - T0)
        }
        _ => None,
    });
    changes.collect()
}

fn within(times: &[Duration], from: i64, until: i64) -> bool {
    matches!(times, [at] if (Duration::from_secs(from)..=Duration::from_secs(until)).contains(at))
}

#[test]
fn an_override_that_nobody_uses_pages_and_clears_on_every_phase() {
    for seed in 0..12 {
        let simulation = run(SimulationConfig { script: vec![created(T0)], ..config(70, seed) });
        let name = "GovernanceOverrideActive";
        let fired = alerts(&simulation, name, EventKind::Firing);
        assert!(within(&fired, 300, 390), "seed {seed}: {fired:?}");
        let resolved = alerts(&simulation, name, EventKind::Resolved);
        assert!(within(&resolved, 63 * 60, 64 * 60 + 30), "seed {seed}: {resolved:?}");
        let told = alerts(&simulation, "GovernanceOverrideEvent", EventKind::Firing);
        assert!(within(&told, 0, 70), "seed {seed}: {told:?}");
    }
}

#[test]
fn a_pager_hears_each_state_once_it_has_happened() {
    let simulation = run(SimulationConfig { script: vec![created(T0)], ..config(70, 1) });
    for (kind, status) in
        [(EventKind::Firing, AlertStatus::Firing), (EventKind::Resolved, AlertStatus::Resolved)]
    {
        let happened = alerts(&simulation, "GovernanceOverrideActive", kind)[0];
        let heard = simulation.log().iter().find_map(|o| match &o.what {
            What::Delivered { alerts, .. } => alerts
                .iter()
                .any(|a| a.name() == "GovernanceOverrideActive" && a.status == status)
                .then_some(o.at - T0),
            _ => None,
        });
        let late = heard.unwrap() - happened;
        assert!((Duration::from_millis(20)..=Duration::from_millis(700)).contains(&late), "{kind:?}: {late}");
    }
}

#[test]
fn the_same_seed_gives_the_same_log_and_another_does_not() {
    let log = |seed| {
        let simulation = run(SimulationConfig { script: vec![created(T0)], ..config(20, seed) });
        format!("{:#?}", simulation.log())
    };
    assert!(log(3) == log(3));
    assert!(log(3) != log(4));
}

#[test]
fn two_lost_scrapes_and_a_restart_do_not_start_the_five_minutes_anew() {
    let mut config = config(10, 5);
    config.script = vec![created(T0), (secs(200), Command::Stop), (secs(230), Command::Start)];
    config.faults =
        vec![Fault::LoseScrapes { job: "brain-governance".to_owned(), from: secs(100), until: secs(160) }];
    let simulation = run(config);
    let fired = alerts(&simulation, "GovernanceOverrideActive", EventKind::Firing);
    assert!(within(&fired, 300, 390), "{fired:?}");
    let lost = simulation.log().iter().filter(|o| matches!(o.what, What::ScrapeFailed { .. })).count();
    assert!((2..=4).contains(&lost), "{lost} scrapes failed");
    let down = simulation.log().iter().filter(|o| matches!(o.what, What::TargetDown { .. })).count();
    assert!(down >= 1);
}

#[test]
fn a_backend_that_stays_away_is_noticed_and_its_return_too() {
    let mut config = config(20, 6);
    config.script = vec![(T0, Command::Stop), (secs(600), Command::Start)];
    let simulation = run(config);
    let fired = alerts(&simulation, "GovernanceMetricsUnavailable", EventKind::Firing);
    assert!(within(&fired, 120, 210), "{fired:?}");
    let resolved = alerts(&simulation, "GovernanceMetricsUnavailable", EventKind::Resolved);
    assert!(within(&resolved, 600, 660), "{resolved:?}");
    let reasons = simulation.log().iter().find_map(|o| match &o.what {
        What::TargetDown { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    assert_eq!(reasons.as_deref(), Some("connection refused"));
}

#[test]
fn a_refused_delivery_is_tried_again_until_it_is_taken() {
    let mut config = config(10, 7);
    config.script = vec![created(T0)];
    config.faults = vec![Fault::RefuseDeliveries { from: T0, until: secs(120) }];
    let simulation = run(config);
    let refused = simulation.log().iter().filter(|o| matches!(o.what, What::DeliveryFailed { .. })).count();
    assert!(refused >= 2, "{refused}");
    let taken = simulation.log().iter().find_map(|o| match &o.what {
        What::Delivered { alerts, attempt, .. } if *attempt > 1 => Some((o.at, alerts.clone())),
        _ => None,
    });
    let (at, alerts) = taken.unwrap();
    assert!(at >= secs(120) && at < secs(190), "{at}");
    assert!(alerts.iter().any(|a| a.name() == "GovernanceOverrideEvent"));
}

#[test]
fn a_closed_day_holds_every_event_and_verifies() {
    let mut config = config(70, 8);
    config.script = vec![created(T0), (secs(90), Command::SwitchMode(SwitchRequest::to(Mode::Offline)))];
    let mut simulation = run(config);
    simulation.close_day().unwrap();
    let day = Day::of(T0);
    assert!(verify_day(&**simulation.evidence(), day).unwrap().is_intact());
    let file = simulation.evidence().read(&format!("hot/audit-{day}.jsonl"), 1 << 20).unwrap();
    let lines: Vec<&str> = simulation.world().audit_file().iter().map(|raw| &**raw).collect();
    assert_eq!(String::from_utf8(file).unwrap(), lines.join("\n") + "\n");
    assert!(simulation.log().iter().any(|o| matches!(o.what, What::Published(_))));
}

#[test]
fn without_an_exporter_there_is_no_evidence() {
    let mut simulation = run(SimulationConfig { exporter: None, script: vec![created(T0)], ..config(10, 9) });
    simulation.close_day().unwrap();
    assert_eq!(simulation.evidence().list("hot").unwrap(), []);
    let mut silent = simulation.log().iter();
    assert!(silent.all(|o| !matches!(o.what, What::Collected { .. } | What::Published(_))));
}

#[test]
fn a_refused_command_is_in_the_log() {
    let simulation = run(SimulationConfig { script: vec![(T0, Command::Start)], ..config(1, 1) });
    let refused = simulation.log().iter().any(|o| match &o.what {
        What::Acted { result, .. } => o.at == T0 && result.is_err(),
        _ => false,
    });
    assert!(refused);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever happens to a backend that is never restarted: the evidence is its log.
    #[test]
    fn the_evidence_is_the_log(steps in prop::collection::vec((command(), 0..90i64), 1..25), seed in any::<u64>()) {
        let mut config = SimulationConfig::new(T0 - LEAD, T0 + Duration::from_minutes(60));
        config.seed = seed;
        let mut at = T0;
        for (command, wait) in steps {
            at += Duration::from_secs(wait);
            config.script.push((at, command));
        }
        let mut simulation = run(config);
        simulation.close_day().unwrap();
        let file = simulation.evidence().read(&format!("hot/audit-{}.jsonl", Day::of(T0)), 1 << 20).unwrap();
        let kept: Vec<&str> = std::str::from_utf8(&file).unwrap().lines().collect();
        let written: Vec<&str> = simulation.world().audit_file().iter().map(|raw| &**raw).collect();
        prop_assert_eq!(kept, written);
    }
}
