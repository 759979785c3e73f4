use std::collections::BTreeMap;
use std::fmt;

use assurance_diagnostics::{Diagnostic, Source, suggest, yaml};
use serde::{Deserialize, Serialize};

use crate::files::ALIASES;

/// The namespace of the pack's own ids.
pub const CANONICAL: &str = "policy";

/// What ids of alerts mean in documents that number them otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aliases {
    /// The pack's own ids.
    ids: Vec<String>,
    namespaces: BTreeMap<String, Namespace>,
    /// Alert names that are no longer used, with the ids they mean.
    names: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Namespace {
    about: String,
    ids: BTreeMap<String, Alias>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Alias {
    means: String,
    called: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    namespaces: BTreeMap<String, Namespace>,
    names: BTreeMap<String, String>,
}

/// What an id means in one namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Meaning {
    /// The namespace.
    pub namespace: String,
    /// The id as that namespace writes it.
    pub alias: String,
    /// The pack's id for the same alert.
    pub id: String,
    /// What the namespace's documents call the alert; empty in the pack's own.
    pub called: String,
    /// Whose documents these are; empty for the pack's own.
    pub about: String,
}

/// Why an id names no alert.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AliasError {
    /// It means different alerts in different namespaces.
    Ambiguous {
        /// The id.
        id: String,
        /// What it may mean.
        meanings: Vec<Meaning>,
    },
    /// No such namespace.
    UnknownNamespace {
        /// The namespace.
        namespace: String,
        /// Those there are.
        known: Vec<String>,
    },
    /// No namespace has it.
    Unknown {
        /// The id.
        id: String,
        /// One that looks like it.
        suggestion: Option<String>,
    },
}

impl fmt::Display for AliasError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ambiguous { id, meanings } => {
                write!(f, "{id} means different alerts in different documents; write ")?;
                for (index, meaning) in meanings.iter().enumerate() {
                    let or = if index == 0 { "" } else { ", or " };
                    write!(f, "{or}{}:{id} for {}", meaning.namespace, meaning.id)?;
                }
                Ok(())
            }
            Self::UnknownNamespace { namespace, known } => {
                write!(f, "there is no namespace `{namespace}`; there are {}", known.join(", "))
            }
            Self::Unknown { id, suggestion: Some(near) } => {
                write!(f, "no alert has the id `{id}`; did you mean {near}?")
            }
            Self::Unknown { id, suggestion: None } => write!(f, "no alert has the id `{id}`"),
        }
    }
}

impl std::error::Error for AliasError {}

impl Aliases {
    /// Reads the file, beside the pack's own ids.
    ///
    /// # Errors
    /// The first flaw, at its place: an alias must mean an id that there is.
    pub fn parse(source: &Source, ids: Vec<String>) -> Result<Self, Diagnostic> {
        let file: File = yaml::parse(source)?;
        let flaw = |path: &[yaml::PathSegment], message: String| {
            Diagnostic::error(source, yaml::locate(source, path), message)
        };
        if file.version != 1 {
            let message = format!("version {} of the format is not known", file.version);
            return Err(flaw(&["version".into()], message));
        }
        let unknown = |id: &str| format!("{id} is no id of the pack");
        for (name, namespace) in &file.namespaces {
            if name == CANONICAL {
                let message = format!("{CANONICAL} is the namespace of the pack's own ids");
                return Err(flaw(&["namespaces".into(), name.as_str().into()], message));
            }
            for (alias, meant) in &namespace.ids {
                if !ids.contains(&meant.means) {
                    let path =
                        ["namespaces".into(), name.as_str().into(), "ids".into(), alias.as_str().into()];
                    return Err(flaw(&path, unknown(&meant.means)));
                }
            }
        }
        for (name, id) in &file.names {
            if !ids.contains(id) {
                return Err(flaw(&["names".into(), name.as_str().into()], unknown(id)));
            }
        }
        Ok(Self { ids, namespaces: file.namespaces, names: file.names })
    }

    /// The id of the alert that is meant: by an id, an id with its namespace (`seed:GA-006`), or a name that is
    /// no longer used.
    ///
    /// # Errors
    /// If no alert is meant, or more than one: an id is not guessed at.
    pub fn resolve(&self, text: &str) -> Result<&str, AliasError> {
        let text = text.trim();
        if let Some(id) = self.names.get(text) {
            return Ok(id);
        }
        let Some((namespace, alias)) = text.split_once(':') else {
            let meanings = self.meanings(text);
            let Some(first) = meanings.first() else { return Err(self.unknown(text)) };
            if meanings.iter().any(|meaning| meaning.id != first.id) {
                return Err(AliasError::Ambiguous { id: text.to_owned(), meanings });
            }
            return self.own(&first.id).ok_or_else(|| self.unknown(text));
        };
        if namespace == CANONICAL {
            return self.own(alias).ok_or_else(|| self.unknown(alias));
        }
        let Some(known) = self.namespaces.get(namespace) else {
            let mut known: Vec<String> = vec![CANONICAL.to_owned()];
            known.extend(self.namespaces.keys().cloned());
            return Err(AliasError::UnknownNamespace { namespace: namespace.to_owned(), known });
        };
        known.ids.get(alias).map(|alias| alias.means.as_str()).ok_or_else(|| self.unknown(text))
    }

    /// What an id without a namespace means in each, the pack's own first.
    pub fn meanings(&self, id: &str) -> Vec<Meaning> {
        let own = self.own(id).map(|own| Meaning {
            namespace: CANONICAL.to_owned(),
            alias: own.to_owned(),
            id: own.to_owned(),
            called: String::new(),
            about: String::new(),
        });
        let others = self.namespaces.iter().filter_map(|(name, namespace)| {
            let alias = namespace.ids.get(id)?;
            Some(Meaning {
                namespace: name.clone(),
                alias: id.to_owned(),
                id: alias.means.clone(),
                called: alias.called.clone(),
                about: namespace.about.clone(),
            })
        });
        own.into_iter().chain(others).collect()
    }

    /// What the pack's alert of an id is called elsewhere.
    pub fn elsewhere(&self, id: &str) -> Vec<Meaning> {
        let aliases = self.namespaces.iter().flat_map(|(name, namespace)| {
            namespace.ids.iter().map(move |(alias, meant)| (name, namespace, alias, meant))
        });
        aliases
            .filter(|(.., meant)| meant.means == id)
            .map(|(name, namespace, alias, meant)| Meaning {
                namespace: name.clone(),
                alias: alias.clone(),
                id: id.to_owned(),
                called: meant.called.clone(),
                about: namespace.about.clone(),
            })
            .collect()
    }

    fn own(&self, id: &str) -> Option<&str> {
        self.ids.iter().find(|own| *own == id).map(String::as_str)
    }

    fn unknown(&self, id: &str) -> AliasError {
        let suggestion = suggest(id, self.ids.iter().map(String::as_str)).map(str::to_owned);
        AliasError::Unknown { id: id.to_owned(), suggestion }
    }
}

/// The aliases of the pack.
///
/// # Errors
/// If an embedded file is flawed, which a test excludes.
pub fn aliases() -> Result<Aliases, Vec<Diagnostic>> {
    let mut ids: Vec<String> = crate::alerts()?.into_iter().map(|alert| alert.id).collect();
    ids.sort_unstable();
    ids.dedup();
    Aliases::parse(&Source::new(ALIASES.0, ALIASES.1), ids).map_err(|flaw| vec![flaw])
}
