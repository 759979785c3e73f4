//! The commands of the log: creating it, sealing, keys, holds and retention.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use assurance_disk::{Disk, WallClock};
use assurance_evidence::manifest::{ClockState, Leaf, LegalHold, Release, Retention, Succession};
use assurance_evidence::seal::{
    Beginning, Log, Plan, SealError, SealErrorKind, Sealed, Sealing, holds_of, is_initialised, plan, seal_due,
};
use assurance_evidence::{Day, LOCK_FILE, STATE_DIRECTORY, audit, seal};
use assurance_storage::{LockGuard, Overlay, Storage};
use assurance_tlog::Checkpoint;
use assurance_tlog::note::{SignedNote, SigningKey};
use assurance_tlog::policy::Policy;

use crate::args::{Directory, Format, HoldAdd, HoldRelease, Init, Key, Prune, Rotate, Sign, Status};
use crate::cosign::Asker;
use crate::key;
use crate::talk::{Exit, print, say};
use crate::wire::LOCK_RETRY;

/// How long another process that writes there is waited for: a collection's round takes no longer than its timeouts.
const LOCK_WAIT: Duration = Duration::from_secs(15);

/// The name of a log that was given none.
const ORIGIN: &str = "assurance/evidence";

pub(crate) fn failed(error: &SealError) -> Exit {
    say(format_args!("error: {error}"));
    Exit::from(error)
}

pub(crate) fn refused(message: &dyn std::fmt::Display) -> Exit {
    say(format_args!("error: {message}"));
    Exit::Usage
}

/// Nothing is collected into a directory without a log: whoever lost the state would begin anew unnoticed.
pub(crate) fn required(directory: &Directory) -> Result<(), Exit> {
    let path = directory.path();
    let found = Disk::open(&path).and_then(|disk| Ok((is_initialised(&disk)?, disk)));
    match found {
        Ok((true, _)) => Ok(()),
        Ok((false, disk)) => match Log::open(Arc::new(disk)) {
            // There was one, and what is known of it is gone.
            Err(error) if error.is_integrity() => Err(failed(&error)),
            _ => {
                let path = path.display();
                Err(refused(&format_args!(
                    "{path} has no log; create it once, with `assurance-exporter init --dir {path}`"
                )))
            }
        },
        Err(error) if error.is_not_found() => Err(refused(&format_args!(
            "{error}; create it once, with `assurance-exporter init --dir {}`",
            path.display()
        ))),
        Err(error) => Err(failed(&error.into())),
    }
}

pub(crate) async fn init(args: &Init) -> Exit {
    match begin(args).await {
        Ok(log) => {
            print(log.key());
            say(format_args!(
                "the log {} begins; give auditors its key above by another way than this directory",
                log.origin()
            ));
            Exit::Done
        }
        Err(exit) => exit,
    }
}

async fn begin(args: &Init) -> Result<Log, Exit> {
    let disk: Arc<dyn Storage> =
        Arc::new(Disk::create(args.directory.path()).map_err(|error| failed(&error.into()))?);
    let _lock = lock(&*disk).await?;
    match Log::open(disk.clone()) {
        Err(error) if matches!(error.kind, SealErrorKind::NotInitialised) => {}
        Err(error) => return Err(failed(&error)),
        // What was interrupted, if anything was, is finished by now.
        Ok(log) => {
            let (origin, size) = (log.origin(), log.size());
            return Err(refused(&format_args!("there is a log already, {origin} with {size} leaves")));
        }
    }
    let key = match args.key.named() {
        Some(file) => key::read(file)?,
        None => own_key(args)?,
    };
    let origin = args.origin.clone().unwrap_or_else(|| key.verifier_key().name().to_owned());
    if origin != key.verifier_key().name() {
        let name = key.verifier_key().name();
        return Err(refused(&format_args!(
            "the key is for {name:?}, not for {origin:?}; make one with `keygen`"
        )));
    }
    let now = WallClock.now();
    let first_day = seal::first_day_of(&*disk, now).map_err(|error| failed(&error))?;
    let succeeds = args.succeeds.as_deref().map(|file| succession(args, file)).transpose()?;
    let beginning = Beginning { origin, at: now, first_day, succeeds };
    Log::init(disk, &beginning, &key).map_err(|error| failed(&error))
}

