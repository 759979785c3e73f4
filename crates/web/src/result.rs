//! Results of queries as JSON.

use assurance_metrics_model::{Histogram, Timestamp, Value, format_float};
use assurance_promql::{MatrixSeries, QueryValue};
use serde::Serialize;

use crate::answer::{ApiError, FloatPoint, LabelMap, Point, Seconds, sample_value};
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
    #[serde(flatten)]
    sample: Sample,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Sample {
    Value(FloatPoint),
    Histogram(HistogramPoint),
}

#[derive(Debug, Serialize)]
struct Row {
    metric: LabelMap,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<FloatPoint>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    histograms: Vec<HistogramPoint>,
}

/// `[seconds, {…}]`
#[derive(Debug, Serialize)]
struct HistogramPoint(Seconds, HistogramValue);

/// A native histogram; a bucket is which bounds belong to it, the bounds, and its count.
#[derive(Debug, Serialize)]
struct HistogramValue {
    count: String,
    sum: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    buckets: Vec<(u8, String, String, String)>,
}

impl From<&Histogram> for HistogramValue {
    fn from(histogram: &Histogram) -> Self {
        let buckets = histogram.api_buckets().into_iter();
        Self {
            count: sample_value(histogram.count),
            sum: sample_value(histogram.sum),
            buckets: buckets
                .map(|b| (b.rule, sample_value(b.lower), sample_value(b.upper), sample_value(b.count)))
                .collect(),
        }
    }
}

impl Sample {
    fn new(at: Timestamp, value: &Value) -> Result<Self, ApiError> {
        match value {
            Value::Float(value) => Ok(Self::Value(FloatPoint(at, *value))),
            Value::Histogram(histogram) => {
                Ok(Self::Histogram(HistogramPoint(Seconds(at), histogram.as_ref().into())))
            }
            _ => Err(ApiError::execution("the result has values of a kind that this API does not know")),
        }
    }
}

impl Row {
    fn new(series: MatrixSeries) -> Result<Self, ApiError> {
        let mut row = Self { metric: LabelMap(series.labels), values: Vec::new(), histograms: Vec::new() };
        for (at, value) in &series.samples {
            match Sample::new(*at, value)? {
                Sample::Value(point) => row.values.push(point),
                Sample::Histogram(point) => row.histograms.push(point),
            }
        }
        Ok(row)
    }
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
                    .map(|s| Ok(Element { sample: Sample::new(s.at, &s.value)?, metric: LabelMap(s.labels) }))
                    .collect::<Result<_, ApiError>>()?,
            ),
            QueryValue::Matrix(matrix) => {
                QueryResult::Matrix(matrix.into_iter().map(Row::new).collect::<Result<_, ApiError>>()?)
            }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use assurance_metrics_model::{Histogram, Labels, Span, Timestamp, Value};
    use assurance_promql::{MatrixSeries, QueryValue, VectorSample};
    use serde_json::json;

    use super::QueryData;

    fn histogram() -> Value {
        Value::Histogram(Arc::new(Histogram {
            schema: 0,
            zero_threshold: 0.25,
            zero_count: 3.0,
            count: 42.0,
            sum: 34593.34,
            positive_spans: vec![Span { offset: 0, length: 2 }, Span { offset: 1, length: 1 }],
            positive_counts: vec![12.0, 0.0, 6.0],
            negative_spans: vec![Span { offset: 1, length: 1 }],
            negative_counts: vec![21.0],
            ..Histogram::default()
        }))
    }

    fn shown(value: QueryValue) -> serde_json::Value {
        serde_json::to_value(QueryData::new(value).unwrap()).unwrap()
    }

    #[test]
    fn a_histogram_of_an_instant_has_its_populated_buckets() {
        let at = Timestamp::from_millis(1500);
        let labels = Labels::from_pairs([("a", "b")]);
        let vector = vec![
            VectorSample { labels: labels.clone(), at, value: histogram() },
            VectorSample { labels, at, value: Value::Histogram(Arc::default()) },
        ];
        assert_eq!(
            shown(QueryValue::Vector(vector)),
            json!({"resultType": "vector", "result": [
                {"metric": {"a": "b"}, "histogram": [1.5, {"count": "42", "sum": "34593.34", "buckets": [
                    [1, "-2", "-1", "21"],
                    [3, "-0.25", "0.25", "3"],
                    [0, "0.5", "1", "12"],
                    [0, "4", "8", "6"],
                ]}]},
                {"metric": {"a": "b"}, "histogram": [1.5, {"count": "0", "sum": "0"}]},
            ]})
        );
    }

    #[test]
    fn a_row_has_floats_and_histograms_apart() {
        let at = Timestamp::from_secs;
        let rows = [
            vec![(at(1), Value::Float(1.0)), (at(2), histogram()), (at(3), Value::Float(2.0))],
            vec![(at(1), Value::Float(1.0))],
            vec![(at(1), histogram())],
        ];
        let series = rows.map(|samples| MatrixSeries { labels: Labels::empty(), samples });
        let result = shown(QueryValue::Matrix(series.to_vec()))["result"].clone();
        assert_eq!(result[0]["values"], json!([[1, "1"], [3, "2"]]));
        assert_eq!(result[0]["histograms"][0][0], 2);
        assert_eq!(result[0]["histograms"].as_array().unwrap().len(), 1);
        assert!(result[1].get("histograms").is_none() && result[2].get("values").is_none(), "{result}");
    }
}
