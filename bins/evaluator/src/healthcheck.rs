//! `healthcheck`: for containers without curl.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use assurance_runtime::http::{Client, Limits};
use assurance_runtime::server::WebConfig;
use assurance_scrape::{Auth, Credential, HttpConfig, Secret};

use crate::args::Healthcheck;
use crate::exit;
use crate::wire::fail;

pub(crate) async fn run(args: Healthcheck) -> ExitCode {
    let path = if args.ready { "ready" } else { "healthy" };
    let web = match crate::serve::web_config(args.web_config.as_deref()) {
        Ok(web) => web,
        Err(message) => return fail(exit::CONFIGURATION, &message),
    };
    let secure = web.tls.is_some() || args.ca_file.is_some() || args.cert_file.is_some();
    let url = format!("{}://{}/-/{path}", if secure { "https" } else { "http" }, args.listen_address);
    let limits = Limits { timeout: Duration::from_secs(5), body: 4096 };
    let answer = match Client::new(http(&args)) {
        Ok(client) => client.get(&url, &[], limits).await,
        Err(error) => return fail(exit::CONFIGURATION, &error.to_string()),
    };
    match answer {
        Ok(answer) if answer.status == 200 => ExitCode::SUCCESS,
        Ok(answer) if answer.status == 401 && asks_for_a_password(&web, &args) => ExitCode::SUCCESS,
        Ok(answer) => fail(exit::UNREACHABLE, &format!("{url} answered with status {}", answer.status)),
        Err(error) => fail(exit::UNREACHABLE, &error.to_string()),
    }
}

/// Who asks for a password that is not known here is alive; whether it is ready it does not say.
fn asks_for_a_password(web: &WebConfig, args: &Healthcheck) -> bool {
    !web.users.is_empty() && args.username.is_none() && !args.ready
}

fn http(args: &Healthcheck) -> HttpConfig {
    let file = |path: &Path| Credential::File(path.to_string_lossy().into_owned());
    let mut http = HttpConfig::default();
    http.follow_redirects = false;
    http.tls.ca = args.ca_file.as_deref().map(file);
    http.tls.cert = args.cert_file.as_deref().map(file);
    http.tls.key = args.key_file.as_deref().map(file);
    http.tls.server_name.clone_from(&args.server_name);
    // The certificate is for names seen from outside, not for the address that is listened on.
    http.tls.insecure_skip_verify = args.ca_file.is_none();
    http.auth = args.username.as_deref().map(|name| Auth::Basic {
        username: Credential::Inline(Secret::new(name)),
        password: args.password_file.as_deref().map(file),
    });
    http
}
