use std::sync::Arc;

use assurance_metrics_model::{Labels, Timestamp};

use super::escalate::{Acknowledgement, Climb};
use super::group::is_over;
use super::machine::Dispatch;
use super::mute::Suppression;
use super::notification::{ReasonKind, group_key};
use super::plan::Plan;
use crate::Alert;

/// What happened since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// By receiver, in the order of the routing, and reason, in the order of [`ReasonKind::ALL`].
    told: Vec<[u64; ReasonKind::ALL.len()]>,
    /// Looks at an alert that another one inhibited.
    pub inhibited: u64,
    /// Looks at an alert whose route was silent.
    pub muted: u64,
    /// Looks at an alert that was silenced.
    pub silenced: u64,
    /// Alerts that were not taken.
    pub refused: u64,
    /// Groups that are gone and whose last notification was forgotten, as there were too many: what was told of
    /// them may be told again.
    pub forgotten: u64,
    /// Steps of chains that name a receiver there is not.
    pub nobody: u64,
}

impl Counters {
    pub(super) fn new(receivers: usize) -> Self {
        Self { told: vec![[0; ReasonKind::ALL.len()]; receivers], ..Self::default() }
    }

    /// The same for another plan: receivers that stay keep their numbers.
    pub(super) fn on(mut self, old: &Plan, new: &Plan) -> Self {
        let told = (0..new.receiver_count()).map(|receiver| {
            let before = old.receiver_index(new.receiver_name(receiver));
            before.map_or([0; ReasonKind::ALL.len()], |at| self.told[at])
        });
        self.told = told.collect();
        self
    }

    pub(super) fn count(&mut self, receiver: usize, kind: ReasonKind) {
        self.told[receiver][kind as usize] += 1;
    }
}

/// A group as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupView {
    /// Its key, as Alertmanager writes it.
    pub key: String,
    /// The matchers of its route, from the root down.
    pub route: Arc<str>,
    /// Who is told.
    pub receiver: Arc<str>,
    /// The labels it is grouped by.
    pub labels: Labels,
    /// When it is looked at next.
    pub next_look: Timestamp,
    /// Whether it has been looked at yet.
    pub is_known: bool,
    /// When any integration was last told of it.
    pub last_told: Option<Timestamp>,
    /// Its alerts, in the order in which they are told.
    pub alerts: Vec<AlertView>,
}

/// An alert as it stands in one group.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertView {
    /// Its newest state.
    pub alert: Arc<Alert>,
    /// The fingerprint of its labels.
    pub fingerprint: u64,
    /// When somebody last spoke of it.
    pub updated_at: Timestamp,
    /// Whether it is over, and leaves with the next look.
    pub is_over: bool,
    /// Whether an integration was told that it fires, and not of its end.
    pub is_told: bool,
    /// Why nobody is told.
    pub suppression: Option<Suppression>,
    /// Who has taken it.
    pub acknowledged: Option<Acknowledgement>,
    /// How far it has come on its chain, where that began in this group.
    pub climb: Option<Climb>,
}

impl Dispatch {
    /// What happened since the start.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Notifications so far, by receiver and reason: all that there can be, those that there were not yet as 0.
    pub fn told(&self) -> impl Iterator<Item = (&Arc<str>, ReasonKind, u64)> {
        self.counters.told.iter().enumerate().flat_map(|(receiver, counts)| {
            let name = self.plan.receiver_name(receiver);
            ReasonKind::ALL.into_iter().zip(counts).map(move |(kind, count)| (name, kind, *count))
        })
    }

    /// Alerts that are in any group.
    pub fn alert_count(&self) -> usize {
        self.alerts.len() - self.loose.len()
    }

    /// Groups, those without alerts included.
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// All groups with alerts, and why each alert is told or not.
    pub fn groups(&self, now: Timestamp) -> Vec<GroupView> {
        let groups = self.groups.iter().filter(|(_, group)| !group.members.is_empty());
        groups
            .map(|(home, group)| {
                let node = self.plan.node(home.route);
                let alerts = group.members.iter().map(|member| {
                    let labels = &member.alert.labels;
                    let known = self.alerts.get(labels);
                    let told =
                        |fp| group.log.iter().flatten().any(|told| told.firing.binary_search(fp).is_ok());
                    AlertView {
                        alert: Arc::clone(&member.alert),
                        fingerprint: member.fingerprint,
                        updated_at: known.map_or(now, |known| known.updated_at),
                        is_over: is_over(&member.alert, now),
                        is_told: told(&member.fingerprint),
                        suppression: self.suppression(now, home, labels),
                        acknowledged: known.and_then(|known| known.ack.clone()),
                        climb: known
                            .and_then(|known| known.climb.clone())
                            .filter(|climb| climb.home == *home),
                    }
                });
                GroupView {
                    key: group_key(&node.key, &home.labels),
                    route: Arc::clone(&node.key),
                    receiver: Arc::clone(&node.receiver),
                    labels: home.labels.clone(),
                    next_look: group.next_look,
                    is_known: group.is_known,
                    last_told: group.log.iter().flatten().map(|told| told.at).max(),
                    alerts: alerts.collect(),
                }
            })
            .collect()
    }
}
