//! From the file to [`Intents`], with every flaw at its place.

use std::collections::BTreeMap;
use std::fmt;

use assurance_diagnostics::yaml::{self, PathSegment};
use assurance_diagnostics::{Diagnostic, Source, suggest};
use assurance_metrics_model::Duration;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

use super::{
    AbsenceForm, Aggregation, Environment, EventSelector, Intent, Intents, MAX_INTENTS, Phase, Subject,
    Survival, Violation,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    version: u32,
    #[serde(default)]
    environment: Environment,
    intents: Vec<RawIntent>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawIntent {
    id: String,
    #[serde(default)]
    aliases: BTreeMap<String, String>,
    alert: String,
    #[serde(default, rename = "match")]
    matching: BTreeMap<String, String>,
    violation: RawViolation,
    #[serde(deserialize_with = "duration")]
    detect_within: Duration,
    #[serde(default, deserialize_with = "maybe_duration")]
    notify_within: Option<Duration>,
    #[serde(default, deserialize_with = "maybe_duration")]
    clear_within: Option<Duration>,
    #[serde(default, deserialize_with = "maybe_duration")]
    quiet_otherwise: Option<Duration>,
    #[serde(default)]
    labels_required: Vec<String>,
    #[serde(default)]
    severity: Option<String>,
    #[serde(default)]
    route: Vec<String>,
    #[serde(default)]
    runbook: Option<String>,
    #[serde(default)]
    must_survive: RawSurvival,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSurvival {
    #[serde(default)]
    lost_scrapes: Option<u32>,
    #[serde(default)]
    restarts: Option<u32>,
}

/// All keys of all kinds; [`kind_keys`] says which belong together.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawViolation {
    kind: Kind,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    metric: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, OneOrMore>,
    #[serde(default)]
    is: Option<f64>,
    #[serde(default, deserialize_with = "maybe_duration")]
    min_hold: Option<Duration>,
    #[serde(default, deserialize_with = "maybe_duration")]
    over: Option<Duration>,
    #[serde(default)]
    more_than: Option<f64>,
    #[serde(default)]
    per: Option<Per>,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    of: Option<String>,
    #[serde(default, rename = "for", deserialize_with = "maybe_duration")]
    hold: Option<Duration>,
    #[serde(default)]
    forms: Vec<Form>,
    #[serde(default)]
    first: Option<RawSelector>,
    #[serde(default)]
    then: Option<RawSelector>,
    #[serde(default, deserialize_with = "maybe_duration")]
    within: Option<Duration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSelector {
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    metric: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, OneOrMore>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Event,
    State,
    Count,
    Rate,
    Absence,
    Sequence,
    Never,
    Always,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Per {
    Second,
    Minute,
    Hour,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    Down,
    Removed,
    Empty,
    Garbage,
}

/// `gate: ipv6_gate` or `gate: [ipv6_gate, dmz_gate]`.
struct OneOrMore(Vec<String>);

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values;
        impl<'de> Visitor<'de> for Values {
            type Value = OneOrMore;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<OneOrMore, E> {
                Ok(OneOrMore(vec![value.to_owned()]))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMore, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = seq.next_element()? {
                    values.push(value);
                }
                Ok(OneOrMore(values))
            }
        }
        deserializer.deserialize_any(Values)
    }
}

impl<'de> Deserialize<'de> for Phase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "any" {
            return Ok(Self::Any);
        }
        text.parse().map(Self::Fixed).map_err(|error| de::Error::custom(format!("{error}; or write `any`")))
    }
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

pub(super) fn maybe_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse()).transpose().map_err(de::Error::custom)
}

pub(super) fn durations<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<(Duration, Duration), D::Error> {
    let (from, to) = <(String, String)>::deserialize(deserializer)?;
    Ok((from.parse().map_err(de::Error::custom)?, to.parse().map_err(de::Error::custom)?))
}

/// The keys of a kind beside `kind`: those it must have, and those it may.
const fn kind_keys(kind: Kind) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        Kind::Event => (&[], &["source", "metric", "labels"]),
        Kind::State => (&["metric"], &["is", "min_hold"]),
        Kind::Count => (&["over", "more_than"], &["source", "metric", "labels", "group", "min_hold"]),
        Kind::Rate => (&["over", "more_than", "per"], &["source", "metric", "labels", "group", "min_hold"]),
        Kind::Absence => (&["for"], &["of", "forms", "source", "metric", "labels"]),
        Kind::Sequence => (&["first", "then", "within"], &[]),
        Kind::Never => (&[], &["source", "metric", "labels"]),
        Kind::Always => (&[], &[]),
    }
}

/// Where a flaw stands, so that each check is one line.
struct At<'a> {
    source: &'a Source,
    path: Vec<PathSegment>,
}

