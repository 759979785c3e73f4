use std::sync::Arc;

use assurance_metrics_model::{Duration, Timestamp};
use assurance_storage::Storage;

use crate::archive::{Archive, ArchiveError, ArchiveErrorKind, Policy, Publication, Published};
use crate::collector::MAX_LIMIT;
use crate::cursor::Progress;
use crate::export::{EXPORT_PATH, EXPORT_REQUEST, Export, MAX_EXPORT_BYTES};
use crate::source::{SourceErrorKind, excerpt};
use crate::tail::{Step, Tail};
use crate::{Collection, Collector, Fact, FetchError, SourceError, parse_statistics};

/// The longest answer that is taken: 1,000 entries of 64 KiB, a hundred times the usual size of an event.
pub const MAX_ANSWER_BYTES: u64 = 1000 * 64 * 1024;

/// The longest statistics answer; it has some twenty numbers.
const MAX_STATISTICS_BYTES: u64 = 1024 * 1024;

const STATISTICS_PATH: &str = "/api/sovereign-mode/statistics";
const AUDIT_PATH: &str = "/api/sovereign-mode/audit";

/// Where the events come from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The read API of a backend.
    Api {
        /// Scheme, host and port, without a path and without secrets: it is written into the evidence.
        base: String,
        /// How many entries to ask for, 1 to [`MAX_LIMIT`].
        limit: usize,
    },
    /// The audit log file a backend appends to.
    File {
        /// Its path, as it is written into the evidence.
        path: String,
    },
}

impl Source {
    fn name(&self) -> &str {
        match self {
            Self::Api { base, .. } => base,
            Self::File { path } => path,
        }
    }
}

/// What to collect, how often, and when a day is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Where from.
    pub source: Source,
    /// How often.
    pub interval: Duration,
    /// When a day is closed.
    pub policy: Policy,
    /// Whether the backend's export is asked for where an answer leaves events out. The backend records each export
    /// as an event of its own.
    pub exports: bool,
    /// Whether a round ends with publishing what is due. Without, another program has to.
    pub publishes: bool,
}

impl Config {
    /// From a backend's read API, every 30 s: at the backend's 1,000 entries that keeps up with 33 events a
    /// second.
    pub fn api(base: impl Into<String>) -> Self {
        Self::new(Source::Api { base: base.into(), limit: MAX_LIMIT })
    }

    /// From a log file, every 30 s.
    pub fn file(path: impl Into<String>) -> Self {
        Self::new(Source::File { path: path.into() })
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            interval: Duration::from_secs(30),
            policy: Policy::USUAL,
            exports: true,
            publishes: true,
        }
    }
}

/// Names one fetch. Answers to others than the present one are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FetchId(u64);

/// What the edge has to bring.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// An HTTP request, answered by [`Exporter::handle_response`].
    Get(Get),
    /// A piece of a file, answered by [`Exporter::handle_piece`].
    Read(ReadFile),
}

/// An HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Get {
    /// To be given back with the answer.
    pub id: FetchId,
    /// Path and query, to be put behind the source's base.
    pub path: String,
    /// A JSON body to `POST`; without one it is a `GET`.
    pub post: Option<String>,
    /// An answer longer than this is [`FetchError::TooLong`].
    pub max_bytes: u64,
}

/// A piece of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadFile {
    /// To be given back with the answer.
    pub id: FetchId,
    /// The path.
    pub path: String,
    /// Where to begin. A file that is shorter gives an empty piece.
    pub offset: u64,
    /// How much to read, or up to the end.
    pub max_bytes: u64,
}

/// An HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

/// What a round of collecting and publishing did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// When it ended.
    pub at: Timestamp,
    /// How many events were new, or why the source gave none.
    pub outcome: Result<u64, SourceError>,
    /// What was recorded besides events.
    pub facts: Vec<Fact>,
    /// What was published.
    pub published: Vec<Published>,
    /// Why the backend's own count was not available. It is a check, not a condition.
    pub statistics: Option<SourceError>,
    /// Why an export did not help where an answer left events out.
    pub export: Option<SourceError>,
}

