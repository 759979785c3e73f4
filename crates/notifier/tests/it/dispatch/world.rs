//! A small world to script: seconds, alerts by short names, and what is told as lines.

use std::sync::Arc;

use assurance_metrics_model::{Duration, Labels, Matcher, Timestamp};
use assurance_notifier::dispatch::{Dispatch, NewSilence, Notification, Plan};
use assurance_notifier::routing::{
    Escalation, GroupBy, Integration, IntegrationKind, ReceiverDefinition, Route, Routing,
};
use assurance_notifier::{Alert, AlertStatus};

/// Far enough in the past for nobody to care, and a multiple of a week: Thursday, midnight.
pub(crate) const START: i64 = 604_800 * 2_900;

pub(crate) fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(START + secs)
}

pub(crate) fn secs(secs: i64) -> Duration {
    Duration::from_secs(secs)
}

pub(crate) fn equal(name: &str, value: &str) -> Matcher {
    Matcher::equal(name, value)
}

/// A receiver with one webhook.
pub(crate) fn hook(name: &str, send_resolved: bool) -> ReceiverDefinition {
    let way = Integration {
        kind: IntegrationKind::Webhook,
        index: 0,
        description: format!("webhook:{name}"),
        send_resolved,
    };
    ReceiverDefinition { name: name.to_owned(), integrations: vec![way] }
}

/// The waits of a route: `group_wait`, `group_interval`, `repeat_interval`, in seconds.
pub(crate) fn timed(mut route: Route, waits: [i64; 3]) -> Route {
    [route.group_wait, route.group_interval, route.repeat_interval] = waits.map(secs);
    route
}

/// Everything to `team`, grouped by alert name.
pub(crate) fn routing(waits: [i64; 3]) -> Routing {
    let mut root = timed(Route::new("team"), waits);
    root.group_by = GroupBy::Labels(vec!["alertname".to_owned()]);
    Routing {
        root,
        receivers: vec![hook("team", true)],
        inhibit_rules: Vec::new(),
        time_intervals: Vec::new(),
        resolve_timeout: secs(300),
    }
}

/// `A/1` is the alert `A` of the instance `1`; further labels follow, as in `A/1/severity=critical`.
pub(crate) fn labels(name: &str) -> Labels {
    let mut labels = Labels::empty().to_builder();
    for (place, part) in name.split('/').enumerate() {
        match (place, part.split_once('=')) {
            (0, _) => labels.set("alertname", part),
            (_, Some((name, value))) => labels.set(name, value),
            (_, None) => labels.set("instance", part),
        };
    }
    labels.build()
}

/// What a script says of an alert: it fires since this second, or is over.
pub(crate) fn firing(name: &str, since: i64) -> Alert {
    // Nobody speaks of it again, and it stays: most scripts are not about that.
    Alert { ends_at: at(since + 100_000_000), ..Alert::firing(labels(name), at(since)) }
}

pub(crate) fn over(name: &str, since: i64, until: i64) -> Alert {
    firing(name, since).resolved(at(until))
}

pub(crate) fn silence(name: &str, value: &str, from: i64, until: i64) -> NewSilence {
    NewSilence {
        id: None,
        matchers: vec![equal(name, value)],
        starts_at: at(from),
        ends_at: at(until),
        created_by: "ops".to_owned(),
        comment: "planned".to_owned(),
    }
}

/// A machine, and what it told.
pub(crate) struct World {
    pub(crate) dispatch: Dispatch,
    pub(crate) told: Vec<Notification>,
}

impl World {
    pub(crate) fn new(routing: Routing, escalation: Option<Escalation>) -> Self {
        let plan = Arc::new(Plan::new(routing, escalation));
        Self { dispatch: Dispatch::with_plan(plan, at(0)), told: Vec::new() }
    }

    /// Jumps from one thing that is due to the next, up to this second.
    pub(crate) fn run_until(&mut self, second: i64) {
        loop {
            let due = self.dispatch.poll_timeout().filter(|due| *due <= at(second));
            let now = due.unwrap_or(at(second));
            self.dispatch.handle_timeout(now);
            while let Some(told) = self.dispatch.poll_output(now) {
                self.told.push(told);
            }
            if due.is_none() {
                break;
            }
        }
    }

    pub(crate) fn alert(&mut self, second: i64, alert: &Alert) {
        self.run_until(second);
        let refused = self.dispatch.handle_alerts(at(second), std::slice::from_ref(alert));
        assert_eq!(refused, [], "nothing is refused");
        self.run_until(second);
    }

    pub(crate) fn fires(&mut self, second: i64, name: &str) {
        self.alert(second, &firing(name, second));
    }

    pub(crate) fn ends(&mut self, second: i64, name: &str) {
        self.alert(second, &over(name, 0, second));
    }

    /// What was told since the last call, up to this second.
    pub(crate) fn told_until(&mut self, second: i64) -> Vec<String> {
        self.run_until(second);
        self.told.drain(..).map(|told| line(&told)).collect()
    }
}

/// `10 team first: A/1 B/2!`, with `!` for what is over.
pub(crate) fn line(told: &Notification) -> String {
    let second = (told.at - at(0)).as_secs_f64();
    let alerts = told.alerts.iter().map(|alert| {
        let over = if alert.status == AlertStatus::Resolved { "!" } else { "" };
        let instance = alert.labels.get("instance").map(|i| format!("/{i}")).unwrap_or_default();
        format!(" {}{instance}{over}", alert.name())
    });
    format!("{second} {} {}:{}", told.receiver, told.reason, alerts.collect::<String>())
}
