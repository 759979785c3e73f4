//! `check`: files judged without being used.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use assurance_exposition::{Format, Limits, lint, parse};
use assurance_runtime::server::{Server, ServerError};
use assurance_runtime::setup::{self, Settings};

use crate::args::{Check, Lint, MetricsFormat, What};
use crate::exit;
use crate::wire::fail;

pub(crate) async fn run(args: Check) -> ExitCode {
    match &args.what {
        What::Config { file, lint_fatal } => config(file, *lint_fatal),
        What::Rules { files, lint_fatal } => rules(files, *lint_fatal),
        What::Metrics { format, lint } => metrics(*format, *lint),
        What::WebConfig { file } => web_config(file).await,
    }
}

#[expect(clippy::print_stdout, reason = "the verdict is what was asked for")]
fn good(message: &str) -> ExitCode {
    println!("{message}");
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "talk goes to stderr")]
fn warn(warnings: &[assurance_diagnostics::Diagnostic]) {
    for warning in warnings {
        eprintln!("{warning}");
    }
}

fn verdict(message: &str, warnings: usize, lint_fatal: bool) -> ExitCode {
    if warnings > 0 && lint_fatal {
        return fail(exit::LINT, &format!("{warnings} warnings, which --lint-fatal makes errors"));
    }
    good(message)
}

async fn web_config(file: &Path) -> ExitCode {
    let web = match crate::serve::web_config(Some(file)) {
        Ok(web) => web,
        Err(message) => return fail(exit::FINDINGS, &message),
    };
    // Certificates are judged by the code that will use them; nobody is served on this port.
    match Server::bind("127.0.0.1:0", &web).await {
        Ok(_unused) => good(&format!("{}: SUCCESS", file.display())),
        Err(error @ ServerError::Tls { .. }) => fail(exit::FINDINGS, &error.to_string()),
        Err(error) => fail(exit::IO, &error.to_string()),
    }
}

fn config(file: &Path, lint_fatal: bool) -> ExitCode {
    match setup::load(&Settings::new(file)) {
        Ok(loaded) => {
            warn(&loaded.warnings);
            let groups = &loaded.pipeline.rules.groups;
            let rules: usize = groups.iter().map(|group| group.rules.len()).sum();
            let message = format!(
                "{}: SUCCESS: {} scrape jobs, {} rule files with {rules} rules, {} receivers",
                file.display(),
                loaded.pipeline.scrape.len(),
                loaded.rule_files.len(),
                loaded.pipeline.notifier.receivers.len()
            );
            verdict(&message, loaded.warnings.len(), lint_fatal)
        }
        Err(error) => fail(exit::FINDINGS, &error.to_string()),
    }
}

fn rules(files: &[PathBuf], lint_fatal: bool) -> ExitCode {
    let mut failed = false;
    let mut warnings = 0;
    let mut good_lines = Vec::new();
    for path in files {
        match setup::read_rules(path) {
            Ok(file) => {
                warn(&file.warnings);
                warnings += file.warnings.len();
                let rules: usize = file.groups.iter().map(|group| group.rules.len()).sum();
                good_lines.push(format!("{}: SUCCESS: {rules} rules found", path.display()));
            }
            Err(error) => {
                failed = true;
                fail(exit::FINDINGS, &error.to_string());
            }
        }
    }
    if failed {
        return ExitCode::from(exit::FINDINGS);
    }
    verdict(&good_lines.join("\n"), warnings, lint_fatal)
}

#[expect(clippy::print_stdout, reason = "the findings are what was asked for")]
fn metrics(format: MetricsFormat, style: Lint) -> ExitCode {
    let mut body = Vec::new();
    let limit = Limits::DEFAULT.max_body_bytes as u64;
    if let Err(error) = std::io::stdin().lock().take(limit + 1).read_to_end(&mut body) {
        return fail(exit::IO, &format!("cannot read standard input: {error}"));
    }
    let format = match format {
        MetricsFormat::Text => Format::Text,
        MetricsFormat::Openmetrics => Format::OpenMetrics,
    };
    let parsed = parse(&body, format);
    for error in &parsed.errors {
        println!("stdin:{}:{}: {}", error.line, error.column, error.kind);
        println!("  | {}", error.excerpt());
        println!("  | {:>width$}", "^", width = error.caret() + 1);
        println!("  = help: {}", error.hint());
    }
    if !parsed.errors.is_empty() {
        return ExitCode::from(exit::FINDINGS);
    }
    let findings = if style == Lint::All { lint(&parsed) } else { Vec::new() };
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(exit::LINT) }
}
