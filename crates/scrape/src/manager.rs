use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use assurance_exposition::Format;
use assurance_metrics_model::{Appender, Duration, Labels, Timestamp};

use crate::file_sd::DiscoveredFile;
use crate::ingest::{Attempt, Scratch};
use crate::pool::{FileList, Pool};
use crate::target::Resolved;
use crate::tracked::{InFlight, Target};
use crate::{
    DroppedTarget, InvalidTarget, JobConfig, JobStatus, ScrapeCounts, ScrapeError, ScrapeFailure,
    ScrapeProtocol, ScrapeReport, TargetMetadata, TargetStatus,
};

/// How long past the deadline the edge may take to report before a scrape counts as lost. Five seconds: far
/// more than an event loop is late, and below the shortest usual interval.
const NO_ANSWER_GRACE: Duration = Duration::from_secs(5);

/// Names one scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScrapeId {
    /// The target's number; never used again.
    pub target: u64,
    /// Which scrape of it.
    pub sequence: u64,
}

/// What the edge is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Make a request and pass what comes to [`Manager::handle_response`].
    Scrape(Request),
    /// Read files and pass what they list to [`Manager::handle_file_sd`].
    ReadFiles(ReadFiles),
}

/// A request for metrics, by `GET`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Request {
    /// Which scrape.
    pub id: ScrapeId,
    /// What to get.
    pub url: String,
    /// Headers, in order; `User-Agent` and credentials are the edge's.
    pub headers: Vec<(String, String)>,
    /// The job: credentials and TLS settings.
    pub job: Arc<JobConfig>,
    /// How long the scrape may take.
    pub timeout: Duration,
    /// When an answer must be here.
    pub deadline: Timestamp,
    /// Most bytes of the decompressed body, `u64::MAX` for no limit: the edge stops reading past it and hands
    /// over one byte more, or [`ScrapeError`].
    pub body_limit: u64,
}

/// Files that list targets are due to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadFiles {
    /// The job's name.
    pub job: Arc<str>,
    /// Which of the job's file lists.
    pub index: usize,
    /// Paths, whose last part may be a pattern.
    pub patterns: Vec<String>,
}

/// An answer, as the edge got it.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, if one was sent.
    pub content_type: Option<String>,
    /// The body, decompressed.
    pub body: Vec<u8>,
    /// When the request began.
    pub started: Timestamp,
    /// From the beginning of the request to the end of the body.
    pub duration: Duration,
}

/// All jobs and targets: the machine that says what is scraped when, and writes what comes.
#[derive(Debug)]
pub struct Manager {
    pools: Vec<Pool>,
    targets: BTreeMap<u64, Target>,
    /// When to look at which target again.
    wakes: BTreeSet<(Timestamp, u64)>,
    outputs: VecDeque<Output>,
    /// Targets that are gone, and whose series have not ended yet.
    departing: Vec<Target>,
    seed: u64,
    next_target: u64,
    now: Timestamp,
    scratch: Scratch,
}

impl Manager {
    /// A manager of these jobs. Their first scrapes are due within one interval each, at a phase that depends
    /// on the target and on `external_labels` only.
    pub fn new(jobs: Vec<JobConfig>, external_labels: &Labels, now: Timestamp) -> Self {
        let mut manager = Self {
            pools: Vec::new(),
            targets: BTreeMap::new(),
            wakes: BTreeSet::new(),
            outputs: VecDeque::new(),
            departing: Vec::new(),
            seed: external_labels.fingerprint(),
            next_target: 0,
            now,
            scratch: Scratch::default(),
        };
        manager.reload(now, jobs);
        manager
    }

