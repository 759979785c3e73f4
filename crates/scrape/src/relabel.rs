use std::fmt;
use std::sync::Arc;

use assurance_metrics_model::{Labels, LabelsBuilder, is_legacy_label_name};
use md5::{Digest as _, Md5};
use regex::{Captures, Regex, RegexBuilder};

/// Largest compiled form of one relabelling regular expression: 1 MiB, as for a matcher. Prometheus has no
/// such bound; alternations of some thousand names fit.
const MAX_REGEX_BYTES: usize = 1 << 20;

/// The regular expression a rule has if none is written.
const DEFAULT_REGEX: &str = "(.*)";

/// The replacement a rule has if none is written.
const DEFAULT_REPLACEMENT: &str = "$1";

/// The separator a rule has if none is written.
const DEFAULT_SEPARATOR: &str = ";";

/// What a relabelling rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RelabelAction {
    /// Sets `target_label` to `replacement` where `regex` matches the joined source labels.
    #[default]
    Replace,
    /// Drops what `regex` does not match.
    Keep,
    /// Drops what `regex` matches.
    Drop,
    /// Drops where `target_label` differs from the joined source labels.
    KeepEqual,
    /// Drops where `target_label` equals the joined source labels.
    DropEqual,
    /// Sets `target_label` to the MD5 of the joined source labels, modulo `modulus`.
    HashMod,
    /// Copies each label whose name `regex` matches to the name that `replacement` gives.
    LabelMap,
    /// Removes each label whose name `regex` matches.
    LabelDrop,
    /// Removes each label whose name `regex` does not match.
    LabelKeep,
    /// Sets `target_label` to the joined source labels in lower case.
    Lowercase,
    /// Sets `target_label` to the joined source labels in upper case.
    Uppercase,
}

impl RelabelAction {
    /// All actions, in the order of Prometheus's manual.
    pub const ALL: [Self; 11] = [
        Self::Replace,
        Self::Lowercase,
        Self::Uppercase,
        Self::Keep,
        Self::Drop,
        Self::KeepEqual,
        Self::DropEqual,
        Self::HashMod,
        Self::LabelMap,
        Self::LabelDrop,
        Self::LabelKeep,
    ];

    /// The word in configuration files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Keep => "keep",
            Self::Drop => "drop",
            Self::KeepEqual => "keepequal",
            Self::DropEqual => "dropequal",
            Self::HashMod => "hashmod",
            Self::LabelMap => "labelmap",
            Self::LabelDrop => "labeldrop",
            Self::LabelKeep => "labelkeep",
            Self::Lowercase => "lowercase",
            Self::Uppercase => "uppercase",
        }
    }

    /// From the word in configuration files, in any case, as Prometheus reads it.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str().eq_ignore_ascii_case(word))
    }
}

impl fmt::Display for RelabelAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A relabelling rule as written; `None` is what was not written. [`RelabelRule::new`] checks it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelabelSpec {
    /// Labels whose values are joined.
    pub source_labels: Option<Vec<String>>,
    /// Put between the joined values; `;` if not written.
    pub separator: Option<String>,
    /// The label that is set or compared.
    pub target_label: Option<String>,
    /// Anchored at both ends; `(.*)` if not written.
    pub regex: Option<String>,
    /// Divisor of `hashmod`.
    pub modulus: Option<u64>,
    /// With `$1`, `${1}`, `${name}`; `$1` if not written.
    pub replacement: Option<String>,
    /// What to do.
    pub action: RelabelAction,
}

/// Which part of a [`RelabelSpec`] is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RelabelField {
    /// `source_labels`
    SourceLabels,
    /// `separator`
    Separator,
    /// `target_label`
    TargetLabel,
    /// `regex`
    Regex,
    /// `modulus`
    Modulus,
    /// `replacement`
    Replacement,
}

impl RelabelField {
    /// The key in configuration files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SourceLabels => "source_labels",
            Self::Separator => "separator",
            Self::TargetLabel => "target_label",
            Self::Regex => "regex",
            Self::Modulus => "modulus",
            Self::Replacement => "replacement",
        }
    }
}

/// A relabelling rule that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct RelabelError {
    /// The key at fault.
    pub field: RelabelField,
    /// What is wrong with it.
    pub kind: RelabelErrorKind,
}

/// Why a relabelling rule cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RelabelErrorKind {
    /// The action needs a key that is not written.
    #[error("action {action} needs {}", field.as_str())]
    Missing {
        /// The action.
        action: RelabelAction,
        /// The key.
        field: RelabelField,
    },
    /// The action takes no such key.
    #[error("action {action} takes no {}", field.as_str())]
    Superfluous {
        /// The action.
        action: RelabelAction,
        /// The key.
        field: RelabelField,
    },
    /// The regular expression does not compile.
    #[error("cannot compile regular expression {regex:?}: {reason}")]
    Regex {
        /// The expression as written.
        regex: String,
        /// What the compiler says.
        reason: String,
    },
    /// The text cannot become a label's name.
    #[error("{name:?} is no label name")]
    LabelName {
        /// The text.
        name: String,
    },
}

