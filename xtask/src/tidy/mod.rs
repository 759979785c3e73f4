//! What no compiler checks.

mod alerts;
mod dependencies;
mod docs;
mod sources;
mod tree;

use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::arrows::{self, Package};
use tree::Tree;

/// Runs every check on this repository.
#[expect(clippy::print_stderr, reason = "a command-line tool talks on stderr")]
pub(crate) fn check() -> Result<(), String> {
    let tree = Tree::of_repository()?;
    let packages = packages()?;
    let mut findings = arrows::check(&packages);
    findings.extend(dependencies::check(&packages, &tree));
    findings.extend(sources::check(&tree));
    findings.extend(alerts::check(&tree));
    findings.extend(docs::check(&tree));
    if findings.is_empty() {
        eprintln!("tidy: {} files, nothing to say", tree.files.len());
        return Ok(());
    }
    Err(format!("tidy: {} findings\n  {}", findings.len(), findings.join("\n  ")))
}

/// Writes the generated parts of the documentation.
pub(crate) fn write() -> Result<(), String> {
    let tree = Tree::of_repository()?;
    for (path, text) in docs::generated(&tree)? {
        fs_err::write(tree.root.join(path), text).map_err(|source| source.to_string())?;
    }
    Ok(())
}

fn packages() -> Result<Vec<Package>, String> {
    let metadata = MetadataCommand::new().no_deps().exec().map_err(|source| source.to_string())?;
    let packages = metadata.packages.iter().map(|package| {
        let of = |dev: bool| {
            package
                .dependencies
                .iter()
                .filter(|d| (d.kind == DependencyKind::Development) == dev)
                .map(|d| d.name.clone())
                .collect()
        };
        let name = package.name.to_string();
        Package {
            name: name.strip_prefix("assurance-").unwrap_or(&name).to_owned(),
            dependencies: of(false),
            dev_dependencies: of(true),
        }
    });
    Ok(packages.collect())
}

#[cfg(test)]
mod tests {
    /// The crate graph, the sources, the alerts and the documents of this very repository.
    #[test]
    fn this_repository_is_tidy() {
        if let Err(findings) = super::check() {
            panic!("{findings}");
        }
    }
}