impl At<'_> {
    fn flaw(&self, key: &str, message: impl Into<Box<str>>) -> Diagnostic {
        let mut path = self.path.clone();
        path.push(key.into());
        let span = yaml::locate(self.source, &path).or_else(|| yaml::locate_key(self.source, &self.path));
        Diagnostic::error(self.source, span, message)
    }

    fn flaw_at_key(&self, key: &str, message: impl Into<Box<str>>) -> Diagnostic {
        let mut path = self.path.clone();
        path.push(key.into());
        Diagnostic::error(self.source, yaml::locate_key(self.source, &path), message)
    }
}

impl Intents {
    /// Reads an intents file and checks that it agrees with itself.
    ///
    /// # Errors
    /// The first flaw, at its place.
    pub fn parse(source: &Source) -> Result<Self, Diagnostic> {
        let raw: RawFile = yaml::parse(source)?;
        let top = At { source, path: Vec::new() };
        if raw.version != 1 {
            let message = format!("version {} of the format is not known", raw.version);
            return Err(top.flaw("version", message).with_help("write `version: 1`"));
        }
        check_environment(source, &raw.environment)?;
        if raw.intents.len() > MAX_INTENTS {
            let message = format!("{} intents are more than {MAX_INTENTS}", raw.intents.len());
            return Err(top.flaw_at_key("intents", message).with_help("split the file into several"));
        }
        let mut intents: Vec<Intent> = Vec::with_capacity(raw.intents.len());
        for (index, raw) in raw.intents.into_iter().enumerate() {
            let at = At { source, path: vec!["intents".into(), index.into()] };
            if intents.iter().any(|intent| intent.id == raw.id) {
                return Err(at
                    .flaw("id", format!("intent {:?} is given twice", raw.id))
                    .with_help("give each promise an id of its own; `match` tells rules of one name apart"));
            }
            intents.push(intent(&at, raw)?);
        }
        Ok(Self { version: raw.version, environment: raw.environment, intents })
    }
}

fn check_environment(source: &Source, environment: &Environment) -> Result<(), Diagnostic> {
    let at = |keys: &[&str]| At { source, path: keys.iter().map(|key| (*key).into()).collect() };
    let positive = |keys: &[&str], value: Option<Duration>| match value {
        Some(value) if value <= Duration::ZERO => Err(at(keys).flaw("interval", "must be longer than 0s")),
        _ => Ok(()),
    };
    positive(&["environment", "scrape"], environment.scrape.interval)?;
    positive(&["environment", "eval"], Some(environment.eval.interval))?;
    positive(&["environment", "collection"], Some(environment.collection.interval))?;
    for (keys, loss) in [
        (["environment", "scrape", "lost"], environment.scrape.lost),
        (["environment", "eval", "skipped"], environment.eval.skipped),
    ] {
        if !(0.0..=1.0).contains(&loss.max_ratio) {
            return Err(at(&keys).flaw("max_ratio", "a ratio is between 0 and 1"));
        }
    }
    if environment.counter_base.is_empty() {
        return Err(at(&["environment"])
            .flaw("counter_base", "there is no value to begin with")
            .with_help("write `counter_base: [0]` for counters that begin with the world"));
    }
    Ok(())
}

fn intent(at: &At<'_>, raw: RawIntent) -> Result<Intent, Diagnostic> {
    if raw.detect_within <= Duration::ZERO {
        return Err(at.flaw("detect_within", "nothing is detected at once; give it some time"));
    }
    if let Some(notify) = raw.notify_within.filter(|notify| *notify < raw.detect_within) {
        let message = format!("notified within {notify}, but detected only within {}", raw.detect_within);
        return Err(at
            .flaw("notify_within", message)
            .with_help("give it as long as `detect_within`, and more"));
    }
    let mut path = at.path.clone();
    path.push("violation".into());
    let violation = violation(&At { source: at.source, path }, raw.violation)?;
    Ok(Intent {
        id: raw.id,
        aliases: raw.aliases,
        alert: raw.alert,
        matching: raw.matching,
        violation,
        detect_within: raw.detect_within,
        notify_within: raw.notify_within,
        clear_within: raw.clear_within,
        quiet_otherwise: raw.quiet_otherwise,
        labels_required: raw.labels_required,
        severity: raw.severity,
        route: raw.route,
        runbook: raw.runbook,
        must_survive: Survival {
            lost_scrapes: raw.must_survive.lost_scrapes,
            restarts: raw.must_survive.restarts,
        },
    })
}

/// The keys that a violation has.
fn given(raw: &RawViolation) -> Vec<&'static str> {
    let keys = [
        ("source", raw.source.is_some()),
        ("metric", raw.metric.is_some()),
        ("labels", !raw.labels.is_empty()),
        ("is", raw.is.is_some()),
        ("min_hold", raw.min_hold.is_some()),
        ("over", raw.over.is_some()),
        ("more_than", raw.more_than.is_some()),
        ("per", raw.per.is_some()),
        ("group", raw.group.is_some()),
        ("of", raw.of.is_some()),
        ("for", raw.hold.is_some()),
        ("forms", !raw.forms.is_empty()),
        ("first", raw.first.is_some()),
        ("then", raw.then.is_some()),
        ("within", raw.within.is_some()),
    ];
    keys.into_iter().filter_map(|(key, given)| given.then_some(key)).collect()
}

