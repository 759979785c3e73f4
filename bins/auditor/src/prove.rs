//! `prove` and `verify-proof`: one event, shown to be in the log, with nothing but a policy.

use assurance_evidence::Day;
use assurance_evidence::proof::{self, ProofFailure, ProveError, Proven, Wanted};
use serde_json::json;

use crate::args::{Format, Prove, VerifyProof};
use crate::talk::{self, Exit, failed, print, say};

pub(crate) fn prove(args: &Prove) -> Exit {
    match write(args) {
        Ok(()) => Exit::Done,
        Err(exit) => exit,
    }
}

fn write(args: &Prove) -> Result<(), Exit> {
    let storage = talk::open(&args.archive.path())?;
    let wanted = wanted(args);
    let text = proof::prove(&storage, &wanted).map_err(|error| {
        let exit = match error {
            ProveError::Storage(_) => Exit::Storage,
            ProveError::Log(_) | ProveError::File { .. } => Exit::Integrity,
            _ => Exit::Usage,
        };
        failed(exit, error)
    })?;
    match &args.out {
        None => print(text.trim_end_matches('\n')),
        Some(path) => {
            fs_err::write(path, &text).map_err(|error| failed(Exit::Storage, error))?;
            say(format_args!("{} bytes in {}", text.len(), path.display()));
        }
    }
    Ok(())
}

/// An event by its day and line, or else by its id.
fn wanted(args: &Prove) -> Wanted {
    let place = args.event.split_once(':').and_then(|(day, line)| {
        let (day, line) = (day.parse::<Day>().ok()?, line.parse::<u64>().ok()?);
        Some(Wanted::line(day, line))
    });
    place.unwrap_or_else(|| Wanted::id(&args.event, args.day))
}

pub(crate) fn verify(args: &VerifyProof) -> Exit {
    match check(args) {
        Ok(proven) => {
            show(&proven, args.output);
            Exit::Done
        }
        Err(exit) => exit,
    }
}

fn check(args: &VerifyProof) -> Result<Proven, Exit> {
    let policy = talk::policy(&args.policy)?;
    let text = talk::read(&args.proof)?;
    proof::verify_proof(&text, &policy).map_err(|error| {
        let exit = match &error {
            ProofFailure::Log(assurance_tlog::proof::TlogProofFailure::Quorum { .. }) => Exit::Unwitnessed,
            _ => Exit::Integrity,
        };
        failed(exit, format_args!("{}: {error}", args.proof.display()))
    })
}

fn show(proven: &Proven, format: Format) {
    let checkpoint = &proven.verdict.checkpoint;
    match format {
        Format::Json => print(json!({
            "v": 1,
            "day": proven.day,
            "line": proven.line,
            "event": proven.event,
            "leaf": proven.leaf,
            "origin": checkpoint.origin(),
            "size": checkpoint.size(),
            "witnesses": proven.verdict.witnesses.iter().map(|w| &w.name).collect::<Vec<_>>(),
        })),
        Format::Text => {
            print(&proven.event);
            say(format_args!(
                "this is line {} of {}, sealed as leaf {} of {} ({} leaves, {} witnesses)",
                proven.line,
                proven.day,
                proven.leaf,
                checkpoint.origin(),
                checkpoint.size(),
                proven.verdict.witnesses.len()
            ));
        }
    }
}
