//! Results of queries as JSON.

use assurance_metrics_model::{Value, format_float};
use assurance_promql::QueryValue;
use serde::Serialize;

use crate::answer::{ApiError, LabelMap, Point, sample_value};
use crate::stats::Stats;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QueryData {
    result_type: &'static str,
    result: QueryResult,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stats: Option<Stats>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum QueryResult {
    Point(Point),
    Vector(Vec<Element>),
    Matrix(Vec<Row>),
}

#[derive(Debug, Serialize)]
struct Element {
    metric: LabelMap,
    value: Point,
}

#[derive(Debug, Serialize)]
struct Row {
    metric: LabelMap,
    values: Vec<Point>,
}

impl QueryData {
    pub(crate) fn new(value: QueryValue) -> Result<Self, ApiError> {
        let result_type = value.value_type().as_str();
        let result = match value {
            QueryValue::Scalar { at, value } => QueryResult::Point(Point(at, format_float(value))),
            QueryValue::String { at, text } => QueryResult::Point(Point(at, text)),
            QueryValue::Vector(vector) => QueryResult::Vector(
                vector
                    .into_iter()
                    .map(|s| Ok(Element { metric: LabelMap(s.labels), value: Point(s.at, float(&s.value)?) }))
                    .collect::<Result<_, ApiError>>()?,
            ),
            QueryValue::Matrix(matrix) => QueryResult::Matrix(
                matrix
                    .into_iter()
                    .map(|series| {
                        let values = series.samples.iter().map(|(at, value)| Ok(Point(*at, float(value)?)));
                        Ok(Row {
                            metric: LabelMap(series.labels),
                            values: values.collect::<Result<_, ApiError>>()?,
                        })
                    })
                    .collect::<Result<_, ApiError>>()?,
            ),
        };
        Ok(Self { result_type, result, stats: None })
    }

    /// Keeps the first so many series; whether there were more.
    pub(crate) fn truncate(&mut self, limit: usize) -> bool {
        let before = match &mut self.result {
            QueryResult::Point(_) => return false,
            QueryResult::Vector(vector) => {
                let before = vector.len();
                vector.truncate(limit);
                before
            }
            QueryResult::Matrix(matrix) => {
                let before = matrix.len();
                matrix.truncate(limit);
                before
            }
        };
        before > limit
    }
}

fn float(value: &Value) -> Result<String, ApiError> {
    match value {
        Value::Float(v) => Ok(sample_value(*v)),
        _ => Err(ApiError::execution("the result has native histograms, which this API does not show yet")),
    }
}
