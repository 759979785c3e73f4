//! The look at a group: who is told of what, and what leaves.

use std::sync::Arc;

use assurance_metrics_model::{Labels, Timestamp};

use super::alerts::Known;
use super::escalate::Climb;
use super::group::{self, Member, Told, is_over};
use super::machine::Dispatch;
use super::mute::Suppression;
use super::plan::Home;
use crate::AlertStatus;

impl Dispatch {
    pub(super) fn look(&mut self, now: Timestamp, home: &Home) {
        let plan = Arc::clone(&self.plan);
        let node = plan.node(home.route);
        let Some(group) = self.groups.get_mut(home) else { return };
        group.next_look = now + node.group_interval;
        group.is_known = true;
        self.looks.insert((group.next_look, home.clone()));
        if group.members.is_empty() {
            return;
        }
        for member in &mut group.members {
            if member.alert.status == AlertStatus::Firing && is_over(&member.alert, now) {
                Arc::make_mut(&mut member.alert).status = AlertStatus::Resolved;
            }
        }
        self.hear(now, home);
        self.tell_integrations(now, home);
        self.begin_climbs(now, home);
        self.leave(now, home);
    }

    /// Finds out who is not kept quiet.
    fn hear(&mut self, now: Timestamp, home: &Home) {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.heard.clear();
        scratch.firing.clear();
        scratch.resolved.clear();
        let muted = self.plan.muted(home.route, now);
        let members = self.groups.get(home).map_or(&[][..], |group| &group.members);
        for (place, member) in members.iter().enumerate() {
            let labels = &member.alert.labels;
            let inhibitor = || self.sources.inhibitor(&self.plan, &self.alerts, labels, now);
            if inhibitor().is_some() {
                self.counters.inhibited += 1;
            } else if muted.is_some() {
                self.counters.muted += 1;
            } else if !self.silences.is_empty() && self.silences.holding(labels, now).next().is_some() {
                self.counters.silenced += 1;
            } else {
                scratch.heard.push(place);
                let list = match member.alert.status {
                    AlertStatus::Firing => &mut scratch.firing,
                    AlertStatus::Resolved => &mut scratch.resolved,
                };
                list.push(member.fingerprint);
            }
        }
        scratch.firing.sort_unstable();
        scratch.resolved.sort_unstable();
        self.scratch = scratch;
    }

    fn tell_integrations(&mut self, now: Timestamp, home: &Home) {
        let plan = Arc::clone(&self.plan);
        let node = plan.node(home.route);
        let Some(receiver) = node.receiver_index else { return };
        let scratch = std::mem::take(&mut self.scratch);
        let (firing, resolved) = (&scratch.firing[..], &scratch.resolved[..]);
        for (integration, way) in plan.integrations(node.receiver_index).iter().enumerate() {
            let Some(group) = self.groups.get_mut(home).filter(|_| !scratch.heard.is_empty()) else { break };
            if group.log.len() <= integration {
                group.log.resize(integration + 1, None);
            }
            let entry = &mut group.log[integration];
            let repeat = node.repeat_interval;
            let Some(reason) =
                group::reason(entry.as_ref(), firing, resolved, way.send_resolved, now, repeat)
            else {
                continue;
            };
            let told =
                entry.get_or_insert_with(|| Told { firing: Vec::new(), resolved: Vec::new(), at: now });
            told.at = now;
            told.firing.clear();
            told.firing.extend_from_slice(firing);
            told.resolved.clear();
            told.resolved.extend_from_slice(resolved);
            let is_wanted =
                |member: &&Member| way.send_resolved || member.alert.status == AlertStatus::Firing;
            let alerts: Vec<_> = scratch
                .heard
                .iter()
                .map(|place| &group.members[*place])
                .filter(is_wanted)
                .map(|member| Arc::clone(&member.alert))
                .collect();
            // Who does not want to hear of ends has now heard all there is: the log says so.
            if !alerts.is_empty() {
                self.tell(now, (receiver, integration), home, reason, alerts);
            }
        }
        self.scratch = scratch;
    }

    fn begin_climbs(&mut self, now: Timestamp, home: &Home) {
        if self.plan.escalation().chains.is_empty() {
            return;
        }
        let Some(group) = self.groups.get(home) else { return };
        let heard = self.scratch.heard.iter().map(|place| &group.members[*place].alert);
        let firing = heard.filter(|alert| alert.status == AlertStatus::Firing);
        let labels: Vec<Labels> = firing.map(|alert| alert.labels.clone()).collect();
        for labels in labels {
            if let Some(Known { chain: Some(chain), climb: None, .. }) = self.alerts.get(&labels) {
                let climb = Climb::begin(&self.plan, *chain, home.clone(), now);
                self.set_climb(&labels, climb);
            }
        }
    }

    /// What is over leaves.
    fn leave(&mut self, now: Timestamp, home: &Home) {
        let Some(group) = self.groups.get_mut(home) else { return };
        let is_left = |member: &mut Member| member.alert.status == AlertStatus::Resolved;
        let left: Vec<Member> = group.members.extract_if(.., is_left).collect();
        if group.members.is_empty() {
            self.empty.insert(home.clone());
            self.plan_cleanup(now);
        }
        for Member { alert, .. } in left {
            self.end_climb(home, &alert);
            let Some(known) = self.alerts.get_mut(&alert.labels) else { continue };
            known.held -= 1;
            if known.held == 0 {
                known.ack = None;
                self.loose.insert(alert.labels.clone());
                self.plan_cleanup(now);
            }
        }
    }

    /// Why nobody is told of an alert in a group at `now`.
    pub(super) fn suppression(&self, now: Timestamp, home: &Home, labels: &Labels) -> Option<Suppression> {
        if let Some(by) = self.sources.inhibitor(&self.plan, &self.alerts, labels, now) {
            return Some(Suppression::Inhibited { by });
        }
        if let Some(by) = self.plan.muted(home.route, now) {
            return Some(Suppression::Muted(by));
        }
        let by: Vec<_> = self.silences.holding(labels, now).map(|silence| silence.id.clone()).collect();
        if !by.is_empty() {
            return Some(Suppression::Silenced { by });
        }
        let receiver = self.plan.node(home.route).receiver_index;
        self.plan.integrations(receiver).is_empty().then_some(Suppression::NobodyThere)
    }
}
