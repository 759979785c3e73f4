//! Alerting rules over ten thousand series that are scraped every 15 s: the CPU that the rules add.

use std::path::Path;
use std::time::Duration;

use super::exposition::{SERIES, TARGETS, serve};
use super::options::Options;
use super::side::{OURS, PROMETHEUS};
use super::table::{Goal, Table, verdict};
use crate::peers::process::{Peer, evaluator, evaluator_binary, pause, prometheus, scratch, version};

const INTERVAL: u64 = 15;
const GROUP: usize = 100;
/// Seconds until ranges have samples and alerts fire.
const WARM: u64 = 90;

/// How many rules, and whether each reads one series or one of every target.
const SIZES: &[(usize, bool)] = &[(0, false), (1000, false), (10_000, true)];

#[expect(clippy::print_stdout, reason = "the tables are its output")]
pub(super) fn run(options: &Options) -> Result<(), String> {
    println!("{}; {} series scraped every {INTERVAL} s", version(&options.prometheus)?, SERIES * TARGETS);
    let ours = evaluator_binary(options.ours.as_deref())?;
    let target = serve()?;
    let mut table = Table::new("CPU of rules", &[OURS, PROMETHEUS]).unjudged_if(options.is_quick);
    let mut folders = Vec::new();
    let window = options.number("window", 60, 5) as u64;
    let warm = if options.is_quick { 20 } else { WARM };
    let mut sides: Vec<Vec<Peer>> = vec![Vec::new(), Vec::new()];
    for (count, single) in SIZES {
        let folder = scratch(&format!("rules-{count}"))?;
        let config = configuration(&folder, &target, *count, *single)?;
        sides[0].push(prometheus(&options.prometheus, &folder, &config, &[])?);
        sides[1].push(evaluator(&ours, &folder, &config, &[])?);
        folders.push(folder);
    }
    println!("{} servers are warming up for {warm} s, then watched for {window} s", SIZES.len() * 2);
    pause(Duration::from_secs(warm));
    let before = read(&sides)?;
    pause(Duration::from_secs(window));
    let after = read(&sides)?;
    for (at, (count, _)) in SIZES.iter().enumerate() {
        let cpu = |side: usize, at: usize| after[side][at].cpu - before[side][at].cpu;
        if *count == 0 {
            let values = [1, 0].map(|side| Some((cpu(side, 0) * 1e3).into())).to_vec();
            table.row("0 rules, CPU ms in all", values, &[], "no rules: scraping alone");
            continue;
        }
        let evaluations = |side: usize| after[side][at].evaluations - before[side][at].evaluations;
        let each = |side: usize| (cpu(side, at) - cpu(side, 0)) * 1e6 / evaluations(side);
        let alerts: Vec<usize> = after.iter().map(|side| side[at].alerts).collect();
        let note = format!(
            "{} and {} evaluations, {} and {} alerts",
            evaluations(0),
            evaluations(1),
            alerts[0],
            alerts[1]
        );
        if alerts[0] != alerts[1] {
            return Err(format!("{count} rules: {note}"));
        }
        let what = format!("{count} rules, CPU µs an evaluation");
        let values = [1, 0].map(|side| Some(each(side).into())).to_vec();
        table.row(&what, values, &[Goal::Times(0.15, PROMETHEUS)], &note);
    }
    println!("{table}");
    drop((sides, folders));
    verdict("rules", &table.missed())
}

/// What a server has used and done so far.
#[derive(Debug)]
struct Reading {
    cpu: f64,
    evaluations: f64,
    alerts: usize,
}

fn read(sides: &[Vec<Peer>]) -> Result<Vec<Vec<Reading>>, String> {
    sides.iter().map(|peers| peers.iter().map(reading).collect()).collect()
}

fn reading(peer: &Peer) -> Result<Reading, String> {
    let cpu = peer.cpu()?;
    let mut client = peer.client();
    let body = client.get("/metrics")?.body;
    let text = String::from_utf8_lossy(&body);
    let evaluations = text
        .lines()
        .filter(|line| line.starts_with("prometheus_rule_evaluations_total"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum();
    let alerts = client.get("/api/v1/alerts")?.body;
    let alerts: serde_json::Value = serde_json::from_slice(&alerts).map_err(|error| error.to_string())?;
    let firing = alerts["data"]["alerts"].as_array().into_iter().flatten().filter(|a| a["state"] == "firing");
    Ok(Reading { cpu, evaluations, alerts: firing.count() })
}

/// The configuration, after writing its rules.
fn configuration(folder: &Path, target: &str, rules: usize, single: bool) -> Result<String, String> {
    let mut out = format!("global: {{scrape_interval: {INTERVAL}s, evaluation_interval: {INTERVAL}s}}\n");
    if rules > 0 {
        let file = folder.join("rules.yml");
        fs_err::write(&file, rule_file(rules, single)).map_err(|error| error.to_string())?;
        out.push_str(&format!("rule_files: ['{}']\n", file.display()));
    }
    out.push_str("scrape_configs:\n- job_name: rooms\n  metrics_path: /metrics\n  static_configs:\n");
    for number in 0..TARGETS {
        out.push_str(&format!("  - {{targets: ['{target}'], labels: {{instance: room-{number}}}}}\n"));
    }
    Ok(out)
}

/// Half thresholds of gauges, half rates of counters; one in a hundred fires.
fn rule_file(count: usize, single: bool) -> String {
    let mut out = "groups:\n".to_owned();
    for n in 0..count {
        if n % GROUP == 0 {
            out.push_str(&format!("- name: group-{:03}\n  interval: {INTERVAL}s\n  rules:\n", n / GROUP));
        }
        let (series, room) = (n / 2 % (SERIES / 2), n / 2 / (SERIES / 2));
        let instance = if single { format!(",instance=\"room-{room}\"") } else { String::new() };
        let expression = if n % 2 == 0 {
            let threshold = if n % GROUP == 0 { "-1".to_owned() } else { format!("{}", 1000 + n) };
            format!("room_temperature_celsius{{sensor=\"sensor-{series:03}\"{instance}}} > {threshold}")
        } else {
            format!(
                "rate(room_requests_total{{route=\"/api/v1/r{series:03}\"{instance}}}[5m]) > {}",
                1_000_000 + n
            )
        };
        out.push_str(&format!(
            "  - alert: Rule{n}\n    expr: '{expression}'\n    for: 1m\n    labels: {{severity: warning, team: rooms}}\n    \
             annotations: {{summary: 'rule {n} in {{{{ $labels.instance }}}} is {{{{ $value }}}}'}}\n"
        ));
    }
    out
}
