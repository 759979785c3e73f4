//! Whom alerts reach: by our own reading of the files, and by Alertmanager's.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use assurance_diagnostics::Source;
use assurance_metrics_model::{Duration, Labels};
use assurance_policy::{alerts, escalation, files, pack_intents, routing};

/// Runs amtool in the pack's folder; `None`, and says so, where it is missing.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn amtool(arguments: &[&str]) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pack");
    match Command::new("amtool").args(arguments).current_dir(folder).output() {
        Ok(output) => {
            let out = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "{out}{}", String::from_utf8_lossy(&output.stderr));
            Some(out)
        }
        Err(error) => {
            let required = std::env::var_os("ASSURANCE_REQUIRE_PEERS").is_some_and(|value| value == "1");
            assert!(!required, "amtool cannot be started: {error}");
            println!("skipped: amtool cannot be started: {error}; apt-get install prometheus-alertmanager");
            None
        }
    }
}

fn receivers(pairs: &[(&str, &str)]) -> Vec<String> {
    let routing = routing().unwrap_or_else(|flaws| panic!("{}", flaws[0]));
    let labels = Labels::from_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()).copied());
    routing.find(&labels).iter().map(|route| route.receiver.clone()).collect()
}

#[test]
fn amtool_accepts_the_routing() {
    let Some(said) = amtool(&["check-config", "alertmanager.yml"]) else { return };
    assert!(said.contains("SUCCESS") && said.contains("2 inhibit rules"), "{said}");
}

#[test]
fn every_severity_reaches_its_receiver_whatever_the_team() {
    for (severity, receiver) in [
        ("critical", "governance-critical"),
        ("warning", "governance-warning"),
        ("info", "governance-info"),
        ("critcal", "governance-default"),
        ("", "governance-default"),
    ] {
        for team in ["security", "platform", "unheard-of", ""] {
            let labels = [("alertname", "Some"), ("severity", severity), ("team", team)];
            assert_eq!(receivers(&labels), [receiver], "{labels:?}");
            let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let mut arguments = vec!["config", "routes", "test", "--config.file=alertmanager.yml"];
            arguments.extend(pairs.iter().map(String::as_str).filter(|pair| !pair.ends_with('=')));
            if let Some(said) = amtool(&arguments) {
                assert_eq!(said.trim(), receiver, "{labels:?}");
            }
        }
    }
}

#[test]
fn every_alert_reaches_whom_its_intent_says() {
    let intents = pack_intents().unwrap();
    let routing = routing().unwrap();
    for alert in alerts().unwrap() {
        let labels = alert.fixed_labels();
        let found = receivers(&labels);
        let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut arguments = vec!["config", "routes", "test", "--config.file=alertmanager.yml"];
        arguments.extend(pairs.iter().map(String::as_str));
        if let Some(said) = amtool(&arguments) {
            assert_eq!(said.trim(), found.join(","), "{}", alert.name);
        }
        let kept: Vec<_> = intents.intents.iter().filter(|intent| alert.keeps(intent)).collect();
        assert!(!kept.is_empty(), "{} ({}) has no intent", alert.name, alert.severity);
        for intent in kept {
            assert_eq!(intent.severity.as_deref(), Some(alert.severity.as_str()), "{}", intent.id);
            assert_eq!(intent.runbook.as_deref(), Some(alert.runbook.as_str()), "{}", intent.id);
            assert!(intent.id.starts_with(&alert.id), "{} is about {}", intent.id, alert.id);
            let receiver = routing.receivers.iter().find(|r| r.name == found[0]).unwrap();
            let reached: BTreeSet<&str> = receiver
                .integrations
                .iter()
                .flat_map(|i| [i.description.as_str(), i.kind.as_str()])
                .collect();
            for wanted in &intent.route {
                assert!(
                    found.contains(wanted) || reached.contains(wanted.as_str()),
                    "{}: {wanted}",
                    intent.id
                );
            }
        }
    }
}

