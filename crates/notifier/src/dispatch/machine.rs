use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use assurance_metrics_model::{Duration, Labels, Timestamp};

use super::alerts::{self, Known, MAX_ALERTS, MAX_ALERTS_PER_GROUP, MAX_GROUPS, Refusal, Refused};
use super::group::{Group, Log};
use super::mute::Sources;
use super::notification::{Notification, Reason};
use super::plan::{Home, Plan};
use super::silence::{NewSilence, Silence, SilenceError, SilenceId, Silences};
use super::status::Counters;
use crate::Alert;
use crate::routing::{Escalation, Routing};

/// How often groups without alerts are removed: Alertmanager's own, and no setting of it.
pub(super) const CLEANUP_INTERVAL: Duration = Duration::from_secs(30);

/// The machine; see the [module's page](crate::dispatch) for what it does and in which order to call it.
#[derive(Debug)]
pub struct Dispatch {
    pub(super) plan: Arc<Plan>,
    pub(super) alerts: BTreeMap<Labels, Known>,
    pub(super) sources: Sources,
    pub(super) groups: BTreeMap<Home, Group>,
    /// When groups are looked at.
    pub(super) looks: BTreeSet<(Timestamp, Home)>,
    /// When alerts on a chain are looked at.
    pub(super) climbs: BTreeSet<(Timestamp, Labels)>,
    /// What was told of groups that are gone, and not taken back: by group.
    pub(super) remembered: BTreeMap<Home, Log>,
    /// Groups without alerts.
    pub(super) empty: BTreeSet<Home>,
    /// Alerts in no group.
    pub(super) loose: BTreeSet<Labels>,
    pub(super) silences: Silences,
    /// The ends to be told to those whom steps have told, by receiver and group, while a look goes on.
    pub(super) ended: BTreeMap<(usize, Home), Vec<Arc<Alert>>>,
    pub(super) waiting: VecDeque<Notification>,
    pub(super) next_number: u64,
    pub(super) counters: Counters,
    pub(super) scratch: Scratch,
    pub(super) started: Timestamp,
    pub(super) cleanup_at: Option<Timestamp>,
    pub(super) now: Timestamp,
}

/// Lists of one look, kept for the next.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Places of those that are not kept quiet.
    pub(super) heard: Vec<usize>,
    pub(super) firing: Vec<u64>,
    pub(super) resolved: Vec<u64>,
}

impl Dispatch {
    /// A machine that knows of no alerts.
    pub fn new(routing: Routing, escalation: Option<Escalation>, now: Timestamp) -> Self {
        Self::with_plan(Arc::new(Plan::new(routing, escalation)), now)
    }

    /// The same on a plan that others use, too.
    pub fn with_plan(plan: Arc<Plan>, now: Timestamp) -> Self {
        Self {
            sources: Sources::new(&plan),
            counters: Counters::new(plan.receiver_count()),
            plan,
            alerts: BTreeMap::new(),
            groups: BTreeMap::new(),
            looks: BTreeSet::new(),
            climbs: BTreeSet::new(),
            remembered: BTreeMap::new(),
            empty: BTreeSet::new(),
            loose: BTreeSet::new(),
            silences: Silences::default(),
            ended: BTreeMap::new(),
            waiting: VecDeque::new(),
            next_number: 1,
            scratch: Scratch::default(),
            started: now,
            cleanup_at: None,
            now,
        }
    }

    /// Forgets everything, as if it had been made at `now`: cheaper than making another.
    pub fn reset(&mut self, now: Timestamp) {
        self.alerts.clear();
        self.sources.clear();
        self.groups.clear();
        self.looks.clear();
        self.climbs.clear();
        self.remembered.clear();
        self.empty.clear();
        self.loose.clear();
        self.silences = Silences::default();
        self.waiting.clear();
        self.next_number = 1;
        self.counters = Counters::new(self.plan.receiver_count());
        self.started = now;
        self.cleanup_at = None;
        self.now = now;
    }

