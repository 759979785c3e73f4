//! What the reference page lists, from the tables that the reader goes by.

use std::fmt::Write as _;

use assurance_diagnostics::yaml::{MAX_BYTES, MAX_DEPTH};
use assurance_notifier::routing::{MAX_CHAINS, MAX_INHIBIT_RULES, MAX_ROUTES, MAX_STEPS};

use super::cases::MAX_CASES;
use super::keys::{GLOBAL, KINDS, Kind};
use super::shape::{Key, Shape};

/// The generated part of the reference page on notifications: limits, the keys of `global` and of every kind
/// of integration, as Markdown.
pub fn notify_reference() -> String {
    let mut out = format!(
        "## Limits\n\n| what | limit |\n|---|---|\n| bytes of a file | {MAX_BYTES} |\n| routes | {MAX_ROUTES} |\n\
         | lists and mappings inside of each other, of which a route takes two | {MAX_DEPTH} |\n\
         | inhibition rules | {MAX_INHIBIT_RULES} |\n| escalation chains | {MAX_CHAINS} |\n\
         | steps of a chain | {MAX_STEPS} |\n| cases of a file | {MAX_CASES} |\n\n## Every key\n\n### `global`\n\n"
    );
    keys(&mut out, GLOBAL);
    for kind in KINDS {
        let state = if kind.kind.is_deliverable() { "delivered" } else { "cannot be delivered to yet" };
        let _fits = write!(
            out,
            "\n### `{}`\n\nName `{}`; {state}; `send_resolved` is {} where it is not written.{}\n\n",
            kind.kind.key(),
            kind.kind.as_str(),
            kind.send_resolved,
            demands(kind),
        );
        keys(&mut out, kind.keys);
    }
    out
}

fn demands(kind: &Kind) -> String {
    let mut out = String::new();
    for need in kind.needs {
        let own = ticked(need.own);
        let _fits = match need.global {
            [] => write!(out, " Needs {own}."),
            global => write!(out, " Needs {own}, or in `global` {}.", ticked(global)),
        };
    }
    for group in kind.apart {
        let _fits = write!(out, " Only one of {}.", ticked(group));
    }
    out
}

fn ticked(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
}

fn keys(out: &mut String, keys: &[Key]) {
    out.push_str("| key | value |\n|---|---|\n");
    for key in keys {
        let _fits = writeln!(out, "| `{}` | {} |", key.name, value(key.shape));
    }
}

fn value(shape: Shape) -> String {
    let nested =
        |keys: &[Key]| ticked(&keys.iter().map(|key| key.name).collect::<Vec<_>>()).replace(" or ", ", ");
    match shape {
        Shape::Text => "text".to_owned(),
        Shape::Secret => "text, never shown".to_owned(),
        Shape::File => "path of a file".to_owned(),
        Shape::Url => "URL".to_owned(),
        Shape::SecretUrl => "URL, never shown".to_owned(),
        Shape::HostPort => "`host:port`".to_owned(),
        Shape::Flag => "`true` or `false`".to_owned(),
        Shape::Count => "whole number, not negative".to_owned(),
        Shape::Number => "whole number".to_owned(),
        Shape::Span => "duration, such as `5m`".to_owned(),
        Shape::GoSpan => "duration, such as `10s`".to_owned(),
        Shape::Texts => "list of texts".to_owned(),
        Shape::TextMap => "texts by name".to_owned(),
        Shape::Map(keys) => format!("mapping: {}", nested(keys)),
        Shape::List(keys) => format!("list of mappings: {}", nested(keys)),
        Shape::TextOr(keys) => format!("text, or a mapping: {}", nested(keys)),
        Shape::Http => "[HTTP client](#http_config)".to_owned(),
        Shape::Tls => "TLS settings, as in `prometheus.yml`".to_owned(),
        Shape::Any => "anything".to_owned(),
    }
}
