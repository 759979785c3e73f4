//! A store in memory that keeps order as a real one does, and an edge that answers at once.

use std::collections::BTreeMap;

use assurance_metrics_model::{
    AppendError, AppendErrorKind, Appender, Duration, Labels, SeriesRef, Timestamp, Value, is_stale_nan,
};
use assurance_scrape::{
    JobConfig, Manager, Output, Request, Response, ScrapeError, ScrapeReport, TargetGroup,
};

/// 2026-01-01T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_secs(1_767_225_600);

#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) series: BTreeMap<Labels, Vec<(Timestamp, f64)>>,
    numbers: Vec<Labels>,
    pub(crate) max_series: Option<usize>,
    pub(crate) refused: Vec<AppendError>,
    /// How many appends came without the number handed out before.
    pub(crate) without_hint: usize,
}

impl Appender for Memory {
    fn append(
        &mut self,
        hint: Option<SeriesRef>,
        labels: &Labels,
        at: Timestamp,
        value: Value,
    ) -> Result<SeriesRef, AppendError> {
        let Value::Float(value) = value else { panic!("only floats are scraped") };
        let known = self.series.contains_key(labels);
        if let Some(SeriesRef(number)) = hint {
            assert_eq!(
                &self.numbers[usize::try_from(number).expect("small")],
                labels,
                "hint of another series"
            );
        } else {
            self.without_hint += 1;
        }
        let refuse = |kind| AppendError { labels: labels.clone(), at, kind };
        let full = self.max_series.filter(|max| !known && self.series.len() >= *max);
        let newest = self.series.get(labels).and_then(|samples| samples.last().copied());
        let error = match (full, newest) {
            (Some(limit), _) => Some(refuse(AppendErrorKind::TooManySeries { limit })),
            (None, Some((newest, _))) if at < newest => Some(refuse(AppendErrorKind::OutOfOrder { newest })),
            (None, Some((newest, old))) if at == newest => {
                if old.to_bits() == value.to_bits() {
                    return Ok(hint.unwrap_or_else(|| self.number(labels)));
                }
                Some(refuse(AppendErrorKind::DuplicateTimestamp))
            }
            _ => None,
        };
        if let Some(error) = error {
            self.refused.push(error.clone());
            return Err(error);
        }
        self.series.entry(labels.clone()).or_default().push((at, value));
        Ok(self.number(labels))
    }
}

impl Memory {
    fn number(&mut self, labels: &Labels) -> SeriesRef {
        let at = self.numbers.iter().position(|l| l == labels).unwrap_or_else(|| {
            self.numbers.push(labels.clone());
            self.numbers.len() - 1
        });
        SeriesRef(at as u64)
    }

    /// The samples of the series that prints as `series`, with times in milliseconds since [`START`];
    /// stale markers are `None`.
    pub(crate) fn samples(&self, series: &str) -> Vec<(i64, Option<f64>)> {
        self.series
            .iter()
            .filter(|(labels, _)| labels.to_string() == series)
            .flat_map(|(_, samples)| samples)
            .map(|(at, value)| ((*at - START).as_millis(), (!is_stale_nan(*value)).then_some(*value)))
            .collect()
    }

    /// The values of a series alone.
    pub(crate) fn values(&self, series: &str) -> Vec<Option<f64>> {
        self.samples(series).into_iter().map(|(_, value)| value).collect()
    }

    /// Series that are not about scraping.
    pub(crate) fn names(&self) -> Vec<String> {
        self.series
            .keys()
            .filter(|labels| labels.metric_name() != "up" && !labels.metric_name().starts_with("scrape_"))
            .map(ToString::to_string)
            .collect()
    }
}

pub(crate) struct Rig {
    pub(crate) manager: Manager,
    pub(crate) store: Memory,
    pub(crate) now: Timestamp,
}

/// A job of one target, `t:1`, every 30 s.
pub(crate) fn job() -> JobConfig {
    let mut job = JobConfig::new("j");
    job.scrape_interval = Duration::from_secs(30);
    job.static_targets = vec![group(&["t:1"])];
    job
}

pub(crate) fn group(targets: &[&str]) -> TargetGroup {
    TargetGroup { targets: targets.iter().map(|t| (*t).to_owned()).collect(), ..TargetGroup::default() }
}

/// `name` with the labels that `t:1` gives.
pub(crate) fn of_target(name: &str) -> String {
    format!("{name}{{instance=\"t:1\",job=\"j\"}}")
}

pub(crate) fn ok(body: &str, at: Timestamp) -> Result<Response, ScrapeError> {
    Ok(Response {
        status: 200,
        content_type: Some("text/plain; version=0.0.4".to_owned()),
        body: body.as_bytes().to_vec(),
        started: at,
        duration: Duration::from_millis(5),
    })
}

pub(crate) fn refused(at: Timestamp) -> Result<Response, ScrapeError> {
    Err(ScrapeError::new("connection refused", at, Duration::from_millis(1)))
}

impl Rig {
    pub(crate) fn new(job: JobConfig) -> Self {
        Self::of(vec![job])
    }

    pub(crate) fn of(jobs: Vec<JobConfig>) -> Self {
        Self { manager: Manager::new(jobs, &Labels::empty(), START), store: Memory::default(), now: START }
    }

    /// Goes to the next wake-up and gives what is to be done.
    pub(crate) fn wake(&mut self) -> (Vec<ScrapeReport>, Vec<Output>) {
        self.now = self.manager.poll_timeout().expect("something is due").max(self.now);
        let reports = self.manager.handle_timeout(self.now, &mut self.store);
        (reports, std::iter::from_fn(|| self.manager.poll_output()).collect())
    }

    /// Goes on to the next request.
    pub(crate) fn request(&mut self) -> Request {
        for _ in 0..100 {
            let (_, outputs) = self.wake();
            for output in outputs {
                if let Output::Scrape(request) = output {
                    return request;
                }
            }
        }
        panic!("no request for long");
    }

    /// Makes the next scrape with an outcome.
    pub(crate) fn outcome(
        &mut self,
        outcome: impl FnOnce(Timestamp) -> Result<Response, ScrapeError>,
    ) -> ScrapeReport {
        let request = self.request();
        self.manager
            .handle_response(self.now, request.id, outcome(self.now), &mut self.store)
            .expect("it is awaited")
    }

    /// Makes the next scrape with a body.
    pub(crate) fn body(&mut self, body: &str) -> ScrapeReport {
        self.outcome(|at| ok(body, at))
    }

    pub(crate) fn fail(&mut self) -> ScrapeReport {
        self.outcome(refused)
    }

    /// The values of a series of `t:1`.
    pub(crate) fn values(&self, name: &str) -> Vec<Option<f64>> {
        self.store.values(&of_target(name))
    }

    /// When scrape number `index` of `t:1` happened, in milliseconds since [`START`].
    pub(crate) fn at(&self, index: usize) -> i64 {
        self.store.samples(&of_target("up"))[index].0
    }
}
