//! The metrics of the job `brain-evidence`: of the evidence, and of what its events tell.

use std::path::PathBuf;

use assurance_disk::{Disk, WallClock};
use assurance_evidence::cosign::{Followed, followed};
use assurance_evidence::tally::{self, Counts, SIGNALS, Tally, TallyError};
use assurance_exposition::{Family, Format, encode};
use assurance_metrics_model::Timestamp;
use assurance_storage::Storage;
use assurance_tlog::policy::Policy;

use crate::args::{Look, Metrics};
use crate::log;
use crate::talk::{Exit, say};

/// Brings what is counted of sealed days up to date, after a round. The caller holds the archive's lock.
///
/// What cannot be counted is no reason to stop collecting; a disk that fails is.
pub(crate) fn keep(storage: &dyn Storage) -> Result<(), Exit> {
    match tally::keep(storage) {
        Ok(()) => Ok(()),
        Err(TallyError::Storage(error)) => Err(log::failed(&error.into())),
        Err(error) => {
            say(format_args!("metrics are not up to date: {error}"));
            Ok(())
        }
    }
}

/// What the metrics are taken from, and what was counted so far.
pub(crate) struct Meter {
    disk: Disk,
    policy: Option<Policy>,
    tally: Tally,
}

impl Meter {
    pub(crate) fn new(look: &Look) -> Result<Self, Exit> {
        log::required(&look.directory)?;
        let policy = look.policy.as_deref().map(log::policy).transpose()?;
        let disk = Disk::open(look.directory.path()).map_err(|error| log::failed(&error.into()))?;
        let tally = Tally::load(&disk).map_err(|error| log::failed(&error.into()))?;
        Ok(Self { disk, policy, tally })
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.disk
    }

    /// The page of metrics, of what is on the disk now.
    pub(crate) fn page(&mut self, format: Format) -> Result<String, String> {
        self.tally.update(&self.disk).map_err(|error| error.to_string())?;
        let followed = match &self.policy {
            None => None,
            Some(policy) => match followed(&self.disk, policy) {
                Ok(Ok(followed)) => Some(followed),
                Ok(Err(finding)) => return Err(finding.to_string()),
                Err(error) => return Err(error.to_string()),
            },
        };
        Ok(encode(&families(&self.tally, followed, WallClock.now()), format))
    }
}

/// Writes the page once, whole or not at all.
pub(crate) fn write(args: &Metrics) -> Exit {
    let page = Meter::new(&args.look).and_then(|mut meter| {
        meter.page(Format::Text).map_err(|error| {
            say(format_args!("error: {error}"));
            Exit::Integrity
        })
    });
    let page = match page {
        Ok(page) => page,
        Err(exit) => return exit,
    };
    // Whoever collects the directory reads names that end in .prom only.
    let mut beside = args.textfile.clone().into_os_string();
    beside.push(".tmp");
    let beside = PathBuf::from(beside);
    match fs_err::write(&beside, page).and_then(|()| fs_err::rename(&beside, &args.textfile)) {
        Ok(()) => Exit::Done,
        Err(error) => {
            say(format_args!("error: {error}"));
            Exit::Storage
        }
    }
}

fn families(tally: &Tally, followed: Option<Followed>, now: Timestamp) -> Vec<Family> {
    let counts = tally.counts();
    let secs = |at: Option<Timestamp>| at.map_or(0.0, Timestamp::as_secs_f64);
    let gauge = |name: &str, help: &str, value: f64| {
        Family::gauge(format!("governance_evidence_{name}"), help).with_sample(&[], value)
    };
    let seconds = |name: &str, help: &str, value: f64| gauge(name, help, value).with_unit("seconds");
    let counter = |name: &str, help: &str, value: u64| {
        Family::counter(format!("governance_evidence_{name}_total"), help).with_sample(&[], value as f64)
    };
    let age = tally.collected().map_or(0.0, |collected| (now - collected).as_secs_f64());
    let mut families = vec![
        seconds(
            "last_collect_timestamp_seconds",
            "When audit events were last collected without an error; the archive's beginning before that.",
            secs(tally.collected()),
        ),
        seconds("age_seconds", "How long ago audit events were last collected without an error.", age),
        seconds(
            "last_publish_timestamp_seconds",
            "When a day's evidence was last published and sealed; the archive's beginning before that.",
            secs(tally.last_sealed()),
        ),
        seconds(
            "newest_event_timestamp_seconds",
            "The latest timestamp of an audit event in the archive; 0 without events.",
            Timestamp::from_millis(counts.newest).as_secs_f64(),
        ),
        counter("events", "Audit events in the archive, purged ones included.", counts.events),
        counter(
            "gaps",
            "Times the exporter could not tell what happened between two collections.",
            counts.gaps,
        ),
        gauge("sealed_days", "Days that were sealed, purged ones included.", tally.sealed_days() as f64),
        gauge("purged_days", "Days that were given up by the retention.", tally.purged_days() as f64),
        gauge(
            "incomplete_days",
            "Days of which it is recorded that events may be missing, open ones included.",
            tally.incomplete_days() as f64,
        ),
        gauge(
            "open_days",
            "Days with something in them that is not published yet.",
            tally.open_days() as f64,
        ),
        gauge("log_size", "Leaves of the log.", tally.leaves() as f64),
    ];
    if let Some(followed) = followed {
        families.push(gauge(
            "unwitnessed_checkpoints",
            "Checkpoints since the newest one that enough of the policy's witnesses signed.",
            followed.behind as f64,
        ));
        families.push(seconds(
            "last_witnessed_timestamp_seconds",
            "When enough of the policy's witnesses had last signed a checkpoint; 0 before that.",
            secs(followed.at),
        ));
    }
    families.extend(governance(&counts));
    families
}

/// What the events tell, with every value of every label.
fn governance(counts: &Counts) -> impl Iterator<Item = Family> + '_ {
    SIGNALS.iter().flat_map(|signal| {
        let name = signal.name;
        let mut total =
            Family::counter(format!("governance_{name}_total"), format!("{}, by the archive.", signal.what));
        let help = format!("{}: when last, by the event's own clock; 0 means never.", signal.what);
        let mut last =
            Family::gauge(format!("governance_{name}_last_timestamp_seconds"), help).with_unit("seconds");
        let values: Vec<Option<&str>> = match signal.label {
            None => vec![None],
            Some((_, values)) => values.iter().copied().map(Some).collect(),
        };
        for value in values {
            let moment = counts.signal(name, value);
            let labels = signal.label.zip(value).map(|((label, _), value)| (label, value));
            let labels = labels.as_slice();
            total.push("", labels, moment.count as f64);
            last.push("", labels, Timestamp::from_millis(moment.last).as_secs_f64());
        }
        [total, last]
    })
}
