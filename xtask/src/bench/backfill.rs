//! A history of governance data into finished files: ours, promtool's and VictoriaMetrics's.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::table::{Goal, Spread, Table};
use super::{fill, governance};
use crate::peers::process::{evaluator_binary, now, pause, scratch, version, victoria_metrics};
use crate::peers::usage::bytes_below;
use crate::peers::{Series, series_text};

/// What is posted at once.
const PER_POST: usize = 64 << 20;

/// Processor time of a sample, ours by theirs, that is aimed at.
const TO_PROMTOOL: f64 = 0.15;
const TO_VICTORIA: f64 = 0.5;

#[derive(Debug)]
struct Wish {
    days: i64,
    ours: Option<PathBuf>,
    promtool: String,
    victoria: String,
}

/// What an import took.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    cpu: f64,
    wall: f64,
    /// MiB that were resident at most.
    peak: f64,
    /// Bytes of the files it made.
    bytes: f64,
}

/// Reads the command line: `[--days N] [--ours PATH] [--promtool PATH] [--victoria PATH]`.
#[expect(clippy::print_stdout, reason = "the tables are its output")]
pub(crate) fn command(args: &[&str]) -> Result<(), String> {
    let mut wish = Wish {
        days: 90,
        ours: None,
        promtool: "promtool".to_owned(),
        victoria: "victoria-metrics".to_owned(),
    };
    for pair in args.chunks(2) {
        let [name, value] = pair else { return Err(format!("{} needs a value", pair[0])) };
        match *name {
            "--days" => {
                wish.days = value.parse().map_err(|_bad| format!("{name} {value}: write a number"))?;
            }
            "--ours" => wish.ours = Some(PathBuf::from(value)),
            "--promtool" => wish.promtool = (*value).to_owned(),
            "--victoria" => wish.victoria = (*value).to_owned(),
            _ => return Err(format!("{name} is no option of bench backfill")),
        }
    }
    let fault = |error: std::io::Error| error.to_string();
    let folder = scratch("backfill")?;
    let series = governance::generate(wish.days);
    let samples: usize = series.iter().map(|one| one.samples.len()).sum();
    let text = folder.join("samples.om");
    fill::write(&text, &series).map_err(fault)?;
    let size = fs_err::metadata(&text).map_err(fault)?.len();
    println!("{samples} samples of {} series in {} MB of text", series.len(), size >> 20);

    let binary = evaluator_binary(wish.ours.as_deref())?;
    let store = folder.join("store");
    let ours = {
        let mut command = Command::new(binary);
        command.args(["tsdb", "import"]).args([&store, &text]);
        command.arg("--storage.tsdb.retention.time=100y");
        measured(&mut command, &store.join("segments"))?
    };
    let mut theirs = None;
    match version(&wish.promtool) {
        Ok(named) => {
            println!("{named}");
            let blocks = folder.join("blocks");
            let mut command = Command::new(&wish.promtool);
            // Without this flag, which its help does not show, it reads the text once for every two hours.
            command.args(["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=486h", "-q"]);
            theirs = Some(measured(command.args([&text, &blocks]), &blocks)?);
        }
        Err(why) => println!("no promtool: {why}"),
    }
    let victoria = match version(&wish.victoria) {
        Ok(named) => {
            println!("{named}");
            Some(into_victoria(&wish.victoria, &folder, &series)?)
        }
        Err(why) => {
            println!("no VictoriaMetrics: {why}");
            None
        }
    };
    let mut table = Table::new("From text to finished files", &["ours", "promtool", "VictoriaMetrics"]);
    let mut row = |what: &str, goals: &[Goal], of: &dyn Fn(&Cost) -> f64| {
        let costs = [Some(&ours), theirs.as_ref(), victoria.as_ref()];
        let values = costs.iter().map(|cost| cost.map(|cost| Spread::from(of(cost)))).collect();
        table.row(what, values, goals, "");
    };
    let each = 1.0 / samples as f64;
    let goals = [Goal::Times(TO_PROMTOOL, "promtool"), Goal::Times(TO_VICTORIA, "VictoriaMetrics")];
    row("CPU a sample, us", &goals, &|cost| cost.cpu * each * 1e6);
    row("wall, s", &[], &|cost| cost.wall);
    row("memory at most, MiB", &[], &|cost| cost.peak);
    row("bytes a sample", &[], &|cost| cost.bytes * each);
    println!("{table}");
    let missed = table.missed();
    if missed.is_empty() { Ok(()) } else { Err(format!("bench backfill: {}", missed.join("; "))) }
}

/// Runs a command to its end, and weighs it and what it made.
fn measured(command: &mut Command, made: &Path) -> Result<Cost, String> {
    let fault = |error: std::io::Error| error.to_string();
    let before = of_children()?;
    let start = now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(fault)?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0_f64;
    while child.try_wait().map_err(fault)?.is_none() {
        peak = peak.max(high_water(&status));
        pause(Duration::from_millis(10));
    }
    let wall = start.elapsed().as_secs_f64();
    let output = child.wait_with_output().map_err(fault)?;
    if !output.status.success() {
        return Err(format!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(Cost { cpu: of_children()? - before, wall, peak, bytes: bytes_below(made, &[])? as f64 })
}

/// Seconds of CPU of the children that have ended.
fn of_children() -> Result<f64, String> {
    let stat = fs_err::read_to_string("/proc/self/stat").map_err(|error| error.to_string())?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let tick = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).unwrap_or_default();
    // Fields 16 and 17 of proc(5), in ticks of 10 ms.
    Ok((tick(13) + tick(14)) / 100.0)
}

/// MiB that a process had resident at most so far.
fn high_water(status: &str) -> f64 {
    let status = fs_err::read_to_string(status).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}

/// Posts the samples with times in milliseconds, as its import wants them.
fn into_victoria(binary: &str, folder: &Path, series: &[Series]) -> Result<Cost, String> {
    let server = victoria_metrics(binary, folder, "")?;
    let mut client = server.client();
    let before = server.cpu()?;
    let mut wall = 0.0;
    let mut body = String::with_capacity(PER_POST + 1024);
    let mut post = |body: &str| {
        let start = now();
        let response = client.request("POST", "/api/v1/import/prometheus", "", body.as_bytes())?;
        wall += start.elapsed().as_secs_f64();
        if response.status / 100 == 2 { Ok(()) } else { Err(format!("it answers {}", response.status)) }
    };
    for one in series {
        let name = series_text(&one.labels);
        for (at, value) in &one.samples {
            let _infallible = writeln!(body, "{name} {value} {at}");
            if body.len() >= PER_POST {
                post(&body)?;
                body.clear();
            }
        }
    }
    post(&body)?;
    server.client().get("/internal/force_flush")?;
    let cpu = server.cpu()? - before;
    let peak = high_water(&format!("/proc/{}/status", server.id()));
    // What it joins in the background is over soon after.
    pause(Duration::from_secs(10));
    Ok(Cost { cpu, wall, peak, bytes: bytes_below(&folder.join("data/data"), &[])? as f64 })
}
