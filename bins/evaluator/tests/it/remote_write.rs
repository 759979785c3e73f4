//! Samples that others write over real sockets, a real Prometheus among them.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use assurance_metrics_model::{Histogram, Labels, Span, Timestamp, Value};
use assurance_remote_write::{Counts, TimeSeries, encode};
use assurance_runtime::Clock;
use serde_json::json;

use crate::net::{self, Answer, Server, request};
use crate::peers::installed;
use crate::process::{Process, eventually, expect};
use crate::start::{ACTIVE, Running, folder, serve, write};

/// A server that scrapes nothing.
const QUIET: &str = "global: {evaluation_interval: 30s}\n";

const RECEIVE: [&str; 3] = [
    "--web.enable-remote-write-receiver",
    "--storage.tsdb.out-of-order-time-window=1000d",
    "--storage.tsdb.retention.time=100y",
];

fn receiver(more: &[&str]) -> (tempfile::TempDir, Running) {
    let folder = folder(QUIET, "");
    let server = serve(folder.path(), &[&RECEIVE, more].concat());
    (folder, server)
}

fn post(address: &str, all: &[TimeSeries], counts: Counts) -> Answer {
    let lines = ["Content-Type: application/x-protobuf", "Content-Encoding: snappy"];
    let body = encode(all, counts).expect("a short message");
    request("POST", address, "/api/v1/write", &lines, body).expect("an answer")
}

fn floats(name: &str, samples: &[(i64, f64)]) -> TimeSeries {
    TimeSeries {
        labels: Labels::from_pairs([("__name__", name), ("job", "loader")]),
        samples: samples.iter().map(|(secs, v)| (Timestamp::from_secs(*secs), Value::Float(*v))).collect(),
    }
}

fn histogram() -> Histogram {
    Histogram {
        zero_threshold: 0.001,
        zero_count: 1.0,
        count: 6.0,
        sum: 18.5,
        positive_spans: vec![Span { offset: 0, length: 2 }],
        positive_counts: vec![2.0, 3.0],
        ..Histogram::default()
    }
}

#[test]
fn a_load_of_1970_is_read_back_in_order_while_the_clock_stands_in_our_time() {
    let (_folder, server) = receiver(&[]);
    let written = |all: &[TimeSeries]| {
        let answer = post(&server.address, all, Counts::Float);
        assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{}", server.process.said());
    };
    let stale = f64::from_bits(0x7ff0_0000_0000_0002);
    written(&[floats("m", &[(300, 10.0), (360, 12.0), (420, stale)])]);
    written(&[floats("m", &[(0, 0.0), (60, 2.0), (120, 4.0)]), floats("other", &[(-60, 1.0)])]);
    written(&[floats("m", &[(180, 6.0), (240, 8.0), (0, 0.0)])]);

    let query = |path: &str| net::api(&server.address, path).unwrap_or_else(|error| panic!("{error}"));
    let metric = json!({"__name__": "m", "job": "loader"});
    let instant = query("/api/v1/query?query=m&time=0");
    assert_eq!(instant["result"], json!([{"metric": metric, "value": [0, "0"]}]));
    let before = query("/api/v1/query?query=other&time=-60");
    assert_eq!(before["result"][0]["value"], json!([-60, "1"]));
    let range = query("/api/v1/query_range?query=m&start=0&end=480&step=60");
    let values = ["0", "2", "4", "6", "8", "10", "12"];
    let values: Vec<_> = values.iter().enumerate().map(|(n, v)| json!([60 * n, v])).collect();
    assert_eq!(range["result"], json!([{"metric": metric, "values": values}]), "it ends at the marker");
    let rate = query("/api/v1/query?query=rate(m[5m1s])&time=300");
    assert_eq!(rate["result"][0]["value"][1], json!((10.0 / 301.0).to_string()));

    let again = post(&server.address, &[floats("m", &[(60, 3.0), (90, 3.0)])], Counts::Float);
    assert_eq!(again.status, 400);
    assert!(
        again.body.starts_with("duplicate sample for timestamp (1)\n1 samples are stored"),
        "{}",
        again.body
    );
    assert_eq!(query("/api/v1/query?query=m&time=90")["result"][0]["value"], json!([90, "3"]));
}

#[test]
fn histograms_of_both_kinds_are_taken() {
    let (_folder, server) =
        receiver(&["--enable-feature=native-histograms,promql-experimental-functions,no-such"]);
    let labels = Labels::from_pairs([("__name__", "h")]);
    let sample = |secs| (Timestamp::from_secs(secs), Value::Histogram(Arc::new(histogram())));
    let of = |secs| [TimeSeries { labels: labels.clone(), samples: vec![sample(secs)] }];
    for (secs, counts) in [(60, Counts::IntegerWhereWhole), (0, Counts::Float)] {
        let answer = post(&server.address, &of(secs), counts);
        assert_eq!(answer.status, 204, "{}", answer.body);
        assert_eq!(answer.header("x-prometheus-remote-write-histograms-written"), Some("1"));
    }
    let found = net::api(&server.address, "/api/v1/series?match[]=h&start=0&end=60").expect("an answer");
    assert_eq!(found, json!([{"__name__": "h"}]));
    for secs in [0, 60] {
        for (expr, value) in [("histogram_sum(h)", "18.5"), ("histogram_fraction(0,1,h)", "0.5")] {
            let path = format!("/api/v1/query?query={expr}&time={secs}");
            let read = net::api(&server.address, &path).expect("an answer");
            assert_eq!(read["result"][0]["value"], json!([secs, value]), "{expr}");
        }
    }
    let range =
        net::api(&server.address, "/api/v1/query_range?query=histogram_count(h)&start=0&end=60&step=60");
    assert_eq!(range.expect("an answer")["result"][0]["values"], json!([[0, "6"], [60, "6"]]));
    let said = server.process.said();
    assert!(
        said.contains("feature needs no enabling") && said.contains("feature=native-histograms"),
        "{said}"
    );
    assert!(
        said.contains("unknown option for --enable-feature") && said.contains("option=no-such"),
        "{said}"
    );
}

