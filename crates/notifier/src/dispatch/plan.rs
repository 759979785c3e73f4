use std::sync::Arc;

use assurance_metrics_model::{Duration, Labels, Matcher, Timestamp};

use crate::routing::{Escalation, GroupBy, Integration, MutedBy, Route, Routing, ShowMatchers};

/// Routing and escalation, laid out for speed: made once, shared by any number of machines.
#[derive(Debug)]
pub struct Plan {
    routing: Routing,
    escalation: Escalation,
    /// Parents before children.
    nodes: Vec<Node>,
    receivers: Vec<Arc<str>>,
    /// Of what says which alerts are in which group.
    sum: u64,
}

/// One route, by its place in the tree.
#[derive(Debug)]
pub(super) struct Node {
    /// The matchers from the root down, as Alertmanager writes the first part of a group's key.
    pub(super) key: Arc<str>,
    /// Where the routes below it end.
    end: usize,
    matchers: Vec<Matcher>,
    continues: bool,
    group_by: GroupBy,
    pub(super) receiver: Arc<str>,
    /// Among the receivers; `None` where the name is nobody's.
    pub(super) receiver_index: Option<usize>,
    pub(super) group_wait: Duration,
    pub(super) group_interval: Duration,
    pub(super) repeat_interval: Duration,
    mute: Vec<String>,
    active: Vec<String>,
}

/// A group's name: the route, by its number, and the labels grouped by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Home {
    pub(super) route: usize,
    pub(super) labels: Labels,
}

impl Plan {
    /// Lays out a routing and, where there is one, an escalation.
    pub fn new(routing: Routing, escalation: Option<Escalation>) -> Self {
        let receivers: Vec<Arc<str>> = routing.receivers.iter().map(|r| Arc::from(&*r.name)).collect();
        let mut nodes = Vec::new();
        lay_out(&routing.root, "", &receivers, &mut nodes);
        let sum = sum(&nodes);
        Self { routing, escalation: escalation.unwrap_or_default(), nodes, receivers, sum }
    }

    /// What was laid out.
    pub fn routing(&self) -> &Routing {
        &self.routing
    }

    /// The chains.
    pub fn escalation(&self) -> &Escalation {
        &self.escalation
    }

    pub(super) fn sum(&self) -> u64 {
        self.sum
    }

    pub(super) fn node(&self, route: usize) -> &Node {
        &self.nodes[route]
    }

    pub(super) fn route_by_key(&self, key: &str, receiver: &str) -> Option<usize> {
        self.nodes.iter().position(|node| &*node.key == key && &*node.receiver == receiver)
    }

    pub(super) fn receiver_count(&self) -> usize {
        self.receivers.len()
    }

    pub(super) fn receiver_index(&self, name: &str) -> Option<usize> {
        self.routing.receivers.iter().position(|receiver| receiver.name == name)
    }

    pub(super) fn receiver_name(&self, index: usize) -> &Arc<str> {
        &self.receivers[index]
    }

    /// Nobody's receiver has none.
    pub(super) fn integrations(&self, receiver: Option<usize>) -> &[Integration] {
        receiver.map_or(&[], |index| &self.routing.receivers[index].integrations)
    }

    /// The groups an alert belongs to, in the order of [`Routing::find`].
    pub(super) fn homes(&self, labels: &Labels) -> Arc<[Home]> {
        let mut found = Vec::new();
        self.find_below(0, labels, &mut found);
        found.into_iter().map(|route| self.home(route, labels)).collect()
    }

    fn home(&self, route: usize, labels: &Labels) -> Home {
        let labels = match &self.nodes[route].group_by {
            GroupBy::All => labels.clone(),
            GroupBy::Labels(names) if names.is_empty() => Labels::empty(),
            GroupBy::Labels(names) => {
                Labels::from_sorted(labels.iter().filter(|(name, _)| names.iter().any(|n| n == name)))
            }
        };
        Home { route, labels }
    }

    /// As [`Routing::find`], by number.
    fn find_below(&self, route: usize, labels: &Labels, found: &mut Vec<usize>) -> bool {
        let node = &self.nodes[route];
        if !node.matchers.iter().all(|matcher| matcher.matches_labels(labels)) {
            return false;
        }
        let before = found.len();
        let mut child = route + 1;
        while child < node.end {
            if self.find_below(child, labels, found) && !self.nodes[child].continues {
                break;
            }
            child = self.nodes[child].end;
        }
        if found.len() == before {
            found.push(route);
        }
        true
    }

    /// Why a route is silent at this time.
    pub(super) fn muted(&self, route: usize, at: Timestamp) -> Option<MutedBy> {
        let node = &self.nodes[route];
        if node.mute.is_empty() && node.active.is_empty() {
            return None;
        }
        let within =
            |name: &&String| self.routing.time_intervals.iter().any(|i| i.name == **name && i.contains(at));
        if let Some(name) = node.mute.iter().find(within) {
            return Some(MutedBy::Interval(name.clone()));
        }
        (!node.active.is_empty() && !node.active.iter().any(|name| within(&name)))
            .then_some(MutedBy::NoActiveInterval)
    }

    /// The chain of an alert that takes these routes, by number.
    pub(super) fn chain(&self, labels: &Labels, homes: &[Home]) -> Option<usize> {
        if self.escalation.chains.is_empty() {
            return None;
        }
        let receivers: Vec<&str> = homes.iter().map(|home| &*self.nodes[home.route].receiver).collect();
        self.escalation.chains.iter().position(|chain| chain.applies(labels, &receivers))
    }
}

fn lay_out(route: &Route, parent: &str, receivers: &[Arc<str>], nodes: &mut Vec<Node>) {
    let matchers = ShowMatchers(&route.matchers);
    let key = if nodes.is_empty() { matchers.to_string() } else { format!("{parent}/{matchers}") };
    let receiver_index = receivers.iter().position(|name| **name == *route.receiver);
    let place = nodes.len();
    nodes.push(Node {
        key: Arc::from(&*key),
        end: place + 1,
        matchers: route.matchers.clone(),
        continues: route.continues,
        group_by: route.group_by.clone(),
        receiver: receiver_index.map_or_else(|| Arc::from(&*route.receiver), |at| Arc::clone(&receivers[at])),
        receiver_index,
        group_wait: route.group_wait,
        group_interval: route.group_interval,
        repeat_interval: route.repeat_interval,
        mute: route.mute_time_intervals.clone(),
        active: route.active_time_intervals.clone(),
    });
    for child in &route.routes {
        lay_out(child, &key, receivers, nodes);
    }
    nodes[place].end = nodes.len();
}

fn sum(nodes: &[Node]) -> u64 {
    let texts = nodes.iter().map(|node| {
        let Node { key, receiver, continues, group_by, .. } = node;
        format!("{key} {receiver} {continues} {group_by:?}")
    });
    Labels::from_pairs(texts.enumerate().map(|(place, text)| (format!("{place:09}"), text))).fingerprint()
}
