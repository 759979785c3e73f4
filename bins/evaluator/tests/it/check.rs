//! What `check` says, word for word, and the exit codes that scripts rely on.

use std::path::Path;

use insta::assert_snapshot;

use crate::process::{Ran, evaluator, run};
use crate::start::{RULES, configuration, folder, write};

fn check(folder: &Path, args: &[&str], input: &str) -> Ran {
    run(evaluator().arg("check").args(args), folder, input)
}

#[test]
fn a_good_configuration() {
    let folder = folder(&configuration("127.0.0.1:8000"), RULES);
    let ran = check(folder.path(), &["config", "prometheus.yml"], "");
    assert_snapshot!(ran.shown());
}

#[test]
fn a_configuration_with_faults_in_several_files_shows_them_all() {
    let rules = RULES.replace("by (job) (", "by (job) ((").replace("for: 2h", "for: 2 hours");
    let folder = folder(&configuration("127.0.0.1:8000"), &rules);
    write(folder.path().join("rules/b.yml"), "groups:\n  - name: b\n    rulez: []\n");
    assert_snapshot!(check(folder.path(), &["config", "prometheus.yml"], "").shown());
}

#[test]
fn a_configuration_with_an_unknown_key_names_the_nearest() {
    let config = configuration("127.0.0.1:8000").replace("metrics_path", "metric_path");
    let folder = folder(&config, RULES);
    assert_snapshot!(check(folder.path(), &["config", "prometheus.yml"], "").shown());
}

#[test]
fn a_configuration_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let ran = check(folder.path(), &["config", "prometheus.yml"], "");
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("prometheus.yml"), "{}", ran.stderr);
}

#[test]
fn a_certificate_that_is_not_there_fails_the_check_and_not_the_night() {
    let config = configuration("127.0.0.1:8000").replace(
        "    metrics_path",
        "    scheme: https\n    tls_config: {ca_file: absent.pem}\n    metrics_path",
    );
    let folder = folder(&config, RULES);
    let ran = check(folder.path(), &["config", "prometheus.yml"], "");
    assert_eq!(ran.code, Some(1), "{}", ran.shown());
    assert!(ran.stderr.contains("absent.pem") && ran.stderr.contains("brain-governance"), "{}", ran.stderr);
}

#[test]
fn good_rules_bad_rules_and_odd_rules() {
    let folder = folder("", RULES);
    let good = check(folder.path(), &["rules", "rules/a.yml"], "");
    assert_eq!(
        (good.code, good.stdout.as_str()),
        (Some(0), "Checking rules/a.yml\n  SUCCESS: 3 rules found\n\n")
    );

    write(folder.path().join("rules/bad.yml"), &RULES.replace("== 1", "=== 1"));
    assert_snapshot!(check(folder.path(), &["rules", "rules/a.yml", "rules/bad.yml"], "").shown());

    // Two rules that make the same series: it loads, and is hardly meant.
    let twice =
        "groups:\n  - name: a\n    rules:\n      - {record: a, expr: up}\n      - {record: a, expr: up}\n";
    write(folder.path().join("rules/odd.yml"), twice);
    let odd = check(folder.path(), &["rules", "rules/odd.yml"], "");
    assert_eq!(odd.code, Some(0), "{}", odd.shown());
    assert!(odd.stderr.starts_with("warning"), "{}", odd.shown());
    let fatal = check(folder.path(), &["rules", "--lint-fatal", "rules/odd.yml"], "");
    assert_eq!(fatal.code, Some(3), "{}", fatal.shown());
    let fatal = |lint: &str| check(folder.path(), &["rules", "--lint-fatal", lint, "rules/odd.yml"], "").code;
    assert_eq!([fatal("--lint=none"), fatal("--lint=duplicate-rules")], [Some(0), Some(3)]);
    // Another oddity is none of that lint.
    write(folder.path().join("rules/odd.yml"), &RULES.replace("OverrideForHours", "'Override for hours'"));
    assert_eq!([fatal("--lint=all"), fatal("--lint=duplicate-rules")], [Some(3), Some(0)]);
}

#[test]
fn rules_on_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["rules"][..], &["rules", "-"]] {
        let good = check(folder.path(), args, RULES);
        let expected = "Checking standard input\n  SUCCESS: 3 rules found\n\n";
        assert_eq!((good.code, good.stdout.as_str()), (Some(0), expected));
        let bad = check(folder.path(), args, "groups: 7\n");
        assert!(bad.code == Some(1) && bad.stderr.contains("stdin:1:9"), "{}", bad.shown());
    }
    let owned = RULES.replace("- name:", "- owner: me\n    name:");
    assert_eq!(check(folder.path(), &["rules"], &owned).code, Some(1));
    assert_eq!(check(folder.path(), &["rules", "--ignore-unknown-fields"], &owned).code, Some(0));
}

