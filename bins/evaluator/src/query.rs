//! `query`: asks a running server, ours or a Prometheus, and prints what promtool prints.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration as StdDuration;

use assurance_metrics_model::{Duration, Labels, METRIC_NAME, Timestamp};
use assurance_runtime::Clock;
use assurance_runtime::http::{Client, ClientError, Limits, Response};
use serde_json::Value;

use crate::args::{Output, Query, QueryWhat};
use crate::exit;
use crate::wire::fail;

/// A server may take two minutes for a query, and 1 GiB is more than a terminal shows.
const LIMITS: Limits = Limits { timeout: StdDuration::from_secs(120), body: 1 << 30 };

/// How far a range reaches back where nothing says when it begins.
const RANGE: Duration = Duration::from_minutes(5);

/// Steps of a range where nothing says how long they are.
const STEPS: i64 = 250;

type Parameters = Vec<(&'static str, String)>;

pub(crate) async fn run(args: Query) -> ExitCode {
    let (common, path, parameters) = match asked(&args.what) {
        Ok(asked) => asked,
        Err(message) => return fail(exit::CONFIGURATION, &message),
    };
    let mut headers = Vec::new();
    for header in &common.header {
        match header.split_once([':', '=']) {
            Some((name, value)) => headers.push((name.trim().to_owned(), value.trim().to_owned())),
            None => {
                let message = format!("--header {header:?} has no value; write NAME=VALUE");
                return fail(exit::CONFIGURATION, &message);
            }
        }
    }
    let url = format!("{}{path}", common.server.trim_end_matches('/'));
    let answer = match ask(&url, headers, &parameters).await {
        Ok(answer) => answer,
        Err(error) => return fail(exit::FINDINGS, &format!("query error: {error}")),
    };
    let data = match data_of(&answer) {
        Ok(data) => data,
        Err(message) => return fail(exit::FINDINGS, &format!("query error: {message}")),
    };
    show(&data, common.output)
}

/// Which endpoint is asked for what.
fn asked(what: &QueryWhat) -> Result<(&crate::args::Asking, String, Parameters), String> {
    let mut parameters: Parameters = Vec::new();
    let mut push = |name: &'static str, value: Option<String>| {
        parameters.extend(value.map(|value| (name, value)));
    };
    let (asking, path) = match what {
        QueryWhat::Instant { asking, expression, time } => {
            push("query", Some(expression.clone()));
            push("time", instant("--time", time.as_deref())?.map(seconds));
            (asking, "/api/v1/query".to_owned())
        }
        QueryWhat::Range { asking, expression, start, end, step } => {
            let end = instant("--end", end.as_deref())?.unwrap_or_else(|| Clock::system().now());
            let start = instant("--start", start.as_deref())?.unwrap_or(end - RANGE);
            if end < start {
                return Err("--end lies before --start".to_owned());
            }
            let whole = (end - start).as_millis() / STEPS / 1000;
            let step = step.unwrap_or(Duration::from_secs(whole.max(1)));
            push("query", Some(expression.clone()));
            push("start", Some(seconds(start)));
            push("end", Some(seconds(end)));
            push("step", Some(step.as_secs_f64().to_string()));
            (asking, "/api/v1/query_range".to_owned())
        }
        QueryWhat::Series { asking, expressions, matches, start, end } => {
            for matcher in expressions.iter().chain(matches) {
                push("match[]", Some(matcher.clone()));
            }
            push("start", instant("--start", start.as_deref())?.map(seconds));
            push("end", instant("--end", end.as_deref())?.map(seconds));
            (asking, "/api/v1/series".to_owned())
        }
        QueryWhat::Labels { asking, name, matches, start, end } => {
            for matcher in matches {
                push("match[]", Some(matcher.clone()));
            }
            push("start", instant("--start", start.as_deref())?.map(seconds));
            push("end", instant("--end", end.as_deref())?.map(seconds));
            (asking, format!("/api/v1/label/{}/values", escape(name)))
        }
    };
    Ok((asking, path, parameters))
}

fn instant(flag: &str, text: Option<&str>) -> Result<Option<Timestamp>, String> {
    text.map(|text| text.parse().map_err(|error| format!("{flag}: {error}"))).transpose()
}

fn seconds(at: Timestamp) -> String {
    at.as_secs_f64().to_string()
}

/// Everything but letters, digits and a few signs as `%XX`.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            // Writing to a string cannot fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

