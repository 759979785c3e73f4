//! What the story needs: servers on free ports, files in a temporary folder, one clock.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use assurance_disk::Disk;
use assurance_metrics_model::Timestamp;
use assurance_runtime::Clock;
use assurance_runtime::http::Client;
use assurance_runtime::server::{Server, WebConfig};
use assurance_runtime::setup::{self, Settings};
use assurance_simulator::{World, WorldConfig};
use assurance_tsdb::Store;
use axum::Router;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::exporter::Sealer;
use crate::args::{Demo, Part};
use crate::wire::{self, Door, Evaluator, Frame};

/// 2026-03-14T23:30:00Z: half an hour before a day ends.
const START: Timestamp = Timestamp::from_secs(1_773_531_000);

/// Any free port of this machine.
const ANY_PORT: &str = "127.0.0.1:0";

/// The rule file of the alert that the story is about.
const RULE_FILE: &str = "overrides.yml";

pub(super) struct Stage {
    pub(super) clock: Clock,
    pub(super) world: Arc<Mutex<World>>,
    pub(super) client: Client,
    pub(super) backend_url: String,
    pub(super) receiver_url: String,
    pub(super) evaluator: Evaluator,
    pub(super) evidence: PathBuf,
    pub(super) disk: Arc<Disk>,
    /// What an auditor knows of the log; nothing where nobody exports.
    pub(super) policy: Option<String>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    /// Removed with everything in it when the stage is struck.
    _folder: TempDir,
}

impl Stage {
    pub(super) async fn build(args: &Demo) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("assurance-demo-").tempdir().map_err(text)?;
        let clock = Clock::scaled(START, args.speed);
        let (stop, stopped) = watch::channel(false);
        let mut tasks = Vec::new();

        let world = Arc::new(Mutex::new(World::new(WorldConfig::default(), clock.now())));
        let backend = assurance_brain_http::router(Arc::clone(&world), move || clock.now());
        let backend_url = serve(backend, &stopped, &mut tasks).await?;

        // Without a receiver its address stays, and nobody is there.
        let absent = args.without == Some(Part::Receiver);
        let receiver_url = if absent {
            let taken = Server::bind(ANY_PORT, &WebConfig::default()).await.map_err(text)?;
            taken.url()
        } else {
            serve(super::receiver::router(), &stopped, &mut tasks).await?
        };

        let config_file = write_config(folder.path(), &backend_url, args.without)?;
        let mut settings = Settings::new(config_file);
        settings.external_url.clear();
        settings.webhooks = vec![format!("{receiver_url}/page")];
        let loaded = setup::load(&settings).map_err(text)?;
        let door = Door {
            address: &args.listen_address,
            web: &WebConfig::default(),
            web_file: None,
            allow_remote: false,
            remote_write_receiver: false,
            cors_origin: None,
        };
        let entrance = wire::listen(&mut settings, door, Arc::default()).await.map_err(text)?;
        let frame = Frame {
            clock,
            store: Arc::new(Store::new(assurance_tsdb::Config::default())),
            keeper: None,
            lifecycle: false,
            admin: None,
            flags: BTreeMap::new(),
        };
        let evaluator = wire::start(loaded, settings, entrance, frame);

        let evidence = folder.path().join("evidence");
        let disk = Arc::new(Disk::create(&evidence).map_err(text)?);
        let mut policy = None;
        if args.without != Some(Part::Exporter) {
            let sealer = Sealer::begin(Arc::clone(&disk), clock.now())?;
            policy = Some(sealer.policy());
            let (disk, backend) = (Arc::clone(&disk), backend_url.clone());
            tasks.push(tokio::spawn(super::exporter::run(disk, sealer, backend, clock, stopped.clone())));
        }
        let client = Client::plain().map_err(text)?;
        Ok(Self {
            clock,
            world,
            client,
            backend_url,
            receiver_url,
            evaluator,
            evidence,
            disk,
            policy,
            stop,
            tasks,
            _folder: folder,
        })
    }

    /// Stops everything and removes the files.
    pub(super) async fn strike(self) {
        self.evaluator.stop().await;
        // Nobody listens only where every task has ended already.
        let _ended = self.stop.send(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task ended in a fault");
            }
        }
    }
}

async fn serve(
    router: Router,
    stopped: &watch::Receiver<bool>,
    tasks: &mut Vec<JoinHandle<()>>,
) -> Result<String, String> {
    let server = Server::bind(ANY_PORT, &WebConfig::default()).await.map_err(text)?;
    let url = server.url();
    tasks.push(tokio::spawn(server.serve(router, stopped.clone())));
    Ok(url)
}

/// Writes the governance pack and a configuration that uses it, as a user would.
fn write_config(folder: &Path, backend_url: &str, without: Option<Part>) -> Result<PathBuf, String> {
    let rules = folder.join("rules");
    fs_err::create_dir(&rules).map_err(text)?;
    for (name, content) in assurance_policy::rule_files() {
        let name = name.rsplit('/').next().unwrap_or(name);
        // Nobody serves the exporter's metrics here, and an alert would say so.
        if name == "evidence.yml" || (without == Some(Part::Rule) && name == RULE_FILE) {
            continue;
        }
        fs_err::write(rules.join(name), content).map_err(text)?;
    }
    let backend = backend_url.trim_start_matches("http://");
    let config = format!(
        "global:
  scrape_interval: 30s
  evaluation_interval: 30s
  external_labels: {{cluster: brain, environment: demonstration}}
rule_files: [rules/*.yml]
scrape_configs:
  - job_name: brain-governance
    # As long as the interval: at sixty times the speed of life it is half a second.
    scrape_timeout: 30s
    metrics_path: /api/sovereign-mode/metrics
    static_configs:
      - targets: ['{backend}']
        labels: {{component: sovereign-mode, layer: governance, module: g4-monitoring}}
"
    );
    let path = folder.join("prometheus.yml");
    fs_err::write(&path, config).map_err(text)?;
    Ok(path)
}

#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
fn text(error: impl ToString) -> String {
    error.to_string()
}
