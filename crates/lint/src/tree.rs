//! `alertmanager.yml` as far as it can be read: its reader refuses a file for its first flaw, and what the others
//! are should be told in the same run.

use std::collections::BTreeMap;
use std::ops::Range;

use assurance_diagnostics::Source;
use assurance_diagnostics::yaml::{self, PathSegment};
use assurance_metrics_model::{MatchOp, Matcher};
use assurance_notifier::routing::{parse_matcher, parse_matchers};
use serde::Deserialize;

/// Integrations whose messages about the end of an alert are off unless asked for.
const SILENT_ABOUT_THE_END: [&str; 3] = ["email_configs", "slack_configs", "wechat_configs"];

/// How deep routes are followed: as deep as a document may be nested.
const MAX_ROUTES: usize = yaml::MAX_DEPTH;

#[derive(Debug, Default, Deserialize)]
struct RawFile {
    route: Option<RawRoute>,
    #[serde(default)]
    receivers: Option<Vec<RawReceiver>>,
    #[serde(default)]
    inhibit_rules: Option<Vec<RawInhibit>>,
}

#[derive(Debug, Default, Deserialize)]
struct RawRoute {
    receiver: Option<String>,
    #[serde(rename = "match")]
    equal: Option<BTreeMap<String, String>>,
    match_re: Option<BTreeMap<String, String>>,
    matchers: Option<Matchers>,
    #[serde(rename = "continue", default)]
    continues: Option<yaml::Bool>,
    routes: Option<Vec<Self>>,
}

#[derive(Debug, Default, Deserialize)]
struct RawReceiver {
    #[serde(default)]
    name: String,
    #[serde(flatten)]
    integrations: BTreeMap<String, serde::de::IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
struct RawInhibit {
    source_match: Option<BTreeMap<String, String>>,
    source_match_re: Option<BTreeMap<String, String>>,
    source_matchers: Option<Matchers>,
    target_match: Option<BTreeMap<String, String>>,
    target_match_re: Option<BTreeMap<String, String>>,
    target_matchers: Option<Matchers>,
    equal: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Matchers {
    One(String),
    Many(Vec<String>),
}

/// A node of the route tree.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) path: Vec<PathSegment>,
    pub(crate) receiver: String,
    /// Whether it names the receiver itself.
    pub(crate) names_receiver: bool,
    pub(crate) matchers: Vec<Matcher>,
    pub(crate) continues: bool,
    pub(crate) routes: Vec<Self>,
}

/// A receiver.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) name: String,
    pub(crate) path: Vec<PathSegment>,
    /// Integrations that say nothing when an alert ends, by their paths.
    pub(crate) silent: Vec<Vec<PathSegment>>,
}

/// An inhibition.
#[derive(Debug)]
pub(crate) struct Inhibit {
    pub(crate) path: Vec<PathSegment>,
    pub(crate) source: Vec<Matcher>,
    pub(crate) target: Vec<Matcher>,
    /// Labels that must agree.
    pub(crate) equal: Vec<String>,
}

/// What was read.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) source: Source,
    pub(crate) root: Option<Node>,
    pub(crate) receivers: Vec<Receiver>,
    pub(crate) inhibits: Vec<Inhibit>,
    /// Keys of the old form, at their places.
    pub(crate) old_keys: Vec<Range<usize>>,
}

impl Tree {
    /// `None` where not even the shape is that of the file.
    pub(crate) fn read(source: &Source) -> Option<Self> {
        let raw: RawFile = yaml::parse(source).ok()?;
        let mut old = Vec::new();
        let root = raw.route.map(|route| node(route, vec!["route".into()], "", &mut old, MAX_ROUTES));
        let receivers = raw.receivers.unwrap_or_default().into_iter().enumerate();
        let receivers = receivers.map(|(index, raw)| receiver(source, index, raw)).collect();
        let mut inhibits = Vec::new();
        for (index, raw) in raw.inhibit_rules.unwrap_or_default().into_iter().enumerate() {
            let path: Vec<PathSegment> = vec!["inhibit_rules".into(), index.into()];
            for (key, given) in [
                ("source_match", raw.source_match.is_some()),
                ("source_match_re", raw.source_match_re.is_some()),
                ("target_match", raw.target_match.is_some()),
                ("target_match_re", raw.target_match_re.is_some()),
            ] {
                if given {
                    old.push(step(&path, key));
                }
            }
            inhibits.push(Inhibit {
                source: matchers(raw.source_match, raw.source_match_re, raw.source_matchers),
                target: matchers(raw.target_match, raw.target_match_re, raw.target_matchers),
                equal: raw.equal.unwrap_or_default(),
                path,
            });
        }
        let old_keys = old.iter().filter_map(|path| yaml::locate_key(source, path)).collect();
        Some(Self { source: source.clone(), root, receivers, inhibits, old_keys })
    }

