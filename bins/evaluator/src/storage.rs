//! The files of `serve`: opened, and what was found in them told in plain words.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration as StdDuration;

use assurance_disk::Disk;
use assurance_metrics_model::{Duration, Timestamp};
use assurance_pipeline::Pipeline;
use assurance_runtime::setup::Setup;
use assurance_runtime::{Alerts, Keeper};
use assurance_storage::Storage;
use assurance_tsdb::{Config, OpenErrorKind, Progress, Recovery, Store};
use clap::Args;

/// Days kept open for reading: as many as a retention of 90 days has, and some more.
const MAX_OPEN_FILES: usize = 128;

/// Flags about what is kept, and for how long.
#[derive(Clone, Debug, Args)]
pub(crate) struct Flags {
    /// How long samples are kept; 90d where neither this nor the configuration file says otherwise.
    #[arg(long = "storage.tsdb.retention.time", value_name = "DURATION")]
    retention_time: Option<Duration>,
    /// How much space samples may take, such as 512MB; the oldest days go first. 0 stands for all there is.
    #[arg(long = "storage.tsdb.retention.size", value_name = "SIZE", value_parser = size)]
    retention_size: Option<u64>,
    /// How much of the newest samples a power cut may take; a process that is killed loses none.
    #[arg(
        long = "storage.tsdb.wal-sync-interval",
        value_name = "DURATION",
        default_value = "1s",
        value_parser = interval
    )]
    pub(crate) sync_interval: StdDuration,
    /// How many series may be in memory at once; samples of further ones are refused, and counted.
    #[arg(long = "storage.tsdb.max-series", value_name = "NUMBER", default_value_t = Config::default().max_series)]
    max_series: usize,
}

impl Flags {
    /// The limits that these flags and the configuration file set.
    pub(crate) fn config(&self, loaded: &Setup) -> Config {
        let mut config = Config::default();
        // As in Prometheus, 0 says nothing.
        let given = self.retention_time.filter(|time| !time.is_zero());
        if let Some(retention) = given.or(loaded.retention) {
            config.retention = retention;
        }
        config.max_series = self.max_series;
        config.max_bytes = self.retention_size.or(loaded.retention_size).filter(|bytes| *bytes > 0);
        config
    }
}

fn size(text: &str) -> Result<u64, String> {
    let help = || "write a number with the unit B, KB, MB, GB, TB, PB or EB, such as 512MB".to_owned();
    assurance_config::parse_size(text).ok_or_else(help)
}

fn interval(text: &str) -> Result<StdDuration, String> {
    let interval: Duration = text.parse().map_err(|error| format!("{error}"))?;
    if interval < Duration::from_millis(10) || interval > Duration::from_minutes(60) {
        return Err("write a duration from 10ms to 1h".to_owned());
    }
    Ok(interval.to_std())
}

/// Opens the store below `path` on a thread that may wait for a disk, and tells what became of what was there.
///
/// # Errors
/// Why it cannot be used, and what to do.
pub(crate) async fn open(
    path: &Path,
    config: Config,
    sync_interval: StdDuration,
    progress: &Arc<Progress>,
) -> Result<(Arc<Store>, Keeper), String> {
    let (path, progress) = (path.to_owned(), Arc::clone(progress));
    let opening = tokio::task::spawn_blocking(move || open_now(&path, config, sync_interval, &progress));
    opening.await.map_err(|error| format!("opening the store ended in a fault: {error}"))?
}

