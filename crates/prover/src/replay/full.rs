//! The whole path in the place of the fast engine.

use assurance_rules::Group;
use assurance_simulator::MonitorError;

use super::{Replay, replay_under};
use crate::claim::Claim;
use crate::fast::{Firing, Run};
use crate::judge::Notice;
use crate::search::Evaluate;
use crate::timeline::Timeline;

/// Runs whole groups through the whole path: slow, and able to do all that production can.
#[derive(Debug)]
pub struct FullPath<'c> {
    claim: &'c Claim,
    groups: Vec<Group>,
    run: Run,
    /// Why a world could not be run, which is a fault of the pipeline.
    fault: Option<MonitorError>,
}

impl<'c> FullPath<'c> {
    /// A claim, and all rules there are.
    pub fn new(claim: &'c Claim, groups: &[Group]) -> Self {
        Self { claim, groups: groups.to_vec(), run: Run::default(), fault: None }
    }

    /// The first world that could not be run, if any: what a search says then is not to be trusted.
    pub fn fault(&self) -> Option<&MonitorError> {
        self.fault.as_ref()
    }
}

impl Evaluate for FullPath<'_> {
    fn run(&mut self, timeline: &Timeline) -> (&Run, Option<&[Notice]>) {
        self.run = match replay_under(&self.groups, self.claim, timeline) {
            Ok(replay) => run_of(self.claim, &replay),
            Err(error) => {
                self.fault.get_or_insert(error);
                Run::default()
            }
        };
        (&self.run, None)
    }
}

/// What fired in a replay, as the fast engine says it. Alerts of rules that are not the claim's are left out.
pub fn run_of(claim: &Claim, replay: &Replay) -> Run {
    let mut run = Run::default();
    for firing in replay.firings() {
        let makes = |index: &usize| {
            let rule = &claim.rules[*index].rule;
            let has = |(name, label): (&String, &assurance_template::Template)| {
                !label.is_plain() || firing.labels.get_or_empty(name) == label.text()
            };
            firing.labels.get("alertname") == Some(rule.alert.as_str()) && rule.labels.iter().all(has)
        };
        let Some(rule) = (0..claim.rules.len()).find(makes) else { continue };
        let known = run.alerts.iter().position(|labels| *labels == firing.labels);
        let alert = known.unwrap_or_else(|| {
            run.alerts.push(firing.labels.clone());
            run.alerts.len() - 1
        });
        run.firings.push(Firing { rule, alert, from: firing.from, until: firing.until.unwrap_or(i64::MAX) });
    }
    run.firings.sort_by_key(|firing| (firing.rule, firing.alert, firing.from));
    run
}