    pub(crate) fn value(&self, path: &[PathSegment]) -> Option<Range<usize>> {
        yaml::locate(&self.source, path)
    }

    pub(crate) fn key(&self, path: &[PathSegment], key: &str) -> Option<Range<usize>> {
        yaml::locate_key(&self.source, &step(path, key)).or_else(|| self.value(path))
    }

    /// Where a text stands below a path, first the value that is nearest.
    pub(crate) fn word(&self, path: &[PathSegment], word: &str) -> Option<Range<usize>> {
        let whole = self.value(path)?;
        let found = self.source.text().get(whole.clone())?.find(word);
        found.map(|at| whole.start + at..whole.start + at + word.len()).or(Some(whole))
    }
}

/// One step further in.
pub(crate) fn step(path: &[PathSegment], key: impl Into<PathSegment>) -> Vec<PathSegment> {
    path.iter().cloned().chain([key.into()]).collect()
}

fn node(
    raw: RawRoute,
    path: Vec<PathSegment>,
    inherited: &str,
    old: &mut Vec<Vec<PathSegment>>,
    depth: usize,
) -> Node {
    for (key, given) in [("match", raw.equal.is_some()), ("match_re", raw.match_re.is_some())] {
        if given {
            old.push(step(&path, key));
        }
    }
    let names_receiver = raw.receiver.is_some();
    let receiver = raw.receiver.unwrap_or_else(|| inherited.to_owned());
    let children = raw.routes.unwrap_or_default().into_iter().enumerate();
    let routes = match depth.checked_sub(1) {
        Some(depth) => children
            .map(|(index, raw)| node(raw, step(&step(&path, "routes"), index), &receiver, old, depth))
            .collect(),
        None => Vec::new(),
    };
    Node {
        receiver,
        names_receiver,
        matchers: matchers(raw.equal, raw.match_re, raw.matchers),
        continues: raw.continues.is_some_and(|b| b.0),
        routes,
        path,
    }
}

/// What cannot be read as a matcher is left out: the reader tells of it.
fn matchers(
    equal: Option<BTreeMap<String, String>>,
    regex: Option<BTreeMap<String, String>>,
    list: Option<Matchers>,
) -> Vec<Matcher> {
    let equal = equal.into_iter().flatten().map(|(name, value)| Matcher::equal(&name, &value));
    let regex = regex.into_iter().flatten();
    let regex = regex.filter_map(|(name, value)| Matcher::new(&name, MatchOp::Regex, &value).ok());
    let list = match list {
        Some(Matchers::One(text)) => parse_matchers(&text).unwrap_or_default(),
        Some(Matchers::Many(texts)) => texts
            .iter()
            .flat_map(|text| match parse_matcher(text) {
                Ok(one) => vec![one],
                Err(_unread) => parse_matchers(text).unwrap_or_default(),
            })
            .collect(),
        None => Vec::new(),
    };
    equal.chain(regex).chain(list).collect()
}

fn receiver(source: &Source, index: usize, raw: RawReceiver) -> Receiver {
    let path: Vec<PathSegment> = vec!["receivers".into(), index.into()];
    let mut silent = Vec::new();
    for kind in SILENT_ABOUT_THE_END.iter().filter(|kind| raw.integrations.contains_key(**kind)) {
        let list = step(&path, *kind);
        for at in 0.. {
            let item = step(&list, at);
            if yaml::locate(source, &item).is_none() {
                break;
            }
            if yaml::locate(source, &step(&item, "send_resolved")).is_none() {
                silent.push(item);
            }
        }
    }
    Receiver { name: raw.name, path, silent }
}
