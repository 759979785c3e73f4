//! `lint` over files: what is printed, for people and for programs, and the exit codes.

use std::path::Path;

use crate::process::{Ran, evaluator, run};
use crate::start::write;

const GOOD: &str = "groups:
- name: orders
  rules:
  - alert: OrdersDown
    expr: up{job=\"orders\"} == 0
    labels: {severity: critical}
    annotations: {summary: Orders is down, runbook_url: docs/ORDERS.md}
";

fn lint(folder: &Path, args: &[&str]) -> Ran {
    run(evaluator().arg("lint").args(args), folder, "")
}

fn folder(rules: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path().join("rules.yml"), rules);
    folder
}

#[test]
fn exit_codes_tell_errors_findings_and_files_that_are_not_there() {
    let good = folder(GOOD);
    let warned = folder(&GOOD.replace("OrdersDown", "Orders Down"));
    let broken = folder(&GOOD.replace("== 0", "== 2"));
    for (folder, args, code) in [
        (&good, &["--rules", "rules.yml"][..], 0),
        (&good, &["--rules", "rules.yml", "--fatal"][..], 0),
        (&warned, &["--rules", "rules.yml"][..], 0),
        (&warned, &["--rules", "rules.yml", "--fatal"][..], 3),
        (&broken, &["--rules", "rules.yml"][..], 1),
        (&broken, &["--rules", "rules.yml", "--fatal"][..], 3),
        (&good, &["--rules", "absent.yml"][..], 2),
        (&good, &[][..], 2),
    ] {
        let ran = lint(folder.path(), args);
        assert_eq!(ran.code, Some(code), "{args:?}\n{}", ran.shown());
    }
}

#[test]
fn a_finding_is_shown_with_its_place_and_given_to_programs_alike() {
    let folder = folder(&GOOD.replace("== 0", "== 2"));
    let text = lint(folder.path(), &["--rules", "rules.yml"]);
    insta::assert_snapshot!(text.shown());
    let json = lint(folder.path(), &["--rules", "rules.yml", "-o", "json"]);
    insta::assert_snapshot!(json.shown());
}

#[test]
fn runbooks_are_read_from_directories_and_single_files() {
    let folder = folder(&GOOD.replace("ORDERS.md", "ORDERS.md#orders-down"));
    fs_err::create_dir_all(folder.path().join("docs/books")).unwrap();
    write(folder.path().join("docs/books/ORDERS.md"), "# Orders\n\n## Orders down\n");
    for path in ["docs", "docs/books/ORDERS.md"] {
        let ran = lint(folder.path(), &["--rules", "rules.yml", "--fatal", "--runbooks", path]);
        assert_eq!(ran.code, Some(0), "{}", ran.shown());
    }
    write(folder.path().join("docs/books/ORDERS.md"), "# Orders\n");
    let ran = lint(folder.path(), &["--rules", "rules.yml", "--runbooks", "docs"]);
    assert_eq!(ran.code, Some(1), "{}", ran.shown());
}

#[test]
fn rule_files_are_those_of_the_configuration_where_none_are_named() {
    let folder = folder(&GOOD.replace("job=\"orders\"", "job=\"order\""));
    write(
        folder.path().join("prometheus.yml"),
        "rule_files: ['*les.yml']\nscrape_configs:\n- job_name: orders\n  static_configs: [{targets: ['a:1']}]\n",
    );
    let ran = lint(folder.path(), &["--config.file", "prometheus.yml"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("selector/no-job"), "{}", ran.shown());
}

#[test]
fn a_check_is_explained_and_a_misspelt_one_is_guessed() {
    let folder = folder(GOOD);
    let ran = lint(folder.path(), &["--explain", "selector/no-job"]);
    insta::assert_snapshot!(ran.shown());
    let ran = lint(folder.path(), &["--explain", "selector/no-jobs"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("did you mean selector/no-job?"), "{}", ran.stderr);
}
