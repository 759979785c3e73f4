use std::collections::BTreeMap;
use std::sync::Arc;

use assurance_metrics_model::{Labels, Timestamp};

use crate::target::{Made, Resolved, make};
use crate::{FileSd, JobConfig, JobStatus, ScrapeFailure, TargetError, TargetGroup};

/// One job: its configuration, what its files list, and what became of it.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) name: Arc<str>,
    pub(crate) config: Arc<JobConfig>,
    pub(crate) files: Vec<FileList>,
    /// Targets by labels and URL.
    pub(crate) targets: BTreeMap<(Labels, String), u64>,
    pub(crate) dropped: Vec<Labels>,
    dropped_total: usize,
    pub(crate) invalid: Vec<(Labels, TargetError)>,
    /// What a series is called changed with the configuration.
    pub(crate) texts_changed: bool,
}

/// One `file_sd_configs` entry and what its files listed last.
#[derive(Debug)]
pub(crate) struct FileList {
    pub(crate) config: FileSd,
    pub(crate) next_read: Timestamp,
    pub(crate) groups: BTreeMap<String, Vec<TargetGroup>>,
    pub(crate) errors: BTreeMap<String, String>,
    pub(crate) list_error: Option<String>,
}

impl FileList {
    fn new(config: FileSd, now: Timestamp) -> Self {
        Self { config, next_read: now, groups: BTreeMap::new(), errors: BTreeMap::new(), list_error: None }
    }
}

impl Pool {
    pub(crate) fn new(config: JobConfig, now: Timestamp) -> Self {
        Self {
            name: config.job_name.as_str().into(),
            files: config.file_sd.iter().map(|files| FileList::new(files.clone(), now)).collect(),
            config: Arc::new(config),
            targets: BTreeMap::new(),
            dropped: Vec::new(),
            dropped_total: 0,
            invalid: Vec::new(),
            texts_changed: false,
        }
    }

    /// The same job under another configuration. File lists that stay keep what they listed.
    pub(crate) fn reconfigured(self, config: JobConfig, now: Timestamp) -> Self {
        let mut old = self.files;
        let files = config
            .file_sd
            .iter()
            .map(|files| match old.iter().position(|list| list.config == *files) {
                Some(at) => old.swap_remove(at),
                None => FileList::new(files.clone(), now),
            })
            .collect();
        let before = &self.config;
        let texts_changed = before.honor_labels != config.honor_labels
            || before.metric_relabel != config.metric_relabel
            || before.limits != config.limits;
        Self { files, config: Arc::new(config), texts_changed, ..Self::empty(self.name, self.targets) }
    }

    fn empty(name: Arc<str>, targets: BTreeMap<(Labels, String), u64>) -> Self {
        let config = Arc::new(JobConfig::new(&name));
        Self {
            name,
            config,
            files: Vec::new(),
            targets,
            dropped: Vec::new(),
            dropped_total: 0,
            invalid: Vec::new(),
            texts_changed: false,
        }
    }

    /// All targets that are to be scraped, and notes those that are not.
    pub(crate) fn find_targets(&mut self) -> Vec<Resolved> {
        self.dropped.clear();
        self.dropped_total = 0;
        self.invalid.clear();
        let kept = match self.config.limits.keep_dropped_targets {
            0 => usize::MAX,
            limit => usize::try_from(limit).unwrap_or(usize::MAX),
        };
        let mut targets = Vec::new();
        let listed = self.files.iter().flat_map(|list| list.groups.values().flatten());
        for group in self.config.static_targets.iter().chain(listed) {
            for made in make(&self.config, group) {
                match made {
                    Made::Kept(target) => targets.push(target),
                    Made::Dropped { discovered } => {
                        self.dropped_total += 1;
                        if self.dropped.len() < kept {
                            self.dropped.push(discovered);
                        }
                    }
                    Made::Invalid { discovered, reason } => self.invalid.push((discovered, reason)),
                }
            }
        }
        targets
    }

    /// Why no target of this job is scraped, if so.
    pub(crate) fn over_limit(&self) -> Option<ScrapeFailure> {
        let (targets, limit) = (self.targets.len() as u64, self.config.limits.targets);
        (limit != 0 && targets > limit).then_some(ScrapeFailure::Targets { targets, limit })
    }

    pub(crate) fn status(&self) -> JobStatus<'_> {
        let file_errors =
            self.files
                .iter()
                .flat_map(|list| {
                    let listing = list.list_error.iter().map(|reason| {
                        (list.config.files.first().map_or("", String::as_str), reason.as_str())
                    });
                    listing.chain(list.errors.iter().map(|(path, reason)| (path.as_str(), reason.as_str())))
                })
                .collect();
        JobStatus {
            job: &self.name,
            targets: self.targets.len(),
            dropped: self.dropped_total,
            invalid: self.invalid.len(),
            error: self.over_limit().map(|failure| failure.to_string()),
            file_errors,
        }
    }
}