/// One relabelling rule, checked and compiled.
#[derive(Clone)]
pub struct RelabelRule {
    spec: RelabelSpec,
    source_labels: Arc<[String]>,
    separator: String,
    target_label: String,
    replacement: String,
    regex: Regex,
    /// The regular expression as written; without one, an empty value short-cuts as in Prometheus.
    default_regex: bool,
    modulus: u64,
    action: RelabelAction,
}

impl RelabelRule {
    /// Checks and compiles, with the rules of Prometheus's `relabel.Config.Validate`.
    ///
    /// # Errors
    /// If the action lacks a key or has one too many, if the regular expression does not compile or compiles
    /// to more than 1 MiB, if a text cannot become a label's name.
    pub fn new(spec: RelabelSpec) -> Result<Self, RelabelError> {
        use RelabelAction as A;
        use RelabelField as F;
        let fail = |field, kind| Err(RelabelError { field, kind });
        let action = spec.action;
        let target = spec.target_label.clone().unwrap_or_default();
        let replacement = spec.replacement.clone().unwrap_or_else(|| DEFAULT_REPLACEMENT.to_owned());
        let separator = spec.separator.clone().unwrap_or_else(|| DEFAULT_SEPARATOR.to_owned());
        let modulus = spec.modulus.unwrap_or(0);
        let written = spec.regex.as_deref().unwrap_or(DEFAULT_REGEX);

        let needs_target = matches!(
            action,
            A::Replace | A::HashMod | A::Lowercase | A::Uppercase | A::KeepEqual | A::DropEqual
        );
        if action == A::HashMod && modulus == 0 {
            return fail(F::Modulus, RelabelErrorKind::Missing { action, field: F::Modulus });
        }
        if needs_target && target.is_empty() {
            return fail(F::TargetLabel, RelabelErrorKind::Missing { action, field: F::TargetLabel });
        }
        let takes_no = |fields: &[(F, bool)]| {
            fields.iter().find(|(_, there)| *there).map(|(field, _)| RelabelError {
                field: *field,
                kind: RelabelErrorKind::Superfluous { action, field: *field },
            })
        };
        let other_replacement = replacement != DEFAULT_REPLACEMENT;
        let other_separator = separator != DEFAULT_SEPARATOR;
        let error = match action {
            A::Lowercase | A::Uppercase => takes_no(&[(F::Replacement, other_replacement)]),
            A::KeepEqual | A::DropEqual => takes_no(&[
                (F::Regex, written != DEFAULT_REGEX),
                (F::Modulus, modulus != 0),
                (F::Separator, other_separator),
                (F::Replacement, other_replacement),
            ]),
            A::LabelDrop | A::LabelKeep => takes_no(&[
                (F::SourceLabels, spec.source_labels.is_some()),
                (F::TargetLabel, !target.is_empty()),
                (F::Modulus, modulus != 0),
                (F::Separator, other_separator),
                (F::Replacement, other_replacement),
            ]),
            _ => None,
        };
        if let Some(error) = error {
            return Err(error);
        }
        let bad_name = |field, name: &str| fail(field, RelabelErrorKind::LabelName { name: name.to_owned() });
        if action == A::HashMod && !is_legacy_label_name(&target) {
            return bad_name(F::TargetLabel, &target);
        }
        if needs_target && !is_name_template(&target) {
            return bad_name(F::TargetLabel, &target);
        }
        if action == A::LabelMap && !is_name_template(&replacement) {
            return bad_name(F::Replacement, &replacement);
        }
        let source_labels: Arc<[String]> = spec.source_labels.clone().unwrap_or_default().into();
        if let Some(name) = source_labels.iter().find(|name| !is_legacy_label_name(name)) {
            return bad_name(F::SourceLabels, name);
        }
        let regex = match compile(written) {
            Ok(regex) => regex,
            Err(reason) => {
                return fail(F::Regex, RelabelErrorKind::Regex { regex: written.to_owned(), reason });
            }
        };
        let default_regex = written == DEFAULT_REGEX;
        Ok(Self {
            source_labels,
            separator,
            target_label: target,
            replacement,
            regex,
            default_regex,
            modulus,
            action,
            spec,
        })
    }

    /// What it was made of.
    pub fn spec(&self) -> &RelabelSpec {
        &self.spec
    }

