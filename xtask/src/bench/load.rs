//! Many targets behind one port, cheap to serve and the same in every run.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::peers::Series;
use crate::rng::Rng;

/// A thread for each connection, and not one of them deep.
const STACK: usize = 128 << 10;

const BOUNDS: [&str; 8] = ["0.005", "0.025", "0.1", "0.25", "1", "2.5", "10", "+Inf"];
const ZONES: [&str; 3] = ["eu-west-1a", "eu-west-1b", "eu-central-1c"];
const CODES: [&str; 5] = ["200", "204", "400", "404", "500"];
const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];

/// How a series moves.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// A counter that counts.
    Counter,
    /// A counter or gauge that stands still.
    Still,
    /// A gauge of whole numbers.
    Whole,
    /// A gauge of thousandths.
    Thousandths,
    /// The n-th of eight buckets.
    Bucket(u64),
    Sum,
    Count,
}

/// A line up to its number, the comments before it among it.
#[derive(Debug)]
struct Line {
    kind: Kind,
    text: String,
}

/// What is served, and to whom how much of it.
#[derive(Debug)]
pub(super) struct Load {
    lines: Vec<Line>,
    /// Scrapes so far, scraper by scraper and target by target: the n-th is the same for every scraper.
    scrapes: Vec<Vec<AtomicU64>>,
    samples: Vec<AtomicU64>,
}

impl Load {
    pub(super) fn new(scrapers: usize, targets: usize, series: usize) -> Self {
        let zeros = |n: usize| (0..n).map(|_| AtomicU64::new(0)).collect::<Vec<_>>();
        Self {
            lines: lines(series),
            scrapes: (0..scrapers).map(|_| zeros(targets)).collect(),
            samples: zeros(scrapers),
        }
    }

    /// Serves `/SCRAPER/TARGET/metrics` until the process ends; the address.
    pub(super) fn serve(self: &Arc<Self>) -> Result<String, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?.to_string();
        let load = Arc::clone(self);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let load = Arc::clone(&load);
                // A client that goes away ends its thread, which is all there is to it.
                let serve = move || load.answer(&stream).ok();
                let _thread = std::thread::Builder::new().stack_size(STACK).spawn(serve);
            }
        });
        Ok(address)
    }

    /// Samples served to a scraper so far.
    pub(super) fn served(&self, scraper: usize) -> u64 {
        self.samples[scraper].load(Ordering::Relaxed)
    }

    fn answer(&self, stream: &TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        let mut out = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let mut header = String::new();
            while reader.read_line(&mut header)? > 0 && !header.trim().is_empty() {
                header.clear();
            }
            out.clear();
            let status = if self.render(&line, &mut out).is_some() { "200 OK" } else { "404 Not Found" };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {}\r\n\r\n",
                out.len()
            );
            let mut writer = stream;
            writer.write_all(head.as_bytes())?;
            writer.write_all(&out)?;
        }
    }

    fn render(&self, request: &str, out: &mut Vec<u8>) -> Option<()> {
        let mut path = request.split(' ').nth(1)?.trim_start_matches('/').split('/');
        let scraper: usize = path.next()?.parse().ok()?;
        let target: usize = path.next()?.parse().ok()?;
        let scrape = self.scrapes.get(scraper)?.get(target)?.fetch_add(1, Ordering::Relaxed);
        body(&self.lines, target as u64, scrape, out);
        self.samples[scraper].fetch_add(self.lines.len() as u64, Ordering::Relaxed);
        Some(())
    }
}