impl Report {
    /// Whether a gap, or anything else that may mean missing events, was recorded.
    pub fn is_incomplete(&self) -> bool {
        self.facts.iter().any(Fact::is_incomplete)
    }
}

#[derive(Clone, Debug)]
enum Phase {
    /// Until the next round.
    Waiting,
    Statistics,
    Audit {
        counted: Option<u64>,
    },
    /// The answer left events out, and is kept until the export shows them or does not.
    Export {
        answer: Vec<u8>,
        counted: Option<u64>,
    },
    File {
        rotated: bool,
    },
}

/// Collects and publishes: says what to fetch and when, and takes the answers.
///
/// The calling order: [`poll_timeout`](Self::poll_timeout) says when [`handle_timeout`](Self::handle_timeout)
/// is due, which begins a round; then bring what [`poll_output`](Self::poll_output) asks for, one at a time,
/// until a handler gives the round's [`Report`]. An [`ArchiveError`] is final: open a new machine.
#[derive(Debug)]
pub struct Exporter {
    archive: Archive,
    config: Config,
    phase: Phase,
    /// When the next round begins.
    next: Timestamp,
    fetch: u64,
    output: Option<Output>,
    round: Round,
}

/// What a round has done so far.
#[derive(Debug, Default)]
struct Round {
    events: u64,
    facts: Vec<Fact>,
    statistics: Option<SourceError>,
    export: Option<SourceError>,
}

impl Exporter {
    /// Opens the evidence in `storage`. The first round is due at `now`.
    pub fn open(storage: Arc<dyn Storage>, config: Config, now: Timestamp) -> Result<Self, ArchiveError> {
        if let Source::Api { limit, .. } = config.source
            && !(1..=MAX_LIMIT).contains(&limit)
        {
            return Err(ArchiveError::new("", ArchiveErrorKind::BadLimit { limit }));
        }
        let archive = Archive::open(storage, config.policy)?;
        let fits = matches!(
            (archive.progress(), &config.source),
            (None, _)
                | (Some(Progress::Api(_)), Source::Api { .. })
                | (Some(Progress::File(_)), Source::File { .. })
        );
        if !fits {
            let (held, wanted) = match config.source {
                Source::Api { .. } => ("a log file", "a backend's API"),
                Source::File { .. } => ("a backend's API", "a log file"),
            };
            let kind = ArchiveErrorKind::OtherSource { held: held.to_owned(), wanted: wanted.to_owned() };
            return Err(ArchiveError::new("", kind));
        }
        Ok(Self {
            archive,
            config,
            phase: Phase::Waiting,
            next: now,
            fetch: 0,
            output: None,
            round: Round::default(),
        })
    }

