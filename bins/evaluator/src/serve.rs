//! `serve`: runs until it is told to stop.

use std::net::{IpAddr, ToSocketAddrs as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use assurance_runtime::Clock;
use assurance_runtime::server::{ServerError, WebConfig};
use assurance_runtime::setup::{self, Settings};
use assurance_runtime::signals::{Asked, Signals};
use assurance_tsdb::Progress;

use crate::about;
use crate::args::Serve;
use crate::exit;
use crate::storage;
use crate::wire::{self, Door, Frame, fail};

pub(crate) async fn run(args: Serve) -> ExitCode {
    crate::logs::init(&args.logs);
    let web = match web_config(args.web_config.as_deref()) {
        Ok(web) => web,
        Err(message) => return fail(exit::CONFIGURATION, &message),
    };
    if let Err(message) = check_address(&args, &web) {
        return fail(exit::CONFIGURATION, &message);
    }
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => return fail(exit::IO, &format!("cannot listen for signals: {error}")),
    };
    let mut settings = settings(&args);
    let loaded = match setup::load(&settings) {
        Ok(loaded) => loaded,
        Err(error) => return fail(exit::CONFIGURATION, &error.to_string()),
    };
    args.intake.tell();
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let clock = Clock::system();
    let mut config = args.storage.config(&loaded);
    if let Some(window) = args.intake.out_of_order_window.or(loaded.out_of_order_window) {
        config.out_of_order_window = window;
    }
    let door = Door {
        address: &args.listen_address,
        web: &web,
        web_file: args.web_config.as_deref(),
        allow_remote: args.allow_remote,
        remote_write_receiver: args.intake.receives(),
        cors_origin: Some(args.cors_origin),
    };
    let progress = Arc::new(Progress::default());
    let entrance = match wire::listen(&mut settings, door, Arc::clone(&progress)).await {
        Ok(entrance) => entrance,
        Err(error) => return fail(exit_code(&error), &error.to_string()),
    };
    tracing::info!(url = %entrance.url, "listening; queries are answered once the samples of earlier runs are back");
    let sync_interval = args.storage.sync_interval;
    let opening = storage::open(&args.storage_path, config, sync_interval, &progress);
    let (store, keeper) = tokio::select! {
        opened = opening => match opened {
            Ok(opened) => opened,
            Err(message) => return fail(exit::IO, &message),
        },
        () = stop_asked(&mut signals) => {
            progress.give_up();
            tracing::info!("stopping before the samples of earlier runs are back");
            return ExitCode::SUCCESS;
        }
    };
    let frame = Frame {
        clock,
        store,
        keeper: Some(keeper),
        lifecycle: args.lifecycle,
        admin: args.admin_api.then(|| args.storage_path.clone()),
        flags: about::flags(),
    };
    let rules = loaded.rule_files.len();
    let mut evaluator = wire::start(loaded, settings, entrance, frame);
    tracing::info!(url = %evaluator.url, rule_files = rules, "ready");
    loop {
        let asked = tokio::select! {
            asked = signals.next() => asked,
            () = evaluator.quit_asked() => Asked::Stop,
        };
        match asked {
            Asked::Stop => break,
            Asked::Reload => {
                // The reason is in the log; the old configuration stays.
                let _logged = evaluator.reload();
            }
        }
    }
    tracing::info!("stopping");
    evaluator.stop().await;
    ExitCode::SUCCESS
}

/// Waits for a request to stop; the configuration that another reload would read is being read already.
async fn stop_asked(signals: &mut Signals) {
    while signals.next().await != Asked::Stop {}
}

fn exit_code(error: &ServerError) -> u8 {
    match error {
        ServerError::Tls { .. } => exit::CONFIGURATION,
        _ => exit::IO,
    }
}

fn settings(args: &Serve) -> Settings {
    let mut settings = Settings::new(&args.config_file);
    // Where none is given it is the address listened on, which is known once the port is.
    settings.external_url = args.external_url.clone().unwrap_or_default();
    settings.options.lookback = args.lookback;
    settings.counter_birth = args.counter_birth.into();
    settings.webhooks.clone_from(&args.webhooks);
    settings.notify_config.clone_from(&args.notify_config);
    settings.notify_escalation.clone_from(&args.notify_escalation);
    settings.features = args.intake.features();
    settings
}

/// Reads the web configuration, or gives one that asks for nothing.
pub(crate) fn web_config(path: Option<&Path>) -> Result<WebConfig, String> {
    path.map_or_else(|| Ok(WebConfig::default()), WebConfig::load)
}

/// Anyone who reaches the port can read everything, so that an unprotected port stays on this machine.
fn check_address(args: &Serve, web: &WebConfig) -> Result<(), String> {
    let address = args.listen_address.as_str();
    let resolved: Vec<IpAddr> = match address.to_socket_addrs() {
        Ok(all) => all.map(|a| a.ip()).collect(),
        Err(error) => {
            return Err(format!(
                "--web.listen-address {address:?} is no address: {error}; write host:port, such as 127.0.0.1:9090"
            ));
        }
    };
    let guarded = !web.users.is_empty() || web.tls.is_some();
    if guarded || args.allow_remote || resolved.iter().all(IpAddr::is_loopback) {
        return Ok(());
    }
    Err(format!(
        "--web.listen-address {address} can be reached from other machines, and nothing protects it\n  \
         = help: give TLS or users with --web.config.file, listen on 127.0.0.1, or say --web.insecure-allow-remote"
    ))
}
