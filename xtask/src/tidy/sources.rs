//! Rules about source files: their size, their leftovers, their place.

use super::tree::Tree;

/// What may stand visibly at the top.
const TOP_LEVEL: &[&str] =
    &["Cargo.lock", "Cargo.toml", "README.md", "bins", "crates", "docs", "fixtures", "xtask"];

/// A page: what a reader sees of a binary's `main.rs` at once.
const MAX_MAIN_LINES: usize = 60;

/// Longer files hide a second noun.
const MAX_FILE_LINES: usize = 600;

/// Files that are allowed to be longer, each with its reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Test binaries beside `tests/it`, each with its reason.
const OTHER_TESTS: &[(&str, &str)] = &[(
    "crates/exposition/tests/allocations.rs",
    "replaces the global allocator, which a binary can do only once",
)];

pub(crate) fn check(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    top_level(tree, &mut findings);
    mains(tree, &mut findings);
    lengths(tree, &mut findings);
    test_files(tree, &mut findings);
    leftovers(tree, &mut findings);
    crate_pages(tree, &mut findings);
    findings
}

fn top_level(tree: &Tree, findings: &mut Vec<String>) {
    let mut seen: Vec<&str> = tree.files.keys().filter_map(|path| path.split('/').next()).collect();
    seen.dedup();
    for entry in seen {
        if !entry.starts_with('.') && !TOP_LEVEL.contains(&entry) {
            findings.push(format!("{entry}: only {} may stand visibly at the top", TOP_LEVEL.join(", ")));
        }
    }
}

fn mains(tree: &Tree, findings: &mut Vec<String>) {
    for (path, text) in tree.under("bins/", "/src/main.rs") {
        let lines = text.lines().count();
        if lines > MAX_MAIN_LINES {
            findings.push(format!(
                "{path}: {lines} lines; a binary's main.rs is a page of at most {MAX_MAIN_LINES}: args → config → wire → run"
            ));
        }
    }
}

fn lengths(tree: &Tree, findings: &mut Vec<String>) {
    for (path, text) in tree.under("", ".rs") {
        let lines = text.lines().count();
        if lines > MAX_FILE_LINES && !LONG_FILES.iter().any(|(allowed, _)| *allowed == path) {
            findings.push(format!(
                "{path}: {lines} lines; split it at its second noun, or name it in LONG_FILES with the reason"
            ));
        }
    }
}

/// Every file of a test folder belongs to the one test binary: a forgotten `mod` is a test that never runs.
fn test_files(tree: &Tree, findings: &mut Vec<String>) {
    for (path, _) in tree.under("", ".rs") {
        let Some((package, inside)) = path.split_once("/tests/") else { continue };
        if OTHER_TESTS.iter().any(|(allowed, _)| *allowed == path) {
            continue;
        }
        let Some(inside) = inside.strip_prefix("it/") else {
            findings.push(format!(
                "{path}: a package has one test binary, tests/it/main.rs; make it a module of that"
            ));
            continue;
        };
        let (parent, stem) = match inside.rsplit_once('/') {
            None if inside == "main.rs" => continue,
            None => (vec![format!("{package}/tests/it/main.rs")], inside),
            Some((folder, "mod.rs")) => match folder.rsplit_once('/') {
                None => (vec![format!("{package}/tests/it/main.rs")], folder),
                Some((above, name)) => (modules_of(package, above), name),
            },
            Some((folder, stem)) => (modules_of(package, folder), stem),
        };
        let declaration = format!("mod {};", stem.trim_end_matches(".rs"));
        let declared = parent.iter().filter_map(|file| tree.files.get(file)).any(|text| {
            text.lines().any(|line| line.trim_start().trim_start_matches("pub(crate) ") == declaration)
        });
        if !declared {
            findings.push(format!(
                "{path}: no `{declaration}` in {}, so its tests never run",
                parent.join(" or ")
            ));
        }
    }
}

fn modules_of(package: &str, folder: &str) -> Vec<String> {
    vec![format!("{package}/tests/it/{folder}.rs"), format!("{package}/tests/it/{folder}/mod.rs")]
}

