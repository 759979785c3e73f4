use std::sync::Arc;

use assurance_exposition::{Format, Limits, Parser};
use assurance_metrics_model::{
    AppendError, Appender, Duration, Labels, METRIC_NAME, Timestamp, Value, stale_nan,
};
use hashbrown::HashMap;

use crate::birth::{self, Before, Contact, Created, Role};
use crate::cache::{Cache, Found, Reference, Series, Walk};
use crate::exposed::read_series;
use crate::metadata::MetadataTable;
use crate::{CounterBirth, JobConfig, ScrapeCounts, ScrapeFailure, ScrapeId, ScrapeReport};

/// The longest body, whatever the job says: half of what 32 bits can tell places in.
const MAX_BODY_BYTES: usize = (1 << 31) - 1;

/// A sample of the body on its way to the store.
#[derive(Clone, Copy, Debug)]
struct Pending {
    series: u32,
    /// Its text was not in the scrape before.
    new_text: bool,
    value: f64,
    /// Given in the body, and honoured.
    timestamp: Option<Timestamp>,
}

/// Memory used again from scrape to scrape, by all targets.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    walk: Walk,
    pending: Vec<Pending>,
    /// `_created` that is new or changed: link, time, and the time before.
    created: Vec<(u64, f64, Option<f64>)>,
    /// Indices into `pending` of counters absent from the last successful scrape.
    births: Vec<usize>,
    /// Indices into `pending` and the time of the 0 to write, rising.
    zeros: Vec<(usize, Timestamp)>,
    process_start: ProcessStart,
}

/// What a body says of the start of its process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum ProcessStart {
    #[default]
    Untold,
    At(f64),
    /// Several processes report through one target: none of them is it.
    Several,
}

/// What the edge learned, in the terms of the scrape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) id: ScrapeId,
    pub(crate) at: Timestamp,
    pub(crate) duration: Duration,
    pub(crate) body: &'a [u8],
    pub(crate) format: Format,
    /// `scrape_timeout_seconds`, if extra metrics are wanted.
    pub(crate) timeout: Duration,
}

/// The samples of one target: what it had, what it has, and what is written of it.
#[derive(Debug, Default)]
pub(crate) struct Ingest {
    cache: Cache,
    metadata: MetadataTable,
    /// Time of the samples of the last scrape that succeeded.
    last_success: Option<Timestamp>,
    /// Time at which a failed scrape ended all series, if none succeeded since.
    ended: Option<Timestamp>,
    process_start: ProcessStart,
    /// The format the cache's texts are in.
    format: Option<Format>,
    reports: Vec<ReportSeries>,
}

/// One of the series that tell of the scrape itself.
#[derive(Debug)]
struct ReportSeries {
    labels: Labels,
    reference: Reference,
}

/// Appends, and keeps count of what the store refuses.
struct Ledger<'a> {
    out: &'a mut dyn Appender,
    counts: &'a mut ScrapeCounts,
    first_refusal: &'a mut Option<AppendError>,
}

impl Ledger<'_> {
    fn append(&mut self, reference: &mut Reference, labels: &Labels, at: Timestamp, value: f64) -> bool {
        match self.out.append(reference.get(), labels, at, Value::Float(value)) {
            Ok(new) => {
                *reference = new.into();
                true
            }
            Err(error) => {
                self.counts.refused += 1;
                self.first_refusal.get_or_insert(error);
                false
            }
        }
    }

    fn end(&mut self, series: &mut Series, at: Timestamp) {
        if std::mem::take(&mut series.alive)
            && self.append(&mut series.reference, &series.labels, at, stale_nan())
        {
            self.counts.stale += 1;
        }
    }
}

impl Ingest {
    pub(crate) fn metadata(&self) -> &MetadataTable {
        &self.metadata
    }

    pub(crate) fn series(&self) -> usize {
        self.cache.len()
    }

    /// Relabelling or labels of the job changed: texts must be read anew.
    pub(crate) fn forget_texts(&mut self) {
        self.cache.forget_texts();
    }