    /// Applies the rule; `false` means: drop this target, series or alert.
    pub fn apply(&self, labels: &mut LabelsBuilder) -> bool {
        use RelabelAction as A;
        let joined = || {
            let mut text = String::new();
            for (at, name) in self.source_labels.iter().enumerate() {
                if at > 0 {
                    text.push_str(&self.separator);
                }
                text.push_str(labels.get(name).unwrap_or_default());
            }
            text
        };
        let target = self.target_label.as_str();
        match self.action {
            A::Keep => return self.regex.is_match(&joined()),
            A::Drop => return !self.regex.is_match(&joined()),
            A::KeepEqual => return labels.get(target).unwrap_or_default() == joined(),
            A::DropEqual => return labels.get(target).unwrap_or_default() != joined(),
            A::Replace => {
                let value = joined();
                self.replace(&value, labels);
            }
            A::Lowercase => {
                let value = joined().to_lowercase();
                labels.set(target, &value);
            }
            A::Uppercase => {
                let value = joined().to_uppercase();
                labels.set(target, &value);
            }
            A::HashMod => {
                let digest: [u8; 16] = Md5::digest(joined().as_bytes()).into();
                let [.., a, b, c, d, e, f, g, h] = digest;
                let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]) % self.modulus;
                labels.set(target, &number.to_string());
            }
            A::LabelMap => {
                // By name, so that the outcome does not hang on the builder's order where two names map to one.
                let mut copies: Vec<(String, String, String)> = Vec::new();
                for (name, value) in labels.iter() {
                    if let Some(captures) = self.regex.captures(name) {
                        copies.push((
                            name.to_owned(),
                            expand(&self.replacement, &captures),
                            value.to_owned(),
                        ));
                    }
                }
                copies.sort_unstable();
                for (_, name, value) in copies {
                    labels.set(&name, &value);
                }
            }
            A::LabelDrop | A::LabelKeep => {
                let drop_matching = self.action == A::LabelDrop;
                let gone: Vec<String> = labels
                    .iter()
                    .filter(|(name, _)| self.regex.is_match(name) == drop_matching)
                    .map(|(name, _)| name.to_owned())
                    .collect();
                for name in gone {
                    labels.remove(&name);
                }
            }
        }
        true
    }

    fn replace(&self, value: &str, labels: &mut LabelsBuilder) {
        if value.is_empty()
            && self.default_regex
            && !self.target_label.contains('$')
            && !self.replacement.contains('$')
        {
            labels.set(&self.target_label, &self.replacement);
            return;
        }
        let Some(captures) = self.regex.captures(value) else { return };
        let target = expand(&self.target_label, &captures);
        if !is_legacy_label_name(&target) {
            return;
        }
        labels.set(&target, &expand(&self.replacement, &captures));
    }
}

impl fmt::Debug for RelabelRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spec.fmt(f)
    }
}

impl PartialEq for RelabelRule {
    fn eq(&self, other: &Self) -> bool {
        self.spec == other.spec
    }
}

impl Eq for RelabelRule {}

/// Applies rules in order; `false` as soon as one drops.
pub fn relabel_builder(labels: &mut LabelsBuilder, rules: &[RelabelRule]) -> bool {
    rules.iter().all(|rule| rule.apply(labels))
}

/// Applies rules in order; `None` if one drops.
pub fn relabel(labels: &Labels, rules: &[RelabelRule]) -> Option<Labels> {
    let mut builder = labels.to_builder();
    relabel_builder(&mut builder, rules).then(|| builder.build())
}

fn compile(written: &str) -> Result<Regex, String> {
    let build = |pattern: &str| RegexBuilder::new(pattern).size_limit(MAX_REGEX_BYTES).build();
    // First alone: `a)|(b` would compile inside the group, and mean something else.
    build(written).and_then(|_alone| build(&format!("^(?s:{written})$"))).map_err(|e| match e {
        regex::Error::CompiledTooBig(limit) => format!("it compiles to more than {limit} bytes"),
        // The engine prints the pattern over several lines; the last one is the reason.
        e => e.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    })
}

/// Whether a text may become a label's name once its `$1`, `${1}` are filled in (Prometheus
/// `relabelTarget`: `^(?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+$`).
fn is_name_template(text: &str) -> bool {
    let mut rest = text;
    let mut first = true;
    while let Some(c) = rest.chars().next() {
        if c == '$' {
            let Some((_, after)) = reference(&rest[1..]) else { return false };
            rest = after;
        } else if c == '_' || c.is_ascii_alphabetic() || (c.is_ascii_digit() && !first) {
            rest = &rest[1..];
        } else {
            return false;
        }
        first = false;
    }
    !first
}

/// Reads `name` or `{name}` after a `$`, as Go's `regexp` does: what is read, and what follows.
fn reference(text: &str) -> Option<(&str, &str)> {
    let is_word = |c: char| c == '_' || c.is_alphanumeric();
    let (braced, inner) = match text.strip_prefix('{') {
        Some(inner) => (true, inner),
        None => (false, text),
    };
    let end = inner.find(|c| !is_word(c)).unwrap_or(inner.len());
    let (name, after) = inner.split_at(end);
    if name.is_empty() {
        return None;
    }
    if braced { after.strip_prefix('}').map(|after| (name, after)) } else { Some((name, after)) }
}

/// Fills in `$1`, `${1}`, `$name`, `$$`; an unknown group is empty, a `$` that begins none of these stays
/// (Go's `Regexp.Expand`).
fn expand(template: &str, captures: &Captures<'_>) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(tail) = after.strip_prefix('$') {
            out.push('$');
            rest = tail;
        } else if let Some((name, tail)) = reference(after) {
            let group = match name.parse::<usize>() {
                Ok(number) => captures.get(number),
                Err(_not_a_number) => captures.name(name),
            };
            out.push_str(group.map_or("", |m| m.as_str()));
            rest = tail;
        } else {
            out.push('$');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}
