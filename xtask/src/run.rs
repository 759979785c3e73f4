//! Commands that call cargo.

use std::path::Path;
use std::process::Command;

use crate::tidy;

/// Everything the gate wants, cheapest first.
pub(crate) fn ci() -> Result<(), String> {
    cargo(&["fmt", "--all", "--check"])?;
    tidy::check()?;
    cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])?;
    cargo(&["test", "--workspace", "--locked"])?;
    cargo_with(&["doc", "--workspace", "--no-deps", "--locked"], &[("RUSTDOCFLAGS", "-D warnings")])?;
    cargo(&["package", "--workspace", "--no-verify", "--allow-dirty", "--quiet", "--exclude", "xtask"])
}

/// The benchmarks of the named rooms, or of every room that has some.
pub(crate) fn bench(rooms: &[&str]) -> Result<(), String> {
    if rooms.is_empty() {
        return cargo(&["bench", "--workspace", "--benches"]);
    }
    rooms
        .iter()
        .try_for_each(|room| cargo(&["bench", "--package", &format!("assurance-{room}"), "--benches"]))
}

/// The evaluator's test of kills, for longer than its suite does.
pub(crate) fn soak(args: &[&str]) -> Result<(), String> {
    let (mut runs, mut seconds, mut profile) = ("200", "4", Some("--release"));
    let mut args = args.iter().copied();
    while let Some(arg) = args.next() {
        let mut number = || {
            let given = args.next().filter(|text| text.parse::<u32>().is_ok_and(|number| number > 0));
            given.ok_or_else(|| format!("{arg} needs a whole number"))
        };
        match arg {
            "--runs" => runs = number()?,
            "--seconds" => seconds = number()?,
            "--debug" => profile = None,
            other => return Err(format!("soak does not know {other:?}")),
        }
    }
    let mut command = vec!["test", "--quiet", "--locked", "--package", "assurance-evaluator", "--test", "it"];
    command.extend(profile);
    command.extend(["soak::", "--", "--nocapture"]);
    cargo_with(&command, &[("ASSURANCE_SOAK_RUNS", runs), ("ASSURANCE_SOAK_SECONDS", seconds)])
}

/// The exporter's test of kills at random moments, for longer than its suite does.
pub(crate) fn kill_evidence(args: &[&str]) -> Result<(), String> {
    let runs = match args {
        [] => "5000",
        ["--runs", runs] if runs.parse::<u32>().is_ok_and(|runs| runs > 0) => runs,
        ["--runs", ..] => return Err("--runs needs a whole number".to_owned()),
        _ => return Err(format!("kill-evidence does not know {:?}", args.join(" "))),
    };
    let command =
        ["test", "--quiet", "--locked", "--release", "--package", "assurance-exporter", "--test", "it"];
    cargo_with(
        &[&command[..], &["random_kills::", "--", "--nocapture"]].concat(),
        &[("ASSURANCE_KILL_RUNS", runs)],
    )
}

/// The conformance of the room that a folder's cases are for.
pub(crate) fn conformance(args: &[&str]) -> Result<(), String> {
    let (suite, args) = match args {
        ["promql", args @ ..] => (Suite::Promql, args),
        ["openmetrics", args @ ..] => (Suite::OpenMetrics, args),
        _ => {
            let folder = args.iter().find(|arg| !arg.starts_with('-'));
            let folder = folder.ok_or("conformance needs the folder of the cases")?;
            (Suite::of(Path::new(folder))?, args)
        }
    };
    match suite {
        Suite::Promql => example("xtask", "conformance", args),
        Suite::OpenMetrics => example("assurance-exposition", "check_openmetrics", args),
    }
}

/// What a folder holds cases for.
#[derive(Debug, PartialEq, Eq)]
enum Suite {
    /// `.test` files.
    Promql,
    /// Folders with `metrics` and `test.json`.
    OpenMetrics,
}

impl Suite {
    fn of(folder: &Path) -> Result<Self, String> {
        for entry in fs_err::read_dir(folder).map_err(|error| error.to_string())? {
            let path = entry.map_err(|error| error.to_string())?.path();
            if path.extension().is_some_and(|extension| extension == "test") {
                return Ok(Self::Promql);
            }
            if path.join("metrics").is_file() && path.join("test.json").is_file() {
                return Ok(Self::OpenMetrics);
            }
        }
        Err(format!("{} holds neither .test files nor folders with metrics and test.json", folder.display()))
    }
}

/// One crate's example, in release mode.
pub(crate) fn example(package: &str, name: &str, args: &[&str]) -> Result<(), String> {
    let command = ["run", "--quiet", "--release", "--package", package, "--example", name, "--"];
    cargo(&[&command, args].concat())
}

fn cargo(args: &[&str]) -> Result<(), String> {
    cargo_with(args, &[])
}

#[expect(clippy::print_stderr, reason = "shows which command runs")]
fn cargo_with(args: &[&str], env: &[(&str, &str)]) -> Result<(), String> {
    let line = format!("cargo {}", args.join(" "));
    eprintln!("+ {line}");
    let status = Command::new(env!("CARGO"))
        .args(args)
        .envs(env.iter().copied())
        .status()
        .map_err(|source| format!("cannot run `{line}`: {source}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{line}` failed: {status}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_shows_what_its_cases_are_for() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let of = || Suite::of(folder.path());
        assert!(of().expect_err("empty").contains("holds neither"));
        let case = folder.path().join("case");
        fs_err::create_dir(&case).expect("created");
        fs_err::write(case.join("metrics"), "").expect("written");
        assert!(of().is_err());
        fs_err::write(case.join("test.json"), "").expect("written");
        assert_eq!(of(), Ok(Suite::OpenMetrics));
        fs_err::remove_dir_all(&case).expect("removed");
        fs_err::write(folder.path().join("a.test"), "").expect("written");
        assert_eq!(of(), Ok(Suite::Promql));
    }
}