/// A form by POST, which has no bound on its length; a server that takes none is asked by GET.
async fn ask(
    url: &str,
    mut headers: Vec<(String, String)>,
    parameters: &Parameters,
) -> Result<Response, ClientError> {
    let form: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    let form = form.join("&");
    let client = Client::plain()?;
    let by_get = format!("{url}?{form}");
    if url.ends_with("/values") {
        return client.get(&by_get, &headers, LIMITS).await;
    }
    let plain = headers.clone();
    headers.push(("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
    let answer = client.post(url, &headers, form.into(), LIMITS).await?;
    if matches!(answer.status, 405 | 501) { client.get(&by_get, &plain, LIMITS).await } else { Ok(answer) }
}

/// The data of an answer, or the server's reason why there are none.
#[expect(clippy::print_stderr, reason = "talk goes to stderr")]
fn data_of(answer: &Response) -> Result<Value, String> {
    let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body) else {
        return Err(format!(
            "the server answers with status {} and no JSON: {}",
            answer.status,
            answer.text()
        ));
    };
    if body["status"] != "success" {
        let text = |key: &str| body[key].as_str().unwrap_or("unknown").to_owned();
        return Err(format!("{}: {}", text("errorType"), text("error")));
    }
    for kind in ["warnings", "infos"] {
        for note in body[kind].as_array().into_iter().flatten().filter_map(Value::as_str) {
            eprintln!("{}: {note}", kind.trim_end_matches('s'));
        }
    }
    Ok(body["data"].take())
}

#[expect(clippy::print_stdout, reason = "the answer is what was asked for")]
fn show(data: &Value, output: Output) -> ExitCode {
    let result = data.get("result").unwrap_or(data);
    if output == Output::Json {
        println!("{result}");
        return ExitCode::SUCCESS;
    }
    let kind = data.get("resultType").and_then(Value::as_str).unwrap_or_default();
    let empty = Vec::new();
    let all = result.as_array().unwrap_or(&empty);
    match kind {
        "vector" => {
            let lines: Vec<String> = all
                .iter()
                .map(|one| {
                    let value = one.get("value").or_else(|| one.get("histogram")).unwrap_or(&Value::Null);
                    format!("{} => {}", metric(&one["metric"]), sample(value))
                })
                .collect();
            println!("{}", lines.join("\n"));
        }
        "matrix" => {
            let blocks: Vec<String> = all
                .iter()
                .map(|one| {
                    let samples = ["values", "histograms"].into_iter().filter_map(|key| one[key].as_array());
                    let samples: Vec<String> = samples.flatten().map(sample).collect();
                    format!("{} =>\n{}", metric(&one["metric"]), samples.join("\n"))
                })
                .collect();
            println!("{}", blocks.join("\n"));
        }
        "scalar" => println!("scalar: {}", sample(result)),
        "string" => println!("{}", all.get(1).and_then(Value::as_str).unwrap_or_default()),
        _ => {
            for one in all {
                match one {
                    Value::String(text) => println!("{text}"),
                    labels => println!("{}", in_braces(&labels_of(labels), true)),
                }
            }
        }
    }
    ExitCode::SUCCESS
}

fn labels_of(metric: &Value) -> Labels {
    let pairs = metric.as_object().into_iter().flatten();
    Labels::from_pairs(pairs.filter_map(|(name, value)| Some((name, value.as_str()?))))
}

/// A series as promtool prints it: with a blank after each comma.
fn metric(metric: &Value) -> String {
    let labels = labels_of(metric);
    let name = labels.metric_name();
    match in_braces(&labels, false) {
        braces if name.is_empty() => braces,
        braces if braces == "{}" => name.to_owned(),
        braces => format!("{name}{braces}"),
    }
}

fn in_braces(labels: &Labels, with_name: bool) -> String {
    let pairs = labels.iter().filter(|(name, _)| with_name || *name != METRIC_NAME);
    let pairs = pairs.map(|(name, value)| format!("{name}={}", assurance_metrics_model::Quoted(value)));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}

/// `[1700000000.5,"1"]` as `1 @[1700000000.5]`.
fn sample(pair: &Value) -> String {
    let value = match &pair[1] {
        Value::String(text) => match assurance_metrics_model::parse_float(text) {
            Some(value) => assurance_metrics_model::format_float(value),
            None => text.clone(),
        },
        histogram => histogram.to_string(),
    };
    format!("{value} @[{}]", pair[0])
}
