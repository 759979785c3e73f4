//! A store in memory and a manager over it, driven from wake-up to wake-up.

use std::collections::BTreeMap;

use assurance_diagnostics::Source;
use assurance_metrics_model::{
    AppendError, AppendErrorKind, Column, Duration, Labels, QueryError, Queryable, Selection, Series,
    TimeRange, Timestamp, Value,
};
use assurance_rules::{AlertEvent, Config, Group, GroupReport, Manager, RuleFile, RuleStore, Schedule};

/// Samples by series, refused when they are older than the newest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    series: BTreeMap<Labels, Vec<(Timestamp, Value)>>,
    /// Whether new series are refused.
    pub(crate) full: bool,
}

struct Row<'a>(&'a Labels, &'a [(Timestamp, Value)]);

impl Series for Row<'_> {
    fn labels(&self) -> &Labels {
        self.0
    }

    fn read(&self, range: TimeRange, into: &mut Column) -> Result<(), QueryError> {
        self.1.iter().filter(|(at, _)| range.contains(*at)).for_each(|(at, value)| into.push(*at, value));
        Ok(())
    }
}

impl Queryable for Memory {
    fn select(&self, selection: &Selection<'_>) -> Result<Vec<Box<dyn Series + '_>>, QueryError> {
        let fits = |(labels, samples): &(&Labels, &Vec<(Timestamp, Value)>)| {
            selection.matchers.iter().all(|m| m.matches_labels(labels))
                && samples.iter().any(|(at, _)| selection.range.contains(*at))
        };
        let rows = self.series.iter().filter(fits);
        Ok(rows.map(|(labels, samples)| Box::new(Row(labels, samples)) as Box<dyn Series>).collect())
    }

    fn label_names(&self, _: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        unreachable!("rules do not ask for names")
    }

    fn label_values(&self, _: &str, _: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        unreachable!("rules do not ask for values")
    }
}

impl Memory {
    fn push(&mut self, labels: Labels, at: Timestamp, value: Value) -> Result<(), AppendError> {
        if self.full && !self.series.contains_key(&labels) {
            return Err(AppendError { labels, at, kind: AppendErrorKind::TooManySeries { limit: 0 } });
        }
        let samples = self.series.entry(labels.clone()).or_default();
        match samples.last() {
            Some((newest, _)) if *newest > at => {
                Err(AppendError { labels, at, kind: AppendErrorKind::OutOfOrder { newest: *newest } })
            }
            Some((newest, known)) if *newest == at && *known != value => {
                Err(AppendError { labels, at, kind: AppendErrorKind::DuplicateTimestamp })
            }
            _ => {
                samples.push((at, value));
                Ok(())
            }
        }
    }

    /// The samples of one metric at one instant, ends of series left out.
    pub(crate) fn at(&self, name: &str, at: Timestamp) -> Vec<(Labels, f64)> {
        let found = self.series.iter().filter(|(labels, _)| labels.metric_name() == name);
        let samples = found.flat_map(|(labels, samples)| samples.iter().map(move |(t, v)| (labels, t, v)));
        let float = |(labels, t, value): (&Labels, &Timestamp, &Value)| match value {
            Value::Float(v) if *t == at && !value.is_stale() => Some((labels.clone(), *v)),
            _ => None,
        };
        samples.filter_map(float).collect()
    }

    /// The samples of series whose metric has a name, as lines.
    pub(crate) fn dump(&self, name: &str) -> String {
        let mut out = String::new();
        for (labels, samples) in self.series.iter().filter(|(labels, _)| labels.metric_name() == name) {
            let all: Vec<String> =
                samples.iter().map(|(at, value)| format!("{}={}", clock(*at), show(value))).collect();
            out.push_str(&format!("{labels} {}\n", all.join(" ")));
        }
        out
    }
}

fn show(value: &Value) -> String {
    match value {
        value if value.is_stale() => "stale".to_owned(),
        Value::Float(v) => v.to_string(),
        _ => "histogram".to_owned(),
    }
}

impl RuleStore for Memory {
    fn queryable(&self) -> &dyn Queryable {
        self
    }

