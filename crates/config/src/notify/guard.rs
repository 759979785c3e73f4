//! Findings show the line they are about; a line with a secret in it is not shown.

use assurance_diagnostics::{Diagnostic, Source, suggest};

use super::keys::{GLOBAL, KINDS};
use super::shape::{Key, Shape};

/// Parts of the names of keys that nobody knows, and that may have been meant to hold a secret.
const SUSPECT: [&str; 4] = ["url", "key", "hook", "token"];

/// The finding, without its line where a secret stands in that.
pub(crate) fn guarded(source: &Source, found: Diagnostic) -> Diagnostic {
    let line = found.line().and_then(|line| source.text().lines().nth(line - 1));
    if line.is_some_and(holds_secret) { found.with_hidden_line() } else { found }
}

fn holds_secret(line: &str) -> bool {
    line.match_indices(':').any(|(at, _)| {
        let before = line[..at].trim_end_matches(['"', '\'', ' ']);
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let key = &before[before.trim_end_matches(word).len()..];
        !key.is_empty() && !line[at + 1..].trim().is_empty() && is_secret(key)
    })
}

/// Where a key is secret in one place and not in another, it counts as secret; so does one that nobody knows and
/// that is nearly a secret one.
fn is_secret(key: &str) -> bool {
    let mut all = Vec::new();
    for table in std::iter::once(GLOBAL).chain(KINDS.iter().map(|kind| kind.keys)) {
        list(table, &mut all);
    }
    let secrets = || all.iter().filter(|(_, secret)| *secret).map(|(name, _)| *name);
    if secrets().any(|name| name == key) {
        return true;
    }
    let known = key.ends_with("_configs") || all.iter().any(|(name, _)| *name == key);
    !known && (SUSPECT.iter().any(|part| key.contains(part)) || suggest(key, secrets()).is_some())
}

/// Every key with those inside of it, and whether it is secret.
fn list(table: &[Key], all: &mut Vec<(&'static str, bool)>) {
    for key in table {
        all.push((key.name, matches!(key.shape, Shape::Secret | Shape::SecretUrl)));
        if let Shape::Map(keys) | Shape::List(keys) | Shape::TextOr(keys) = key.shape {
            list(keys, all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_secrets_are_known_by_their_keys() {
        for line in [
            "  - {user_key: abc, html: true}",
            "url: http://a/b",
            "\"service_key\" : 'x'",
            "slack_url: https://a",
            "bot_token: 1:2",
            "- ur: http://a",
            "routing_ke: a",
            "  - {to: a, auth_password: b}",
        ] {
            assert!(holds_secret(line), "{line}");
        }
        for line in [
            "routing_key_file: /run/secrets/pd",
            "service_key:",
            "pagerduty_url: http://a",
            "channel: '#url'",
            "group_by: [service_key]",
            "webhook_configs: [{}]",
            "  receiver: ops",
            "- match: {severity: critical, team: a}",
            "  group_wait: 10s",
        ] {
            assert!(!holds_secret(line), "{line}");
        }
    }
}
