use assurance_config::load_escalation;
use assurance_metrics_model::{Labels, Timestamp};
use assurance_notifier::routing::{Escalation, Routing};

use super::loaded;
use crate::fixtures::{names, source};

fn receivers() -> Routing {
    loaded(&source("notifier", "escalation-receivers.yml")).routing
}

fn policy() -> Escalation {
    let routing = receivers();
    let loaded = load_escalation(&source("notifier/escalation-good", "policy.yml"), &routing);
    let loaded = loaded.unwrap_or_else(|problems| panic!("{}", problems[0]));
    let warnings: Vec<_> = loaded.warnings.iter().map(|w| (w.line(), w.message.to_string())).collect();
    assert_eq!(
        warnings,
        [(Some(9), "receiver \"engineering-manager\" cannot be delivered to yet".to_owned())]
    );
    loaded.escalation
}

#[test]
fn every_fault_is_told_with_place_and_remedy() {
    let names = names("notifier/escalation-bad");
    assert!(names.len() >= 7);
    let mut told = String::new();
    for name in names {
        let file = source("notifier/escalation-bad", &name);
        let problems = load_escalation(&file, &receivers()).expect_err(&name);
        assert!(problems.iter().all(|problem| problem.help.is_some()), "{name}");
        told.extend(problems.iter().map(ToString::to_string));
    }
    insta::assert_snapshot!("escalation_bad", told);
}

#[test]
fn a_chain_for_everything_stands_last() {
    let file = |order: [&str; 2]| {
        let chain = |name| format!("- {name}\n  steps: [{{after: 5m, unless: resolved, notify: on-call}}]\n");
        let text = format!("version: 1\nchains:\n{}{}", chain(order[0]), chain(order[1]));
        let loaded = load_escalation(&assurance_diagnostics::Source::new("e.yml", text), &receivers());
        let warnings = loaded.unwrap_or_else(|problems| panic!("{}", problems[0])).warnings;
        warnings.iter().map(|warning| warning.message.to_string()).collect::<Vec<_>>()
    };
    let (all, some) = ("name: all", "name: some\n  matchers: [a=b]");
    assert_eq!(file([some, all]), [""; 0]);
    assert_eq!(file([all, some]), ["the chain takes every alert, so those after it take none"]);
}

/// The table of the policy: who is told when of a critical alert that goes on.
#[test]
fn a_critical_alert_that_nobody_takes_goes_up() {
    let escalation = policy();
    let told =
        |labels: &[(&str, &str)], routed: &[&str], acked: Option<i64>, resolved: Option<i64>, now: i64| {
            let minute = |m: i64| Timestamp::from_secs(m * 60);
            let labels = Labels::from_pairs(labels.iter().copied());
            let Some(chain) = escalation.chain(&labels, routed) else { return vec!["no chain".to_owned()] };
            chain
                .due(minute(0), acked.map(minute), resolved.map(minute), minute(now))
                .map(|due| format!("{}m {}", due.at.as_millis() / 60_000, due.step.notify))
                .collect()
        };
    let critical = &[("severity", "critical")][..];
    let all = ["5m senior-on-call", "15m security", "30m engineering-manager"];
    assert_eq!(told(critical, &[], None, None, 4), [""; 0]);
    assert_eq!(told(critical, &[], None, None, 5), all[..1]);
    assert_eq!(told(critical, &[], None, None, 100), all);
    // Taken at the very minute: the senior engineer sleeps on. Security is about the end, not about who has it.
    assert_eq!(told(critical, &[], Some(5), None, 100), all[1..]);
    assert_eq!(told(critical, &[], Some(6), None, 100), all);
    assert_eq!(told(critical, &[], Some(2), Some(15), 100), [""; 0]);
    assert_eq!(told(critical, &[], Some(2), Some(16), 100), all[1..2]);
    // What is over is not told of, even if nobody ever took it.
    assert_eq!(told(critical, &[], None, Some(3), 100), [""; 0]);
    let warning = &[("severity", "warning")][..];
    assert_eq!(told(warning, &["platform"], None, None, 120), ["30m platform", "120m on-call"]);
    assert_eq!(told(warning, &["elsewhere"], None, None, 120), ["no chain"]);
}
