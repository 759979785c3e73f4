//! Targets, rules and alerts, in the shapes of Prometheus 3.5.

use std::collections::BTreeMap;
use std::sync::Arc;

use assurance_metrics_model::{Duration, Timestamp};
use assurance_notifier::ReceiverKind;
use assurance_rules::{AlertState, GroupStatus, Rule, RuleStatus};
use assurance_scrape::TargetStatus;
use axum::extract::State;
use serde::Serialize;

use crate::answer::{Answer, ApiError, LabelMap, exponent};
use crate::params::Params;

/// Go's zero time, which clients read as "never".
const NEVER: &str = "0001-01-01T00:00:00Z";

fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(|| NEVER.to_owned(), |at| at.to_string())
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Targets {
    #[serde(skip_serializing_if = "Option::is_none")]
    active_targets: Option<Vec<Target>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped_targets: Option<Vec<Dropped>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped_target_counts: Option<BTreeMap<String, usize>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    discovered_labels: LabelMap,
    labels: LabelMap,
    scrape_pool: String,
    scrape_url: String,
    global_url: String,
    last_error: String,
    last_scrape: String,
    last_scrape_duration: f64,
    health: &'static str,
    scrape_interval: String,
    scrape_timeout: String,
    /// Ours, and only there if there are some: the last failures, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recent_failures: Vec<Failure>,
}