#[test]
fn nothing_is_taken_unless_it_is_enabled_and_nothing_late_unless_that_is() {
    let plain = folder(QUIET, "");
    let server = serve(plain.path(), &[]);
    let answer = post(&server.address, &[floats("m", &[(0, 1.0)])], Counts::Float);
    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.body,
        "remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n"
    );

    drop(server);

    // No retention is the default one, as in Prometheus.
    let strict =
        serve(plain.path(), &["--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=0s"]);
    assert_eq!(post(&strict.address, &[floats("m", &[(600, 1.0)])], Counts::Float).status, 204);
    let late = post(&strict.address, &[floats("m", &[(599, 1.0)])], Counts::Float);
    assert_eq!(late.status, 400);
    assert!(late.body.starts_with("out of order sample (1)\n"), "{}", late.body);

    // The configuration file says it as Prometheus's does.
    let lenient = folder("storage: {tsdb: {out_of_order_time_window: 1m}}\n", "");
    let server = serve(lenient.path(), &["--enable-feature=remote-write-receiver"]);
    for (secs, status) in [(600, 204), (540, 204), (539, 400)] {
        let answer = post(&server.address, &[floats("m", &[(secs, 1.0)])], Counts::Float);
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}

fn prometheus(folder: &Path, config: &str, flags: &[&str]) -> (Process, String) {
    write(folder.join("theirs.yml"), config);
    let mut command = Command::new("prometheus");
    command.current_dir(folder).args([
        "--config.file=theirs.yml",
        "--storage.tsdb.path=theirs",
        "--web.listen-address=127.0.0.1:0",
    ]);
    let mut process = Process::start(command.args(flags));
    let address = process.wait_for("msg=\"Listening on\" address=");
    process.wait_for("Server is ready to receive web requests");
    (process, address)
}

#[test]
fn a_prometheus_writes_what_it_scrapes_and_its_end() {
    if !installed("prometheus") {
        return;
    }
    let target = Server::start(ACTIVE);
    let (folder, server) = receiver(&[]);
    let config = format!(
        "global: {{scrape_interval: 500ms, external_labels: {{cluster: theirs}}}}\n\
         remote_write:\n  - url: http://{}/api/v1/write\n    queue_config: {{batch_send_deadline: 200ms}}\n\
         scrape_configs:\n  - job_name: theirs\n    static_configs: [{{targets: ['{}']}}]\n",
        server.address, target.address
    );
    let (theirs, _) = prometheus(folder.path(), &config, &[]);
    let expr = "sovereign_override_active{cluster=\"theirs\",job=\"theirs\"}";
    let value = eventually("a sample from Prometheus", || {
        net::value(&server.address, expr).map_err(|error| format!("{error}\n{}", theirs.said()))
    });
    assert_eq!(value, "1");
    // The target is no page of metrics any more: Prometheus marks its series as ended.
    target.answer("<html>\n");
    eventually("the end of the series", || {
        let all = net::value(&server.address, &format!("count({expr})"));
        expect(all.is_err_and(|error| error.ends_with("gives []")), "still there")
    });
    assert_eq!(net::value(&server.address, "up{job=\"theirs\"}").as_deref(), Ok("0"));
    let metrics = net::get(&server.address, "/metrics").expect("an answer").body;
    assert!(metrics.contains("assurance_remote_write_refused_samples_total 0\n"), "{metrics}");
}

#[test]
fn a_prometheus_reads_our_messages_and_hands_its_histograms_on() {
    if !installed("prometheus") {
        return;
    }
    let (folder, server) = receiver(&[]);
    let config = format!(
        "remote_write:\n  - url: http://{}/api/v1/write\n    send_native_histograms: true\n    \
         queue_config: {{batch_send_deadline: 200ms}}\n",
        server.address
    );
    let flags = ["--web.enable-remote-write-receiver", "--enable-feature=native-histograms"];
    let (theirs, address) = prometheus(folder.path(), &config, &flags);
    for (name, counts) in [("whole", Counts::IntegerWhereWhole), ("broken", Counts::Float)] {
        // It hands on only what came after its queue began, which it does not tell: so each look sends another.
        let found = eventually("their histogram", || {
            let labels = Labels::from_pairs([("__name__", name)]);
            let samples = vec![(Clock::system().now(), Value::Histogram(Arc::new(histogram())))];
            let answer = post(&address, &[TimeSeries { labels, samples }], counts);
            assert_eq!(answer.status, 204, "{}\n{}", answer.body, theirs.said());
            net::value(&server.address, &format!("histogram_sum({name})"))
                .map_err(|error| format!("{error}\n{}", theirs.said()))
        });
        assert_eq!(found, "18.5");
        let count = net::value(&address, &format!("histogram_count({name})"));
        assert_eq!(count.as_deref(), Ok("6"), "they read what we wrote");
    }
    let metrics = net::get(&server.address, "/metrics").expect("an answer").body;
    assert!(!metrics.contains("assurance_remote_write_samples_total{kind=\"histogram\"} 0\n"), "{metrics}");
}
