//! Runs the parser over a directory of OpenMetrics conformance cases and compares its verdicts.
//!
//! Each case is a folder with the body in `metrics` and `{"shouldParse": true|false}` in `test.json`. Prints one
//! line for every case and a summary; exits with 1 where a verdict differs or a case cannot be read.
//!
//! ```text
//! cargo run -p assurance-exposition --example check_openmetrics -- DIRECTORY
//! ```
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the table is what the programme is for")]
#![expect(clippy::disallowed_methods, reason = "a programme of its own, which reads the cases from disk")]

use std::path::Path;
use std::process::ExitCode;

use assurance_exposition::{Format, ParseError, Parser};

#[derive(serde::Deserialize)]
struct Expectation {
    #[serde(rename = "shouldParse")]
    should_parse: bool,
}

struct Case {
    name: String,
    should_parse: bool,
    error: Option<ParseError>,
}

fn main() -> ExitCode {
    let Some(directory) = std::env::args_os().nth(1) else {
        eprintln!("usage: check_openmetrics DIRECTORY");
        return ExitCode::from(2);
    };
    match run(Path::new(&directory)) {
        Ok(cases) => report(&cases),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(directory: &Path) -> Result<Vec<Case>, Box<dyn std::error::Error>> {
    let context = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(|e| context(directory, &e))? {
        let path = entry?.path();
        if path.join("test.json").is_file() {
            folders.push(path);
        }
    }
    folders.sort();
    if folders.is_empty() {
        return Err(context(directory, &"no folder with a test.json in it").into());
    }
    let mut cases = Vec::new();
    for folder in folders {
        let (test, metrics) = (folder.join("test.json"), folder.join("metrics"));
        let expectation = std::fs::read(&test).map_err(|e| context(&test, &e))?;
        let expectation: Expectation =
            serde_json::from_slice(&expectation).map_err(|e| context(&test, &e))?;
        let body = std::fs::read(&metrics).map_err(|e| context(&metrics, &e))?;
        cases.push(Case {
            name: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            should_parse: expectation.should_parse,
            error: Parser::new(&body, Format::OpenMetrics).find_map(Result::err),
        });
    }
    Ok(cases)
}

fn report(cases: &[Case]) -> ExitCode {
    let word = |accepted| if accepted { "accept" } else { "refuse" };
    println!("{:<48} {:<7} {:<7} reason", "case", "wanted", "got");
    let mut wrong = 0;
    for case in cases {
        let accepted = case.error.is_none();
        let mark = if accepted == case.should_parse { "" } else { "  <-- differs" };
        wrong += usize::from(!mark.is_empty());
        let reason = case.error.as_ref().map(|e| format!("{}:{}: {}", e.line, e.column, e.kind));
        println!(
            "{:<48} {:<7} {:<7} {}{mark}",
            case.name,
            word(case.should_parse),
            word(accepted),
            reason.unwrap_or_default()
        );
    }
    println!("{} cases, {} agree, {wrong} differ", cases.len(), cases.len() - wrong);
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
