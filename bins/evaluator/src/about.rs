//! What the API tells of the process: its flags, where and on what it runs.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use assurance_metrics_model::Timestamp;
use assurance_web::Process;
use clap::CommandFactory as _;

use crate::args::{Args, Serve};

/// Stands for what is not told.
const SECRET: &str = "<secret>";

/// Flags of `serve` and their values, as they were given or are by default.
pub(crate) fn flags() -> BTreeMap<String, String> {
    of(std::env::args_os())
}

fn of(line: impl IntoIterator<Item = OsString>) -> BTreeMap<String, String> {
    // The process would not run if its command line did not parse.
    let Ok(matches) = Args::command().try_get_matches_from(line) else { return BTreeMap::new() };
    let Some(("serve", given)) = matches.subcommand() else { return BTreeMap::new() };
    let command = Serve::command();
    let flags =
        command.get_arguments().filter_map(|argument| Some((argument.get_long()?, argument.get_id())));
    flags
        .map(|(name, id)| {
            let values = given.get_raw(id.as_str()).into_iter().flatten();
            let shown: Vec<String> = values.map(OsStr::to_string_lossy).map(|v| shown(name, &v)).collect();
            (name.to_owned(), shown.join(","))
        })
        .collect()
}

/// A value without secrets: a webhook's whole path is one, and what stands before `@` in a URL.
fn shown(name: &str, value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else { return value.to_owned() };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = match authority.rsplit_once('@') {
        Some((_credentials, host)) => format!("{SECRET}@{host}"),
        None => authority.to_owned(),
    };
    if name.contains("webhook") && path.len() > 1 {
        return format!("{scheme}://{host}/{SECRET}");
    }
    format!("{scheme}://{host}{path}")
}

pub(crate) fn process(reloaded: bool, configured: Timestamp) -> Process {
    let mut process = Process::default();
    process.directory = directory();
    process.hostname = hostname();
    process.reloaded = reloaded;
    process.configured = configured;
    process.threads = std::thread::available_parallelism().map_or(1, usize::from);
    process
}

#[expect(clippy::disallowed_methods, reason = "it is shown, and no path is seen from it")]
fn directory() -> String {
    std::env::current_dir().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
}

/// As the kernel has it; empty where it does not say.
fn hostname() -> String {
    fs_err::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn every_flag_is_told_and_no_secret() {
        let line = [
            "assurance-evaluator",
            "serve",
            "--config.file=a.yml",
            "--web.enable-lifecycle",
            "--web.external-url=https://admin:canary-1@watch.example/x",
            "--notify.webhook=https://hooks.example/services/canary-2",
            "--notify.webhook=https://canary-3@hooks.example",
        ];
        let flags = of(line.map(Into::into));
        for (name, value) in [
            ("config.file", "a.yml"),
            ("web.enable-lifecycle", "true"),
            ("web.insecure-allow-remote", "false"),
            ("web.listen-address", "127.0.0.1:9090"),
            ("web.cors.origin", ""),
            ("web.config.file", ""),
            ("log.level", "info"),
            ("web.external-url", "https://<secret>@watch.example/x"),
            ("notify.webhook", "https://hooks.example/<secret>,https://<secret>@hooks.example"),
        ] {
            assert_eq!(flags.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(!format!("{flags:?}").contains("canary"));
        assert!(of(["assurance-evaluator", "demo"].map(Into::into)).is_empty());
    }
}
