use std::collections::{BTreeMap, BTreeSet};

use assurance_metrics_model::{Labels, Timestamp};
use assurance_notifier::dispatch::{AckTarget, Notification, Reason};
use assurance_notifier::routing::{Chain, Escalation, InhibitRule, Route, Routing, Step, Unless};
use assurance_notifier::{Alert, AlertStatus};
use proptest::prelude::*;

use super::world::{World, at, equal, firing, hook, labels, over, routing, secs, silence, timed};

const NAMES: [&str; 6] = [
    "A/1/severity=critical",
    "A/2/severity=critical",
    "A/3/severity=info",
    "B/1/severity=critical",
    "B/2/severity=info",
    "Down/1/severity=info",
];

#[derive(Clone, Debug)]
pub(super) enum Act {
    /// The alert begins to fire, or is said to fire still.
    Fire(usize),
    /// It is over, or said to be over still.
    End(usize),
    /// It fires and nobody will say so again.
    Fade(usize),
    Silence(usize),
    /// The oldest silence ends.
    Speak,
    Ack(usize),
    Wait(i64),
}

pub(super) fn act() -> impl Strategy<Value = Act> {
    let which = 0..NAMES.len();
    prop_oneof![
        3 => which.clone().prop_map(Act::Fire),
        2 => which.clone().prop_map(Act::End),
        1 => which.clone().prop_map(Act::Fade),
        1 => which.clone().prop_map(Act::Silence),
        1 => Just(Act::Speak),
        1 => which.prop_map(Act::Ack),
        4 => (1..40i64).prop_map(Act::Wait),
        1 => (40..400i64).prop_map(Act::Wait),
    ]
}

/// Short waits, two routes for some alerts, an inhibition, and a chain.
pub(super) fn chained() -> (Routing, Option<Escalation>) {
    let mut routing = routing([3, 10, 50]);
    let critical = timed(routing.root.inherit(vec![equal("severity", "critical")]), [2, 7, 100]);
    routing.root.routes.push(Route { receiver: "pager".to_owned(), continues: true, ..critical.clone() });
    routing.root.routes.push(Route { receiver: "team".to_owned(), ..timed(critical, [3, 10, 50]) });
    for (name, send_resolved) in [("pager", false), ("senior", true), ("manager", true)] {
        routing.receivers.push(hook(name, send_resolved));
    }
    // Both routes tell `team` in the chain's test: the pager is for the others.
    routing.root.routes[0].matchers.push(equal("instance", "2"));
    routing.inhibit_rules.push(InhibitRule {
        source: vec![equal("alertname", "Down")],
        target: vec![equal("alertname", "B")],
        equal: vec!["instance".to_owned()],
    });
    let step = |after, unless, notify: &str| Step { after: secs(after), unless, notify: notify.to_owned() };
    let chain = Chain {
        name: "critical".to_owned(),
        matchers: vec![equal("severity", "critical")],
        receivers: Vec::new(),
        steps: vec![step(20, Unless::Acknowledged, "senior"), step(60, Unless::Resolved, "manager")],
    };
    (routing, Some(Escalation { chains: vec![chain] }))
}

/// A world that is played, and all it told.
pub(super) struct Played {
    pub(super) world: World,
    pub(super) second: i64,
    pub(super) all: Vec<Notification>,
    /// What the script says, by number: since when it fires, until when that holds, since when it is acknowledged.
    script: [Option<Scripted>; NAMES.len()],
    silenced: Vec<assurance_notifier::dispatch::SilenceId>,
}

#[derive(Clone, Copy, Debug)]
struct Scripted {
    since: i64,
    until: i64,
}

impl Scripted {
    fn is_firing(self, at: Timestamp) -> bool {
        self::at(self.until) > at
    }
}

pub(super) fn play(acts: &[Act], mut before: impl FnMut(&mut Played, usize)) -> Played {
    let (routing, escalation) = chained();
    let world = World::new(routing, escalation);
    let mut played = Played { world, second: 0, all: Vec::new(), script: [None; 6], silenced: Vec::new() };
    for (number, act) in acts.iter().enumerate() {
        before(&mut played, number);
        played.act(act);
        played.all.append(&mut played.world.told);
    }
    played
}

impl Played {
    fn act(&mut self, act: &Act) {
        let now = self.second;
        let dispatch = &mut self.world.dispatch;
        match *act {
            Act::Fire(n) | Act::Fade(n) => {
                let until = if matches!(act, Act::Fade(_)) { now + 30 } else { now + 1_000_000 };
                let before = self.script[n].filter(|s| s.is_firing(at(now)));
                let since = before.map_or(now, |s| s.since);
                // The later of two ends holds.
                let until = before.map_or(until, |s| s.until.max(until));
                self.script[n] = Some(Scripted { since, until });
                let alert = Alert { ends_at: at(until), ..firing(NAMES[n], since) };
                dispatch.handle_alerts(at(now), &[alert]);
            }
            Act::End(n) => {
                let since = self.script[n].map_or(now, |s| s.since);
                self.script[n] = None;
                dispatch.handle_alerts(at(now), &[over(NAMES[n], since, now)]);
            }
            Act::Silence(n) => {
                let asked = silence("alertname", &NAMES[n][..1], now, now + 60);
                self.silenced.push(dispatch.handle_silence(at(now), asked).expect("it makes sense"));
            }
            Act::Speak => {
                if !self.silenced.is_empty() {
                    // It may be over, which is an answer as well.
                    let _ = dispatch.handle_silence_end(at(now), &self.silenced.remove(0));
                }
            }
            Act::Ack(n) => {
                let target = AckTarget::Alert(labels(NAMES[n]).fingerprint());
                // There may be nothing to be taken, which is an answer as well.
                let _ = dispatch.handle_ack(at(now), &target, "kim", "");
            }
            Act::Wait(span) => {
                self.second += span;
            }
        }
        self.world.run_until(self.second);
    }
}

