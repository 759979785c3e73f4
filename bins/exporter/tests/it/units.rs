//! The shipped systemd units, judged by systemd where it is at hand.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::command::read;

fn dist() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dist")
}

#[expect(clippy::print_stdout, reason = "whoever reads the test log sees what was not checked")]
fn analyze(arguments: &[&str]) -> Option<Output> {
    match Command::new("systemd-analyze").args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            println!("skipped: systemd-analyze cannot be started: {error}");
            None
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_units_have_no_mistakes() {
    let directory = tempfile::tempdir().unwrap();
    let mut units = Vec::new();
    for name in [
        "assurance-exporter-collect.service",
        "assurance-exporter-seal.service",
        "assurance-exporter-seal.timer",
    ] {
        // The binary is where the test built it, not where the package puts it.
        let unit = read(dist().join(name));
        let unit = unit.replace("/usr/bin/assurance-exporter", env!("CARGO_BIN_EXE_assurance-exporter"));
        let path = directory.path().join(name);
        fs_err::write(&path, unit).unwrap();
        units.push(path.display().to_string());
    }
    let arguments: Vec<&str> = ["verify"].into_iter().chain(units.iter().map(String::as_str)).collect();
    let Some(verified) = analyze(&arguments) else { return };
    assert!(verified.status.success(), "{}", text(&verified.stderr));
    // What it says of other units of the machine is not about ours.
    let about_ours: Vec<String> = text(&verified.stderr)
        .lines()
        .filter(|line| line.contains("assurance-"))
        .map(str::to_owned)
        .collect();
    assert_eq!(about_ours, [""; 0]);
}

#[test]
fn the_units_expose_little() {
    for (name, highest) in
        [("assurance-exporter-collect.service", 1.6), ("assurance-exporter-seal.service", 0.6)]
    {
        let unit = dist().join(name).display().to_string();
        let Some(judged) = analyze(&["security", "--offline=true", &unit]) else { return };
        let output = text(&judged.stdout);
        let level = output.lines().find_map(|line| line.split("exposure level for").nth(1));
        let level = level.and_then(|rest| rest.split(": ").nth(1)).and_then(|rest| rest.split(' ').next());
        let level: f64 = level.and_then(|level| level.parse().ok()).unwrap_or_else(|| panic!("{output}"));
        assert!(level <= highest, "{name} is judged {level}");
    }
}

#[test]
fn the_timer_knows_its_zone_and_makes_up_for_what_it_missed() {
    let timer = read(dist().join("assurance-exporter-seal.timer"));
    let value = |key: &str| timer.lines().find_map(|line| line.strip_prefix(&format!("{key}=")));
    assert_eq!((value("OnCalendar"), value("Persistent")), (Some("*-*-* 02:00:00 UTC"), Some("true")));
    assert!(!timer.contains("Requires=") && !timer.contains("OnBootSec"));
    let Some(calendar) = analyze(&["calendar", "*-*-* 02:00:00 UTC"]) else { return };
    assert!(calendar.status.success(), "{}", text(&calendar.stderr));
}

#[test]
fn the_variables_file_names_what_the_program_reads() {
    let variables = read(dist().join("assurance-exporter.env"));
    let names: Vec<&str> = variables
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["BACKEND_URL", "EVIDENCE_DIR"]);
    for unit in ["assurance-exporter-collect.service", "assurance-exporter-seal.service"] {
        let unit = read(dist().join(unit));
        let directory = variables.lines().find_map(|line| line.strip_prefix("EVIDENCE_DIR=/var/lib/"));
        let state = unit.lines().find_map(|line| line.strip_prefix("StateDirectory="));
        assert_eq!(state, directory);
    }
}