    /// When the next round is due; `None` while an answer is awaited.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        matches!(self.phase, Phase::Waiting).then_some(self.next)
    }

    /// What to fetch now.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.output.take()
    }

    /// Begins a round if one is due and none is under way.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        if !matches!(self.phase, Phase::Waiting) || now < self.next {
            return;
        }
        self.next += self.config.interval;
        if self.next <= now {
            self.next = now + self.config.interval;
        }
        self.round = Round::default();
        match &self.config.source {
            // The count comes first, so that it can only be smaller than what the answer accounts for.
            Source::Api { .. } => {
                self.phase = Phase::Statistics;
                self.get(STATISTICS_PATH.to_owned(), None, MAX_STATISTICS_BYTES);
            }
            Source::File { .. } => self.read(now, false),
        }
    }

    /// The answer to an [`Output::Get`]; the round's report if it was the last one.
    pub fn handle_response(
        &mut self,
        now: Timestamp,
        id: FetchId,
        answer: Result<Response, FetchError>,
    ) -> Result<Option<Report>, ArchiveError> {
        let Source::Api { base, limit } = self.config.source.clone() else { return Ok(None) };
        if id.0 != self.fetch {
            return Ok(None);
        }
        match std::mem::replace(&mut self.phase, Phase::Waiting) {
            Phase::Statistics => {
                let counted = body(answer, MAX_STATISTICS_BYTES).and_then(|body| parse_statistics(&body));
                let counted = counted
                    .map_err(|kind| {
                        let error = SourceError::new(format!("{base}{STATISTICS_PATH}"), kind);
                        self.round.statistics = Some(error);
                    })
                    .ok();
                self.phase = Phase::Audit { counted };
                self.get(format!("{AUDIT_PATH}?limit={limit}"), None, MAX_ANSWER_BYTES);
                Ok(None)
            }
            Phase::Audit { counted } => {
                let body = match body(answer, MAX_ANSWER_BYTES) {
                    Ok(body) => body,
                    Err(kind) => {
                        let place = format!("{base}{AUDIT_PATH}?limit={limit}");
                        return self.finish(now, Err(SourceError::new(place, kind))).map(Some);
                    }
                };
                match self.collect(now, &base, limit, &body, counted) {
                    Ok((collection, _)) if self.config.exports && collection.leaves_out() => {
                        self.phase = Phase::Export { answer: body, counted };
                        self.get(EXPORT_PATH.to_owned(), Some(EXPORT_REQUEST.to_owned()), MAX_EXPORT_BYTES);
                        Ok(None)
                    }
                    Ok((collection, collector)) => {
                        self.record(now, collection, Progress::Api(collector))?;
                        self.finish(now, Ok(())).map(Some)
                    }
                    Err(kind) => {
                        let place = format!("{base}{AUDIT_PATH}?limit={limit}");
                        self.finish(now, Err(SourceError::new(place, kind))).map(Some)
                    }
                }
            }
            Phase::Export { answer: listed, counted } => {
                let shown = body(answer, MAX_EXPORT_BYTES)
                    .and_then(|body| Export::parse(&body))
                    .and_then(|export| self.collect_with(now, &base, limit, &listed, counted, &export))
                    .unwrap_or_else(|kind| {
                        self.round.export = Some(SourceError::new(format!("{base}{EXPORT_PATH}"), kind));
                        None
                    });
                // What the export does not show stays a gap. The answer was read before, so this does not fail.
                let collected = shown.map_or_else(|| self.collect(now, &base, limit, &listed, counted), Ok);
                match collected {
                    Ok((collection, collector)) => {
                        self.record(now, collection, Progress::Api(collector))?;
                        self.finish(now, Ok(())).map(Some)
                    }
                    Err(kind) => {
                        let place = format!("{base}{AUDIT_PATH}?limit={limit}");
                        self.finish(now, Err(SourceError::new(place, kind))).map(Some)
                    }
                }
            }
            other @ (Phase::Waiting | Phase::File { .. }) => {
                self.phase = other;
                Ok(None)
            }
        }
    }

    fn collect_with(
        &self,
        now: Timestamp,
        base: &str,
        limit: usize,
        body: &[u8],
        counted: Option<u64>,
        export: &Export,
    ) -> Result<Option<(Collection, Collector)>, SourceErrorKind> {
        match self.archive.progress() {
            Some(Progress::Api(collector)) => {
                let mut collector = collector.clone();
                let collection = collector.handle_answer_with(now, limit, body, counted, export)?;
                Ok(collection.map(|collection| (collection, collector)))
            }
            _ => Collector::start_with(now, base, limit, body, counted, export)
                .map(|started| started.map(|(machine, first)| (first, machine))),
        }
    }

    fn collect(
        &self,
        now: Timestamp,
        base: &str,
        limit: usize,
        body: &[u8],
        counted: Option<u64>,
    ) -> Result<(Collection, Collector), SourceErrorKind> {
        match self.archive.progress() {
            Some(Progress::Api(collector)) => {
                let mut collector = collector.clone();
                let collection = collector.handle_answer(now, limit, body, counted)?;
                Ok((collection, collector))
            }
            _ => Collector::start(now, base, limit, body, counted).map(|(machine, first)| (first, machine)),
        }
    }

    /// The answer to an [`Output::Read`]; the round's report if it was the last one.
    pub fn handle_piece(
        &mut self,
        now: Timestamp,
        id: FetchId,
        piece: Result<Vec<u8>, FetchError>,
    ) -> Result<Option<Report>, ArchiveError> {
        let (Source::File { path }, Phase::File { rotated }) = (self.config.source.clone(), &self.phase)
        else {
            return Ok(None);
        };
        if id.0 != self.fetch {
            return Ok(None);
        }
        let rotated = *rotated;
        let mut tail = self.tail(now);
        let step = match (piece, rotated) {
            (Ok(piece), false) => tail.handle_current(now, &path, &piece),
            (Ok(piece), true) => tail.handle_rotated(now, Some(&piece)),
            (Err(FetchError::NoFile), true) => tail.handle_rotated(now, None),
            (Err(error), _) => Err(error.into_kind(Tail::PIECE_BYTES)),
        };
        match step {
            Ok(Step::LookForRest) => self.read(now, true),
            Ok(Step::More(collection)) => {
                self.record(now, collection, Progress::File(tail))?;
                self.read(now, rotated);
            }
            Ok(Step::Done(collection)) => {
                self.record(now, collection, Progress::File(tail))?;
                if !rotated {
                    return self.finish(now, Ok(())).map(Some);
                }
                self.read(now, false);
            }
            Err(kind) => {
                let place = if rotated { format!("{path}.1") } else { path };
                return self.finish(now, Err(SourceError::new(place, kind))).map(Some);
            }
        }
        Ok(None)
    }

    fn tail(&self, now: Timestamp) -> Tail {
        match self.archive.progress() {
            Some(Progress::File(tail)) => tail.clone(),
            _ => Tail::new(now),
        }
    }

    fn record(
        &mut self,
        now: Timestamp,
        collection: Collection,
        progress: Progress,
    ) -> Result<(), ArchiveError> {
        self.round.events += collection.events.len() as u64;
        let source = self.config.source.name();
        let facts = self.archive.record(now, source, collection, progress)?;
        self.round.facts.extend(facts);
        Ok(())
    }

    fn finish(&mut self, now: Timestamp, outcome: Result<(), SourceError>) -> Result<Report, ArchiveError> {
        self.phase = Phase::Waiting;
        let publication =
            if self.config.publishes { self.archive.publish_due(now)? } else { Publication::default() };
        let round = std::mem::take(&mut self.round);
        let mut facts = round.facts;
        facts.extend(publication.facts);
        Ok(Report {
            at: now,
            outcome: outcome.map(|()| round.events),
            facts,
            published: publication.published,
            statistics: round.statistics,
            export: round.export,
        })
    }

    fn get(&mut self, path: String, post: Option<String>, max_bytes: u64) {
        self.fetch += 1;
        self.output = Some(Output::Get(Get { id: FetchId(self.fetch), path, post, max_bytes }));
    }

    fn read(&mut self, now: Timestamp, rotated: bool) {
        let Source::File { path } = &self.config.source else { return };
        let path = if rotated { format!("{path}.1") } else { path.clone() };
        let offset = self.tail(now).wanted();
        self.fetch += 1;
        self.phase = Phase::File { rotated };
        let id = FetchId(self.fetch);
        self.output = Some(Output::Read(ReadFile { id, path, offset, max_bytes: Tail::PIECE_BYTES }));
    }
}

fn body(answer: Result<Response, FetchError>, max_bytes: u64) -> Result<Vec<u8>, SourceErrorKind> {
    let answer = answer.map_err(|error| error.into_kind(max_bytes))?;
    if answer.status != 200 {
        return Err(SourceErrorKind::Status { status: answer.status, found: excerpt(&answer.body) });
    }
    Ok(answer.body)
}
