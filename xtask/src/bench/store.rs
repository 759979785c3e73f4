//! What is kept: the bytes of finished samples, and the way back to them after an end.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::options::Options;
use super::side::{IDLE, PROMETHEUS, Side, Sides, VICTORIA, number_at};
use super::table::{Goal, Spread, Table, verdict};
use super::{fill, governance, load};
use crate::peers::process::{Peer, pause, scratch, wall_clock};
use crate::peers::usage::{bytes_below, load_average};
use crate::peers::{Series, remote_write};

/// The mixed set: what scrapes of this many targets every 15 s for two hours find.
const MIXED_TARGETS: usize = 10;
const MIXED_SAMPLES: usize = 480;
const STEP: i64 = 15_000;

/// Series of one target, and samples of a series, in a log to come back to.
const TARGET_SERIES: usize = 1000;
const LOG_SAMPLES: usize = 200;

/// Starts from each state.
const STARTS: usize = 3;

/// How long a server is left to itself before its memory is weighed.
const SETTLE: Duration = Duration::from_secs(2);

/// How long VictoriaMetrics may hold samples that are in no file, and a little more.
const FLUSH: Duration = Duration::from_secs(7);

/// Files that hold no samples of what was written, or not for long.
const NOT_KEPT: [&str; 3] = ["lock", "queries.active", "cache"];

/// Bytes a sample, all files, once nothing more is done to them.
#[expect(clippy::print_stdout, reason = "the tables are its output")]
pub(super) fn sizes(options: &Options) -> Result<(), String> {
    let sides = Sides::find(options)?;
    let mut table = Table::new("bytes a sample", &sides.names()).unjudged_if(options.is_quick);
    let days = options.number("days", 90, 2);
    let governance = governance::generate(days as i64);
    let what = format!("governance: 100 series, {days} days at 30 s");
    let goals = [Goal::AtMost(0.8), Goal::Times(0.4, PROMETHEUS), Goal::Times(1.1, VICTORIA)];
    size(options, &sides, &mut table, (&what, &format!("governance-{days}d")), &governance, &goals)?;
    drop(governance);
    let series = if options.is_quick { 100 } else { 1000 };
    let mixed = load::history(MIXED_TARGETS, series, MIXED_SAMPLES, STEP, governance::END * 1000 - 1);
    let what = format!("mixed: {} series, two hours at 15 s", mixed.len());
    let goals = [Goal::Times(0.4, PROMETHEUS), Goal::Times(1.1, VICTORIA)];
    size(options, &sides, &mut table, (&what, &format!("mixed-{series}")), &mixed, &goals)?;
    println!("\n{table}load average {} at the end", load_average());
    verdict("sizes", &table.missed())
}

fn size(
    options: &Options,
    sides: &Sides,
    table: &mut Table,
    (what, name): (&str, &str),
    series: &[Series],
    goals: &[Goal],
) -> Result<(), String> {
    let samples: usize = series.iter().map(|one| one.samples.len()).sum();
    let folder = scratch("sizes")?;
    let mut bytes = Vec::new();
    for side in &sides.all {
        let own = folder.join(side.name());
        let kept = match side {
            Side::Ours => {
                fill::ours(sides, &own, series)?;
                side.data(&own)
            }
            Side::Prometheus => side.data(&fill::prometheus(options, name, series)?),
            Side::Victoria => {
                fill::victoria(sides, &own, series)?;
                side.data(&own)
            }
        };
        // A Prometheus that was started over its blocks has left its log there.
        let without =
            [&NOT_KEPT[..], if *side == Side::Prometheus { &["wal", "chunks_head"] } else { &[] }].concat();
        bytes.push((*side, bytes_below(&kept, &without)? as f64 / samples as f64));
    }
    let value = |side| bytes.iter().find(|(of, _)| *of == side).map(|(_, bytes)| Spread::from(*bytes));
    table.row(what, sides.values(value), goals, &format!("{samples} samples, all files"));
    Ok(())
}

/// One start over what an end left behind.
#[derive(Clone, Copy, Debug)]
struct Start {
    seconds: f64,
    cpu: f64,
    resident: f64,
}

/// What one side did.
#[derive(Debug)]
struct Restarts {
    side: Side,
    bytes: f64,
    killed: Vec<Start>,
    stopped: Vec<Start>,
    lost: String,
}

