//! A configuration without its secrets, for those who may read and not know.

use std::fmt::{self, Write as _};

use assurance_diagnostics::{Source, yaml};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Stands for a secret, as in Prometheus.
const SECRET: &str = "<secret>";

/// Stands for a secret within a URL, as in Prometheus.
const SECRET_IN_URL: &str = "xxxxx";

/// Parts of the names of keys that hold secrets.
const SECRET_WORDS: [&str; 6] = ["passw", "secret", "token", "credential", "private_key", "api_key"];

/// Endings of names that only say where a secret is, or where to get one.
const HARMLESS_ENDINGS: [&str; 4] = ["_file", "_files", "_ref", "_url"];

/// The same document in plain form: aliases applied, comments gone, secrets hidden.
pub(crate) fn yaml(text: &str) -> String {
    let mut out = String::new();
    match yaml::parse::<Option<Node>>(&Source::new("configuration", text)) {
        Ok(Some(node)) => node.write(&mut out, 0, false),
        Ok(None) => {}
        // It is in force, so that it was read before; without its structure nothing of it can be shown.
        Err(_unreadable) => out.push_str("# the configuration in force cannot be shown\n"),
    }
    out
}

enum Node {
    /// As it is written where it stands alone.
    Plain(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// Writes it in block style; what is no mapping or list takes the rest of a line.
    fn write(&self, out: &mut String, depth: usize, hidden: bool) {
        match self {
            Self::List(items) if items.is_empty() => out.push_str("[]\n"),
            Self::Map(pairs) if pairs.is_empty() => out.push_str("{}\n"),
            Self::List(items) => {
                for item in items {
                    out.push_str(&"  ".repeat(depth));
                    out.push('-');
                    item.write_value(out, depth, hidden);
                }
            }
            Self::Map(pairs) => {
                for (key, value) in pairs {
                    out.push_str(&"  ".repeat(depth));
                    out.push_str(&scalar(key));
                    out.push(':');
                    value.write_value(out, depth, hidden || is_secret(key));
                }
            }
            Self::Plain(text) | Self::Text(text) if hidden && !text.is_empty() && text != "null" => {
                out.push_str(SECRET);
                out.push('\n');
            }
            Self::Plain(text) => {
                out.push_str(text);
                out.push('\n');
            }
            Self::Text(text) => {
                out.push_str(&scalar(&without_credentials(text)));
                out.push('\n');
            }
        }
    }

    /// Writes it behind a key or a dash.
    fn write_value(&self, out: &mut String, depth: usize, hidden: bool) {
        let is_block = match self {
            Self::List(items) => !items.is_empty(),
            Self::Map(pairs) => !pairs.is_empty(),
            Self::Plain(_) | Self::Text(_) => false,
        };
        out.push(if is_block { '\n' } else { ' ' });
        self.write(out, depth + 1, hidden);
    }
}

fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| key.contains(word))
        && !HARMLESS_ENDINGS.iter().any(|ending| key.ends_with(ending))
}

/// A text with what URLs in it carry before `@`, or under a secret's name, hidden.
pub(crate) fn without_credentials(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let mut out = format!("{scheme}://");
    match authority.rsplit_once('@') {
        Some((_credentials, host)) => {
            // Writing to a `String` cannot fail.
            let _infallible = write!(out, "{SECRET_IN_URL}@{host}");
        }
        None => out.push_str(authority),
    }
    let Some((path, query)) = path.split_once('?') else {
        out.push_str(path);
        return out;
    };
    let hidden = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _value)) if is_secret(name) => format!("{name}={SECRET_IN_URL}"),
        _ => pair.to_owned(),
    });
    let _infallible = write!(out, "{path}?{}", hidden.collect::<Vec<_>>().join("&"));
    out
}

/// A text as it may stand alone, else in quotes: JSON's are also YAML's.
fn scalar(text: &str) -> String {
    const WORDS: [&str; 10] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n", "~"];
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "_./<>$-".contains(c);
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic() || "_/<".contains(c))
        && text.chars().all(is_safe)
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    let is_duration = text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(['s', 'm', 'h', 'd', 'w', 'y'])
        && text.chars().all(|c| c.is_ascii_digit() || "smhdwy".contains(c));
    if is_word || is_duration { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyNode)
    }
}

struct AnyNode;

impl<'de> Visitor<'de> for AnyNode {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Plain("null".to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Plain(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Plain(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Plain(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Plain(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(Node::List(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Node, A::Error> {
        let mut all = Vec::new();
        while let Some((key, value)) = pairs.next_entry::<Node, Node>()? {
            let key = match key {
                Node::Plain(text) | Node::Text(text) => text,
                Node::List(_) | Node::Map(_) => continue,
            };
            all.push((key, value));
        }
        Ok(Node::Map(all))
    }
}

#[cfg(test)]
mod tests {
    use super::{scalar, without_credentials, yaml};

    const CONFIG: &str = r#"
# a comment with canary-0
global: {scrape_interval: 15s, external_labels: {cluster: "a: b", on: 'yes'}}
scrape_configs:
  - job_name: brain
    basic_auth: &auth {username: admin, password: canary-1}
    params: {token: [canary-2], empty: []}
    http_headers: {X-Key: {secrets: [canary-3, canary-4], files: [key.txt]}}
    static_configs:
      - targets: ['127.0.0.1:1', 'https://canary-5@b:2/?api_key=canary-6&x=1']
  - job_name: other
    basic_auth: *auth
    oauth2: {client_id: id, client_secret: canary-7, client_secret_file: f, token_url: 'https://u:canary-8@t/'}
    authorization: {credentials: 12345678}
    custom_secrets: {deep: {deeper: [canary-9], on: true}}
"#;

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        let shown = yaml(CONFIG);
        assert!(!shown.contains("canary") && !shown.contains("12345678"), "{shown}");
        for kept in [
            "scrape_interval: 15s\n",
            "cluster: \"a: b\"\n",
            "\"on\": \"yes\"\n",
            "username: admin\n",
            "password: <secret>\n",
            "empty: []\n",
            "- key.txt\n",
            "client_secret_file: f\n",
            "\"https://xxxxx@b:2/?api_key=xxxxx&x=1\"\n",
            "token_url: \"https://xxxxx@t/\"\n",
        ] {
            assert!(shown.contains(kept), "{kept} is not in\n{shown}");
        }
    }

    #[test]
    fn what_is_shown_is_yaml_that_shows_the_same() {
        let shown = yaml(CONFIG);
        assert_eq!(yaml(&shown), shown);
        assert_eq!(yaml(""), "");
        assert!(!yaml("password: canary-1\n  x: [").contains("canary"));
    }

    #[test]
    fn texts_that_would_be_read_otherwise_are_quoted() {
        for (text, shown) in [
            ("job", "job"),
            ("5m", "5m"),
            ("1h30m", "1h30m"),
            ("Yes", "\"Yes\""),
            ("12", "\"12\""),
            ("", "\"\""),
            ("a b", "\"a b\""),
            ("- a", "\"- a\""),
            ("a\n\"b", "\"a\\n\\\"b\""),
        ] {
            assert_eq!(scalar(text), shown, "{text}");
        }
        assert_eq!(without_credentials("no url: a@b"), "no url: a@b");
    }
}