#[derive(Debug, Serialize)]
struct Failure {
    at: String,
    reason: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Dropped {
    discovered_labels: LabelMap,
    scrape_pool: String,
}

impl Target {
    fn new(target: &TargetStatus<'_>, external_host: Option<&str>) -> Self {
        let health = target.health;
        Self {
            discovered_labels: LabelMap(target.discovered.clone()),
            labels: LabelMap(target.labels.clone()),
            scrape_pool: target.job.to_owned(),
            scrape_url: target.url.to_owned(),
            global_url: global_url(target.url, external_host),
            last_error: health.last_error.clone().unwrap_or_default(),
            last_scrape: time(health.last_scrape),
            last_scrape_duration: health.last_duration.as_secs_f64(),
            health: health.health.as_str(),
            scrape_interval: target.interval.to_string(),
            scrape_timeout: target.timeout.to_string(),
            recent_failures: health
                .history
                .iter()
                .map(|failure| Failure { at: failure.at.to_string(), reason: failure.reason.clone() })
                .collect(),
        }
    }
}

/// The URL as seen from elsewhere: a loopback name stands for this machine's own.
fn global_url(url: &str, external_host: Option<&str>) -> String {
    let Some(host) = external_host else { return url.to_owned() };
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let loopback = ["localhost", "127.0.0.1", "[::1]"].into_iter().find(|name| {
        rest.strip_prefix(name).is_some_and(|after| after.is_empty() || after.starts_with([':', '/', '?']))
    });
    loopback.map_or_else(|| url.to_owned(), |name| format!("{scheme}://{host}{}", &rest[name.len()..]))
}

pub(crate) async fn targets(State(state): State<Arc<crate::State>>, params: Params) -> Answer<Targets> {
    let pool = params.get("scrapePool");
    let wanted = |job: &str| pool.is_none_or(|pool| pool == job);
    let which = params.get("state").map(str::to_ascii_lowercase).unwrap_or_default();
    let pipeline = state.pipeline();
    let scrape = pipeline.scrape();
    let host = state.settings.external_host();
    let active = || scrape.targets().filter(|t| wanted(t.job)).map(|t| Target::new(&t, host)).collect();
    let dropped = || {
        let all = scrape.dropped_targets().filter(|t| wanted(t.job));
        all.map(|t| Dropped {
            discovered_labels: LabelMap(t.discovered.clone()),
            scrape_pool: t.job.to_owned(),
        })
        .collect()
    };
    let counts = || scrape.jobs().map(|job| (job.job.to_owned(), job.dropped)).collect();
    Answer::new(Targets {
        active_targets: Some(if which == "dropped" { Vec::new() } else { active() }),
        dropped_targets: Some(if which == "active" { Vec::new() } else { dropped() }),
        dropped_target_counts: (which != "active").then(counts),
    })
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScrapePools {
    scrape_pools: Vec<String>,
}

pub(crate) async fn scrape_pools(State(state): State<Arc<crate::State>>) -> Answer<ScrapePools> {
    let scrape_pools = state.pipeline().scrape().jobs().map(|job| job.job.to_owned()).collect();
    Answer::new(ScrapePools { scrape_pools })
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Alertmanagers {
    active_alertmanagers: Vec<BTreeMap<&'static str, String>>,
    dropped_alertmanagers: [(); 0],
}

pub(crate) async fn alertmanagers(State(state): State<Arc<crate::State>>) -> Answer<Alertmanagers> {
    let pipeline = state.pipeline();
    let active_alertmanagers = pipeline
        .notifier()
        .receivers()
        .filter(|(receiver, _)| receiver.kind == ReceiverKind::Alertmanager)
        .map(|(receiver, _)| BTreeMap::from([("url", format!("{}/api/v2/alerts", receiver.url))]))
        .collect();
    Answer::new(Alertmanagers { active_alertmanagers, dropped_alertmanagers: [] })
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ActiveAlert {
    labels: LabelMap,
    annotations: BTreeMap<String, String>,
    state: &'static str,
    active_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_firing_since: Option<String>,
    value: String,
}

impl From<&AlertState> for ActiveAlert {
    fn from(alert: &AlertState) -> Self {
        Self {
            labels: LabelMap(alert.labels.clone()),
            annotations: alert.annotations.clone(),
            state: alert.phase.as_str(),
            active_at: alert.active_at.to_string(),
            keep_firing_since: alert.keep_firing_since.map(|at| at.to_string()),
            value: exponent(alert.value),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Alerts {
    alerts: Vec<ActiveAlert>,
}

pub(crate) async fn alerts(State(state): State<Arc<crate::State>>) -> Answer<Alerts> {
    let pipeline = state.pipeline();
    let alerts = pipeline
        .rules()
        .groups()
        .flat_map(|group| group.rules)
        .flat_map(|rule| rule.alerts)
        .map(ActiveAlert::from)
        .collect();
    Answer::new(Alerts { alerts })
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Groups {
    groups: Vec<Group>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: String,
    file: String,
    rules: Vec<RuleEntry>,
    interval: f64,
    limit: usize,
    evaluation_time: f64,
    last_evaluation: String,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum RuleEntry {
    Alerting(Box<AlertingEntry>),
    Recording(Box<RecordingEntry>),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AlertingEntry {
    state: &'static str,
    name: String,
    query: String,
    duration: f64,
    keep_firing_for: f64,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    alerts: Vec<ActiveAlert>,
    #[serde(flatten)]
    common: Common,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordingEntry {
    name: String,
    query: String,
    labels: BTreeMap<String, String>,
    #[serde(flatten)]
    common: Common,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Common {
    health: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    last_error: String,
    evaluation_time: f64,
    last_evaluation: String,
    #[serde(rename = "type")]
    kind: &'static str,
    /// Not Prometheus's: whether the rule can see anything at all.
    matched: Matched,
}

/// Series that the rule's selectors found at its last evaluation, and most at once so far.
#[derive(Debug, Serialize)]
struct Matched {
    now: usize,
    ever: usize,
}

pub(crate) async fn rules(
    State(state): State<Arc<crate::State>>,
    params: Params,
) -> Result<Answer<Groups>, ApiError> {
    let kind = params.get("type").unwrap_or_default();
    if !matches!(kind, "" | "alert" | "record") {
        return Err(ApiError::parameter("type", format!("not supported value {kind:?}")));
    }
    let selectors = params.selectors()?;
    let selected = |rule: &Rule| {
        let labels = rule.label_texts();
        selectors.is_empty()
            || selectors.iter().any(|matchers| {
                // A label that is a template has a value only where an alert is.
                matchers.iter().all(|m| {
                    let text = labels.iter().find(|(n, _)| *n == m.name()).map_or("", |(_, v)| v);
                    !text.contains("{{") && m.matches(text)
                })
            })
    };
    let any = |name: &str, value: &str| {
        let mut wanted = params.all(name).peekable();
        wanted.peek().is_none() || wanted.any(|w| w == value)
    };
    let page = Page::of(&params)?;
    let with_alerts = !params.flag("exclude_alerts")?;
    let pipeline = state.pipeline();
    let mut groups = Vec::new();
    let mut next = None;
    let mut skipping = page.token;
    for group in pipeline.rules().groups() {
        let token = || token(&group.group.file, &group.group.name);
        if skipping.is_some_and(|from| from != token()) {
            continue;
        }
        skipping = None;
        if !any("rule_group[]", &group.group.name) || !any("file[]", &group.group.file) {
            continue;
        }
        let rules: Vec<RuleEntry> = group
            .rules
            .iter()
            .filter(|rule| match kind {
                "alert" => rule.rule.is_alerting(),
                "record" => !rule.rule.is_alerting(),
                _ => true,
            })
            .filter(|rule| any("rule_name[]", rule.rule.name()) && selected(rule.rule))
            .map(|rule| entry(rule, &group, with_alerts))
            .collect();
        // A filter on rules leaves out groups that have none of them.
        if rules.is_empty() && !group.rules.is_empty() {
            continue;
        }
        if groups.len() == page.size {
            next = Some(token());
            break;
        }
        groups.push(Group {
            name: group.group.name.clone(),
            file: group.group.file.clone(),
            rules,
            interval: group.interval.as_secs_f64(),
            limit: group.group.limit,
            evaluation_time: secs(group.evaluation_time),
            last_evaluation: time(group.last_evaluation),
        });
    }
    if let Some(token) = skipping {
        let why = format!("invalid group_next_token '{token}'. were rule groups changed?");
        return Err(ApiError::parameter("group_next_token", why));
    }
    Ok(Answer::new(Groups { groups, group_next_token: next }))
}

/// Which groups of all are asked for.
struct Page<'a> {
    size: usize,
    /// Where it begins.
    token: Option<&'a str>,
}

impl<'a> Page<'a> {
    fn of(params: &'a Params) -> Result<Self, ApiError> {
        let token = params.get("group_next_token");
        let Some(text) = params.get("group_limit") else {
            return match token {
                None => Ok(Self { size: usize::MAX, token: None }),
                Some(_) => Err(ApiError::parameter(
                    "group_next_token",
                    "group_limit needs to be present in order to paginate over the groups",
                )),
            };
        };
        match text.parse::<i64>().map(usize::try_from) {
            Ok(Ok(size)) if size > 0 => Ok(Self { size, token }),
            Ok(_) => Err(ApiError::parameter("group_limit", "group_limit needs to be greater than 0")),
            Err(error) => Err(ApiError::parameter(
                "group_limit",
                format!("group_limit needs to be a valid number: {error}"),
            )),
        }
    }
}

/// What names a group to those who ask for the next page: as many hexadecimal digits as in Prometheus.
fn token(file: &str, group: &str) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(format!("{file};{group}"));
    digest.iter().take(20).map(|byte| format!("{byte:02x}")).collect()
}

fn secs(span: Option<Duration>) -> f64 {
    span.map_or(0.0, Duration::as_secs_f64)
}

fn entry(rule: &RuleStatus<'_>, group: &GroupStatus<'_>, with_alerts: bool) -> RuleEntry {
    let common = Common {
        health: rule.health.as_str(),
        last_error: rule.last_error.map(ToString::to_string).unwrap_or_default(),
        evaluation_time: secs(group.evaluation_time),
        last_evaluation: time(rule.last_evaluation),
        kind: if rule.rule.is_alerting() { "alerting" } else { "recording" },
        matched: Matched {
            now: rule.selectors.iter().map(|s| s.matched_now).sum(),
            ever: rule.selectors.iter().map(|s| s.matched_most).sum(),
        },
    };
    let query = rule.rule.expression().text().to_owned();
    let labels = rule.rule.label_texts().iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    match rule.rule {
        Rule::Alerting(alerting) => RuleEntry::Alerting(Box::new(AlertingEntry {
            state: rule.phase().as_str(),
            name: alerting.alert.clone(),
            query,
            duration: alerting.hold.as_secs_f64(),
            keep_firing_for: alerting.keep_firing_for.as_secs_f64(),
            labels,
            annotations: alerting.annotations.iter().map(|(n, t)| (n.clone(), t.text().to_owned())).collect(),
            alerts: if with_alerts {
                rule.alerts.iter().map(|a| ActiveAlert::from(*a)).collect()
            } else {
                Vec::new()
            },
            common,
        })),
        Rule::Recording(recording) => RuleEntry::Recording(Box::new(RecordingEntry {
            name: recording.record.clone(),
            query,
            labels,
            common,
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::global_url;

    #[test]
    fn loopback_targets_are_named_by_the_external_host() {
        let seen = |url| global_url(url, Some("watch.example"));
        assert_eq!(seen("http://localhost:8000/metrics"), "http://watch.example:8000/metrics");
        assert_eq!(seen("http://[::1]/metrics"), "http://watch.example/metrics");
        assert_eq!(seen("http://localhost.example:8000/metrics"), "http://localhost.example:8000/metrics");
        assert_eq!(global_url("http://127.0.0.1:1/", None), "http://127.0.0.1:1/");
    }
}
