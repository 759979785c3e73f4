use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::Source;
use crate::render::{self, Excerpt};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Works, but probably not as meant.
    Warning,
    /// Does not work.
    Error,
}

impl Severity {
    /// The word that stands first in the printed finding.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A finding in a text: what is wrong, where, and what to try.
///
/// Its `Display` is what people read, in several lines, with carets under the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable name of this kind of finding, where it has one: `error[promql/aggregate]`.
    pub code: Option<&'static str>,
    /// What is wrong: lowercase, one line, no final stop.
    pub message: Box<str>,
    /// The name of the source.
    pub file: Arc<str>,
    /// The place as bytes of the source's text.
    pub span: Option<Range<usize>>,
    /// Words for the carets.
    pub label: Option<Box<str>>,
    /// What to try.
    pub help: Option<Box<str>>,
    /// The lines to print, so that the finding outlives its source.
    excerpt: Option<Box<Excerpt>>,
}

impl Diagnostic {
    /// A finding of some severity. A span that reaches outside of the text is moved inside.
    pub fn new(
        severity: Severity,
        source: &Source,
        span: Option<Range<usize>>,
        message: impl Into<Box<str>>,
    ) -> Self {
        let span = span.map(|s| source.clamp(&s));
        let excerpt = span.as_ref().map(|s| Box::new(Excerpt::cut(source.text(), s)));
        Self {
            severity,
            code: None,
            message: message.into(),
            file: source.shared_name(),
            span,
            label: None,
            help: None,
            excerpt,
        }
    }

    /// An error.
    pub fn error(source: &Source, span: Option<Range<usize>>, message: impl Into<Box<str>>) -> Self {
        Self::new(Severity::Error, source, span, message)
    }

    /// A warning.
    pub fn warning(source: &Source, span: Option<Range<usize>>, message: impl Into<Box<str>>) -> Self {
        Self::new(Severity::Warning, source, span, message)
    }

    /// With the stable name of its kind.
    #[must_use]
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// With words beside the carets; without a span they stand as a note.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<Box<str>>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// With what to try.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<Box<str>>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Without the text of its line, for places that hold a secret under a key that does not tell. Values of
    /// keys such as `password` and `token` are never printed, whoever makes the finding.
    #[must_use]
    pub fn with_hidden_line(mut self) -> Self {
        if let Some(excerpt) = &mut self.excerpt {
            excerpt.hide();
        }
        self
    }

    /// The line of the place, from 1.
    pub fn line(&self) -> Option<usize> {
        self.excerpt.as_ref().map(|e| e.line)
    }

    /// The column of the place in characters, from 1.
    pub fn column(&self) -> Option<usize> {
        self.excerpt.as_ref().map(|e| e.column)
    }
}

/// As rustc prints its findings; ends with a line break.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        render::write(f, self, self.excerpt.as_deref())
    }
}

impl std::error::Error for Diagnostic {}
