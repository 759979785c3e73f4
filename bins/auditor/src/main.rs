//! Checks an archive of audit evidence offline, without trusting whoever keeps it.

mod args;
mod prove;
mod show;
mod talk;
mod verify;

use std::process::ExitCode;

use args::{Cli, Command};
use clap::Parser;

fn main() -> ExitCode {
    let exit = match Cli::parse().command {
        Command::Verify(verify) => verify::run(&verify),
        Command::Prove(prove) => prove::prove(&prove),
        Command::VerifyProof(proof) => prove::verify(&proof),
        Command::Show(show) => show::run(&show),
    };
    ExitCode::from(exit as u8)
}