fn leftovers(tree: &Tree, findings: &mut Vec<String>) {
    // Written in two halves, so that this file does not find itself.
    let macros = [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[ig", "nore")];
    let machine = [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/")];
    for (path, text) in &tree.files {
        let rust = path.ends_with(".rs");
        for (number, line) in (1..).zip(text.lines()) {
            let code = line.trim_start();
            if rust {
                if let Some(found) = macros.iter().find(|m| code.contains(**m)) {
                    findings.push(format!("{path}:{number}: `{found}` is unfinished work"));
                }
                if code.starts_with("matches!(") && line.ends_with(';') {
                    findings.push(format!(
                        "{path}:{number}: a bare `matches!` asserts nothing; wrap it in assert!"
                    ));
                }
            }
            if let Some(found) = machine.iter().find(|m| line.contains(**m))
                && !path.starts_with(".ci/")
            {
                findings.push(format!("{path}:{number}: `{found}` is a path of one machine"));
            }
        }
    }
}

/// Each library opens with its scope, what it leaves to others, an example and its invariants.
fn crate_pages(tree: &Tree, findings: &mut Vec<String>) {
    for (path, text) in tree.under("crates/", "/src/lib.rs") {
        let page: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        for part in ["**In scope", "**Out of scope", "**Invariants", "```"] {
            if !page.contains(part) {
                findings.push(format!("{path}: the crate's page lacks `{part}`"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "//! One sentence.\n//! **In scope:** a\n//! **Out of scope:** b\n//! ```\n//! ```\n//! **Invariants.** c\n";

    fn findings(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files))
    }

    #[test]
    fn a_tidy_tree_has_no_findings() {
        let files = [
            ("Cargo.toml", ""),
            (".gitignore", ""),
            ("crates/a/src/lib.rs", PAGE),
            ("crates/a/tests/it/main.rs", "mod one;\n"),
            ("crates/a/tests/it/one.rs", "mod deep;\n"),
            ("crates/a/tests/it/one/deep.rs", ""),
        ];
        assert_eq!(findings(&files), [""; 0]);
    }

    #[test]
    fn a_stranger_at_the_top_is_found() {
        assert_eq!(findings(&[("Makefile", "")]).len(), 1);
    }

    #[test]
    fn a_main_longer_than_a_page_is_found() {
        let page = "x\n".repeat(MAX_MAIN_LINES);
        assert_eq!(findings(&[("bins/a/src/main.rs", &page)]), [""; 0]);
        assert_eq!(findings(&[("bins/a/src/main.rs", &format!("{page}x\n"))]).len(), 1);
    }

    #[test]
    fn a_long_file_is_found() {
        assert_eq!(findings(&[("crates/a/src/b.rs", &"x\n".repeat(MAX_FILE_LINES + 1))]).len(), 1);
    }

    #[test]
    fn a_forgotten_test_file_is_found() {
        let main = ("crates/a/tests/it/main.rs", "mod other;\n");
        assert_eq!(findings(&[main, ("crates/a/tests/it/one.rs", "")]).len(), 1);
        assert_eq!(findings(&[("crates/a/tests/stray.rs", "")]).len(), 1);
        let folder = ("crates/a/tests/it/other/deep.rs", "");
        assert_eq!(findings(&[main, ("crates/a/tests/it/other/mod.rs", ""), folder]).len(), 1);
    }

    #[test]
    fn leftovers_are_found() {
        for text in [concat!("todo", "!()"), concat!("matches", "!(a, b);"), concat!("// see /wo", "rk/x")] {
            assert_eq!(findings(&[("xtask/src/a.rs", text)]).len(), 1, "{text}");
        }
        assert_eq!(findings(&[("xtask/src/a.rs", "assert!(matches!(a, b));\nmatches!(a, b)\n")]), [""; 0]);
    }

    #[test]
    fn a_crate_without_its_page_is_found() {
        let missing = PAGE.replace("**Invariants.**", "");
        assert_eq!(findings(&[("crates/a/src/lib.rs", &missing)]).len(), 1);
    }
}
