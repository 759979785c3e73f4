//! PromQL over a service's own data: implement `Queryable`, parse, evaluate.

use assurance_metrics_model::{
    Column, Duration, Labels, QueryError, Queryable, Selection, Series, TimeRange, Timestamp,
};
use assurance_promql::{Options, QueryValue, parse, range};

/// What the service keeps anyway: the length of each queue, every minute.
struct Queues(Vec<(Labels, Vec<(Timestamp, f64)>)>);

struct Queue<'a>(&'a Labels, &'a [(Timestamp, f64)]);

impl Series for Queue<'_> {
    fn labels(&self) -> &Labels {
        self.0
    }

    fn read(&self, range: TimeRange, into: &mut Column) -> Result<(), QueryError> {
        let inside = self.1.iter().filter(|(at, _)| range.contains(*at));
        inside.for_each(|(at, length)| into.push_float(*at, *length));
        Ok(())
    }
}

impl Queryable for Queues {
    fn select(&self, selection: &Selection<'_>) -> Result<Vec<Box<dyn Series + '_>>, QueryError> {
        let matches = |labels: &Labels| selection.matchers.iter().all(|m| m.matches_labels(labels));
        let found = self.0.iter().filter(|(labels, _)| matches(labels));
        Ok(found.map(|(labels, lengths)| Box::new(Queue(labels, lengths)) as Box<dyn Series>).collect())
    }

    // Names and values of labels are for those who complete queries; an alert needs neither.
    fn label_names(&self, _: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        Ok(vec!["__name__".into(), "queue".into()])
    }

    fn label_values(&self, _: &str, _: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        Ok(Vec::new())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let labels = Labels::from_pairs([("__name__", "queue_length"), ("queue", "audit")]);
    let lengths = (0..=10).map(|minute| (Timestamp::from_secs(60 * minute), 3.0)).collect();
    let store = Queues(vec![(labels, lengths)]);

    let expr = parse("avg_over_time(queue_length[5m]) > 2")?;
    let (start, end) = (Timestamp::from_secs(300), Timestamp::from_secs(600));
    let answer = range(&expr, &store, start, end, Duration::from_minutes(1), &Options::default())?;
    let QueryValue::Matrix(matrix) = answer.value else { return Err("a range gives a matrix".into()) };
    assert_eq!((matrix.len(), matrix[0].samples.len()), (1, 6));
    assert_eq!(matrix[0].labels.to_string(), r#"{queue="audit"}"#);
    Ok(())
}
