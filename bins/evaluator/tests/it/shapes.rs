//! What Grafana and Prometheus's own page ask, put to us and to a real Prometheus that watches the same target:
//! the answers have the same keys and types, but for differences that are named where the request is.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use assurance_runtime::Clock;
use serde::Deserialize;
use serde_json::Value;

use crate::net::{self, Answer, Server};
use crate::peers::installed;
use crate::process::{Process, eventually, expect};
use crate::start::{RULES, configuration, folder, serve};

const BODY: &str = "# HELP sovereign_override_active Whether an override is active.\n\
    # TYPE sovereign_override_active gauge\nsovereign_override_active 1\n\
    # TYPE requests_total counter\nrequests_total{code=\"200\"} 7\n";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    #[expect(dead_code, reason = "for those who read the fixture")]
    what: String,
    method: String,
    path: String,
    #[serde(default)]
    url: Vec<(String, String)>,
    form: Option<Vec<(String, String)>>,
    #[serde(default)]
    differs: Vec<Difference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    only: Side,
    /// A shape, or the beginning of some with `*` after it.
    shape: String,
    #[expect(dead_code, reason = "for those who read the fixture")]
    why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Side {
    Ours,
    Theirs,
}

impl Difference {
    fn covers(&self, side: Side, shape: &str) -> bool {
        let named = match self.shape.strip_suffix('*') {
            Some(beginning) => shape.starts_with(beginning),
            None => shape == self.shape,
        };
        self.only == side && named
    }
}

impl Recorded {
    fn ask(&self, address: &str, now: i64) -> Answer {
        let mut path = self.path.clone();
        if !self.url.is_empty() {
            path = format!("{path}?{}", encoded(&self.url, now));
        }
        let form = self.form.as_ref().map(|form| encoded(form, now)).unwrap_or_default();
        let lines: &[&str] = match self.form {
            Some(_) => &["Content-Type: application/x-www-form-urlencoded"],
            None => &[],
        };
        net::request(&self.method, address, &path, lines, &form).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Pairs as a form has them, with `{now}` and `{now-30}` in their values replaced.
fn encoded(pairs: &[(String, String)], now: i64) -> String {
    let escape = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    let pairs = pairs.iter().map(|(name, value)| {
        let value = match value.split_once("{now").and_then(|(_, rest)| rest.split_once('}')) {
            Some((offset, fraction)) => {
                let offset: i64 = if offset.is_empty() { 0 } else { offset.parse().expect("seconds") };
                format!("{}{fraction}", now + offset)
            }
            None => value.clone(),
        };
        format!("{}={}", escape(name), escape(&value))
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// Where there are which types: `.data.result[].value[]: string`.
fn shapes(value: &Value, at: &str, into: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(items) => {
            items.iter().for_each(|item| shapes(item, &format!("{at}[]"), into));
            "list"
        }
        Value::Object(pairs) => {
            pairs.iter().for_each(|(key, item)| shapes(item, &format!("{at}.{key}"), into));
            "object"
        }
    };
    into.insert(format!("{at}: {kind}"));
}

/// Status, media type and shape; of text, its first word.
fn shape(answer: &Answer) -> BTreeSet<String> {
    let media = answer.header("content-type").unwrap_or("none").split(';').next().unwrap_or_default().trim();
    let mut all = BTreeSet::from([format!("status {}", answer.status), format!("media type {media}")]);
    if media == "application/json" {
        shapes(&answer.json(), "", &mut all);
    }
    all
}

fn recorded() -> Vec<(String, Recorded)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/web");
    let mut all = Vec::new();
    for folder in ["grafana", "page"] {
        for entry in fs_err::read_dir(root.join(folder)).expect("fixtures") {
            let path = entry.expect("an entry").path();
            let text = fs_err::read_to_string(&path).expect("a fixture");
            let name = format!("{folder}/{}", path.file_stem().unwrap_or_default().to_string_lossy());
            all.push((
                name,
                serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display())),
            ));
        }
    }
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all
}

#[test]
fn answers_have_the_shapes_of_prometheus() {
    if !installed("prometheus") {
        return;
    }
    let target = Server::start(BODY);
    let folder = folder(&configuration(&target.address), RULES);
    let mut command = Command::new("prometheus");
    command.current_dir(folder.path()).args([
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=theirs",
        "--web.listen-address=127.0.0.1:0",
    ]);
    let mut prometheus = Process::start(&mut command);
    let theirs = prometheus.wait_for("msg=\"Listening on\" address=");
    let ours = serve(folder.path(), &[]);
    for address in [&ours.address, &theirs] {
        eventually("samples, and an alert that fires", || {
            net::value(address, "ALERTS{alertstate=\"firing\"}")?;
            net::value(address, "ALERTS{alertstate=\"pending\"}")?;
            net::value(address, "job:overrides:sum")?;
            let samples: f64 = net::value(address, "count_over_time(up[1m])")?.parse().expect("a number");
            expect(samples >= 5.0, samples.to_string())
        });
    }

    let now = Clock::system().now().as_millis() / 1000;
    let all = recorded();
    assert!(all.len() >= 40, "{} requests are recorded", all.len());
    let mut wrong = String::new();
    for (name, request) in &all {
        let answers = [request.ask(&ours.address, now), request.ask(&theirs, now)];
        let [our, their] = answers.each_ref().map(shape);
        let mut unused: Vec<_> = request.differs.iter().collect();
        for (side, has, other) in [(Side::Ours, &our, &their), (Side::Theirs, &their, &our)] {
            for shape in has.difference(other) {
                if !request.differs.iter().any(|known| known.covers(side, shape)) {
                    // Writing to a `String` cannot fail.
                    let _infallible = writeln!(wrong, "{name}: only {side:?}: {shape}");
                }
                unused.retain(|known| !known.covers(side, shape));
            }
        }
        for known in unused {
            let _infallible = writeln!(wrong, "{name}: no longer only {:?}: {}", known.only, known.shape);
        }
    }
    assert_eq!(wrong, "");

    let selectors = "match[]=sovereign_override_active&match[]=up&match[]=job:overrides:sum&match[]=ALERTS";
    let [our, their] = [&ours.address, &theirs].map(|address| {
        let answer = net::get(address, &format!("/federate?{selectors}")).expect("an answer");
        // Each was scraped at its own time.
        let timeless = |line: &str| match line.starts_with('#') {
            true => line.to_owned(),
            false => line.rsplit_once(' ').map_or(String::new(), |(sample, _time)| sample.to_owned()),
        };
        answer.body.lines().map(timeless).collect::<Vec<_>>()
    });
    assert_eq!(our, their);
    assert!(our.len() > 7, "{our:?}");
}
