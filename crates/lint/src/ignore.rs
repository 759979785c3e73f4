//! Comments that let findings pass: `# lint ignore <check>: <reason>` and `# lint file ignore <check>: <reason>`.

use std::ops::Range;

use assurance_diagnostics::{Source, yaml};

use crate::catalog::{self, find};
use crate::found::{Found, words};
use crate::subject::{File, Subject};
use crate::{Finding, Ignored, Report};

/// What begins such a comment.
const WORD: &str = "lint ";

/// One such comment.
#[derive(Debug)]
struct Ignore {
    source: Source,
    place: Range<usize>,
    check: String,
    reason: String,
    /// What it covers.
    covers: Range<usize>,
    used: bool,
}

/// Sorts out what was ignored, and tells what is wrong with the comments themselves.
pub(crate) fn apply(found: Found, sources: &[&Source], files: &[File]) -> Report {
    let mut about = Found::default();
    let mut ignores: Vec<Ignore> =
        sources.iter().flat_map(|source| read(source, files, &mut about)).collect();
    let mut report = Report { more: found.more, ..Report::default() };
    for finding in found.findings {
        match ignores.iter_mut().find(|ignore| ignore.matches(&finding)) {
            Some(ignore) => {
                ignore.used = true;
                let reason = ignore.reason.clone().into();
                report.ignored.push(Ignored { finding, reason });
            }
            None => report.findings.push(finding),
        }
    }
    for ignore in ignores.iter().filter(|ignore| !ignore.used) {
        let message = format!("nothing here is found by {}", ignore.check);
        about.push(
            &catalog::IGNORE_UNUSED,
            &ignore.source,
            Some(ignore.place.clone()),
            words(message, "", ""),
        );
    }
    report.findings.extend(about.findings);
    for (severity, more) in about.more {
        *report.more.entry(severity).or_default() += more;
    }
    report
}

impl Ignore {
    fn matches(&self, finding: &Finding) -> bool {
        let start = finding.diagnostic.span.as_ref().map_or(0, |span| span.start);
        finding.check.id == self.check
            && *finding.diagnostic.file == *self.source.name()
            && self.covers.contains(&start)
    }
}

fn read(source: &Source, files: &[File], about: &mut Found) -> Vec<Ignore> {
    let text = source.text();
    let subjects: Vec<_> =
        files.iter().filter(|file| file.source == *source).flat_map(File::subjects).collect();
    let mut out = Vec::new();
    for place in yaml::comments(source) {
        let comment = text[place.clone()].trim_start_matches('#').trim();
        let Some(command) = comment.strip_prefix(WORD) else { continue };
        let (command, whole_file) = match command.trim_start().strip_prefix("file ") {
            Some(rest) => (rest.trim_start(), true),
            None => (command.trim_start(), false),
        };
        let Some(rest) = command.strip_prefix("ignore ") else {
            let message = format!("no such command: {comment:?}");
            about.push(&catalog::IGNORE_UNKNOWN, source, Some(place), words(message, "", ""));
            continue;
        };
        let (check, reason) = rest.split_once(':').unwrap_or((rest, ""));
        let (check, reason) = (check.trim(), reason.trim());
        if find(check).is_none() {
            let message = format!("there is no check {check:?}");
            let near = assurance_diagnostics::suggest(check, catalog::checks().map(|check| check.id));
            let help = near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
            about.push(&catalog::IGNORE_UNKNOWN, source, Some(place), words(message, "", help));
            continue;
        }
        if reason.is_empty() {
            let message = format!("{check} is ignored without a reason");
            about.push(&catalog::IGNORE_NO_REASON, source, Some(place), words(message, "", ""));
            continue;
        }
        let covers = if whole_file { 0..text.len() + 1 } else { covered(source, &place, &subjects) };
        out.push(Ignore {
            source: source.clone(),
            place,
            check: check.to_owned(),
            reason: reason.to_owned(),
            covers,
            used: false,
        });
    }
    out
}

/// The rule that a comment belongs to; elsewhere its line, or the block that begins below it.
fn covered(source: &Source, place: &Range<usize>, subjects: &[Subject<'_>]) -> Range<usize> {
    if let Some(subject) = subjects.iter().find(|s| s.comments.contains(place)) {
        return subject.region.clone();
    }
    let text = source.text();
    let line = text[..place.start].rfind('\n').map_or(0, |n| n + 1);
    if !text[line..place.start].trim().is_empty() {
        return line..place.end;
    }
    let mut start = None;
    let mut depth = 0;
    let mut at = text[place.end..].find('\n').map_or(text.len(), |n| place.end + n + 1);
    let first = at;
    for line in text[at..].split_inclusive('\n') {
        let body = line.trim();
        let indent = line.len() - line.trim_start().len();
        if !body.is_empty() && !body.starts_with('#') {
            if start.is_none() {
                (start, depth) = (Some(at), indent);
            } else if indent <= depth {
                break;
            }
        }
        at += line.len();
    }
    start.unwrap_or(first)..at
}
