//! The file as it is written, apart from what stands in tables.

use std::collections::BTreeMap;
use std::fmt;

use assurance_diagnostics::yaml::Bool;
use assurance_metrics_model::Duration;
use serde::de::{self, Deserialize, DeserializeSeed as _, Deserializer, Visitor};

use super::keys;
use super::shape::{Fields, Key, Mapping, Shape};
use crate::raw::{Authorization, BasicAuth, Client, Header, Tls, mapping};
use crate::scalar::{Hidden, Span};

mapping! {
    /// The whole file.
    File {
        global: Global,
        route: Route,
        inhibit_rules: Vec<Option<InhibitRule>>,
        receivers: Vec<Option<Receiver>>,
        templates: Vec<String>,
        mute_time_intervals: Vec<Option<TimeInterval>>,
        time_intervals: Vec<Option<TimeInterval>>,
    }
    ignored { tracing, }
}

mapping! {
    /// `route` and each of `routes`
    Route {
        receiver: String,
        group_by: Vec<String>,
        r#match: BTreeMap<String, Option<String>>,
        match_re: BTreeMap<String, Option<String>>,
        matchers: Vec<String>,
        r#continue: Bool,
        routes: Vec<Option<Route>>,
        group_wait: Span,
        group_interval: Span,
        repeat_interval: Span,
        mute_time_intervals: Vec<String>,
        active_time_intervals: Vec<String>,
    }
}

mapping! {
    /// One of `inhibit_rules`
    InhibitRule {
        name: String,
        source_match: BTreeMap<String, Option<String>>,
        source_match_re: BTreeMap<String, Option<String>>,
        source_matchers: Vec<String>,
        target_match: BTreeMap<String, Option<String>>,
        target_match_re: BTreeMap<String, Option<String>>,
        target_matchers: Vec<String>,
        equal: Vec<String>,
    }
    refused { sources, }
}

mapping! {
    /// One of `time_intervals`
    TimeInterval {
        name: String,
        time_intervals: Vec<Option<TimeSpan>>,
    }
}

mapping! {
    /// What an interval consists of.
    TimeSpan {
        times: Vec<Option<Times>>,
        weekdays: Vec<String>,
        days_of_month: Vec<String>,
        months: Vec<String>,
        years: Vec<String>,
        location: String,
    }
}

mapping! {
    /// Times of day.
    Times {
        start_time: String,
        end_time: String,
    }
}

mapping! {
    /// `http_config`
    Http {
        basic_auth: BasicAuth,
        authorization: Authorization,
        bearer_token: Hidden,
        bearer_token_file: String,
        tls_config: Tls,
        follow_redirects: Bool,
        enable_http2: Bool,
        http_headers: BTreeMap<String, Option<Header>>,
        proxy_url: String,
        no_proxy: String,
        proxy_from_environment: Bool,
    }
    refused { oauth2, proxy_connect_header, }
}

impl Http {
    /// The keys about the HTTP client.
    pub(crate) fn client(self) -> Client {
        Client {
            basic_auth: self.basic_auth,
            authorization: self.authorization,
            bearer_token: self.bearer_token,
            bearer_token_file: self.bearer_token_file,
            tls_config: self.tls_config,
            follow_redirects: self.follow_redirects,
            http_headers: self.http_headers,
            proxy_url: self.proxy_url,
            proxy_from_environment: self.proxy_from_environment,
        }
    }
}

/// `global`
#[derive(Debug, Default)]
pub(crate) struct Global(pub(crate) Fields);

impl<'de> Deserialize<'de> for Global {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Mapping(keys::GLOBAL).deserialize(deserializer).map(Self)
    }
}

/// One of `receivers`
#[derive(Debug)]
pub(crate) struct Receiver(pub(crate) Fields);

/// `name`, `labels`, and a list of integrations for each kind.
static RECEIVER: [Key; keys::KINDS.len() + 2] = {
    let mut all = [Key { name: "name", shape: Shape::Text }; keys::KINDS.len() + 2];
    all[1] = Key { name: "labels", shape: Shape::TextMap };
    let mut at = 0;
    while at < keys::KINDS.len() {
        let kind = &keys::KINDS[at];
        all[at + 2] = Key { name: kind.kind.key(), shape: Shape::List(kind.keys) };
        at += 1;
    }
    all
};

impl<'de> Deserialize<'de> for Receiver {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Mapping(&RECEIVER).deserialize(deserializer).map(Self)
    }
}

/// A duration as Go writes them: `1.5h`, `1m30s`, `300ms`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GoSpan(pub(crate) Duration);

impl<'de> Deserialize<'de> for GoSpan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = GoSpan;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as 10s or 1m30s")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<GoSpan, E> {
                go_duration(text).map(GoSpan).ok_or_else(|| {
                    E::custom(format!(
                        "{text:?} is not a duration here; write numbers with the units h, m, s or ms, such as 1m30s"
                    ))
                })
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// Rounds down to whole milliseconds; nothing negative.
fn go_duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, f64); 8] = [
        ("ns", 1e-6),
        ("us", 1e-3),
        ("µs", 1e-3),
        ("μs", 1e-3),
        ("ms", 1.0),
        ("s", 1e3),
        ("m", 6e4),
        ("h", 3.6e6),
    ];
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut millis = 0.0;
    while !rest.is_empty() {
        let number = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let (digits, tail) = rest.split_at(number);
        let letters = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
        millis += digits.parse::<f64>().ok()? * factor;
        rest = tail;
    }
    // What Go can hold: 292 years.
    (millis < 9.2e15).then(|| {
        #[expect(clippy::cast_possible_truncation, reason = "it is in range")]
        Duration::from_millis(millis as i64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_go_writes_them() {
        for (text, millis) in [
            ("0", Some(0)),
            ("1m30s", Some(90_000)),
            ("1.5h", Some(5_400_000)),
            ("250ms", Some(250)),
            ("+2s", Some(2000)),
            ("1h1m1s1ms", Some(3_661_001)),
            ("999us", Some(0)),
            ("1500µs", Some(1)),
            ("-1s", None),
            ("90", None),
            ("", None),
            ("1d", None),
            ("1..5s", None),
            (".s", None),
            ("99999999999999999999h", None),
        ] {
            assert_eq!(go_duration(text).map(Duration::as_millis), millis, "{text}");
        }
    }
}