    /// A scrape that brought a body: all of it, or nothing and the failure.
    pub(crate) fn body(
        &mut self,
        job: &JobConfig,
        name: &Arc<str>,
        target: &Labels,
        attempt: &Attempt<'_>,
        scratch: &mut Scratch,
        out: &mut dyn Appender,
    ) -> ScrapeReport {
        let mut counts = ScrapeCounts::default();
        match self.scan(job, target, attempt, scratch, &mut counts) {
            Ok(()) => {
                let mut first_refusal = None;
                let mut ledger = Ledger { out, counts: &mut counts, first_refusal: &mut first_refusal };
                self.commit(job, attempt, scratch, &mut ledger);
                self.finish(job, name, target, attempt, counts, first_refusal, None, out)
            }
            Err(failure) => {
                self.cache.undo(&mut scratch.walk);
                self.fail(job, name, target, attempt, counts, failure, out)
            }
        }
    }

    /// A scrape that failed: all series end.
    #[expect(clippy::too_many_arguments, reason = "one scrape has this many sides, and they meet only here")]
    pub(crate) fn fail(
        &mut self,
        job: &JobConfig,
        name: &Arc<str>,
        target: &Labels,
        attempt: &Attempt<'_>,
        mut counts: ScrapeCounts,
        failure: ScrapeFailure,
        out: &mut dyn Appender,
    ) -> ScrapeReport {
        let mut first_refusal = None;
        let mut ledger = Ledger { out, counts: &mut counts, first_refusal: &mut first_refusal };
        for series in self.cache.all_series_mut() {
            ledger.end(series, attempt.at);
        }
        self.ended.get_or_insert(attempt.at);
        self.finish(job, name, target, attempt, counts, first_refusal, Some(failure), out)
    }

    /// The target is no more: its series end, those about scraping it too.
    pub(crate) fn end(
        &mut self,
        at: Timestamp,
        out: &mut dyn Appender,
    ) -> (ScrapeCounts, Option<AppendError>) {
        let mut counts = ScrapeCounts::default();
        let mut first_refusal = None;
        let mut ledger = Ledger { out, counts: &mut counts, first_refusal: &mut first_refusal };
        for series in self.cache.all_series_mut() {
            ledger.end(series, at);
        }
        for report in &mut self.reports {
            if ledger.append(&mut report.reference, &report.labels, at, stale_nan()) {
                ledger.counts.stale += 1;
            }
        }
        self.reports.clear();
        self.ended.get_or_insert(at);
        (counts, first_refusal)
    }

    /// Reads the body and checks it against the limits, without writing anything.
    fn scan(
        &mut self,
        job: &JobConfig,
        target: &Labels,
        attempt: &Attempt<'_>,
        scratch: &mut Scratch,
        counts: &mut ScrapeCounts,
    ) -> Result<(), ScrapeFailure> {
        let Scratch { walk, pending, created, births, process_start, .. } = scratch;
        pending.clear();
        created.clear();
        births.clear();
        *process_start = ProcessStart::Untold;
        self.cache.begin(walk);
        let zero = job.counter_birth == CounterBirth::Zero;
        let sample_limit = if job.limits.samples == 0 { u64::MAX } else { job.limits.samples };
        if self.format != Some(attempt.format) {
            // The same text may be another series there.
            self.cache.forget_texts();
            self.format = Some(attempt.format);
        }
        let mut parser = Parser::with_limits(attempt.body, attempt.format, parser_limits(job));
        loop {
            // As long as the body repeats the last one, a line is compared with it, and only its number is read.
            let known = parser.next_known(self.cache.expected(walk));
            let (found, first, new_text, value, timestamp) = if let Some(line) = known {
                let (found, first) = self.cache.follow(walk);
                (found, first, false, line.value, line.timestamp)
            } else {
                let Some(entry) = parser.next() else { break };
                let entry = entry.map_err(|source| ScrapeFailure::Parse { source: Box::new(source) })?;
                let Some(sample) = self.metadata.take(entry) else { continue };
                let (mut found, mut first) = self.cache.find(walk, sample.series);
                let new_text = found == Found::Unknown;
                if new_text {
                    let series = read_series(job, target, &sample).inspect_err(|_| counts.scraped += 1)?;
                    (found, first) = self.cache.add(walk, sample.series, series);
                }
                (found, first, new_text, sample.value, sample.timestamp)
            };
            counts.scraped += 1;
            let Found::Series(id) = found else { continue };
            counts.post_relabel += 1;
            if counts.post_relabel > sample_limit {
                continue;
            }
            counts.added += u64::from(new_text);
            let timestamp = timestamp.filter(|_| job.honor_timestamps);
            if !first && timestamp.is_none() {
                counts.duplicates += 1;
                continue;
            }
            let series = self.cache.series(id);
            if zero {
                match series.role {
                    Role::Counter if !series.present && timestamp.is_none() => births.push(pending.len()),
                    Role::Counter | Role::Other => {}
                    Role::Created => {
                        let before = series.present.then_some(series.last);
                        if before.is_none_or(|b| b.to_bits() != value.to_bits()) {
                            created.push((series.link, value, before));
                        }
                    }
                    Role::ProcessStart => {
                        *process_start = match *process_start {
                            ProcessStart::Untold => ProcessStart::At(value),
                            _ => ProcessStart::Several,
                        };
                    }
                }
            }
            pending.push(Pending { series: id, new_text, value, timestamp });
        }
        if counts.post_relabel > sample_limit {
            return Err(ScrapeFailure::Samples { samples: counts.post_relabel, limit: sample_limit });
        }
        Ok(())
    }