    /// Its routing and escalation.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    pub(super) fn advance(&mut self, now: Timestamp) -> Timestamp {
        self.now = self.now.max(now);
        self.now
    }

    /// Takes the newest states of alerts, in this order; gives those it cannot take, which nobody will be told
    /// of. An alert that fires with an end before its beginning has none: it is over when `resolve_timeout` has
    /// passed without its coming again.
    pub fn handle_alerts(&mut self, now: Timestamp, alerts: &[Alert]) -> Vec<Refused> {
        let now = self.advance(now);
        let guess = now + self.plan.routing().resolve_timeout;
        let mut refused = Vec::new();
        for alert in alerts {
            let (mut new, is_guess) = alerts::with_end(alert, now, guess);
            let is_full = self.alerts.len() >= MAX_ALERTS;
            let known = match self.alerts.get_mut(&alert.labels) {
                Some(known) => {
                    alerts::merge(&known.alert, known.is_guess, &mut new, now);
                    known.alert = Arc::new(new);
                    known.is_guess = is_guess;
                    known.updated_at = now;
                    known
                }
                None if is_full => {
                    refused.push(Refused { labels: alert.labels.clone(), why: Refusal::Alerts });
                    continue;
                }
                None => {
                    let homes = self.plan.homes(&new.labels);
                    self.sources.add(&self.plan, &new.labels);
                    let known = Known {
                        fingerprint: new.labels.fingerprint(),
                        chain: self.plan.chain(&new.labels, &homes),
                        alert: Arc::new(new),
                        is_guess,
                        updated_at: now,
                        homes,
                        held: 0,
                        ack: None,
                        climb: None,
                    };
                    self.alerts.entry(alert.labels.clone()).or_insert(known)
                }
            };
            let (homes, alert) = (Arc::clone(&known.homes), Arc::clone(&known.alert));
            for home in &*homes {
                if let Err(why) = self.put(now, home, &alert) {
                    refused.push(Refused { labels: alert.labels.clone(), why });
                }
            }
        }
        self.counters.refused += refused.len() as u64;
        refused
    }

    /// Puts an alert into a group, which is made if there is none.
    pub(super) fn put(&mut self, now: Timestamp, home: &Home, alert: &Arc<Alert>) -> Result<(), Refusal> {
        let node = self.plan.node(home.route);
        let Some(known) = self.alerts.get_mut(&alert.labels) else { return Ok(()) };
        if !self.groups.contains_key(home) {
            if self.groups.len() >= MAX_GROUPS {
                // In no group it is forgotten with the others of that kind.
                return Err(self.left_out(now, &alert.labels, Refusal::Groups));
            }
            let next_look = now + node.group_wait;
            let log = self.remembered.remove(home).unwrap_or_default();
            self.groups.insert(home.clone(), Group::new(next_look, log));
            self.looks.insert((next_look, home.clone()));
        }
        let Some(group) = self.groups.get_mut(home) else { return Ok(()) };
        let is_full = group.members.len() >= MAX_ALERTS_PER_GROUP;
        if is_full && !group.contains(&alert.labels) {
            return Err(self.left_out(now, &alert.labels, Refusal::Group));
        }
        if group.insert(known.fingerprint, Arc::clone(alert)) {
            known.held += 1;
            if known.held == 1 {
                self.loose.remove(&alert.labels);
            }
            if group.members.len() == 1 {
                self.empty.remove(home);
            }
        }
        // What has been firing for longer than the group would wait has waited enough.
        if !group.is_known && alert.starts_at + node.group_wait < now && group.next_look > now {
            self.looks.remove(&(group.next_look, home.clone()));
            group.next_look = now;
            self.looks.insert((now, home.clone()));
        }
        Ok(())
    }

    fn left_out(&mut self, now: Timestamp, labels: &Labels, why: Refusal) -> Refusal {
        if self.alerts.get(labels).is_some_and(|known| known.held == 0) {
            self.loose.insert(labels.clone());
            self.plan_cleanup(now);
        }
        why
    }

    /// The next instant at which Alertmanager would remove empty groups.
    pub(super) fn plan_cleanup(&mut self, now: Timestamp) {
        let interval = CLEANUP_INTERVAL.as_millis();
        let since = (now - self.started).as_millis().max(1);
        let ticks = (since + interval - 1).div_euclid(interval);
        self.cleanup_at.get_or_insert(self.started + CLEANUP_INTERVAL * ticks);
    }

    /// When to call [`Dispatch::handle_timeout`] although nothing else happens.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let look = self.looks.first().map(|(at, _)| *at);
        let climb = self.climbs.first().map(|(at, _)| *at);
        [look, climb, self.cleanup_at].into_iter().flatten().min()
    }

    /// Does what is due: looks at groups, goes on with chains, removes what is empty, in this order.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        let now = self.advance(now);
        while let Some((at, home)) = self.looks.first().cloned().filter(|(at, _)| *at <= now) {
            self.looks.remove(&(at, home.clone()));
            self.look(now, &home);
        }
        self.tell_ended(now);
        self.climb(now);
        if self.cleanup_at.is_some_and(|at| at <= now) {
            self.clean_up(now);
        }
    }

    fn clean_up(&mut self, now: Timestamp) {
        self.cleanup_at = None;
        for home in std::mem::take(&mut self.empty) {
            let Some(group) = self.groups.remove(&home) else { continue };
            self.looks.remove(&(group.next_look, home.clone()));
            // Who was told that something fires, and never of its end, is not told of it as new.
            if group.log.iter().flatten().any(|told| !told.firing.is_empty()) {
                self.remember(now, home, group.log);
            }
        }
        for labels in std::mem::take(&mut self.loose) {
            self.sources.remove(&self.plan, &labels);
            self.alerts.remove(&labels);
        }
        self.silences.forget(now);
    }

    fn remember(&mut self, now: Timestamp, home: Home, log: Log) {
        if self.remembered.len() >= MAX_GROUPS {
            let plan = &self.plan;
            self.remembered.retain(|home, log| {
                // Told again anyway by then.
                let limit = now - plan.node(home.route).repeat_interval;
                log.iter().flatten().any(|told| told.at >= limit)
            });
        }
        if self.remembered.len() >= MAX_GROUPS {
            self.remembered.pop_first();
            self.counters.forgotten += 1;
        }
        self.remembered.insert(home, log);
    }

    /// The next notification, after doing what is due; `None` until more happens or [`Dispatch::poll_timeout`]
    /// has come.
    pub fn poll_output(&mut self, now: Timestamp) -> Option<Notification> {
        if self.waiting.is_empty() && self.poll_timeout().is_some_and(|at| at <= now) {
            self.handle_timeout(now);
        }
        self.waiting.pop_front()
    }

    /// Tells all integrations of a receiver; of an end only those that want to hear of it.
    pub(super) fn tell_all(
        &mut self,
        now: Timestamp,
        receiver: usize,
        home: &Home,
        reason: &Reason,
        alerts: &[Arc<Alert>],
        is_end: bool,
    ) {
        let plan = Arc::clone(&self.plan);
        for (integration, way) in plan.integrations(Some(receiver)).iter().enumerate() {
            if way.send_resolved || !is_end {
                self.tell(now, (receiver, integration), home, reason.clone(), alerts.to_vec());
            }
        }
    }

    pub(super) fn tell(
        &mut self,
        now: Timestamp,
        (receiver, integration): (usize, usize),
        home: &Home,
        reason: Reason,
        alerts: Vec<Arc<Alert>>,
    ) {
        self.counters.count(receiver, reason.kind());
        self.waiting.push_back(Notification {
            number: self.next_number,
            at: now,
            receiver: Arc::clone(self.plan.receiver_name(receiver)),
            integration,
            route: Arc::clone(&self.plan.node(home.route).key),
            group_labels: home.labels.clone(),
            reason,
            alerts,
        });
        self.next_number += 1;
    }

    /// Makes a silence, or changes one. It holds from the next look at each group on.
    ///
    /// # Errors
    /// If it cannot be made; nothing has changed then.
    pub fn handle_silence(&mut self, now: Timestamp, silence: NewSilence) -> Result<SilenceId, SilenceError> {
        let now = self.advance(now);
        self.silences.set(now, silence)
    }

    /// Ends a silence.
    ///
    /// # Errors
    /// If there is none of that name, or it is over.
    pub fn handle_silence_end(&mut self, now: Timestamp, id: &SilenceId) -> Result<(), SilenceError> {
        let now = self.advance(now);
        self.silences.expire(now, id)
    }

    /// All silences that are remembered, by name.
    pub fn silences(&self) -> impl Iterator<Item = &Silence> {
        self.silences.iter()
    }

    /// The silence of that name.
    pub fn silence(&self, id: &SilenceId) -> Option<&Silence> {
        self.silences.get(id)
    }
}
