//! `check`: files judged without being used.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use assurance_diagnostics::{Diagnostic, Source, yaml};
use assurance_exposition::{Family, Format, Limits, lint, parse};
use assurance_notifier::routing::{Integration, ReceiverDefinition};
use assurance_rules::{DUPLICATE_RULES, Reading, RuleFile};
use assurance_runtime::server::{Server, ServerError};
use assurance_runtime::setup::{self, Settings};
use assurance_scrape::JobConfig;

use crate::args::{Check, Lint, Linting, MetricsFormat, RuleLint, What};
use crate::exit;
use crate::intake;
use crate::wire::fail;

/// The code of findings about jobs that are scraped too rarely.
const TOO_LONG_SCRAPE_INTERVAL: &str = "too-long-scrape-interval";

/// Rule files on standard input may be as long as those that are read from disk.
const MAX_STDIN_BYTES: u64 = 10 << 20;

pub(crate) fn run(args: &Check) -> ExitCode {
    match &args.what {
        What::Config { files, syntax_only, ignore_unknown_fields, features, linting } => {
            all(files, linting, |file, found| {
                let mut settings = Settings::new(file);
                settings.features.extend(features.iter().cloned());
                settings.ignore_unknown_fields = *ignore_unknown_fields;
                config(&settings, *syntax_only, found)
            })
        }
        What::Rules { files, ignore_unknown_fields, features, linting } => {
            let mut reading = Reading::default();
            reading.features = intake::promql_features(features);
            reading.ignore_unknown_fields = *ignore_unknown_fields;
            let stdin = [PathBuf::from("-")];
            let files = if files.is_empty() { &stdin } else { files.as_slice() };
            all(files, linting, |file, found| rules(file, reading, found))
        }
        What::Notify { files, escalation, lint_fatal } => {
            let linting = Linting { lint: vec![RuleLint::All], lint_fatal: *lint_fatal };
            all(files, &linting, |file, found| notify(file, escalation.as_deref(), found))
        }
        What::Metrics { format, lint, extended } => metrics(*format, *lint, *extended),
        What::WebConfig { files } => crate::wait(web_configs(files)),
    }
}

/// Judges file by file, in promtool's words. Faults win over warnings.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "promtool's words, where promtool says them")]
fn all(
    files: &[PathBuf],
    linting: &Linting,
    judge: impl Fn(&Path, &mut Vec<Diagnostic>) -> Result<String, String>,
) -> ExitCode {
    let mut code = 0;
    for file in files {
        let mut found = Vec::new();
        if file == Path::new("-") {
            println!("Checking standard input");
        } else {
            println!("Checking {}", file.display());
        }
        let verdict = judge(file, &mut found);
        found.retain(|finding| linting.lint.iter().any(|lint| concerns(*lint, finding)));
        let fatal = linting.lint_fatal && !found.is_empty();
        match &verdict {
            Ok(_) if fatal => {
                eprintln!("  FAILED: {} warnings, which --lint-fatal makes errors", found.len());
            }
            Ok(good) => println!("  SUCCESS: {good}"),
            Err(_) => eprintln!("  FAILED:"),
        }
        found.iter().for_each(|finding| eprintln!("{finding}"));
        if let Err(faults) = &verdict {
            eprintln!("{}", faults.trim_end());
            code = exit::FINDINGS;
        } else if fatal && code == 0 {
            code = exit::LINT;
        }
        println!();
    }
    ExitCode::from(code)
}

fn concerns(lint: RuleLint, finding: &Diagnostic) -> bool {
    match lint {
        RuleLint::All => true,
        RuleLint::DuplicateRules => finding.code == Some(DUPLICATE_RULES),
        RuleLint::TooLongScrapeInterval => finding.code == Some(TOO_LONG_SCRAPE_INTERVAL),
        RuleLint::None => false,
    }
}

#[expect(clippy::print_stdout, reason = "the verdict is what was asked for")]
async fn web_configs(files: &[PathBuf]) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for file in files {
        let fault = match crate::serve::web_config(Some(file)) {
            // Certificates are judged by the code that will use them; nobody is served on this port.
            Ok(web) => match Server::bind("127.0.0.1:0", &web).await {
                Ok(_unused) => None,
                Err(error @ ServerError::Tls { .. }) => Some((exit::FINDINGS, error.to_string())),
                Err(error) => Some((exit::IO, error.to_string())),
            },
            Err(message) => Some((exit::FINDINGS, message)),
        };
        match fault {
            None => println!("{} SUCCESS", file.display()),
            Some((number, message)) => code = fail(number, &message),
        }
    }
    code
}

