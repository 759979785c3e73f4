use std::collections::BTreeMap;

use assurance_metrics_model::Duration;
use assurance_notifier::routing::{Integration, IntegrationKind, ReceiverDefinition};
use assurance_scrape::{Credential, HttpConfig};

use super::keys::{GLOBAL, GLOBAL_APART, KINDS, Kind};
use super::shape::{Fields, Key, Shape, Value};
use super::{raw, taken, url};
use crate::client::{http, tls_config};
use crate::findings::{Findings, Place};

/// How one webhook is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Webhook {
    /// The receiver's name.
    pub receiver: String,
    /// Which of the receiver's webhooks, from 0: [`Integration::index`].
    pub index: usize,
    /// The whole URL, or the file that holds it; its path may be a secret.
    pub url: Credential,
    /// How many alerts are sent at most in one notification; 0 for all.
    pub max_alerts: u64,
    /// How long one delivery may take, where the file says so.
    pub timeout: Option<Duration>,
    /// Whether the end of an alert is told, too.
    pub send_resolved: bool,
    /// How requests are made.
    pub http: HttpConfig,
}

/// `global`: its values by themselves.
pub(crate) fn global(findings: &mut Findings<'_>, place: &Place, fields: &mut Fields) {
    values(findings, place, fields, GLOBAL);
    apart(findings, place, fields, GLOBAL_APART);
    if let Some(tls) = fields.tls("smtp_tls_config") {
        tls_config(findings, &place.at("smtp_tls_config"), tls);
    }
}

/// `receivers`
pub(crate) fn receivers(
    findings: &mut Findings<'_>,
    place: &Place,
    global: &mut Fields,
    list: Vec<Option<raw::Receiver>>,
) -> (Vec<ReceiverDefinition>, Vec<Webhook>) {
    let (mut definitions, mut webhooks) = (Vec::new(), Vec::new());
    let mut client = GlobalClient { raw: global.http("http_config"), read: None };
    for (index, raw) in list.into_iter().enumerate() {
        let place = place.at(index);
        let Some(raw::Receiver(mut fields)) = raw else {
            findings.error(&place, "the receiver is empty", "write a receiver with name, or remove the dash");
            continue;
        };
        let name = fields.text("name").unwrap_or_default().to_owned();
        if name.is_empty() {
            findings.error(&place, "the receiver has no name", "add name; routes refer to it");
        }
        if fields.has("labels") {
            findings.warn(
                &place.at("labels"),
                "labels has no effect here",
                "receivers are not selected by their labels",
            );
        }
        let mut integrations = Vec::new();
        for kind in KINDS {
            let place = place.at(kind.kind.key());
            for (index, fields) in fields.take_list(kind.kind.key()).into_iter().enumerate() {
                let place = place.at(index);
                let Some(mut fields) = fields else {
                    findings.error(&place, "the integration is empty", "write its keys, or remove the dash");
                    continue;
                };
                findings.unused = !kind.kind.is_deliverable();
                let own = integration(findings, &place, kind, &mut fields, global);
                if kind.kind == IntegrationKind::Webhook {
                    webhooks.extend(webhook(findings, &place, (&name, index), &fields, own, &mut client));
                }
                findings.unused = false;
                integrations.push(described(kind, index, &fields));
            }
        }
        undeliverable(findings, &place, &name, &integrations);
        definitions.push(ReceiverDefinition { name, integrations });
    }
    client.finish(findings);
    let mut names = BTreeMap::new();
    for (index, definition) in definitions.iter().enumerate() {
        if definition.name.is_empty() {
            continue;
        }
        if let Some(first) = taken(&mut names, &definition.name, index) {
            findings.error(
                &place.at(index).at("name"),
                format!("there is another receiver {:?}", definition.name),
                format!("receiver number {} has the name already; names must be unique", first + 1),
            );
        }
    }
    (definitions, webhooks)
}

/// `global.http_config` is judged as strictly as the use that is made of it.
struct GlobalClient {
    raw: Option<raw::Http>,
    read: Option<HttpConfig>,
}

impl GlobalClient {
    fn place() -> Place {
        Place::default().at("global").at("http_config")
    }

    fn get(&mut self, findings: &mut Findings<'_>) -> HttpConfig {
        if let Some(raw) = self.raw.take() {
            self.read = Some(client(findings, &Self::place(), raw));
        }
        self.read.clone().unwrap_or_default()
    }

    fn finish(mut self, findings: &mut Findings<'_>) {
        findings.unused = true;
        self.get(findings);
        findings.unused = false;
    }
}

fn client(findings: &mut Findings<'_>, place: &Place, raw: raw::Http) -> HttpConfig {
    findings.not_done(place, &raw.refused(), &[]);
    http(findings, place, raw.client())
}

/// One warning for each receiver that does not reach everybody it names.
fn undeliverable(findings: &mut Findings<'_>, place: &Place, name: &str, integrations: &[Integration]) {
    let lost: Vec<&str> =
        integrations.iter().filter(|i| !i.is_deliverable()).map(|i| i.description.as_str()).collect();
    if lost.is_empty() {
        return;
    }
    let help = if lost.len() == integrations.len() {
        "alerts for it are routed and nobody is told; add a webhook that passes them on"
    } else {
        "alerts for it reach its webhooks only"
    };
    findings.warn(
        &place.at("name"),
        format!("receiver {name:?} cannot be delivered to yet: {}", lost.join(", ")),
        help,
    );
}

