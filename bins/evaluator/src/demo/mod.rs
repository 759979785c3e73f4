//! `demo`: an owner override, from its creation to the checksum of the day's evidence, over real HTTP.
//!
//! The backend is simulated, and so is the date: everything runs on one clock that begins half an hour before
//! midnight UTC and is sixty times as fast as life. Sockets, files, the evaluator and the exporter are real.
//! A line is told only after its value was read back over HTTP or from disk.

mod exporter;
mod look;
mod receiver;
mod stage;
mod story;

use std::process::ExitCode;

use assurance_runtime::signals::{Asked, Signals};

use crate::args::Demo;
use crate::exit;
use crate::wire::fail;

pub(crate) async fn run(args: Demo) -> ExitCode {
    crate::logs::init(&crate::args::Logs {
        level: crate::args::Level::Error,
        format: crate::args::LogFormat::Logfmt,
    });
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => return fail(exit::IO, &format!("cannot listen for signals: {error}")),
    };
    let stage = match stage::Stage::build(&args).await {
        Ok(stage) => stage,
        Err(message) => return fail(exit::IO, &format!("the stage cannot be built: {message}")),
    };
    tell(&format!(
        "The date is {} and runs {} times as fast as life.\n\
         backend   {}  (simulated BRAiN)\n\
         evaluator {}  (status page)\n\
         receiver  {}\n\
         evidence  {}\n",
        stage.clock.now(),
        args.speed,
        stage.backend_url,
        stage.evaluator.url,
        stage.receiver_url,
        stage.evidence.display()
    ));
    let told = tokio::select! {
        told = story::tell_it(&stage) => told,
        asked = asked_to_stop(&mut signals) => {
            debug_assert_eq!(asked, Asked::Stop);
            Err("interrupted".to_owned())
        }
    };
    let code = match told {
        Ok(()) => {
            tell("\nDetected, preserved, and every line above was read back from where it is kept.");
            ExitCode::SUCCESS
        }
        Err(message) => fail(exit::FINDINGS, &message),
    };
    if args.keep_running {
        tell(&format!("The status page stays up at {}/ until Ctrl-C.", stage.evaluator.url));
        asked_to_stop(&mut signals).await;
    }
    stage.strike().await;
    code
}

async fn asked_to_stop(signals: &mut Signals) -> Asked {
    loop {
        if let Asked::Stop = signals.next().await {
            return Asked::Stop;
        }
    }
}

/// One part of what the demonstration has to say.
#[expect(clippy::print_stdout, reason = "the story is what was asked for")]
fn tell(text: &str) {
    println!("{text}");
}
