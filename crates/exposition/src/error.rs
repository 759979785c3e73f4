use std::fmt;

use assurance_metrics_model::MetricType;

use crate::chars::line_end;

/// Longest part of a line that an error quotes, in characters: what fits in a terminal beside the message.
const EXCERPT_CHARS: usize = 100;

/// Something in a body that is not as its format wants it: where, what, and what to do.
#[derive(Clone, Debug, PartialEq)]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1; one past the last where something is missing at the end.
    pub column: usize,
    /// What is wrong.
    pub kind: ParseErrorKind,
    excerpt: String,
    caret: usize,
}

impl ParseError {
    /// The line, or the part of it around the column where it is long; a tab appears as a space, and
    /// what is not UTF-8 or would move the cursor as U+FFFD.
    pub fn excerpt(&self) -> &str {
        &self.excerpt
    }

    /// How many characters of [`ParseError::excerpt`] stand before the fault.
    pub const fn caret(&self) -> usize {
        self.caret
    }

    /// What to do about it.
    pub const fn hint(&self) -> &'static str {
        self.kind.hint()
    }

    pub(crate) fn locate(body: &[u8], lines: &Lines, fault: Fault) -> Self {
        let (line, start) = lines.locate(body, fault.at);
        let end = line_end(body, start);
        let at = fault.at.clamp(start, end);
        let before = String::from_utf8_lossy(&body[start..at]);
        let column = before.chars().count() + 1;
        let lead = (column - 1).saturating_sub(EXCERPT_CHARS / 2);
        // A character has at most four bytes, so this much of a long line is enough to look at.
        let until = end.min(at + 4 * EXCERPT_CHARS);
        let visible = |c: char| match c {
            '\t' => ' ',
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        };
        let mut excerpt: String = before.chars().skip(lead).map(visible).collect();
        let after = String::from_utf8_lossy(&body[at..until]);
        excerpt.extend(after.chars().take(EXCERPT_CHARS / 2).map(visible));
        let caret = column - 1 - lead;
        Self { line, column, kind: fault.kind, excerpt, caret }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}; {}", self.line, self.column, self.kind, self.hint())
    }
}

impl std::error::Error for ParseError {}

/// A fault at an offset, before anybody asked for the line.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) kind: ParseErrorKind,
}

impl Fault {
    pub(crate) const fn new(at: usize, kind: ParseErrorKind) -> Self {
        Self { at, kind }
    }
}

/// A line whose number is known, from which others are counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines {
    line: usize,
    start: usize,
}

impl Lines {
    pub(crate) const fn new() -> Self {
        Self { line: 1, start: 0 }
    }

    /// Moves on to the line that starts at `start`, which must not lie before the known one.
    pub(crate) fn advance(&mut self, body: &[u8], start: usize) {
        self.line += memchr::memchr_iter(b'\n', &body[self.start..start]).count();
        self.start = start;
    }

    /// Moves on to the next line, which starts at `start`; nowhere if no line feed ends this one.
    pub(crate) fn step(&mut self, body: &[u8], start: usize) {
        if body[..start].ends_with(b"\n") {
            self.line += 1;
            self.start = start;
        }
    }

    /// The number of the line that holds offset `at`, and the offset of its start.
    pub(crate) fn locate(&self, body: &[u8], at: usize) -> (usize, usize) {
        let at = at.min(body.len());
        let start = memchr::memrchr(b'\n', &body[..at]).map_or(0, |n| n + 1);
        let line = if start >= self.start {
            self.line + memchr::memchr_iter(b'\n', &body[self.start..start]).count()
        } else {
            self.line - memchr::memchr_iter(b'\n', &body[start..self.start]).count()
        };
        (line, start)
    }
}

/// The byte at `at` as a message names it.
pub(crate) fn found(body: &[u8], at: usize) -> String {
    match body.get(at) {
        None | Some(b'\n') => "the end of the line".to_owned(),
        Some(b' ') => "a space".to_owned(),
        Some(b'\t') => "a tab".to_owned(),
        Some(b'\r') => "a carriage return".to_owned(),
        Some(byte) if byte.is_ascii_graphic() => format!("`{}`", char::from(*byte)),
        Some(byte) if byte.is_ascii() => format!("byte 0x{byte:02x}"),
        Some(_) => {
            let rest = &body[at..body.len().min(at + 4)];
            match String::from_utf8_lossy(rest).chars().next() {
                Some(c) if c != char::REPLACEMENT_CHARACTER => format!("`{c}`"),
                _ => format!("byte 0x{:02x}", body[at]),
            }
        }
    }
}

