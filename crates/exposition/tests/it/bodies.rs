//! Every file under `fixtures/exposition`: good bodies read back as written, bad ones refused with a message.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use assurance_exposition::{Family, Format, ParseError, Parsed, Parser, encode, parse};
use assurance_metrics_model::{Value, format_float};

#[expect(clippy::disallowed_methods, reason = "fixtures are files")]
fn fixtures(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/exposition").join(folder);
    let mut paths: Vec<PathBuf> =
        folder.read_dir().expect("fixtures are there").map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    let name = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), std::fs::read(path).expect("readable"))).collect()
}

#[test]
fn good_text_is_read() {
    insta::assert_snapshot!(read_all("text/good", Format::Text));
}

#[test]
fn good_open_metrics_is_read() {
    insta::assert_snapshot!(read_all("openmetrics/good", Format::OpenMetrics));
}

#[test]
fn bad_text_is_refused() {
    insta::assert_snapshot!(refuse_all("text/bad", Format::Text));
}

#[test]
fn bad_open_metrics_is_refused() {
    insta::assert_snapshot!(refuse_all("openmetrics/bad", Format::OpenMetrics));
}

fn read_all(folder: &str, format: Format) -> String {
    let mut out = String::new();
    for (name, body) in fixtures(folder) {
        let parsed = parse(&body, format);
        assert_eq!(parsed.errors, [], "{name} should be read");
        assert!(Parser::new(&body, format).all(|entry| entry.is_ok()), "{name}: parser and parse disagree");
        let written = encode(&parsed.families, format);
        let again = parse(written.as_bytes(), format);
        assert_eq!(again.errors, [], "{name} written again:\n{written}");
        assert_eq!(again.families, parsed.families, "{name} written again:\n{written}");
        show(&mut out, &name, &parsed);
    }
    out
}

fn refuse_all(folder: &str, format: Format) -> String {
    let mut out = String::new();
    for (name, body) in fixtures(folder) {
        let parsed = parse(&body, format);
        assert_ne!(parsed.errors, [], "{name} should be refused");
        let streamed: Vec<ParseError> = Parser::new(&body, format).filter_map(Result::err).collect();
        assert_eq!(streamed, parsed.errors, "{name}: parser and parse disagree");
        let _infallible = writeln!(out, "== {name}");
        for error in &parsed.errors {
            let _infallible =
                writeln!(out, "{error}\n    {}\n    {:>2$}", error.excerpt(), "^", error.caret() + 1);
        }
    }
    out
}

fn show(out: &mut String, name: &str, parsed: &Parsed) {
    let _infallible = writeln!(out, "== {name}");
    for Family { name, metadata, samples } in &parsed.families {
        let _infallible = writeln!(
            out,
            "{name} ({}{}{}) {:?}",
            metadata.metric_type,
            if metadata.unit.is_empty() { "" } else { ", " },
            metadata.unit,
            metadata.help
        );
        for sample in samples {
            let Value::Float(value) = sample.value else { unreachable!("bodies hold floats") };
            let _infallible = write!(out, "    {} {}", sample.labels, format_float(value));
            if let Some(at) = sample.timestamp {
                let _infallible = write!(out, " at {} ms", at.as_millis());
            }
            if let Some(exemplar) = &sample.exemplar {
                let _infallible = write!(out, " e.g. {} {}", exemplar.labels, format_float(exemplar.value));
                if let Some(at) = exemplar.timestamp {
                    let _infallible = write!(out, " at {} ms", at.as_millis());
                }
            }
            out.push('\n');
        }
    }
}
