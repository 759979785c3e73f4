use std::path::{Component, Path, PathBuf};

use assurance_diagnostics::yaml::{PathSegment, locate, locate_key, locate_within};
use assurance_diagnostics::{Diagnostic, Source};
use assurance_metrics_model::is_legacy_label_name;

/// Where something stands in the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place(Vec<PathSegment>);

impl Place {
    /// One step further in.
    pub(crate) fn at(&self, step: impl Into<PathSegment>) -> Self {
        let mut path = self.0.clone();
        path.push(step.into());
        Self(path)
    }
}

/// What is found while the file is read, with the file at hand to point into.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    source: &'a Source,
    directory: &'a str,
    pub(crate) errors: Vec<Diagnostic>,
    pub(crate) warnings: Vec<Diagnostic>,
    /// What is read is not used: it must be right, and need not be supported.
    pub(crate) unused: bool,
}

impl<'a> Findings<'a> {
    pub(crate) const fn new(source: &'a Source, directory: &'a str) -> Self {
        Self { source, directory, errors: Vec::new(), warnings: Vec::new(), unused: false }
    }

    /// Something is wrong with a value.
    pub(crate) fn error(&mut self, place: &Place, message: impl Into<Box<str>>, help: impl Into<Box<str>>) {
        let span = locate(self.source, &place.0);
        self.errors.push(Diagnostic::error(self.source, span, message).with_help(help));
    }

    /// Something is wrong with a key.
    pub(crate) fn key_error(
        &mut self,
        place: &Place,
        message: impl Into<Box<str>>,
        help: impl Into<Box<str>>,
    ) {
        let span = locate_key(self.source, &place.0);
        self.errors.push(Diagnostic::error(self.source, span, message).with_help(help));
    }

    /// A key works otherwise than written, and nothing breaks.
    pub(crate) fn warn(&mut self, place: &Place, message: impl Into<Box<str>>, help: impl Into<Box<str>>) {
        let span = locate_key(self.source, &place.0);
        self.warnings.push(Diagnostic::warning(self.source, span, message).with_help(help));
    }

    /// A key that is right and not done, though that changes what happens.
    pub(crate) fn unsupported(
        &mut self,
        place: &Place,
        message: impl Into<Box<str>>,
        help: impl Into<Box<str>>,
    ) {
        if !self.unused {
            self.key_error(place, message, help);
        }
    }

    /// Keys of a mapping that are known and not done.
    pub(crate) fn not_done(&mut self, place: &Place, refused: &[&str], ignored: &[&str]) {
        for key in refused {
            let (message, help) = refusal(key);
            self.unsupported(&place.at(*key), message, help);
        }
        for key in ignored {
            let (message, help) = indifference(key);
            self.warn(&place.at(*key), message, help);
        }
    }

    /// Something is wrong with a text that nobody is to see.
    pub(crate) fn secret_error(
        &mut self,
        place: &Place,
        message: impl Into<Box<str>>,
        help: impl Into<Box<str>>,
    ) {
        let span = locate_key(self.source, &place.0);
        self.errors.push(Diagnostic::error(self.source, span, message).with_help(help).with_hidden_line());
    }

    /// Something is wrong with a part of a text: `len` bytes from byte `at` of it.
    pub(crate) fn error_within(
        &mut self,
        place: &Place,
        within: std::ops::Range<usize>,
        message: impl Into<Box<str>>,
        help: impl Into<Box<str>>,
    ) {
        let span = locate_within(self.source, &place.0, within.start, within.len().max(1));
        self.errors.push(Diagnostic::error(self.source, span, message).with_help(help));
    }

    /// What is only said, if nothing is wrong; both in the order in which a person reads the file.
    pub(crate) fn finish(self) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        let Self { mut errors, mut warnings, .. } = self;
        let start = |found: &Diagnostic| found.span.as_ref().map_or(0, |span| span.start);
        errors.sort_by_key(start);
        warnings.sort_by_key(start);
        if errors.is_empty() { Ok(warnings) } else { Err(errors) }
    }

    /// The names of labels must be such that every Prometheus takes them.
    pub(crate) fn label_names<'n>(&mut self, place: &Place, names: impl IntoIterator<Item = &'n String>) {
        for name in names {
            if !is_legacy_label_name(name) {
                self.key_error(
                    &place.at(name.as_str()),
                    format!("{name:?} is no label name"),
                    "label names consist of letters, digits and _, and do not begin with a digit",
                );
            }
        }
    }

    /// A path as seen from the file's directory.
    pub(crate) fn path(&self, path: &str) -> String {
        if path.is_empty() {
            return String::new();
        }
        let joined: PathBuf = Path::new(self.directory)
            .join(path)
            .components()
            .filter(|part| *part != Component::CurDir)
            .collect();
        joined.to_string_lossy().into_owned()
    }
}

/// What to say of a key whose absence would change what happens.
fn refusal(key: &str) -> (String, &'static str) {
    let message = format!("{key} is not supported");
    let help = match key {
        "remote_write" => {
            "samples would not be sent; remove it, or let another Prometheus scrape this one's targets"
        }
        "remote_read" => "queries would not see that data; remove it",
        "scrape_config_files" => "move the jobs into scrape_configs",
        "oauth2" => "use authorization with credentials_file, and renew the token in that file",
        "sigv4" => "use basic_auth or authorization",
        "proxy_connect_header" => "requests are made without a proxy; remove it",
        "percentage" => "write a size",
        "sources" => "write source_matchers and equal; one rule for each source is a rule for any of them",
        _ if key.ends_with("_sd_configs") => {
            "write targets into a file that something else keeps up to date, and name it in file_sd_configs"
        }
        _ => "give the value itself, or the path of a file that holds it",
    };
    (message, help)
}

/// What to say of a key that can be left alone.
fn indifference(key: &str) -> (String, &'static str) {
    let message = format!("{key} has no effect here");
    let help = match key {
        "runtime" => "it tunes a garbage collector, of which there is none",
        "tracing" => "no traces are sent",
        "otlp" => "metrics are not received over OTLP",
        "exemplars" => "exemplars are read and not kept",
        "query_log_file" | "scrape_failure_log_file" => "no such file is written",
        "always_scrape_classic_histograms" | "scrape_classic_histograms" => {
            "classic histograms are always kept"
        }
        _ => "native histograms are not asked for",
    };
    (message, help)
}
