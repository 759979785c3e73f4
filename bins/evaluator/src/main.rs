//! Detects governance violations: scrapes, stores, evaluates PromQL alerting rules and notifies.

mod about;
mod args;
mod check;
mod demo;
mod exit;
mod healthcheck;
mod intake;
mod lint;
mod logs;
mod pack;
mod prove;
mod query;
mod routes;
mod serve;
mod storage;
mod test;
mod tsdb;
mod wire;

use std::process::ExitCode;

use args::{Args, Command, TestWhat};
use clap::Parser as _;

fn main() -> ExitCode {
    match Args::parse().command {
        Command::Serve(args) => wait(serve::run(*args)),
        Command::Demo(args) => wait(demo::run(args)),
        Command::Check(args) => check::run(&args),
        Command::Lint(args) => lint::run(&args),
        Command::Test(args) => match args.what {
            TestWhat::Rules(args) => test::run(&args),
        },
        Command::Tsdb { what } => tsdb::run(what),
        Command::Routes { what } => routes::run(&what),
        Command::Prove { what } => prove::run(&what),
        Command::Pack { what } => pack::run(&what),
        Command::Query(args) => wait(query::run(args)),
        Command::Healthcheck(args) => wait(healthcheck::run(args)),
    }
}

/// Starts the threads that waiting needs. Commands that only read files do without.
fn wait(work: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(work);
            // Who is told to stop while a long log is read does not wait for it.
            runtime.shutdown_timeout(std::time::Duration::from_secs(1));
            code
        }
        Err(error) => wire::fail(exit::IO, &format!("cannot start threads: {error}")),
    }
}