/// Two fifths counters, a fifth gauges, two fifths histograms; fifty series to a family, twenty histograms.
fn lines(series: usize) -> Vec<Line> {
    let mut out = Vec::with_capacity(series);
    for n in 0..series * 2 / 5 {
        let name = format!("app_f{:03}_requests_total", n / 50);
        let head = head(n % 50 == 0, &name, "Requests handled by the component.", "counter");
        let text = format!(
            "{head}{name}{{service=\"svc-{:02}\",route=\"/api/v1/r{:03}\",method=\"{}\",code=\"{}\",zone=\"{}\"}} ",
            n % 17,
            n % 50,
            METHODS[n % 4],
            CODES[n % 5],
            ZONES[n % 3]
        );
        out.push(Line { kind: if n % 5 < 3 { Kind::Counter } else { Kind::Still }, text });
    }
    for n in 0..series / 5 {
        let name = format!("app_g{:03}_state", n / 50);
        let head = head(n % 50 == 0, &name, "Current state of the component.", "gauge");
        let text = format!(
            "{head}{name}{{service=\"svc-{:02}\",component=\"cmp-{:03}\",zone=\"{}\"}} ",
            n % 17,
            n % 50,
            ZONES[n % 3]
        );
        out.push(Line { kind: [Kind::Still, Kind::Whole, Kind::Thousandths][n % 3], text });
    }
    for n in 0.. {
        let name = format!("app_h{:03}_duration_seconds", n / 20);
        let labels = format!(
            "service=\"svc-{:02}\",route=\"/api/v1/r{:03}\",method=\"{}\"",
            n % 17,
            n % 20,
            METHODS[n % 4]
        );
        for part in 0..10 {
            if out.len() >= series {
                return out;
            }
            let head = head(part == 0 && n % 20 == 0, &name, "Time spent.", "histogram");
            let (kind, text) = match part {
                8 => (Kind::Sum, format!("{name}_sum{{{labels}}} ")),
                9 => (Kind::Count, format!("{name}_count{{{labels}}} ")),
                at => {
                    let text = format!("{head}{name}_bucket{{{labels},le=\"{}\"}} ", BOUNDS[at]);
                    (Kind::Bucket(at as u64 + 1), text)
                }
            };
            out.push(Line { kind, text });
        }
    }
    out
}

fn head(wanted: bool, name: &str, help: &str, kind: &str) -> String {
    if wanted { format!("# HELP {name} {help}\n# TYPE {name} {kind}\n") } else { String::new() }
}

/// What a target shows at its n-th scrape.
fn body(lines: &[Line], target: u64, scrape: u64, out: &mut Vec<u8>) {
    for (at, line) in lines.iter().enumerate() {
        out.extend_from_slice(line.text.as_bytes());
        let (number, is_thousandths) = value(line.kind, target, at as u64, scrape);
        if is_thousandths {
            push_thousandths(out, number);
        } else {
            push(out, number);
        }
        out.push(b'\n');
    }
}

/// The number of a target's line at its n-th scrape, and whether it counts thousandths.
fn value(kind: Kind, target: u64, at: u64, scrape: u64) -> (u64, bool) {
    // Where it starts, and how fast it goes.
    let (start, speed) = (draw(target, at) % 2_000_000, at * 7 % 120);
    // What a histogram has seen, the same for all of its lines.
    let seen = scrape * (1 + target % 7);
    // A gauge that stays near where it began.
    let walk = || 500_000 + start / 4 + draw(target ^ at << 20, scrape) % 20_001;
    match kind {
        Kind::Counter => (start + scrape * speed, false),
        Kind::Still => (start % 3, false),
        Kind::Whole => (walk(), false),
        Kind::Thousandths => (walk(), true),
        Kind::Bucket(part) => (seen * part / 8, false),
        Kind::Sum => (seen * 240, true),
        Kind::Count => (seen, false),
    }
}

/// What scrapes of the targets would have found, without scraping: `count` of them, the last one at `end`, both
/// in milliseconds.
pub(super) fn history(targets: usize, series: usize, count: usize, step: i64, end: i64) -> Vec<Series> {
    let lines = lines(series);
    let mut out = Vec::with_capacity(targets * lines.len());
    for target in 0..targets {
        for (at, line) in lines.iter().enumerate() {
            let samples = (0..count).map(|scrape| {
                let (number, is_thousandths) = value(line.kind, target as u64, at as u64, scrape as u64);
                let value = if is_thousandths { number as f64 / 1000.0 } else { number as f64 };
                (end - (count - 1 - scrape) as i64 * step, value)
            });
            out.push(Series { labels: labels(line, target), samples: samples.collect() });
        }
    }
    out
}

