//! Real neighbours: what is right for us must be right for them.
//!
//! A neighbour that is not installed skips its test with a note, unless `ASSURANCE_REQUIRE_PEERS=1` says that
//! all of them must be there.

use std::io::Write as _;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assurance_metrics_model::Duration as Span;
use assurance_runtime::Clock;
use assurance_runtime::server::WebConfig;
use assurance_simulator::{OverrideRequest, World, WorldConfig};
use serde_json::Value;
use tokio::sync::watch;

use crate::net::{self, Server};
use crate::process::{Process, eventually, expect, run};
use crate::start::{ACTIVE, QUIET, RULES, configuration, folder, serve, write};

/// Whether a program is installed.
#[expect(clippy::disallowed_methods, reason = "where the tests run decides what must be there")]
pub(crate) fn installed(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    let found = found.expect("sh starts").status.success();
    let required = std::env::var("ASSURANCE_REQUIRE_PEERS").is_ok_and(|v| v == "1");
    assert!(found || !required, "{program} is not installed, and ASSURANCE_REQUIRE_PEERS=1 demands it");
    if !found {
        // Written past the harness, which hides what passing tests print.
        let note = writeln!(std::io::stderr(), "skipped: {program} is not installed");
        note.expect("standard error takes a line");
    }
    found
}

#[test]
fn promtool_queries_us_as_it_would_prometheus() {
    if !installed("promtool") {
        return;
    }
    let target = Server::start(ACTIVE);
    let folder = folder(&configuration(&target.address), RULES);
    let server = serve(folder.path(), &[]);
    eventually("a scrape", || net::value(&server.address, "sovereign_override_active"));
    let url = format!("http://{}", server.address);
    let promtool = |args: &[&str]| run(Command::new("promtool").args(args), folder.path(), "");

    let instant = promtool(&["query", "instant", &url, "sovereign_override_active"]);
    assert_eq!(instant.code, Some(0), "{instant:?}");
    assert!(
        instant.stdout.starts_with(&format!(
            "sovereign_override_active{{instance=\"{}\", job=\"brain-governance\"}} => 1 @[",
            target.address
        )),
        "{instant:?}"
    );
    let range = promtool(&["query", "range", "--step=1s", &url, "up"]);
    assert!(range.code == Some(0) && range.stdout.contains("1 @["), "{range:?}");
    let series = promtool(&["query", "series", "--match=up", &url]);
    assert!(series.code == Some(0) && series.stdout.contains("job=\"brain-governance\""), "{series:?}");
    let labels = promtool(&["query", "labels", &url, "job"]);
    assert_eq!((labels.code, labels.stdout.as_str()), (Some(0), "brain-governance\n"), "{labels:?}");
    let wrong = promtool(&["query", "instant", &url, "up{"]);
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    assert!(wrong.stderr.contains("bad_data"), "{wrong:?}");
}

#[test]
fn promtool_reads_our_own_metrics_without_complaint() {
    if !installed("promtool") {
        return;
    }
    let target = Server::start(ACTIVE);
    let folder = folder(&configuration(&target.address), RULES);
    let server = serve(folder.path(), &[]);
    eventually("a scrape", || net::value(&server.address, "up"));
    let metrics = net::get(&server.address, "/metrics").unwrap();
    let ours = run(crate::process::evaluator().args(["check", "metrics"]), folder.path(), &metrics.body);
    assert_eq!((ours.code, ours.stdout.as_str()), (Some(0), ""), "{ours:?}\n{}", metrics.body);
    let theirs = run(Command::new("promtool").args(["check", "metrics"]), folder.path(), &metrics.body);
    assert_eq!(theirs.code, Some(0), "{theirs:?}\n{}", metrics.body);
}

