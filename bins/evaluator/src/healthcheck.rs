//! `healthcheck`: for containers without curl.

use std::process::ExitCode;
use std::time::Duration;

use assurance_runtime::http::{Client, Limits};
use assurance_scrape::HttpConfig;

use crate::args::Healthcheck;
use crate::exit;
use crate::wire::fail;

pub(crate) async fn run(args: Healthcheck) -> ExitCode {
    let path = if args.ready { "ready" } else { "healthy" };
    let web = match crate::serve::web_config(args.web_config.as_deref()) {
        Ok(web) => web,
        Err(message) => return fail(exit::CONFIGURATION, &message),
    };
    let scheme = if web.tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}/-/{path}", args.listen_address);
    let mut http = HttpConfig::default();
    // The certificate is for names seen from outside, not for the address that is listened on.
    http.tls.insecure_skip_verify = true;
    let limits = Limits { timeout: Duration::from_secs(5), body: 4096 };
    let answer = match Client::new(http) {
        Ok(client) => client.get(&url, &[], limits).await,
        Err(error) => return fail(exit::CONFIGURATION, &error.to_string()),
    };
    match answer {
        Ok(answer) if answer.status == 200 => ExitCode::SUCCESS,
        // No password is known here, and who asks for one is alive.
        Ok(answer) if answer.status == 401 && !web.users.is_empty() && !args.ready => ExitCode::SUCCESS,
        Ok(answer) => fail(exit::UNREACHABLE, &format!("{url} answered with status {}", answer.status)),
        Err(error) => fail(exit::UNREACHABLE, &error.to_string()),
    }
}
