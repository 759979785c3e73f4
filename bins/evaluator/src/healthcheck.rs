//! `healthcheck`: for containers without curl.

use std::process::ExitCode;
use std::time::Duration;

use assurance_runtime::http::{Client, Limits};

use crate::args::Healthcheck;
use crate::exit;
use crate::wire::fail;

pub(crate) async fn run(args: Healthcheck) -> ExitCode {
    let path = if args.ready { "ready" } else { "healthy" };
    let url = format!("http://{}/-/{path}", args.listen_address);
    let limits = Limits { timeout: Duration::from_secs(5), body: 4096 };
    let answer = match Client::plain() {
        Ok(client) => client.get(&url, &[], limits).await,
        Err(error) => return fail(exit::CONFIGURATION, &error.to_string()),
    };
    match answer {
        Ok(answer) if answer.status == 200 => ExitCode::SUCCESS,
        Ok(answer) => fail(exit::UNREACHABLE, &format!("{url} answered with status {}", answer.status)),
        Err(error) => fail(exit::UNREACHABLE, &error.to_string()),
    }
}