fn described(kind: &Kind, index: usize, fields: &Fields) -> Integration {
    let word = kind.kind.as_str();
    let target = kind.target.iter().find_map(|key| match fields.get(key) {
        Some(Value::Text(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    });
    let origin = || fields.secret("url").and_then(|url| url::origin(url.expose())).map(str::to_owned);
    let description = match target.or_else(origin) {
        Some(target) => format!("{word}:{target}"),
        None => word.to_owned(),
    };
    let send_resolved = fields.flag("send_resolved").unwrap_or(kind.send_resolved);
    Integration { kind: kind.kind, index, description, send_resolved }
}

/// What Alertmanager asks of an integration; gives its own HTTP client.
fn integration(
    findings: &mut Findings<'_>,
    place: &Place,
    kind: &Kind,
    fields: &mut Fields,
    global: &Fields,
) -> Option<HttpConfig> {
    values(findings, place, fields, kind.keys);
    apart(findings, place, fields, kind.apart);
    for need in kind.needs {
        let there =
            need.own.iter().any(|key| fields.has(key)) || need.global.iter().any(|key| global.has(key));
        if !there {
            let word = kind.kind.as_str();
            let help = match need.global.first() {
                Some(inherited) => format!("add {} here, or {inherited} in global", need.own[0]),
                None => format!("add {}", need.own[0]),
            };
            findings.error(place, format!("the {word} integration has no {}", need.own.join(" or ")), help);
        }
    }
    if let Some(tls) = fields.tls("tls_config") {
        tls_config(findings, &place.at("tls_config"), tls);
    }
    let raw = fields.http("http_config");
    let authorized =
        raw.as_ref().is_some_and(|raw| raw.authorization.is_some() || raw.bearer_token.is_some());
    super::kinds::check(findings, place, kind.kind, fields, authorized);
    raw.map(|raw| client(findings, &place.at("http_config"), raw))
}

fn webhook(
    findings: &mut Findings<'_>,
    place: &Place,
    (receiver, index): (&str, usize),
    fields: &Fields,
    own: Option<HttpConfig>,
    client: &mut GlobalClient,
) -> Option<Webhook> {
    if fields.has("payload") {
        findings.key_error(
            &place.at("payload"),
            "payload is not supported",
            "remove it; the body is that of Alertmanager's webhooks, version 4",
        );
    }
    let url = match (fields.secret("url"), fields.text("url_file")) {
        (Some(url), _) => {
            if url.expose().contains("{{") {
                findings.secret_error(
                    &place.at("url"),
                    "the URL is a template, and is not filled in",
                    "write the URL itself; one receiver for each",
                );
            }
            Credential::Inline(url.clone())
        }
        (None, Some(path)) => Credential::File(findings.path(path)),
        (None, None) => return None,
    };
    let timeout = match fields.get("timeout") {
        Some(Value::Span(span)) if !span.is_zero() => Some(*span),
        _ => None,
    };
    let max_alerts = match fields.get("max_alerts") {
        Some(Value::Count(count)) => *count,
        _ => 0,
    };
    Some(Webhook {
        receiver: receiver.to_owned(),
        index,
        url,
        max_alerts,
        timeout,
        send_resolved: fields.flag("send_resolved").unwrap_or(true),
        http: own.unwrap_or_else(|| client.get(findings)),
    })
}

/// Values that have a form of their own.
fn values(findings: &mut Findings<'_>, place: &Place, fields: &Fields, keys: &[Key]) {
    for key in keys {
        let place = place.at(key.name);
        match (key.shape, fields.get(key.name)) {
            (Shape::Url, Some(Value::Text(text))) => {
                if let Some(fault) = url::fault(text) {
                    findings.error(&place, format!("{} is no URL: {fault}", key.name), URL_HELP);
                }
            }
            (Shape::SecretUrl, Some(Value::Secret(secret))) => {
                let text = secret.expose();
                // As Alertmanager's API writes a configuration out; templates are judged elsewhere.
                let stands_for_one = text == "<secret>" && findings.unused;
                if let Some(fault) = url::fault(text).filter(|_| !stands_for_one && !text.contains("{{")) {
                    findings.secret_error(&place, format!("{} is no URL: {fault}", key.name), URL_HELP);
                }
            }
            (Shape::HostPort, Some(Value::Text(text))) if !url::is_host_port(text) => {
                findings.error(
                    &place,
                    format!("{text:?} is no address with a port"),
                    "write host:port, such as mail.example.org:587",
                );
            }
            _ => {}
        }
    }
}

const URL_HELP: &str = "write a URL such as https://example.org/hook";

/// Keys that exclude each other.
fn apart(findings: &mut Findings<'_>, place: &Place, fields: &Fields, groups: &[&[&str]]) {
    for group in groups {
        let written: Vec<&str> = group.iter().filter(|key| fields.has(key)).copied().collect();
        if let [first, .., last] = written[..] {
            findings.key_error(
                &place.at(last),
                format!("{last} stands beside {first}"),
                "keep one of them, the file where others may read this configuration",
            );
        }
    }
}
