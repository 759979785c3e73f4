use std::collections::{BTreeMap, BTreeSet};

use assurance_config::Notify;
use assurance_diagnostics::{Source, yaml};
use assurance_metrics_model::{MatchOp, Matcher};

use super::{Bench, inhibition};
use crate::catalog;
use crate::flow::Flow;
use crate::found::{Found, words};
use crate::read::of_the_file;
use crate::subject::Subject;
use crate::tree::{Node, Tree, step};

/// Whether matchers match, as far as labels are known before the alert is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matches {
    Yes,
    No,
    Maybe,
}

/// What is known of an alert's labels before it is there.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) subject: &'a Subject<'a>,
    fixed: BTreeMap<&'a str, &'a str>,
    flows: Vec<Flow>,
    templated: BTreeSet<&'a str>,
}

impl<'a> Known<'a> {
    pub(super) fn all(bench: &Bench<'a>) -> Vec<Self> {
        let external = bench.world.config.map(|config| &config.global.external_labels);
        bench
            .alerts()
            .map(|(subject, alert)| {
                let mut fixed: BTreeMap<&str, &str> = external.into_iter().flatten().collect();
                let mut templated = BTreeSet::new();
                for (name, template) in &alert.labels {
                    fixed.remove(name.as_str());
                    if template.is_plain() {
                        fixed.insert(name, template.text());
                    } else {
                        templated.insert(name.as_str());
                    }
                }
                fixed.insert("alertname", &alert.alert);
                Known { subject, fixed, templated, flows: bench.world.flows(alert.expression.tree()) }
            })
            .collect()
    }

    fn one(&self, matcher: &Matcher) -> Matches {
        let name = matcher.name();
        let verdict = |matches| if matches { Matches::Yes } else { Matches::No };
        if let Some(value) = self.fixed.get(name) {
            return verdict(matcher.matches(value));
        }
        if self.templated.contains(name) || self.flows.iter().any(|flow| flow.can_have(name)) {
            return Matches::Maybe;
        }
        verdict(matcher.matches(""))
    }

    /// What a label's value is known to be: the empty text where it cannot be there, `None` where it depends.
    fn value(&self, label: &str) -> Option<&str> {
        if let Some(value) = self.fixed.get(label) {
            return Some(value);
        }
        let possible = self.templated.contains(label) || self.flows.iter().any(|flow| flow.can_have(label));
        (!possible).then_some("")
    }

    /// Whether two alerts can never have the same value of a label.
    pub(super) fn never_agree(&self, other: &Self, label: &str) -> bool {
        let always = |known: &Self| {
            !known.templated.contains(label)
                && !known.flows.is_empty()
                && known.flows.iter().all(|flow| flow.sure.contains(label))
        };
        match (self.value(label), other.value(label)) {
            (Some(one), Some(two)) => one != two,
            (Some(""), None) => always(other),
            (None, Some("")) => always(self),
            _ => false,
        }
    }

    pub(super) fn matched(&self, matchers: &[Matcher]) -> Matches {
        let verdicts: Vec<Matches> = matchers.iter().map(|matcher| self.one(matcher)).collect();
        if verdicts.contains(&Matches::No) {
            Matches::No
        } else if verdicts.contains(&Matches::Maybe) {
            Matches::Maybe
        } else {
            Matches::Yes
        }
    }
}

pub(super) fn check(bench: &Bench<'_>, found: &mut Found) {
    let Some(source) = &bench.input.notify else { return };
    let notify = found.read(source, |source| assurance_config::load_notify(source, ""));
    if let Some(notify) = &notify {
        found.odd(source, &of_the_file(notify.warnings.clone()));
    }
    let Some(tree) = Tree::read(source) else { return };
    for place in &tree.old_keys {
        let message = "this form of matching is deprecated";
        found.push(&catalog::ROUTING_OLD_MATCH, source, Some(place.clone()), words(message, "", ""));
    }
    for receiver in &tree.receivers {
        for path in &receiver.silent {
            let message = format!("{} is not told when an alert ends", receiver.name);
            found.push(&catalog::ROUTING_NO_RESOLVED, source, tree.value(path), words(message, "", ""));
        }
    }
    let Some(root) = &tree.root else { return };
    useless_continue(&tree, root, found);
    if bench.subjects.is_empty() {
        return;
    }
    let known = Known::all(bench);
    inhibition::check(&tree, &known, found);
    names(&tree, root, &known, found);
    let escalated = bench.input.escalation.as_ref().map(|file| escalated(notify.as_ref(), file, found));
    reach(&tree, root, &known, &escalated.unwrap_or_default(), found);
    let heartbeat = bench.alerts().any(|(_, alert)| {
        super::conditions::is_heartbeat(&alert.alert) || super::conditions::is_always(alert.expression.tree())
    });
    if !heartbeat {
        let at = tree.key(&root.path, "receiver");
        let message = "no alert fires always: if alerting itself breaks, nobody learns of it";
        found.push(&catalog::ROUTING_NO_HEARTBEAT, source, at, words(message, "", ""));
    }
}

/// `continue: true` only tells of later siblings, which must be able to match the same alert.
fn useless_continue(tree: &Tree, node: &Node, found: &mut Found) {
    for (index, route) in node.routes.iter().enumerate() {
        useless_continue(tree, route, found);
        let later = &node.routes[index + 1..];
        if !route.continues || later.iter().any(|other| together(&route.matchers, &other.matchers)) {
            continue;
        }
        let message = match later.is_empty() {
            true => "`continue` has no effect: no route comes after this one".to_owned(),
            false => "`continue` has no effect: no later route can match the same alert".to_owned(),
        };
        let at = tree.key(&route.path, "continue");
        found.push(&catalog::ROUTING_USELESS_CONTINUE, &tree.source, at, words(message, "", ""));
    }
}

