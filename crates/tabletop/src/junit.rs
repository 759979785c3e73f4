//! Reports as JUnit XML, which most build servers read.

use std::fmt::Write as _;

use crate::report::{Checked, Report};

/// One suite a report, one case a step or claim.
pub fn to_junit(reports: &[Report]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let total: usize = reports.iter().map(|r| r.steps.len() + r.claims.len()).sum();
    let failures: usize = reports.iter().map(|r| r.failures().count()).sum();
    // Writing to a String cannot fail.
    let _infallible = writeln!(out, "<testsuites tests=\"{total}\" failures=\"{failures}\">");
    for report in reports {
        let (tests, failures) = (report.steps.len() + report.claims.len(), report.failures().count());
        let name = escape(&report.scenario);
        let _infallible =
            writeln!(out, "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\">");
        for Checked { text, holds, measured } in report.steps.iter().chain(&report.claims) {
            let head = format!("    <testcase classname=\"{name}\" name=\"{}\"", escape(text));
            let _infallible = if *holds {
                writeln!(out, "{head}/>")
            } else {
                writeln!(out, "{head}>\n      <failure message=\"{}\"/>\n    </testcase>", escape(measured))
            };
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// For attributes. Control characters that XML cannot carry become a question mark.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\r' | '\t' => out.push(' '),
            c if c.is_control() => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_cannot_be_left() {
        assert_eq!(escape("a\"b<c>&\n\u{1}ü"), "a&quot;b&lt;c&gt;&amp; ?ü");
    }
}
