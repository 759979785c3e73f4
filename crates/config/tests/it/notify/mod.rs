//! `alertmanager.yml`, escalation files and routing cases.

mod amtool;
mod bad;
mod cases;
mod escalation;
mod good;
mod reference;

use assurance_config::{Notify, load_notify};
use assurance_diagnostics::{Diagnostic, Source};

use crate::fixtures::source;

/// A file of `fixtures/notifier/good`.
fn good(name: &str) -> Notify {
    loaded(&source("notifier/good", name))
}

fn loaded(source: &Source) -> Notify {
    load_notify(source, "/etc/assurance").unwrap_or_else(|problems| panic!("{}", problems[0]))
}

fn read(text: &str) -> Result<Notify, Vec<Diagnostic>> {
    load_notify(&Source::new("alertmanager.yml", text), "")
}
