//! Documents for people. The same report gives the same bytes.

use std::fmt::{self, Write as _};

use crate::evidence::Evidence;
use crate::report::{Checked, Report};
use crate::scenario::Scenario;

/// A cell's text, with what would end the cell taken away.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

fn row(out: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    line(out, format_args!("| {} |", cells.join(" | ")));
}

fn head(out: &mut String, cells: &[&str]) {
    row(out, cells);
    row(out, &vec!["---"; cells.len()]);
}

/// Writing to a String cannot fail.
fn line(out: &mut String, text: fmt::Arguments<'_>) {
    let _infallible = writeln!(out, "{text}");
}

fn clock_of(at: &str) -> &str {
    at.split_once('T').map_or(at, |(_, clock)| clock.trim_end_matches('Z'))
}

impl Report {
    /// The report for people, in Markdown.
    pub fn to_markdown(&self) -> String {
        let mut out = String::new();
        line(&mut out, format_args!("# {}: {}\n", self.scenario, self.title));
        let failed = self.failures().count();
        if failed == 0 {
            line(&mut out, format_args!("**Rehearsed: every claim holds.**\n"));
        } else {
            let all = self.steps.len() + self.claims.len();
            line(&mut out, format_args!("**Rehearsed: {failed} of {all} steps and claims fail.**\n"));
            for Checked { text, measured, .. } in self.failures() {
                line(&mut out, format_args!("- `{text}`: {measured}"));
            }
            out.push('\n');
        }
        self.overview(&mut out);
        self.timeline(&mut out);
        self.claims(&mut out);
        if !self.injects.is_empty() {
            self.injects(&mut out);
        }
        evidence(&mut out, &self.evidence);
        line(&mut out, format_args!("## What was not exercised\n"));
        for item in &self.not_exercised {
            line(&mut out, format_args!("- {item}"));
        }
        out
    }

    fn overview(&self, out: &mut String) {
        line(out, format_args!("## Overview\n"));
        head(out, &["", "", ""]);
        for milestone in &self.clock {
            row(out, &[milestone.name, &milestone.when.to_string(), &milestone.at.to_string()]);
        }
        if let Some(severity) = &self.severity {
            row(out, &["severity", severity, ""]);
        }
        row(out, &["seed", &self.seed.to_string(), "latencies, scrape and evaluation phases"]);
        line(
            out,
            format_args!(
                "\nAll times are virtual: the backend is simulated; scrapes, rules, notifications and the exporter \
                 are those that run in production.\n"
            ),
        );
        line(out, format_args!("What was done to the backend:\n"));
        head(out, &["", "step", "result"]);
        self.checked(out, &self.steps);
        out.push('\n');
    }

    fn checked(&self, out: &mut String, all: &[Checked]) {
        for one in all {
            let verdict = if one.holds { "ok" } else { "FAILS" };
            row(out, &[verdict, &format!("`{}`", one.text), &one.measured]);
        }
    }

    fn timeline(&self, out: &mut String) {
        line(out, format_args!("## Timeline, as measured\n"));
        head(out, &["T", "UTC", "where", "what"]);
        for entry in &self.timeline {
            let at = entry.at.to_string();
            row(out, &[&entry.when.to_string(), clock_of(&at), entry.place, &entry.what]);
        }
        out.push('\n');
    }

    fn claims(&self, out: &mut String) {
        line(out, format_args!("## Claims\n"));
        head(out, &["", "claim", "measured"]);
        self.checked(out, &self.claims);
        out.push('\n');
    }

    fn injects(&self, out: &mut String) {
        line(out, format_args!("## Injects\n"));
        head(out, &["inject", "to", "via", "brought about by", "comes at"]);
        for inject in &self.injects {
            let when = match (&inject.when, inject.needs_people) {
                (Some(when), _) => when.to_string(),
                (None, true) => "waits for a participant".to_owned(),
                (None, false) => "never".to_owned(),
            };
            row(out, &[&inject.id, &inject.to, &inject.via, &inject.trigger, &when]);
        }
        out.push('\n');
    }
}

fn evidence(out: &mut String, evidence: &Evidence) {
    line(out, format_args!("## Evidence\n"));
    if evidence.files.is_empty() {
        line(out, format_args!("Nothing was published.\n"));
        return;
    }
    head(out, &["file", "lines", "bytes", "checksum", "SHA-256"]);
    for file in &evidence.files {
        let name =
            file.name.strip_prefix(Evidence::DIRECTORY).map_or(&*file.name, |n| n.trim_start_matches('/'));
        let verdict = if file.intact { "matches" } else { "DIFFERS" };
        row(
            out,
            &[name, &file.lines.to_string(), &file.bytes.to_string(), verdict, &format!("`{}`", file.sha256)],
        );
    }
    let complete = if evidence.complete {
        "No day says that events may be missing."
    } else {
        "A day says that events may be missing."
    };
    line(out, format_args!("\n{complete}\n"));
}

impl Scenario {
    /// The scenario for those who conduct it, in Markdown. It has the answers: participants must not see it.
    pub fn to_markdown(&self) -> String {
        let mut out = String::new();
        line(&mut out, format_args!("# {}: {}\n", self.id, self.title));
        line(&mut out, format_args!("For those who conduct the exercise; it has the answers.\n"));
        line(&mut out, format_args!("{}\n", self.summary.trim()));
        head(&mut out, &["", ""]);
        if let Some(severity) = &self.severity {
            row(&mut out, &["severity", severity]);
        }
        row(&mut out, &["T, the backend is first touched", &self.clock.t0.to_string()]);
        row(&mut out, &["E, STARTEX", &self.clock.startex.to_string()]);
        row(&mut out, &["ENDEX", &self.clock.endex.to_string()]);
        out.push('\n');
        if !self.objectives.is_empty() {
            line(&mut out, format_args!("## Objectives\n"));
            for objective in &self.objectives {
                line(&mut out, format_args!("- {objective}"));
            }
            out.push('\n');
        }
        if !self.roles.is_empty() {
            line(&mut out, format_args!("## Roles\n"));
            head(&mut out, &["role", "who", "part"]);
            for role in &self.roles {
                row(&mut out, &[&role.id, &role.name, &role.part]);
            }
            out.push('\n');
        }
        line(&mut out, format_args!("## What happens to the backend\n"));
        head(&mut out, &["T", "step"]);
        for step in &self.world {
            let refused = if step.refused { ", refused" } else { "" };
            row(&mut out, &[&step.at.to_string(), &format!("`{}`{refused}", step.action)]);
        }
        out.push('\n');
        if !self.injects.is_empty() {
            line(&mut out, format_args!("## Injects\n"));
            head(&mut out, &["inject", "brought about by", "to", "via", "text", "expected"]);
            for inject in &self.injects {
                let trigger = if inject.delay.is_zero() {
                    inject.trigger.to_string()
                } else {
                    format!("{}, {} later", inject.trigger, inject.delay)
                };
                let to = match &inject.from {
                    Some(from) => format!("{} from {from}", inject.to),
                    None => inject.to.clone(),
                };
                let expect = inject.expect.as_deref().unwrap_or("");
                row(&mut out, &[&inject.id, &trigger, &to, &inject.via, inject.text.trim(), expect]);
            }
            out.push('\n');
        }
        line(&mut out, format_args!("## Claims\n"));
        for claim in &self.claims {
            line(&mut out, format_args!("- `{claim}`"));
        }
        out
    }
}
