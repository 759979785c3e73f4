//! The readers of configuration files, made to go on after a key that they do not know or do not do.

use std::ops::Range;

use assurance_diagnostics::{Diagnostic, Source};

use crate::catalog;
use crate::found::{Found, words};

/// Keys that are told in one run. A file with more is something else.
const MAX_KEYS: usize = 64;

impl Found {
    /// Reads a file by `load`, tells everything that is wrong with it, and gives what is left without the keys
    /// that the reader does not take.
    ///
    /// Two kinds of refusal are different: an unknown key is a flaw, for which the reader gives up; a key that
    /// Prometheus does and this project's server does not is a remark.
    pub(crate) fn read<T>(
        &mut self,
        source: &Source,
        load: impl Fn(&Source) -> Result<T, Vec<Diagnostic>>,
    ) -> Option<T> {
        let mut text = source.text().to_owned();
        for _ in 0..MAX_KEYS {
            let current = Source::new(source.shared_name(), text.as_str());
            let problems = match load(&current) {
                Ok(loaded) => return Some(loaded),
                Err(problems) => problems,
            };
            let mut removed = false;
            let mut flaws = false;
            for problem in &problems {
                let unknown = problem.message.starts_with("unknown field");
                let not_done = problem.message.ends_with(" is not supported");
                self.told(source, problem, not_done);
                flaws |= !unknown && !not_done;
                if let Some(span) = problem.span.clone().filter(|_| unknown || not_done) {
                    let whole = entry(&text, &span);
                    let blank = blank(&text[whole.clone()]);
                    text.replace_range(whole, &blank);
                    removed = true;
                }
            }
            if flaws || !removed {
                return None;
            }
        }
        None
    }

    fn told(&mut self, source: &Source, problem: &Diagnostic, not_done: bool) {
        let check = if not_done { &catalog::FILE_NOT_DONE } else { &catalog::FILE_REFUSED };
        let label = problem.label.as_deref().unwrap_or_default();
        let help = problem.help.as_deref().unwrap_or_default();
        self.push(check, source, problem.span.clone(), words(&*problem.message, label, help));
    }
}

/// As many bytes of nothing, so that places stay.
fn blank(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
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
