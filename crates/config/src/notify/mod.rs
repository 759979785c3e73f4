//! `alertmanager.yml` and what stands beside it, into [`assurance_notifier::routing`].

mod cases;
mod escalation;
mod guard;
mod inhibit;
mod intervals;
mod keys;
mod kinds;
mod raw;
mod receivers;
mod reference;
mod routes;
mod shape;
mod url;

use std::collections::BTreeMap;

use assurance_diagnostics::{Diagnostic, Source, yaml};
use assurance_metrics_model::Duration;
use assurance_notifier::routing::Routing;

use self::guard::guarded;
use crate::findings::{Findings, Place};
use crate::load::with_remedy;

pub use cases::{CaseResult, Cases, MAX_CASES, RouteResult, load_cases};
pub use escalation::{LoadedEscalation, load_escalation};
pub use receivers::Webhook;
pub use reference::notify_reference;

/// `alertmanager.yml`, checked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Notify {
    /// Where alerts go.
    pub routing: Routing,
    /// How the integrations that can be delivered to are reached, in the order of the receivers.
    pub webhooks: Vec<Webhook>,
    /// Paths of template files, seen from the working directory; a `*` may stand in the last part.
    pub templates: Vec<String>,
    /// What was read and has no effect, or works otherwise than in Alertmanager.
    pub warnings: Vec<Diagnostic>,
}

/// Reads `alertmanager.yml`. Paths in it are seen from `directory`, the one the file is in (empty for the
/// working directory); nothing is opened here.
///
/// # Errors
/// Everything that is wrong, each with place and remedy. A file whose structure is wrong (a list where a
/// mapping belongs, an unknown key) gives the first such flaw alone, as what follows it cannot be told.
pub fn load_notify(source: &Source, directory: &str) -> Result<Notify, Vec<Diagnostic>> {
    let raw: raw::File = yaml::parse(source).map_err(|flaw| vec![guarded(source, remedy(flaw))])?;
    let mut findings = Findings::new(source, directory);
    let root = Place::default();
    findings.not_done(&root, &[], &raw.ignored());
    let mut global = raw.global.unwrap_or_default().0;
    receivers::global(&mut findings, &root.at("global"), &mut global);
    let place = root.at("receivers");
    let (receivers, webhooks) =
        receivers::receivers(&mut findings, &place, &mut global, raw.receivers.unwrap_or_default());
    let time_intervals = intervals::intervals(
        &mut findings,
        &root,
        raw.mute_time_intervals.unwrap_or_default(),
        raw.time_intervals.unwrap_or_default(),
    );
    let receiver_names: Vec<&str> = receivers.iter().map(|receiver| receiver.name.as_str()).collect();
    let interval_names: Vec<&str> = time_intervals.iter().map(|interval| interval.name.as_str()).collect();
    let names = routes::Names { receivers: &receiver_names, intervals: &interval_names };
    let route = routes::tree(&mut findings, &root.at("route"), raw.route, &names);
    let inhibit_rules =
        inhibit::rules(&mut findings, &root.at("inhibit_rules"), raw.inhibit_rules.unwrap_or_default());
    let templates: Vec<String> =
        raw.templates.unwrap_or_default().iter().map(|path| findings.path(path)).collect();
    if !templates.is_empty() {
        findings.warn(
            &root.at("templates"),
            "templates are not read",
            "only receivers that cannot be delivered to yet would use them",
        );
    }
    let resolve_timeout = match global.get("resolve_timeout") {
        Some(shape::Value::Span(span)) => *span,
        _ => DEFAULT_RESOLVE_TIMEOUT,
    };
    let guard =
        |found: Vec<Diagnostic>| found.into_iter().map(|one| guarded(source, one)).collect::<Vec<_>>();
    let warnings = findings.finish().map(guard).map_err(guard)?;
    let routing = Routing { root: route, receivers, inhibit_rules, time_intervals, resolve_timeout };
    Ok(Notify { routing, webhooks, templates, warnings })
}

const DEFAULT_RESOLVE_TIMEOUT: Duration = Duration::from_minutes(5);

/// A remedy a person can follow, for flaws that are found below this room.
fn remedy(mut flaw: Diagnostic) -> Diagnostic {
    let unknown = flaw.message.strip_prefix("unknown field `").and_then(|rest| rest.strip_suffix('`'));
    let known = unknown.and_then(|key| MISTAKEN.iter().find(|(wrong, _)| *wrong == key));
    if let Some((_, help)) = known {
        flaw.help = Some((*help).into());
        return flaw;
    }
    let mut flaw = with_remedy(flaw);
    if let Some(help) = &flaw.help {
        flaw.help = Some(help.replace("Prometheus's manual", "Alertmanager's manual").into());
    }
    flaw
}

/// Keys that people write and Alertmanager has not, or no longer has.
const MISTAKEN: [(&str, &str); 6] = [
    ("subject", "the subject of an e-mail is a header: write headers: {Subject: …}"),
    ("teams", "OpsGenie's teams are responders of type team"),
    ("hipchat_configs", "HipChat is no more, and Alertmanager has dropped it"),
    ("hipchat_api_url", "HipChat is no more, and Alertmanager has dropped it"),
    ("hipchat_auth_token", "HipChat is no more, and Alertmanager has dropped it"),
    ("time_zone", "the key is location"),
];

/// Names that occur twice; gives the place of the first.
fn taken<'n>(names: &mut BTreeMap<&'n str, usize>, name: &'n str, index: usize) -> Option<usize> {
    match names.get(name) {
        Some(first) => Some(*first),
        None => {
            names.insert(name, index);
            None
        }
    }
}
