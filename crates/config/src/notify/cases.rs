//! Cases of routing with what is expected of them: who is told, who is silent at that time, what keeps the alert
//! quiet.

use std::collections::BTreeMap;

use assurance_diagnostics::yaml::{Bool, PathSegment, locate};
use assurance_diagnostics::{Diagnostic, Source, yaml};
use assurance_metrics_model::{Duration, Labels, Timestamp};
use assurance_notifier::routing::{Escalation, MutedBy, Routing};
use serde::Deserialize;

use crate::findings::{Findings, Place};
use crate::load::with_remedy;
use crate::raw::mapping;
use crate::scalar::Span;

/// Cases in one file: at 1 ms each with thousands of routes, ten seconds.
pub const MAX_CASES: usize = 10_000;

type LabelMap = BTreeMap<String, String>;

mapping! {
    /// The whole file.
    File {
        cases: Vec<Option<RawCase>>,
    }
}

mapping! {
    /// One of `cases`
    RawCase {
        name: String,
        labels: LabelMap,
        at: String,
        firing: Vec<LabelMap>,
        acknowledged: Span,
        resolved: Span,
        expect: RawExpect,
    }
}

mapping! {
    /// `expect`
    RawExpect {
        receivers: Vec<String>,
        muted: Which,
        inhibited: Bool,
        group: LabelMap,
        escalation: Vec<String>,
    }
}

/// `true` for all, `false` for none, or these.
#[derive(Clone, Debug)]
pub(crate) enum Which {
    All(bool),
    These(Vec<String>),
}

impl<'de> Deserialize<'de> for Which {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = Which;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("true, false or a list of receivers")
            }

            fn visit_bool<E: serde::de::Error>(self, all: bool) -> Result<Which, E> {
                Ok(Which::All(all))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Which, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = seq.next_element()? {
                    names.push(name);
                }
                Ok(Which::These(names))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// A file of cases.
#[derive(Debug)]
pub struct Cases {
    source: Source,
    cases: Vec<Case>,
}

#[derive(Debug)]
struct Case {
    index: usize,
    name: String,
    labels: Labels,
    at: Option<Timestamp>,
    firing: Vec<Labels>,
    acknowledged: Option<Duration>,
    resolved: Option<Duration>,
    expect: RawExpect,
}

/// One of the routes an alert takes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteResult {
    /// The receiver that is told.
    pub receiver: String,
    /// The labels that name the alert's group.
    pub group: Labels,
    /// Why the route is silent at that time, if it is.
    pub muted: Option<MutedBy>,
}

/// What became of a case.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CaseResult {
    /// Its name, or `case N`.
    pub name: String,
    /// The alert's labels.
    pub labels: Labels,
    /// The routes it takes, in order.
    pub routes: Vec<RouteResult>,
    /// The alert that keeps it quiet.
    pub inhibited_by: Option<Labels>,
    /// The receivers its chain tells, in order, with how long after the beginning.
    pub escalation: Vec<(Duration, String)>,
    /// Where it differs from what is expected.
    pub mismatches: Vec<Diagnostic>,
}

/// Reads a file of cases.
///
/// # Errors
/// Everything that is wrong, each with place and remedy.
pub fn load_cases(source: &Source) -> Result<Cases, Vec<Diagnostic>> {
    let raw: File = yaml::parse(source).map_err(|flaw| {
        let mut flaw = with_remedy(flaw);
        if flaw.help.as_ref().is_some_and(|help| help.starts_with("Prometheus's manual")) {
            flaw.help = Some("the reference page on notifications shows a file of cases".into());
        }
        vec![flaw]
    })?;
    let mut findings = Findings::new(source, "");
    let place = Place::default().at("cases");
    let list = raw.cases.unwrap_or_default();
    if list.is_empty() {
        findings.error(&Place::default(), "there are no cases", "add cases with labels and expect");
    }
    if list.len() > MAX_CASES {
        findings.error(
            &place,
            format!("there are {} cases", list.len()),
            format!("at most {MAX_CASES} are taken; split the file"),
        );
    }
    let mut cases = Vec::new();
    for (index, raw) in list.into_iter().enumerate().take(MAX_CASES) {
        cases.push(case(&mut findings, &place.at(index), index, raw.unwrap_or_default()));
    }
    findings.finish()?;
    Ok(Cases { source: source.clone(), cases })
}

