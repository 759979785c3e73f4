use assurance_metrics_model::{Duration, Labels, Matcher};

/// By which labels a route puts alerts into one notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// By these; none means one group for all.
    Labels(Vec<String>),
    /// By every label: each alert is a group of its own (`group_by: ['...']`).
    All,
}

/// One node of the tree. What a route inherits from its parent is filled in already.
#[derive(Clone, Debug)]
pub struct Route {
    /// The name of the receiver.
    pub receiver: String,
    /// All of them must match; sorted by name, then value.
    pub matchers: Vec<Matcher>,
    /// Whether siblings after this one are looked at even though this one matches.
    pub continues: bool,
    /// By which labels alerts are grouped.
    pub group_by: GroupBy,
    /// How long a new group waits for more alerts before the first notification.
    pub group_wait: Duration,
    /// How long after a notification the group's changes are told.
    pub group_interval: Duration,
    /// How long after a notification the same is told again.
    pub repeat_interval: Duration,
    /// Names of the times during which this route is silent; not inherited.
    pub mute_time_intervals: Vec<String>,
    /// Names of the times outside of which this route is silent; empty for always active; not inherited.
    pub active_time_intervals: Vec<String>,
    /// The children, in the order in which they are looked at.
    pub routes: Vec<Route>,
}

impl Route {
    /// Half a minute, as Alertmanager waits where nothing is written.
    pub const DEFAULT_GROUP_WAIT: Duration = Duration::from_secs(30);
    /// Five minutes.
    pub const DEFAULT_GROUP_INTERVAL: Duration = Duration::from_minutes(5);
    /// Four hours.
    pub const DEFAULT_REPEAT_INTERVAL: Duration = Duration::from_minutes(240);

    /// A root that sends everything to `receiver`, with Alertmanager's defaults.
    pub fn new(receiver: &str) -> Self {
        Self {
            receiver: receiver.to_owned(),
            matchers: Vec::new(),
            continues: false,
            group_by: GroupBy::Labels(Vec::new()),
            group_wait: Self::DEFAULT_GROUP_WAIT,
            group_interval: Self::DEFAULT_GROUP_INTERVAL,
            repeat_interval: Self::DEFAULT_REPEAT_INTERVAL,
            mute_time_intervals: Vec::new(),
            active_time_intervals: Vec::new(),
            routes: Vec::new(),
        }
    }

    /// A child as it is where nothing but its matchers is written.
    pub fn inherit(&self, matchers: Vec<Matcher>) -> Self {
        Self {
            receiver: self.receiver.clone(),
            matchers,
            continues: false,
            group_by: self.group_by.clone(),
            group_wait: self.group_wait,
            group_interval: self.group_interval,
            repeat_interval: self.repeat_interval,
            mute_time_intervals: Vec::new(),
            active_time_intervals: Vec::new(),
            routes: Vec::new(),
        }
    }

    /// Whether this node's own matchers match; parents are not asked.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches_labels(labels))
    }

    /// This route and all below it, parents before children, each with its depth.
    pub fn walk(&self) -> Vec<(usize, &Self)> {
        let mut out = Vec::new();
        let mut waiting = vec![(0, self)];
        while let Some((depth, route)) = waiting.pop() {
            out.push((depth, route));
            waiting.extend(route.routes.iter().rev().map(|child| (depth + 1, child)));
        }
        out
    }

    /// Adds the routes below this one that take the alert; says whether there are any.
    pub(super) fn find_below<'a>(&'a self, labels: &Labels, found: &mut Vec<&'a Self>) -> bool {
        if !self.matches(labels) {
            return false;
        }
        let before = found.len();
        for child in &self.routes {
            if child.find_below(labels, found) && !child.continues {
                break;
            }
        }
        if found.len() == before {
            found.push(self);
        }
        true
    }
}
