//! Alerts on their way through the routes: the dispatch between rules and notifier.

use std::sync::Arc;

use assurance_exposition::Family;
use assurance_metrics_model::Timestamp;
use assurance_notifier::dispatch::{
    AckError, AckTarget, Acknowledged, Dispatch, NewSilence, Plan, SilenceError, SilenceId, SilencePhase,
};
use assurance_notifier::{Alert, Receiver};

use crate::event::EventKind;
use crate::machine::Pipeline;
use crate::metrics::number;

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

    /// Nothing where alerts are routed elsewhere, so that nobody waits for numbers that never rise.
    pub(crate) fn dispatch_metrics(&self) -> Vec<Family> {
        let Some(dispatch) = &self.dispatch else { return Vec::new() };
        let counters = dispatch.counters();
        let mut told = Family::counter(
            "assurance_notify_notifications_total",
            "Notifications by route, by their receiver and why they were made.",
        );
        for (receiver, reason, count) in dispatch.told() {
            told.push("", &[("receiver", receiver), ("reason", reason.as_str())], number(count));
        }
        let mut quiet = Family::counter(
            "alertmanager_notifications_suppressed_total",
            "Looks at alerts that nobody was told of, by why.",
        );
        let reasons = [
            ("inhibition", counters.inhibited),
            ("mute_time_interval", counters.muted),
            ("silence", counters.silenced),
        ];
        for (reason, count) in reasons {
            quiet.push("", &[("reason", reason)], number(count));
        }
        let mut silences = Family::gauge("alertmanager_silences", "Silences, by their state.");
        for phase in [SilencePhase::Active, SilencePhase::Pending, SilencePhase::Expired] {
            let count = dispatch.silences().filter(|silence| silence.phase(self.now) == phase).count();
            silences.push("", &[("state", phase.as_str())], number(count as u64));
        }
        let mut lost = Family::counter(
            "assurance_notify_undeliverable_alerts_total",
            "Alerts in notifications that nothing here can deliver, by receiver and integration.",
        );
        for receiver in &dispatch.plan().routing().receivers {
            for way in receiver.integrations.iter().filter(|way| !way.is_deliverable()) {
                let name = Receiver::routed_name(&receiver.name, &way.to_string());
                let count = self.notifier.undeliverable().find(|(known, _)| *known == name);
                lost.push("", &[("receiver", &name)], number(count.map_or(0, |(_, count)| count)));
            }
        }
        vec![
            told,
            quiet,
            silences,
            lost,
            Family::gauge("alertmanager_dispatcher_aggregation_groups", "Groups, empty ones included.")
                .with_sample(&[], number(dispatch.group_count() as u64)),
            Family::gauge("assurance_notify_alerts", "Alerts in any group.")
                .with_sample(&[], number(dispatch.alert_count() as u64)),
            Family::counter(
                "assurance_notify_refused_alerts_total",
                "Alerts that were not routed, as there were too many alerts or groups.",
            )
            .with_sample(&[], number(counters.refused)),
        ]
    }

    fn note_said(&mut self, now: Timestamp) {
        if let Some(keeping) = &mut self.keeping {
            keeping.note_told(now);
        }
    }
}
