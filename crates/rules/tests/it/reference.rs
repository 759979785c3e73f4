//! The page that says what rule files may hold is written from the code.
#![expect(clippy::disallowed_methods, reason = "the page is a file of the project")]

use std::fmt::Write as _;

use assurance_diagnostics::Source;
use assurance_rules::{MAX_ACTIVE_ALERTS_PER_RULE, RESOLVED_RETENTION, RuleFile};

const PAGE: &str = "../../docs/reference/rules.md";

/// Keys of a group, with a value and what each does.
const GROUP: &[(&str, &str, &str)] = &[
    ("name", "", "Names the group; once in a file."),
    ("interval", "30s", "Time between two evaluations; `global.evaluation_interval` where not given."),
    (
        "query_offset",
        "10s",
        "How far back queries look, for samples that come late; `global.rule_query_offset` where not given.",
    ),
    (
        "limit",
        "100",
        "Alerts or series that one rule may make; more is an error, and none of them counts. 0 is no limit.",
    ),
    ("labels", "{team: core}", "Labels of every rule, which a rule's own replace."),
    ("rules", "[]", "Evaluated in this order; each sees what those before it have recorded."),
];

/// Keys of an alerting rule.
const ALERT: &[(&str, &str, &str)] = &[
    ("alert", "", "Names the alert."),
    ("expr", "up == 0", "PromQL; each series it gives is an alert."),
    ("for", "5m", "How long a series must be there before its alert fires; it is pending until then."),
    ("keep_firing_for", "5m", "How long an alert fires on after its series has gone."),
    ("labels", "{severity: page}", "Labels of the alert, which may be templates."),
    ("annotations", "{summary: down}", "Texts about the alert, which may be templates."),
];

/// Keys of a recording rule.
const RECORD: &[(&str, &str, &str)] = &[
    ("record", "", "Names the series."),
    ("expr", "sum(up)", "PromQL; its result is recorded, native histograms too."),
    ("labels", "{team: core}", "Labels that are added, or replaced."),
];

fn read(yaml: &str) -> Result<(), String> {
    RuleFile::parse(&Source::new("rules.yml", yaml))
        .map(drop)
        .map_err(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn group(key: &str, value: &str) -> String {
    let more = if key == "name" || key == "rules" { String::new() } else { format!("  {key}: {value}\n") };
    format!("groups:\n- name: a\n{more}  rules: []\n")
}

fn rule(kind: &str, key: &str, value: &str) -> String {
    let expr = if key == "expr" { value } else { "up == 0" };
    let more = if key == kind || key == "expr" { String::new() } else { format!("    {key}: {value}\n") };
    let rest = if kind == "alert" && key != "annotations" { "    annotations: {summary: x}\n" } else { "" };
    format!("groups:\n- name: a\n  rules:\n  - {kind}: a:b\n    expr: '{expr}'\n{more}{rest}")
}

/// The keys that the reader knows, as its finding about an unknown one lists them.
fn known(yaml: &str) -> Vec<String> {
    let found = read(yaml).expect_err("a key that nobody knows");
    let list = found.split("expected one of: ").nth(1).unwrap_or_default();
    list.lines().next().unwrap_or_default().split(", ").map(str::to_owned).collect()
}

fn page() -> String {
    let unknown = known("groups:\n- name: a\n  nobody: 1\n");
    assert_eq!(unknown, GROUP.iter().map(|(key, ..)| *key).collect::<Vec<_>>());
    let mut keys = known("groups:\n- name: a\n  rules:\n  - alert: a\n    expr: up\n    nobody: 1\n");
    keys.retain(|key| ALERT.iter().chain(RECORD).all(|(known, ..)| known != key));
    assert_eq!(keys, Vec::<String>::new(), "keys that the page does not tell of");

    let mut out = String::from(
        "# Rule files\n\n<!-- Written by: WRITE_REFERENCE=1 cargo test -p assurance-rules reference -->\n\n\
         Prometheus's rule files are read unchanged; a key that is not here is an error that names its line. \
         Groups run side by side, each at a phase that a hash of its name and file gives, as in Prometheus.\n",
    );
    for (title, kind, keys) in
        [("Groups", "", GROUP), ("Alerting rules", "alert", ALERT), ("Recording rules", "record", RECORD)]
    {
        let _infallible = write!(out, "\n## {title}\n\n| key | what it does |\n|---|---|\n");
        for (key, value, what) in keys {
            let yaml = if kind.is_empty() { group(key, value) } else { rule(kind, key, value) };
            read(&yaml).unwrap_or_else(|found| panic!("{yaml}\n{found}"));
            let _infallible = writeln!(out, "| `{key}` | {what} |");
        }
    }
    let functions: Vec<String> =
        assurance_template::function_names().map(|name| format!("`{name}`")).collect();
    let _infallible = write!(
        out,
        "\n## Templates\n\nGo's template language with the functions {}. \
         `$labels`, `$value`, `$externalLabels` and `$externalURL` are set. A template that would print a list, \
         a map or a sample instead of a text is a finding of `check rules`.\n\n\
         ## Series that rules leave\n\n\
         `ALERTS` for each pending and firing alert, `ALERTS_FOR_STATE` with the time since when it is active; \
         both end with a stale marker. Each rule counts the series that its selectors matched, now and ever: a \
         rule that never matched any shows as `no match`.\n\n\
         ## Notifications\n\n\
         A firing alert is sent again every resend delay, and is valid for four times the longer of that and the \
         group's interval; a resolved one is sent on for {RESOLVED_RETENTION} (Prometheus's \
         alert-generator specification).\n\n\
         ## Limits\n\n| what | limit |\n|---|---|\n| alerts of one rule at once | {MAX_ACTIVE_ALERTS_PER_RULE} |\n\
         | length of a template | {} bytes |\n| length of what it gives | {} bytes |\n| queries in it | {} |\n",
        functions.join(", "),
        assurance_template::MAX_TEMPLATE_BYTES,
        assurance_template::MAX_OUTPUT_BYTES,
        assurance_template::MAX_QUERIES,
    );
    out
}

#[test]
fn the_reference_is_what_the_code_says() {
    let page = page();
    if std::env::var_os("WRITE_REFERENCE").is_some() {
        std::fs::write(PAGE, &page).expect("the page is written");
    }
    let written = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        written == page,
        "docs/reference/rules.md is out of date: WRITE_REFERENCE=1 cargo test -p assurance-rules reference"
    );
}
