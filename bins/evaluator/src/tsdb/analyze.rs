//! `tsdb analyze`: where the space goes.

use std::fmt::Write as _;
use std::process::ExitCode;

use assurance_metrics_model::Timestamp;
use assurance_tsdb::inspect::Analysis;
use clap::Parser;
use serde_json::{Value, json};

use super::text::{Table, each, human, per_sample};
use super::{Looking, print, selectors, tell};
use crate::args::Output;
use crate::exit;
use crate::wire::fail;

#[derive(Clone, Debug, Parser)]
pub(crate) struct Analyze {
    #[command(flatten)]
    looking: Looking,
    /// One segment, such as 2026-01-02.0; all of them, and the log, by default.
    #[arg(value_name = "SEGMENT")]
    segment: Option<String>,
    /// How many lines each list has.
    #[arg(long, value_name = "LINES", default_value_t = 20)]
    limit: usize,
    /// Only series that this selector matches, or one of those, if given more than once.
    #[arg(long = "match", value_name = "SELECTOR")]
    matches: Vec<String>,
}

pub(crate) fn run(args: &Analyze) -> ExitCode {
    let selectors = match selectors(&args.matches) {
        Ok(selectors) => selectors,
        Err(code) => return code,
    };
    let inspection = match args.looking.open() {
        Ok(inspection) => inspection,
        Err(code) => return code,
    };
    let segment = args.segment.as_deref().map(|name| name.trim_start_matches("segments/"));
    let analysis = match inspection.analyze(segment, &selectors, args.limit) {
        Ok(analysis) => analysis,
        Err(error) => return fail(exit::IO, &error.to_string()),
    };
    if let Some(name) = segment
        && analysis.segments == 0
    {
        let message =
            format!("there is no segment {name} that can be opened; tsdb list shows those there are");
        return fail(exit::CONFIGURATION, &message);
    }
    match args.looking.output {
        Output::Text => print(&report(&analysis)),
        Output::Json => print(&format!("{:#}\n", json(&analysis))),
    }
    tell(&analysis.findings, analysis.findings_more, &analysis.removed)
}

#[expect(clippy::cast_precision_loss, reason = "a tenth of a percent is shown")]
fn share(part: u64, whole: u64) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{:.1}%", part as f64 * 100.0 / whole as f64) }
}

fn report(analysis: &Analysis) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    line(format!("Segments: {}", analysis.segments));
    if let (Some(first), Some(last)) = (analysis.first, analysis.last) {
        line(format!("Time: {first} to {last}, {}", last - first));
    }
    line(format!("Series: {}", analysis.series));
    line(format!("Label names: {}", analysis.name_count));
    line(format!("Unique label pairs: {}", analysis.pair_count));
    line(format!("Total label pairs: {}", analysis.labels));
    let each = each(analysis.bytes, analysis.samples);
    line(format!("Samples in segments: {}, {} ({each} B/sample)", analysis.samples, human(analysis.bytes)));
    line(format!("Index: {} ({})", human(analysis.index_bytes), share(analysis.index_bytes, analysis.bytes)));
    line(format!("Samples in the log: {}, {}", analysis.log_samples, human(analysis.log_bytes)));
    chunks(&mut out, analysis);
    let mut metrics = Table::new(&[">BYTES", ">SHARE", ">SAMPLES", ">B/SAMPLE", ">SERIES", "METRIC"]);
    for one in &analysis.metrics {
        metrics.row(vec![
            one.bytes.to_string(),
            share(one.bytes, analysis.bytes),
            one.samples.to_string(),
            super::text::each(one.bytes, one.samples),
            one.series.to_string(),
            if one.name.is_empty() { "(no name)".to_owned() } else { one.name.clone() },
        ]);
    }
    if !metrics.is_empty() {
        out.push_str("\nMetrics by bytes in segments:\n");
        out.push_str(&metrics.finish());
    }
    let pair = |((name, value), count): &((String, String), u64)| (format!("{name}={value}"), *count);
    let pairs = |all: &[((String, String), u64)]| all.iter().map(pair).collect::<Vec<_>>();
    list(&mut out, "Label pairs most involved in churning", &pairs(&analysis.churning_pairs));
    list(&mut out, "Label names most involved in churning", &analysis.churning_names);
    list(&mut out, "Most common label pairs", &pairs(&analysis.pairs));
    list(&mut out, "Label names with highest cumulative label value length", &analysis.value_bytes);
    list(&mut out, "Highest cardinality labels", &analysis.names);
    list(&mut out, "Highest cardinality metric names", &analysis.cardinality);
    out
}

