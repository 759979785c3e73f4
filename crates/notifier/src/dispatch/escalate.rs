use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assurance_metrics_model::{Labels, Timestamp};

use super::group::is_over;
use super::machine::Dispatch;
use super::notification::{Reason, group_key};
use super::plan::{Home, Plan};
use crate::Alert;
use crate::routing::Unless;

/// The longest name or comment of an acknowledgement.
pub const MAX_ACK_TEXT_BYTES: usize = 4 << 10;

/// Somebody has taken an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Who.
    pub by: Arc<str>,
    /// When.
    pub at: Timestamp,
    /// What they said.
    pub comment: Arc<str>,
}

/// What is acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AckTarget {
    /// One alert, by its fingerprint.
    Alert(u64),
    /// All that fires in a group now, by the group's key; what joins it later is not acknowledged.
    Group(String),
}

/// What was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// Fingerprints of the alerts that were not acknowledged before.
    pub alerts: Vec<u64>,
}

/// Why nothing is acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AckError {
    /// Nothing of that name is known.
    #[error("there is no such alert or group; it may be over")]
    Unknown,
    /// It does not fire.
    #[error("nothing of it fires any more")]
    NotFiring,
    /// Somebody was first.
    #[error("{by} acknowledged it at {at}")]
    Already {
        /// Who.
        by: Arc<str>,
        /// When.
        at: Timestamp,
    },
    /// Nobody is said to have taken it.
    #[error("an acknowledgement needs to say who takes the alert")]
    Anonymous,
    /// Its texts are too long.
    #[error("name and comment have at most {MAX_ACK_TEXT_BYTES} bytes each")]
    Long,
}

/// How far an alert has come on its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Climb {
    /// The chain's name.
    pub chain: Arc<str>,
    /// When the alert was first told: the beginning of the chain's times.
    pub started: Timestamp,
    /// The first step that is neither told nor needless, from 0.
    pub next: usize,
    /// When that step is looked at; `None` at the end of the chain.
    pub due: Option<Timestamp>,
    /// The receivers told by steps so far.
    pub told: Vec<Arc<str>>,
    /// The group it began in.
    pub(super) home: Home,
}

impl Climb {
    pub(super) fn begin(plan: &Plan, chain: usize, home: Home, now: Timestamp) -> Self {
        let chain = &plan.escalation().chains[chain];
        let due = chain.steps.first().map(|step| now + step.after);
        Self { chain: Arc::from(&*chain.name), started: now, next: 0, due, told: Vec::new(), home }
    }
}

/// Alerts that come to the same step at the same time are told together.
type Batches = BTreeMap<(Home, Arc<str>, usize), (usize, Vec<Arc<Alert>>)>;

impl Dispatch {
    /// Climbs whose next step is to be looked at.
    pub(super) fn climb(&mut self, now: Timestamp) {
        let mut batches = Batches::new();
        while let Some((at, labels)) = self.climbs.first().cloned().filter(|(at, _)| *at <= now) {
            self.climbs.remove(&(at, labels.clone()));
            self.step(now, &labels, &mut batches);
        }
        for ((home, chain, step), (receiver, alerts)) in batches {
            self.tell_all(now, receiver, &home, &Reason::Escalation { chain, step }, &alerts, false);
        }
    }

    fn step(&mut self, now: Timestamp, labels: &Labels, batches: &mut Batches) {
        let plan = Arc::clone(&self.plan);
        let Some(known) = self.alerts.get(labels) else { return };
        let Some(mut climb) = known.climb.clone() else { return };
        let Some(chain) = plan.escalation().chains.iter().find(|chain| *chain.name == *climb.chain) else {
            return;
        };
        let is_quiet = is_over(&known.alert, now) || self.suppression(now, &climb.home, labels).is_some();
        let next_look = self.groups.get(&climb.home).map(|group| group.next_look);
        climb.due = None;
        while let Some(step) = chain.steps.get(climb.next) {
            let due = climb.started + step.after;
            let is_needless = known.ack.is_some() && step.unless == Unless::Acknowledged;
            if due > now && !is_needless {
                climb.due = Some(due);
                break;
            }
            if !is_needless {
                if is_quiet {
                    // Over, but the group has not seen it; or kept quiet: asked again with the group.
                    climb.due = next_look.map(|at| at.max(due));
                    break;
                }
                if plan.receiver_index(&step.notify).is_none() {
                    self.counters.nobody += 1;
                }
                if let Some(receiver) = plan.receiver_index(&step.notify) {
                    let key = (climb.home.clone(), Arc::clone(&climb.chain), climb.next);
                    let batch = batches.entry(key).or_insert_with(|| (receiver, Vec::new()));
                    batch.1.push(Arc::clone(&known.alert));
                    let name = plan.receiver_name(receiver);
                    if !climb.told.contains(name) {
                        climb.told.push(Arc::clone(name));
                    }
                }
            }
            climb.next += 1;
        }
        self.set_climb(labels, climb);
    }

    pub(super) fn set_climb(&mut self, labels: &Labels, climb: Climb) {
        let Some(known) = self.alerts.get_mut(labels) else { return };
        if let Some(due) = known.climb.as_ref().and_then(|climb| climb.due) {
            self.climbs.remove(&(due, labels.clone()));
        }
        if let Some(due) = climb.due {
            self.climbs.insert((due, labels.clone()));
        }
        known.climb = Some(climb);
    }

