//! Puts the parts together: the machine, the disk, the clock, the network.

use std::sync::Arc;
use std::time::Duration;

use assurance_disk::{Disk, WallClock};
use assurance_evidence::seal::SealError;
use assurance_evidence::{Archive, ArchiveError, Config, Exporter, Output, Policy, Report, Source, Status};
use assurance_runtime::signals::{Asked, Signals};
use assurance_storage::{Overlay, Storage, StorageError};

use crate::args::{self, Collect, Directory, Format, Publish, Run, Seal};
use crate::fetch::Fetcher;
use crate::log::{self, Sealer};
use crate::talk::{self, Exit, print, say};

/// How often a lock that another process holds is tried again.
pub(crate) const LOCK_RETRY: Duration = Duration::from_millis(100);

/// One round, with publishing.
pub(crate) async fn run(args: Run) -> Exit {
    let ready = log::required(&args.collect.directory)
        .and_then(|()| Sealer::new(&args.sign, &args.collect.directory))
        .and_then(|sealer| Ok((sealer, parts(&args.collect)?)));
    match ready {
        Ok((sealer, (storage, fetcher))) => round(&args.collect, &storage, &fetcher, Some(&sealer)).await,
        Err(exit) => exit,
    }
}

/// Rounds without publishing, until a signal comes. A day's events are on the disk after each of them.
pub(crate) async fn collect(args: Collect) -> Exit {
    let (storage, fetcher) = match log::required(&args.directory).and_then(|()| parts(&args)) {
        Ok(parts) => parts,
        Err(exit) => return exit,
    };
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => {
            say(format_args!("error: signals cannot be received: {error}"));
            return Exit::Storage;
        }
    };
    let mut beat = tokio::time::interval(args.interval.to_std().max(LOCK_RETRY));
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut incomplete = false;
    loop {
        tokio::select! {
            _ = beat.tick() => {}
            asked = signals.next() => match asked {
                Asked::Stop => break,
                Asked::Reload => continue, // tokens are read anew in every round anyway
            },
        }
        // A round is never cut off by a signal: it ends by itself, at the latest with its timeouts.
        let exit = round(&args, &storage, &fetcher, None).await;
        incomplete |= exit == Exit::Incomplete;
        if args.once || !matches!(exit, Exit::Done | Exit::Incomplete | Exit::Source | Exit::Busy) {
            return exit;
        }
    }
    if incomplete { Exit::Incomplete } else { Exit::Done }
}

/// Publishes and seals without the network.
pub(crate) async fn seal(args: &Seal) -> Exit {
    let sealer = match log::required(&args.directory).and_then(|()| Sealer::new(&args.sign, &args.directory))
    {
        Ok(sealer) => sealer,
        Err(exit) => return exit,
    };
    let outcome = async {
        let storage = storage(&args.directory, &args.publish)?;
        let mut archive =
            unlocked(&args.publish, || Archive::open(storage.clone(), policy(&args.publish))).await?;
        let publication = archive.publish_due(WallClock.now())?;
        let sealed = sealer.seal(&storage)?;
        Ok::<_, SealError>((publication, sealed))
    };
    match outcome.await {
        Ok((publication, (sealed, witnessed))) => {
            talk::done(&publication.published, &sealed, &publication.facts, None, args.publish.output);
            if publication.facts.iter().any(assurance_evidence::Fact::is_incomplete) {
                Exit::Incomplete
            } else {
                witnessed
            }
        }
        Err(error) => log::failed(&error),
    }
}

/// Says where the collection stands.
pub(crate) fn status(args: &args::Status) -> Exit {
    let read = Disk::open(args.directory.path())
        .map_err(ArchiveError::from)
        .and_then(|disk| Ok((Status::read(&disk)?, disk)));
    let (status, disk) = match read {
        Ok(read) => read,
        Err(error) => return failed(&error),
    };
    // What is known of the collection is told even where the log is damaged.
    let (sealed, exit) = match log::look(&disk) {
        Ok(sealed) => (sealed, Exit::Done),
        Err(exit) => (None, exit),
    };
    match args.output {
        Format::Json => {
            let mut value = serde_json::json!(status);
            value["log"] = sealed.as_ref().map_or(serde_json::Value::Null, log::Look::json);
            print(&value.to_string());
        }
        Format::Text => {
            print(&text(&status));
            match &sealed {
                Some(sealed) => print(&sealed.text()),
                None if exit == Exit::Done => print("log         none; create it with `init`"),
                None => {}
            }
        }
    }
    exit
}

