//! The files in `fixtures`.

use std::path::PathBuf;

use assurance_diagnostics::Source;

/// Where the files of a kind, such as `config/good`, are.
pub(crate) fn directory(kind: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(kind)
}

/// The file names of a kind, sorted.
#[expect(clippy::disallowed_methods, reason = "a test may look at its fixtures")]
pub(crate) fn names(kind: &str) -> Vec<String> {
    let entries = std::fs::read_dir(directory(kind)).expect("the fixtures are there");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("it can be listed").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// One file, named by its last part.
#[expect(clippy::disallowed_methods, reason = "a test may look at its fixtures")]
pub(crate) fn source(kind: &str, name: &str) -> Source {
    let text = std::fs::read_to_string(directory(kind).join(name)).expect("the fixture is there");
    Source::new(name, text)
}