fn list(out: &mut String, title: &str, all: &[(String, u64)]) {
    let _infallible = writeln!(out, "\n{title}:");
    for (name, count) in all {
        let _infallible = writeln!(out, "{count} {name}");
    }
}

fn chunks(out: &mut String, analysis: &Analysis) {
    let mut kinds = Table::new(&["CHUNKS", ">COUNT", ">SAMPLES", ">BYTES", ">B/SAMPLE"]);
    for one in analysis.kinds.iter().filter(|one| one.chunks > 0) {
        kinds.row(vec![
            one.kind.to_owned(),
            one.chunks.to_string(),
            one.samples.to_string(),
            one.bytes.to_string(),
            each(one.bytes, one.samples),
        ]);
    }
    let mut fill = Table::new(&["SAMPLES A CHUNK", ">CHUNKS"]);
    let mut least = 1;
    for (most, count) in &analysis.fill {
        fill.row(vec![format!("{least} to {most}"), count.to_string()]);
        least = most + 1;
    }
    if !kinds.is_empty() {
        let _infallible = write!(out, "\n{}\n{}", kinds.finish(), fill.finish());
    }
}

fn json(analysis: &Analysis) -> Value {
    let counts = |all: &[(String, u64)]| -> Vec<Value> {
        all.iter().map(|(name, count)| json!({"name": name, "value": count})).collect()
    };
    let pairs = |all: &[((String, String), u64)]| -> Vec<Value> {
        let one = |((name, value), count): &((String, String), u64)| json!({"name": name, "label": value, "value": count});
        all.iter().map(one).collect()
    };
    let metrics: Vec<Value> = analysis
        .metrics
        .iter()
        .map(|one| {
            let each = per_sample(one.bytes, one.samples);
            json!({
                "name": one.name, "bytes": one.bytes, "samples": one.samples,
                "series": one.series, "bytesPerSample": each,
            })
        })
        .collect();
    let kinds: Vec<Value> = analysis
        .kinds
        .iter()
        .map(
            |one| json!({"kind": one.kind, "chunks": one.chunks, "samples": one.samples, "bytes": one.bytes}),
        )
        .collect();
    let fill: Vec<Value> =
        analysis.fill.iter().map(|(most, chunks)| json!({"most": most, "chunks": chunks})).collect();
    json!({
        "segments": analysis.segments,
        "series": analysis.series,
        "labelNames": analysis.name_count,
        "labelPairs": analysis.pair_count,
        "totalLabelPairs": analysis.labels,
        "metricNames": analysis.metric_count,
        "samples": analysis.samples,
        "bytes": analysis.bytes,
        "indexBytes": analysis.index_bytes,
        "logSamples": analysis.log_samples,
        "logBytes": analysis.log_bytes,
        "first": analysis.first.map(Timestamp::as_millis),
        "last": analysis.last.map(Timestamp::as_millis),
        "metricsByBytes": metrics,
        "churningPairs": pairs(&analysis.churning_pairs),
        "churningNames": counts(&analysis.churning_names),
        "commonPairs": pairs(&analysis.pairs),
        "valueLengths": counts(&analysis.value_bytes),
        "labelCardinality": counts(&analysis.names),
        "metricCardinality": counts(&analysis.cardinality),
        "chunkKinds": kinds,
        "chunkFill": fill,
    })
}