fn config(settings: &Settings, syntax_only: bool, found: &mut Vec<Diagnostic>) -> Result<String, String> {
    let file = &settings.config_file;
    let source = setup::read_source(file).map_err(|error| error.to_string())?;
    if syntax_only {
        let loaded = assurance_config::load(&source, "").map_err(|faults| joined(&faults))?;
        found.extend(loaded.warnings);
        found.extend(too_rare(&source, &loaded.jobs));
        return Ok(format!("{} is valid by itself", file.display()));
    }
    let loaded = setup::load(settings).map_err(|error| error.to_string())?;
    found.extend(loaded.warnings);
    found.extend(too_rare(&source, &loaded.pipeline.scrape));
    let groups = &loaded.pipeline.rules.groups;
    let rules: usize = groups.iter().map(|group| group.rules.len()).sum();
    Ok(format!(
        "{} scrape jobs, {} rule files with {rules} rules, {} receivers",
        loaded.pipeline.scrape.len(),
        loaded.rule_files.len(),
        loaded.pipeline.notifier.receivers.len()
    ))
}

fn joined(faults: &[Diagnostic]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Jobs whose samples go out of sight between two scrapes.
fn too_rare<'a>(source: &'a Source, jobs: &'a [JobConfig]) -> impl Iterator<Item = Diagnostic> + 'a {
    let lookback = assurance_promql::Options::default().lookback;
    let rare = jobs.iter().enumerate().filter(move |(_, job)| job.scrape_interval > lookback);
    rare.map(move |(index, job)| {
        let own = yaml::locate(source, &["scrape_configs".into(), index.into(), "scrape_interval".into()]);
        let span = own.or_else(|| yaml::locate(source, &["global".into(), "scrape_interval".into()]));
        let message = format!(
            "job {:?} is scraped every {}, and queries look back {lookback}",
            job.job_name, job.scrape_interval
        );
        Diagnostic::warning(source, span, message)
            .with_code(TOO_LONG_SCRAPE_INTERVAL)
            .with_help("its series come and go, and so do alerts on them; scrape at least every four minutes")
    })
}

fn rules(file: &Path, reading: Reading, found: &mut Vec<Diagnostic>) -> Result<String, String> {
    let source = if file == Path::new("-") { standard_input() } else { setup::read_source(file) };
    let source = source.map_err(|error| format!("error: {error}"))?;
    let file = RuleFile::parse_with(&source, reading).map_err(|faults| joined(&faults))?;
    found.extend(file.warnings);
    let rules: usize = file.groups.iter().map(|group| group.rules.len()).sum();
    Ok(format!("{rules} rules found"))
}

fn notify(file: &Path, escalation: Option<&Path>, found: &mut Vec<Diagnostic>) -> Result<String, String> {
    let source = setup::read_source(file).map_err(|error| format!("error: {error}"))?;
    let directory = file.parent().unwrap_or(Path::new(""));
    let loaded = assurance_config::load_notify(&source, &directory.to_string_lossy())
        .map_err(|faults| joined(&faults))?;
    found.extend(loaded.warnings);
    let routing = &loaded.routing;
    let reached =
        |receiver: &&ReceiverDefinition| receiver.integrations.iter().any(Integration::is_deliverable);
    let mut summary = format!(
        "{} routes, {} receivers of which {} can be delivered to, {} inhibition rules, {} time intervals",
        routing.root.walk().len(),
        routing.receivers.len(),
        routing.receivers.iter().filter(reached).count(),
        routing.inhibit_rules.len(),
        routing.time_intervals.len(),
    );
    if let Some(file) = escalation {
        let source = setup::read_source(file).map_err(|error| format!("error: {error}"))?;
        let loaded = assurance_config::load_escalation(&source, routing).map_err(|faults| joined(&faults))?;
        found.extend(loaded.warnings);
        let chains = &loaded.escalation.chains;
        let steps: usize = chains.iter().map(|chain| chain.steps.len()).sum();
        let _fits = write!(summary, ", {} escalation chains with {steps} steps", chains.len());
    }
    Ok(summary)
}

fn standard_input() -> std::io::Result<Source> {
    let mut text = String::new();
    std::io::stdin().lock().take(MAX_STDIN_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_STDIN_BYTES {
        return Err(std::io::Error::other(format!("standard input has more than {MAX_STDIN_BYTES} bytes")));
    }
    Ok(Source::new("stdin", text))
}

#[expect(clippy::print_stdout, reason = "the findings are what was asked for")]
fn metrics(format: MetricsFormat, style: Lint, extended: bool) -> ExitCode {
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
    if extended {
        cardinality(&parsed.families);
    }
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(exit::LINT) }
}

/// Series of each metric, most first, as promtool lists them.
#[expect(clippy::print_stdout, reason = "the list is what was asked for")]
#[expect(clippy::cast_precision_loss, reason = "a share, printed with two digits")]
fn cardinality(families: &[Family]) {
    let mut rows: Vec<(&str, usize)> = families.iter().map(|f| (&*f.name, f.samples.len())).collect();
    rows.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let total: usize = rows.iter().map(|(_, count)| count).sum();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max("Metric".len()) + 4;
    println!("{:width$}Cardinality    Percentage", "Metric");
    for (name, count) in rows {
        let share = count as f64 * 100.0 / total.max(1) as f64;
        println!("{name:width$}{count:<15}{share:.2}%");
    }
    println!("{:width$}{total:<15}100%", "Total");
}
