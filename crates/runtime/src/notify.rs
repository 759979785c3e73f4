//! `alertmanager.yml` and the chains beside it, read into what the pipeline and the senders need.

use std::path::Path;

use assurance_diagnostics::Diagnostic;
use assurance_notifier::Receiver;
use assurance_notifier::dispatch::Plan;
use assurance_notifier::routing::IntegrationKind;
use assurance_scrape::{Credential, HttpConfig};

use crate::setup::{SetupError, read_source};

/// What the files say.
pub(crate) struct Loaded {
    pub(crate) plan: Plan,
    /// The webhooks of its receivers.
    pub(crate) hooks: Vec<(Receiver, HttpConfig)>,
    pub(crate) warnings: Vec<Diagnostic>,
}

pub(crate) fn load(config: &Path, escalation: Option<&Path>) -> Result<Loaded, SetupError> {
    let source = read_source(config)?;
    let directory = config.parent().unwrap_or(Path::new(""));
    let loaded = assurance_config::load_notify(&source, &directory.to_string_lossy())?;
    let mut warnings = loaded.warnings;
    let escalation = match escalation {
        None => None,
        Some(path) => {
            let found = assurance_config::load_escalation(&read_source(path)?, &loaded.routing)?;
            warnings.extend(found.warnings);
            Some(found.escalation)
        }
    };
    let mut hooks = Vec::new();
    for hook in loaded.webhooks {
        let url = match hook.url {
            Credential::Inline(secret) => secret.expose().to_owned(),
            Credential::File(path) => read_source(Path::new(&path))?.text().trim().to_owned(),
        };
        let integration = format!("{}[{}]", IntegrationKind::Webhook.as_str(), hook.index);
        let mut receiver = Receiver::routed(&hook.receiver, &integration, &url);
        receiver.max_alerts = usize::try_from(hook.max_alerts).unwrap_or(usize::MAX);
        receiver.timeout = hook.timeout.filter(|t| !t.is_zero()).unwrap_or(receiver.timeout);
        hooks.push((receiver, hook.http));
    }
    Ok(Loaded { plan: Plan::new(loaded.routing, escalation), hooks, warnings })
}
