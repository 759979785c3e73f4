//! `pack`: the governance pack as files, and what is known of one alert.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use assurance_policy::{ExplainError, explain, files};
use clap::Subcommand;

use crate::args::Output;
use crate::exit;
use crate::wire::fail;

#[derive(Debug, Subcommand)]
pub(crate) enum Pack {
    /// Write the governance pack: rules and their tests, routing, escalation, intents, contract, runbooks, and a
    /// configuration that loads them. Refuses a directory with anything in it.
    Dump {
        /// Where to; made if it is missing.
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Tell all that the pack knows of an alert.
    Explain {
        /// Its id, with a namespace (`policy:`, `seed:`, `readme:`) where it is one of an older document, or its
        /// name. An id that is ambiguous is explained in all its meanings.
        #[arg(value_name = "ID")]
        id: String,
        /// How to tell it.
        #[arg(short, long, value_name = "FORMAT", default_value = "text")]
        output: Output,
    },
}

pub(crate) fn run(what: &Pack) -> ExitCode {
    match what {
        Pack::Dump { directory } => match dump(directory) {
            Ok(code) => code,
            Err(error) => fail(exit::IO, &format!("cannot write the pack: {error}")),
        },
        Pack::Explain { id, output } => tell(id, *output),
    }
}

#[expect(clippy::print_stdout, reason = "what was written is what was asked for")]
fn dump(directory: &Path) -> std::io::Result<ExitCode> {
    match fs_err::read_dir(directory) {
        Ok(mut entries) => {
            if let Some(entry) = entries.next() {
                let there = entry?.file_name();
                let message = format!(
                    "{} is not empty: it has {}; nothing is overwritten, name another directory",
                    directory.display(),
                    there.display()
                );
                return Ok(fail(exit::CONFIGURATION, &message));
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut count = 0;
    for (name, text) in files() {
        let path = directory.join(name);
        if let Some(folder) = path.parent() {
            fs_err::create_dir_all(folder)?;
        }
        let mut file = fs_err::OpenOptions::new().write(true).create_new(true).open(&path)?;
        file.write_all(text.as_bytes())?;
        count += 1;
    }
    println!("{count} files in {}; its README.md says what they are", directory.display());
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "the explanation is what was asked for")]
fn tell(id: &str, output: Output) -> ExitCode {
    let explanation = match explain(id) {
        Ok(explanation) => explanation,
        Err(error @ ExplainError::Alias(_)) => return fail(exit::CONFIGURATION, &error.to_string()),
        Err(error) => return fail(exit::FINDINGS, &error.to_string()),
    };
    match output {
        Output::Text => print!("{explanation}"),
        Output::Json => match serde_json::to_string_pretty(&explanation) {
            Ok(text) => println!("{text}"),
            Err(error) => return fail(exit::IO, &format!("cannot write JSON: {error}")),
        },
    }
    ExitCode::SUCCESS
}
