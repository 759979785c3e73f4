//! Alerts on their way through the routes: the dispatch between rules and notifier.

use std::sync::Arc;

use assurance_metrics_model::Timestamp;
use assurance_notifier::Alert;
use assurance_notifier::dispatch::{
    AckError, AckTarget, Acknowledged, Dispatch, NewSilence, Plan, SilenceError, SilenceId,
};

use crate::event::EventKind;
use crate::machine::Pipeline;

/// Why something that was asked for is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError<E: std::error::Error + 'static> {
    /// Alerts are not routed here, so that nothing can be silenced or acknowledged.
    #[error(
        "alerts are not routed here; start with --notify.config, or ask the Alertmanager that routes them"
    )]
    NotRouted,
    /// It makes no sense as things stand.
    #[error(transparent)]
    Refused(E),
}

impl Pipeline {
    /// Groups, silences and chains, where alerts are routed here.
    pub fn dispatch(&self) -> Option<&Dispatch> {
        self.dispatch.as_ref()
    }

    pub(crate) fn reload_routing(&mut self, now: Timestamp, plan: Option<Arc<Plan>>) {
        match (&mut self.dispatch, plan) {
            (Some(dispatch), Some(plan)) => {
                dispatch.reload(now, plan);
            }
            (dispatch, plan) => *dispatch = plan.map(|plan| Dispatch::with_plan(plan, now)),
        }
        if let Some(keeping) = &mut self.keeping {
            keeping.note_change();
        }
    }

    pub(crate) fn dispatch_alerts(&mut self, now: Timestamp, alerts: &[Alert]) {
        let Some(dispatch) = &mut self.dispatch else { return };
        for refused in dispatch.handle_alerts(now, alerts) {
            self.events.push(now, EventKind::Refused(refused));
        }
    }

    /// Does what is due, and passes on what is to be told: written down before it is sent.
    pub(crate) fn dispatch_due(&mut self, now: Timestamp) {
        let Some(dispatch) = &mut self.dispatch else { return };
        if dispatch.poll_timeout().is_some_and(|at| at <= now) {
            dispatch.handle_timeout(now);
            if let Some(keeping) = &mut self.keeping {
                keeping.note_change();
            }
        }
        self.pass_on(now);
    }

    fn pass_on(&mut self, now: Timestamp) {
        let Some(dispatch) = &mut self.dispatch else { return };
        let plan = Arc::clone(dispatch.plan());
        let mut is_told = false;
        while let Some(told) = dispatch.poll_output(now) {
            is_told = true;
            let told = Arc::new(told);
            let receiver = plan.routing().receiver(&told.receiver);
            if let Some(integration) = receiver.and_then(|r| r.integrations.get(told.integration)) {
                self.notifier.handle_notification(now, Arc::clone(&told), integration);
            }
            self.events.push(now, EventKind::Notified(told));
        }
        if let Some(keeping) = self.keeping.as_mut().filter(|_| is_told) {
            keeping.note_told(now);
        }
    }

    /// Makes a silence, or changes one; it is written down with the next record, which is due at once.
    ///
    /// # Errors
    /// If alerts are not routed here, or the silence cannot be made.
    pub fn handle_silence(
        &mut self,
        now: Timestamp,
        silence: NewSilence,
    ) -> Result<SilenceId, AskError<SilenceError>> {
        let now = self.advance(now);
        let dispatch = self.dispatch.as_mut().ok_or(AskError::NotRouted)?;
        let made = dispatch.handle_silence(now, silence);
        if let Some(silence) = made.as_ref().ok().and_then(|id| dispatch.silence(id)) {
            self.events.push(now, EventKind::Silenced(Box::new(silence.clone())));
            self.note_said(now);
        }
        made.map_err(AskError::Refused)
    }

    /// Ends a silence.
    ///
    /// # Errors
    /// If alerts are not routed here, or there is none to be ended.
    pub fn handle_silence_end(
        &mut self,
        now: Timestamp,
        id: &SilenceId,
    ) -> Result<(), AskError<SilenceError>> {
        let now = self.advance(now);
        let ended = self.dispatch.as_mut().ok_or(AskError::NotRouted)?.handle_silence_end(now, id);
        if ended.is_ok() {
            self.events.push(now, EventKind::SilenceEnded(id.clone()));
            self.note_said(now);
        }
        ended.map_err(AskError::Refused)
    }

    /// Notes that somebody has taken an alert or a group, and tells those who were called.
    ///
    /// # Errors
    /// If alerts are not routed here, or there is nothing to be taken.
    pub fn handle_ack(
        &mut self,
        now: Timestamp,
        target: &AckTarget,
        by: &str,
        comment: &str,
    ) -> Result<Acknowledged, AskError<AckError>> {
        let now = self.advance(now);
        let taken = self.dispatch.as_mut().ok_or(AskError::NotRouted)?.handle_ack(now, target, by, comment);
        if let Ok(taken) = &taken {
            let alerts = taken.alerts.clone();
            self.events.push(now, EventKind::Acknowledged { by: Arc::from(by), alerts });
            self.note_said(now);
            self.pass_on(now);
        }
        taken.map_err(AskError::Refused)
    }

    fn note_said(&mut self, now: Timestamp) {
        if let Some(keeping) = &mut self.keeping {
            keeping.note_told(now);
        }
    }
}
