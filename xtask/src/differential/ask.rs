//! Questions, and answers that can be compared.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::peers::http::{Client, Response};

/// When an expression is asked for, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    At(i64),
    Range { start: i64, end: i64, step: i64 },
}

impl std::fmt::Display for When {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            When::At(at) => write!(f, "at {}", seconds(*at)),
            When::Range { start, end, step } => {
                write!(f, "from {} to {} every {}s", seconds(*start), seconds(*end), step / 1000)
            }
        }
    }
}

/// What a server says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Error { kind: String, message: String },
    Found(Found),
}

/// Series by their labels as JSON, each with its points.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Found {
    pub(crate) kind: String,
    pub(crate) series: BTreeMap<String, Vec<(f64, f64)>>,
    /// The first values in the order given, for those who sort.
    pub(crate) order: Vec<f64>,
    /// Text, where the answer is one, and anything that is no plain number.
    pub(crate) other: Vec<String>,
}

impl Answer {
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Answer::Error { .. } => true,
            Answer::Found(found) => found.series.is_empty() && found.other.is_empty(),
        }
    }
}

/// Asks for an expression.
pub(crate) fn ask(client: &mut Client, expression: &str, when: When) -> Result<Answer, String> {
    let response = request(client, expression, when, &[])?;
    let json: Value = serde_json::from_slice(&response.body).map_err(|error| {
        format!("{expression}: no JSON: {error}: {}", String::from_utf8_lossy(&response.body))
    })?;
    Ok(read(&json))
}

/// The same with further fields, and the answer as it comes.
pub(crate) fn request(
    client: &mut Client,
    expression: &str,
    when: When,
    further: &[(&str, &str)],
) -> Result<Response, String> {
    let (path, times) = match when {
        When::At(at) => ("/api/v1/query", vec![("time", seconds(at))]),
        When::Range { start, end, step } => (
            "/api/v1/query_range",
            vec![("start", seconds(start)), ("end", seconds(end)), ("step", seconds(step))],
        ),
    };
    let mut fields = vec![("query", expression)];
    fields.extend(times.iter().map(|(name, value)| (*name, value.as_str())));
    fields.extend(further);
    client.form(path, &fields)
}

/// Milliseconds as the API writes times.
pub(crate) fn seconds(millis: i64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

fn read(json: &Value) -> Answer {
    if json["status"] != "success" {
        let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
        return Answer::Error { kind: text("errorType"), message: text("error") };
    }
    let data = &json["data"];
    let mut found =
        Found { kind: data["resultType"].as_str().unwrap_or_default().to_owned(), ..Found::default() };
    let result = &data["result"];
    match found.kind.as_str() {
        "scalar" => {
            found.series.extend(point(result).map(|point| (String::new(), vec![point])));
        }
        "vector" | "matrix" => {
            for one in result.as_array().into_iter().flatten() {
                let mut points: Vec<(f64, f64)> =
                    one["values"].as_array().into_iter().flatten().filter_map(point).collect();
                points.extend(point(&one["value"]));
                if !one["histogram"].is_null() || !one["histograms"].is_null() {
                    found.other.push(one.to_string());
                }
                found.order.extend(points.first().map(|(_, value)| *value));
                if found.series.insert(labels(&one["metric"]), points).is_some() {
                    found.other.push(format!("twice: {}", one["metric"]));
                }
            }
        }
        _ => found.other.push(result.to_string()),
    }
    Answer::Found(found)
}

fn labels(metric: &Value) -> String {
    let sorted: BTreeMap<&String, &Value> = metric.as_object().into_iter().flatten().collect();
    let pairs: Vec<String> = sorted.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

fn point(pair: &Value) -> Option<(f64, f64)> {
    Some((pair.get(0)?.as_f64()?, pair.get(1)?.as_str()?.parse().ok()?))
}
