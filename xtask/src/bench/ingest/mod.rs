//! Scraping: the CPU and the memory that samples cost, from the socket to the store.

mod load;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::load::Load;
use super::table::{Row, print_beside};
use crate::peers::process::{
    Peer, evaluator, evaluator_binary, now, pause, prometheus, scratch, version, victoria_metrics,
};

/// What the goals of the whole are for: below it, what a process needs at all outweighs its samples.
const LARGE: usize = 100_000;
const CPU_GOAL: f64 = 0.3;
const RSS_GOAL: f64 = 0.2;

/// Series of one target from which on our default limits are in the way.
const MANY_SERIES: usize = 5_000;

/// How long the first sample may take.
const FIRST: Duration = Duration::from_secs(120);

#[derive(Debug)]
struct Wish {
    prometheus: String,
    victoria: String,
    ours: Option<PathBuf>,
    targets: usize,
    series: usize,
    /// Seconds between two scrapes, and those that are watched.
    interval: usize,
    seconds: usize,
}

/// Reads the command line: `[--targets N] [--series N] [--interval S] [--seconds S] [--binary PATH]
/// [--victoria PATH] [--ours PATH]`.
pub(crate) fn command(args: &[&str]) -> Result<(), String> {
    let mut wish = Wish {
        prometheus: "prometheus".to_owned(),
        victoria: "victoria-metrics".to_owned(),
        ours: None,
        targets: 100,
        series: 1000,
        interval: 10,
        seconds: 60,
    };
    for pair in args.chunks(2) {
        let [name, value] = pair else { return Err(format!("{} needs a value", pair[0])) };
        let number = || match value.parse() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(format!("{name} {value}: write a number above 0")),
        };
        match *name {
            "--binary" => wish.prometheus = (*value).to_owned(),
            "--victoria" => wish.victoria = (*value).to_owned(),
            "--ours" => wish.ours = Some(PathBuf::from(value)),
            "--targets" => wish.targets = number()?,
            "--series" => wish.series = number()?,
            "--interval" => wish.interval = number()?,
            "--seconds" => wish.seconds = number()?,
            _ => return Err(format!("{name} is no option of bench ingest")),
        }
    }
    run(&wish)
}

/// A scraper under watch.
#[derive(Debug)]
struct Side {
    name: &'static str,
    peer: Peer,
    /// Seconds from its start until a query found a sample.
    first: f64,
}

#[expect(clippy::print_stdout, reason = "the tables are its output")]
fn run(wish: &Wish) -> Result<(), String> {
    let ours = evaluator_binary(wish.ours.as_deref())?;
    println!("{}", version(&wish.prometheus)?);
    let victoria = version_of_victoria(&wish.victoria);
    println!("{}", victoria.as_deref().unwrap_or("no VictoriaMetrics: install victoria-metrics to compare"));
    let total = wish.targets * wish.series;
    println!("{} targets of {} series every {} s", wish.targets, wish.series, wish.interval);

    let load = Arc::new(Load::new(3, wish.targets, wish.series));
    let address = load.serve()?;
    let folder = scratch("ingest")?;
    let own = |number: usize, name: &'static str, start: &dyn Fn(&Path, &str) -> Result<Peer, String>| {
        let folder = folder.join(name);
        fs_err::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let began = now();
        let peer = start(&folder, &configuration(wish, &address, number))?;
        let first = first_sample(&peer, began)?;
        Ok::<_, String>(Side { name, peer, first })
    };
    let mut sides = vec![
        own(0, "ours", &|folder, config| evaluator(&ours, folder, config, &[]))?,
        own(1, "Prometheus", &|folder, config| prometheus(&wish.prometheus, folder, config, &[]))?,
    ];
    if victoria.is_some() {
        sides.push(own(2, "VictoriaMetrics", &|folder, config| {
            victoria_metrics(&wish.victoria, folder, config)
        })?);
    }

    let warm = (2 * wish.interval + 5).max(15);
    println!("warming up for {warm} s, then watched for {} s\n", wish.seconds);
    pause(Duration::from_secs(warm as u64));
    let read = || -> Result<Vec<(f64, u64)>, String> {
        sides.iter().enumerate().map(|(at, side)| Ok((side.peer.cpu()?, load.served(at)))).collect()
    };
    let before = read()?;
    pause(Duration::from_secs(wish.seconds as u64));
    let after = read()?;
    let cpu = |at: usize| {
        let samples = (after[at].1 - before[at].1) as f64;
        (after[at].0 - before[at].0) / samples * 1e6
    };
    let mut faults = Vec::new();
    for (at, side) in sides.iter().enumerate() {
        let held = series_held(&side.peer)?;
        if held != total {
            faults.push(format!("{} holds {held} of {total} series", side.name));
        }
        if at == 0 {
            continue;
        }
        let row = |what: &str, theirs: f64, ours: f64, goal: Option<f64>| Row {
            what: what.to_owned(),
            theirs,
            ours,
            goal,
            note: String::new(),
        };
        let goal = |goal| Some(goal).filter(|_| at == 1 && total >= LARGE);
        let rows = [
            row("CPU s a million samples", cpu(at), cpu(0), goal(CPU_GOAL)),
            row("resident MiB at the end", side.peer.resident()?, sides[0].peer.resident()?, goal(RSS_GOAL)),
            row("s to the first sample", side.first, sides[0].first, None),
        ];
        let (text, missed) = print_beside(side.name, "scraping", "", &rows);
        println!("{text}");
        faults.extend(missed);
    }
    if faults.is_empty() { Ok(()) } else { Err(format!("bench ingest: {}", faults.join("; "))) }
}

fn version_of_victoria(binary: &str) -> Option<String> {
    Command::new(binary).arg("-version").output().ok().filter(|output| output.status.success())?;
    version(binary).ok()
}

/// One job for each target, since the path tells them apart.
fn configuration(wish: &Wish, address: &str, scraper: usize) -> String {
    let mut out =
        format!("global: {{scrape_interval: {0}s, scrape_timeout: {0}s}}\nscrape_configs:\n", wish.interval);
    out.push_str("- job_name: load\n");
    if wish.series > MANY_SERIES {
        out.push_str("  sample_limit: 0\n  body_size_limit: 0\n");
    }
    out.push_str("  static_configs:\n");
    for target in 0..wish.targets {
        out.push_str(&format!(
            "  - {{targets: ['{address}'], labels: {{instance: 'target-{target}', __metrics_path__: '/{scraper}/{target}/metrics'}}}}\n"
        ));
    }
    out
}

/// Seconds until a query finds a sample.
fn first_sample(peer: &Peer, began: Instant) -> Result<f64, String> {
    while began.elapsed() < FIRST {
        if number(peer, "count(up == 1)")?.is_some() {
            return Ok(began.elapsed().as_secs_f64());
        }
        pause(Duration::from_millis(20));
    }
    Err(format!("no sample within {} s", FIRST.as_secs()))
}

fn series_held(peer: &Peer) -> Result<usize, String> {
    Ok(number(peer, "count({__name__=~\"app_.+\"})")?.unwrap_or_default() as usize)
}

/// The value of the only sample of an answer.
fn number(peer: &Peer, query: &str) -> Result<Option<f64>, String> {
    let body = peer.client().form("/api/v1/query", &[("query", query)])?.body;
    let answer: serde_json::Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    let value = answer["data"]["result"][0]["value"][1].as_str();
    Ok(value.and_then(|text| text.parse().ok()))
}
