//! Preserves audit events: collects them from BRAiN into day files, and seals these in a signed log.

mod args;
mod fetch;
mod key;
mod log;
mod talk;
mod wire;

use std::process::ExitCode;

use args::{Command, Hold};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let exit = match args::parse() {
        Command::Keygen(keygen) => key::keygen(&keygen),
        Command::Init(init) => log::init(&init).await,
        Command::Run(run) => wire::run(run).await,
        Command::Collect(collect) => wire::collect(collect).await,
        Command::Seal(seal) => wire::seal(&seal).await,
        Command::Rotate(rotate) => log::rotate(&rotate).await,
        Command::Hold(Hold::Add(add)) => log::hold(add).await,
        Command::Hold(Hold::Release(release)) => log::release(release).await,
        Command::Hold(Hold::List(list)) => log::holds(&list),
        Command::Prune(prune) => log::prune(&prune).await,
        Command::Status(status) => wire::status(&status),
    };
    talk::exit(exit)
}
