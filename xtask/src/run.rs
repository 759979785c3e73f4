//! Commands that call cargo.

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

/// One crate's example, in release mode, on a folder.
pub(crate) fn example(package: &str, name: &str, dir: &str) -> Result<(), String> {
    cargo(&["run", "--quiet", "--release", "--package", package, "--example", name, "--", dir])
}

/// Builds one crate's example, in release mode.
pub(crate) fn build_example(package: &str, name: &str) -> Result<(), String> {
    cargo(&["build", "--quiet", "--release", "--package", package, "--example", name])
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
