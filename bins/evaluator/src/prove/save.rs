//! Counterexamples as files that promtool runs.

use std::collections::BTreeSet;
use std::io::{Error, ErrorKind, Write as _};
use std::path::{Component, Path, PathBuf};

use assurance_prover::claim::Claim;

use super::hunt::Report;
use super::load::Loaded;

/// Files of one name that hold something else: more mean that nobody looks at them.
const MAX_SAME_NAME: usize = 100;

/// Writes each counterexample of a claim, and gives the files: `None` for one that promtool cannot be told.
pub(super) fn save(
    folder: &Path,
    loaded: &Loaded,
    claim: &Claim,
    report: &Report,
    names: &mut BTreeSet<PathBuf>,
) -> Result<Vec<Result<PathBuf, String>>, Error> {
    if report.counterexamples.is_empty() {
        return Ok(Vec::new());
    }
    fs_err::create_dir_all(folder)?;
    let rule_files = rule_files(folder, loaded, claim)?;
    let mut saved = Vec::new();
    for counterexample in &report.counterexamples {
        let kind = counterexample.verdict.kind.as_str().to_lowercase();
        let text = counterexample.test(claim, rule_files.clone()).and_then(|test| test.text());
        saved.push(match text {
            Ok(text) => Ok(write_new(folder, &format!("{}-{kind}", claim.intent.id), &text, names)?),
            Err(reason) => Err(reason.to_string()),
        });
    }
    Ok(saved)
}

/// The files of all rules, as seen from a folder. The rules of the pack are written beside the tests.
fn rule_files(folder: &Path, loaded: &Loaded, claim: &Claim) -> Result<Vec<String>, Error> {
    let mut files: BTreeSet<&str> = claim.rules.iter().map(|rule| &*rule.file).collect();
    if claim.needs_full.is_some() {
        files.extend(loaded.groups.iter().map(|group| group.file.as_str()));
    }
    if !loaded.is_pack {
        return files.into_iter().map(|file| relative(folder, Path::new(file))).collect();
    }
    for (name, text) in assurance_policy::rule_files().iter().filter(|(name, _)| files.contains(name)) {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs_err::create_dir_all(parent)?;
        }
        match fs_err::OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => file.write_all(text.as_bytes())?,
            Err(error)
                if error.kind() == ErrorKind::AlreadyExists && fs_err::read_to_string(&path)? == *text => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files.into_iter().map(str::to_owned).collect())
}

/// A file as seen from a folder.
fn relative(folder: &Path, file: &Path) -> Result<String, Error> {
    let (folder, file) = (fs_err::canonicalize(folder)?, fs_err::canonicalize(file)?);
    let mut from = folder.components().peekable();
    let mut to = file.components().peekable();
    while from.peek().is_some() && from.peek() == to.peek() {
        from.next();
        to.next();
    }
    let up = from.map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to).collect();
    Ok(path.to_string_lossy().into_owned())
}

/// Writes a text under a name that nothing else has: another content is never overwritten.
fn write_new(folder: &Path, stem: &str, text: &str, names: &mut BTreeSet<PathBuf>) -> Result<PathBuf, Error> {
    let stem: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    for number in 1..=MAX_SAME_NAME {
        let name = if number == 1 { format!("{stem}.yml") } else { format!("{stem}-{number}.yml") };
        let path = folder.join(name);
        match fs_err::OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(text.as_bytes())?;
                names.insert(path.clone());
                return Ok(path);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if !names.contains(&path) && fs_err::read_to_string(&path).is_ok_and(|there| there == text) {
                    names.insert(path.clone());
                    return Ok(path);
                }
            }
            Err(error) => return Err(error),
        }
    }
    let message = format!(
        "{}: {MAX_SAME_NAME} files {stem}-….yml are there already; remove what is old",
        folder.display()
    );
    Err(Error::new(ErrorKind::AlreadyExists, message))
}