    /// Takes other jobs. Targets that stay the same keep phase, cache and health; the series of those that go
    /// end at the next [`Manager::handle_timeout`], which is due at once.
    pub fn reload(&mut self, now: Timestamp, jobs: Vec<JobConfig>) {
        self.now = self.now.max(now);
        let mut old = std::mem::take(&mut self.pools);
        for job in jobs {
            let before = old.iter().position(|pool| pool.config.job_name == job.job_name);
            let pool = match before.map(|at| old.swap_remove(at)) {
                Some(pool) => pool.reconfigured(job, now),
                None => Pool::new(job, now),
            };
            self.pools.push(pool);
        }
        for pool in old {
            for id in pool.targets.into_values() {
                self.depart(id);
            }
        }
        for index in 0..self.pools.len() {
            self.sync(index, now);
        }
    }

    /// When [`Manager::handle_timeout`] is due next; in the past or now if it is due already.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        if !self.departing.is_empty() {
            return Some(self.now);
        }
        let files = self.pools.iter().flat_map(|pool| &pool.files).map(|files| files.next_read).min();
        let scrapes = self.wakes.first().map(|(at, _)| *at);
        match (files, scrapes) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Makes due what is due: ends the series of targets that went, asks for files and scrapes, and gives up
    /// on scrapes that nobody answered. Returns what became of scrapes that failed without a request.
    pub fn handle_timeout(&mut self, now: Timestamp, out: &mut dyn Appender) -> Vec<ScrapeReport> {
        self.now = self.now.max(now);
        let now = self.now;
        for mut target in self.departing.drain(..) {
            target.end(now, out);
        }
        for pool in &mut self.pools {
            let job = Arc::clone(&pool.name);
            for (index, files) in pool.files.iter_mut().enumerate() {
                if files.next_read <= now {
                    files.next_read = now + files.config.refresh_interval;
                    let patterns = files.config.files.clone();
                    let job = Arc::clone(&job);
                    self.outputs.push_back(Output::ReadFiles(ReadFiles { job, index, patterns }));
                }
            }
        }
        let mut reports = Vec::new();
        while let Some((wake, id)) = self.wakes.first().copied().filter(|(wake, _)| *wake <= now) {
            self.wakes.remove(&(wake, id));
            reports.extend(self.wake(now, id, out));
            if let Some(target) = self.targets.get(&id) {
                self.wakes.insert((target.wake(), id));
            }
        }
        reports
    }

    /// What the edge is to do next, if anything.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Takes what became of a request: all samples of the body, or none of them and the reason; then `up` and
    /// its companions, and the ends of series that vanished. `None` if the scrape is not awaited (any more):
    /// its target went, or it was given up.
    pub fn handle_response(
        &mut self,
        now: Timestamp,
        id: ScrapeId,
        outcome: Result<Response, ScrapeError>,
        out: &mut dyn Appender,
    ) -> Option<ScrapeReport> {
        self.now = self.now.max(now);
        let target = self.targets.get_mut(&id.target)?;
        let flight = target.in_flight.take_if(|flight| flight.id == id)?;
        self.wakes.remove(&(flight.give_up, id.target));
        let pool = &self.pools[target.pool];
        let job = &pool.config;
        let limit = job.limits.body_size;
        let mut body = Vec::new();
        let mut format = job.fallback;
        let (started, duration, checked) = match outcome {
            Err(error) => {
                (error.started, error.duration, Err(ScrapeFailure::Transport { reason: error.reason }))
            }
            Ok(response) => {
                let checked = if response.status != 200 {
                    Err(ScrapeFailure::Status { status: response.status })
                } else if limit != 0 && response.body.len() as u64 > limit {
                    Err(ScrapeFailure::BodySize { limit })
                } else {
                    body = response.body;
                    format = response.content_type.as_deref().and_then(Format::named_by).unwrap_or(format);
                    Ok(())
                };
                (response.started, response.duration, checked)
            }
        };
        let at = target.stamp(flight.slot, started);
        let attempt = Attempt { id, at, duration, body: &body, format, timeout: target.resolved.timeout };
        let report = target.take(job, &pool.name, &attempt, checked, &mut self.scratch, out);
        self.wakes.insert((target.wake(), id.target));
        Some(report)
    }

    /// Takes what was found for [`Output::ReadFiles`]: the files that match, or why they cannot be listed.
    /// What cannot be read keeps the targets it had.
    pub fn handle_file_sd(
        &mut self,
        now: Timestamp,
        job: &str,
        index: usize,
        found: Result<Vec<DiscoveredFile>, String>,
    ) {
        self.now = self.now.max(now);
        let Some(at) = self.pools.iter().position(|pool| *pool.name == *job) else { return };
        let Some(files) = self.pools[at].files.get_mut(index) else { return };
        files.take(found);
        self.sync(at, now);
    }

    /// Ends all series, as if every target had been removed: for a scraper that will not come back, or whose
    /// successor must not be bridged to. Prometheus does not do so when it stops, so that alerts survive a
    /// restart of less than the look-back; neither should an evaluator.
    pub fn finish(&mut self, now: Timestamp, out: &mut dyn Appender) -> ScrapeCounts {
        self.now = self.now.max(now);
        let mut counts = ScrapeCounts::default();
        for target in self.departing.iter_mut().chain(self.targets.values_mut()) {
            let ended = target.end(self.now, out);
            counts.stale += ended.stale;
            counts.refused += ended.refused;
        }
        self.departing.clear();
        self.targets.clear();
        self.wakes.clear();
        self.outputs.clear();
        self.pools.clear();
        counts
    }

    /// The targets that are scraped, in the order they were found.
    pub fn targets(&self) -> impl Iterator<Item = TargetStatus<'_>> {
        self.targets.iter().map(|(id, target)| target.status(*id, &self.pools[target.pool].name))
    }

    /// One target by its number.
    pub fn target(&self, id: u64) -> Option<TargetStatus<'_>> {
        self.targets.get(&id).map(|target| target.status(id, &self.pools[target.pool].name))
    }

    /// Targets that relabelling dropped, as far as they are kept.
    pub fn dropped_targets(&self) -> impl Iterator<Item = DroppedTarget<'_>> {
        self.pools.iter().flat_map(|pool| {
            pool.dropped.iter().map(|discovered| DroppedTarget { job: &pool.name, discovered })
        })
    }

    /// Targets that cannot be scraped, and why.
    pub fn invalid_targets(&self) -> impl Iterator<Item = InvalidTarget<'_>> {
        self.pools.iter().flat_map(|pool| {
            pool.invalid.iter().map(|(discovered, reason)| InvalidTarget {
                job: &pool.name,
                discovered,
                reason,
            })
        })
    }

    /// The jobs in the order of the configuration.
    pub fn jobs(&self) -> impl Iterator<Item = JobStatus<'_>> {
        self.pools.iter().map(Pool::status)
    }

    /// The configuration of a job.
    pub fn job(&self, name: &str) -> Option<&Arc<JobConfig>> {
        self.pools.iter().find(|pool| *pool.name == *name).map(|pool| &pool.config)
    }

    /// What targets said of their metrics, target by target.
    pub fn metadata(&self) -> impl Iterator<Item = TargetMetadata<'_>> {
        self.targets.iter().flat_map(|(id, target)| {
            let labels = &target.resolved.labels;
            target.ingest.metadata().iter().map(move |(metric, metadata)| TargetMetadata {
                target: *id,
                labels,
                metric,
                metadata,
            })
        })
    }

    /// One target is due: gives up on its scrape, or makes the next.
    fn wake(&mut self, now: Timestamp, id: u64, out: &mut dyn Appender) -> Option<ScrapeReport> {
        let target = self.targets.get_mut(&id)?;
        let pool = &self.pools[target.pool];
        let job = &pool.config;
        let timeout = target.resolved.timeout;
        if let Some(flight) = target.in_flight.take() {
            let at = target.stamp(flight.slot, flight.slot);
            let failure = ScrapeFailure::NoAnswer { deadline: flight.deadline };
            let attempt =
                Attempt { id: flight.id, at, duration: timeout, body: &[], format: job.fallback, timeout };
            return Some(target.take(job, &pool.name, &attempt, Err(failure), &mut self.scratch, out));
        }
        let slot = target.take_slot(now);
        let scrape = ScrapeId { target: id, sequence: target.next_sequence() };
        if let Some(failure) = pool.over_limit() {
            let at = target.stamp(slot, now);
            let attempt = Attempt {
                id: scrape,
                at,
                duration: Duration::ZERO,
                body: &[],
                format: job.fallback,
                timeout,
            };
            return Some(target.take(job, &pool.name, &attempt, Err(failure), &mut self.scratch, out));
        }
        let deadline = now + timeout;
        target.in_flight = Some(InFlight { id: scrape, slot, deadline, give_up: deadline + NO_ANSWER_GRACE });
        let encoding = if job.enable_compression { "gzip" } else { "identity" };
        let headers = [
            ("Accept", ScrapeProtocol::accept(&job.protocols)),
            ("Accept-Encoding", encoding.to_owned()),
            ("X-Prometheus-Scrape-Timeout-Seconds", timeout.as_secs_f64().to_string()),
        ];
        self.outputs.push_back(Output::Scrape(Request {
            id: scrape,
            url: target.resolved.url.clone(),
            headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            job: Arc::clone(job),
            timeout,
            deadline,
            body_limit: if job.limits.body_size == 0 { u64::MAX } else { job.limits.body_size },
        }));
        None
    }

    /// Brings the targets of a job in line with what it lists.
    fn sync(&mut self, index: usize, now: Timestamp) {
        let found = self.pools[index].find_targets();
        let mut before = std::mem::take(&mut self.pools[index].targets);
        let mut after = BTreeMap::new();
        for resolved in found {
            let key = resolved.key();
            if after.contains_key(&key) {
                // The same target listed twice is one target, as in Prometheus.
                continue;
            }
            let id = match before.remove(&key) {
                Some(id) => {
                    self.keep(index, id, resolved, now);
                    id
                }
                None => self.arrive(index, resolved, now),
            };
            after.insert(key, id);
        }
        for id in before.into_values() {
            self.depart(id);
        }
        let pool = &mut self.pools[index];
        pool.targets = after;
        pool.texts_changed = false;
    }

    fn arrive(&mut self, pool: usize, resolved: Resolved, now: Timestamp) -> u64 {
        let id = self.next_target;
        self.next_target += 1;
        let target = Target::new(pool, resolved, self.seed, now);
        self.wakes.insert((target.wake(), id));
        self.targets.insert(id, target);
        id
    }

    fn keep(&mut self, pool: usize, id: u64, resolved: Resolved, now: Timestamp) {
        let Some(target) = self.targets.get_mut(&id) else { return };
        target.pool = pool;
        if self.pools[pool].texts_changed {
            target.ingest.forget_texts();
        }
        let wake = target.wake();
        target.update(resolved, self.seed, now);
        if target.wake() != wake {
            self.wakes.remove(&(wake, id));
            self.wakes.insert((target.wake(), id));
        }
    }

    fn depart(&mut self, id: u64) {
        if let Some(target) = self.targets.remove(&id) {
            self.wakes.remove(&(target.wake(), id));
            self.departing.push(target);
        }
    }
}

impl FileList {
    fn take(&mut self, found: Result<Vec<DiscoveredFile>, String>) {
        let found = match found {
            Ok(found) => found,
            Err(reason) => {
                self.list_error = Some(reason);
                return;
            }
        };
        self.list_error = None;
        let mut before = std::mem::take(&mut self.groups);
        self.errors.clear();
        for file in found {
            let groups = match file.groups {
                Ok(groups) => groups,
                Err(reason) => {
                    self.errors.insert(file.path.clone(), reason);
                    before.remove(&file.path).unwrap_or_default()
                }
            };
            self.groups.insert(file.path, groups);
        }
    }
}
