use std::sync::{Arc, Mutex};
use std::time::Duration;

use assurance_metrics_model::Timestamp;
use assurance_pipeline::Pipeline;
use assurance_runtime::Clock;
use assurance_runtime::driver::Driver;
use assurance_runtime::setup::{Settings, load};
use assurance_tsdb::Store;
use axum::Router;
use axum::routing::{get, post};
use tokio::sync::{mpsc, watch};

/// Long enough for a busy machine; what is waited for comes in a fraction of it.
const PATIENCE: Duration = Duration::from_secs(30);

struct Stage {
    folder: tempfile::TempDir,
    pipeline: Arc<Mutex<Pipeline>>,
    driver: Driver,
    settings: Settings,
    messages: mpsc::UnboundedReceiver<serde_json::Value>,
    _servers: [watch::Sender<bool>; 2],
}

/// A target, a receiver, and a pipeline between them on a clock that runs sixty times as fast as life.
async fn stage() -> Stage {
    let target = Router::new().route("/metrics", get(async || "# TYPE g gauge\ng 7\n"));
    let (target, stop_target) = crate::server::serving(target).await;
    let (sender, messages) = mpsc::unbounded_channel();
    let receiver = Router::new().route(
        "/page",
        post(async move |axum::Json(message): axum::Json<serde_json::Value>| {
            sender.send(message).expect("the test listens");
        }),
    );
    let (receiver, stop_receiver) = crate::server::serving(receiver).await;

    let folder = tempfile::tempdir().expect("a folder");
    let config = format!(
        "global: {{scrape_interval: 15s, evaluation_interval: 15s}}\nrule_files: [rules.yml]\nscrape_configs:\n- job_name: t\n  static_configs: [{{targets: ['{}']}}]\n",
        target.trim_start_matches("http://")
    );
    fs_err::write(folder.path().join("prometheus.yml"), config).expect("written");
    write_rule(&folder, "Seven", "g == 7");
    let mut settings = Settings::new(folder.path().join("prometheus.yml"));
    settings.webhooks = vec![format!("{receiver}/page")];
    let setup = load(&settings).map_err(|e| e.to_string()).expect("valid");
    let clock = Clock::scaled(Timestamp::from_secs(1_773_531_000), 60.0);
    let store = Arc::new(Store::new(assurance_tsdb::Config::default()));
    let pipeline = Arc::new(Mutex::new(Pipeline::new(setup.pipeline, store, clock.now())));
    let driver = Driver::new(Arc::clone(&pipeline), clock, setup.senders, "http://127.0.0.1:9090");
    Stage { folder, pipeline, driver, settings, messages, _servers: [stop_target, stop_receiver] }
}

fn write_rule(folder: &tempfile::TempDir, name: &str, expr: &str) {
    let text = format!("groups:\n- name: g\n  rules:\n  - {{alert: {name}, expr: '{expr}'}}\n");
    fs_err::write(folder.path().join("rules.yml"), text).expect("written");
}

async fn next_alert(
    messages: &mut mpsc::UnboundedReceiver<serde_json::Value>,
    name: &str,
) -> serde_json::Value {
    let wait = async {
        loop {
            let message = messages.recv().await.expect("the receiver stands");
            if message["alerts"][0]["labels"]["alertname"] == name {
                return message;
            }
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("a page in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_target_exposes_becomes_a_page_over_real_sockets() {
    let mut stage = stage().await;
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn({
        let driver = stage.driver.clone();
        async move { driver.run(stopped).await }
    });
    let message = next_alert(&mut stage.messages, "Seven").await;
    assert_eq!(message["status"], "firing");

    // A reload that fails changes nothing; one that succeeds puts the new rule in force.
    write_rule(&stage.folder, "Broken", "g ==");
    let error = stage.driver.reload(&stage.settings).expect_err("refused").to_string();
    assert!(error.contains("where an operand is wanted"), "{error}");
    assert_eq!(stage.pipeline.lock().expect("whole").rules().groups().count(), 1);
    write_rule(&stage.folder, "StillSeven", "g >= 7");
    stage.driver.reload(&stage.settings).map_err(|e| e.to_string()).expect("valid");
    let message = next_alert(&mut stage.messages, "StillSeven").await;
    assert_eq!(message["status"], "firing");

    stop.send(true).expect("the driver listens");
    tokio::time::timeout(PATIENCE, running).await.expect("stops").expect("no panic");
}
