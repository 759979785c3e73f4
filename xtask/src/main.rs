//! Chores of this repository: `cargo xtask ci|tidy|bench|soak|conformance`.
//!
//! Knows none of the project's crates, so that it builds in seconds and can judge a tree that does not build.

mod arrows;
mod bench;
mod differential;
mod peers;
mod rng;
mod run;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  ci                            formatting, clippy, tests, doc tests, packaging and tidy: what the gate runs
  tidy                          what no compiler checks: arrows, pages, tests and runbooks of alerts, leftovers
  tidy --write                  the same, after writing the generated parts of docs/architecture.md
  bench [ROOM]                  the benchmarks of one room, or of all
  bench ingest [--targets N] [--series N] [--interval S] [--warm S] [--seconds S]
                                what scraping costs; without numbers, at two sizes
  bench store [--days N] [--series N] [--samples N]
                                bytes of finished samples, and restarts; one of them: bench sizes, bench restart
  bench query [--days N]        queries over 90 finished days
  bench rules [--window S]      rules, and their unit tests
                                all four side by side with Prometheus, and VictoriaMetrics where installed; they
                                take [--quick] [--alone] [--binary PROMETHEUS] [--promtool PATH] [--victoria PATH]
                                [--ours PATH]; docs/benchmarks.md says what is measured
  bench backfill [--days N] [--ours PATH] [--promtool PATH] [--victoria PATH]
                                what the import of a history costs, side by side with promtool and VictoriaMetrics
  bench evidence [--days N] [--events N] [--metadata-days N] [--proof-events N]
                                sealing and verifying beside sha256sum, seven years of metadata, sizes of proofs
  bench prove                   worlds a second on one core, for each kind of intent
  tamper [--seeds N] [--class CLASS] [--lawful N] [--no-flips] [--list]
                                every class of tampering is found and named, every single bit of a small archive,
                                and no lawful history raises an alarm
  soak [--runs N] [--seconds S] [--debug]
                                kills the evaluator at random moments and compares what it had shown with what is
                                there afterwards; 200 runs of at most 4 seconds, of the optimized binary
  kill-evidence [--runs N]      kills everything of the exporter that writes at random moments, and has an auditor
                                look at what is there afterwards; 5,000 runs of the optimized binary
  differential [--seed N] [--queries N] [--binary PATH]
                                random expressions over random data, asked of a real Prometheus and of us
  differential prove [--timelines N] [--seed N] [--promtool PATH] [--pipeline N]
                                random worlds of the prover as unit tests that promtool must pass; 100,000 of them;
                                with --pipeline, so many of each claim also happen in the whole pipeline
  conformance DIR [--verbose] [--at-least N] [--store memory|tsdb|durable] [--binary PATH] [--write-doc]
                                the query engine against a folder of .test files, or the exposition parser
                                against one of OpenMetrics cases; `conformance promql DIR` and `conformance
                                openmetrics DIR` say which
";

#[expect(clippy::print_stderr, reason = "a command-line tool talks on stderr")]
fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["ci"] => run::ci(),
        ["tidy"] => tidy::check(),
        ["tidy", "--write"] => tidy::write().and_then(|()| tidy::check()),
        ["differential", "prove", args @ ..] => run::example("xtask", "differential_prove", args),
        ["differential", args @ ..] => differential::command(args),
        ["soak", args @ ..] => run::soak(args),
        ["kill-evidence", args @ ..] => run::kill_evidence(args),
        ["bench", what @ ("ingest" | "store" | "sizes" | "restart" | "query" | "rules"), args @ ..] => {
            bench::command(what, args)
        }
        ["bench", "backfill", args @ ..] => bench::backfill::command(args),
        ["bench", "prove"] => run::bench(&["prover"]),
        ["bench", "evidence", args @ ..] => run::example("xtask", "bench_evidence", args),
        ["tamper", args @ ..] => run::example("xtask", "tamper", args),
        ["bench", rooms @ ..] => run::bench(rooms),
        ["conformance", args @ ..] if !args.is_empty() => run::conformance(args),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
