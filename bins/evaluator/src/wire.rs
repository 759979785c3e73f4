//! Puts the parts together: store, pipeline, driver, router and server. The only place that knows them all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use assurance_exposition::Family;
use assurance_metrics_model::{Matcher, Timestamp};
use assurance_pipeline::Pipeline;
use assurance_runtime::driver::Driver;
use assurance_runtime::server::{Server, ServerError, WebConfig, WebReloader};
use assurance_runtime::setup::{self, Settings, Setup};
use assurance_runtime::{Clock, Keeper};
use assurance_tsdb::{Progress, Store};
use assurance_web as web;
use axum::Router;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// An evaluator that scrapes, evaluates, notifies and answers.
pub(crate) struct Evaluator {
    /// Where it answers.
    pub(crate) url: String,
    reloader: Arc<Reloader>,
    web_reloader: WebReloader,
    quit: watch::Receiver<bool>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    keeper: Option<Keeper>,
}

/// Where an evaluator is reached, and by whom.
pub(crate) struct Door<'a> {
    pub(crate) address: &'a str,
    pub(crate) web: &'a WebConfig,
    /// Where `web` was read from: it is followed while the server runs.
    pub(crate) web_file: Option<&'a Path>,
    pub(crate) allow_remote: bool,
    pub(crate) remote_write_receiver: bool,
    pub(crate) cors_origin: Option<Matcher>,
}

/// A server that answers while the samples of earlier runs are read.
pub(crate) struct Entrance {
    pub(crate) url: String,
    web: web::Settings,
    routers: watch::Sender<Router>,
    web_reloader: WebReloader,
    progress: Arc<Progress>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

/// What differs between a service and a demonstration.
pub(crate) struct Frame {
    pub(crate) clock: Clock,
    pub(crate) store: Arc<Store>,
    /// `None` for a store in memory.
    pub(crate) keeper: Option<Keeper>,
    pub(crate) lifecycle: bool,
    /// The directory of the samples, where it may be copied on request.
    pub(crate) admin: Option<PathBuf>,
    /// What `status/flags` shows.
    pub(crate) flags: BTreeMap<String, String>,
}

/// Listens, and tells how far `progress` is. An external URL that is not given is the one listened on.
pub(crate) async fn listen(
    settings: &mut Settings,
    door: Door<'_>,
    progress: Arc<Progress>,
) -> Result<Entrance, ServerError> {
    let server = Server::bind(door.address, door.web).await?;
    if let Some(file) = door.web_file {
        server.watch(file);
    }
    let url = server.url();
    if settings.external_url.is_empty() {
        settings.external_url.clone_from(&url);
    }
    let mut web = web::Settings::default();
    web.external_url.clone_from(&settings.external_url);
    web.allowed_hosts.extend(host_of(&settings.external_url));
    web.check_hosts = !door.allow_remote;
    web.remote_write_receiver = door.remote_write_receiver;
    web.features.clone_from(&settings.features);
    web.cors_origin = door.cors_origin;
    let (routers, newest) = watch::channel(web::starting(web.clone(), Arc::clone(&progress)));
    let (stop, stopped) = watch::channel(false);
    let web_reloader = server.web_reloader();
    let serving = tokio::spawn(server.serve_changing(newest, stopped));
    Ok(Entrance { url, web, routers, web_reloader, progress, stop, serving })
}

/// Starts an evaluator behind an entrance.
pub(crate) fn start(mut setup: Setup, settings: Settings, entrance: Entrance, frame: Frame) -> Evaluator {
    let Entrance { url, web: web_settings, routers, web_reloader, progress, stop, serving } = entrance;
    setup.pipeline.rules.external_url.clone_from(&settings.external_url);
    let clock = frame.clock;
    let store = frame.store;
    let mut pipeline = Pipeline::new(setup.pipeline, Arc::clone(&store), clock.now());
    if let Some(keeper) = &frame.keeper {
        crate::storage::restore_alerts(keeper, &mut pipeline, clock.now());
    }
    let pipeline = Arc::new(Mutex::new(pipeline));
    let keeper = frame.keeper;
    let driver =
        Driver::new(Arc::clone(&pipeline), clock, setup.senders, &settings.external_url, keeper.clone());
    let reloader = Arc::new(Reloader::new(driver.clone(), settings.clone(), clock));

    let reload: Option<web::Reload> = frame.lifecycle.then(|| {
        let reloader = Arc::clone(&reloader);
        let reload: web::Reload = Arc::new(move || {
            let reloader = Arc::clone(&reloader);
            Box::pin(async move { reloader.reload() })
        });
        reload
    });
    let own = {
        let (reloader, started, keeper) = (Arc::clone(&reloader), clock.now(), keeper.clone());
        move || {
            let mut families = own_metrics(&reloader, started);
            families.extend(keeper.iter().flat_map(Keeper::metrics));
            families
        }
    };
    let mut state = web::State::with_settings(pipeline, store, Arc::new(move || clock.now()), web_settings);
    state.options = settings.options;
    state.reload = reload;
    state.self_metrics = Arc::new(own);
    state.flags = Arc::new(frame.flags);
    state.config = {
        let reloader = Arc::clone(&reloader);
        Arc::new(move || reloader.text.lock().unwrap_or_else(PoisonError::into_inner).clone())
    };
    state.process = {
        let reloader = Arc::clone(&reloader);
        Arc::new(move || crate::about::process(reloader.succeeded(), reloader.last()))
    };
    state.wake = {
        let driver = driver.clone();
        Arc::new(move || driver.wake())
    };
    let (quitting, quit) = watch::channel(false);
    state.quit = frame.lifecycle.then(|| {
        let quit: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
            quitting.send_replace(true);
        });
        quit
    });
    state.snapshot = frame.admin.map(|directory| {
        let snapshot: web::TakeSnapshot = Arc::new(move |with_log| {
            let (directory, now) = (directory.clone(), clock.now());
            let work = move || crate::tsdb::take_named(&directory, with_log, now);
            let task = tokio::task::spawn_blocking(work);
            Box::pin(async move { task.await.unwrap_or_else(|error| Err(error.to_string())) })
        });
        snapshot
    });
    state.replay = progress;
    // Whoever serves has not ended: it is told to by `stop` alone.
    let _starting = routers.send_replace(web::router(state));
    let stopped = stop.subscribe();
    let driving = tokio::spawn(async move { driver.run(stopped).await });
    Evaluator { url, reloader, web_reloader, quit, stop, tasks: vec![driving, serving], keeper }
}