/// A key in the directory itself, for a first try: whoever can write evidence could then sign it, too.
fn own_key(args: &Init) -> Result<SigningKey, Exit> {
    let file = args.key.path(&args.directory);
    if file.exists() {
        return key::read(&file);
    }
    let state = args.directory.path().join(STATE_DIRECTORY);
    fs_err::create_dir_all(&state).map_err(|error| {
        say(format_args!("error: {error}"));
        Exit::Storage
    })?;
    let file = state.join("log.key");
    let key = key::create(&file, args.origin.as_deref().unwrap_or(ORIGIN))?;
    say(format_args!(
        "made a key in {}; move it to where only the sealing service reads it, and name it with --key",
        file.display()
    ));
    Ok(key)
}

fn succession(args: &Init, file: &Path) -> Result<Succession, Exit> {
    let checkpoint = fs_err::read_to_string(file).map_err(|error| refused(&error))?;
    let note = SignedNote::parse(&checkpoint)
        .map_err(|error| refused(&format_args!("{}: {error}", file.display())))?;
    let old =
        Checkpoint::of_note(&note).map_err(|error| refused(&format_args!("{}: {error}", file.display())))?;
    let reason = args.reason.clone().unwrap_or_default();
    Ok(Succession { origin: old.origin().to_owned(), checkpoint, reason })
}

/// Everything that signing needs, read before anything is done.
pub(crate) struct Sealer {
    key: SigningKey,
    asker: Option<Asker>,
    retention: Retention,
}

impl Sealer {
    pub(crate) fn new(sign: &Sign, directory: &Directory) -> Result<Self, Exit> {
        let key = key::read(&sign.key.path(directory))?;
        let asker = sign.policy.as_deref().map(|policy| Asker::new(policy, &sign.ask)).transpose()?;
        Ok(Self { key, asker, retention: sign.retention() })
    }

