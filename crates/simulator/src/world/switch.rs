use assurance_metrics_model::Timestamp;

use super::audit::Event;
use super::overrides::check_limits;
use super::{
    BundleRefusal, BundleState, Check, Empty, EventType, Gate, GateState, LiveOverride, Mode, NaiveUtc,
    OverrideRequest, Preflight, Profile, Refusal, SwitchRequest, Switched, World,
};

impl World {
    /// Switches the mode.
    ///
    /// Every gate is checked. Where one blocks, the switch needs an override: a live one by its token, or
    /// one created from `override_reason` and used at once. A token is used up even where no gate blocks, so
    /// that it cannot be shown twice; a reason is ignored there, as in the original. In quarantine mode
    /// nothing may leave, so no gate blocks the way into it.
    ///
    /// # Errors
    /// If gates block, the token is unknown, the bundle is not to be trusted, the limits of an override are
    /// crossed, the commit fails, or the process is down.
    pub fn switch_mode(&mut self, now: Timestamp, request: SwitchRequest) -> Result<Switched, Refusal> {
        self.begin(now)?;
        if let Some(reason) = &request.override_reason {
            check_limits(reason, request.override_ttl)?;
        }
        let from = self.disk.mode;
        let to = request.target;
        if from == to && !request.force {
            return Ok(Switched { from, to, override_used: None });
        }
        let bundle = self.bundle_for(&request)?;
        if let Some(token) = &request.override_token
            && self.live_override().is_none_or(|live| live.id != *token)
        {
            return Err(Refusal::UnknownToken { token: token.clone() });
        }

        let preflight = self.run_preflight(to, None);
        let used = match (request.override_token, request.override_reason) {
            // The token was compared above.
            (Some(_), _) => self.disk.slot.take(),
            (None, _) if preflight.can_proceed => None,
            (None, Some(reason)) => {
                let asked = OverrideRequest::new(reason, request.override_ttl);
                Some(self.create_for_one_switch(asked)?)
            }
            (None, None) => return Err(Refusal::Blocked(Box::new(preflight))),
        };
        if let Some(used) = &used {
            self.note_use(used, to, &preflight.request_id);
        }

        if let Some(point) = self.broken_commit.take() {
            self.roll_back(from, to, &point, &preflight.request_id);
            return Err(Refusal::RolledBack { target: to, point });
        }
        self.disk.mode = to;
        self.disk.active_bundle.clone_from(&bundle);
        self.disk.counters.mode_switch[to.index()] += 1;
        let mut event = Event::new(EventType::ModeChanged, "api")
            .modes(from, to)
            .with("request_id", preflight.request_id.as_str())
            .with("override_used", used.is_some());
        event.reason = request.reason;
        event.bundle_id = bundle;
        self.disk.last_mode_change = Some(NaiveUtc::from(self.now));
        self.record(&event);
        Ok(Switched { from, to, override_used: used.map(|o| o.id) })
    }

    fn roll_back(&mut self, from: Mode, to: Mode, point: &str, request_id: &str) {
        self.disk.last.rollback = self.now;
        self.disk.counters.rollback += 1;
        self.record(
            &Event::new(EventType::CommitFailed, "system")
                .modes(from, to)
                .error(format!("Commit failed at {point}"))
                .with("request_id", request_id)
                .with("failure_point", point),
        );
        self.record(
            &Event::new(EventType::Rollback, "system")
                .modes(to, from)
                .reason("Mode restored after a failed commit")
                .with("request_id", request_id),
        );
    }

    /// Checks the gates without switching. Failures count and are audited as those of a real switch.
    ///
    /// # Errors
    /// If the process is down.
    pub fn preflight(&mut self, now: Timestamp, target: Mode) -> Result<Preflight, Refusal> {
        self.begin(now)?;
        Ok(self.run_preflight(target, None))
    }

    /// A dry run towards sovereign mode in which one gate fails, whatever it says otherwise.
    ///
    /// # Errors
    /// If the process is down.
    pub fn preflight_failure(&mut self, now: Timestamp, gate: Gate) -> Result<Preflight, Refusal> {
        self.begin(now)?;
        Ok(self.run_preflight(Mode::Sovereign, Some(gate)))
    }

    fn bundle_for(&self, request: &SwitchRequest) -> Result<Option<String>, Refusal> {
        let Some(id) = &request.bundle_id else {
            let runs_bundles = matches!(request.target, Mode::Offline | Mode::Sovereign);
            let first = self.disk.bundles.iter().find(|(_, state)| **state == BundleState::Validated);
            return Ok(first.filter(|_| runs_bundles).map(|(id, _)| id.clone()));
        };
        match self.disk.bundles.get(id) {
            Some(BundleState::Validated) => Ok(Some(id.clone())),
            Some(BundleState::Quarantined) => Err(BundleRefusal::Quarantined { id: id.clone() }.into()),
            None => Err(BundleRefusal::Unknown { id: id.clone() }.into()),
        }
    }

