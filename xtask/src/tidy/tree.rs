use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

/// The text files of a repository by path, with `/` between folders.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    pub(crate) files: BTreeMap<String, String>,
}

impl Tree {
    /// The files that git knows or would add. Files that are not UTF-8 (fixtures of bad input) have no text.
    pub(crate) fn of_repository() -> Result<Self, String> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .ok_or("xtask has no folder above it")?
            .to_path_buf();
        let output = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(&root)
            .output()
            .map_err(|source| format!("cannot run git: {source}"))?;
        if !output.status.success() {
            return Err(format!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr)));
        }
        let mut files = BTreeMap::new();
        for path in output.stdout.split(|b| *b == 0).filter(|p| !p.is_empty()) {
            let path = String::from_utf8_lossy(path).into_owned();
            // A file deleted but not yet committed is still listed.
            if let Ok(bytes) = fs_err::read(root.join(&path)) {
                files.insert(path, String::from_utf8(bytes).unwrap_or_default());
            }
        }
        Ok(Self { root, files })
    }

    /// Files whose path begins and ends so.
    pub(crate) fn under<'a>(
        &'a self,
        prefix: &'a str,
        suffix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files
            .iter()
            .filter(move |(path, _)| path.starts_with(prefix) && path.ends_with(suffix))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        Self { root: PathBuf::new(), files }
    }
}
