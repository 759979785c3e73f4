//! What must survive a restart, as plain data for whoever keeps it.

use std::collections::BTreeSet;
use std::sync::Arc;

use assurance_metrics_model::{Duration, Labels, Timestamp};

use super::alerts::Known;
use super::escalate::{Acknowledgement, Climb};
use super::group::{Group, Log, Told};
use super::machine::Dispatch;
use super::notification::Notification;
use super::plan::{Home, Plan};
use super::silence::{Silence, Silences};
use crate::{Alert, AlertStatus};

/// All that a [`Dispatch`] knows.
#[derive(Clone, Debug, PartialEq)]
pub struct DispatchState {
    /// When it began: the instants at which empty groups are removed are counted from here.
    pub started: Timestamp,
    /// Its time at the export.
    pub exported: Timestamp,
    /// What the routes were, as a sum: where they are the same, everything finds its place.
    pub routes: u64,
    /// Alerts.
    pub alerts: Vec<AlertRecord>,
    /// Groups.
    pub groups: Vec<GroupRecord>,
    /// What was told of groups that are gone.
    pub remembered: Vec<(GroupName, Vec<LogRecord>)>,
    /// How many silences were ever made.
    pub silences_made: u64,
    /// Silences.
    pub silences: Vec<Silence>,
    /// The number of the next notification.
    pub next_number: u64,
    /// Notifications that nobody has taken out.
    pub waiting: Vec<Notification>,
    /// When empty groups are removed next.
    pub cleanup_at: Option<Timestamp>,
}

/// What tells a group from others, over restarts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupName {
    /// The matchers of its route, from the root down.
    pub route: Arc<str>,
    /// The route's receiver.
    pub receiver: Arc<str>,
    /// The labels it is grouped by.
    pub labels: Labels,
}

/// An alert.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRecord {
    /// Its newest state.
    pub alert: Alert,
    /// Whether its end is a guess.
    pub is_guess: bool,
    /// When somebody last spoke of it.
    pub updated_at: Timestamp,
    /// Who has taken it.
    pub acknowledged: Option<Acknowledgement>,
    /// How far it has come on its chain.
    pub climb: Option<ClimbRecord>,
}

/// How far an alert has come on its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClimbRecord {
    /// The chain's name.
    pub chain: Arc<str>,
    /// The group it began in.
    pub group: GroupName,
    /// When it began.
    pub started: Timestamp,
    /// The next step, from 0.
    pub next: usize,
    /// When that is looked at.
    pub due: Option<Timestamp>,
    /// The receivers told so far.
    pub told: Vec<Arc<str>>,
}

/// A group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupRecord {
    /// Which.
    pub name: GroupName,
    /// When it is looked at next.
    pub next_look: Timestamp,
    /// Whether it has been looked at.
    pub is_known: bool,
    /// The labels of its alerts.
    pub members: Vec<Labels>,
    /// What was told last.
    pub log: Vec<LogRecord>,
}

/// What an integration was told last of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// The integration, as [`Integration`](crate::routing::Integration) prints itself.
    pub integration: String,
    /// Fingerprints of what was told as firing.
    pub firing: Vec<u64>,
    /// Fingerprints of what was told as over.
    pub resolved: Vec<u64>,
    /// When.
    pub at: Timestamp,
}

/// What of a state found its place again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Alerts.
    pub alerts: usize,
    /// Groups that went on as they were.
    pub groups: usize,
    /// Groups whose route is gone, or takes other alerts now: theirs were put into groups anew, and what was told
    /// of those that are gone may be told again.
    pub moved: usize,
}

