//! Preserves audit events: collects them from BRAiN into checksummed day files.

mod args;
mod fetch;
mod talk;
mod wire;

use std::process::ExitCode;

use args::Command;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let exit = match args::parse() {
        Command::Run(collect) => wire::run(collect).await,
        Command::Collect(collect) => wire::collect(collect).await,
        Command::Seal(seal) => wire::seal(&seal).await,
        Command::Status(status) => wire::status(&status),
    };
    talk::exit(exit)
}
