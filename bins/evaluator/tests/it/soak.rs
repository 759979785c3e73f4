//! The binary killed at random moments, again and again: what it had shown before is there afterwards.
//!
//! `cargo xtask soak` runs the same for longer, by the two variables.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use assurance_metrics_model::Timestamp;
use assurance_runtime::Clock;
use serde_json::Value;

use crate::net::api;
use crate::process::{Process, evaluator, eventually, expect, pause};
use crate::start::folder;

/// How many kills.
const RUNS: &str = "ASSURANCE_SOAK_RUNS";

/// How long a run lasts at most, in seconds.
const SECONDS: &str = "ASSURANCE_SOAK_SECONDS";

/// From the start of the process to its first sample: an interval and a fifth, of a binary that is measured. One that
/// is not optimized runs beside the other tests, which may keep it waiting for a processor: of it only this is claimed,
/// that it waits for nothing else that takes long.
const RESUMES_WITHIN_MS: i64 = if cfg!(debug_assertions) { 20_000 } else { 1200 };

const COUNTERS: u64 = 20;

/// An episode begins every so many answers of the target, and is shown in as many more.
const EPISODE: u64 = 3;

const RULES: &str = "groups:
  - name: soak
    interval: 1s
    rules:
      - {alert: Waiting, expr: soak_on == 1, for: 10h}
      - {alert: Lasting, expr: soak_on == 1, for: 2s}
      - {alert: Held, expr: soak_beginning == 1, keep_firing_for: 10h}
      - {alert: Episode, expr: soak_episode == 1}
      - {record: soak_sum, expr: sum(soak_total)}
";

#[expect(clippy::disallowed_methods, reason = "a longer soak is asked for by variables")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn a_process_that_is_killed_loses_nothing_it_has_shown() {
    let runs = number(RUNS).unwrap_or(10);
    let most = Duration::from_secs(number(SECONDS).unwrap_or(4));
    let mut soak = Soak::begin();
    for run in 0..runs {
        soak.run(run, most);
    }
    soak.end();
}

/// What was shown, and by whom.
struct Soak {
    folder: tempfile::TempDir,
    target: Target,
    receiver: Receiver,
    chance: Chance,
    shown: Arc<Mutex<Shown>>,
    began: Timestamp,
    ready_ms: Vec<i64>,
    resume_ms: Vec<i64>,
    early_kills: u64,
}

#[derive(Default)]
struct Shown {
    /// By series and time.
    samples: BTreeMap<(String, String), String>,
    /// `activeAt` of alerts by their labels.
    alerts: BTreeMap<String, String>,
    /// Whatever contradicts what was shown before.
    contradictions: Vec<String>,
    /// Whether `Held` was among the alerts: from then on the target no longer gives a reason for it.
    held: Arc<AtomicBool>,
}

impl Shown {
    fn take(&mut self, samples: BTreeMap<(String, String), String>, alerts: BTreeMap<String, String>) {
        for (key, value) in samples {
            if let Some(before) = self.samples.insert(key.clone(), value.clone())
                && before != value
            {
                self.contradictions.push(format!("{key:?} was {before} and is {value}"));
            }
        }
        for (labels, at) in alerts {
            if let Some(before) = self.alerts.insert(labels.clone(), at.clone())
                && before != at
            {
                self.contradictions.push(format!("{labels} was active at {before} and is at {at}"));
            }
        }
        if self.has("Held") {
            self.held.store(true, Ordering::Relaxed);
        }
    }

    fn has(&self, alert: &str) -> bool {
        self.alerts.keys().any(|labels| labels.contains(&format!("\"{alert}\"")))
    }
}

fn now() -> Timestamp {
    Clock::system().now()
}

/// All samples of a span, by series and time.
fn samples(address: &str, span: &str) -> Result<BTreeMap<(String, String), String>, String> {
    let expr = format!("{{__name__=~\"soak_.%2B|up|ALERTS.*\"}}[{span}]");
    let data = api(address, &format!("/api/v1/query?query={}", expr.replace('"', "%22")))?;
    let mut all = BTreeMap::new();
    for series in data["result"].as_array().ok_or("no matrix")? {
        let labels = series["metric"].to_string();
        for value in series["values"].as_array().ok_or("no values")? {
            let at = value[0].to_string();
            all.insert((labels.clone(), at), value[1].as_str().ok_or("no text")?.to_owned());
        }
    }
    Ok(all)
}

