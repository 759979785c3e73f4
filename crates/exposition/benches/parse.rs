//! Megabytes a second of this parser beside prometheus-parse, on bodies made here.
//!
//! The best of several rounds counts: the machine may be busy with other things, and a parser is never faster
//! than it can be.
#![expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use assurance_exposition::{Entry, Format, Parser, parse};

const SERIES: usize = 10_000;
const ROUNDS: usize = 25;
/// prometheus-parse is slow enough to be measured in fewer.
const RIVAL_ROUNDS: usize = 3;

fn main() {
    println!("{:<28} {:>9} {:>9} {:>9}", "MB/s, best of rounds", "node", "histogram", "OM hist.");
    let bodies = [
        (node_like(), Format::Text),
        (histogram_like(), Format::Text),
        (format!("{}# EOF\n", histogram_like()), Format::OpenMetrics),
    ];
    row("entries only", &bodies, ROUNDS, |body, format| {
        Parser::new(body.as_bytes(), format).filter(|entry| black_box(entry).is_ok()).count()
    });
    row("every label decoded", &bodies, ROUNDS, |body, format| {
        let mut bytes = 0;
        for entry in Parser::new(body.as_bytes(), format) {
            if let Ok(Entry::Sample(sample)) = entry {
                bytes += sample.metric_name().len() + sample.value.to_bits().count_ones() as usize;
                for (name, value) in sample.labels() {
                    bytes += name.len() + value.len();
                }
            }
        }
        bytes
    });
    cached(&bodies);
    row("whole families, copied", &bodies, RIVAL_ROUNDS, |body, format| {
        parse(body.as_bytes(), format).families.len()
    });
    row("prometheus-parse 0.2.5", &bodies, RIVAL_ROUNDS, |body, _| {
        let lines = body.lines().map(|line| Ok(line.to_owned()));
        prometheus_parse::Scrape::parse(lines).map_or(0, |scrape| scrape.samples.len())
    });
    row("line feeds counted", &bodies, ROUNDS, |body, _| memchr::memchr_iter(b'\n', body.as_bytes()).count());
}

/// What a scraper does from the second scrape on: look the series up, or know it already.
fn cached(bodies: &[(String, Format)]) {
    let series = |body: &str, format| -> Vec<Box<[u8]>> {
        Parser::new(body.as_bytes(), format)
            .filter_map(|entry| match entry {
                Ok(Entry::Sample(sample)) => Some(sample.series.into()),
                _ => None,
            })
            .collect()
    };
    let known: Vec<_> = bodies.iter().map(|(body, format)| series(body, *format)).collect();
    let maps: Vec<HashMap<&[u8], usize>> =
        known.iter().map(|k| k.iter().enumerate().map(|(n, s)| (s.as_ref(), n)).collect()).collect();
    let mut turn = 0..;
    row("looked up by series", bodies, ROUNDS, |body, format| {
        let map = &maps[turn.next().unwrap_or(0) / ROUNDS % maps.len()];
        Parser::new(body.as_bytes(), format)
            .filter(|e| matches!(e, Ok(Entry::Sample(s)) if map.contains_key(s.series)))
            .count()
    });
    let mut turn = 0..;
    row("series known in order", bodies, ROUNDS, |body, format| {
        let mut expected = known[turn.next().unwrap_or(0) / ROUNDS % known.len()].iter().peekable();
        let mut parser = Parser::new(body.as_bytes(), format);
        let mut hits = 0;
        loop {
            if parser.next_known(expected.peek().map_or(&[], |s| s)).is_some() {
                expected.next();
                hits += 1;
            } else {
                match parser.next() {
                    None => return hits,
                    Some(Ok(Entry::Sample(_))) => drop(expected.next()),
                    Some(_) => {}
                }
            }
        }
    });
}

fn row(name: &str, bodies: &[(String, Format)], rounds: usize, mut run: impl FnMut(&str, Format) -> usize) {
    let mut line = format!("{name:<28}");
    for (body, format) in bodies {
        let best = (0..rounds).map(|_| time(|| run(body, *format))).min().unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "bodies have a few megabytes")]
        let rate = body.len() as f64 / best.as_secs_f64() / 1e6;
        // Writing to a String cannot fail.
        let _infallible = write!(line, " {rate:>9.0}");
    }
    println!("{line}");
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn time(run: impl FnOnce() -> usize) -> Duration {
    let start = Instant::now();
    black_box(run());
    start.elapsed()
}

/// Gauges and counters with none to four labels, as node_exporter has them.
fn node_like() -> String {
    let mut out = String::new();
    for family in 0..SERIES / 20 {
        let _infallible = write!(
            out,
            "# HELP node_subsystem_{family}_bytes_total What subsystem {family} moved, in bytes.\n\
             # TYPE node_subsystem_{family}_bytes_total counter\n"
        );
        for n in 0..20 {
            let name = format!("node_subsystem_{family}_bytes_total");
            let value = (family * 7919 + n * 104_729) % 10_000_000;
            let _infallible = match n % 4 {
                0 => writeln!(out, "{name}{{cpu=\"{n}\",mode=\"idle\"}} {value}.{n:02}"),
                1 => writeln!(
                    out,
                    "{name}{{device=\"/dev/sda{n}\",fstype=\"ext4\",mountpoint=\"/srv/{n}\"}} {value}"
                ),
                2 => writeln!(out, "{name}{{device=\"eth{n}\"}} 1.{value:07}e+09"),
                _ => writeln!(
                    out,
                    "{name}{{address=\"00:16:3e:00:{n:02}:01\",broadcast=\"ff:ff:ff:ff:ff:ff\",device=\"br{n}\",operstate=\"up\"}} {n}"
                ),
            };
        }
    }
    out
}

/// Histograms of twelve buckets with four labels beside the bound, as an API server has them.
fn histogram_like() -> String {
    const BOUNDS: [&str; 12] =
        ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf"];
    const NAME: &str = "apiserver_request_duration_seconds";
    let mut out = format!("# HELP {NAME} How long requests took.\n# TYPE {NAME} histogram\n");
    for group in 0..SERIES / 14 {
        let labels = format!(
            "component=\"apiserver\",group=\"apps\",resource=\"deployments{group}\",scope=\"namespace\",verb=\"PATCH\",version=\"v1\""
        );
        for (n, bound) in BOUNDS.iter().enumerate() {
            let count = group * 1000 + n * 37;
            let _infallible = writeln!(out, "{NAME}_bucket{{{labels},le=\"{bound}\"}} {count}");
        }
        let count = group * 1000 + 11 * 37;
        let _infallible = write!(
            out,
            "{NAME}_count{{{labels}}} {count}\n{NAME}_sum{{{labels}}} {}.{group:03}1234567\n",
            count * 3
        );
    }
    out
}
