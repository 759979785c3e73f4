use assurance_diagnostics::{suggest, yaml::PathSegment};
use assurance_metrics_model::Matcher;

use super::routing::{Known, Matches};
use crate::catalog;
use crate::found::{Found, words};
use crate::tree::{Inhibit, Tree};

pub(super) fn check(tree: &Tree, known: &[Known<'_>], found: &mut Found) {
    for rule in &tree.inhibits {
        let source =
            unknown_alert(tree, &rule.path, &rule.source, "the source of an inhibition", known, found);
        let target =
            unknown_alert(tree, &rule.path, &rule.target, "the target of an inhibition", known, found);
        if source || target {
            continue;
        }
        if let Some(label) = never_equal(rule, known) {
            let message = format!("the two sides of this inhibition never have the same {label}");
            let at = tree.key(&rule.path, "equal");
            found.push(&catalog::ROUTING_USELESS_INHIBITION, &tree.source, at, words(message, "", ""));
            continue;
        }
        for (side, matchers) in [("source", &rule.source), ("target", &rule.target)] {
            if !matchers.is_empty() && known.iter().all(|alert| alert.matched(matchers) == Matches::No) {
                let message = format!("no alert can be the {side} of this inhibition");
                let at = ["matchers", "match", "match_re"].iter().find_map(|form| {
                    let mut path = rule.path.clone();
                    path.push(format!("{side}_{form}").into());
                    tree.value(&path)
                });
                found.push(&catalog::ROUTING_USELESS_INHIBITION, &tree.source, at, words(message, "", ""));
            }
        }
    }
}

/// A label of `equal` in which no source agrees with any target.
fn never_equal<'r>(rule: &'r Inhibit, known: &[Known<'_>]) -> Option<&'r str> {
    let side = |matchers: &[Matcher]| -> Vec<&Known<'_>> {
        known.iter().filter(|alert| alert.matched(matchers) != Matches::No).collect()
    };
    let (sources, targets) = (side(&rule.source), side(&rule.target));
    if sources.is_empty() || targets.is_empty() {
        return None;
    }
    let pairs = || sources.iter().flat_map(|source| targets.iter().map(move |target| (source, target)));
    let never = |label: &&String| pairs().all(|(source, target)| source.never_agree(target, label));
    rule.equal.iter().find(never).map(String::as_str)
}

/// Tells of an alert that is named and that no rule makes.
pub(super) fn unknown_alert(
    tree: &Tree,
    path: &[PathSegment],
    matchers: &[Matcher],
    what: &str,
    known: &[Known<'_>],
    found: &mut Found,
) -> bool {
    let asked: Vec<&Matcher> =
        matchers.iter().filter(|m| m.name() == "alertname" && !m.matches_empty()).collect();
    let Some(first) = asked.first() else { return false };
    let names = || known.iter().map(|alert| alert.subject.rule.name());
    if names().any(|name| asked.iter().all(|matcher| matcher.matches(name))) {
        return false;
    }
    let near = suggest(first.value(), names());
    let help = near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
    let message = format!("{what} asks for {first}, and no rule makes such an alert");
    let at = tree.word(path, first.value());
    found.push(&catalog::ROUTING_UNKNOWN_ALERT, &tree.source, at, words(message, "", help));
    true
}