/// What a line is called, taken apart: its labels hold neither quotes nor commas.
fn labels(line: &Line, target: usize) -> Vec<(String, String)> {
    let name = line.text.lines().last().unwrap_or_default().trim_end();
    let (name, pairs) = name.split_once('{').unwrap_or((name, ""));
    let mut out: Vec<(String, String)> = pairs
        .trim_end_matches('}')
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(label, value)| (label.to_owned(), value.trim_matches('"').to_owned()))
        .collect();
    out.push(("__name__".to_owned(), name.to_owned()));
    out.push(("job".to_owned(), "load".to_owned()));
    out.push(("instance".to_owned(), format!("target-{target}")));
    out.sort();
    out
}

/// Chance that needs no memory.
fn draw(a: u64, b: u64) -> u64 {
    Rng::new(a << 40 ^ b).next() >> 11
}

fn push(out: &mut Vec<u8>, mut number: u64) {
    let from = out.len();
    loop {
        out.push(b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out[from..].reverse();
}

fn push_thousandths(out: &mut Vec<u8>, number: u64) {
    push(out, number / 1000);
    let rest = number % 1000;
    if rest > 0 {
        out.extend([
            b'.',
            b'0' + (rest / 100) as u8,
            b'0' + (rest / 10 % 10) as u8,
            b'0' + (rest % 10) as u8,
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_the_same_in_every_run_and_counters_rise() {
        let load = Load::new(2, 2, 33);
        let ask = |path: &str| {
            let mut out = Vec::new();
            load.render(&format!("GET {path} HTTP/1.1"), &mut out).map(|()| String::from_utf8(out).unwrap())
        };
        let (first, second) = (ask("/0/1/metrics").unwrap(), ask("/0/1/metrics").unwrap());
        assert_eq!(ask("/1/1/metrics").as_ref(), Some(&first), "scrapers see the same");
        assert_ne!(first, second);
        assert_ne!(ask("/1/0/metrics").as_ref(), Some(&first), "targets differ");
        assert_eq!((ask("/2/0/metrics"), ask("/0/2/metrics"), ask("/nope")), (None, None, None));
        assert_eq!((load.served(0), load.served(1)), (66, 66));
        let samples = |body: &str| body.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!((samples(&first), samples(&second)), (33, 33));
        let count = |body: &str| {
            body.lines()
                .filter_map(|l| {
                    l.strip_prefix("app_h000_duration_seconds_count")?.rsplit(' ').next()?.parse::<u64>().ok()
                })
                .next()
        };
        assert_eq!((count(&first), count(&second)), (Some(0), Some(2)));
        let written = history(1, 33, 2, 15_000, 60_000);
        let last = written.last().unwrap();
        assert_eq!(written.len(), 33);
        assert_eq!(last.samples.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [45_000, 60_000]);
        let zero = ask("/1/0/metrics").unwrap();
        for one in &written {
            let name = &one.labels.iter().find(|(name, _)| name == "__name__").unwrap().1;
            let mut own = one.labels.clone();
            own.retain(|(name, _)| !["__name__", "job", "instance"].contains(&name.as_str()));
            let is_it = |line: &&str| {
                line.starts_with(&format!("{name}{{"))
                    && own.iter().all(|(n, v)| line.contains(&format!("{n}=\"{v}\"")))
            };
            let line = zero.lines().find(is_it).unwrap_or_else(|| panic!("{name} {own:?}"));
            assert_eq!(line.rsplit(' ').next().unwrap().parse(), Ok(one.samples[1].1), "{line}");
        }
        let mut text = Vec::new();
        push_thousandths(&mut text, 1_020_034);
        assert_eq!(text, b"1020.034");
    }
}
