use std::ops::Range;

/// A template that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template: {line}:{column}: {kind}")]
pub struct ParseError {
    /// Where in the template's text, in bytes; empty at its end.
    pub span: Range<usize>,
    /// Line of the template's text, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub kind: ParseErrorKind,
}

/// Why a template cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The text is no Go template.
    #[error("{message}")]
    Syntax {
        /// What the reader says.
        message: String,
    },
    /// A function that neither Go nor Prometheus has.
    #[error("function {name:?} is not defined")]
    UnknownFunction {
        /// Its name.
        name: String,
    },
    /// A variable that no action before has set.
    #[error(
        "variable {name:?} is not defined; alerts have $labels, $value, $externalLabels and $externalURL"
    )]
    UnknownVariable {
        /// Its name.
        name: String,
    },
    /// More text than a template may have.
    #[error("template of {bytes} bytes is longer than {limit}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
}

/// Something in a template that works, but not as its author hopes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Finding {
    /// Where in the template's text, in bytes.
    pub span: Range<usize>,
    /// What it is.
    pub kind: FindingKind,
}

/// What a [`Finding`] is about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FindingKind {
    /// The samples of a query are printed, which in Prometheus are memory addresses.
    #[error("prints the list that a query gives, which in Prometheus are memory addresses")]
    PrintsList,
    /// One sample is printed as a whole, labels and value.
    #[error("prints a whole sample, not its value")]
    PrintsSample,
    /// A whole map of labels is printed.
    #[error("prints a whole map of labels, as `map[job:a zone:b]`")]
    PrintsLabels,
    /// Everything that is known of the alert is printed.
    #[error("prints the whole of the alert as a structure of Go")]
    PrintsAlert,
    /// A field that does not exist.
    #[error("{of} has no field {name:?}; every rendering will fail")]
    UnknownField {
        /// What lacks it.
        of: &'static str,
        /// The field's name.
        name: String,
    },
    /// A function called with another number of arguments than it takes.
    #[error("function {name:?} takes {wanted}, not {given}; every rendering will fail")]
    ArgumentCount {
        /// The function's name.
        name: String,
        /// How many it takes, in words.
        wanted: &'static str,
        /// How many it is given, one from a pipe included.
        given: usize,
    },
    /// A `{{ template }}` whose name no `{{ define }}` has.
    #[error("no template is defined by the name {name:?}; rendering this part will fail")]
    UnknownTemplate {
        /// The name.
        name: String,
    },
}

impl FindingKind {
    /// What to write instead.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::PrintsList => Some(
                "use `{{ with query \"…\" }}{{ . | first | value }}{{ end }}` for the first sample's value",
            ),
            Self::PrintsSample => {
                Some("use `| value` for its value, or `| label \"name\"` for one of its labels")
            }
            Self::PrintsLabels => Some(
                "name the labels, as in `{{ $labels.job }}`, or go through them with `{{ range $name, $value := $labels }}`",
            ),
            Self::PrintsAlert => {
                Some("print what is meant of it, such as `{{ $labels.job }}` or `{{ $value }}`")
            }
            Self::UnknownField { of: "a sample", .. } => {
                Some("the fields of a sample are .Labels and .Value")
            }
            Self::UnknownField { of: "a list", .. } => Some("take a sample first, by `first` or `range`"),
            Self::UnknownField { .. } => Some(
                "the fields are .Labels, .Value, .ExternalLabels and .ExternalURL; for a label use $labels.name",
            ),
            Self::ArgumentCount { .. } | Self::UnknownTemplate { .. } => None,
        }
    }
}

/// A template that could not be rendered for this alert.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// A function or field failed on these data.
    #[error("{reason}")]
    Execution {
        /// What failed.
        reason: String,
    },
    /// A query failed.
    #[error("query {expression:?} failed: {reason}")]
    Query {
        /// The query.
        expression: String,
        /// What the engine says.
        reason: String,
    },
    /// More queries than one rendering may make.
    #[error("more than {limit} different queries in one rendering")]
    TooManyQueries {
        /// The limit.
        limit: usize,
    },
    /// More text than a rendering may give.
    #[error("more than {limit} bytes of text")]
    TooMuchText {
        /// The limit.
        limit: usize,
    },
    /// More rounds of `range` than a rendering may make.
    #[error("more than {limit} rounds of range")]
    TooManyRounds {
        /// The limit.
        limit: u64,
    },
}

/// From `{{` to `}}` around a byte of a template's text.
pub(crate) fn action_around(text: &str, offset: usize) -> Range<usize> {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    // The position may be that of the delimiter itself.
    let start = if text[at..].starts_with("{{") { at } else { text[..at].rfind("{{").unwrap_or(at) };
    let end = text[at..].find("}}").map_or(text.len(), |length| at + length + 2);
    start..end
}