impl Evaluator {
    /// Reads the configuration anew.
    pub(crate) fn reload(&self) -> Result<(), String> {
        self.web_reloader.reload();
        self.reloader.reload()
    }

    /// Waits for a `POST /-/quit`.
    pub(crate) async fn quit_asked(&mut self) {
        if self.quit.wait_for(|quit| *quit).await.is_err() {
            // Nobody can ask.
            std::future::pending::<()>().await;
        }
    }

    /// Finishes what is under way, and stops.
    pub(crate) async fn stop(self) {
        // Nobody listens any more only if the tasks have ended already.
        let _ended = self.stop.send(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task ended in a fault");
            }
        }
        if let Some(keeper) = &self.keeper {
            keeper.finish().await;
        }
    }
}

/// Reloads, and remembers how it went, for metrics.
struct Reloader {
    driver: Driver,
    settings: Settings,
    clock: Clock,
    succeeded: AtomicBool,
    last: Mutex<Timestamp>,
    /// The configuration in force.
    text: Mutex<String>,
}

impl Reloader {
    fn new(driver: Driver, settings: Settings, clock: Clock) -> Self {
        let last = Mutex::new(clock.now());
        let text = Mutex::new(text(&settings));
        Self { driver, settings, clock, succeeded: AtomicBool::new(true), last, text }
    }

    fn succeeded(&self) -> bool {
        self.succeeded.load(Ordering::Relaxed)
    }

    fn last(&self) -> Timestamp {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reload(&self) -> Result<(), String> {
        let text = text(&self.settings);
        let result = self.driver.reload(&self.settings);
        self.succeeded.store(result.is_ok(), Ordering::Relaxed);
        match result {
            Ok(warnings) => {
                *self.last.lock().unwrap_or_else(PoisonError::into_inner) = self.clock.now();
                *self.text.lock().unwrap_or_else(PoisonError::into_inner) = text;
                for warning in warnings {
                    tracing::warn!("{warning}");
                }
                tracing::info!(file = %self.settings.config_file.display(), "configuration reloaded");
                Ok(())
            }
            Err(error) => {
                tracing::error!("the new configuration is not used, the old one stays in force:\n{error}");
                Err(format!("the new configuration is not used, the old one stays in force:\n{error}"))
            }
        }
    }
}

/// The configuration file, to be shown; whether it can be read is found out by who loads it.
fn text(settings: &Settings) -> String {
    setup::read_source(&settings.config_file).map(|source| source.text().to_owned()).unwrap_or_default()
}

fn own_metrics(reloader: &Reloader, started: Timestamp) -> Vec<Family> {
    let (last, succeeded) = (reloader.last(), reloader.succeeded());
    vec![
        Family::gauge("assurance_build_info", "Always 1; the labels say which version runs.")
            .with_sample(&[("version", env!("CARGO_PKG_VERSION"))], 1.0),
        Family::gauge("process_start_time_seconds", "When this process began.")
            .with_sample(&[], started.as_secs_f64()),
        Family::gauge("prometheus_config_last_reload_successful", "Whether the last reload succeeded.")
            .with_sample(&[], f64::from(u8::from(succeeded))),
        Family::gauge(
            "prometheus_config_last_reload_success_timestamp_seconds",
            "When the configuration in force was read.",
        )
        .with_sample(&[], last.as_secs_f64()),
    ]
}

/// The host of a URL, without its port.
pub(crate) fn host_of(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = match authority.strip_prefix('[') {
        Some(six) => format!("[{}]", six.split(']').next()?),
        None => authority.split(':').next()?.to_owned(),
    };
    (!host.is_empty()).then_some(host)
}

/// Says what went wrong, and how the process ends.
#[expect(clippy::print_stderr, reason = "talk goes to stderr")]
pub(crate) fn fail(code: u8, message: &str) -> ExitCode {
    let message = message.trim_end();
    if message.starts_with("error:") {
        eprintln!("{message}");
    } else {
        eprintln!("error: {message}");
    }
    ExitCode::from(code)
}