fn text(status: &Status) -> String {
    let Some(source) = &status.source else { return "nothing was collected yet".to_owned() };
    let mut lines = vec![format!("source      {source}")];
    if let Some(collected) = status.collected {
        lines.push(format!("collected   {collected}"));
    }
    lines.push(match (status.first_published, status.last_published) {
        (Some(first), Some(last)) => format!("published   {} days, {first} to {last}", status.published_days),
        _ => "published   nothing yet".to_owned(),
    });
    for open in &status.open {
        let missing = if open.incomplete { ", events may be missing" } else { "" };
        lines.push(format!("open        {}, {} events{missing}", open.day, open.events));
    }
    lines.join("\n")
}

fn parts(args: &Collect) -> Result<(Arc<dyn Storage>, Fetcher), Exit> {
    let storage = storage(&args.directory, &args.publish).map_err(|error| failed(&error))?;
    let fetcher = Fetcher::new(args).map_err(|message| {
        say(format_args!("error: {message}"));
        Exit::Usage
    })?;
    Ok((storage, fetcher))
}

/// One round: opened anew each time, so that between rounds the directory is free for others.
async fn round(
    args: &Collect,
    storage: &Arc<dyn Storage>,
    fetcher: &Fetcher,
    sealer: Option<&Sealer>,
) -> Exit {
    let outcome = async {
        let config = config(args, sealer.is_some());
        let mut exporter =
            unlocked(&args.publish, || Exporter::open(storage.clone(), config.clone(), WallClock.now()))
                .await?;
        let report = drive(&mut exporter, fetcher).await?;
        // The exporter still has the lock.
        let sealed = match sealer {
            Some(sealer) => sealer.seal(storage)?,
            None => (Vec::new(), Exit::Done),
        };
        Ok::<_, SealError>((report, sealed))
    };
    match outcome.await {
        Ok((Some(report), (sealed, witnessed))) => {
            match talk::report(&report, &sealed, args.publish.output) {
                Exit::Done => witnessed,
                other => other,
            }
        }
        Ok((None, (sealed, witnessed))) => {
            talk::done(&[], &sealed, &[], None, args.publish.output);
            witnessed
        }
        Err(error) => log::failed(&error),
    }
}

async fn drive(exporter: &mut Exporter, fetcher: &Fetcher) -> Result<Option<Report>, ArchiveError> {
    exporter.handle_timeout(exporter.poll_timeout().unwrap_or_else(|| WallClock.now()));
    let mut report = None;
    while let Some(output) = exporter.poll_output() {
        report = match output {
            Output::Get(get) => {
                let answer = fetcher.get(&get).await;
                exporter.handle_response(WallClock.now(), get.id, answer)?
            }
            Output::Read(read) => exporter.handle_piece(WallClock.now(), read.id, Fetcher::read(&read))?,
            _ => None,
        };
    }
    Ok(report)
}

fn config(args: &Collect, publishes: bool) -> Config {
    let mut config = match (&args.backend, &args.file) {
        (Some(backend), _) => Config::api(backend),
        (None, file) => Config::file(file.clone().unwrap_or_default().display().to_string()),
    };
    if let Source::Api { limit, .. } = &mut config.source {
        *limit = args.limit;
    }
    config.exports = !args.no_export;
    config.policy = policy(&args.publish);
    config.publishes = publishes;
    config
}

fn policy(args: &Publish) -> Policy {
    let mut policy = Policy::USUAL;
    policy.grace = args.grace;
    policy.patience = args.patience;
    policy
}

fn storage(directory: &Directory, publish: &Publish) -> Result<Arc<dyn Storage>, ArchiveError> {
    let disk = || -> Result<Disk, StorageError> {
        if publish.dry_run { Disk::open(directory.path()) } else { Disk::create(directory.path()) }
    };
    let disk = disk()?;
    if publish.dry_run {
        say("dry run: nothing is changed");
        return Ok(Arc::new(Overlay::new(disk)));
    }
    Ok(Arc::new(disk))
}

/// Opens, waiting for another process that holds the lock.
async fn unlocked<T>(
    publish: &Publish,
    open: impl Fn() -> Result<T, ArchiveError>,
) -> Result<T, ArchiveError> {
    let mut left = publish.wait.to_std();
    loop {
        match open() {
            Err(error) if error.is_locked() && !left.is_zero() => {
                let pause = left.min(LOCK_RETRY);
                tokio::time::sleep(pause).await;
                left -= pause;
            }
            other => return other,
        }
    }
}

fn failed(error: &ArchiveError) -> Exit {
    say(format_args!("error: {error}"));
    Exit::from(error)
}