    /// The alert has left a group: where its chain began there, those told by steps hear of the end.
    pub(super) fn end_climb(&mut self, home: &Home, alert: &Arc<Alert>) {
        let plan = Arc::clone(&self.plan);
        let Some(known) = self.alerts.get_mut(&alert.labels) else { return };
        let Some(climb) = known.climb.take_if(|climb| climb.home == *home) else { return };
        if let Some(due) = climb.due {
            self.climbs.remove(&(due, alert.labels.clone()));
        }
        for name in climb.told {
            // The receiver of the group has heard with the group.
            if name == plan.node(home.route).receiver {
                continue;
            }
            if let Some(receiver) = plan.receiver_index(&name) {
                self.ended.entry((receiver, home.clone())).or_default().push(Arc::clone(alert));
            }
        }
    }

    /// Tells what [`Dispatch::end_climb`] has gathered.
    pub(super) fn tell_ended(&mut self, now: Timestamp) {
        for ((receiver, home), alerts) in std::mem::take(&mut self.ended) {
            self.tell_all(now, receiver, &home, &Reason::Resolved, &alerts, true);
        }
    }

    /// Notes that somebody has taken an alert, or all that fires in a group.
    ///
    /// # Errors
    /// If there is nothing to be taken; nothing has changed then.
    pub fn handle_ack(
        &mut self,
        now: Timestamp,
        target: &AckTarget,
        by: &str,
        comment: &str,
    ) -> Result<Acknowledged, AckError> {
        let now = self.advance(now);
        if by.trim().is_empty() {
            return Err(AckError::Anonymous);
        }
        if by.len() > MAX_ACK_TEXT_BYTES || comment.len() > MAX_ACK_TEXT_BYTES {
            return Err(AckError::Long);
        }
        let targets = self.ack_targets(target);
        let mut error = AckError::Unknown;
        let ack = Acknowledgement { by: Arc::from(by), at: now, comment: Arc::from(comment) };
        let mut taken = Vec::new();
        for labels in targets {
            let Some(known) = self.alerts.get_mut(&labels) else { continue };
            if is_over(&known.alert, now) {
                error = AckError::NotFiring;
            } else if let Some(earlier) = &known.ack {
                error = AckError::Already { by: Arc::clone(&earlier.by), at: earlier.at };
            } else {
                known.ack = Some(ack.clone());
                taken.push(labels);
            }
        }
        if taken.is_empty() {
            return Err(error);
        }
        self.tell_acknowledged(now, &taken, &ack.by);
        let print = |labels: &Labels| self.alerts.get(labels).map(|known| known.fingerprint);
        Ok(Acknowledged { alerts: taken.iter().filter_map(print).collect() })
    }

    fn ack_targets(&self, target: &AckTarget) -> BTreeSet<Labels> {
        match target {
            AckTarget::Alert(fingerprint) => {
                let found = self
                    .alerts
                    .iter()
                    .filter(|(_, known)| known.fingerprint == *fingerprint && known.held > 0);
                found.map(|(labels, _)| labels.clone()).collect()
            }
            AckTarget::Group(key) => {
                let named = self
                    .groups
                    .iter()
                    .filter(|(home, _)| group_key(&self.plan.node(home.route).key, &home.labels) == *key);
                named
                    .flat_map(|(_, group)| group.members.iter().map(|member| member.alert.labels.clone()))
                    .collect()
            }
        }
    }

    fn tell_acknowledged(&mut self, now: Timestamp, taken: &[Labels], by: &Arc<str>) {
        let mut told: BTreeMap<(usize, Home), Vec<Arc<Alert>>> = BTreeMap::new();
        for labels in taken {
            let Some(known) = self.alerts.get(labels) else { continue };
            let Some(climb) = &known.climb else { continue };
            for receiver in climb.told.iter().filter_map(|name| self.plan.receiver_index(name)) {
                told.entry((receiver, climb.home.clone())).or_default().push(Arc::clone(&known.alert));
            }
            // Steps that the acknowledgement makes needless are passed over now.
            if let Some(due) = climb.due {
                let mut climb = climb.clone();
                self.climbs.remove(&(due, labels.clone()));
                self.pass_over(&mut climb, now);
                self.set_climb(labels, climb);
            }
        }
        for ((receiver, home), alerts) in told {
            self.tell_all(now, receiver, &home, &Reason::Acknowledged { by: Arc::clone(by) }, &alerts, false);
        }
    }

    /// Of an acknowledged alert: goes on to the first step that an acknowledgement does not make needless.
    fn pass_over(&self, climb: &mut Climb, now: Timestamp) {
        let chains = &self.plan.escalation().chains;
        let Some(chain) = chains.iter().find(|chain| *chain.name == *climb.chain) else { return };
        while chain.steps.get(climb.next).is_some_and(|step| step.unless == Unless::Acknowledged) {
            climb.next += 1;
        }
        climb.due = chain.steps.get(climb.next).map(|step| (climb.started + step.after).max(now));
    }
}
