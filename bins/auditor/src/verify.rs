//! `verify`: everything that is in the archive against what was signed.

use assurance_evidence::audit::{self, Finding, Options, Progress, Report, Severity};

use crate::args::{Format, Verify};
use crate::talk::{self, Bar, Exit, failed, print, say};

pub(crate) fn run(args: &Verify) -> Exit {
    match verify(args) {
        Ok(report) => {
            match args.output {
                Format::Json => print(serde_json::json!(report)),
                Format::Text => show(&report),
            }
            exit(&report)
        }
        Err(exit) => exit,
    }
}

fn verify(args: &Verify) -> Result<Report, Exit> {
    let storage = talk::open(&args.archive.path())?;
    let mut options = Options::at(args.at.unwrap_or_else(talk::now));
    options.policy = args.policy.as_deref().map(talk::policy).transpose()?;
    options.since = args.since.as_deref().map(talk::read).transpose()?;
    options.max_age = args.max_age;
    options.threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut bar = Bar::new();
    let show = &mut |progress: Progress| bar.show(format!("{} of {} days", progress.days, progress.of));
    audit::verify(&storage, &options, show).map_err(|error| failed(Exit::Storage, error))
}

fn exit(report: &Report) -> Exit {
    match report.severity() {
        Some(Severity::Integrity) => Exit::Integrity,
        Some(Severity::Incomplete) => Exit::Incomplete,
        Some(Severity::Unwitnessed) => Exit::Unwitnessed,
        _ => Exit::Done,
    }
}

fn show(report: &Report) {
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    for finding in findings {
        let kind = match finding.severity {
            Severity::Integrity => "NOT WHAT WAS SEALED",
            Severity::Incomplete => "incomplete",
            Severity::Unwitnessed => "unwitnessed",
            _ => "note",
        };
        print(format_args!("{kind}: {finding}"));
    }
    if let Some(log) = &report.log {
        print(format_args!("log          {} with {} leaves, root {}", log.origin, log.size, log.root));
        print(format_args!("witnesses    {} of the policy's signed this", log.witnesses));
    }
    if let (Some(first), Some(last)) = (report.first_day, report.last_day) {
        let purged = match report.purged_days {
            0 => String::new(),
            days => format!(", {days} of them purged by policy"),
        };
        print(format_args!("days         {}, {first} to {last}{purged}", report.days));
    }
    print(format_args!("events       {} in {} bytes", report.events, report.bytes));
    print(format_args!("integrity    {}", if report.is_intact() { "intact" } else { "BROKEN" }));
    let complete = if report.is_complete() { "complete" } else { "events may be missing" };
    print(format_args!("completeness {complete}"));
    if report.findings.is_empty() {
        say("everything is what was sealed");
    }
}