    /// Writes what [`Ingest::scan`] found, and ends what it did not find.
    fn commit(
        &mut self,
        job: &JobConfig,
        attempt: &Attempt<'_>,
        scratch: &mut Scratch,
        ledger: &mut Ledger<'_>,
    ) {
        scratch.zeros.clear();
        let mut restarted = false;
        if job.counter_birth == CounterBirth::Zero {
            restarted = self.find_zeros(attempt.at, scratch);
            self.process_start = scratch.process_start;
        }
        let mut zeros = scratch.zeros.iter().peekable();
        for (index, sample) in scratch.pending.iter().enumerate() {
            let series = self.cache.series_mut(sample.series);
            if let Some((_, at)) = zeros.next_if(|(zero, _)| *zero == index)
                && ledger.append(&mut series.reference, &series.labels, *at, 0.0)
            {
                ledger.counts.births += 1;
            }
            let at = sample.timestamp.unwrap_or(attempt.at);
            let taken = ledger.append(&mut series.reference, &series.labels, at, sample.value);
            if !taken && sample.new_text {
                ledger.counts.added = ledger.counts.added.saturating_sub(1);
            }
            series.last = sample.value;
            series.present = true;
            if taken {
                series.alive = sample.timestamp.is_none() || job.track_timestamps_staleness;
            }
        }
        let keep = attempt.body.is_empty();
        self.cache.finish(&mut scratch.walk, attempt.at, keep, restarted, |series| {
            ledger.end(series, attempt.at);
        });
        self.metadata.finish_scrape();
        self.last_success = Some(attempt.at);
        self.ended = None;
    }

    /// Decides which counters began, and when; tells whether the process restarted.
    fn find_zeros(&mut self, at: Timestamp, scratch: &mut Scratch) -> bool {
        let Some(last_success) = self.last_success else { return false };
        let mut contact = Contact { last_success, at, restarted_at: None, start_is_told: false };
        if let (ProcessStart::At(old), ProcessStart::At(new)) = (self.process_start, scratch.process_start) {
            contact.start_is_told = true;
            let (old, new) = (Timestamp::from_secs_f64(old), Timestamp::from_secs_f64(new));
            if birth::started_anew(old, new, last_success) {
                contact.restarted_at = Some(new);
                self.cache.forget_gone();
            }
        }
        if contact.restarted_at.is_none() && scratch.births.is_empty() && scratch.created.is_empty() {
            return false;
        }
        let created: HashMap<u64, Created> = scratch
            .created
            .iter()
            .filter_map(|(link, new, old)| {
                let new = Timestamp::from_secs_f64(*new);
                let Some(old) = old else { return Some((*link, Created::First(new))) };
                birth::started_anew(Timestamp::from_secs_f64(*old), new, last_success)
                    .then_some((*link, Created::Later(new)))
            })
            .collect();
        let created_of = |link| created.get(&link).copied().unwrap_or(Created::Unchanged);
        let restarts =
            contact.restarted_at.is_some() || created.values().any(|c| matches!(c, Created::Later(_)));
        if !restarts {
            for index in &scratch.births {
                let sample = scratch.pending[*index];
                let series = self.cache.series(sample.series);
                let before = self.before(series, last_success);
                if let Some(zero) = birth::zero_at(&contact, sample.value, before, created_of(series.link)) {
                    scratch.zeros.push((*index, zero));
                }
            }
            return false;
        }
        let outlive = contact.restarted_at.is_some() && self.counters_outlive_process(&scratch.pending);
        for (index, sample) in scratch.pending.iter().enumerate() {
            let series = self.cache.series(sample.series);
            if series.role != Role::Counter || sample.timestamp.is_some() {
                continue;
            }
            let before = self.before(series, last_success);
            let created = created_of(series.link);
            let held = series.present && sample.value >= series.last;
            if outlive && held && created == Created::Unchanged {
                continue;
            }
            if let Some(zero) = birth::zero_at(&contact, sample.value, before, created) {
                scratch.zeros.push((index, zero));
            }
        }
        contact.restarted_at.is_some()
    }

