//! Runs a folder of `.test` files and prints what came of each.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool that prints")]
#![expect(clippy::disallowed_methods, reason = "an example reads the folder it is given")]

use std::process::ExitCode;

use assurance_promql::Options;
use assurance_promqltest::{MemoryStore, Script, run};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (Some(dir), verbose) = (args.next(), args.next().is_some()) else {
        eprintln!("usage: conformance DIR [verbose]");
        return ExitCode::from(2);
    };
    let mut files: Vec<_> = match std::fs::read_dir(&dir) {
        Ok(entries) => entries.filter_map(|e| e.ok().map(|e| e.path())).collect(),
        Err(error) => {
            eprintln!("{dir}: {error}");
            return ExitCode::from(2);
        }
    };
    files.retain(|path| path.extension().is_some_and(|e| e == "test"));
    files.sort();
    let mut unreadable = false;
    let mut totals = [0; 5];
    println!(
        "{:<28} {:>6} {:>6} {:>6} {:>11} {:>11}",
        "file", "evals", "passed", "failed", "unsupported", "annotations"
    );
    for path in files {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let script = std::fs::read_to_string(&path)
            .map_err(|error| error.to_string())
            .and_then(|text| Script::parse(&name, &text).map_err(|error| error.to_string()));
        let script = match script {
            Ok(script) => script,
            Err(error) => {
                println!("{error}");
                unreadable = true;
                continue;
            }
        };
        let outcome = run(&script, &mut MemoryStore::default(), &Options::default());
        let unsupported = outcome.failures().filter(|f| f.unsupported && f.what != "load").count();
        let failed = outcome.evals() - outcome.passed() - unsupported;
        let row = [outcome.evals(), outcome.passed(), failed, unsupported, outcome.annotations().count()];
        println!("{name:<28} {:>6} {:>6} {:>6} {:>11} {:>11}", row[0], row[1], row[2], row[3], row[4]);
        totals.iter_mut().zip(row).for_each(|(total, n)| *total += n);
        if verbose {
            for failure in outcome.failures().filter(|f| !f.unsupported).chain(outcome.annotations()) {
                println!("  {}:{}: {}: {}", failure.file, failure.line, failure.what, failure.reason);
            }
        }
    }
    println!(
        "{:<28} {:>6} {:>6} {:>6} {:>11} {:>11}",
        "all", totals[0], totals[1], totals[2], totals[3], totals[4]
    );
    if unreadable { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
