use assurance_metrics_model::Duration;
use assurance_notifier::{Receiver, ReceiverKind};
use assurance_scrape::{FileSd, HttpConfig, RelabelRule, TargetGroup, relabel_builder};

use crate::client::http;
use crate::discovery::{file_sd, relabel_rules, static_targets};
use crate::findings::{Findings, Place};
use crate::raw;
use crate::scrape::{scheme, written};

/// The path of Alertmanager's API that takes alerts; relabelling sees it in `__alerts_path__`.
const ALERTS_PATH: &str = "/api/v2/alerts";

/// Who is told of alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alerting {
    /// Applied to alerts before they are sent.
    pub alert_relabel: Vec<RelabelRule>,
    /// Each entry may stand for several Alertmanagers.
    pub alertmanagers: Vec<Alertmanager>,
}

/// Alertmanagers that are spoken to in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alertmanager {
    /// `http` or `https`.
    pub scheme: String,
    /// Before `/api/v2`; begins with `/` where not empty.
    pub path_prefix: String,
    /// How long one delivery may take.
    pub timeout: Duration,
    /// Alertmanagers that are written down.
    pub static_targets: Vec<TargetGroup>,
    /// Alertmanagers listed in files.
    pub file_sd: Vec<FileSd>,
    /// Applied to Alertmanagers.
    pub relabel: Vec<RelabelRule>,
    /// Applied to alerts for these Alertmanagers only.
    pub alert_relabel: Vec<RelabelRule>,
    /// How requests are made.
    pub http: HttpConfig,
}

impl Alertmanager {
    /// One receiver for each Alertmanager that is written down or among `discovered`, named by its URL.
    pub fn receivers(&self, discovered: &[TargetGroup]) -> Vec<Receiver> {
        let mut out: Vec<Receiver> = Vec::new();
        for group in self.static_targets.iter().chain(discovered) {
            for target in &group.targets {
                let Some(url) = self.url(group, target) else { continue };
                if out.iter().all(|receiver| receiver.url != url) {
                    let mut receiver = Receiver::new(&url, ReceiverKind::Alertmanager, &url);
                    receiver.timeout = self.timeout;
                    out.push(receiver);
                }
            }
        }
        out
    }

    /// The base URL of one Alertmanager; `None` if relabelling drops it.
    fn url(&self, group: &TargetGroup, target: &str) -> Option<String> {
        let mut labels = group.labels.to_builder();
        labels.set("__address__", target);
        for (name, value) in [
            ("__scheme__", self.scheme.clone()),
            ("__alerts_path__", format!("{}{ALERTS_PATH}", self.path_prefix)),
        ] {
            if labels.get(name).is_none() {
                labels.set(name, &value);
            }
        }
        if !relabel_builder(&mut labels, &self.relabel) {
            return None;
        }
        let get = |name| labels.get(name).unwrap_or_default();
        let (scheme, address, path) = (get("__scheme__"), get("__address__"), get("__alerts_path__"));
        let base = path.strip_suffix(ALERTS_PATH).unwrap_or(path).trim_end_matches('/');
        (!address.is_empty()).then(|| format!("{scheme}://{address}{base}"))
    }
}

/// `alerting`
pub(crate) fn alerting(findings: &mut Findings<'_>, place: &Place, raw: raw::Alerting) -> Alerting {
    let rules = raw.alert_relabel_configs;
    let alert_relabel = relabel_rules(findings, &place.at("alert_relabel_configs"), rules);
    let place = place.at("alertmanagers");
    let mut alertmanagers = Vec::new();
    for (index, raw) in raw.alertmanagers.unwrap_or_default().into_iter().enumerate() {
        let place = place.at(index);
        match raw {
            Some(raw) => alertmanagers.push(alertmanager(findings, &place, raw)),
            None => {
                findings.error(
                    &place,
                    "the Alertmanager is empty",
                    "write static_configs, or remove the dash",
                );
            }
        }
    }
    Alerting { alert_relabel, alertmanagers }
}

fn alertmanager(findings: &mut Findings<'_>, place: &Place, mut raw: raw::Alertmanager) -> Alertmanager {
    findings.not_done(place, &raw.refused(), &raw.ignored());
    match raw.api_version.as_deref() {
        None | Some("" | "v2") => {}
        Some("v1") => findings.error(
            &place.at("api_version"),
            "version v1 of Alertmanager's API is not spoken",
            "write v2; Alertmanager has it since 0.16, and dropped v1 in 0.27",
        ),
        Some(other) => findings.error(
            &place.at("api_version"),
            format!("{other:?} is no version of Alertmanager's API"),
            "write v2, or remove the key",
        ),
    }
    let prefix = raw.path_prefix.take().unwrap_or_default();
    let prefix = prefix.trim_matches('/');
    let relabel = relabel_rules(findings, &place.at("relabel_configs"), raw.relabel_configs.take());
    let alert_relabel =
        relabel_rules(findings, &place.at("alert_relabel_configs"), raw.alert_relabel_configs.take());
    let groups = raw.static_configs.take();
    let lists = raw.file_sd_configs.take();
    Alertmanager {
        scheme: scheme(findings, place, raw.scheme.as_deref()).unwrap_or_else(|| "http".to_owned()),
        path_prefix: if prefix.is_empty() { String::new() } else { format!("/{prefix}") },
        timeout: written(raw.timeout).unwrap_or(Duration::from_secs(10)),
        static_targets: static_targets(findings, &place.at("static_configs"), groups, relabel.is_empty()),
        file_sd: file_sd(findings, &place.at("file_sd_configs"), lists),
        relabel,
        alert_relabel,
        http: http(findings, place, raw.client()),
    }
}