fn open_now(
    path: &Path,
    config: Config,
    sync_interval: StdDuration,
    progress: &Progress,
) -> Result<(Arc<Store>, Keeper), String> {
    let place = path.display();
    let unusable = |error: &dyn std::fmt::Display| {
        format!(
            "--storage.tsdb.path {place} cannot be used: {error}\n  \
             = help: give a directory that this user may write to"
        )
    };
    let disk = Disk::create(path).map_err(|error| unusable(&error))?.with_open_files(MAX_OPEN_FILES);
    let storage: Arc<dyn Storage> = Arc::new(disk);
    let opened = Store::open_observed(config, Arc::clone(&storage), progress);
    let (store, recovery) = opened.map_err(|error| match error.kind {
        OpenErrorKind::Locked { .. } => format!(
            "{error}\n  = help: stop the other process, or give this one another --storage.tsdb.path than {place}"
        ),
        OpenErrorKind::Foreign | OpenErrorKind::Version { .. } => format!("{error}\n  = note: in {place}"),
        _ => unusable(&error),
    })?;
    tell(path, &recovery);
    let store = Arc::new(store);
    let keeper = Keeper::new(storage, Arc::clone(&store), sync_interval);
    Ok((store, keeper))
}

fn tell(path: &Path, recovery: &Recovery) {
    for torn in &recovery.torn {
        tracing::warn!(
            file = %torn.file,
            offset = torn.offset,
            bytes = torn.bytes,
            "storage: the end of a log file was not written completely and is cut off"
        );
    }
    for part in &recovery.quarantined {
        let copy = part.copy.as_deref().unwrap_or("nowhere: copying failed");
        tracing::error!(
            file = %part.file,
            offset = part.offset,
            bytes = part.bytes,
            reason = part.reason,
            copy,
            "storage: a part of a log file is damaged and passed over; its samples are lost"
        );
    }
    for (segment, reason) in &recovery.damaged {
        tracing::error!(segment, %reason, "storage: a finished day is damaged and left out of answers");
    }
    if *recovery == Recovery::default() {
        tracing::info!(path = %path.display(), "a new store");
        return;
    }
    tracing::info!(
        path = %path.display(),
        days = recovery.segments,
        day_samples = recovery.segment_samples,
        log_files = recovery.log_files,
        log_bytes = recovery.log_bytes,
        log_samples = recovery.samples,
        series = recovery.series,
        clean = recovery.is_clean(),
        "samples of earlier runs are back"
    );
}

/// Puts back the alerts of earlier runs, and has those of this one kept.
pub(crate) fn restore_alerts(keeper: &Keeper, pipeline: &mut Pipeline, now: Timestamp) {
    let state = match keeper.alerts() {
        Alerts::None => assurance_pipeline::AlertsState::default(),
        Alerts::Read(state) => state,
        Alerts::Lost { reason, copy, .. } => {
            let copy = copy.as_deref().unwrap_or("nowhere: copying failed");
            tracing::error!(
                reason,
                copy,
                "storage: the alerts of earlier runs cannot be read; pending alerts wait anew, firing ones are sent again"
            );
            assurance_pipeline::AlertsState::default()
        }
        _ => assurance_pipeline::AlertsState::default(),
    };
    let restored = pipeline.keep_state(now, state);
    for (_, group, rule, labels) in &restored.rules.changed {
        tracing::warn!(group, rule, alert = %labels, "the rule has another expression or for: its alert starts anew");
    }
    for (_, group, rule, labels) in &restored.rules.lost {
        tracing::warn!(group, rule, alert = %labels, "the rule is gone, and its alert with it");
    }
    for (receiver, alerts) in &restored.undelivered.alerts {
        let alerts = alerts.len();
        tracing::warn!(receiver, alerts, "the receiver is gone, and what was to be sent to it");
    }
    for (receiver, notifications) in &restored.undelivered.notifications {
        let notifications = notifications.len();
        tracing::warn!(receiver, notifications, "the receiver is gone, and what was to be sent to it");
    }
    if let Some(dispatch) = restored.dispatch {
        let (groups, moved) = (dispatch.groups, dispatch.moved);
        tracing::info!(groups, moved, "groups, silences and acknowledgements of earlier runs are back");
    }
    if restored.rules.alerts > 0 || restored.notifications > 0 {
        tracing::info!(
            alerts = restored.rules.alerts,
            notifications = restored.notifications,
            "alerts of earlier runs are back; notifications that no receiver took are sent again"
        );
    }
}
