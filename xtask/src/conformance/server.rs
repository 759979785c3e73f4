//! A server of its own for each stretch between two `clear`, filled by remote write and asked over HTTP: what a
//! script finds out about the whole evaluator, as a stranger would.

use std::path::{Path, PathBuf};

use assurance_metrics_model::{Duration, Histogram, Labels, Span, Timestamp, Value};
use assurance_promql::{MatrixSeries, QueryValue, VectorSample};
use assurance_promqltest::{Answered, Refused, Sample, Subject};
use assurance_remote_write::{Counts, TimeSeries, encode};
use serde_json::Value as Json;

use crate::peers::http::Client;
use crate::peers::process::{Peer, evaluator};

/// Scripts live in 1970 and load what is older than what they have loaded, and use what Prometheus still calls
/// experimental.
const FLAGS: &[&str] = &[
    "--web.enable-remote-write-receiver",
    "--storage.tsdb.out-of-order-time-window=36500d",
    "--enable-feature=promql-experimental-functions,native-histograms,promql-delayed-name-removal,promql-duration-expr",
];

/// Samples of one message: a hundredth of what a server takes at once.
const MAX_SENT: usize = 10_000;

/// Digits of a bucket's bound that count: two programs may calculate a power with another last bit.
const BOUND_DIGITS: usize = 12;

/// The server as a script sees it.
pub(crate) struct Server {
    binary: PathBuf,
    folder: PathBuf,
    running: Option<(Peer, Client)>,
    /// Whether something was sent to it.
    filled: bool,
    starts: usize,
}

impl Server {
    /// A server that keeps its files in a folder of its own.
    pub(crate) fn new(binary: &str, folder: &Path) -> Self {
        let (binary, folder) = (PathBuf::from(binary), folder.to_owned());
        Self { binary, folder, running: None, filled: false, starts: 0 }
    }

    fn start(&mut self) -> Result<(), String> {
        // The one before has to be gone before its files go.
        self.running = None;
        let failed = |error: std::io::Error| error.to_string();
        if self.folder.exists() {
            fs_err::remove_dir_all(&self.folder).map_err(failed)?;
        }
        fs_err::create_dir_all(&self.folder).map_err(failed)?;
        let peer = evaluator(&self.binary, &self.folder, "global: {evaluation_interval: 1m}\n", FLAGS)?;
        let client = peer.client();
        self.running = Some((peer, client));
        self.filled = false;
        self.starts += 1;
        Ok(())
    }

    fn client(&mut self) -> Result<&mut Client, String> {
        match &mut self.running {
            Some((_, client)) => Ok(client),
            None => Err("the server is not running".to_owned()),
        }
    }

    fn write(&mut self, series: &[TimeSeries]) -> Result<(), String> {
        const HEADERS: &str = "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n\
                               X-Prometheus-Remote-Write-Version: 0.1.0\r\n";
        let body = encode(series, Counts::Float).map_err(|error| error.to_string())?;
        let response = self.client()?.request("POST", "/api/v1/write", HEADERS, &body)?;
        if response.status / 100 == 2 {
            return Ok(());
        }
        Err(format!("{}: {}", response.status, String::from_utf8_lossy(&response.body).trim()))
    }

    fn ask(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Answered, Refused> {
        let failed = |message: String| Refused { message };
        let response = self.client().and_then(|client| client.form(path, fields)).map_err(failed)?;
        let json: Json = serde_json::from_slice(&response.body)
            .map_err(|error| failed(format!("the answer is no JSON: {error}")))?;
        answer(&json).map_err(failed)
    }
}

impl Subject for Server {
    fn clear(&mut self) -> Result<(), String> {
        if self.running.is_some() && !self.filled { Ok(()) } else { self.start() }
    }

    fn load(&mut self, samples: &mut dyn Iterator<Item = Sample>) -> Result<(), String> {
        self.filled = true;
        messages(samples).iter().try_for_each(|message| self.write(message))
    }

