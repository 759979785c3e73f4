use assurance_metrics_model::{Duration, Timestamp};

use super::audit::Event;
use super::{
    EventType, LiveOverride, MAX_OVERRIDE_TTL, MIN_OVERRIDE_REASON_CHARS, MIN_OVERRIDE_TTL, NaiveUtc,
    OverrideRequest, Profile, Refusal, World,
};

impl World {
    /// Creates an override that lives until it is used or its time is up.
    ///
    /// There is one slot. A second creation is refused while the first lives: the original overwrites it
    /// without a trace, which would leave a created override of which nobody learns the end.
    ///
    /// # Errors
    /// If the reason or the duration is out of bounds, an override lives, the process is down, or the world
    /// is as original, where this operation does not exist.
    pub fn create_override(
        &mut self,
        now: Timestamp,
        request: OverrideRequest,
    ) -> Result<LiveOverride, Refusal> {
        self.begin(now)?;
        if self.config.profile == Profile::AsOriginal {
            return Err(Refusal::NoStandaloneOverride);
        }
        check_limits(&request.reason, request.ttl)?;
        self.fill_slot(request)
    }

    /// Creates within limits already checked.
    pub(super) fn fill_slot(&mut self, request: OverrideRequest) -> Result<LiveOverride, Refusal> {
        if let Some(live) = self.live_override() {
            return Err(Refusal::OverrideLive { id: live.id.clone(), expires_at: live.expires_at });
        }
        let created = LiveOverride {
            id: request.id.unwrap_or_else(|| format!("ovr_{}", self.make_up("override"))),
            reason: request.reason,
            requested_by: request.requested_by,
            created_at: self.now,
            expires_at: self.now + request.ttl,
        };
        if self.process.is_none() {
            return Err(Refusal::Down);
        }
        self.disk.slot = Some(created.clone());
        self.disk.counters.override_created += 1;
        self.disk.last.override_created = self.now;
        self.record(
            &Event::new(EventType::OverrideCreated, "api")
                .reason(created.reason.as_str())
                .with("override_id", created.id.as_str())
                .with("ttl_seconds", request.ttl.as_millis() / 1000)
                .with("expires_at", NaiveUtc::from(created.expires_at).to_string())
                .with("created_by", created.requested_by.as_str())
                .with("single_use", true)
                .with("consumed", false),
        );
        Ok(created)
    }

    /// The live override's time is up.
    pub(super) fn expire(&mut self) {
        let Some(expired) = self.disk.slot.take() else { return };
        self.record(
            &Event::new(EventType::OverrideExpired, "system")
                .reason("Override expired without consumption")
                .with("override_id", expired.id.as_str())
                .with("created_at", NaiveUtc::from(expired.created_at).to_string())
                .with("created_by", expired.requested_by.as_str())
                .with("expired_at", NaiveUtc::from(expired.expires_at).to_string())
                .with("consumed", false),
        );
    }
}

pub(super) fn check_limits(reason: &str, ttl: Duration) -> Result<(), Refusal> {
    let chars = reason.chars().count();
    if chars < MIN_OVERRIDE_REASON_CHARS {
        return Err(Refusal::ReasonTooShort { chars });
    }
    if !(MIN_OVERRIDE_TTL..=MAX_OVERRIDE_TTL).contains(&ttl) {
        return Err(Refusal::TtlOutOfRange { ttl });
    }
    Ok(())
}
