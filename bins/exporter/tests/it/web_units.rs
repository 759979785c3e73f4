//! The units of those who use the network: judged by systemd where it is at hand.

use std::path::Path;
use std::process::Command;

use crate::command::{exporter, ran, read};

const UNITS: [&str; 3] = [
    "assurance-exporter-cosign.service",
    "assurance-exporter-serve.service",
    "assurance-exporter-witness.service",
];

fn unit(name: &str) -> String {
    read(Path::new(env!("CARGO_MANIFEST_DIR")).join("dist").join(name))
}

#[expect(clippy::print_stdout, reason = "whoever reads the test log sees what was not checked")]
fn analyze(arguments: &[&str]) -> Option<(bool, String)> {
    match Command::new("systemd-analyze").args(arguments).output() {
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
        }
        Err(error) => {
            println!("skipped: systemd-analyze cannot be started: {error}");
            None
        }
    }
}

#[test]
fn the_units_have_no_mistakes_and_expose_little() {
    let directory = tempfile::tempdir().unwrap();
    for name in UNITS.iter().chain(&["assurance-exporter-cosign.timer"]) {
        let text =
            unit(name).replace("/usr/bin/assurance-exporter", env!("CARGO_BIN_EXE_assurance-exporter"));
        fs_err::write(directory.path().join(name), text).unwrap();
    }
    for name in UNITS.iter().chain(&["assurance-exporter-cosign.timer"]) {
        let path = directory.path().join(name).display().to_string();
        let Some((fine, said)) = analyze(&["verify", &path]) else { return };
        assert!(fine, "{name}: {said}");
        let ours: Vec<&str> = said.lines().filter(|line| line.contains("assurance-")).collect();
        assert_eq!(ours, [""; 0], "{name}");
    }
    for name in UNITS {
        let path = directory.path().join(name).display().to_string();
        let Some((_, said)) = analyze(&["security", "--offline=true", &path]) else { return };
        let level = said.lines().find_map(|line| line.split("exposure level for").nth(1));
        let level = level.and_then(|rest| rest.split(": ").nth(1)).and_then(|rest| rest.split(' ').next());
        let level: f64 = level.and_then(|level| level.parse().ok()).unwrap_or_else(|| panic!("{said}"));
        assert!(level <= 1.6, "{name} is judged {level}");
    }
}

#[test]
fn who_has_the_network_has_no_key_of_the_log() {
    for name in UNITS {
        let unit = unit(name);
        assert!(!unit.contains("log-key"), "{name}");
        assert_eq!(unit.contains("LoadCredential="), name.contains("witness"), "{name}");
        assert!(unit.contains("RestrictAddressFamilies=AF_INET AF_INET6"), "{name}");
    }
    assert!(unit(UNITS[2]).contains("User=assurance-witness"), "a witness is not the log's keeper");
}

#[test]
fn the_commands_of_the_units_are_those_of_the_program() {
    for name in UNITS {
        let unit = unit(name);
        let command =
            unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/assurance-exporter "));
        let words: Vec<&str> = command.expect("a command").split(' ').chain(["--help"]).collect();
        let help = ran(exporter().args(&words));
        assert_eq!(help.code, Some(0), "{name}: {}", help.stderr);
    }
}
