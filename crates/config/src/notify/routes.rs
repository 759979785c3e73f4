use std::collections::BTreeSet;

use assurance_diagnostics::suggest;
use assurance_notifier::routing::{GroupBy, MAX_ROUTES, Route};

use super::inhibit::{Written, label, matchers};
use super::raw;
use crate::findings::{Findings, Place};
use crate::scalar::Span;

/// The label in `group_by` that stands for all.
const ALL_LABELS: &str = "...";

/// What routes may refer to.
pub(crate) struct Names<'a> {
    pub(crate) receivers: &'a [&'a str],
    pub(crate) intervals: &'a [&'a str],
}

/// `route` with all below it.
pub(crate) fn tree(
    findings: &mut Findings<'_>,
    place: &Place,
    raw: Option<raw::Route>,
    names: &Names<'_>,
) -> Route {
    let Some(raw) = raw else {
        findings.error(
            &Place::default(),
            "there is no route",
            "add route with the receiver of alerts that nothing else matches",
        );
        return Route::new("");
    };
    if raw.receiver.as_deref().unwrap_or_default().is_empty() {
        findings.key_error(
            place,
            "the topmost route has no receiver",
            "add the receiver of alerts that nothing else matches",
        );
    }
    let some = |map: Option<usize>| map.is_some_and(|len| len > 0);
    let length =
        |map: &Option<std::collections::BTreeMap<_, _>>| map.as_ref().map(std::collections::BTreeMap::len);
    for (key, written) in [
        ("match", some(length(&raw.r#match))),
        ("match_re", some(length(&raw.match_re))),
        ("matchers", some(raw.matchers.as_ref().map(Vec::len))),
        ("mute_time_intervals", some(raw.mute_time_intervals.as_ref().map(Vec::len))),
        ("active_time_intervals", some(raw.active_time_intervals.as_ref().map(Vec::len))),
        ("continue", raw.r#continue.is_some_and(|it| it.0)),
    ] {
        if written {
            findings.key_error(
                &place.at(key),
                format!("the topmost route cannot have {key}"),
                "it takes every alert at any time; write a route below it",
            );
        }
    }
    let mut reader = Reader { findings, names, routes: 0 };
    reader.route(place, raw, &Route::new(""))
}

struct Reader<'r, 'f, 'n> {
    findings: &'r mut Findings<'f>,
    names: &'n Names<'n>,
    routes: usize,
}

impl Reader<'_, '_, '_> {
    fn route(&mut self, place: &Place, raw: raw::Route, parent: &Route) -> Route {
        self.routes += 1;
        if self.routes == MAX_ROUTES + 1 {
            self.findings.error(
                place,
                format!("there are more than {MAX_ROUTES} routes"),
                "matchers with =~ can say several in one",
            );
        }
        let keys = ["match", "match_re", "matchers"];
        let written = Written {
            equal: raw.r#match.as_ref(),
            regex: raw.match_re.as_ref(),
            texts: raw.matchers.as_deref(),
        };
        let mut route = parent.inherit(matchers(self.findings, place, keys, written));
        if let Some(receiver) = raw.receiver.filter(|name| !name.is_empty()) {
            self.known(&place.at("receiver"), "receiver", &receiver, self.names.receivers);
            route.receiver = receiver;
        }
        route.continues = raw.r#continue.is_some_and(|it| it.0);
        if let Some(list) = raw.group_by {
            self.group_by(&place.at("group_by"), list, &mut route.group_by);
        }
        if let Some(Span(wait)) = raw.group_wait {
            route.group_wait = wait;
        }
        for (key, span, slot) in [
            ("group_interval", raw.group_interval, &mut route.group_interval),
            ("repeat_interval", raw.repeat_interval, &mut route.repeat_interval),
        ] {
            let Some(Span(span)) = span else { continue };
            if span.is_zero() {
                self.findings.error(
                    &place.at(key),
                    format!("{key} cannot be zero"),
                    "write the time between two notifications, such as 5m",
                );
            }
            *slot = span;
        }
        for (key, list, slot) in [
            ("mute_time_intervals", raw.mute_time_intervals, &mut route.mute_time_intervals),
            ("active_time_intervals", raw.active_time_intervals, &mut route.active_time_intervals),
        ] {
            let place = place.at(key);
            for (index, name) in list.iter().flatten().enumerate() {
                self.known(&place.at(index), "time interval", name, self.names.intervals);
            }
            *slot = list.unwrap_or_default();
        }
        let place = place.at("routes");
        for (index, raw) in raw.routes.unwrap_or_default().into_iter().enumerate() {
            let place = place.at(index);
            match raw {
                Some(raw) if self.routes <= MAX_ROUTES => {
                    let child = self.route(&place, raw, &route);
                    route.routes.push(child);
                }
                Some(_) => break,
                None => self.findings.error(
                    &place,
                    "the route is empty",
                    "write matchers and a receiver, or remove the dash",
                ),
            }
        }
        route
    }

    fn group_by(&mut self, place: &Place, list: Vec<String>, slot: &mut GroupBy) {
        let mut seen = BTreeSet::new();
        for (index, name) in list.iter().enumerate() {
            label(self.findings, &place.at(index), name);
            if !seen.insert(name.as_str()) && name != ALL_LABELS {
                self.findings.error(
                    &place.at(index),
                    format!("{name} is listed twice"),
                    "list each label once",
                );
            }
        }
        if !seen.contains(ALL_LABELS) {
            if list.is_empty() && *slot != GroupBy::Labels(Vec::new()) {
                self.findings.warn(
                    place,
                    "group_by is empty: all alerts of the route are one group",
                    "older Alertmanagers take the parent's labels instead; remove the key to inherit them everywhere",
                );
            }
            *slot = GroupBy::Labels(list);
        } else if seen.len() > 1 {
            self.findings.error(
                place,
                "... stands beside other labels",
                "write ['...'] alone to group by all labels, or list some",
            );
        } else {
            *slot = GroupBy::All;
        }
    }

    fn known(&mut self, place: &Place, what: &str, name: &str, names: &[&str]) {
        if names.contains(&name) {
            return;
        }
        let help = match suggest(name, names.iter().copied()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("add a {what} of that name, or write one of those there are"),
        };
        self.findings.error(place, format!("there is no {what} {name:?}"), help);
    }
}
