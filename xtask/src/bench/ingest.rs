//! Scraping: the CPU, the memory and the bytes written that samples cost, from the socket to the store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::load::Load;
use super::options::Options;
use super::side::{PROMETHEUS, Side, Sides, VICTORIA, number};
use super::table::{Goal, Spread, Table, verdict};
use crate::peers::process::{Peer, now, pause, scratch};
use crate::peers::usage::{Memory, load_average};

/// Above it, what samples cost outweighs what a process needs at all.
const LARGE: usize = 100_000;
/// Below it, the other way round: what watches the governance of one organisation.
const SMALL: usize = 500;
/// What a small machine is to hold.
const HUGE: usize = 1_000_000;

/// Series of one target from which on our default limits are in the way.
const MANY_SERIES: usize = 5_000;

/// Measurements of each round, one after the other.
const WINDOWS: usize = 3;

/// How long the first sample may take.
const FIRST: Duration = Duration::from_secs(120);

/// Who is scraped, and for how long.
#[derive(Clone, Copy, Debug)]
struct Round {
    targets: usize,
    series: usize,
    /// Seconds: between two scrapes, until measuring begins, and measured.
    interval: usize,
    warm: usize,
    seconds: usize,
}

/// Scrapes as the options say; otherwise at the size of a governance pack, then a hundred thousand series.
#[expect(clippy::print_stdout, reason = "the tables are its output")]
pub(super) fn run(options: &Options) -> Result<(), String> {
    let sides = Sides::find(options)?;
    let mut faults = Vec::new();
    for round in rounds(options) {
        println!(
            "\n{} targets of {} series every {} s, after {} s, in {WINDOWS} windows of {} s",
            round.targets,
            round.series,
            round.interval,
            round.warm,
            round.seconds / WINDOWS
        );
        faults.extend(measure(&sides, round, options.is_quick)?);
        println!("load average {} at the end", load_average());
    }
    verdict("ingest", &faults)
}

fn rounds(options: &Options) -> Vec<Round> {
    let is_own = ["targets", "series", "interval"].iter().any(|name| options.given(name).is_some());
    let round = |targets, series, interval, warm, seconds| {
        let interval = options.given("interval").unwrap_or(interval);
        Round {
            targets: options.given("targets").unwrap_or(targets),
            series: options.given("series").unwrap_or(series),
            interval,
            warm: options.given("warm").unwrap_or(if is_own { (2 * interval + 5).max(15) } else { warm }),
            seconds: options.given("seconds").unwrap_or(seconds).max(WINDOWS),
        }
    };
    match (is_own, options.is_quick) {
        (true, _) => vec![round(100, 1000, 10, 0, 60)],
        (false, true) => vec![round(3, 33, 1, 3, 6), round(10, 100, 1, 3, 6)],
        // A chunk of the others has 120 samples: before that, they hold half of one for every series.
        (false, false) => vec![round(3, 33, 1, 20, 90), round(100, 1000, 1, 135, 60)],
    }
}

/// What all sides had used at one moment.
#[derive(Clone, Copy, Debug)]
struct Reading {
    cpu: f64,
    written: f64,
    memory: Memory,
    samples: u64,
}

/// A scraper under watch.
#[derive(Debug)]
struct Scraper {
    side: Side,
    peer: Peer,
    /// Seconds from its start until a query found a sample.
    first: f64,
    windows: Vec<(Reading, Reading)>,
}

#[expect(clippy::print_stdout, reason = "the table is its output")]
fn measure(sides: &Sides, round: Round, is_quick: bool) -> Result<Vec<String>, String> {
    let total = round.targets * round.series;
    let load = Arc::new(Load::new(sides.all.len(), round.targets, round.series));
    let address = load.serve()?;
    let folder = scratch("ingest")?;
    let mut scrapers = Vec::new();
    for (at, side) in sides.all.iter().enumerate() {
        let began = now();
        let peer = sides.start(*side, &folder.join(side.name()), &configuration(round, &address, at))?;
        let first = first_sample(&peer, began)?;
        scrapers.push(Scraper { side: *side, peer, first, windows: Vec::new() });
    }
    pause(Duration::from_secs(round.warm as u64));
    let read = |at: usize, peer: &Peer| -> Result<Reading, String> {
        Ok(Reading {
            cpu: peer.cpu()?,
            written: peer.written()?,
            memory: peer.memory()?,
            samples: load.served(at),
        })
    };
    let all = |scrapers: &[Scraper]| -> Result<Vec<Reading>, String> {
        scrapers.iter().enumerate().map(|(at, scraper)| read(at, &scraper.peer)).collect()
    };
    let mut before = all(&scrapers)?;
    for _ in 0..WINDOWS {
        pause(Duration::from_secs_f64(round.seconds as f64 / WINDOWS as f64));
        let after = all(&scrapers)?;
        for (scraper, pair) in scrapers.iter_mut().zip(before.iter().zip(&after)) {
            scraper.windows.push((*pair.0, *pair.1));
        }
        before = after;
    }
    let mut faults = Vec::new();
    for scraper in &scrapers {
        let held = number(&scraper.peer, "count({__name__=~\"app_.+\"})")?.unwrap_or_default() as usize;
        if held != total {
            faults.push(format!("{} holds {held} of {total} series", scraper.side.name()));
        }
    }
    let table = table(sides, &scrapers, total, is_quick);
    println!("{table}");
    faults.extend(table.missed());
    Ok(faults)
}

