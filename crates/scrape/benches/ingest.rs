//! Nanoseconds a sample from a body to the store, when the body holds the series of the last one.
//!
//! The best of many rounds counts: the machine may be busy with other things, and a scrape is never faster
//! than it can be. HTTP is left out.
#![expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration as Wall, Instant};

use assurance_metrics_model::{AppendError, Appender, Duration, Labels, SeriesRef, Timestamp, Value};
use assurance_scrape::{JobConfig, Manager, Output, Response, ScrapeId, TargetGroup};
use assurance_tsdb::{Config, Store};

const INTERVAL: i64 = 10_000;
const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn main() {
    // What fits into the caches of a core, and what does not.
    shape(1, 10_000, 300);
    shape(100, 1000, 30);
}

fn shape(targets: usize, series: usize, rounds: u64) {
    println!(
        "{targets} targets of {series} series, {} bytes a sample, {rounds} rounds",
        body(0, series).len() / series
    );
    let mut nowhere = Scraper::new(targets, series);
    let mut times = Vec::new();
    nowhere.rounds(rounds, |scraper, scrape, response| {
        times.push(time(|| scraper.take(scrape, response, &mut Nowhere(0))));
    });
    report("parsed and found, appended nowhere", &times, series);
    let store = Store::new(Config::default());
    let (mut appended, mut committed, mut both) = (Vec::new(), Vec::new(), Vec::new());
    Scraper::new(targets, series).rounds(rounds, |scraper, scrape, response| {
        let mut appender = store.appender();
        let append = time(|| scraper.take(scrape, response, &mut appender));
        let commit = time(|| assert!(appender.commit().samples >= series));
        appended.push(append);
        committed.push(commit);
        both.push(append + commit);
    });
    report("parsed, found, appended", &appended, series);
    report("committed", &committed, series);
    report("all", &both, series);
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds of milliseconds, and thousands of series")]
fn report(what: &str, times: &[Wall], series: usize) {
    // The first scrapes meet every series for the first time.
    let mut times: Vec<f64> =
        times[times.len() / 2..].iter().map(|t| t.as_nanos() as f64 / series as f64).collect();
    times.sort_by(f64::total_cmp);
    let (best, tenth, middle) = (times[0], times[times.len() / 10], times[times.len() / 2]);
    println!(
        "  {what:<36} {best:>6.1} ns a sample at best, {tenth:>6.1} in the best tenth, {middle:>6.1} in the middle"
    );
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn time(run: impl FnOnce()) -> Wall {
    let start = Instant::now();
    run();
    start.elapsed()
}

/// Takes samples and forgets them.
struct Nowhere(u64);

impl Appender for Nowhere {
    fn append(
        &mut self,
        hint: Option<SeriesRef>,
        labels: &Labels,
        at: Timestamp,
        value: Value,
    ) -> Result<SeriesRef, AppendError> {
        black_box((labels, at, &value));
        self.0 += 1;
        Ok(hint.unwrap_or(SeriesRef(self.0)))
    }
}

struct Scraper {
    manager: Manager,
    series: usize,
    targets: usize,
}

impl Scraper {
    fn new(targets: usize, series: usize) -> Self {
        let mut job = JobConfig::new("load");
        job.scrape_interval = Duration::from_millis(INTERVAL);
        job.limits.samples = 0;
        let targets_of_job = (0..targets).map(|n| format!("t:{}", n + 1)).collect();
        job.static_targets = vec![TargetGroup { targets: targets_of_job, ..TargetGroup::default() }];
        Self { manager: Manager::new(vec![job], &Labels::empty(), START), series, targets }
    }

    /// Renders the bodies of so many scrapes of every target, each at its time.
    fn rounds(&mut self, rounds: u64, mut each: impl FnMut(&mut Self, (Timestamp, ScrapeId), Response)) {
        let (mut now, mut scrapes) = (START, 0);
        while scrapes < rounds * self.targets as u64 {
            now = self.manager.poll_timeout().map_or(now, |at| at.max(now));
            self.manager.handle_timeout(now, &mut Nowhere(0));
            while let Some(Output::Scrape(request)) = self.manager.poll_output() {
                let response = Response {
                    status: 200,
                    content_type: Some("text/plain; version=0.0.4; charset=utf-8".into()),
                    body: body(scrapes / self.targets as u64, self.series).into_bytes(),
                    started: now,
                    duration: Duration::from_millis(3),
                };
                scrapes += 1;
                each(self, (now, request.id), response);
            }
        }
    }

    fn take(&mut self, (now, id): (Timestamp, ScrapeId), response: Response, out: &mut dyn Appender) {
        let report = self.manager.handle_response(now, id, Ok(response), out).expect("it is awaited");
        assert!(report.up() && report.counts.refused == 0, "{report:?}");
    }
}

/// Two fifths counters of which some stand still, a fifth gauges, two fifths histograms.
fn body(round: u64, series: usize) -> String {
    const BOUNDS: [&str; 8] = ["0.005", "0.025", "0.1", "0.25", "1", "2.5", "10", "+Inf"];
    let mut out = String::with_capacity(series * 110);
    for n in 0..series * 2 / 5 {
        let family = n / 50;
        if n % 50 == 0 {
            let _infallible = write!(
                out,
                "# HELP app_f{family:03}_requests_total Requests handled by the component.\n# TYPE app_f{family:03}_requests_total counter\n"
            );
        }
        let n = n as u64;
        let value = if n % 5 < 3 { n * 977 + round * (n % 120) } else { n % 2000 };
        let _infallible = writeln!(
            out,
            "app_f{family:03}_requests_total{{service=\"svc-{:02}\",route=\"/api/v1/r{:03}\",method=\"GET\",code=\"200\",zone=\"eu-west-1a\"}} {value}",
            n % 17,
            n % 50
        );
    }
    for n in 0..series / 5 {
        let family = n / 50;
        if n % 50 == 0 {
            let _infallible = write!(
                out,
                "# HELP app_g{family:03}_state Current state of the component.\n# TYPE app_g{family:03}_state gauge\n"
            );
        }
        let n = n as u64;
        let _infallible = write!(
            out,
            "app_g{family:03}_state{{service=\"svc-{:02}\",component=\"cmp-{:03}\",zone=\"eu-central-1c\"}} ",
            n % 17,
            n % 50
        );
        let walk = 500_000 + (n * 7919 + round * round * 31) % 20_001;
        let _infallible = match n % 3 {
            0 => writeln!(out, "{}", n % 3),
            1 => writeln!(out, "{walk}"),
            _ => writeln!(out, "{}.{:03}", walk / 1000, walk % 1000),
        };
    }
    for n in 0..series / 25 {
        let family = n / 20;
        if n % 20 == 0 {
            let _infallible = write!(
                out,
                "# HELP app_h{family:03}_duration_seconds Time spent.\n# TYPE app_h{family:03}_duration_seconds histogram\n"
            );
        }
        let labels = format!("service=\"svc-{:02}\",route=\"/api/v1/r{:03}\",method=\"PUT\"", n % 17, n % 20);
        let name = format!("app_h{family:03}_duration_seconds");
        let seen = round * (n as u64 % 40);
        for (at, bound) in BOUNDS.iter().enumerate() {
            let count = seen * (at as u64 + 1) / 8;
            let _infallible = writeln!(out, "{name}_bucket{{{labels},le=\"{bound}\"}} {count}");
        }
        let _infallible = write!(
            out,
            "{name}_sum{{{labels}}} {}.{:03}\n{name}_count{{{labels}}} {seen}\n",
            seen * 3,
            round % 1000
        );
    }
    out
}
