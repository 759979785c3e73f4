//! The page of checks is written from their table.
#![expect(clippy::disallowed_methods, reason = "the page is a file of the project")]

use std::fmt::Write as _;

use assurance_lint::{Check, Example, checks, shared_files};

const PAGE: &str = "../../docs/reference/lint.md";

/// What pint looks at, and where it is here, or why it is not.
const PINT: &[(&str, &str)] = &[
    ("alerts/absent", "`for/absent`"),
    (
        "alerts/annotation",
        "`annotation/no-summary`, `runbook/none`; further annotations are a matter of taste",
    ),
    ("alerts/comparison", "`condition/missing`"),
    ("alerts/count", "needs a server's past; `prove` counts over generated worlds instead"),
    ("alerts/external_labels", "`template/external-label`"),
    ("alerts/for", "`for/zero`; a value that is no duration is `file/refused`"),
    (
        "alerts/template",
        "`template/…`; labels of samples that a query inside of a template gives are not followed",
    ),
    ("group/interval", "`group/beyond-lookback`"),
    (
        "ignore/file",
        "`# lint file ignore …` names its check and its reason; a whole file is left out by not naming it",
    ),
    ("labels/conflict", "`label/external-conflict`"),
    ("pint/comment", "`ignore/no-reason`, `ignore/unused`, `ignore/unknown-check`"),
    (
        "promql/aggregate",
        "`template/dropped-label`, `intent/contradicts-rule`: what must be kept is said by templates and intents",
    ),
    ("promql/counter", "`counter/bare`"),
    ("promql/features", "an expression that needs a feature which is not enabled is `file/refused`"),
    ("promql/fragile", "`vector/fragile`, `vector/sampled`, `vector/startup`"),
    ("promql/impossible", "`condition/never`, `vector/no-match`, `selector/impossible-value`"),
    ("promql/nan", "`vector/division`, `condition/never`"),
    ("promql/offset", "`window/beyond-retention`"),
    ("promql/range_query", "`window/beyond-retention`"),
    ("promql/rate", "`window/too-short`, `counter/rate-of-gauge`, `counter/rate-of-sum`"),
    ("promql/regexp", "`selector/plain-regex`"),
    (
        "promql/selector",
        "which labels a selector must name is each company's choice; the contract says which it may",
    ),
    (
        "promql/series",
        "`selector/no-job`, `selector/unknown-metric`, `selector/unknown-label`, `selector/impossible-value`: against the contract instead of a server",
    ),
    ("promql/syntax", "`file/refused`"),
    ("promql/vector_matching", "`vector/no-match`"),
    ("query/cost", "needs a server; `status/rules` of ours shows what each evaluation took"),
    (
        "rule/dependency",
        "needs the version before; a recorded metric that is gone is `selector/unknown-metric` under a contract",
    ),
    ("rule/duplicate", "`rule/duplicate`"),
    (
        "rule/for",
        "limits of `for` are each company's choice; `intent/contradicts-rule` holds it to the deadline",
    ),
    ("rule/label", "`label/no-severity`; further labels are each company's choice"),
    ("rule/link", "`runbook/dead-file`, `runbook/dead-anchor`; nothing is fetched from the network"),
    ("rule/name", "`name/alert`"),
    ("rule/owner", "a label such as `team` is a route's business: `routing/…`"),
    ("rule/reject", "patterns that a company forbids belong into its own checks of its files"),
    ("rule/report", "the same"),
    ("yaml/parse", "`file/refused`"),
];

fn files(out: &mut String, files: Example) {
    for (name, text) in files.iter().filter(|file| !shared_files().contains(file)) {
        let language = if name.ends_with(".md") { "markdown" } else { "yaml" };
        let _infallible = write!(out, "\n```{language}\n# {name}\n{}\n```\n", text.trim_end());
    }
    let beside: Vec<String> = files
        .iter()
        .filter(|file| shared_files().contains(file))
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if !beside.is_empty() {
        let _infallible = write!(out, "\nBeside it: {}.\n", beside.join(", "));
    }
}

fn section(out: &mut String, check: &Check) {
    let Check { id, severity, title, why, remedy, bad, good, .. } = check;
    let _infallible =
        write!(out, "\n### {id}\n\n{severity}: {title}.\n\n{why}\n\n*Remedy:* {remedy}.\n\nFound in:\n");
    files(out, bad);
    out.push_str("\nNot in:\n");
    files(out, good);
}

fn page() -> String {
    let mut out = String::from(
        "# Lint\n\n<!-- Written by: WRITE_REFERENCE=1 cargo test -p assurance-lint reference -->\n\n\
         `assurance-evaluator lint --rules F…` finds what is wrong with rules, their routing and their runbooks before \
         they run. What it is not given it does not judge: jobs need `--config.file` or `--contract`, metrics and labels \
         `--contract`, routes `--notify.config` (and `--notify.escalation`), links `--runbooks`, tests `--tests`, intents \
         `--intents`. `--contract.as original` takes what the sources did before they kept the contract. \
         `--explain CHECK` shows one of the entries below.\n\n\
         Exit codes: 0 without errors, 1 with errors, 3 with `--fatal` and any finding, 2 if a file cannot be opened. \
         `-o json` gives the same for programs.\n\n\
         A finding is let pass by a comment above a rule, in it, or at the end of its line; the reason is required, and a \
         comment that lets nothing pass is a finding.\n\n\
         ```yaml\n# lint ignore for/lost-scrape: this gauge is pushed, not scraped\n- alert: OrdersLocked\n\
         # lint file ignore group/slower-than-scrape: dashboards only\n```\n\n\
         ## Checks\n\n| check | severity | finds |\n|---|---|---|\n",
    );
    for Check { id, severity, title, .. } in checks() {
        let anchor = id.replace('/', "");
        let _infallible = writeln!(out, "| [`{id}`](#{anchor}) | {severity} | {title} |");
    }
    out.push_str("\n## Files beside the examples\n");
    for (name, text) in shared_files() {
        let _infallible = write!(out, "\n```yaml\n# {name}\n{}\n```\n", text.trim_end());
    }
    out.push_str("\n## Each check\n");
    for check in checks() {
        section(&mut out, check);
    }
    out.push_str(
        "\n## Beside pint\n\nWhat Cloudflare's pint looks at, and where it is here. pint asks a running Prometheus for much of \
         it; here the contract stands for the server.\n\n| pint | here |\n|---|---|\n",
    );
    for (theirs, ours) in PINT {
        let _infallible = writeln!(out, "| {theirs} | {ours} |");
    }
    out
}

#[test]
fn the_reference_is_what_the_table_says() {
    let page = page();
    if std::env::var_os("WRITE_REFERENCE").is_some() {
        std::fs::write(PAGE, &page).expect("the page is written");
    }
    let written = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        written == page,
        "docs/reference/lint.md is out of date: WRITE_REFERENCE=1 cargo test -p assurance-lint reference"
    );
}

#[test]
fn the_comparison_names_checks_that_exist() {
    for (theirs, ours) in PINT {
        for id in ours.split('`').skip(1).step_by(2).filter(|id| id.contains('/') && !id.contains(['…', ' ']))
        {
            let known = assurance_lint::find(id).is_some() || id.starts_with("status/");
            assert!(known, "{theirs}: {id}");
        }
    }
}
