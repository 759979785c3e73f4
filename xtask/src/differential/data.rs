//! Two hours of random samples: what a small fleet would show, and what no one would wish for.
//!
//! No sample stands at a whole second, and none at an odd millisecond. Queries ask at times that end in 333 ms,
//! subqueries at whole seconds: whether a window holds its left end, which changed between Prometheus 2 and 3,
//! never matters.

use crate::peers::{STALE, Series};
use crate::rng::Rng;

/// 2023-11-14T22:13:20Z.
pub(crate) const START: i64 = 1_700_000_000_000;
pub(crate) const SPAN: i64 = 2 * 3_600_000;
const INTERVAL: i64 = 15_000;

const TARGETS: &[(&str, &str)] =
    &[("api", "a:9090"), ("api", "b:9090"), ("api", "c:9090"), ("db", "d:5432"), ("db", "ä:5432")];
pub(crate) const BOUNDS: &[&str] = &["0.05", "0.1", "0.25", "1", "2.5", "+Inf"];

/// When a target was scraped, and where it was marked stale.
struct Scrapes {
    times: Vec<i64>,
    stale: Vec<i64>,
}

/// The same data for the same seed.
pub(crate) fn generate(seed: u64) -> Vec<Series> {
    let mut rng = Rng::new(seed);
    let mut all = Vec::new();
    for (number, (job, instance)) in TARGETS.iter().enumerate() {
        let scrapes = scrapes(number, &mut rng);
        let mut target = Target { job, instance, scrapes, rng: Rng::new(rng.next()), out: &mut all };
        target.counters();
        target.gauges();
        target.histograms();
        target.oddities();
    }
    all
}

fn scrapes(number: usize, rng: &mut Rng) -> Scrapes {
    // 38 ms, 76 ms … after the second, and up to 20 ms of jitter in even steps.
    let phase = rng.between(0, INTERVAL / 1000) * 1000 + 38 * (number as i64 + 1);
    let mut times: Vec<i64> =
        (0..SPAN / INTERVAL).map(|k| START + k * INTERVAL + phase + rng.between(0, 10) * 2).collect();
    let mut stale = Vec::new();
    let minute = |m: i64| START + m * 60_000;
    match number {
        // Down for a quarter of an hour, and known to be.
        2 => {
            stale.push(minute(40) + 2 * INTERVAL + 502);
            times.retain(|at| !(minute(40)..minute(56)).contains(at));
        }
        // Nobody scraped for seven minutes, then for two.
        4 => times
            .retain(|at| !(minute(30)..minute(37)).contains(at) && !(minute(70)..minute(72)).contains(at)),
        _ => {}
    }
    Scrapes { times, stale }
}

struct Target<'a> {
    job: &'a str,
    instance: &'a str,
    scrapes: Scrapes,
    rng: Rng,
    out: &'a mut Vec<Series>,
}