#[test]
fn only_alerts_that_exist_inhibit_and_are_inhibited() {
    let alerts = alerts().unwrap();
    let labels: Vec<Labels> = alerts.iter().map(|alert| Labels::from_pairs(alert.fixed_labels())).collect();
    let mut shown = Vec::new();
    for rule in routing().unwrap().inhibit_rules {
        let matched = |matchers: &[assurance_metrics_model::Matcher]| {
            let all = |labels: &Labels| matchers.iter().all(|m| m.matches_labels(labels));
            let found = alerts.iter().zip(&labels).filter(|(_, labels)| all(labels));
            found.map(|(alert, _)| format!("{} {}", alert.id, alert.severity)).collect::<Vec<_>>()
        };
        shown.push((matched(&rule.source), matched(&rule.target)));
    }
    // Nothing that tells a loss of sight is a source for what was seen before.
    assert_eq!(
        shown,
        [
            (vec!["GA-009 warning".to_owned()], vec!["GA-004 warning".to_owned()]),
            (vec!["GA-007 critical".to_owned()], vec!["GA-007 warning".to_owned()]),
        ]
    );
}

#[test]
fn every_receiver_is_reached_by_a_route_or_by_escalation() {
    let (routing, escalation) = (routing().unwrap(), escalation().unwrap());
    let mut reached: BTreeSet<&str> = routing.root.routes.iter().map(|r| r.receiver.as_str()).collect();
    reached.insert(&routing.root.receiver);
    reached.extend(escalation.chains.iter().flat_map(|chain| &chain.steps).map(|step| step.notify.as_str()));
    let defined: BTreeSet<&str> = routing.receivers.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(reached, defined);
}

#[test]
fn escalation_takes_every_alert_that_somebody_must_take() {
    let chains = escalation().unwrap();
    for alert in alerts().unwrap() {
        let labels = Labels::from_pairs(alert.fixed_labels());
        let receiver = receivers(&alert.fixed_labels()).remove(0);
        let chain = chains.chain(&labels, &[receiver.as_str()]);
        let steps: Vec<(Duration, &str)> =
            chain.iter().flat_map(|c| &c.steps).map(|s| (s.after, s.notify.as_str())).collect();
        let minutes = Duration::from_minutes;
        let wanted: &[(Duration, &str)] = match (alert.severity.as_str(), alert.id.as_str()) {
            ("critical", _) => &[
                (minutes(5), "governance-senior-on-call"),
                (minutes(15), "governance-security"),
                (minutes(30), "governance-management"),
            ],
            ("warning", "GA-012") => &[(minutes(15), "governance-on-call")],
            ("warning", _) => &[
                (minutes(15), "governance-on-call"),
                (minutes(30), "governance-reminder"),
                (minutes(30), "governance-senior-on-call"),
                (minutes(60), "governance-management"),
            ],
            _ => &[],
        };
        assert_eq!(steps, wanted, "{}", alert.name);
    }
}

/// Secrets are in files of their own, so the pack has none and loads without any.
#[test]
fn no_secret_is_in_the_pack() {
    let (_, text) = files().find(|(name, _)| *name == "alertmanager.yml").unwrap();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let secret = ["password:", "routing_key:", "service_key:", "api_url:", "token:"];
        assert!(!secret.iter().any(|key| line.trim_start_matches(['-', ' ']).contains(key)), "{line}");
    }
}

#[test]
fn the_prometheus_yml_scrapes_what_the_contract_says() {
    let (name, text) = files().find(|(name, _)| *name == "prometheus.yml").unwrap();
    let loaded =
        assurance_config::load(&Source::new(name, text), "").unwrap_or_else(|flaws| panic!("{}", flaws[0]));
    let contract = assurance_policy::metric_contract().unwrap();
    assert_eq!(loaded.jobs.len(), contract.jobs.len());
    for job in &loaded.jobs {
        let promised = &contract.jobs[&job.job_name];
        assert_eq!(
            (&job.metrics_path, job.scrape_interval, job.scrape_timeout),
            (&promised.metrics_path, promised.scrape_interval, promised.scrape_timeout)
        );
        for (name, value) in &promised.target_labels {
            assert_eq!(job.static_targets[0].labels.get(name), Some(value.as_str()), "{}", job.job_name);
        }
    }
}
