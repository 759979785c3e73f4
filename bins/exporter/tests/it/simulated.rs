//! The whole way against the simulated BRAiN, over real HTTP.

use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use assurance_disk::{Disk, WallClock};
use assurance_evidence::audit::{self, Options};
use assurance_metrics_model::{Duration, Timestamp};
use assurance_runtime::server::{Server, WebConfig};
use assurance_simulator::{UntrustedReason, World, WorldConfig};

use crate::command::{Ran, day, days_ago, exporter, init, ran, read};

/// A simulated backend that lived yesterday.
struct Brain {
    url: String,
    world: Arc<Mutex<World>>,
    clock: Arc<Mutex<Timestamp>>,
    /// Ends with the test.
    _runtime: tokio::runtime::Runtime,
}

impl Brain {
    fn start() -> Self {
        let begin = days_ago(1, 3600);
        let clock = Arc::new(Mutex::new(begin));
        let world = Arc::new(Mutex::new(World::new(WorldConfig::default(), begin)));
        let told = Arc::clone(&clock);
        let router =
            assurance_brain_http::router(Arc::clone(&world), move || *told.lock().expect("not poisoned"));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let server =
            runtime.block_on(Server::bind("127.0.0.1:0", &WebConfig::default())).expect("a free port");
        let url = server.url();
        let (stop, stopped) = tokio::sync::watch::channel(false);
        runtime.spawn(async move {
            server.serve(router, stopped).await;
            drop(stop);
        });
        Self { url, world, clock, _runtime: runtime }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("not poisoned")
    }

    /// So many events, all of them in one millisecond.
    fn burst(&self, events: usize) {
        let now = {
            let mut clock = self.clock.lock().expect("not poisoned");
            *clock += Duration::from_secs(60);
            *clock
        };
        let mut world = self.world();
        let count = |world: &World| world.audit_file().len();
        let end = count(&world) + events;
        while count(&world) + 1 < end {
            // Two events: a violation, and a request that is blocked.
            world.axe_violation(now, IpAddr::from([203, 0, 113, 9])).expect("recorded");
        }
        if count(&world) < end {
            let reason = UntrustedReason::OriginDenied;
            world.untrusted_source(now, "bundle-7".to_owned(), reason).expect("recorded");
        }
        assert_eq!(count(&world), end);
    }

    fn restart(&self) {
        let now = *self.clock.lock().expect("not poisoned");
        self.world().restart(now).expect("restarted");
    }

    fn collect(&self, dir: &Path, flags: &[&str]) -> Ran {
        ran(exporter().args(["collect", "--once", "--backend", &self.url, "--dir"]).arg(dir).args(flags))
    }

    /// Everything that it ever wrote, in order.
    fn written(&self) -> String {
        self.world().audit_file().iter().map(|line| format!("{line}\n")).collect()
    }
}

fn seal(dir: &Path) -> Ran {
    ran(exporter().args(["seal", "--grace", "0", "--dir"]).arg(dir))
}

fn findings(dir: &Path) -> Vec<String> {
    let disk = Disk::open(dir).expect("opened");
    let mut options = Options::at(WallClock.now());
    let key = read(dir.join("log/vkey"));
    options.policy = Some(format!("log {key}quorum none\n").parse().expect("a policy"));
    let report = audit::verify(&disk, &options, &mut |_| {}).expect("readable");
    report.findings.iter().map(ToString::to_string).collect()
}

fn yesterday(dir: &Path) -> String {
    read(dir.join(format!("hot/audit-{}.jsonl", day(days_ago(1, 0)))))
}

#[test]
fn bursts_of_999_between_two_polls_lose_nothing_in_a_day_of_more_than_10_000_events() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path();
    init(dir);
    let brain = Brain::start();
    brain.burst(500);
    for _ in 0..11 {
        let collected = brain.collect(dir, &["--no-export"]);
        assert_eq!(collected.code, Some(0), "{}", collected.stderr);
        brain.burst(999);
    }
    let collected = brain.collect(dir, &["--no-export"]);
    assert_eq!(collected.code, Some(0), "{}", collected.stderr);
    assert!(collected.stderr.contains("999 new events"), "{}", collected.stderr);
    let sealed = seal(dir);
    assert_eq!(sealed.code, Some(0), "{}", sealed.stderr);
    let written = brain.written();
    assert!(written.lines().count() > 10_000);
    // Ids are not unique, and yet no event is lost or doubled.
    assert!(yesterday(dir) == written, "the day is not what was written");
    assert_eq!(findings(dir), [""; 0]);
}

#[test]
fn bursts_of_1_500_are_a_gap_with_its_time_and_neighbours_unless_the_export_shows_them() {
    let directory = tempfile::tempdir().unwrap();
    let (without, with) = (directory.path().join("without"), directory.path().join("with"));
    init(&without);
    init(&with);
    let brain = Brain::start();
    brain.burst(20);
    for dir in [&without, &with] {
        let collected = brain.collect(dir, &[]);
        assert_eq!(collected.code, Some(0), "{}", collected.stderr);
    }
    let before = brain.world().audit_file().last().expect("written").to_string();
    brain.burst(1500);
    let after = brain.world().audit_file()[20 + 500].to_string();
    let collected = brain.collect(&without, &["--no-export"]);
    assert_eq!(collected.code, Some(7), "{}", collected.stderr);
    let gap = collected.stderr.lines().find_map(|line| line.split("events may be missing: ").nth(1));
    let gap: serde_json::Value = serde_json::from_str(gap.expect("a gap")).unwrap();
    assert_eq!(gap["fact"], "gap");
    assert!(gap["since"].as_str().unwrap() < gap["at"].as_str().unwrap(), "{gap}");
    for (side, line) in [("before", &before), ("after", &after)] {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(gap[side]["id"], event["id"], "{side}: {gap}");
    }
    assert_eq!(seal(&without).code, Some(0));
    assert_eq!(yesterday(&without).lines().count(), 20 + 1000);

    let collected = brain.collect(&with, &[]);
    assert_eq!(collected.code, Some(0), "{}", collected.stderr);
    assert!(collected.stderr.contains("1500 new events"), "{}", collected.stderr);
    assert!(collected.stderr.contains(r#""fact":"exported""#), "{}", collected.stderr);
    // The export is an event, too.
    let collected = brain.collect(&with, &[]);
    assert_eq!(collected.code, Some(0), "{}", collected.stderr);
    assert!(collected.stderr.contains("1 new event"), "{}", collected.stderr);
    assert_eq!(seal(&with).code, Some(0));
    assert!(yesterday(&with) == brain.written(), "the day is not what was written");
}

#[test]
fn restarts_are_recorded_and_what_the_source_still_shows_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path();
    init(dir);
    let brain = Brain::start();
    brain.burst(30);
    assert_eq!(brain.collect(dir, &[]).code, Some(0));
    for _ in 0..3 {
        brain.restart();
        brain.burst(30);
        let collected = brain.collect(dir, &[]);
        assert_eq!(collected.code, Some(7), "{}", collected.stderr);
        assert!(collected.stderr.contains(r#""fact":"restart""#), "{}", collected.stderr);
        assert_eq!(brain.collect(dir, &[]).code, Some(0), "it is recorded once");
    }
    assert_eq!(seal(dir).code, Some(0));
    assert!(yesterday(dir) == brain.written(), "the day is not what was written");
}