    /// As documented, creation is an event of its own; as original, nothing ever sees the override.
    fn create_for_one_switch(&mut self, asked: OverrideRequest) -> Result<LiveOverride, Refusal> {
        if self.config.profile == Profile::AsDocumented {
            let created = self.fill_slot(asked)?;
            self.disk.slot = None;
            return Ok(created);
        }
        Ok(LiveOverride {
            id: format!("ovr_{}", self.make_up("override")),
            reason: asked.reason,
            requested_by: "owner".to_owned(),
            created_at: self.now,
            expires_at: self.now + asked.ttl,
        })
    }

    fn note_use(&mut self, used: &LiveOverride, target: Mode, request_id: &str) {
        self.disk.last.override_used = self.now;
        self.disk.counters.override_usage += 1;
        let event = Event::new(EventType::OverrideUsed, "system")
            .reason(used.reason.as_str())
            .with("request_id", request_id)
            .with("target_mode", target.as_str());
        let event = match self.config.profile {
            Profile::AsDocumented => event
                .with("override_id", used.id.as_str())
                .with("created_by", used.requested_by.as_str())
                .with("consumed", true),
            Profile::AsOriginal => event.with("override_granted_by", "owner"),
        };
        self.record(&event);
    }

    fn run_preflight(&mut self, target: Mode, forced: Option<Gate>) -> Preflight {
        self.preflights += 1;
        let request_id = format!("pf_{:04}", self.preflights);
        let at = NaiveUtc::from(self.now);
        if let Some(process) = &mut self.process {
            process.last_network_check = Some(at);
        }
        // Into quarantine the way is always open.
        let required = target != Mode::Quarantine;
        let checks: Vec<Check> = Gate::ALL
            .into_iter()
            .map(|gate| {
                let status = if forced == Some(gate) { GateState::Fail } else { self.gates[gate.index()] };
                let (reason, error) = match status {
                    GateState::Pass => (format!("{} passed", gate.as_str()), None),
                    GateState::Warning => (format!("{} passed with a warning", gate.as_str()), None),
                    GateState::Fail => {
                        (format!("{} failed", gate.as_str()), Some("condition not met".to_owned()))
                    }
                };
                let blocking = required && status == GateState::Fail;
                Check {
                    gate_name: gate,
                    status,
                    required,
                    blocking,
                    reason,
                    error,
                    metadata: Empty {},
                    checked_at: at,
                }
            })
            .collect();
        for check in checks.iter().filter(|c| c.blocking) {
            self.disk.counters.preflight_failure[check.gate_name.index()] += 1;
        }
        let reasons = |wanted: &dyn Fn(&Check) -> bool| {
            checks.iter().filter(|c| wanted(c)).map(|c| c.reason.clone()).collect::<Vec<_>>()
        };
        let blocking_reasons = reasons(&|c| c.blocking);
        let warnings =
            reasons(&|c| c.status == GateState::Warning || c.status == GateState::Fail && !c.blocking);
        let (overall_status, kind) = match (blocking_reasons.is_empty(), warnings.is_empty()) {
            (false, _) => (GateState::Fail, EventType::PreflightFailed),
            (true, false) => (GateState::Warning, EventType::PreflightWarning),
            (true, true) => (GateState::Pass, EventType::PreflightOk),
        };
        let mut event = Event::new(kind, "system")
            .modes(self.disk.mode, target)
            .with("request_id", request_id.as_str())
            .with(
                "blocking_gates",
                checks.iter().filter(|c| c.blocking).map(|c| c.gate_name.as_str()).collect::<Vec<_>>(),
            );
        event.reason =
            Some(if blocking_reasons.is_empty() { &warnings } else { &blocking_reasons }.join("; "))
                .filter(|text| !text.is_empty());
        event.ipv6_related = checks.iter().any(|c| c.gate_name == Gate::Ipv6 && c.status != GateState::Pass);
        self.record(&event);
        Preflight {
            target_mode: target,
            current_mode: self.disk.mode,
            overall_status,
            can_proceed: blocking_reasons.is_empty(),
            override_required: !blocking_reasons.is_empty(),
            blocking_reasons,
            warnings,
            checks,
            request_id,
            timestamp: at,
            checked_by: "system",
        }
    }
}
