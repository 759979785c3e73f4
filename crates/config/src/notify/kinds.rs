//! What Alertmanager asks of single kinds, beyond keys that must be there.

use std::collections::BTreeMap;

use assurance_notifier::routing::IntegrationKind;

use super::shape::{Fields, Value};
use crate::findings::{Findings, Place};

/// The one URL under which Slack lets messages be changed.
const SLACK_POST: &str = "https://slack.com/api/chat.postMessage";

/// Fields VictorOps fills itself.
const VICTOROPS_RESERVED: [&str; 7] = [
    "routing_key",
    "message_type",
    "state_message",
    "entity_display_name",
    "monitoring_tool",
    "entity_id",
    "entity_state",
];

pub(crate) fn check(
    findings: &mut Findings<'_>,
    place: &Place,
    kind: IntegrationKind,
    fields: &Fields,
    authorized: bool,
) {
    let mut check = Check { findings, place, fields };
    match kind {
        IntegrationKind::Email => check.email(),
        IntegrationKind::Incidentio => check.incidentio(authorized),
        IntegrationKind::Jira => check.word("api_type", &["auto", "cloud", "datacenter"]),
        IntegrationKind::OpsGenie => check.responders(),
        IntegrationKind::Pushover => check.pushover(),
        IntegrationKind::Slack => check.slack(),
        IntegrationKind::Mattermost => check.titled("fields"),
        IntegrationKind::Telegram => {
            check.word("parse_mode", &["HTML", "Markdown", "MarkdownV2"]);
            if let Some(Value::Number(0)) = fields.get("chat_id") {
                check.wrong("chat_id", "0 is no chat", "write the number of the chat");
            }
        }
        IntegrationKind::Sns => check.sns(),
        IntegrationKind::VictorOps => check.victorops(),
        IntegrationKind::Webex if !authorized => {
            check.wrong(
                "room_id",
                "the webex integration has no authorization",
                "add http_config with authorization",
            );
        }
        IntegrationKind::WeChat => check.word("message_type", &["text", "markdown"]),
        _ => {}
    }
}

struct Check<'c, 'f> {
    findings: &'c mut Findings<'f>,
    place: &'c Place,
    fields: &'c Fields,
}

impl Check<'_, '_> {
    fn wrong(&mut self, key: &str, message: impl Into<Box<str>>, help: impl Into<Box<str>>) {
        self.findings.key_error(&self.place.at(key), message, help);
    }

    fn word(&mut self, key: &str, words: &[&str]) {
        if let Some(text) = self.fields.text(key)
            && !words.contains(&text)
        {
            let help = format!("write one of {}", words.join(", "));
            self.findings.error(&self.place.at(key), format!("{text:?} is no {key}"), help);
        }
    }

    fn email(&mut self) {
        let Some(Value::TextMap(headers)) = self.fields.get("headers") else { return };
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for name in headers.keys() {
            if let Some(first) = seen.insert(name.to_ascii_lowercase(), name) {
                let place = self.place.at("headers").at(name.as_str());
                self.findings.key_error(
                    &place,
                    format!("the header {name} stands beside {first}"),
                    "upper and lower case are the same in names of headers; keep one",
                );
            }
        }
        let Some(threading) = self.fields.map("threading") else { return };
        if threading.flag("enabled") != Some(true) {
            return;
        }
        for name in ["references", "in-reply-to"] {
            if let Some(written) = seen.get(name) {
                let place = self.place.at("headers").at(*written);
                self.findings.key_error(
                    &place,
                    format!("the header {written} is made by threading"),
                    "remove one of the two",
                );
            }
        }
        if !matches!(threading.text("thread_by_date"), Some("none" | "daily")) {
            let place = self.place.at("threading");
            self.findings.key_error(&place, "threading has no thread_by_date", "write none or daily");
        }
    }

    fn incidentio(&mut self, authorized: bool) {
        let token = ["alert_source_token", "alert_source_token_file"].iter().find(|key| self.fields.has(key));
        match (token, authorized) {
            (None, false) => self.findings.error(
                self.place,
                "the incidentio integration has no token",
                "add alert_source_token_file",
            ),
            (Some(token), true) => {
                self.wrong(
                    token,
                    format!("{token} stands beside http_config's authorization"),
                    "keep one of them",
                );
            }
            _ => {}
        }
    }

    fn responders(&mut self) {
        let place = self.place.at("responders");
        for (index, responder) in self.fields.list("responders").iter().enumerate() {
            let place = place.at(index);
            let named = |fields: &Fields| ["id", "name", "username"].iter().any(|key| fields.has(key));
            if !responder.as_ref().is_some_and(named) {
                self.findings.error(&place, "the responder has no name", "add id, name or username");
                continue;
            }
            let kind = responder.as_ref().and_then(|fields| fields.text("type")).unwrap_or_default();
            let words = ["team", "teams", "user", "escalation", "schedule"];
            if !kind.contains("{{") && !words.iter().any(|word| word.eq_ignore_ascii_case(kind)) {
                self.findings.error(
                    &place,
                    format!("{kind:?} is no type of responder"),
                    format!("write one of {}", words.join(", ")),
                );
            }
        }
    }

    fn pushover(&mut self) {
        if self.fields.flag("html") == Some(true) && self.fields.flag("monospace") == Some(true) {
            self.wrong("monospace", "monospace stands beside html", "keep one of them");
        }
    }

    fn slack(&mut self) {
        self.titled("fields");
        if self.fields.flag("update_message") == Some(true)
            && self.fields.secret("api_url").is_none_or(|url| url.expose() != SLACK_POST)
        {
            self.wrong(
                "update_message",
                "update_message needs a bot's token",
                format!("set api_url to {SLACK_POST}, and authorization in http_config"),
            );
        }
        let place = self.place.at("actions");
        for (index, action) in self.fields.list("actions").iter().enumerate() {
            let place = place.at(index);
            let has = |key| action.as_ref().is_some_and(|action| action.has(key));
            for (there, missing) in
                [(has("type"), "type"), (has("text"), "text"), (has("url") || has("name"), "name or url")]
            {
                if !there {
                    self.findings.error(
                        &place,
                        format!("the action has no {missing}"),
                        format!("add {missing}"),
                    );
                }
            }
            let confirm = action.as_ref().and_then(|action| action.map("confirm"));
            if confirm.is_some_and(|confirm| !confirm.has("text")) {
                self.findings.error(&place.at("confirm"), "the question has no text", "add text");
            }
        }
    }

    /// Each of these fields has a title and a value.
    fn titled(&mut self, key: &str) {
        let place = self.place.at(key);
        for (index, field) in self.fields.list(key).iter().enumerate() {
            for part in ["title", "value"] {
                if !field.as_ref().is_some_and(|field| field.has(part)) {
                    self.findings.error(
                        &place.at(index),
                        format!("the field has no {part}"),
                        format!("add {part}"),
                    );
                }
            }
        }
    }

    fn sns(&mut self) {
        let Some(sigv4) = self.fields.map("sigv4") else { return };
        if sigv4.has("access_key") != sigv4.has("secret_key") {
            self.wrong("sigv4", "one of access_key and secret_key is missing", "write both, or none of them");
        }
    }

    fn victorops(&mut self) {
        let Some(Value::TextMap(custom)) = self.fields.get("custom_fields") else { return };
        for name in VICTOROPS_RESERVED.iter().filter(|name| custom.contains_key(**name)) {
            let place = self.place.at("custom_fields").at(*name);
            self.findings.key_error(
                &place,
                format!("{name} cannot be a custom field"),
                "it is made by another key or by the request itself",
            );
        }
    }
}
