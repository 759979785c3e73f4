//! Detects governance violations: scrapes, stores, evaluates PromQL alerting rules and notifies.

mod about;
mod args;
mod check;
mod demo;
mod healthcheck;
mod intake;
mod logs;
mod serve;
mod wire;

use std::process::ExitCode;

use args::{Args, Command};
use clap::Parser as _;

/// What scripts rely on; the README has the whole list.
mod exit {
    pub(crate) const FINDINGS: u8 = 1;
    pub(crate) const CONFIGURATION: u8 = 2;
    pub(crate) const LINT: u8 = 3;
    pub(crate) const UNREACHABLE: u8 = 4;
    pub(crate) const IO: u8 = 5;
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return wire::fail(exit::IO, &format!("cannot start threads: {error}")),
    };
    runtime.block_on(async {
        match args.command {
            Command::Serve(args) => serve::run(args).await,
            Command::Demo(args) => demo::run(args).await,
            Command::Check(args) => check::run(args).await,
            Command::Healthcheck(args) => healthcheck::run(args).await,
        }
    })
}