/// Longest text a message quotes, in characters.
const MAX_SHOWN_CHARS: usize = 60;

/// A text from the body as a message quotes it: on one line, without control characters, cut where it is
/// long.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == MAX_SHOWN_CHARS {
            out.push('…');
            break;
        }
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident $({ $($(#[doc = $field_doc:literal])* $field:ident: $type:ty),* $(,)? })? => $message:literal, $hint:literal;)*) => {
        /// What is wrong with a body.
        #[derive(Clone, Debug, PartialEq, thiserror::Error)]
        #[non_exhaustive]
        pub enum ParseErrorKind {
            $($(#[doc = $doc])* #[error($message)] $name $({ $($(#[doc = $field_doc])* $field: $type),* })?,)*
        }

        impl ParseErrorKind {
            /// What to do about it.
            pub const fn hint(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => $hint,)*
                }
            }
        }
    };
}

kinds! {
    // limits

    /// The body is longer than the limit.
    BodyTooLong {
        /// Its length in bytes.
        bytes: usize,
        /// The limit.
        limit: usize,
    } => "the body has {bytes} bytes, more than the limit of {limit}", "expose fewer series, or raise the limit";
    /// One entry is longer than the limit.
    LineTooLong {
        /// The limit in bytes.
        limit: usize,
    } => "the line is longer than the limit of {limit} bytes", "shorten the labels, or raise the limit";
    /// A sample has more labels than the limit.
    TooManyLabels {
        /// The limit.
        limit: usize,
    } => "the sample has more than {limit} labels", "drop labels at the source, or raise the limit";
    /// A name is longer than the limit.
    NameTooLong {
        /// The limit in bytes.
        limit: usize,
    } => "the name is longer than the limit of {limit} bytes", "use a shorter name, or raise the limit";
    /// A label value is longer than the limit.
    LabelValueTooLong {
        /// The limit in bytes.
        limit: usize,
    } => "the label value is longer than the limit of {limit} bytes", "keep long texts out of labels, or raise the limit";
    /// More errors than anybody wants to see.
    TooManyErrors {
        /// The limit.
        limit: usize,
    } => "the body has more than {limit} errors", "repair those listed and parse again; the rest was not read";

    // bytes

    /// Bytes that are no UTF-8.
    InvalidUtf8 => "the text is not UTF-8", "write every name, label value and help text in UTF-8";
    /// A line ends in carriage return and line feed.
    CarriageReturn => "a carriage return ends the line", "end lines with a line feed alone";
    /// OpenMetrics knows no empty lines.
    BlankLine => "the line is empty", "OpenMetrics has no empty lines; remove it";
    /// OpenMetrics knows no comments.
    Comment => "this is neither HELP, TYPE, UNIT nor EOF", "OpenMetrics has no comments; write `# HELP`, `# TYPE`, `# UNIT` or `# EOF` with single spaces";
    /// A line begins with something that begins no line.
    UnexpectedStart {
        /// What stands there.
        found: String,
    } => "a line cannot begin with {found}", "begin with a metric name, `{`, or `#`";

    // series

    /// A metric name is followed by something that cannot be in one.
    UnexpectedInName {
        /// What stands there.
        found: String,
    } => "{found} cannot stand in a bare metric name", "quote the name inside the braces: {\"my.name\",label=\"value\"} 1; or leave a space before the value";
    /// A set of labels without a metric name.
    MissingName => "the sample has no metric name", "write the name before the braces, or quoted and first inside them";
    /// A metric name twice.
    NameTwice => "the metric name is given twice", "write the name once: before the braces, or quoted inside them";
    /// A quoted name with nothing in it.
    EmptyName => "the name is empty", "give it at least one character";
    /// The label `__name__`, which is the metric name's place.
    NameLabel => "`__name__` is the metric's name and no label here", "write the name before the braces, or quoted inside them";
    /// Something else where a label name, or the closing brace, is due.
    ExpectedLabelName {
        /// What stands there.
        found: String,
    } => "expected a label name but found {found}", "label names match [a-zA-Z_][a-zA-Z0-9_]*; quote any other";
    /// Something else where `=` is due.
    ExpectedEqual {
        /// What stands there.
        found: String,
    } => "expected `=` after the label name but found {found}", "write label=\"value\"";
    /// Something else where a quoted value is due.
    ExpectedQuote {
        /// What stands there.
        found: String,
    } => "expected a label value in double quotes but found {found}", "write label=\"value\"";
    /// A quoted text that does not end.
    UnterminatedQuote => "the double quote is never closed", "close it, and escape quotes, backslashes and line feeds inside as \\\", \\\\ and \\n";
    /// A backslash and something that it makes nothing of.
    BadEscape {
        /// What stands there.
        found: String,
    } => "a backslash cannot be followed by {found}", "escapes are those of Go: \\n, \\\", \\\\, \\x41, \\u00e9";
    /// Something else where a comma or the closing brace is due.
    ExpectedComma {
        /// What stands there.
        found: String,
    } => "expected `,` or `}}` after the label but found {found}", "separate labels by one comma without spaces, and close the braces";
    /// A comma with no label after it.
    TrailingComma => "a comma with no label after it", "remove the comma";
    /// A label twice.
    DuplicateLabel {
        /// Its name.
        name: String,
    } => "the label `{name}` is given twice", "give every label once";
    /// A label whose name OpenMetrics keeps for others.
    ReservedLabel {
        /// Its name.
        name: String,
    } => "the label `{name}` is reserved", "names that begin with two underscores belong to the scraper; rename it";

    // values

    /// No value.
    MissingValue => "the sample has no value", "write a number after the series";
    /// Spaces where there must be none, or more than one, or a tab.
    ExpectedSpace {
        /// What stands there.
        found: String,
    } => "expected one space but found {found}", "OpenMetrics separates by exactly one space";
    /// The value is no number.
    BadValue {
        /// What stands there.
        text: String,
    } => "`{text}` is not a number", "write a decimal number, NaN, +Inf or -Inf, without underscores or hexadecimal digits";
    /// The value is a number that no 64-bit float comes near, which Prometheus refuses in text.
    BeyondRange {
        /// What stands there.
        text: String,
    } => "`{text}` is beyond the largest number", "write +Inf or -Inf where infinity is meant";
    /// The timestamp of text 0.0.4 is no whole number of milliseconds.
    BadMilliseconds {
        /// What stands there.
        text: String,
    } => "`{text}` is not a timestamp", "write milliseconds since 1970 as digits only";
    /// The timestamp of OpenMetrics is no finite number of seconds.
    BadSeconds {
        /// What stands there.
        text: String,
    } => "`{text}` is not a timestamp", "write seconds since 1970 as a finite decimal number";
    /// No time, where samples of the past are told.
    MissingTime => "the sample has no time", "write when it was taken after the value: seconds since 1970 in OpenMetrics, milliseconds in text";
    /// Something after the end of a sample.
    TrailingText {
        /// What stands there.
        found: String,
    } => "the sample is complete but {found} follows", "end the line after the value and the optional timestamp";

    // exemplars

    /// A hash after a sample, in text 0.0.4.
    ExemplarInText => "text 0.0.4 has neither exemplars nor comments after a sample", "expose OpenMetrics, or end the line after the value and the optional timestamp";
    /// An exemplar without value or closing brace, or with other spaces than it must have.
    BadExemplar {
        /// What is missing or too much.
        found: String,
    } => "the exemplar is malformed at {found}", "write ` # {trace_id=\"…\"} value [timestamp]` with single spaces";
    /// An exemplar where there can be none.
    ExemplarNotAllowed => "only counter totals and histogram buckets can have exemplars", "remove the exemplar";
    /// An exemplar that is too long.
    ExemplarTooLong {
        /// Characters of its names and values.
        characters: usize,
    } => "the exemplar's labels have {characters} characters, more than 128", "keep only what identifies the trace";

    // metadata

    /// Metadata without a name, or without what it tells.
    BadMetadata {
        /// `HELP`, `TYPE` or `UNIT`.
        keyword: &'static str,
    } => "`# {keyword}` is incomplete", "write the keyword, the metric family's name and the text, separated by single spaces";
    /// A type that the format does not know.
    BadType {
        /// What stands there.
        text: String,
    } => "`{text}` is no metric type of this format", "text 0.0.4 has counter, gauge, histogram, summary, untyped; OpenMetrics has unknown for untyped, and gaugehistogram, info, stateset";
    /// A second HELP, TYPE or UNIT of one family.
    RepeatedMetadata {
        /// `HELP`, `TYPE` or `UNIT`.
        keyword: &'static str,
        /// The family.
        family: String,
    } => "a second `# {keyword}` of `{family}`", "give each family's metadata once";
    /// Metadata after the family's samples.
    MetadataAfterSamples {
        /// The family.
        family: String,
    } => "metadata of `{family}` after its samples", "write a family's metadata before its first sample";
    /// A unit that does not end the family's name.
    UnitMismatch {
        /// The family.
        family: String,
        /// The unit.
        unit: String,
    } => "the name `{family}` does not end in `_{unit}`, its unit", "append the unit to the name, or remove `# UNIT`";
    /// A unit on a type that has none.
    UnitNotAllowed {
        /// The type.
        metric_type: MetricType,
    } => "a family of type {metric_type} cannot have a unit", "remove `# UNIT`";
    /// Two families whose names, or the names of whose samples, are the same.
    ClashingName {
        /// The name both claim.
        name: String,
    } => "the name `{name}` is already taken by an earlier family", "keep a family's metadata and samples together and its names to itself; a counter's samples end in _total, an info's in _info";

    // families

    /// A sample without the label its type needs.
    MissingTypeLabel {
        /// The label.
        label: String,
        /// The type.
        metric_type: MetricType,
    } => "a sample of type {metric_type} needs the label `{label}`", "add the label, or change the type";
    /// A bucket's bound that is no number, or an infinite one not written `+Inf`.
    BadBound {
        /// What stands there.
        text: String,
    } => "`{text}` is no bucket bound", "write a number, and the last bound as +Inf";
    /// A quantile outside 0 to 1.
    BadQuantile {
        /// What stands there.
        text: String,
    } => "`{text}` is no quantile", "write a number from 0 to 1";
    /// A count that is no whole number.
    NotWhole => "a count of observations must be a whole number", "count observations, not weights";
    /// A counter, count or sum below zero.
    Negative => "counters, counts and sums cannot be below zero", "use a gauge or a gaugehistogram for what can";
    /// A quantile's value below zero.
    NegativeQuantile => "the quantiles of a summary cannot be below zero", "use gauges for what can";
    /// A counter, count or sum that is NaN.
    NotANumber => "counters, counts and sums cannot be NaN", "leave the sample out while there is no value";
    /// A state that is neither on nor off.
    BadState => "a state is 0 or 1", "write one sample for each state: 1 for those that hold, 0 for the rest";
    /// An info that is not 1.
    BadInfo => "the value of an info is 1", "put the facts into labels and write 1";
    /// Samples of one group apart from each other.
    InterleavedGroups => "the samples of this label set are not together", "write all samples of one label set before the next one's";
    /// Timestamps on some samples of a group only.
    MixedTimestamps => "some samples of this label set have timestamps and some do not", "give all of them timestamps, or none";
    /// Time running backwards in a group.
    TimestampsBackwards => "this timestamp is before that of the sample above", "write samples in the order of time";

    // histograms

    /// Buckets whose bounds do not rise.
    BoundsNotRising => "bucket bounds must rise", "sort buckets by `le`, each bound once";
    /// Buckets whose counts fall.
    CountsFalling => "bucket counts must not fall", "buckets are cumulative: each counts everything up to its bound";
    /// A histogram without its last bucket.
    MissingInfBucket {
        /// The family.
        family: String,
    } => "the histogram `{family}` has no last bucket le=\"+Inf\"", "add the bucket that counts every observation";
    /// A histogram whose count is not that of the last bucket.
    CountMismatch {
        /// The family.
        family: String,
        /// Its count.
        count: f64,
        /// The count of its last bucket.
        bucket: f64,
    } => "the count of `{family}` is {count} but its +Inf bucket holds {bucket}", "take both from one snapshot";
    /// A histogram with a sum but no count, or the reverse.
    SumAndCount {
        /// The family.
        family: String,
    } => "the histogram `{family}` has only one of sum and count", "write both, or neither";
    /// A histogram with buckets below zero and a sum, which then does not only grow.
    NegativeBuckets {
        /// The family.
        family: String,
    } => "the histogram `{family}` has buckets below zero and so cannot have a sum", "leave `_sum` and `_count` out, or use a gaugehistogram";
    /// A sum below zero of observations that are not.
    NegativeSum {
        /// The family.
        family: String,
    } => "the sum of `{family}` is below zero but no bucket is", "add the negative buckets, or correct the sum";

    // the end

    /// Something after `# EOF`.
    AfterEof => "text after `# EOF`", "end the body with `# EOF` and at most one line feed";
    /// No `# EOF`.
    MissingEof => "the body does not end in `# EOF`", "the body was cut off, or is not OpenMetrics; write `# EOF` last";
}