impl Dispatch {
    /// All that it knows, to be restored in another.
    pub fn export_state(&self) -> DispatchState {
        let plan = &*self.plan;
        let alerts = self.alerts.values().map(|known| AlertRecord {
            alert: (*known.alert).clone(),
            is_guess: known.is_guess,
            updated_at: known.updated_at,
            acknowledged: known.ack.clone(),
            climb: known.climb.as_ref().map(|climb| ClimbRecord {
                chain: Arc::clone(&climb.chain),
                group: plan.name(&climb.home),
                started: climb.started,
                next: climb.next,
                due: climb.due,
                told: climb.told.clone(),
            }),
        });
        let groups = self.groups.iter().map(|(home, group)| GroupRecord {
            name: plan.name(home),
            next_look: group.next_look,
            is_known: group.is_known,
            members: group.members.iter().map(|member| member.alert.labels.clone()).collect(),
            log: plan.write_log(home, &group.log),
        });
        let remembered =
            self.remembered.iter().map(|(home, log)| (plan.name(home), plan.write_log(home, log)));
        DispatchState {
            started: self.started,
            exported: self.now,
            routes: plan.sum(),
            alerts: alerts.collect(),
            groups: groups.collect(),
            remembered: remembered.collect(),
            silences_made: self.silences.made,
            silences: self.silences.iter().cloned().collect(),
            next_number: self.next_number,
            waiting: self.waiting.iter().cloned().collect(),
            cleanup_at: self.cleanup_at,
        }
    }

    /// Goes on from a state, in the place of all that it knows. Time that has passed since the export does not
    /// count against alerts that nobody could speak of meanwhile; notifications that fell due are made at the next
    /// [`Dispatch::handle_timeout`].
    pub fn restore_state(&mut self, now: Timestamp, state: DispatchState) -> Restored {
        self.reset(now);
        let asleep = (now - state.exported).max(Duration::from_millis(0));
        let is_same_plan = state.routes == self.plan.sum();
        let mut restored = Restored { alerts: state.alerts.len(), ..Restored::default() };
        self.started = state.started.min(now);
        self.next_number = state.next_number;
        self.waiting = state.waiting.into();
        self.silences = Silences::restore(state.silences_made, state.silences);
        let held: BTreeSet<Labels> =
            state.groups.iter().flat_map(|group| group.members.iter().cloned()).collect();
        for record in state.alerts {
            self.restore_alert(record, state.exported, asleep);
        }
        let (mut found, mut moved) = (BTreeSet::new(), BTreeSet::new());
        for group in state.groups {
            match self.plan.home_of(&group.name) {
                Some(home) => {
                    let before = moved.len();
                    self.restore_group(now, &home, group, &mut moved);
                    restored.groups += 1;
                    restored.moved += usize::from(moved.len() > before);
                    found.insert(home);
                }
                None => {
                    restored.moved += 1;
                    moved.extend(group.members);
                }
            }
        }
        for (name, log) in state.remembered {
            if let Some(home) = self.plan.home_of(&name) {
                let log = self.plan.read_log(&home, log);
                self.remembered.insert(home, log);
            }
        }
        if !is_same_plan {
            self.move_in(now, &held, &found, &moved);
        }
        let loose = self.alerts.iter().filter(|(_, known)| known.held == 0);
        self.loose = loose.map(|(labels, _)| labels.clone()).collect();
        self.restore_climbs(now);
        let soon = |at: &Timestamp| *at <= now + super::machine::CLEANUP_INTERVAL;
        self.cleanup_at = state.cleanup_at.filter(soon).map(|at| at.max(now));
        if self.cleanup_at.is_none() && !(self.loose.is_empty() && self.empty.is_empty()) {
            self.plan_cleanup(now);
        }
        restored
    }

    /// Takes another plan. Groups of routes that stay go on; alerts whose routes change are put into groups anew.
    pub fn reload(&mut self, now: Timestamp, plan: Arc<Plan>) -> Restored {
        let now = self.advance(now);
        let state = self.export_state();
        let old = std::mem::replace(self, Self::with_plan(plan, now));
        let restored = self.restore_state(now, state);
        self.counters = old.counters.on(&old.plan, &self.plan);
        restored
    }

    fn restore_alert(&mut self, record: AlertRecord, exported: Timestamp, asleep: Duration) {
        let AlertRecord { mut alert, is_guess, updated_at, acknowledged, climb } = record;
        if alert.status == AlertStatus::Firing && alert.ends_at > exported {
            alert.ends_at += asleep;
        }
        let labels = alert.labels.clone();
        let homes = self.plan.homes(&labels);
        let chain = self.plan.chain(&labels, &homes);
        let climb = climb.and_then(|climb| {
            // A chain of another name is another chain, which begins with the next look.
            let is_same = chain.is_some_and(|at| self.plan.escalation().chains[at].name == *climb.chain);
            let home = self.plan.home_of(&climb.group).filter(|_| is_same)?;
            let ClimbRecord { chain, group: _, started, next, due, told } = climb;
            Some(Climb { chain, started, next, due, told, home })
        });
        self.sources.add(&self.plan, &labels);
        let known = Known {
            fingerprint: labels.fingerprint(),
            alert: Arc::new(alert),
            is_guess,
            updated_at,
            homes,
            held: 0,
            chain,
            ack: acknowledged,
            climb,
        };
        self.alerts.insert(labels, known);
    }