fn table(sides: &Sides, scrapers: &[Scraper], total: usize, is_quick: bool) -> Table {
    let mut table = Table::new("over all windows (least–most)", &sides.names()).unjudged_if(is_quick);
    let values = |value: &dyn Fn(&Scraper) -> Spread| {
        sides.values(|side| scrapers.iter().find(|scraper| scraper.side == side).map(value))
    };
    let each = |scraper: &Scraper, used: &dyn Fn(&Reading) -> f64| {
        let per = |a: &Reading, b: &Reading| (used(b) - used(a)) / (b.samples - a.samples) as f64;
        let windows: Vec<f64> = scraper.windows.iter().map(|(a, b)| per(a, b)).collect();
        let whole = scraper.windows.first().zip(scraper.windows.last());
        Spread::around(whole.map_or(f64::NAN, |((a, _), (_, b))| per(a, b)), &windows)
    };
    let (is_large, is_small) = (total >= LARGE, total <= SMALL);
    let if_ = |wanted: bool, goals: &[Goal]| if wanted { goals.to_vec() } else { Vec::new() };
    let cpu = values(&|scraper| each(scraper, &|reading| reading.cpu * 1e6));
    let goals = if_(is_large || is_small, &[Goal::Times(0.3, PROMETHEUS)]);
    table.row("CPU µs a sample", cpu, &goals, "");
    let memory = |value: &dyn Fn(&Memory) -> f64| {
        values(&|scraper| {
            let ends: Vec<f64> = scraper.windows.iter().map(|(_, end)| value(&end.memory)).collect();
            Spread::of(&ends)
        })
    };
    let mut goals = if_(is_small, &[Goal::AtMost(12.0)]);
    goals.extend(if_(is_large, &[Goal::Times(0.2, PROMETHEUS), Goal::Times(0.5, VICTORIA)]));
    goals.extend(if_(total >= HUGE, &[Goal::AtMost(1024.0)]));
    table.row("resident MiB", memory(&|memory| memory.resident), &goals, "");
    table.row(
        "  of it its own",
        memory(&|memory| memory.anonymous),
        &[],
        "the rest is files, its text among them",
    );
    table.row("  the most ever", memory(&|memory| memory.peak), &[], "");
    if !is_small {
        let bytes = memory(&|memory| memory.anonymous * f64::from(1 << 20) / total as f64);
        table.row("  bytes of its own a series", bytes, &[], "");
    }
    let written = values(&|scraper| each(scraper, &|reading| reading.written));
    let goals = if_(is_large, &[Goal::Times(0.5, PROMETHEUS)]);
    table.row("bytes written a sample", written, &goals, "to its log and files; requests are among them");
    table.row(
        "ms to ready, CPU",
        values(&|scraper| (scraper.peer.ready.1 * 1e3).into()),
        &[],
        "in ticks of 10 ms",
    );
    table.row("s to the first sample", values(&|scraper| scraper.first.into()), &[], "");
    table
}

/// One target for each path.
fn configuration(round: Round, address: &str, scraper: usize) -> String {
    let mut out =
        format!("global: {{scrape_interval: {0}s, scrape_timeout: {0}s}}\nscrape_configs:\n", round.interval);
    out.push_str("- job_name: load\n");
    if round.series > MANY_SERIES {
        out.push_str("  sample_limit: 0\n  body_size_limit: 0\n");
    }
    out.push_str("  static_configs:\n");
    for target in 0..round.targets {
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
