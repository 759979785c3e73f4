//! Queries over ninety days: the questions of a dashboard, and the heavy ones of an audit.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::table::{Row, median, print};
use super::{Wish, governance};
use crate::differential::{When, ask, difference};
use crate::peers::http::Client;
use crate::peers::process::{
    Peer, evaluator, evaluator_binary, now, prometheus, scratch, target_folder, version,
};
use crate::peers::{Series, remote_write};

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// Seconds of CPU after which enough was seen of one query.
const ENOUGH_CPU: f64 = 0.6;
const MAX_RUNS: usize = 300;

/// Windows lie within the data: what a counter did before its first sample is guessed otherwise since Prometheus 3.
///
/// Name, expression, seconds of the range and its step, and the ratio of CPU that is aimed at.
type Question = (&'static str, &'static str, Option<(i64, i64)>, Option<f64>);

const QUESTIONS: &[Question] = &[
    ("g1", "sovereign_override_active == 1", None, None),
    ("g2", "increase(policy_violations_total[5m]) > 0", None, None),
    ("g3", "rate(policy_violations_total[1h]) > 0.0027", None, None),
    ("g4", "sum by (gate) (increase(gate_decisions_total[24h]))", None, None),
    ("g5", "topk(3, sum by (gate) (rate(gate_decisions_total[1h])))", None, None),
    ("g6", "histogram_quantile(0.99, sum by (gate, le) (rate(gate_latency_seconds_bucket[1h])))", None, None),
    ("r1", "sum by (gate) (rate(gate_decisions_total[5m]))", Some((7 * DAY, 300)), Some(0.1)),
    ("h1", "sum by (gate) (rate(gate_decisions_total[1h]))", Some((90 * DAY, HOUR)), Some(0.1)),
    ("h2", "max_over_time(risk_score[90d])", None, None),
    ("h3", "quantile_over_time(0.99, audit_lag_seconds[30d])", None, None),
    ("h4", "sum(count_over_time(gate_latency_seconds_bucket[90d]))", None, None),
    (
        "h5",
        "histogram_quantile(0.99, sum by (gate, le) (rate(gate_latency_seconds_bucket[1h])))",
        Some((90 * DAY, HOUR)),
        Some(0.1),
    ),
    ("h6", "increase(gate_decisions_total[90d])", None, Some(0.1)),
    ("h7", "sum by (gate) (increase(gate_decisions_total[7d]))", Some((83 * DAY, DAY)), Some(0.1)),
];

#[expect(clippy::print_stdout, reason = "the tables are its output")]
pub(super) fn run(wish: &Wish) -> Result<(), String> {
    println!("{}; {} days of 100 series at 30 s", version(&wish.prometheus)?, wish.days);
    let series = governance::generate(wish.days);
    let folder = data(wish, &series)?;
    let theirs = prometheus(&wish.prometheus, &folder, "global: {}\n", &["--query.timeout=10m"])?;
    let ours = evaluator_binary(wish.ours.as_deref())?;
    let ours = evaluator(&ours, &scratch("query")?, "global: {}\n", &["--web.enable-remote-write-receiver"])?;
    remote_write::send(&mut ours.client(), &series)?;
    drop(series);
    let (mut cpu, mut latency, mut differing) = (Vec::new(), Vec::new(), Vec::new());
    for (name, expression, range, goal) in QUESTIONS {
        let end = governance::END * 1000;
        let when = match range {
            // A second off the samples: whether a window holds its left end changed with Prometheus 3.
            None => When::At(end - 1000),
            Some((span, step)) => When::Range {
                start: end - 1000 - span.min(&(wish.days * DAY)) * 1000,
                end: end - 1000,
                step: step * 1000,
            },
        };
        let (mut their_client, mut our_client) = (theirs.client(), ours.client());
        let (a, b) = (ask(&mut their_client, expression, when)?, ask(&mut our_client, expression, when)?);
        let note = difference(&a, &b, false).map_or_else(String::new, |what| {
            differing.push(format!("{name}: {what}"));
            "answers differ".to_owned()
        });
        let (their_cpu, their_p50) = measure(&theirs, &mut their_client, expression, when)?;
        let (our_cpu, our_p50) = measure(&ours, &mut our_client, expression, when)?;
        let row = |theirs, ours, goal| Row {
            what: format!("{name} {expression}"),
            theirs,
            ours,
            goal,
            note: note.clone(),
        };
        cpu.push(row(their_cpu, our_cpu, *goal));
        latency.push(row(their_p50, our_p50, None));
    }
    let (text, missed) = print("\nCPU a query", "ms", &cpu);
    println!("{text}");
    println!("{}", print("\nmiddle latency", "ms", &latency).0);
    let faults: Vec<String> = missed.into_iter().chain(differing).collect();
    if faults.is_empty() { Ok(()) } else { Err(format!("bench query: {}", faults.join("; "))) }
}

/// Milliseconds of CPU and of waiting for one answer.
fn measure(peer: &Peer, client: &mut Client, expression: &str, when: When) -> Result<(f64, f64), String> {
    let before = peer.cpu()?;
    let mut waits = Vec::new();
    loop {
        let start = now();
        ask(client, expression, when)?;
        waits.push(start.elapsed().as_secs_f64() * 1e3);
        let used = peer.cpu()? - before;
        if waits.len() >= 3 && (used >= ENOUGH_CPU || waits.len() >= MAX_RUNS) {
            return Ok((used * 1e3 / waits.len() as f64, median(&mut waits)));
        }
    }
}

/// The folder with the samples as Prometheus's blocks, made once.
#[expect(clippy::print_stdout, reason = "this takes minutes")]
fn data(wish: &Wish, series: &[Series]) -> Result<PathBuf, String> {
    let folder = target_folder()?.join("peers").join(format!("governance-{}d", wish.days));
    if folder.join("complete").exists() {
        return Ok(folder);
    }
    let fault = |error: std::io::Error| error.to_string();
    if folder.exists() {
        fs_err::remove_dir_all(&folder).map_err(fault)?;
    }
    fs_err::create_dir_all(&folder).map_err(fault)?;
    let text = folder.join("samples.om");
    governance::write(&text, series).map_err(fault)?;
    println!("promtool makes blocks of the samples, which takes some minutes");
    blocks(wish, &text, &folder.join("data"))?;
    fs_err::remove_file(&text).map_err(fault)?;
    fs_err::write(folder.join("complete"), "").map_err(fault)?;
    Ok(folder)
}

fn blocks(wish: &Wish, text: &Path, into: &Path) -> Result<(), String> {
    let output = Command::new(&wish.promtool)
        // Without this flag, which its help does not show, it reads the text once for every two hours.
        .args(["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=486h", "-q"])
        .args([text, into])
        .output()
        .map_err(|error| format!("cannot run {}: {error}", wish.promtool))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("promtool makes no blocks: {}", String::from_utf8_lossy(&output.stderr)))
}
