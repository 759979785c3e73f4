//! Random routes and inhibition rules: a real Alertmanager sends alerts where we say, and keeps quiet those we say.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use serde_json::{Value, json};

use crate::net;
use crate::peers::installed;
use crate::process::{Process, evaluator, eventually, expect, run};
use crate::start::write;

/// Numbers that are the same each time (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % sides
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }

    fn matchers(&mut self) -> String {
        let all: Vec<String> = (0..1 + self.roll(2))
            .map(|_| {
                let name = self.pick(&NAMES);
                match self.roll(5) {
                    0 | 1 => format!("'{name}=\"{}\"'", self.pick(&VALUES)),
                    2 => format!("'{name}!=\"{}\"'", self.pick(&VALUES)),
                    3 => format!("'{name}=~\"{}\"'", self.pick(&PATTERNS)),
                    _ => format!("'{name}!~\"{}\"'", self.pick(&PATTERNS)),
                }
            })
            .collect();
        all.join(", ")
    }
}

const NAMES: [&str; 4] = ["severity", "team", "env", "tier"];
const VALUES: [&str; 4] = ["", "a", "b", "c"];
const PATTERNS: [&str; 5] = ["a|b", "[^a]", ".+", "b?", "(a|c)"];
const RECEIVERS: [&str; 4] = ["one", "two", "three", "four"];

/// A list of routes, on one line.
fn routes(dice: &mut Dice, depth: usize) -> String {
    let all: Vec<String> = (0..1 + dice.roll(3))
        .map(|_| {
            let (matchers, receiver) = (dice.matchers(), dice.pick(&RECEIVERS));
            let continues = dice.roll(2) == 0;
            let below =
                if depth < 2 && dice.roll(2) == 0 { routes(dice, depth + 1) } else { "[]".to_owned() };
            format!(
                "{{matchers: [{matchers}], receiver: {receiver}, continue: {continues}, routes: {below}}}"
            )
        })
        .collect();
    format!("[{}]", all.join(", "))
}

fn configuration(dice: &mut Dice) -> String {
    let mut text = String::from("receivers: [{name: one}, {name: two}, {name: three}, {name: four}]\n");
    let _fits = writeln!(text, "route: {{receiver: one, routes: {}}}\ninhibit_rules:", routes(dice, 0));
    for _ in 0..6 {
        let (source, target) = (dice.matchers(), dice.matchers());
        let equal = ["[]", "[team]", "[env, tier]"][dice.roll(3)];
        let _fits = writeln!(
            text,
            "- {{source_matchers: [severity=a, {source}], target_matchers: [{target}], equal: {equal}}}"
        );
    }
    text
}

/// For each alert, by its number: the receivers, and whether something keeps it quiet.
type Told = BTreeMap<String, (Vec<String>, bool)>;

#[test]
fn alerts_go_and_are_kept_quiet_as_by_alertmanager() {
    if !installed("prometheus-alertmanager") {
        return;
    }
    let (mut several, mut quiet, mut loud) = (0, 0, 0);
    for seed in 1..=4 {
        let folder = tempfile::tempdir().unwrap();
        let mut dice = Dice(seed);
        let config = configuration(&mut dice);
        write(folder.path().join("alertmanager.yml"), &config);
        let alerts: Vec<BTreeMap<&str, String>> = (0..100)
            .map(|number| {
                let mut labels: BTreeMap<&str, String> =
                    NAMES.iter().map(|name| (*name, dice.pick(&VALUES).to_owned())).collect();
                labels.retain(|_, value| !value.is_empty());
                labels.insert("number", number.to_string());
                labels
            })
            .collect();

        let theirs = by_alertmanager(folder.path(), &alerts);
        let ours = by_us(folder.path(), &alerts);
        eventually("the same answer", || {
            let theirs = theirs()?;
            let differs =
                alerts.iter().find(|labels| theirs.get(&labels["number"]) != ours.get(&labels["number"]));
            expect(
                differs.is_none(),
                differs.map_or(String::new(), |labels| {
                    let number = &labels["number"];
                    format!("{labels:?}: {:?}, ours {:?}\n{config}", theirs.get(number), ours.get(number))
                }),
            )
        });
        several += ours.values().filter(|(receivers, _)| receivers.len() > 1).count();
        quiet += ours.values().filter(|(_, inhibited)| *inhibited).count();
        loud += ours.values().filter(|(_, inhibited)| !inhibited).count();
    }
    assert!(several > 20 && quiet > 20 && loud > 20, "{several} to several, {quiet} quiet, {loud} loud");
}

/// Starts one with these alerts; asks it each time.
fn by_alertmanager(
    folder: &std::path::Path,
    alerts: &[BTreeMap<&str, String>],
) -> impl Fn() -> Result<Told, String> + use<> {
    let mut command = Command::new("prometheus-alertmanager");
    command.current_dir(folder).args([
        "--config.file=alertmanager.yml",
        "--storage.path=data",
        "--web.listen-address=127.0.0.1:0",
        "--cluster.listen-address=",
    ]);
    let mut process = Process::start(&mut command);
    let address = process.wait_for("msg=\"Listening on\" address=");
    let body: Vec<Value> = alerts.iter().map(|labels| json!({ "labels": labels })).collect();
    let body = Value::from(body).to_string();
    let path = "/api/v2/alerts";
    let sent = eventually("an answer to alerts", || {
        net::request("POST", &address, path, &["Content-Type: application/json"], &body)
    });
    assert_eq!(sent.status, 200, "{}", sent.body);
    move || {
        let _lives = &process;
        let answer = net::get(&address, path)?.json();
        let list = answer.as_array().ok_or("no list")?;
        let told = list.iter().map(|alert| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let receivers: Vec<&Value> = alert["receivers"].as_array().into_iter().flatten().collect();
            let inhibited = alert["status"]["inhibitedBy"].as_array().is_some_and(|by| !by.is_empty());
            let receivers = receivers.iter().map(|receiver| text(&receiver["name"])).collect();
            (text(&alert["labels"]["number"]), (receivers, inhibited))
        });
        Ok(told.collect())
    }
}

fn by_us(folder: &std::path::Path, alerts: &[BTreeMap<&str, String>]) -> Told {
    // JSON is YAML; the list of all that fires is written once.
    let mut cases = String::from("cases:\n");
    for (number, labels) in alerts.iter().enumerate() {
        let firing = if number == 0 { format!("&all {}", json!(alerts)) } else { "*all".to_owned() };
        let _fits = writeln!(
            cases,
            "- labels: {}\n  firing: {firing}\n  expect: {{inhibited: false}}",
            json!(labels)
        );
    }
    write(folder.join("cases.yml"), &cases);
    let args =
        ["routes", "test", "--notify.config", "alertmanager.yml", "--batch", "cases.yml", "-o", "json"];
    let ran = run(evaluator().args(args), folder, "");
    assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.shown());
    let answer: Value = serde_json::from_str(&ran.stdout).expect("JSON was asked for");
    let cases = answer["cases"].as_array().expect("a list of cases");
    let told = cases.iter().map(|case| {
        let receivers = case["receivers"].as_array().into_iter().flatten();
        let receivers = receivers.map(|name| name.as_str().unwrap_or_default().to_owned()).collect();
        let number = case["labels"]["number"].as_str().unwrap_or_default().to_owned();
        (number, (receivers, !case["inhibited_by"].is_null()))
    });
    told.collect()
}
