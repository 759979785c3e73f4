//! `tsdb dump`: samples as promtool's command of this name prints them.

use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use assurance_metrics_model::{Column, Labels, Quoted, TimeRange, Timestamp, Value, is_legacy_label_name};
use assurance_tsdb::inspect::DumpError;
use clap::Parser;
use serde_json::json;

use super::{Looking, selectors, tell};
use crate::args::Output;
use crate::exit;
use crate::wire::fail;

/// What stands for the end of a series: promtool prints NaN, which cannot be told from one that was measured.
const STALE: &str = "stale";

#[derive(Clone, Debug, Parser)]
pub(crate) struct Dump {
    #[command(flatten)]
    looking: Looking,
    /// No older samples: milliseconds since 1970, or RFC 3339.
    #[arg(long, value_name = "TIME", value_parser = millis, allow_hyphen_values = true)]
    min_time: Option<Timestamp>,
    /// No newer samples.
    #[arg(long, value_name = "TIME", value_parser = millis, allow_hyphen_values = true)]
    max_time: Option<Timestamp>,
    /// Only series that this selector matches, or one of those, if given more than once.
    #[arg(long = "match", value_name = "SELECTOR")]
    matches: Vec<String>,
}

/// As promtool: milliseconds. A date says itself what it is.
fn millis(text: &str) -> Result<Timestamp, String> {
    if let Ok(millis) = text.parse() {
        return Ok(Timestamp::from_millis(millis));
    }
    let date = text.contains('T').then(|| text.parse().ok()).flatten();
    date.ok_or_else(|| "write milliseconds since 1970, or a date such as 2026-01-02T03:04:05Z".to_owned())
}

pub(crate) fn run(args: &Dump) -> ExitCode {
    let range = match (args.min_time, args.max_time) {
        (None, None) => TimeRange::ALL,
        (first, last) => {
            let (first, last) = (first.unwrap_or(Timestamp::MIN), last.unwrap_or(Timestamp::MAX));
            if last < first {
                return fail(exit::CONFIGURATION, "--max-time lies before --min-time");
            }
            TimeRange::closed(first, last)
        }
    };
    let selectors = match selectors(&args.matches) {
        Ok(selectors) => selectors,
        Err(code) => return code,
    };
    let inspection = match args.looking.open() {
        Ok(inspection) => inspection,
        Err(code) => return code,
    };
    let mut out = BufWriter::with_capacity(1 << 18, io::stdout().lock());
    let output = args.looking.output;
    let mut text = String::new();
    let dumped = inspection.dump(&selectors, range, &mut |labels, column| {
        text.clear();
        match output {
            Output::Text => lines(&mut text, labels, column),
            Output::Json => json_line(&mut text, labels, column),
        }
        out.write_all(text.as_bytes())
    });
    let flushed = out.flush().map_err(DumpError::Output);
    match dumped.and_then(|dumped| flushed.map(|()| dumped)) {
        Ok(dumped) => tell(&dumped.findings, dumped.findings_more, &dumped.removed),
        // Whoever read it has seen enough.
        Err(DumpError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => fail(exit::IO, &error.to_string()),
    }
}

/// `{__name__="up", job="x"} 1 1700000000000`.
fn lines(out: &mut String, labels: &Labels, column: &Column) {
    let mut series = String::from("{");
    for (place, (name, value)) in labels.iter().enumerate() {
        series.push_str(if place > 0 { ", " } else { "" });
        let _infallible = if is_legacy_label_name(name) {
            write!(series, "{name}={}", Quoted(value))
        } else {
            write!(series, "{}={}", Quoted(name), Quoted(value))
        };
    }
    series.push('}');
    for (n, at) in column.timestamps().iter().enumerate() {
        out.push_str(&series);
        out.push(' ');
        sample(out, column, n);
        let _infallible = writeln!(out, " {}", at.as_millis());
    }
}

fn sample(out: &mut String, column: &Column, n: usize) {
    if column.is_stale(n) {
        return out.push_str(STALE);
    }
    match column.value(n) {
        Value::Float(value) => general(out, value),
        Value::Histogram(histogram) => {
            let _infallible = write!(out, "{histogram}");
        }
        _ => out.push('?'),
    }
}

/// A line a call; a long series has several.
fn json_line(out: &mut String, labels: &Labels, column: &Column) {
    let metric: serde_json::Map<_, _> =
        labels.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let values: Vec<_> = (0..column.len())
        .map(|n| {
            let mut value = String::new();
            sample(&mut value, column, n);
            json!([column.timestamps()[n].as_millis(), value])
        })
        .collect();
    let _infallible = writeln!(out, "{}", json!({"metric": metric, "values": values}));
}

/// A float as Go's `%g` writes it: the fewest digits that read back, with an exponent from a million on and below
/// a ten-thousandth.
fn general(out: &mut String, value: f64) {
    if !value.is_finite() || value == 0.0 {
        out.push_str(&assurance_metrics_model::format_float(value));
        return;
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let _infallible = if (-4..6).contains(&exponent) {
        write!(out, "{value}")
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        write!(out, "{digits}e{sign}{:02}", exponent.unsigned_abs())
    };
}

#[cfg(test)]
mod tests {
    use super::general;

    #[test]
    fn floats_are_written_as_go_does() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (123_456.0, "123456"),
            (123_456.789, "123456.789"),
            (1_000_000.0, "1e+06"),
            (123_456_789.0, "1.23456789e+08"),
            (0.0001, "0.0001"),
            (0.000_012, "1.2e-05"),
            (-1e300, "-1e+300"),
            (f64::INFINITY, "+Inf"),
            (f64::NAN, "NaN"),
        ] {
            let mut out = String::new();
            general(&mut out, value);
            assert_eq!(out, expected);
        }
    }
}