impl Target<'_> {
    fn push(
        &mut self,
        name: &str,
        labels: &[(&str, &str)],
        mut value: impl FnMut(&mut Rng, i64) -> Option<f64>,
    ) {
        let mut pairs: Vec<(String, String)> =
            [("__name__", name), ("job", self.job), ("instance", self.instance)]
                .iter()
                .chain(labels)
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
        pairs.sort();
        let mut samples: Vec<(i64, f64)> =
            self.scrapes.times.iter().filter_map(|at| Some((*at, value(&mut self.rng, *at)?))).collect();
        samples.extend(self.scrapes.stale.iter().map(|at| (*at, f64::from_bits(STALE))));
        samples.sort_by_key(|(at, _)| *at);
        self.out.push(Series { labels: pairs, samples });
    }

    fn counters(&mut self) {
        for path in ["/", "/ü", "/日本"] {
            for code in ["200", "404", "500"] {
                let step = self.rng.between(2, 40);
                let mut count = Counter::default();
                self.push("requests_total", &[("path", path), ("code", code)], |rng, at| {
                    Some(count.advance(rng, at, |rng| rng.between(0, step) as f64))
                });
            }
        }
        for direction in ["in", "out"] {
            let mut count = Counter::default();
            self.push("traffic_bytes_total", &[("direction", direction)], |rng, at| {
                Some(count.advance(rng, at, |rng| (rng.unit() * 1e6).round() / 8.0))
            });
        }
    }

    fn gauges(&mut self) {
        for sensor in ["cpu", "disk", "fan"] {
            let mut value = self.rng.unit() * 60.0 - 20.0;
            self.push("temperature_celsius", &[("sensor", sensor)], |rng, _| {
                value += rng.unit() * 4.0 - 2.0;
                Some((value * 1000.0).round() / 1000.0)
            });
        }
        for queue in ["mail", "audit"] {
            let mut value = 5i64;
            self.push("queue_length", &[("queue", queue)], |rng, _| {
                value = (value + rng.between(-2, 3)).max(0);
                Some(value as f64)
            });
        }
        self.push("clock_seconds", &[], |rng, at| Some(at as f64 / 1000.0 * 1.5 - rng.unit() * 1e7));
        let version = *self.rng.pick(&[&"1.0", &"1.1", &"2.0"]);
        self.push("build_info", &[("version", version)], |_, _| Some(1.0));
        self.push("up", &[], |rng, _| Some(f64::from(!rng.chance(0.1))));
        // There for some minutes, gone for some, without a mark.
        self.push("session", &[("user", "\"o'brien\"\\")], |rng, at| {
            (at / 600_000 % 2 == 0).then(|| rng.between(10_000, 10_100) as f64)
        });
    }

    fn histograms(&mut self) {
        for route in ["read", "write"] {
            let mut counts = vec![0.0; BOUNDS.len()];
            let mut columns: Vec<Vec<f64>> = Vec::new();
            let mut sums = Vec::new();
            let mut sum = 0.0;
            for scrape in 0..self.scrapes.times.len() {
                // The first scrape finds nothing yet.
                for _ in 0..if scrape == 0 { 0 } else { self.rng.between(0, 8) } {
                    let bucket = self.rng.below(BOUNDS.len());
                    sum += (bucket as f64 + self.rng.unit()) / 4.0;
                    counts[bucket..].iter_mut().for_each(|count| *count += 1.0);
                }
                columns.push(counts.clone());
                sums.push(sum);
            }
            for (at, bound) in BOUNDS.iter().enumerate() {
                let mut rows = columns.iter().map(|row| row[at]);
                self.push("latency_seconds_bucket", &[("route", route), ("le", bound)], |_, _| rows.next());
            }
            let mut rows = columns.iter().filter_map(|row| row.last().copied());
            self.push("latency_seconds_count", &[("route", route)], |_, _| rows.next());
            let mut rows = sums.iter().copied();
            self.push("latency_seconds_sum", &[("route", route)], |_, _| rows.next());
        }
        // Without +Inf, and with a bound that is no number: nobody's histogram.
        for bound in ["1", "2", "many"] {
            let mut count = Counter::default();
            self.push("broken_bucket", &[("le", bound)], |rng, at| {
                Some(count.advance(rng, at, |rng| rng.between(0, 4) as f64))
            });
        }
    }

    fn oddities(&mut self) {
        // Nothing so large that little is left of the rest in a sum, which is compensated since 3.0, and nothing
        // subnormal, of
        // which Go's logarithm is wrong.
        let specials = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0, 1e9, -1e9, 5e-300];
        for (kind, value) in [("nan", f64::NAN), ("inf", f64::INFINITY), ("ninf", f64::NEG_INFINITY)] {
            self.push("odd", &[("kind", kind)], |_, _| Some(value));
        }
        self.push("odd", &[("kind", "mixed")], |rng, _| {
            Some(if rng.chance(0.3) { specials[rng.below(specials.len())] } else { rng.unit() - 0.5 })
        });
        self.push("odd", &[("kind", "small")], |rng, _| Some((rng.unit() - 0.5) * 1e-12));
        self.push("odd", &[("kind", "large")], |rng, _| Some((rng.unit() - 0.5) * 1e15));
    }
}

/// A counter that starts at 0, and at 0 again when its process starts anew.
#[derive(Default)]
struct Counter {
    value: f64,
    last: Option<i64>,
}

impl Counter {
    fn advance(&mut self, rng: &mut Rng, at: i64, step: impl Fn(&mut Rng) -> f64) -> f64 {
        let gap = self.last.map_or(0, |last| at - last);
        if gap > 10 * 60_000 || (self.last.is_some() && gap < 20_000 && rng.chance(0.01)) {
            self.value = 0.0;
        } else if self.last.is_some() {
            self.value += step(rng);
        }
        self.last = Some(at);
        self.value
    }
}
