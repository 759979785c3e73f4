//! Rehearses the response: runs tabletop exercises on a virtual clock and reports.

mod args;
mod wire;

use std::io::Write as _;
use std::process::ExitCode;

use args::Command;
use wire::Failure;

fn main() -> ExitCode {
    let result = match args::parse() {
        Command::List(list) => wire::list(list.output),
        Command::Show(show) => wire::show(&show.scenario),
        Command::Rehearse(rehearse) => wire::rehearse(&rehearse),
    };
    let (text, exit) = match result {
        Ok(done) => (done.text, if done.holds { ExitCode::SUCCESS } else { ExitCode::from(1) }),
        Err(failure) => return fail(&failure),
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        // A reader that has gone away, as `head` does, has had enough.
        Ok(()) => exit,
        Err(source) if source.kind() == std::io::ErrorKind::BrokenPipe => exit,
        Err(source) => fail(&Failure::Write { file: "stdout".to_owned(), source }),
    }
}

/// Says why, where somebody listens, and counts it.
fn fail(failure: &Failure) -> ExitCode {
    writeln!(std::io::stderr(), "{failure}").ok();
    ExitCode::from(failure.exit_code())
}