/// Time, CPU and memory until a server is there again, with samples in its log that no segment has.
#[expect(clippy::print_stdout, reason = "the tables are its output")]
pub(super) fn restart(options: &Options) -> Result<(), String> {
    let sides = Sides::find(options)?;
    let targets = options.number("series", 100_000, 1000).div_ceil(TARGET_SERIES);
    let count = options.number("samples", LOG_SAMPLES, LOG_SAMPLES);
    let end = wall_clock() * 1000;
    let series = load::history(targets, TARGET_SERIES, count, STEP, end);
    let samples = series.len() * count;
    println!("{samples} samples of {} series in the log, {STARTS} starts from each state", series.len());
    let mut done = Vec::new();
    for side in &sides.all {
        done.push(restarts(&sides, *side, &series, end / 1000)?);
    }
    let mut table = Table::new("median (least–most)", &sides.names()).unjudged_if(options.is_quick);
    let values = |value: &dyn Fn(&Restarts) -> Spread| {
        sides.values(|side| done.iter().find(|one| one.side == side).map(value))
    };
    let of = |starts: &[Start], value: fn(&Start) -> f64| {
        Spread::of(&starts.iter().map(value).collect::<Vec<_>>())
    };
    for (what, starts) in [
        ("kill -9", (|one| &one.killed[..]) as fn(&Restarts) -> &[Start]),
        ("SIGTERM", |one| &one.stopped[..]),
    ] {
        let mut add = |named: &str, value: fn(&Start) -> f64, goal: f64| {
            let goals = [Goal::Times(goal, PROMETHEUS)];
            table.row(&format!("after {what}: {named}"), values(&|one| of(starts(one), value)), &goals, "");
        };
        add("s to ready", |start| start.seconds, 0.1);
        add("CPU s to ready", |start| start.cpu, 0.1);
        add("resident MiB then", |start| start.resident, 0.2);
    }
    table.row("MiB of files", values(&|one| (one.bytes / f64::from(1 << 20)).into()), &[], "after the kill");
    println!("\n{table}");
    for one in &done {
        println!("{}: {}", one.side.name(), one.lost);
    }
    println!("load average {} at the end", load_average());
    let mut faults = table.missed();
    faults.extend(
        done.iter()
            .filter(|one| one.side == Side::Ours && one.lost.contains("not found"))
            .map(|one| one.lost.clone()),
    );
    verdict("restart", &faults)
}

fn restarts(sides: &Sides, side: Side, series: &[Series], end: i64) -> Result<Restarts, String> {
    let folder = scratch("restart")?;
    let name = |what: &str| folder.join(what);
    let peer = sides.start(side, &name("killed"), IDLE)?;
    remote_write::send(&mut peer.client(), series)?;
    pause(FLUSH);
    peer.kill();
    let bytes = bytes_below(&side.data(&name("killed")), &[])? as f64;
    let mut killed = Vec::new();
    let mut lost = String::new();
    for at in 0..STARTS {
        let (start, peer) = start_over(sides, side, &name("killed"), &name("now"))?;
        killed.push(start);
        if at == 0 {
            lost = missing(&peer, series, end)?;
        }
        peer.stop()?;
        if at == 0 {
            fs_err::rename(name("now"), name("stopped")).map_err(|error| error.to_string())?;
        }
    }
    let mut stopped = Vec::new();
    for _ in 0..STARTS {
        let (start, peer) = start_over(sides, side, &name("stopped"), &name("now"))?;
        stopped.push(start);
        peer.kill();
    }
    Ok(Restarts { side, bytes, killed, stopped, lost })
}

/// Starts over a copy, so that every start finds the same.
fn start_over(sides: &Sides, side: Side, from: &Path, folder: &Path) -> Result<(Start, Peer), String> {
    if folder.exists() {
        fs_err::remove_dir_all(folder).map_err(|error| error.to_string())?;
    }
    copy(from, folder).map_err(|error| error.to_string())?;
    let peer = sides.start(side, folder, IDLE)?;
    let (seconds, cpu) = peer.ready;
    pause(SETTLE);
    let start = Start { seconds, cpu, resident: peer.memory()?.resident };
    Ok((start, peer))
}

fn copy(from: &Path, into: &Path) -> std::io::Result<()> {
    fs_err::create_dir_all(into)?;
    for entry in fs_err::read_dir(from)? {
        let entry = entry?;
        let name = into.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &name)?;
        } else {
            fs_err::copy(entry.path(), name)?;
        }
    }
    Ok(())
}

fn name(series: &Series) -> Option<&str> {
    series.labels.iter().find(|(label, _)| label == "__name__").map(|(_, name)| name.as_str())
}

/// How many of the samples written are not there any more.
fn missing(peer: &Peer, series: &[Series], end: i64) -> Result<String, String> {
    let written: usize = series.iter().map(|one| one.samples.len()).sum();
    let mut found = 0.0;
    for name in series.iter().filter_map(name).collect::<BTreeSet<_>>() {
        let query = format!("sum(count_over_time({name}[1d]))");
        found += number_at(peer, &query, Some(end))?.unwrap_or_default();
    }
    let gone = written as f64 - found;
    Ok(if gone > 0.0 {
        format!("{gone} of {written} samples are not found after the kill")
    } else {
        format!("all {written} samples are there after the kill")
    })
}