fn case(findings: &mut Findings<'_>, place: &Place, index: usize, raw: RawCase) -> Case {
    if raw.labels.is_none() {
        findings.error(place, "the case has no labels", "add the labels of the alert");
    }
    let expect = raw.expect.unwrap_or_default();
    let nothing = expect.receivers.is_none()
        && expect.muted.is_none()
        && expect.inhibited.is_none()
        && expect.group.is_none()
        && expect.escalation.is_none();
    if nothing {
        findings.error(
            place,
            "the case expects nothing",
            "add expect with receivers, muted, inhibited, group or escalation",
        );
    }
    let mut at = None;
    if let Some(text) = raw.at {
        match text.parse() {
            Ok(time) => at = Some(time),
            Err(_error) => findings.error(
                &place.at("at"),
                format!("{text:?} is no time"),
                "write seconds since 1970, or a time such as 2026-01-02T03:04:05Z",
            ),
        }
    }
    if at.is_none() && expect.muted.is_some() {
        findings.error(place, "whether routes are silent depends on the time", "add at");
    }
    Case {
        index,
        name: raw.name.unwrap_or_else(|| format!("case {}", index + 1)),
        labels: Labels::from_pairs(raw.labels.unwrap_or_default()),
        at,
        firing: raw.firing.unwrap_or_default().into_iter().map(Labels::from_pairs).collect(),
        acknowledged: raw.acknowledged.map(|span| span.0),
        resolved: raw.resolved.map(|span| span.0),
        expect,
    }
}

impl Cases {
    /// What becomes of each case, in the order of the file.
    pub fn run(&self, routing: &Routing, escalation: &Escalation) -> Vec<CaseResult> {
        self.cases.iter().map(|case| self.judge(case, routing, escalation)).collect()
    }

    fn judge(&self, case: &Case, routing: &Routing, escalation: &Escalation) -> CaseResult {
        let found = routing.find(&case.labels);
        let routes: Vec<RouteResult> = found
            .iter()
            .map(|route| RouteResult {
                receiver: route.receiver.clone(),
                group: Routing::group_labels(route, &case.labels),
                muted: case.at.and_then(|at| routing.muted(route, at)),
            })
            .collect();
        let inhibited_by = routing.inhibitor(&case.labels, &case.firing).map(|(_, source)| source.clone());
        let receivers: Vec<&str> = routes.iter().map(|route| route.receiver.as_str()).collect();
        let started = case.at.unwrap_or(Timestamp::from_millis(0));
        let after = |span: Option<_>| span.map(|span| started + span);
        let told: Vec<_> = escalation
            .chain(&case.labels, &receivers)
            .into_iter()
            .flat_map(|chain| {
                chain.due(started, after(case.acknowledged), after(case.resolved), Timestamp::MAX)
            })
            .map(|due| (due.step.after, due.step.notify.clone()))
            .collect();
        let mut judge = Judge { source: &self.source, case, mismatches: Vec::new() };
        let expect = &case.expect;
        if let Some(wanted) = &expect.receivers {
            judge.compare("receivers", &listed(wanted), &listed(&receivers));
        }
        let muted: Vec<&str> = routes
            .iter()
            .filter(|route| route.muted.is_some())
            .map(|route| route.receiver.as_str())
            .collect();
        match &expect.muted {
            None => {}
            Some(Which::These(wanted)) => judge.compare("muted", &listed(wanted), &listed(&muted)),
            Some(Which::All(true)) => judge.compare("muted", &listed(&receivers), &listed(&muted)),
            Some(Which::All(false)) => judge.compare("muted", &listed::<&str>(&[]), &listed(&muted)),
        }
        if let Some(Bool(wanted)) = expect.inhibited {
            let got = inhibited_by.as_ref().map_or("false".to_owned(), |by| format!("true, by {by}"));
            if wanted != inhibited_by.is_some() {
                judge.differs("inhibited", &wanted.to_string(), &got);
            }
        }
        if let Some(wanted) = &expect.group {
            let wanted = Labels::from_pairs(wanted).to_string();
            for route in routes.iter().filter(|route| route.group.to_string() != wanted).take(1) {
                judge.differs("group", &wanted, &format!("{} for {}", route.group, route.receiver));
            }
        }
        if let Some(wanted) = &expect.escalation {
            let got: Vec<&str> = told.iter().map(|(_, receiver)| receiver.as_str()).collect();
            judge.compare("escalation", &listed(wanted), &listed(&got));
        }
        CaseResult {
            name: case.name.clone(),
            labels: case.labels.clone(),
            mismatches: judge.mismatches,
            routes,
            inhibited_by,
            escalation: told,
        }
    }
}

struct Judge<'a> {
    source: &'a Source,
    case: &'a Case,
    mismatches: Vec<Diagnostic>,
}

impl Judge<'_> {
    fn compare(&mut self, key: &str, wanted: &str, got: &str) {
        if wanted != got {
            self.differs(key, wanted, got);
        }
    }

    fn differs(&mut self, key: &str, wanted: &str, got: &str) {
        let path: [PathSegment; 4] = ["cases".into(), self.case.index.into(), "expect".into(), key.into()];
        let message = format!("{}: {key} is {got}, expected {wanted}", self.case.name);
        let at = self.case.labels.to_string();
        self.mismatches.push(
            Diagnostic::error(self.source, locate(self.source, &path), message)
                .with_label(format!("for {at}")),
        );
    }
}

fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    format!("[{}]", names.join(", "))
}
