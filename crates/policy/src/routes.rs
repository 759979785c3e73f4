use assurance_config::{load_escalation, load_notify};
use assurance_diagnostics::{Diagnostic, Source};
use assurance_notifier::routing::{Escalation, Routing};

use crate::files::{ALERTMANAGER, ESCALATION};

/// Who is told of the pack's alerts.
///
/// # Errors
/// If the embedded file is flawed, which a test excludes.
pub fn routing() -> Result<Routing, Vec<Diagnostic>> {
    load_notify(&Source::new(ALERTMANAGER.0, ALERTMANAGER.1), "").map(|notify| notify.routing)
}

/// Who is told of what nobody takes.
///
/// # Errors
/// As [`routing`].
pub fn escalation() -> Result<Escalation, Vec<Diagnostic>> {
    load_escalation(&Source::new(ESCALATION.0, ESCALATION.1), &routing()?).map(|loaded| loaded.escalation)
}
