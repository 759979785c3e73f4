//! Rules in a service of your own, over whatever it keeps: here a queue's depth, and nothing else.

use assurance_diagnostics::Source;
use assurance_metrics_model::{
    AppendError, Column, Labels, QueryError, Queryable, Selection, Series, TimeRange, Timestamp, Value,
};
use assurance_rules::{Config, EventKind, Manager, RuleFile, RuleStore};

const RULES: &str = "groups: [{name: q, interval: 10s, rules: [{alert: Long, expr: depth > 100, for: 20s}]}]";
struct Queue(Labels, Vec<(Timestamp, f64)>);

impl Series for &Queue {
    fn labels(&self) -> &Labels {
        &self.0
    }
    fn read(&self, range: TimeRange, into: &mut Column) -> Result<(), QueryError> {
        self.1
            .iter()
            .filter(|(at, _)| range.contains(*at))
            .for_each(|(at, depth)| into.push_float(*at, *depth));
        Ok(())
    }
}

impl Queryable for Queue {
    fn select(&self, selection: &Selection<'_>) -> Result<Vec<Box<dyn Series + '_>>, QueryError> {
        let matches = selection.matchers.iter().all(|matcher| matcher.matches_labels(&self.0));
        Ok(if matches { vec![Box::new(self)] } else { Vec::new() })
    }
    fn label_names(&self, _: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        Ok(vec!["__name__".to_owned()])
    }
    fn label_values(&self, _: &str, _: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        Ok(vec!["depth".to_owned()])
    }
}

type Sample = (Labels, Timestamp, Value);
impl RuleStore for Queue {
    fn queryable(&self) -> &dyn Queryable {
        self
    }
    fn append_all(&mut self, _: Timestamp, _: &mut dyn Iterator<Item = Sample>) -> Vec<AppendError> {
        Vec::new() // nobody asks this service for `ALERTS`
    }
}

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = RuleFile::parse(&Source::new("rules.yml", RULES)).map_err(|found| found[0].to_string())?;
    let mut queue = Queue(Labels::from_pairs([("__name__", "depth")]), Vec::new());
    let mut manager = Manager::new(Config::new(file.groups), Timestamp::EPOCH);
    for second in 0..60_i32 {
        let now = Timestamp::from_secs(second.into());
        queue.1.push((now, f64::from(second) * 10.0));
        manager.handle_timeout(now, &mut queue);
    }
    let fired = std::iter::from_fn(|| manager.poll_output()).filter(|e| e.kind == EventKind::Firing).count();
    if fired == 1 { Ok(()) } else { Err(format!("it fired {fired} times").into()) }
}