fn alerts(address: &str) -> Result<BTreeMap<String, String>, String> {
    let data = api(address, "/api/v1/alerts")?;
    let text = |alert: &Value| (alert["labels"].to_string(), alert["activeAt"].to_string());
    Ok(data["alerts"].as_array().ok_or("no alerts")?.iter().map(text).collect())
}

impl Soak {
    fn begin() -> Self {
        let shown = Shown::default();
        let target = Target::start(Arc::clone(&shown.held));
        let receiver = Receiver::start();
        let config = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: [rules/*.yml]
scrape_configs:
  - job_name: soak
    static_configs: [{{targets: ['{}']}}]
",
            target.address
        );
        Self {
            folder: folder(&config, RULES),
            target,
            receiver,
            chance: Chance::new(),
            shown: Arc::new(Mutex::new(shown)),
            began: now(),
            ready_ms: Vec::new(),
            resume_ms: Vec::new(),
            early_kills: 0,
        }
    }

    fn start(&self) -> (Process, Timestamp) {
        let mut command = evaluator();
        command
            .current_dir(self.folder.path())
            .args(["serve", "--web.listen-address=127.0.0.1:0", "--notify.webhook"])
            .arg(format!("http://{}/hook", self.receiver.address));
        let started = now();
        (Process::start(&mut command), started)
    }

    /// One life of the process, ended by SIGKILL.
    fn run(&mut self, run: u64, most: Duration) {
        let (mut process, started) = self.start();
        // Some are killed while they start.
        if run > 0 && self.chance.below(5) == 0 {
            pause(Duration::from_millis(self.chance.below(120)));
            process.kill();
            self.early_kills += 1;
            return;
        }
        let address = self.wait_ready(&mut process, started);
        let stop = Arc::new(AtomicBool::new(false));
        let watcher = {
            let (stop, shown, address) = (Arc::clone(&stop), Arc::clone(&self.shown), address);
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    // It may be killed meanwhile: half an answer shows nothing.
                    if let (Ok(samples), Ok(alerts)) = (samples(&address, "10s"), alerts(&address)) {
                        shown.lock().unwrap_or_else(PoisonError::into_inner).take(samples, alerts);
                    }
                    pause(Duration::from_millis(20));
                }
            })
        };
        let longest = u64::try_from(most.as_millis()).expect("a short time");
        pause(Duration::from_millis(200 + self.chance.below(longest.max(1))));
        process.kill();
        stop.store(true, Ordering::Relaxed);
        watcher.join().expect("it looks only");
        self.note_resume(started);
        let contradictions = &self.shown.lock().unwrap_or_else(PoisonError::into_inner).contradictions;
        assert!(contradictions.is_empty(), "run {run}: {contradictions:#?}\n{}", process.said());
    }

    fn wait_ready(&mut self, process: &mut Process, started: Timestamp) -> String {
        let url = process.wait_for("msg=ready url=");
        let said = process.said();
        let line = said.lines().find(|line| line.contains("msg=ready")).expect("it was found");
        let at = line.trim_start_matches("ts=").split(' ').next().unwrap_or_default();
        let at: Timestamp = at.parse().unwrap_or_else(|error| panic!("{error}: {line}"));
        self.ready_ms.push((at - started).as_millis());
        url.trim_start_matches("http://").to_owned()
    }

    /// How long after its start a process wrote its first sample, if it was shown one.
    fn note_resume(&mut self, started: Timestamp) {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let millis = |text: &str| Timestamp::from_secs_f64(text.parse().unwrap_or(f64::NAN));
        let ups = shown.samples.keys().filter(|(series, _)| series.contains("\"up\""));
        let first = ups.map(|(_, at)| millis(at)).filter(|at| *at >= started).min();
        self.resume_ms.extend(first.map(|at| (at - started).as_millis()));
    }

    fn end(mut self) {
        let (mut process, started) = self.start();
        let address = self.wait_ready(&mut process, started);
        eventually("a first sample and every alert", || {
            let found = samples(&address, "10s")?;
            let is_first = found.keys().any(|(series, at)| {
                series.contains("\"up\"") && at.parse::<f64>().unwrap_or_default() >= started.as_secs_f64()
            });
            let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
            shown.take(found, alerts(&address)?);
            let missing: Vec<_> = ["Waiting", "Lasting", "Held", "Episode"]
                .into_iter()
                .filter(|name| !shown.has(name))
                .collect();
            expect(is_first && missing.is_empty(), format!("no sample, or not {missing:?}"))
        });
        self.note_resume(started);
        // One before the first, which may fall into the millisecond of the beginning.
        let span = format!("{}s", (now() - self.began).as_millis() / 1000 + 5);
        let whole = eventually("an answer about all of it", || samples(&address, &span));
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(shown.contradictions.is_empty(), "{:#?}", shown.contradictions);
        let lost: Vec<_> =
            shown.samples.iter().filter(|(key, value)| whole.get(*key) != Some(value)).collect();
        assert!(lost.is_empty(), "{} of {} samples: {lost:?}", lost.len(), shown.samples.len());
        self.target.check(&whole);
        let episodes: Vec<String> =
            shown.alerts.keys().filter_map(|labels| episode(&labels.parse().ok()?)).collect();
        self.receiver.takes_all.store(true, Ordering::Relaxed);
        self.receiver.check(&episodes, self.target.ended());
        let worst = self.resume_ms.iter().max().copied().unwrap_or_default();
        self.tell(shown.samples.len(), shown.alerts.len(), worst);
        assert!(worst <= RESUMES_WITHIN_MS, "first samples after {:?} ms", self.resume_ms);
    }

    #[expect(clippy::print_stderr, reason = "figures for whoever asked for a soak")]
    fn tell(&self, samples: usize, alerts: usize, worst: i64) {
        let mean = |all: &[i64]| all.iter().sum::<i64>() / i64::try_from(all.len().max(1)).unwrap_or(1);
        let ready = self.ready_ms.iter().max().copied().unwrap_or_default();
        eprintln!(
            "{} starts, {} killed while starting; {samples} samples and {alerts} alerts shown, none lost or moved; \
             ready after {} ms (at most {ready}), first sample after {} ms (at most {worst}); \
             {} notifications, {} refused",
            self.ready_ms.len(),
            self.early_kills,
            mean(&self.ready_ms),
            mean(&self.resume_ms),
            self.receiver.taken.lock().unwrap_or_else(PoisonError::into_inner).len(),
            self.receiver.refused.load(Ordering::Relaxed),
        );
    }
}

fn episode(labels: &Value) -> Option<String> {
    (labels["alertname"] == "Episode").then(|| labels["n"].as_str().unwrap_or_default().to_owned())
}

/// Serves counters whose values follow from the number of the answer.
struct Target {
    address: String,
    answers: Arc<AtomicU64>,
}

/// A value that has all 52 bits of its fraction, and rises.
fn counted(counter: u64, answer: u64) -> f64 {
    let (counter, answer) = (counter as f64, answer as f64);
    answer * (1.0 + counter / 7.0) + (answer / 3.0).fract()
}

impl Target {
    fn start(held: Arc<AtomicBool>) -> Self {
        let answers = Arc::new(AtomicU64::new(0));
        let shared = Arc::clone(&answers);
        let address = listen(move |_body| {
            let answer = shared.fetch_add(1, Ordering::Relaxed);
            (200, Self::body(answer, held.load(Ordering::Relaxed)))
        });
        Self { address, answers }
    }

    fn body(answer: u64, held: bool) -> String {
        let mut body = format!("soak_answer {answer}\nsoak_on 1\nsoak_beginning {}\n", u8::from(!held));
        for counter in 0..COUNTERS {
            body.push_str(&format!("soak_total{{n=\"{counter}\"}} {}\n", counted(counter, answer)));
        }
        let present = answer / EPISODE;
        body.push_str(&format!("soak_episode{{n=\"{present}\"}} 1\n"));
        if let Some(before) = present.checked_sub(1) {
            body.push_str(&format!("soak_episode{{n=\"{before}\"}} 0\n"));
        }
        body
    }

    /// Every scrape that is there is there as a whole, to the bit.
    fn check(&self, whole: &BTreeMap<(String, String), String>) {
        let by_name = |name: &str| {
            let name = format!("\"__name__\":\"{name}\"");
            whole.iter().filter(move |((series, _), _)| series.contains(&name))
        };
        let answers: BTreeMap<&str, u64> = by_name("soak_answer")
            .map(|((_, at), value)| (at.as_str(), value.parse().expect("a whole number")))
            .collect();
        let mut counters = 0;
        for ((series, at), value) in by_name("soak_total") {
            let labels: Value = series.parse().expect("labels");
            let counter: u64 = labels["n"].as_str().unwrap_or_default().parse().expect("a number");
            let given: f64 = value.parse().expect("a value");
            // Births: what a counter was before it was seen first.
            let Some(answer) = answers.get(at.as_str()) else {
                assert!(given == 0.0, "{series} at {at} is {value}, and no scrape was then");
                continue;
            };
            counters += 1;
            assert_eq!(given.to_bits(), counted(counter, *answer).to_bits(), "{series} at {at}");
        }
        assert_eq!(counters, answers.len() * 20, "a scrape is there in part");
        assert!(answers.len() as u64 <= self.answers.load(Ordering::Relaxed));
    }

    /// Episodes before this one are over.
    fn ended(&self) -> u64 {
        (self.answers.load(Ordering::Relaxed) / EPISODE).saturating_sub(1)
    }
}

/// Takes notifications, if not at once.
struct Receiver {
    address: String,
    taken: Arc<Mutex<Vec<Value>>>,
    refused: Arc<AtomicU64>,
    takes_all: Arc<AtomicBool>,
}

impl Receiver {
    fn start() -> Self {
        let (taken, refused) = (Arc::<Mutex<Vec<Value>>>::default(), Arc::new(AtomicU64::new(0)));
        let takes_all = Arc::new(AtomicBool::new(false));
        let shared = (Arc::clone(&taken), Arc::clone(&refused), Arc::clone(&takes_all));
        let chance = Mutex::new(Chance::new());
        let address = listen(move |body| {
            let (taken, refused, takes_all) = &shared;
            let below = chance.lock().unwrap_or_else(PoisonError::into_inner).below(3);
            if below == 0 && !takes_all.load(Ordering::Relaxed) {
                refused.fetch_add(1, Ordering::Relaxed);
                return (503, String::new());
            }
            let message: Value = serde_json::from_str(body).expect("a message is JSON");
            let alerts = message["alerts"].as_array().expect("alerts is a list").iter().cloned();
            taken.lock().unwrap_or_else(PoisonError::into_inner).extend(alerts);
            (200, String::new())
        });
        Self { address, taken, refused, takes_all }
    }

    /// Each episode that was shown was told of, once it is over also that it is, and always with one beginning.
    fn check(&self, episodes: &[String], ended: u64) {
        let taken = || self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone();
        eventually("all notifications", || {
            let taken = taken();
            let is_told = |n: &str, status: &str| {
                taken.iter().any(|a| a["status"] == status && episode(&a["labels"]).as_deref() == Some(n))
            };
            let untold: Vec<_> = episodes
                .iter()
                .flat_map(|n| [(n, "firing"), (n, "resolved")])
                .filter(|(n, status)| *status == "firing" || n.parse::<u64>().is_ok_and(|n| n < ended))
                .filter(|(n, status)| !is_told(n, status))
                .collect();
            expect(untold.is_empty(), format!("{untold:?} of {episodes:?}"))
        });
        let mut starts: BTreeMap<String, String> = BTreeMap::new();
        for alert in taken() {
            let start = alert["startsAt"].to_string();
            let before = starts.insert(alert["labels"].to_string(), start.clone());
            assert!(before.is_none_or(|before| before == start), "another beginning: {alert}");
        }
    }
}

/// A small server: the body in, status and body out.
fn listen(answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || respond(stream, &*answer));
        }
    });
    address
}

/// Answers requests on one connection until the other side is gone.
fn respond(mut stream: TcpStream, answer: &dyn Fn(&str) -> (u16, String)) -> Option<()> {
    loop {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).ok()?;
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).ok()?;
        let (status, text) = answer(&String::from_utf8_lossy(&body));
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\r\n",
            text.len()
        );
        stream.write_all(format!("{head}{text}").as_bytes()).ok()?;
    }
}

/// Splitmix64 from a seed of the standard library's.
struct Chance(u64);

impl Chance {
    fn new() -> Self {
        use std::hash::{BuildHasher as _, Hasher as _};
        Self(std::hash::RandomState::new().build_hasher().finish())
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }
}
