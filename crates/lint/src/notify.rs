//! The reader of `alertmanager.yml`, made to go on after a key that it does not know.

use std::ops::Range;

use assurance_diagnostics::{Diagnostic, Source};

use crate::catalog;
use crate::found::{Found, words};

/// Unknown keys that are told in one run. A file with more is no Alertmanager's.
const MAX_UNKNOWN_KEYS: usize = 64;

impl Found {
    /// Everything that the reader has to say about a file, and not just the first unknown key.
    pub(crate) fn notify(&mut self, source: &Source) {
        let mut text = source.text().to_owned();
        for _ in 0..MAX_UNKNOWN_KEYS {
            let current = Source::new(source.shared_name(), text.as_str());
            let problems = match assurance_config::load_notify(&current, "") {
                Ok(notify) => {
                    self.odd(source, &of_the_file(notify.warnings));
                    return;
                }
                Err(problems) => problems,
            };
            let [problem] = problems.as_slice() else {
                self.told(source, &problems);
                return;
            };
            self.told(source, &problems);
            let unknown = problem.message.starts_with("unknown field");
            let Some(span) = problem.span.clone().filter(|_| unknown) else { return };
            let whole = entry(&text, &span);
            let blank: String = text[whole.clone()]
                .chars()
                .flat_map(|c| match c {
                    // Of the same length, so that places stay.
                    '\n' => vec!['\n'],
                    c => vec![' '; c.len_utf8()],
                })
                .collect();
            text.replace_range(whole, &blank);
        }
    }

    fn told(&mut self, source: &Source, problems: &[Diagnostic]) {
        for problem in problems {
            let label = problem.label.as_deref().unwrap_or_default();
            let help = problem.help.as_deref().unwrap_or_default();
            let said = words(&*problem.message, label, help);
            self.push(&catalog::FILE_REFUSED, source, problem.span.clone(), said);
        }
    }
}

/// What this project's own server cannot deliver to yet is no flaw of the file.
pub(crate) fn of_the_file(mut warnings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    warnings.retain(|warning| !warning.message.contains("cannot be delivered to yet"));
    warnings
}

/// A key with its value, as far as indentation or brackets tell.
fn entry(text: &str, key: &Range<usize>) -> Range<usize> {
    let line = text[..key.start].rfind('\n').map_or(0, |n| n + 1);
    let before = text[line..key.start].trim_end();
    if before.ends_with(['{', ',']) {
        let end = text[key.end..].find([',', '}', '\n']).map_or(text.len(), |n| key.end + n);
        let comma = usize::from(text[end..].starts_with(','));
        return key.start..end + comma;
    }
    let indent = key.start - line;
    let mut end = text[key.end..].find('\n').map_or(text.len(), |n| key.end + n);
    for next in text[end..].split_inclusive('\n').skip(1) {
        let depth = next.len() - next.trim_start().len();
        if !next.trim().is_empty() && depth <= indent {
            break;
        }
        end += next.len();
    }
    key.start..end.min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_ends_where_its_indentation_or_its_bracket_does() {
        let cut = |text: &str, key: &str| {
            let at = text.find(key).expect("it is there");
            text[entry(text, &(at..at + key.len()))].to_owned()
        };
        assert_eq!(cut("a:\n  bad: 1\n  b: 2\n", "bad"), "bad: 1");
        assert_eq!(cut("a: {bad: 1, b: 2}\n", "bad"), "bad: 1,");
        assert_eq!(cut("- bad: 1\n  b: 2\n", "bad"), "bad: 1");
        assert_eq!(cut("bad:\n  c: 1\n  d: 2\nb: 2\n", "bad"), "bad:\n  c: 1\n  d: 2");
    }
}
