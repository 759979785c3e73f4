//! Every dependency that a manifest names is used.

use super::tree::Tree;
use crate::arrows::Package;

/// Packages whose library has another name than themselves, and that name.
const RENAMED: &[(&str, &str)] = &[("md-5", "md5"), ("yaml_serde", "serde_yaml")];

pub(crate) fn check(packages: &[Package], tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    for package in packages {
        let folders = match package.name.as_str() {
            // The stores that the conformance run shares with the project's own scripts.
            "xtask" => vec!["xtask/".to_owned(), "crates/promqltest/tests/it/stores".to_owned()],
            name => vec![format!("crates/{name}/"), format!("bins/{name}/")],
        };
        let used = |dependency: &str, part: &str| {
            let library =
                RENAMED.iter().find(|(name, _)| *name == dependency).map_or(dependency, |(_, lib)| lib);
            let library = library.replace('-', "_");
            folders.iter().any(|folder| {
                tree.under(&format!("{folder}{part}"), ".rs").any(|(_, text)| names(text, &library))
            })
        };
        let shipped = package.dependencies.iter().filter(|d| !used(d, "src/"));
        let tested = package.dev_dependencies.iter().filter(|d| !used(d, ""));
        for dependency in shipped.chain(tested) {
            findings.push(format!("{}: nothing uses {dependency}; remove it from Cargo.toml", package.name));
        }
    }
    findings
}

/// Whether the code names a library, and not only a longer name that holds its name.
fn names(text: &str, library: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(library)
        .any(|(at, _)| !text[..at].ends_with(is_word) && !text[at + library.len()..].starts_with(is_word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_that_nothing_uses_is_found() {
        let package = |dependencies: &[&str], dev: &[&str]| Package {
            name: "a".to_owned(),
            dependencies: dependencies.iter().map(ToString::to_string).collect(),
            dev_dependencies: dev.iter().map(ToString::to_string).collect(),
        };
        let tree = Tree::of(&[
            ("crates/a/src/lib.rs", "use md5::Digest; use fs_err as fs; // serde_json"),
            ("crates/a/tests/it/main.rs", "insta::assert!();"),
        ]);
        assert_eq!(check(&[package(&["md-5", "fs-err"], &["insta"])], &tree), [""; 0]);
        let findings = check(&[package(&["serde", "insta"], &["proptest"])], &tree);
        assert_eq!(findings.len(), 3, "{findings:?}");
    }
}