    fn before(&self, series: &Series, last_success: Timestamp) -> Before {
        if series.present {
            return Before::Present { written: self.ended.unwrap_or(last_success) };
        }
        match self.cache.gone(&series.labels) {
            Some(gone) => Before::Vanished { value: gone.value, written: gone.written },
            None => Before::Never,
        }
    }

    fn counters_outlive_process(&self, pending: &[Pending]) -> bool {
        let (mut held, mut fell) = (0, 0);
        for sample in pending {
            let series = self.cache.series(sample.series);
            if series.role == Role::Counter && series.present && series.last > 0.0 {
                if sample.value >= series.last {
                    held += 1;
                } else {
                    fell += 1;
                }
            }
        }
        birth::counters_outlive_process(held, fell)
    }

    /// Writes `up` and its companions (Prometheus `scrapeLoop.report`).
    #[expect(clippy::too_many_arguments, reason = "one scrape has this many sides, and they meet only here")]
    fn finish(
        &mut self,
        job: &JobConfig,
        name: &Arc<str>,
        target: &Labels,
        attempt: &Attempt<'_>,
        counts: ScrapeCounts,
        first_refusal: Option<AppendError>,
        failure: Option<ScrapeFailure>,
        out: &mut dyn Appender,
    ) -> ScrapeReport {
        let too_big = matches!(failure, Some(ScrapeFailure::BodySize { .. }));
        let mut report = ScrapeReport {
            id: attempt.id,
            job: Arc::clone(name),
            at: attempt.at,
            duration: attempt.duration,
            body_bytes: attempt.body.len() as u64,
            failure,
            counts,
            first_refusal,
        };
        let basic = [
            ("up", f64::from(u8::from(report.failure.is_none()))),
            ("scrape_duration_seconds", attempt.duration.as_secs_f64()),
            ("scrape_samples_scraped", as_float(counts.scraped)),
            ("scrape_samples_post_metric_relabeling", as_float(counts.post_relabel)),
            ("scrape_series_added", as_float(counts.added)),
        ];
        let extra = [
            ("scrape_timeout_seconds", attempt.timeout.as_secs_f64()),
            ("scrape_sample_limit", as_float(job.limits.samples)),
            ("scrape_body_size_bytes", if too_big { -1.0 } else { as_float(report.body_bytes) }),
        ];
        let wanted = if job.extra_metrics { basic.len() + extra.len() } else { basic.len() };
        let mut refused = ScrapeCounts::default();
        let mut ledger = Ledger { out, counts: &mut refused, first_refusal: &mut report.first_refusal };
        for (index, (name, value)) in basic.iter().chain(&extra).take(wanted).enumerate() {
            if self.reports.len() == index {
                self.reports.push(ReportSeries {
                    labels: target.with(METRIC_NAME, name),
                    reference: Reference::NONE,
                });
            }
            let series = &mut self.reports[index];
            ledger.append(&mut series.reference, &series.labels, attempt.at, *value);
        }
        // Switched off by a reload: those series end now.
        for mut series in self.reports.drain(wanted.min(self.reports.len())..) {
            ledger.append(&mut series.reference, &series.labels, attempt.at, stale_nan());
        }
        report.counts.refused += refused.refused;
        report
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of one scrape stay far below 2^53")]
fn as_float(count: u64) -> f64 {
    count as f64
}

/// The parser's own bounds guard its memory; where the job allows more, they give way.
fn parser_limits(job: &JobConfig) -> Limits {
    let at_least = |default: usize, limit: u64| match limit {
        0 => usize::MAX,
        limit => default.max(usize::try_from(limit).unwrap_or(usize::MAX)),
    };
    let (default, limits) = (Limits::DEFAULT, &job.limits);
    Limits {
        max_body_bytes: at_least(default.max_body_bytes, limits.body_size).min(MAX_BODY_BYTES),
        max_line_bytes: at_least(default.max_line_bytes, limits.body_size),
        max_labels: at_least(default.max_labels, limits.labels),
        max_name_bytes: at_least(default.max_name_bytes, limits.label_name_length),
        max_label_value_bytes: at_least(default.max_label_value_bytes, limits.label_value_length),
        ..default
    }
}