#[test]
fn an_alertmanager_takes_our_alerts_and_ends_them() {
    if !installed("prometheus-alertmanager") {
        return;
    }
    let target = Server::start(ACTIVE);
    let mut config = configuration(&target.address);
    let folder = folder("", RULES);
    write(folder.path().join("am.yml"), "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n");
    let mut command = Command::new("prometheus-alertmanager");
    command.current_dir(folder.path()).args([
        "--config.file=am.yml",
        "--storage.path=am",
        "--web.listen-address=127.0.0.1:0",
        "--cluster.listen-address=",
    ]);
    let mut alertmanager = Process::start(&mut command);
    let address = alertmanager.wait_for("msg=\"Listening on\" address=");
    config.push_str(&format!(
        "alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{address}']}}]}}]}}\n"
    ));
    write(folder.path().join("prometheus.yml"), &config);
    let server = serve(folder.path(), &["--web.external-url=http://assurance.example"]);

    let alerts = || -> Result<Vec<Value>, String> {
        let answer = net::get(&address, "/api/v2/alerts")?;
        serde_json::from_str(&answer.body).map_err(|error| format!("{error}: {}", answer.body))
    };
    let told = eventually("the alert in Alertmanager", || {
        let all = alerts()?;
        all.first().cloned().ok_or_else(|| server.process.said())
    });
    let labels = serde_json::json!({
        "alertname": "GovernanceOverrideActive",
        "cluster": "brain",
        "instance": target.address,
        "job": "brain-governance",
        "severity": "critical",
        "team": "<img src=x onerror=alert(1)>",
    });
    assert_eq!(told["labels"], labels);
    assert_eq!(told["annotations"]["summary"], "override on brain-governance, value 1");
    assert_eq!(told["status"]["state"], "active");
    // To the millisecond: the same instant must identify the same alert after a reload or a restart.
    let ours = net::api(&server.address, "/api/v1/alerts").unwrap();
    let ours = ours["alerts"].as_array().unwrap().iter().find(|a| a["state"] == "firing").cloned().unwrap();
    let millis = |at: &Value| at.as_str().expect("a time").trim_end_matches('Z').to_owned();
    let since = millis(&ours["activeAt"]);
    assert!(millis(&told["startsAt"]).starts_with(since.split('.').next().unwrap()), "{told}\n{ours}");

    target.answer(QUIET);
    eventually("no active alert in Alertmanager", || {
        let active = alerts()?;
        expect(active.is_empty(), format!("{active:?}\n{}", server.process.said()))
    });
}

/// The example of the design: the backend and the machine it runs on, in one configuration.
#[test]
fn node_exporter_is_scraped_side_by_side_with_the_simulated_backend() {
    if !installed("prometheus-node-exporter") {
        return;
    }
    let backend = Backend::start();
    let mut command = Command::new("prometheus-node-exporter");
    command.args(["--web.listen-address=127.0.0.1:0", "--collector.disable-defaults", "--collector.loadavg"]);
    command.args(["--collector.time", "--collector.uname", "--collector.meminfo"]);
    let mut exporter = Process::start(&mut command);
    let node = exporter.wait_for("msg=\"Listening on\" address=");
    let mut config = configuration(&backend.address);
    config.push_str(&format!("  - job_name: node\n    static_configs:\n      - targets: ['{node}']\n"));
    let folder = folder(&config, RULES);
    let server = serve(folder.path(), &[]);

    eventually("both jobs up", || {
        for job in ["node", "brain-governance"] {
            let up = net::value(&server.address, &format!("up{{job=\"{job}\"}}"))?;
            expect(up == "1", format!("{job} is {up}"))?;
        }
        Ok(())
    });
    let now: f64 = net::value(&server.address, "node_time_seconds").unwrap().parse().unwrap();
    let here = Clock::system().now().as_secs_f64();
    assert!((now - here).abs() < 60.0, "{now} is not about {here}");
    assert_eq!(net::value(&server.address, "sovereign_override_active"), Ok("0".to_owned()));
    // What was scraped for the first time was not born then.
    let build = net::value(&server.address, "count(node_exporter_build_info)");
    assert_eq!(build, Ok("1".to_owned()));

    backend.create_override();
    eventually("the override", || {
        let active = net::value(&server.address, "sovereign_override_active")?;
        expect(active == "1", active)
    });
    eventually("the alert", || {
        let alerts = net::api(&server.address, "/api/v1/alerts")?;
        let firing = alerts["alerts"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|a| a["labels"]["alertname"] == "GovernanceOverrideActive" && a["state"] == "firing");
        expect(firing, alerts.to_string())
    });
}

/// The backend, simulated, on a real socket.
struct Backend {
    address: String,
    world: Arc<Mutex<World>>,
    runtime: Option<tokio::runtime::Runtime>,
    stop: watch::Sender<bool>,
}

impl Backend {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("threads");
        let clock = Clock::system();
        let world = Arc::new(Mutex::new(World::new(WorldConfig::default(), clock.now())));
        let router = assurance_brain_http::router(Arc::clone(&world), move || clock.now());
        let server =
            runtime.block_on(assurance_runtime::server::Server::bind("127.0.0.1:0", &WebConfig::default()));
        let server = server.expect("a free port");
        let address = server.address().to_string();
        let (stop, stopped) = watch::channel(false);
        runtime.spawn(server.serve(router, stopped));
        Self { address, world, runtime: Some(runtime), stop }
    }

    fn create_override(&self) {
        let request =
            OverrideRequest::new("switching by hand while the bundle is examined", Span::from_minutes(30));
        let command = assurance_simulator::Command::CreateOverride(request);
        let mut world = self.world.lock().expect("no test panicked with it");
        let outcome = world.handle(Clock::system().now(), command);
        assert!(outcome.is_ok(), "{outcome:?}");
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        let _nobody_listens = self.stop.send(true);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}