/// What one integration believes of one group.
#[derive(Debug, Default)]
struct Belief {
    firing: BTreeSet<Labels>,
    last: Option<Timestamp>,
}

/// Whether a notification says what its receiver could not know.
fn learn(belief: &mut Belief, told: &Notification, repeat: i64) -> Result<(), String> {
    let of = |status| {
        let alerts = told.alerts.iter().filter(move |alert| alert.status == status);
        alerts.map(|alert| alert.labels.clone()).collect::<BTreeSet<Labels>>()
    };
    let (firing, ended) = (of(AlertStatus::Firing), of(AlertStatus::Resolved));
    let is_true = match told.reason {
        Reason::First | Reason::Changed => !firing.is_subset(&belief.firing),
        Reason::Resolved => !ended.is_empty(),
        Reason::Repeat => {
            !firing.is_empty()
                && firing.is_subset(&belief.firing)
                && belief.last.is_some_and(|last| last + secs(repeat) < told.at)
        }
        _ => true,
    };
    let wrong = (!is_true).then(|| format!("{told:?} after {belief:?}"));
    belief.firing = firing;
    belief.last = Some(told.at);
    wrong.map_or(Ok(()), Err)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Each notification says something new, or that which was said long ago; and ends are only told to who was
    /// told of the beginning.
    #[test]
    fn nothing_is_told_twice_without_a_reason(acts in prop::collection::vec(act(), 1..80)) {
        let played = play(&acts, |_, _| {});
        let mut beliefs: BTreeMap<(String, String), Belief> = BTreeMap::new();
        for told in &played.all {
            if matches!(told.reason, Reason::First | Reason::Changed | Reason::Resolved | Reason::Repeat)
                && ["team", "pager"].contains(&&*told.receiver)
            {
                let repeat = if &*told.receiver == "pager" { 100 } else { 50 };
                let belief = beliefs.entry((told.receiver.to_string(), told.group_key())).or_default();
                // Who hears of no ends believes too much: what it was told last counts all the same.
                let result = if &*told.receiver == "pager" && told.reason == Reason::First {
                    belief.firing.clear();
                    learn(belief, told, repeat)
                } else {
                    learn(belief, told, repeat)
                };
                prop_assert_eq!(result, Ok(()));
            }
        }
    }

    /// Once things rest, each alert that fires is told, or says why not.
    #[test]
    fn whatever_fires_is_told_or_says_why_not(acts in prop::collection::vec(act(), 1..80)) {
        let mut played = play(&acts, |_, _| {});
        played.act(&Act::Wait(70));
        let now = at(played.second);
        let firing: BTreeSet<Labels> = played.script.iter().enumerate()
            .filter(|(_, scripted)| scripted.is_some_and(|s| s.is_firing(now)))
            .map(|(n, _)| labels(NAMES[n]))
            .collect();
        let mut seen = BTreeSet::new();
        for view in played.world.dispatch.groups(now).into_iter().flat_map(|group| group.alerts) {
            prop_assert!(view.is_told || view.suppression.is_some(), "{view:?}");
            prop_assert!(!view.is_over, "what is over has left: {view:?}");
            seen.insert(view.alert.labels.clone());
        }
        prop_assert_eq!(seen, firing);
    }

    /// Nobody is called for what somebody has taken, or for what is over; and for nothing twice.
    #[test]
    fn a_chain_ends_with_the_acknowledgement_or_the_alert(acts in prop::collection::vec(act(), 1..80)) {
        let mut acknowledged: BTreeSet<Labels> = BTreeSet::new();
        let mut called: BTreeSet<(Labels, usize)> = BTreeSet::new();
        let mut seen = 0;
        let mut problems = Vec::new();
        let mut check = |played: &mut Played| {
            for told in &played.all[seen..] {
                for alert in &told.alerts {
                    if let Reason::Escalation { step, .. } = told.reason {
                        if step == 0 && acknowledged.contains(&alert.labels) {
                            problems.push(format!("taken: {told:?}"));
                        }
                        if alert.status != AlertStatus::Firing || alert.ends_at <= told.at {
                            problems.push(format!("over: {told:?}"));
                        }
                        if !called.insert((alert.labels.clone(), step)) {
                            problems.push(format!("twice: {told:?}"));
                        }
                    }
                }
            }
            seen = played.all.len();
            let groups = played.world.dispatch.groups(at(played.second));
            let views = || groups.iter().flat_map(|group| &group.alerts);
            acknowledged = views()
                .filter(|view| view.acknowledged.is_some())
                .map(|view| view.alert.labels.clone())
                .collect();
            // What has left every group begins anew.
            called.retain(|(labels, _)| views().any(|v| v.alert.labels == *labels && v.climb.is_some()));
        };
        let mut played = play(&acts, |played, _| check(played));
        check(&mut played);
        prop_assert_eq!(problems, Vec::<String>::new());
    }
}