    /// Those of its alerts that belong elsewhere now are `moved`.
    fn restore_group(
        &mut self,
        now: Timestamp,
        home: &Home,
        record: GroupRecord,
        moved: &mut BTreeSet<Labels>,
    ) {
        let node = self.plan.node(home.route);
        // A clock that was set back, or a shorter interval: never later than a group that begins now.
        let latest = now + if record.is_known { node.group_interval } else { node.group_wait };
        let next_look = record.next_look.clamp(now, latest);
        let mut group = Group::new(next_look, self.plan.read_log(home, record.log));
        group.is_known = record.is_known;
        for labels in record.members {
            match self.alerts.get_mut(&labels) {
                Some(known) if known.homes.contains(home) => {
                    known.held += 1;
                    group.insert(known.fingerprint, Arc::clone(&known.alert));
                }
                _ => {
                    moved.insert(labels);
                }
            }
        }
        if group.members.is_empty() {
            self.empty.insert(home.clone());
        }
        self.looks.insert((next_look, home.clone()));
        self.groups.insert(home.clone(), group);
    }

    /// Puts alerts that were in any group into those that the plan has for them and that are new.
    fn move_in(
        &mut self,
        now: Timestamp,
        held: &BTreeSet<Labels>,
        found: &BTreeSet<Home>,
        moved: &BTreeSet<Labels>,
    ) {
        for labels in held {
            let Some(known) = self.alerts.get(labels) else { continue };
            let (homes, alert) = (Arc::clone(&known.homes), Arc::clone(&known.alert));
            for home in &*homes {
                let is_there = self.groups.get(home).is_some_and(|group| group.contains(labels));
                // From a group that went on it may have left already.
                let has_left = found.contains(home) && !moved.contains(labels);
                if !is_there && !has_left && self.put(now, home, &alert).is_err() {
                    self.counters.refused += 1;
                }
            }
        }
    }

    fn restore_climbs(&mut self, now: Timestamp) {
        for (labels, known) in &mut self.alerts {
            let is_there =
                |climb: &Climb| self.groups.get(&climb.home).is_some_and(|group| group.contains(labels));
            known.climb = known.climb.take().filter(is_there);
            if let Some(due) = known.climb.as_mut().and_then(|climb| climb.due.as_mut()) {
                *due = now.max(*due);
                self.climbs.insert((*due, labels.clone()));
            }
        }
    }
}

impl Plan {
    fn name(&self, home: &Home) -> GroupName {
        let node = self.node(home.route);
        GroupName {
            route: Arc::clone(&node.key),
            receiver: Arc::clone(&node.receiver),
            labels: home.labels.clone(),
        }
    }

    fn home_of(&self, name: &GroupName) -> Option<Home> {
        let route = self.route_by_key(&name.route, &name.receiver)?;
        Some(Home { route, labels: name.labels.clone() })
    }

    fn write_log(&self, home: &Home, log: &Log) -> Vec<LogRecord> {
        let ways = self.integrations(self.node(home.route).receiver_index);
        let told = ways.iter().zip(log).filter_map(|(way, told)| Some((way, told.as_ref()?)));
        told.map(|(way, told)| LogRecord {
            integration: way.to_string(),
            firing: told.firing.clone(),
            resolved: told.resolved.clone(),
            at: told.at,
        })
        .collect()
    }

    fn read_log(&self, home: &Home, records: Vec<LogRecord>) -> Log {
        let ways = self.integrations(self.node(home.route).receiver_index);
        let mut log: Log = vec![None; ways.len()];
        for LogRecord { integration, firing, resolved, at } in records {
            if let Some(place) = ways.iter().position(|way| way.to_string() == integration) {
                log[place] = Some(Told { firing, resolved, at });
            }
        }
        log
    }
}