fn violation(at: &At<'_>, mut raw: RawViolation) -> Result<Violation, Diagnostic> {
    let (must, may) = kind_keys(raw.kind);
    let given = given(&raw);
    if let Some(wrong) = given.iter().find(|key| !must.contains(key) && !may.contains(key)) {
        let known: Vec<&str> = must.iter().chain(may).copied().collect();
        let flaw = at.flaw_at_key(wrong, format!("`{wrong}` has no meaning for this kind"));
        return Err(match suggest(wrong, known.iter().copied()) {
            Some(near) => flaw.with_help(format!("did you mean `{near}`?")),
            None if known.is_empty() => flaw.with_help("this kind takes no keys"),
            None => flaw.with_help(format!("this kind takes {}", known.join(", "))),
        });
    }
    if let Some(missing) = must.iter().find(|key| !given.contains(key)) {
        return Err(at.flaw("kind", format!("this kind needs `{missing}`")));
    }
    let over = raw.over.unwrap_or_default();
    let min_hold = raw.min_hold.unwrap_or_default();
    Ok(match raw.kind {
        Kind::Event => Violation::Event(events(at, &mut raw)?),
        Kind::State => {
            Violation::State { metric: raw.metric.unwrap_or_default(), is: raw.is.unwrap_or(1.0), min_hold }
        }
        Kind::Count | Kind::Rate => {
            let events = events(at, &mut raw)?;
            if over <= Duration::ZERO {
                return Err(at.flaw("over", "events are counted over a span longer than 0s"));
            }
            let per = match raw.per {
                None => over,
                Some(Per::Second) => Duration::from_secs(1),
                Some(Per::Minute) => Duration::from_minutes(1),
                Some(Per::Hour) => Duration::from_minutes(60),
            };
            let more_than = raw.more_than.unwrap_or_default() * (over.as_secs_f64() / per.as_secs_f64());
            if !more_than.is_finite() || more_than < 0.0 {
                return Err(at.flaw("more_than", "a count is a number from 0 on"));
            }
            let group = match raw.group.as_deref() {
                None | Some("total") => Aggregation::Total,
                Some(label) => Aggregation::By(label.to_owned()),
            };
            Violation::Count { events, over, more_than, group, min_hold }
        }
        Kind::Absence => Violation::Absence {
            of: subject(at, &mut raw)?,
            hold: raw.hold.unwrap_or_default(),
            forms: forms(&raw.forms),
        },
        Kind::Sequence => Violation::Sequence {
            first: selector(at, "first", raw.first)?,
            then: selector(at, "then", raw.then)?,
            within: raw.within.unwrap_or_default(),
        },
        Kind::Never if raw.source.is_none() && raw.metric.is_none() => Violation::Never(None),
        Kind::Never => Violation::Never(Some(events(at, &mut raw)?)),
        Kind::Always => Violation::Always,
    })
}

fn forms(raw: &[Form]) -> Vec<AbsenceForm> {
    if raw.is_empty() {
        return AbsenceForm::ALL.to_vec();
    }
    let form = |form: &Form| match form {
        Form::Down => AbsenceForm::Down,
        Form::Removed => AbsenceForm::Removed,
        Form::Empty => AbsenceForm::Empty,
        Form::Garbage => AbsenceForm::Garbage,
    };
    raw.iter().map(form).collect()
}

fn subject(at: &At<'_>, raw: &mut RawViolation) -> Result<Subject, Diagnostic> {
    let Some(of) = raw.of.take() else {
        return events(at, raw).map(Subject::Events);
    };
    match of.strip_prefix("job:").map(str::trim) {
        Some(job) if !job.is_empty() => Ok(Subject::Job(job.to_owned())),
        _ => Err(at
            .flaw("of", format!("{of:?} names nothing that can fall silent"))
            .with_help("write `job:NAME`; for events, name their `source` or `metric` instead of `of`")),
    }
}

fn events(at: &At<'_>, raw: &mut RawViolation) -> Result<EventSelector, Diagnostic> {
    let labels = std::mem::take(&mut raw.labels);
    let raw = RawSelector { source: raw.source.take(), metric: raw.metric.take(), labels };
    selector(at, "kind", Some(raw))
}

fn selector(at: &At<'_>, key: &str, raw: Option<RawSelector>) -> Result<EventSelector, Diagnostic> {
    let Some(raw) = raw else {
        return Err(at.flaw(key, "no events are named"));
    };
    let source = raw.source.map(|source| source.strip_prefix("audit:").unwrap_or(&source).trim().to_owned());
    if source.is_some() == raw.metric.is_some() {
        let message =
            if source.is_some() { "both a source and a metric are named" } else { "no events are named" };
        return Err(at
            .flaw(key, message)
            .with_help("name the audit event with `source`, or the counter that counts them with `metric`"));
    }
    let labels = raw.labels.into_iter().map(|(name, OneOrMore(values))| (name, values)).collect();
    Ok(EventSelector { source, metric: raw.metric, labels })
}
