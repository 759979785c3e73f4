use assurance_diagnostics::{Diagnostic, Source, yaml};
use serde::{Deserialize, Serialize};

use crate::files::POLICY;

/// What no rule says by itself about an alert.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Statement {
    /// The alert's id.
    pub id: String,
    /// What must not go unseen.
    pub catches: String,
    /// The condition, in words.
    pub fires: String,
    /// When it ends.
    pub clears: String,
    /// What no scrape shows, or shows too late.
    pub residuals: Vec<Residual>,
}

/// Something that an alert cannot see.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Residual {
    /// What.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    alerts: Vec<Statement>,
}

/// What the pack states of its alerts, in the order of their ids.
///
/// # Errors
/// If the embedded file is flawed, which a test excludes.
pub fn statements() -> Result<Vec<Statement>, Diagnostic> {
    let source = Source::new(POLICY.0, POLICY.1);
    let file: File = yaml::parse(&source)?;
    if file.version != 1 {
        let message = format!("version {} of the format is not known", file.version);
        return Err(Diagnostic::error(&source, yaml::locate(&source, &["version".into()]), message));
    }
    Ok(file.alerts)
}