/// Whether some alert can match both.
fn together(left: &[Matcher], right: &[Matcher]) -> bool {
    let apart =
        |a: &Matcher, b: &Matcher| a.name() == b.name() && a.op() == MatchOp::Equal && !b.matches(a.value());
    !left.iter().any(|a| right.iter().any(|b| apart(a, b) || apart(b, a)))
}

/// Routes to alerts that no rule makes.
fn names(tree: &Tree, node: &Node, known: &[Known<'_>], found: &mut Found) {
    inhibition::unknown_alert(tree, &node.path, &node.matchers, "a route", known, found);
    node.routes.iter().for_each(|route| names(tree, route, known, found));
}

/// The receivers that an escalation file names.
fn escalated(notify: Option<&Notify>, file: &Source, found: &mut Found) -> Vec<String> {
    // The reader compares with the routing. Without one, what is wrong with that was told already.
    let Some(notify) = notify else { return names_in(file) };
    match assurance_config::load_escalation(file, &notify.routing) {
        Ok(loaded) => {
            found.odd(file, &of_the_file(loaded.warnings));
            let steps = loaded.escalation.chains.iter().flat_map(|chain| &chain.steps);
            steps.map(|step| step.notify.clone()).collect()
        }
        Err(problems) => {
            found.refused(file, problems);
            names_in(file)
        }
    }
}

/// As far as the file can be read at all.
fn names_in(file: &Source) -> Vec<String> {
    #[derive(Default, serde::Deserialize)]
    struct File {
        #[serde(default)]
        chains: Vec<Chain>,
    }
    #[derive(serde::Deserialize)]
    struct Chain {
        #[serde(default)]
        steps: Vec<Step>,
    }
    #[derive(serde::Deserialize)]
    struct Step {
        #[serde(default)]
        notify: String,
    }
    let file: File = yaml::parse(file).unwrap_or_default();
    file.chains.into_iter().flat_map(|chain| chain.steps).map(|step| step.notify).collect()
}

/// What the alerts reach.
#[derive(Debug, Default)]
struct Reached<'t> {
    routes: BTreeSet<String>,
    receivers: BTreeSet<&'t str>,
}

fn key(node: &Node) -> String {
    format!("{:?}", node.path)
}

fn reach(tree: &Tree, root: &Node, known: &[Known<'_>], escalated: &[String], found: &mut Found) {
    let mut reached: Reached<'_> = Reached::default();
    let by_severity = asks_for(root, "severity");
    for alert in known {
        let more = follow(root, alert, &mut reached);
        if by_severity
            && more == Matches::No
            && let Some(severity) = alert.subject.label("severity")
        {
            let message = format!("no route is for severity {severity}: only {} is told", root.receiver);
            let at = alert.subject.value(&["labels", "severity"]);
            found.rule(&catalog::ROUTING_DEFAULT_ONLY, alert.subject, at, words(message, "", ""));
        }
    }
    unreached(tree, root, &reached, found);
    reached.receivers.extend(escalated.iter().map(String::as_str));
    // The root's receiver is for what nobody thought of: best that nothing reaches it.
    reached.receivers.insert(&root.receiver);
    for receiver in tree.receivers.iter().filter(|r| !reached.receivers.contains(r.name.as_str())) {
        let message = format!("no alert reaches receiver {}", receiver.name);
        let at = tree.value(&step(&receiver.path, "name"));
        found.push(&catalog::ROUTING_UNREACHED_RECEIVER, &tree.source, at, words(message, "", ""));
    }
}

fn asks_for(node: &Node, label: &str) -> bool {
    node.matchers.iter().any(|m| m.name() == label) || node.routes.iter().any(|route| asks_for(route, label))
}

/// Follows an alert as Alertmanager does; tells whether any child takes it.
fn follow<'t>(node: &'t Node, alert: &Known<'_>, reached: &mut Reached<'t>) -> Matches {
    reached.routes.insert(key(node));
    let mut taken = Matches::No;
    for route in &node.routes {
        let matched = alert.matched(&route.matchers);
        if matched == Matches::No {
            continue;
        }
        follow(route, alert, reached);
        if matched == Matches::Yes {
            taken = Matches::Yes;
            if !route.continues {
                break;
            }
        } else if taken == Matches::No {
            taken = Matches::Maybe;
        }
    }
    if taken != Matches::Yes {
        reached.receivers.insert(&node.receiver);
    }
    taken
}

fn unreached(tree: &Tree, node: &Node, reached: &Reached<'_>, found: &mut Found) {
    for route in &node.routes {
        if reached.routes.contains(&key(route)) {
            unreached(tree, route, reached, found);
            continue;
        }
        let message = match route.names_receiver {
            true => format!("no alert reaches this route to {}", route.receiver),
            false => "no alert reaches this route".to_owned(),
        };
        let at = ["matchers", "match", "match_re", "receiver"].iter().find_map(|k| {
            let path = step(&route.path, *k);
            tree.value(&path)
        });
        let at = at.or_else(|| tree.value(&route.path));
        found.push(&catalog::ROUTING_UNREACHED_ROUTE, &tree.source, at, words(message, "", ""));
    }
}
