//! The architecture's page agrees with the code: its table of arrows, and the tests that hold its invariants.

use super::tree::Tree;
use crate::arrows;

const ARCHITECTURE: &str = "docs/architecture.md";
const BEGIN: &str = "<!-- arrows: written by cargo xtask tidy --write -->\n";
const END: &str = "<!-- /arrows -->\n";

/// Marks the tests that hold an invariant: `Held by:` and their names in backticks.
const HELD_BY: &str = "Held by:";

pub(crate) fn check(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    let Some(page) = tree.files.get(ARCHITECTURE) else {
        return vec![format!("{ARCHITECTURE} is missing")];
    };
    match with_table(page) {
        Ok(fresh) if fresh == *page => {}
        Ok(_) => findings
            .push(format!("{ARCHITECTURE}: its table of arrows is old; run `cargo xtask tidy --write`")),
        Err(message) => findings.push(message),
    }
    for (number, line) in (1..).zip(page.lines()) {
        if line.contains("**Invariant:**") && !line.contains(HELD_BY) {
            findings.push(format!("{ARCHITECTURE}:{number}: names no test; write `{HELD_BY}` and its name"));
        }
        let Some((_, names)) = line.split_once(HELD_BY) else { continue };
        let names: Vec<&str> = names.split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            findings.push(format!("{ARCHITECTURE}:{number}: names no test in backticks"));
        }
        for name in names {
            let declaration = format!("fn {name}(");
            if !tree.under("", ".rs").any(|(_, text)| text.contains(&declaration)) {
                findings.push(format!("{ARCHITECTURE}:{number}: there is no test `{name}`"));
            }
        }
    }
    findings
}

/// The documents with their generated parts fresh.
pub(crate) fn generated(tree: &Tree) -> Result<Vec<(&'static str, String)>, String> {
    let page = tree.files.get(ARCHITECTURE).ok_or(format!("{ARCHITECTURE} is missing"))?;
    Ok(vec![(ARCHITECTURE, with_table(page)?)])
}

fn with_table(page: &str) -> Result<String, String> {
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) =
        parts.ok_or(format!("{ARCHITECTURE}: has no `{}` … `{}`", BEGIN.trim(), END.trim()))?;
    Ok(format!("{before}{BEGIN}{}{END}{after}", arrows::table()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rest: &str) -> String {
        format!("# A\n{BEGIN}{}{END}{rest}", arrows::table())
    }

    fn findings(page: &str) -> Vec<String> {
        check(&Tree::of(&[(ARCHITECTURE, page), ("crates/a/tests/it/main.rs", "fn it_holds() {}")]))
    }

    #[test]
    fn a_page_that_agrees_is_fine() {
        assert_eq!(findings(&page("**Invariant:** x. Held by: `it_holds`.\n")), [""; 0]);
    }

    #[test]
    fn an_old_table_a_missing_test_and_a_bare_invariant_are_found() {
        assert_eq!(findings(&page("").replace("| exposition |", "| exposure |")).len(), 1);
        assert_eq!(findings("# A\n").len(), 1);
        assert_eq!(findings(&page("**Invariant:** x. Held by: `it_does_not`.\n")).len(), 1);
        assert_eq!(findings(&page("**Invariant:** x.\n")).len(), 1);
    }
}