    /// Seals what is published. The caller has the archive's lock.
    pub(crate) fn seal(&self, storage: &Arc<dyn Storage>) -> Result<Vec<Sealed>, SealError> {
        let mut log = Log::open(storage.clone())?;
        let sealing = Sealing {
            now: WallClock.now(),
            retention: self.retention,
            clock: clock(),
            software: concat!("assurance-exporter ", env!("CARGO_PKG_VERSION")).to_owned(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        };
        seal_due(&**storage, &mut log, &sealing, &self.key)
    }

    /// Asks the policy's witnesses, where there is a policy. The caller has let go of the archive's lock: a witness
    /// may take its time, and collecting must not wait for it.
    pub(crate) async fn witnessed(&self, storage: &Arc<dyn Storage>, dry_run: bool) -> Exit {
        match &self.asker {
            None => Exit::Done,
            Some(asker) if dry_run => asker.look(&**storage),
            Some(asker) => asker.ask(storage).await,
        }
    }
}

/// What the machine knows of its clock: where systemd keeps it, that it does.
fn clock() -> ClockState {
    let synchronised = Path::new("/run/systemd/timesync/synchronized").exists().then_some(true);
    ClockState { synchronised, error_ms: None }
}

pub(crate) fn policy(file: &Path) -> Result<Policy, Exit> {
    let text = fs_err::read_to_string(file).map_err(|error| refused(&error))?;
    text.parse().map_err(|error| refused(&format_args!("{}: {error}", file.display())))
}

pub(crate) async fn rotate(args: &Rotate) -> Exit {
    change(&args.directory, &args.key, |log, key| {
        let new: SigningKey = key::read(&args.new_key)?;
        log.rotate(WallClock.now(), key, &new, &args.reason).map_err(|error| failed(&error))?;
        print(log.key());
        Ok(())
    })
    .await
}

pub(crate) async fn hold(args: HoldAdd) -> Exit {
    let HoldAdd { directory, key, id, from, to, reason, by } = args;
    change(&directory, &key, |log, key| {
        let hold = LegalHold { v: 0, index: 0, at: WallClock.now(), id, from, to, reason, by };
        log.hold(hold, key).map_err(|error| failed(&error))
    })
    .await
}

pub(crate) async fn release(args: HoldRelease) -> Exit {
    let HoldRelease { directory, key, id, reason, by } = args;
    change(&directory, &key, |log, key| {
        let release = Release { v: 0, index: 0, at: WallClock.now(), id, reason, by };
        log.release(release, key).map_err(|error| failed(&error))
    })
    .await
}

/// Read without the lock, and by whoever may read.
pub(crate) fn holds(args: &Status) -> Exit {
    let read = required(&args.directory)
        .and_then(|()| Disk::open(args.directory.path()).map_err(|error| failed(&error.into())))
        .and_then(|disk| leaves(&disk));
    let leaves = match read {
        Ok(leaves) => leaves,
        Err(exit) => return exit,
    };
    for (id, hold) in holds_of(&leaves) {
        match args.output {
            Format::Json => print(&serde_json::json!(hold).to_string()),
            Format::Text => {
                let to = hold.to.map_or_else(|| "on".to_owned(), |to| format!("to {to}"));
                print(&format!("{id}  from {} {to}, by {}: {}", hold.from, hold.by, hold.reason));
            }
        }
    }
    Exit::Done
}

fn leaves(storage: &dyn Storage) -> Result<Vec<Leaf>, Exit> {
    let broken = |message: &dyn std::fmt::Display| {
        say(format_args!("error: {message}"));
        Exit::Integrity
    };
    let entries =
        audit::leaves(storage).map_err(|error| failed(&error.into()))?.map_err(|finding| broken(&finding))?;
    entries.iter().map(|entry| Leaf::decode(entry).map_err(|error| broken(&error))).collect()
}

pub(crate) async fn prune(args: &Prune) -> Exit {
    let asker = args.sign.policy.as_deref().map(|policy| Asker::new(policy, &args.sign.ask)).transpose();
    let asker = match asker {
        Ok(asker) => asker,
        Err(exit) => return exit,
    };
    let (storage, log, lock) = match opened(&args.directory, args.dry_run).await {
        Ok(opened) => opened,
        Err(exit) => return exit,
    };
    if let Err(exit) = pruned(args, &storage, log) {
        return exit;
    }
    drop(lock);
    match &asker {
        None => Exit::Done,
        Some(asker) if args.dry_run => asker.look(&*storage),
        Some(asker) => asker.ask(&storage).await,
    }
}

fn pruned(args: &Prune, storage: &Arc<dyn Storage>, mut log: Log) -> Result<(), Exit> {
    let (retention, now) = (args.sign.retention(), WallClock.now());
    let planned = plan(&**storage, &log, retention, now).map_err(|error| failed(&error))?;
    let frozen = append_only(&args.directory, &planned.files)?;
    if args.dry_run {
        show(&planned, args.output);
        if let Some(message) = frozen {
            say(format_args!("it would be refused: {message}"));
        }
        say("dry run: nothing is changed");
        return Ok(());
    }
    if let Some(message) = frozen {
        return Err(refused(&message));
    }
    let key = match planned.purge.as_slice() {
        [] => None,
        _ => Some(key::read(&args.sign.key.path(&args.directory))?),
    };
    show(&planned, args.output);
    // What goes can be counted no more.
    crate::metrics::keep(&**storage)?;
    seal::prune(&**storage, &mut log, &planned, retention, now, key.as_ref()).map_err(|error| failed(&error))
}

/// What to do where files are to go from a directory that keeps them: found out before a leaf says that they go.
fn append_only(directory: &Directory, files: &[String]) -> Result<Option<String>, Exit> {
    let root = directory.path();
    let disk = Disk::open(&root).map_err(|error| failed(&error.into()))?;
    let directories: BTreeSet<&str> =
        files.iter().filter_map(|file| file.rsplit_once('/')).map(|(parent, _)| parent).collect();
    for parent in directories {
        if disk.is_append_only(parent).map_err(|error| failed(&error.into()))? {
            let path = root.join(parent);
            let path = path.display();
            return Ok(Some(format!(
                "{path} is append-only, so nothing can be removed there; run `chattr -a {path}`, prune, and then \
                 `chattr +a {path}`"
            )));
        }
    }
    Ok(None)
}

fn show(plan: &Plan, format: Format) {
    match format {
        Format::Json => print(&serde_json::json!(plan).to_string()),
        Format::Text => {
            plan.files.iter().for_each(|file| print(file));
            let days = |days: &[Day]| match days {
                [] => "none".to_owned(),
                [day] => day.to_string(),
                [first, .., last] => format!("{} from {first} to {last}", days.len()),
            };
            say(format_args!("plain files go of: {}", days(&plan.cold)));
            say(format_args!("given up: {}; held: {}", days(&plan.purge), days(&plan.held)));
        }
    }
}

/// Opens the log under the archive's lock, changes it, and lets go.
async fn change(
    directory: &Directory,
    key: &Key,
    work: impl FnOnce(&mut Log, &SigningKey) -> Result<(), Exit>,
) -> Exit {
    let (_, mut log, _lock) = match opened(directory, false).await {
        Ok(opened) => opened,
        Err(exit) => return exit,
    };
    let changed = key::read(&key.path(directory)).and_then(|key| work(&mut log, &key));
    changed.err().unwrap_or(Exit::Done)
}

type Opened = (Arc<dyn Storage>, Log, Box<dyn LockGuard>);

async fn opened(directory: &Directory, dry_run: bool) -> Result<Opened, Exit> {
    required(directory)?;
    let disk = Disk::open(directory.path()).map_err(|error| failed(&error.into()))?;
    let lock = lock(&disk).await?;
    let storage: Arc<dyn Storage> = if dry_run { Arc::new(Overlay::new(disk)) } else { Arc::new(disk) };
    let log = Log::open(storage.clone()).map_err(|error| failed(&error))?;
    Ok((storage, log, lock))
}

/// Takes the lock, and waits for another process that has it.
pub(crate) async fn lock(storage: &dyn Storage) -> Result<Box<dyn LockGuard>, Exit> {
    let mut left = LOCK_WAIT;
    loop {
        let error = match storage.lock(LOCK_FILE) {
            Ok(lock) => return Ok(lock),
            Err(error) => SealError::from(error),
        };
        if !error.is_locked() || left.is_zero() {
            return Err(failed(&error));
        }
        let pause = left.min(LOCK_RETRY);
        tokio::time::sleep(pause).await;
        left -= pause;
    }
}

/// What `status` tells of the log.
pub(crate) struct Look {
    origin: String,
    size: u64,
    last_sealed: Option<Day>,
    witnesses: usize,
}

/// Reads the log without its lock; nothing where there is none.
pub(crate) fn look(storage: &dyn Storage) -> Result<Option<Look>, Exit> {
    if !is_initialised(storage).map_err(|error| failed(&error.into()))? {
        return Ok(None);
    }
    let leaves = leaves(storage)?;
    let note = audit::witnessed_checkpoint(storage).map_err(|error| failed(&error.into()))?;
    let checkpoint = Checkpoint::of_note(&note).map_err(|error| {
        say(format_args!("error: {error}"));
        Exit::Integrity
    })?;
    let last_sealed = leaves.iter().filter_map(|leaf| match leaf {
        Leaf::Day(leaf) => Some(leaf.day),
        _ => None,
    });
    let (origin, size) = (checkpoint.origin().to_owned(), checkpoint.size());
    let witnesses = note.signatures().iter().filter(|signature| signature.name() != origin).count();
    Ok(Some(Look { last_sealed: last_sealed.max(), origin, size, witnesses }))
}

impl Look {
    pub(crate) fn text(&self) -> String {
        let sealed = self.last_sealed.map_or_else(|| "nothing yet".to_owned(), |day| format!("to {day}"));
        let witnesses = match self.witnesses {
            0 => "not witnessed".to_owned(),
            1 => "1 witness".to_owned(),
            many => format!("{many} witnesses"),
        };
        format!("sealed      {sealed}\nlog         {}, {} leaves, {witnesses}", self.origin, self.size)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "origin": self.origin, "size": self.size, "last_sealed": self.last_sealed, "witnesses": self.witnesses
        })
    }
}
