use std::path::Path;
use std::process::Command;

/// Runs promtool in the folder of the rules, or says that it is missing.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn promtool(arguments: &[&str], files: &[(&str, &str)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pack/rules");
    let names = files.iter().map(|(name, _)| name.trim_start_matches("rules/"));
    let output = match Command::new("promtool").args(arguments).args(names).current_dir(folder).output() {
        Ok(output) => output,
        Err(error) => {
            let required = std::env::var_os("ASSURANCE_REQUIRE_PEERS").is_some_and(|value| value == "1");
            assert!(!required, "promtool cannot be started: {error}");
            println!("skipped: promtool cannot be started: {error}; apt-get install prometheus");
            return;
        }
    };
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn promtool_loads_every_rule_file() {
    promtool(&["check", "rules", "--lint=all"], assurance_policy::rule_files());
}

/// The configuration that loads the rules, as somebody has it who wrote the pack out.
#[test]
fn promtool_loads_the_configuration() {
    promtool(&["check", "config", "../prometheus.yml"], &[]);
}

#[test]
fn promtool_finds_every_unit_test_passing() {
    promtool(&["test", "rules"], assurance_policy::rule_tests());
}