#[test]
fn the_syntax_of_a_configuration_and_its_oddities() {
    let config = configuration("127.0.0.1:8000");
    let folder = folder(&config, "groups: 7\n");
    assert_eq!(check(folder.path(), &["config", "prometheus.yml"], "").code, Some(1));
    assert_eq!(check(folder.path(), &["config", "--syntax-only", "prometheus.yml"], "").code, Some(0));
    write(folder.path().join("rules/a.yml"), &RULES.replace("- name:", "- owner: me\n    name:"));
    assert_eq!(check(folder.path(), &["config", "prometheus.yml"], "").code, Some(1));
    let lenient = check(folder.path(), &["config", "--ignore-unknown-fields", "prometheus.yml"], "");
    assert_eq!(lenient.code, Some(0), "{}", lenient.shown());
    write(folder.path().join("rules/a.yml"), RULES);
    write(
        folder.path().join("prometheus.yml"),
        &config.replace("scrape_interval: 500ms", "scrape_interval: 10m"),
    );
    let rare = check(folder.path(), &["config", "--lint=too-long-scrape-interval", "prometheus.yml"], "");
    assert!(rare.code == Some(0) && rare.stderr.contains("every 10m"), "{}", rare.shown());
    let fatal = ["config", "--lint=duplicate-rules", "--lint-fatal", "prometheus.yml"];
    assert_eq!(check(folder.path(), &fatal, "").code, Some(0));
    let fatal = ["config", "--lint-fatal", "prometheus.yml"];
    assert_eq!(check(folder.path(), &fatal, "").code, Some(3));
}

#[test]
fn metrics_good_broken_and_careless() {
    let folder = tempfile::tempdir().unwrap();
    let metrics = |more: &[&str], body: &str| {
        let args: Vec<&str> = ["metrics"].iter().chain(more).copied().collect();
        check(folder.path(), &args, body)
    };
    let good = "# HELP a_total Events.\n# TYPE a_total counter\na_total 1\n";
    let ran = metrics(&[], good);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""));

    assert_snapshot!("metrics_broken", metrics(&[], "a_total 1\nb{c=\"d} 2\ne f\n").shown());

    let careless = "# TYPE a counter\na 1\n";
    assert_snapshot!("metrics_careless", metrics(&[], careless).shown());
    assert_eq!(metrics(&["--lint=none"], careless).code, Some(0));
    let two = "# HELP a_total Events.\n# TYPE a_total counter\na_total{b=\"c\"} 1\na_total{b=\"d\"} 1\n# HELP up Up.\n# TYPE up gauge\nup 1\n";
    assert_snapshot!(metrics(&["--extended"], two).stdout, @r#"
    Metric     Cardinality    Percentage
    a_total    2              66.67%
    up         1              33.33%
    Total      3              100%
    "#);
    // OpenMetrics ends with `# EOF`, the text format does not.
    assert_eq!(metrics(&["--format=openmetrics"], good).code, Some(1));
}

#[test]
fn web_configuration_good_and_bad() {
    let folder = tempfile::tempdir().unwrap();
    let web = |text: &str| {
        write(folder.path().join("web.yml"), text);
        check(folder.path(), &["web-config", "web.yml"], "")
    };
    let good = web("http_server_config:\n  headers: {X-Frame-Options: deny}\n");
    assert_eq!((good.code, good.stdout.as_str()), (Some(0), "web.yml SUCCESS\n"));
    assert_snapshot!("web_config_unknown_key", web("basic_auth_user:\n  admin: x\n").shown());
    let absent = web("tls_server_config: {cert_file: absent.pem, key_file: absent.pem}\n");
    assert_eq!(absent.code, Some(1), "{}", absent.shown());
    assert!(absent.stderr.contains("absent.pem"), "{}", absent.stderr);
    assert_snapshot!("web_config_plain_password", web("basic_auth_users:\n  admin: secret\n").shown());
}

#[test]
fn a_secret_in_a_broken_configuration_is_not_repeated_beyond_its_own_line() {
    let config = configuration("127.0.0.1:8000").replace(
        "    metrics_path",
        "    basic_auth: {username: scraper, password: canary-5f2c}\n    metric_path",
    );
    let folder = folder(&config, RULES);
    let ran = check(folder.path(), &["config", "prometheus.yml"], "");
    assert_eq!(ran.code, Some(1));
    assert!(!ran.shown().contains("canary-5f2c"), "{}", ran.shown());
}

#[test]
fn the_version_and_what_the_command_line_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let version = run(evaluator().arg("--version"), folder.path(), "");
    let expected = format!("assurance-evaluator {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!((version.code, version.stdout), (Some(0), expected));
    for speed in ["0", "121", "NaN", "fast"] {
        let ran = run(evaluator().args(["demo", "--speed", speed]), folder.path(), "");
        assert_eq!(ran.code, Some(2), "{}", ran.shown());
    }
    let wrong = run(evaluator().arg("server"), folder.path(), "");
    assert_eq!(wrong.code, Some(2), "{}", wrong.shown());
    assert!(wrong.stderr.contains("serve"), "it names the nearest command: {}", wrong.stderr);
}
