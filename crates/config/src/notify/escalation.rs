//! The escalation file: who is told of an alert that nobody takes.

use std::collections::BTreeMap;

use assurance_diagnostics::{Diagnostic, Source, suggest, yaml};
use assurance_metrics_model::Duration;
use assurance_notifier::routing::{
    Chain, Escalation, MAX_CHAINS, MAX_STEPS, ReceiverDefinition, Routing, Step, Unless,
};

use super::inhibit::texts;
use super::taken;
use crate::findings::{Findings, Place};
use crate::load::with_remedy;
use crate::raw::mapping;
use crate::scalar::Span;

/// The only version of the file there is.
const VERSION: u64 = 1;

mapping! {
    /// The whole file.
    File {
        version: u64,
        chains: Vec<Option<RawChain>>,
    }
}

mapping! {
    /// One of `chains`
    RawChain {
        name: String,
        matchers: Vec<String>,
        receivers: Vec<String>,
        steps: Vec<Option<RawStep>>,
    }
}

mapping! {
    /// One of `steps`
    RawStep {
        after: Span,
        unless: String,
        notify: String,
    }
}

/// An escalation file, checked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoadedEscalation {
    /// The chains.
    pub escalation: Escalation,
    /// What is hardly meant.
    pub warnings: Vec<Diagnostic>,
}

/// Reads an escalation file, whose receivers are those of `routing`.
///
/// ```
/// use assurance_diagnostics::Source;
///
/// let config = "route: {receiver: ops}\nreceivers: [{name: ops}, {name: senior}]\n";
/// let routing = assurance_config::load_notify(&Source::new("alertmanager.yml", config), "").unwrap().routing;
/// let file = "\
/// version: 1
/// chains:
/// - name: critical
///   matchers: ['severity=\"critical\"']
///   steps:
///   - {after: 5m, unless: acknowledged, notify: senior}
/// ";
/// let loaded = assurance_config::load_escalation(&Source::new("escalation.yml", file), &routing).unwrap();
/// assert_eq!(loaded.escalation.chains[0].steps[0].notify, "senior");
/// ```
///
/// # Errors
/// Everything that is wrong, each with place and remedy.
pub fn load_escalation(source: &Source, routing: &Routing) -> Result<LoadedEscalation, Vec<Diagnostic>> {
    let raw: File = yaml::parse(source).map_err(|flaw| {
        let mut flaw = with_remedy(flaw);
        if flaw.help.as_ref().is_some_and(|help| help.starts_with("Prometheus's manual")) {
            flaw.help = Some("the reference page on notifications shows the escalation file".into());
        }
        vec![flaw]
    })?;
    let mut findings = Findings::new(source, "");
    let root = Place::default();
    match raw.version {
        Some(VERSION) => {}
        Some(other) => findings.error(
            &root.at("version"),
            format!("version {other} of the file is not known"),
            format!("write version: {VERSION}"),
        ),
        None => findings.error(&root, "the file does not say its version", format!("add version: {VERSION}")),
    }
    let place = root.at("chains");
    let list = raw.chains.unwrap_or_default();
    if list.is_empty() {
        findings.warn(&place, "there are no chains", "nobody is told of alerts that nobody takes");
    }
    if list.len() > MAX_CHAINS {
        findings.error(
            &place,
            format!("there are {} chains", list.len()),
            format!("at most {MAX_CHAINS} are taken"),
        );
    }
    let mut chains: Vec<Chain> = Vec::new();
    for (index, raw) in list.into_iter().enumerate().take(MAX_CHAINS) {
        chains.push(chain(&mut findings, &place.at(index), routing, raw.unwrap_or_default()));
    }
    let mut names = BTreeMap::new();
    for (index, chain) in chains.iter().enumerate() {
        if !chain.name.is_empty() && taken(&mut names, &chain.name, index).is_some() {
            findings.error(
                &place.at(index).at("name"),
                format!("there is another chain {:?}", chain.name),
                "names of chains must be unique",
            );
        }
    }
    if let Some((first, _)) = chains.iter().enumerate().find(|(index, chain)| {
        index + 1 < chains.len() && chain.matchers.is_empty() && chain.receivers.is_empty()
    }) {
        findings.warn(
            &place.at(first),
            "the chain takes every alert, so those after it take none",
            "write it last",
        );
    }
    let warnings = findings.finish()?;
    Ok(LoadedEscalation { escalation: Escalation { chains }, warnings })
}