    fn instant(&mut self, expr: &str, at: Timestamp) -> Result<Answered, Refused> {
        self.ask("/api/v1/query", &[("query", expr), ("time", &seconds(at))])
    }

    fn range(
        &mut self,
        expr: &str,
        start: Timestamp,
        end: Timestamp,
        step: Duration,
    ) -> Result<Answered, Refused> {
        let step = seconds(Timestamp::EPOCH + step);
        let fields = [("query", expr), ("start", &seconds(start)), ("end", &seconds(end)), ("step", &step)];
        self.ask("/api/v1/query_range", &fields)
    }

    fn shown(&self, histogram: &Histogram) -> Option<Histogram> {
        let buckets = histogram.api_buckets();
        let buckets = buckets.iter().map(|b| Shown { lower: b.lower, upper: b.upper, count: b.count });
        Some(shown(histogram.count, histogram.sum, buckets))
    }

    fn knows_before_1970(&self) -> bool {
        false
    }
}

/// A load as messages: one has samples of one kind for each series.
fn messages(samples: &mut dyn Iterator<Item = Sample>) -> Vec<Vec<TimeSeries>> {
    let mut messages: Vec<Vec<TimeSeries>> = Vec::new();
    let mut sizes: Vec<usize> = Vec::new();
    // The message that takes the next sample of the series at hand.
    let mut at = 0;
    let mut before: Option<(Labels, bool)> = None;
    for Sample { labels, at: time, value, start: _ } in samples {
        let is_float = matches!(value, Value::Float(_));
        match &before {
            Some((known, _)) if *known != labels => at = 0,
            Some((_, was_float)) if *was_float != is_float => at += 1,
            _ => {}
        }
        while sizes.get(at).is_some_and(|size| *size >= MAX_SENT) {
            at += 1;
        }
        if messages.len() <= at {
            messages.push(Vec::new());
            sizes.push(0);
        }
        match messages[at].last_mut().filter(|series| series.labels == labels) {
            Some(series) => series.samples.push((time, value)),
            None => messages[at].push(TimeSeries { labels: labels.clone(), samples: vec![(time, value)] }),
        }
        sizes[at] += 1;
        before = Some((labels, is_float));
    }
    messages
}

/// A bucket as an answer shows it.
struct Shown {
    lower: f64,
    upper: f64,
    count: f64,
}

/// What an answer shows of a histogram, in a form that is compared by custom bounds: lower and upper one in turn.
fn shown(count: f64, sum: f64, buckets: impl Iterator<Item = Shown>) -> Histogram {
    let rounded = |bound: f64| format!("{bound:.*e}", BOUND_DIGITS - 1).parse().unwrap_or(bound);
    let mut histogram = Histogram { schema: Histogram::CUSTOM_BUCKETS, count, sum, ..Histogram::default() };
    for bucket in buckets.filter(|bucket| bucket.count != 0.0) {
        histogram.bounds.extend([rounded(bucket.lower), rounded(bucket.upper)]);
        histogram.positive_counts.push(bucket.count);
    }
    let length = u32::try_from(histogram.positive_counts.len()).unwrap_or(u32::MAX);
    histogram.positive_spans = vec![Span { offset: 0, length }];
    histogram
}

fn seconds(at: Timestamp) -> String {
    let millis = at.as_millis();
    let sign = if millis < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", millis.unsigned_abs() / 1000, millis.unsigned_abs() % 1000)
}

/// Reads an answer of Prometheus's API.
fn answer(json: &Json) -> Result<Answered, String> {
    if json["status"] != "success" {
        let error = json["error"].as_str().ok_or("an answer without status and error")?;
        return Err(error.strip_prefix("invalid parameter \"query\": ").unwrap_or(error).to_owned());
    }
    let texts = |name: &str| -> Vec<String> {
        let all = json[name].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let result = &json["data"]["result"];
    let all = || result.as_array().ok_or_else(|| format!("a result that is no list: {result}"));
    let value = match json["data"]["resultType"].as_str() {
        Some("scalar") => {
            let (at, value) = point(result)?;
            QueryValue::Scalar { at, value: number(value)? }
        }
        Some("string") => {
            let (at, value) = point(result)?;
            QueryValue::String { at, text: value.as_str().unwrap_or_default().to_owned() }
        }
        Some("vector") => {
            let samples = all()?.iter().map(|one| {
                let (at, value) = match &one["histogram"] {
                    Json::Null => float(&one["value"])?,
                    found => histogram(found)?,
                };
                Ok(VectorSample { labels: labels(&one["metric"])?, at, value })
            });
            QueryValue::Vector(samples.collect::<Result<_, String>>()?)
        }
        Some("matrix") => QueryValue::Matrix(all()?.iter().map(matrix_series).collect::<Result<_, _>>()?),
        other => return Err(format!("a result of type {other:?}")),
    };
    Ok(Answered { value, warnings: texts("warnings"), infos: texts("infos") })
}

fn matrix_series(json: &Json) -> Result<MatrixSeries, String> {
    let points = |name: &str| json[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let floats = points("values").iter().map(float);
    let histograms = points("histograms").iter().map(histogram);
    let mut samples: Vec<(Timestamp, Value)> = floats.chain(histograms).collect::<Result<_, _>>()?;
    samples.sort_by_key(|(at, _)| *at);
    Ok(MatrixSeries { labels: labels(&json["metric"])?, samples })
}

fn labels(json: &Json) -> Result<Labels, String> {
    let pairs = json.as_object().ok_or_else(|| format!("labels that are none: {json}"))?;
    Ok(Labels::from_pairs(pairs.iter().map(|(name, value)| (name, value.as_str().unwrap_or_default()))))
}

fn point(json: &Json) -> Result<(Timestamp, &Json), String> {
    let at = json[0].as_f64().ok_or_else(|| format!("a point without a time: {json}"))?;
    Ok((Timestamp::from_secs_f64(at), &json[1]))
}

fn float(json: &Json) -> Result<(Timestamp, Value), String> {
    let (at, value) = point(json)?;
    Ok((at, Value::Float(number(value)?)))
}

fn number(json: &Json) -> Result<f64, String> {
    let number = json.as_str().and_then(assurance_metrics_model::parse_float);
    number.ok_or_else(|| format!("a number that is none: {json}"))
}

fn histogram(json: &Json) -> Result<(Timestamp, Value), String> {
    let (at, json) = point(json)?;
    let buckets = json["buckets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let buckets: Vec<Shown> = buckets
        .iter()
        .map(|b| Ok(Shown { lower: number(&b[1])?, upper: number(&b[2])?, count: number(&b[3])? }))
        .collect::<Result<_, String>>()?;
    let histogram = shown(number(&json["count"])?, number(&json["sum"])?, buckets.into_iter());
    Ok((at, Value::Histogram(histogram.into())))
}

#[cfg(test)]
mod tests {
    use assurance_promqltest::parse_histogram;

    use super::*;

    #[test]
    fn answers_are_read() {
        let read = |text: &str| answer(&serde_json::from_str(text).expect("JSON"));
        let vector = read(
            r#"{"status":"success","data":{"resultType":"vector","result":[
                {"metric":{"__name__":"m"},"value":[1.5,"+Inf"]},
                {"metric":{"a":"1"},"histogram":[1.5,{"count":"3","sum":"4","buckets":[[0,"1","2","3"]]}]}
            ]},"warnings":["w"],"infos":["i"]}"#,
        )
        .expect("an answer");
        assert_eq!((vector.warnings, vector.infos), (vec!["w".to_owned()], vec!["i".to_owned()]));
        let QueryValue::Vector(samples) = vector.value else { panic!("a vector") };
        assert_eq!(
            (samples[0].labels.to_string(), &samples[0].value),
            ("m".to_owned(), &f64::INFINITY.into())
        );
        let Value::Histogram(found) = &samples[1].value else { panic!("a histogram") };
        assert_eq!((found.count, found.sum, found.bounds.as_slice()), (3.0, 4.0, [1.0, 2.0].as_slice()));
        assert_eq!(samples[1].at.as_millis(), 1500);

        let matrix = read(
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},
                "values":[[1,"1"],[3,"3"]],"histograms":[[2,{"count":"0","sum":"0"}]]}]}}"#,
        );
        let QueryValue::Matrix(series) = matrix.expect("an answer").value else { panic!("a matrix") };
        let times: Vec<i64> = series[0].samples.iter().map(|(at, _)| at.as_millis()).collect();
        assert_eq!(times, [1000, 2000, 3000]);

        for (text, value) in [
            (
                r#"{"status":"success","data":{"resultType":"scalar","result":[0,"2"]}}"#,
                QueryValue::Scalar { at: Timestamp::EPOCH, value: 2.0 },
            ),
            (
                r#"{"status":"success","data":{"resultType":"string","result":[0,"a"]}}"#,
                QueryValue::String { at: Timestamp::EPOCH, text: "a".to_owned() },
            ),
        ] {
            assert_eq!(read(text).expect("an answer").value, value);
        }
        for (text, said) in [
            (r#"{"status":"error","error":"invalid parameter \"query\": 1:2: no"}"#, "1:2: no"),
            (r#"{"status":"error","error":"no"}"#, "no"),
            ("{}", "an answer without status and error"),
        ] {
            assert_eq!(read(text).expect_err("an error"), said);
        }
    }

    #[test]
    fn a_histogram_is_compared_by_what_an_answer_shows_of_it() {
        let server = Server::new("none", Path::new("none"));
        let of = |text: &str| server.shown(&parse_histogram(text).expect(text)).expect("shown");
        let wanted = of("{{schema:1 count:3 sum:4 z_bucket:1 z_bucket_w:0.5 buckets:[0 2]}}");
        assert_eq!(wanted.positive_counts, [1.0, 2.0]);
        assert_eq!(wanted.bounds[..3], [-0.5, 0.5, 1.0]);
        assert_eq!(wanted.bounds[3].to_string(), "1.41421356237");
        assert_eq!(wanted, of("{{schema:1 count:3 sum:4 z_bucket:1 z_bucket_w:0.5 buckets:[2] offset:1}}"));
        assert_ne!(wanted, of("{{schema:1 count:3 sum:4 z_bucket:1 z_bucket_w:0.25 buckets:[0 2]}}"));
    }

    #[test]
    fn a_message_holds_one_kind_of_each_series_and_not_too_many() {
        let sample = |name: &str, at: i64, float: bool| Sample {
            labels: Labels::from_pairs([("__name__", name)]),
            at: Timestamp::from_secs(at),
            value: if float { 1.0.into() } else { Value::Histogram(Histogram::default().into()) },
            start: None,
        };
        let kinds = |message: &[TimeSeries]| -> Vec<(String, usize)> {
            message.iter().map(|s| (s.labels.to_string(), s.samples.len())).collect()
        };
        let mixed = [(1, true), (2, true), (3, false), (4, true)];
        let samples =
            mixed.map(|(at, float)| sample("m", at, float)).into_iter().chain([sample("n", 1, false)]);
        let messages = messages(&mut { samples });
        let shown: Vec<_> = messages.iter().map(|message| kinds(message)).collect();
        let m = |count| ("m".to_owned(), count);
        assert_eq!(shown, [vec![m(2), ("n".to_owned(), 1)], vec![m(1)], vec![m(1)]]);
        let many = (0..25_000).map(|at| sample("m", at, true));
        let sizes: Vec<usize> = super::messages(&mut { many }).iter().map(|m| m[0].samples.len()).collect();
        assert_eq!(sizes, [10_000, 10_000, 5_000]);
    }

    #[test]
    fn times_are_written_as_seconds() {
        let written = [0, 1500, -1500, 90_001].map(|millis| seconds(Timestamp::from_millis(millis)));
        assert_eq!(written, ["0.000", "1.500", "-1.500", "90.001"]);
    }
}
