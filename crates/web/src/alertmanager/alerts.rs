use std::collections::BTreeMap;
use std::sync::Arc;

use assurance_metrics_model::{Labels, Timestamp};
use assurance_notifier::dispatch::{AlertView, Dispatch, GroupView, Suppression};
use assurance_notifier::routing::MutedBy;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use super::{Failed, Named, filters, ok, pass, receiver, routed, unless_false};
use crate::answer::LabelMap;
use crate::params::Params;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AlertGroup {
    labels: LabelMap,
    receiver: Named,
    alerts: Vec<GettableAlert>,
    /// Ours, as what follows.
    group_key: String,
    next_look: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_told: Option<String>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct GettableAlert {
    annotations: BTreeMap<String, String>,
    ends_at: String,
    fingerprint: String,
    receivers: Vec<BTreeMap<&'static str, String>>,
    starts_at: String,
    status: Status,
    updated_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: String,
    labels: BTreeMap<String, String>,
    /// Ours, as what follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged: Option<Acknowledged>,
    #[serde(skip_serializing_if = "Option::is_none")]
    escalation: Option<Escalation>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    inhibited_by: Vec<String>,
    silenced_by: Vec<String>,
    muted_by: Vec<String>,
    state: &'static str,
}

#[derive(Clone, Serialize)]
struct Acknowledged {
    by: String,
    at: String,
    comment: String,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Escalation {
    chain: String,
    started_at: String,
    /// Who was told by steps.
    told: Vec<String>,
    /// When the next step is due, as things stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_at: Option<String>,
}

/// Which alerts are asked for.
struct Wanted {
    filters: Vec<assurance_metrics_model::Matcher>,
    active: bool,
    silenced: bool,
    inhibited: bool,
    muted: bool,
    unprocessed: bool,
    receiver: Option<assurance_metrics_model::Matcher>,
}

impl Wanted {
    fn read(params: &Params) -> Result<Self, Failed> {
        Ok(Self {
            filters: filters(params)?,
            active: unless_false(params, "active")?,
            silenced: unless_false(params, "silenced")?,
            inhibited: unless_false(params, "inhibited")?,
            muted: unless_false(params, "muted")?,
            unprocessed: unless_false(params, "unprocessed")?,
            receiver: receiver(params)?,
        })
    }

    fn wants(&self, view: &AlertView, is_known: bool) -> bool {
        let state = match view.suppression {
            Some(Suppression::Inhibited { .. }) => self.inhibited,
            Some(Suppression::Silenced { .. }) => self.silenced,
            Some(Suppression::Muted(_)) => self.muted,
            _ if is_known => self.active,
            _ => self.unprocessed,
        };
        state && !view.is_over && pass(&self.filters, &view.alert.labels)
    }

    /// Groups of receivers that are asked for, each with its alerts that are.
    fn groups(&self, dispatch: &Dispatch, now: Timestamp) -> Vec<GroupView> {
        let mut groups = dispatch.groups(now);
        groups.retain(|group| self.receiver.as_ref().is_none_or(|r| r.matches(&group.receiver)));
        for group in &mut groups {
            let is_known = group.is_known;
            group.alerts.retain(|view| self.wants(view, is_known));
        }
        groups.retain(|group| !group.alerts.is_empty());
        groups
    }
}

pub(crate) async fn groups(
    State(state): State<Arc<crate::State>>,
    params: Params,
) -> Result<Response, Failed> {
    let wanted = Wanted::read(&params)?;
    let pipeline = state.pipeline();
    let mut groups = wanted.groups(routed(&pipeline)?, state.now());
    drop(pipeline);
    groups.sort_by(|a, b| (&a.labels, &a.receiver).cmp(&(&b.labels, &b.receiver)));
    let groups = groups.into_iter().map(|group| {
        let mut alerts: Vec<_> = group.alerts.iter().map(|view| gettable(view, &group)).collect();
        alerts.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
        AlertGroup {
            labels: LabelMap(group.labels),
            receiver: Named { name: group.receiver.to_string() },
            alerts,
            group_key: group.key,
            next_look: group.next_look.to_string(),
            last_told: group.last_told.map(|at| at.to_string()),
        }
    });
    Ok(ok(&groups.collect::<Vec<_>>()))
}

/// Each alert once, with all of its receivers.
pub(crate) async fn alerts(
    State(state): State<Arc<crate::State>>,
    params: Params,
) -> Result<Response, Failed> {
    let wanted = Wanted::read(&params)?;
    let pipeline = state.pipeline();
    let groups = wanted.groups(routed(&pipeline)?, state.now());
    drop(pipeline);
    let mut alerts: BTreeMap<Labels, GettableAlert> = BTreeMap::new();
    for group in &groups {
        for view in &group.alerts {
            let shown = gettable(view, group);
            match alerts.entry(view.alert.labels.clone()) {
                std::collections::btree_map::Entry::Vacant(free) => {
                    free.insert(shown);
                }
                std::collections::btree_map::Entry::Occupied(mut known) => {
                    let known = known.get_mut();
                    known.receivers.extend(shown.receivers);
                    // Its chain began in one of its groups.
                    known.escalation = known.escalation.take().or(shown.escalation);
                }
            }
        }
    }
    let mut alerts: Vec<GettableAlert> = alerts.into_values().collect();
    alerts.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
    Ok(ok(&alerts))
}

fn gettable(view: &AlertView, group: &GroupView) -> GettableAlert {
    let alert = &view.alert;
    let mut status = Status {
        inhibited_by: Vec::new(),
        silenced_by: Vec::new(),
        muted_by: Vec::new(),
        state: "suppressed",
    };
    match &view.suppression {
        Some(Suppression::Inhibited { by }) => status.inhibited_by.push(format!("{by:016x}")),
        Some(Suppression::Silenced { by }) => status.silenced_by.extend(by.iter().map(ToString::to_string)),
        Some(Suppression::Muted(MutedBy::Interval(name))) => status.muted_by.push(name.clone()),
        Some(Suppression::Muted(MutedBy::NoActiveInterval)) => {
            status.muted_by.push("no active time interval".to_owned());
        }
        _ => status.state = if group.is_known { "active" } else { "unprocessed" },
    }
    GettableAlert {
        annotations: alert.annotations.clone(),
        ends_at: alert.ends_at.to_string(),
        fingerprint: format!("{:016x}", view.fingerprint),
        receivers: vec![BTreeMap::from([("name", group.receiver.to_string())])],
        starts_at: alert.starts_at.to_string(),
        status,
        updated_at: view.updated_at.to_string(),
        generator_url: alert.generator_url.clone(),
        labels: alert.labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
        acknowledged: view.acknowledged.as_ref().map(|ack| Acknowledged {
            by: ack.by.to_string(),
            at: ack.at.to_string(),
            comment: ack.comment.to_string(),
        }),
        escalation: view.climb.as_ref().map(|climb| Escalation {
            chain: climb.chain.to_string(),
            started_at: climb.started.to_string(),
            told: climb.told.iter().map(ToString::to_string).collect(),
            next_at: climb.due.map(|at| at.to_string()),
        }),
    }
}
