//! A scenario, run on a virtual clock.

use assurance_metrics_model::{Duration, Labels};
use assurance_notifier::{Receiver, ReceiverKind};
use assurance_policy::Pack;
use assurance_scrape::{JobConfig, TargetGroup};
use assurance_simulator::{
    BACKEND, EXPORTER, EventType, Fault, Occurrence, Simulation, SimulationConfig, SimulationError, What,
};

use crate::check::{AuditLine, Finding, Record};
use crate::claim::Claim;
use crate::evidence::{Evidence, EvidenceError};
use crate::report::Report;
use crate::scenario::{Action, Scenario, Step};

/// How often rules are evaluated, as the policy has it.
const EVALUATION_INTERVAL: Duration = Duration::from_secs(30);

/// The receiver of every alert.
pub(crate) const PAGER: &str = "pager";

/// A rehearsal that cannot be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RehearsalError {
    /// The pack has a scrape job for which the virtual network has nobody.
    #[error("job `{job}` of the metric contract has no target in a rehearsal; add one in tabletop::rehearse")]
    NoTarget {
        /// The job.
        job: String,
    },
    /// The simulation failed.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    /// The evidence cannot be read back.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
}

/// Runs a scenario with the rules of a pack, from its lead-in to the end of the exercise, and checks what it
/// claims. The seed decides latencies, and at which instants targets are scraped and rules evaluated: claims
/// that hold must hold for every seed.
///
/// # Errors
/// If the scenario cannot be carried out; that claims fail is no error, but what the report says.
pub fn rehearse(scenario: &Scenario, pack: &Pack, seed: u64) -> Result<Report, RehearsalError> {
    let mut simulation = Simulation::new(config(scenario, pack, seed)?)?;
    simulation.run()?;
    simulation.close_day()?;
    let evidence = Evidence::read(&**simulation.evidence())?;
    let named = scenario.claims.iter().filter_map(|claim| match claim {
        Claim::Alert { id, .. } | Claim::AlertNever { id } => Some(id.as_str()),
        _ => None,
    });
    let record = Record {
        clock: scenario.clock,
        start: scenario.start(),
        log: simulation.log(),
        store: &**simulation.pipeline().store(),
        evidence: &evidence,
        named: named.collect(),
    };
    let steps = steps(scenario, simulation.log());
    let claims = scenario.claims.iter().map(|claim| record.check(claim)).collect();
    Ok(Report::new(scenario, pack, seed, &record, steps, claims))
}

fn config(scenario: &Scenario, pack: &Pack, seed: u64) -> Result<SimulationConfig, RehearsalError> {
    let clock = &scenario.clock;
    let mut config = SimulationConfig::new(scenario.start(), clock.endex);
    config.seed = seed;
    if !scenario.environment.exporter {
        config.exporter = None;
    }
    config.script = scenario
        .world
        .iter()
        .filter_map(|step| match &step.action {
            Action::Do(command) => Some((clock.resolve(step.at), (**command).clone())),
            Action::OverrideExpires { .. } => None,
        })
        .collect();
    let lost = scenario.environment.lost_scrapes.iter().map(|(job, from, until)| Fault::LoseScrapes {
        job: job.clone(),
        from: clock.resolve(*from),
        until: clock.resolve(*until),
    });
    let refused = scenario.environment.refused_deliveries.iter().map(|(from, until)| {
        Fault::RefuseDeliveries { from: clock.resolve(*from), until: clock.resolve(*until) }
    });
    config.faults = lost.chain(refused).collect();

    let pipeline = &mut config.pipeline;
    for (name, job) in &pack.contract.jobs {
        let target = match name.as_str() {
            "brain-governance" => BACKEND,
            "brain-evidence" => EXPORTER,
            _ => return Err(RehearsalError::NoTarget { job: name.clone() }),
        };
        let mut scrape = JobConfig::new(name);
        scrape.metrics_path.clone_from(&job.metrics_path);
        scrape.scrape_interval = job.scrape_interval;
        scrape.scrape_timeout = job.scrape_timeout;
        scrape.static_targets = vec![TargetGroup {
            labels: Labels::from_pairs(&job.target_labels),
            targets: vec![target.to_owned()],
            source: scenario.id.clone(),
        }];
        pipeline.scrape.push(scrape);
    }
    // Whoever sees an alert of an exercise must see that it is one; and the seed moves the scrapes.
    pipeline.external_labels =
        Labels::from_pairs([("exercise", scenario.id.as_str()), ("seed", &seed.to_string())]);
    pipeline.rules = assurance_rules::Config::new(pack.groups.clone());
    pipeline.rules.default_interval = EVALUATION_INTERVAL;
    pipeline.rules.external_labels = pipeline.external_labels.clone();
    pipeline.notifier.receivers = vec![Receiver::new(PAGER, ReceiverKind::Webhook, "http://pager.invalid/")];
    Ok(config)
}

/// What became of each step, in the order of the file.
fn steps(scenario: &Scenario, log: &[Occurrence]) -> Vec<Finding> {
    let mut used = vec![false; log.len()];
    scenario.world.iter().map(|step| step_of(scenario, step, log, &mut used)).collect()
}

fn step_of(scenario: &Scenario, step: &Step, log: &[Occurrence], used: &mut [bool]) -> Finding {
    let at = scenario.clock.resolve(step.at);
    match &step.action {
        Action::OverrideExpires { id } => {
            let expired = log.iter().find(|o| match &o.what {
                What::Audited { raw } => AuditLine::read(raw).is_some_and(|line| {
                    line.event_type == EventType::OverrideExpired.as_str()
                        && line.metadata.override_id.as_ref() == Some(id)
                }),
                _ => false,
            });
            match expired {
                Some(found) if found.at == at => Finding { holds: true, measured: "expired".to_owned() },
                Some(found) => {
                    let when = scenario.clock.relative(found.at);
                    Finding { holds: false, measured: format!("expired at {when}") }
                }
                None => Finding { holds: false, measured: "never expired".to_owned() },
            }
        }
        Action::Do(wanted) => {
            // Equal commands at one instant are told apart by their order.
            let found = log.iter().enumerate().find_map(|(index, o)| match &o.what {
                What::Acted { command, result } if o.at == at && command == wanted && !used[index] => {
                    used[index] = true;
                    Some(result)
                }
                _ => None,
            });
            match found.map(|result| &**result) {
                Some(Ok(_)) => Finding { holds: !step.refused, measured: "done".to_owned() },
                Some(Err(refusal)) => {
                    Finding { holds: step.refused, measured: format!("refused: {refusal}") }
                }
                None => Finding { holds: false, measured: "not carried out".to_owned() },
            }
        }
    }
}