    fn append_all(
        &mut self,
        _now: Timestamp,
        samples: &mut dyn Iterator<Item = (Labels, Timestamp, Value)>,
    ) -> Vec<AppendError> {
        samples.filter_map(|(labels, at, value)| self.push(labels, at, value).err()).collect()
    }
}

/// Minutes and seconds since the epoch.
pub(crate) fn clock(at: Timestamp) -> String {
    let seconds = at.as_millis() / 1000;
    let millis = at.as_millis() % 1000;
    let tail = if millis == 0 { String::new() } else { format!(".{millis:03}") };
    format!("{}:{:02}{tail}", seconds / 60, seconds % 60)
}

pub(crate) fn groups(text: &str) -> Vec<Group> {
    let file = RuleFile::parse(&Source::new("rules.yml", text));
    file.unwrap_or_else(|problems| panic!("{}", problems[0])).groups
}

/// A configuration whose groups are evaluated at whole multiples of their interval.
pub(crate) fn config(text: &str) -> Config {
    Config {
        schedule: Schedule::Aligned(Timestamp::EPOCH),
        external_labels: Labels::from_pairs([("site", "north")]),
        external_url: "http://localhost:9090/".to_owned(),
        ..Config::new(groups(text))
    }
}

pub(crate) struct Bench {
    pub(crate) manager: Manager,
    pub(crate) store: Memory,
    pub(crate) now: Timestamp,
    pub(crate) reports: Vec<GroupReport>,
}

impl Bench {
    /// A bench just before the epoch, so that the first evaluation is at it.
    pub(crate) fn new(text: &str) -> Self {
        Self::with(config(text))
    }

    pub(crate) fn with(config: Config) -> Self {
        let now = Timestamp::from_millis(-1);
        Self { manager: Manager::new(config, now), store: Memory::default(), now, reports: Vec::new() }
    }

    /// Loads a series: one word for each step of 30 s from the epoch, `_` for no sample, `stale` for its end.
    pub(crate) fn load(&mut self, labels: &[(&str, &str)], words: &str) -> &mut Self {
        let labels = Labels::from_pairs(labels.iter().copied());
        let samples = self.store.series.entry(labels).or_default();
        let mut at = Timestamp::EPOCH;
        for word in words.split(' ') {
            match word {
                "_" => {}
                "stale" => samples.push((at, Value::stale())),
                number => samples.push((at, Value::Float(number.parse().expect("a number")))),
            }
            at += Duration::from_secs(30);
        }
        self
    }

    /// Jumps from wake-up to wake-up, up to and including an instant.
    pub(crate) fn run_to(&mut self, seconds: i64) -> Vec<AlertEvent> {
        let end = Timestamp::from_secs(seconds);
        let mut events = Vec::new();
        while let Some(next) = self.manager.poll_timeout().filter(|next| *next <= end) {
            self.now = next;
            events.extend(self.wake());
        }
        self.now = end;
        events
    }

    /// Wakes the manager at `now`.
    pub(crate) fn wake(&mut self) -> Vec<AlertEvent> {
        self.reports.extend(self.manager.handle_timeout(self.now, &mut self.store));
        self.drain()
    }

    pub(crate) fn drain(&mut self) -> Vec<AlertEvent> {
        std::iter::from_fn(|| self.manager.poll_output()).collect()
    }
}

/// One line an event.
pub(crate) fn draw(events: &[AlertEvent]) -> String {
    let line = |event: &AlertEvent| {
        let alert = &event.alert;
        let ends = alert.ends_at().map_or_else(|| "-".to_owned(), clock);
        format!(
            "{} {}{} {} value {} active {} ends {ends}\n",
            clock(event.at),
            event.kind.as_str(),
            if event.notify { "!" } else { "" },
            alert.labels,
            alert.value,
            clock(alert.active_at),
        )
    };
    events.iter().map(line).collect()
}
