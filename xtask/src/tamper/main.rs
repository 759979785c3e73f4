//! `cargo xtask tamper`: whether tampering is detected and named, and whether what is lawful is left alone.
//!
//! Archives are made by the evidence library; what is done to them then shares nothing with it: names and bytes, own
//! lines, own trees, own signatures. Every class of tampering has a list of the findings that must come of it, by
//! class, file, day and line; one more or one less is a failure.

mod attack;
mod backend;
mod campaign;
mod files;
mod flips;
mod forge;
mod hand;
mod lawful;
#[path = "../rng.rs"]
#[expect(dead_code, reason = "what draws expressions is not all needed here")]
mod rng;
#[cfg(test)]
mod tests;
mod world;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask tamper [--seeds N] [--class CLASS] [--lawful N] [--no-flips] [--list]

  --seeds N      archives tampered with, for each class (1000)
  --class CLASS  only this class, or all that begin so
  --lawful N     lawful histories that must raise no alarm (10000)
  --no-flips     leave out the flips of every single bit of a small archive
  --list         the classes, and what they are found as
";

struct Wish {
    seeds: u64,
    class: Option<String>,
    lawful: u64,
    flips: bool,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool shows what it found")]
fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "--list") {
        for kind in attack::KINDS {
            println!("{:24} {}", kind.name, kind.found);
        }
        return ExitCode::SUCCESS;
    }
    let wish = match wish(&args) {
        Ok(wish) => wish,
        Err(message) => {
            eprintln!("{message}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut failures = campaign::run(wish.seeds, wish.class.as_deref(), &mut |line| println!("{line}"));
    if wish.class.is_none() {
        failures += lawful::run(wish.lawful, &mut |line| println!("{line}"));
        if wish.flips {
            failures += flips::run(1, &mut |line| println!("{line}"));
        }
    }
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn wish(args: &[String]) -> Result<Wish, String> {
    let mut wish = Wish { seeds: 1000, class: None, lawful: 10_000, flips: true };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        let number = |text: &String| text.parse::<u64>().map_err(|_bad| format!("{text:?} is no number"));
        match arg.as_str() {
            "--seeds" => wish.seeds = number(value()?)?,
            "--lawful" => wish.lawful = number(value()?)?,
            "--class" => wish.class = Some(value()?.clone()),
            "--no-flips" => wish.flips = false,
            other => return Err(format!("tamper does not know {other:?}")),
        }
    }
    Ok(wish)
}
