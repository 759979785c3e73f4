//! Every expression of the project: in scripts, rule files and the policy pack.

use std::path::Path;

/// Expressions of all `.test` scripts and rule files that are meant to be read.
pub(crate) fn expressions() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    for folder in ["fixtures/promql", "fixtures/rules", "crates/policy/pack"] {
        visit(&root.join(folder), &mut found);
    }
    found.sort();
    found.dedup();
    found
}

fn visit(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if !path.ends_with("bad") && !path.ends_with("broken") {
                visit(&path, found);
            }
            continue;
        }
        let text = || std::fs::read_to_string(&path).expect("a text");
        match path.extension().and_then(|e| e.to_str()) {
            Some("test") => script(&text(), found),
            Some("yml" | "yaml" | "rules") => rules(&text(), found),
            _ => {}
        }
    }
}

/// `eval instant at T EXPR`, `eval range from A to B step S EXPR`.
fn script(text: &str, found: &mut Vec<String>) {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let words: Vec<&str> = line.splitn(9, ' ').collect();
        let expression = match words[..] {
            ["eval" | "eval_ordered", "instant", "at", _, ..] => line.splitn(5, ' ').nth(4),
            ["eval", "range", "from", _, "to", _, "step", _, expression] => Some(expression),
            _ => None,
        };
        let fails = lines.peek().is_some_and(|next| next.contains("expect fail"));
        found.extend(expression.filter(|_| !fails).map(str::to_owned));
    }
}

/// The values of `expr:`, on one line or as a block.
fn rules(text: &str, found: &mut Vec<String>) {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let key = line.trim_start().trim_start_matches("- ");
        let Some(value) = key.strip_prefix("expr:") else { continue };
        let depth = line.len() - key.len();
        let value = value.trim();
        if !value.starts_with(['|', '>']) {
            let quoted = value.starts_with(['"', '\'']) || value.is_empty() || value.starts_with(['*', '&']);
            found.extend((!quoted).then(|| value.to_owned()));
            continue;
        }
        let mut block = String::new();
        while let Some(next) = lines.peek() {
            let indent = next.len() - next.trim_start().len();
            if !next.trim().is_empty() && indent <= depth {
                break;
            }
            block.push_str(next);
            block.push('\n');
            lines.next();
        }
        found.push(block);
    }
}