fn chain(findings: &mut Findings<'_>, place: &Place, routing: &Routing, raw: RawChain) -> Chain {
    let name = raw.name.unwrap_or_default();
    if name.is_empty() {
        findings.error(place, "the chain has no name", "add name; it is shown with what the chain does");
    }
    let matchers = texts(findings, &place.at("matchers"), &raw.matchers.unwrap_or_default());
    let receivers = raw.receivers.unwrap_or_default();
    let at = place.at("receivers");
    for (index, name) in receivers.iter().enumerate() {
        receiver(findings, &at.at(index), routing, name);
    }
    let at = place.at("steps");
    let list = raw.steps.unwrap_or_default();
    if list.is_empty() {
        findings.error(place, "the chain has no steps", "add steps with after, unless and notify");
    }
    if list.len() > MAX_STEPS {
        findings.error(
            &at,
            format!("there are {} steps", list.len()),
            format!("at most {MAX_STEPS} are taken"),
        );
    }
    let mut steps: Vec<Step> = Vec::new();
    for (index, raw) in list.into_iter().enumerate().take(MAX_STEPS) {
        let place = at.at(index);
        let Some(step) = step(findings, &place, routing, raw.unwrap_or_default()) else { continue };
        if steps.last().is_some_and(|before| before.after > step.after) {
            findings.error(
                &place.at("after"),
                "the step comes before the one above it",
                "write the steps in the order of their times",
            );
        }
        steps.push(step);
    }
    Chain { name, matchers, receivers, steps }
}

fn step(findings: &mut Findings<'_>, place: &Place, routing: &Routing, raw: RawStep) -> Option<Step> {
    let mut complete = true;
    for (there, key, help) in [
        (raw.after.is_some(), "after", "write the time since the first notification, such as 5m"),
        (raw.unless.is_some(), "unless", "write acknowledged or resolved"),
        (raw.notify.is_some(), "notify", "write the name of the receiver that is told"),
    ] {
        if !there {
            findings.error(place, format!("{key} is missing"), help);
            complete = false;
        }
    }
    let notify = raw.notify?;
    if let Some(found) = receiver(findings, &place.at("notify"), routing, &notify)
        && !found.integrations.iter().any(assurance_notifier::routing::Integration::is_deliverable)
    {
        findings.warn(
            &place.at("notify"),
            format!("receiver {notify:?} cannot be delivered to yet"),
            "the step would tell nobody; add a webhook to the receiver",
        );
    }
    let word = raw.unless?;
    let unless = [Unless::Acknowledged, Unless::Resolved].into_iter().find(|unless| unless.as_str() == word);
    if unless.is_none() {
        let words = [Unless::Acknowledged.as_str(), Unless::Resolved.as_str()];
        let help = match suggest(&word, words) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("write {}", words.join(" or ")),
        };
        findings.error(&place.at("unless"), format!("{word:?} stops nothing"), help);
    }
    let after: Duration = raw.after?.0;
    complete.then_some(Step { after, unless: unless?, notify })
}

fn receiver<'r>(
    findings: &mut Findings<'_>,
    place: &Place,
    routing: &'r Routing,
    name: &str,
) -> Option<&'r ReceiverDefinition> {
    let found = routing.receiver(name);
    if found.is_none() {
        let names = routing.receivers.iter().map(|receiver| receiver.name.as_str());
        let help = match suggest(name, names) {
            Some(near) => format!("did you mean {near:?}?"),
            None => "add it to receivers in the alertmanager.yml; no route needs to name it".to_owned(),
        };
        findings.error(place, format!("there is no receiver {name:?}"), help);
    }
    found
}
