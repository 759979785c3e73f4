//! The shipped systemd units, judged by systemd where it is at hand.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::command::{exporter, ran, read};

const SERVICES: [&str; 3] = [
    "assurance-exporter-collect.service",
    "assurance-exporter-init.service",
    "assurance-exporter-seal.service",
];

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
        "assurance-exporter-init.service",
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
    for (name, highest) in [
        ("assurance-exporter-collect.service", 1.6),
        ("assurance-exporter-init.service", 0.9),
        ("assurance-exporter-seal.service", 0.9),
    ] {
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
    assert_eq!(names, ["BACKEND_URL", "EVIDENCE_DIR", "RETENTION_DAYS"]);
    for unit in SERVICES {
        let unit = read(dist().join(unit));
        let directory = variables.lines().find_map(|line| line.strip_prefix("EVIDENCE_DIR=/var/lib/"));
        let state = unit.lines().find_map(|line| line.strip_prefix("StateDirectory="));
        assert_eq!(state, directory);
    }
}

#[test]
fn the_key_goes_to_those_without_a_network_and_only_to_them() {
    for name in SERVICES {
        let unit = read(dist().join(name));
        let line = |wanted: &str| unit.lines().any(|line| line == wanted);
        let key = line("LoadCredential=log-key:/etc/assurance/log.key");
        let cut_off = line("PrivateNetwork=yes") && line("RestrictAddressFamilies=none");
        let reaches = line("RestrictAddressFamilies=AF_INET AF_INET6");
        assert_eq!(
            (key, cut_off, reaches),
            if name.contains("collect") { (false, false, true) } else { (true, true, false) }
        );
    }
}

#[test]
fn the_commands_of_the_units_are_those_of_the_program() {
    for name in SERVICES {
        let unit = read(dist().join(name));
        for command in
            unit.lines().filter_map(|line| line.strip_prefix("ExecStart=/usr/bin/assurance-exporter "))
        {
            let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
            let help = ran(exporter().args(&words));
            assert_eq!(help.code, Some(0), "{name}: {command}: {}", help.stderr);
        }
    }
}
