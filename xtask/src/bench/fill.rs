//! Samples of times gone by, as each store keeps them when it is done with them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::options::Options;
use super::side::{IDLE, Side, Sides, kept};
use crate::peers::process::{Peer, now, pause};
use crate::peers::{Series, remote_write, series_text};

/// How long sealing or merging may go on without anything to be seen of it.
const SILENCE: Duration = Duration::from_secs(60);

/// How often a sample of another day is written so that what is left of the others is sealed.
const NUDGES: i64 = 3;

const DAY: i64 = 86_400_000;

/// Writes the samples to ours and leaves it ended, with every day in a segment.
pub(super) fn ours(sides: &Sides, folder: &Path, series: &[Series]) -> Result<(), String> {
    let peer = sides.start(Side::Ours, folder, IDLE)?;
    remote_write::send(&mut peer.client(), series)?;
    peer.stop()?;
    let last = series.iter().filter_map(|one| one.samples.last()).map(|(at, _)| *at).max();
    for nudge in 1..=NUDGES {
        // It seals what is due when it starts.
        let peer = sides.start(Side::Ours, folder, IDLE)?;
        if is_sealed(&peer)? {
            peer.stop()?;
            return Ok(());
        }
        // A day whose samples were still coming when the rest of it was sealed waits for another day to end.
        let labels = vec![("__name__".to_owned(), "end_of_samples".to_owned())];
        let samples = vec![(last.unwrap_or_default() + nudge * 2 * DAY, 1.0)];
        remote_write::send(&mut peer.client(), &[Series { labels, samples }])?;
        peer.stop()?;
    }
    Err("the evaluator keeps finished days in memory; look into its log, or try again with less load"
        .to_owned())
}

/// Waits until no series is in memory; says whether that came to be.
fn is_sealed(peer: &Peer) -> Result<bool, String> {
    let mut seen = (f64::NAN, now());
    loop {
        let held = metric(peer, "prometheus_tsdb_head_series")?;
        if held <= 0.0 {
            return Ok(true);
        }
        if held.to_bits() != seen.0.to_bits() {
            seen = (held, now());
        }
        if seen.1.elapsed() > SILENCE {
            return Ok(false);
        }
        pause(Duration::from_millis(100));
    }
}

/// Writes the samples to VictoriaMetrics and leaves it ended, with its parts merged.
pub(super) fn victoria(sides: &Sides, folder: &Path, series: &[Series]) -> Result<(), String> {
    let peer = sides.start(Side::Victoria, folder, IDLE)?;
    let mut client = peer.client();
    remote_write::send(&mut client, series)?;
    for work in ["/internal/force_flush", "/internal/force_merge"] {
        let status = client.get(work)?.status;
        if status / 100 != 2 {
            return Err(format!("VictoriaMetrics answers {work} with {status}"));
        }
    }
    let began = now();
    let mut quiet = 0;
    while quiet < 10 {
        let at_work = metric(&peer, "vm_active_force_merges")? + metric(&peer, "vm_active_merges")?;
        quiet = if at_work > 0.0 { 0 } else { quiet + 1 };
        if began.elapsed() > SILENCE * 5 {
            return Err("VictoriaMetrics does not come to an end of merging".to_owned());
        }
        pause(Duration::from_millis(200));
    }
    peer.stop().map(drop)
}

/// The sum of a metric's series on a server's own page.
fn metric(peer: &Peer, name: &str) -> Result<f64, String> {
    let body = peer.client().get("/metrics")?.body;
    let text = String::from_utf8_lossy(&body);
    let lines = text.lines().filter(|line| {
        line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ') || rest.starts_with('{'))
    });
    Ok(lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
}

/// A folder with the samples as Prometheus's blocks in `data`, made once: that takes minutes.
#[expect(clippy::print_stdout, reason = "this takes minutes")]
pub(super) fn prometheus(options: &Options, name: &str, series: &[Series]) -> Result<PathBuf, String> {
    let folder = kept(name)?;
    let (complete, stamp) = (folder.join("complete"), format!("{:016x}", stamp(series)));
    if fs_err::read_to_string(&complete).is_ok_and(|of| of == stamp) {
        return Ok(folder);
    }
    let fault = |error: std::io::Error| error.to_string();
    if folder.exists() {
        fs_err::remove_dir_all(&folder).map_err(fault)?;
    }
    fs_err::create_dir_all(&folder).map_err(fault)?;
    let text = folder.join("samples.om");
    write(&text, series).map_err(fault)?;
    println!("promtool makes blocks of {name}, which may take minutes; they are kept for the next run");
    let output = Command::new(&options.promtool)
        // Without this flag, which its help does not show, it reads the text once for every two hours.
        .args(["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=486h", "-q"])
        .args([&text, &folder.join("data")])
        .output()
        .map_err(|error| format!("cannot run {}: {error}", options.promtool))?;
    if !output.status.success() {
        return Err(format!("promtool makes no blocks: {}", String::from_utf8_lossy(&output.stderr)));
    }
    fs_err::remove_file(&text).map_err(fault)?;
    fs_err::write(complete, stamp).map_err(fault)?;
    Ok(folder)
}

/// Tells samples from those of a generator that has changed since blocks were made.
fn stamp(series: &[Series]) -> u64 {
    let mut sum = 0xcbf2_9ce4_8422_2325;
    // The 64-bit FNV-1a, by words.
    let mut add = |word: u64| sum = (sum ^ word).wrapping_mul(0x0100_0000_01b3);
    for one in series {
        series_text(&one.labels).bytes().for_each(|byte| add(byte.into()));
        for (at, value) in &one.samples {
            add(at.cast_unsigned());
            add(value.to_bits());
        }
    }
    sum
}

/// Writes series as OpenMetrics text.
pub(super) fn write(path: &Path, series: &[Series]) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::BufWriter::with_capacity(1 << 20, fs_err::File::create(path)?);
    for one in series {
        let name = series_text(&one.labels);
        for (at, value) in &one.samples {
            writeln!(out, "{name} {value} {}", at / 1000)?;
        }
    }
    writeln!(out, "# EOF")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_samples_have_another_stamp() {
        let series = |label: &str, at: i64, value: f64| {
            [Series { labels: vec![("__name__".to_owned(), label.to_owned())], samples: vec![(at, value)] }]
        };
        let first = stamp(&series("a", 1, 2.0));
        assert_eq!(stamp(&series("a", 1, 2.0)), first);
        for other in [series("b", 1, 2.0), series("a", 2, 2.0), series("a", 1, 2.5)] {
            assert_ne!(stamp(&other), first);
        }
    }
}
