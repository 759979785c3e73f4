use std::net::IpAddr;

use assurance_metrics_model::Timestamp;

use super::audit::Event;
use super::{
    AxeVerdict, BundleState, EventType, Profile, QuarantineCause, Refusal, Tier, UntrustedReason, World,
};

impl World {
    /// A bundle is found good. One in quarantine is released. The backend has no event for this.
    ///
    /// # Errors
    /// If the process is down.
    pub fn validate_bundle(&mut self, now: Timestamp, id: String) -> Result<(), Refusal> {
        self.begin(now)?;
        self.disk.bundles.insert(id, BundleState::Validated);
        Ok(())
    }

    /// A bundle is found bad and put into quarantine. One that is there already is counted and audited again,
    /// as it is validated again at every start; the original counts no bundle twice, and audits none.
    ///
    /// # Errors
    /// If the process is down.
    pub fn quarantine_bundle(
        &mut self,
        now: Timestamp,
        id: String,
        cause: QuarantineCause,
    ) -> Result<(), Refusal> {
        self.begin(now)?;
        let before = self.disk.bundles.insert(id.clone(), BundleState::Quarantined);
        if self.disk.active_bundle.as_ref() == Some(&id) {
            self.disk.active_bundle = None;
        }
        if self.config.profile == Profile::AsOriginal && before == Some(BundleState::Quarantined) {
            return Ok(());
        }
        self.disk.last.quarantine = self.now;
        self.disk.counters.quarantine += 1;
        self.disk.counters.signature_failure += u64::from(cause == QuarantineCause::SignatureInvalid);
        if cause == QuarantineCause::KeyUntrusted {
            self.count_untrusted(UntrustedReason::KeyUntrusted);
        }
        if let Some(kind) = cause.event() {
            self.record_bundle(&Event::new(kind, "system").bundle(id.as_str()).error(cause.sentence()));
        }
        let quarantined = Event::new(EventType::BundleQuarantined, "system");
        self.record_bundle(&quarantined.bundle(id).reason(cause.sentence()));
        Ok(())
    }

    /// A bundle is not fetched because its source is not trusted. The original neither counts nor audits it.
    ///
    /// # Errors
    /// If the process is down.
    pub fn untrusted_source(
        &mut self,
        now: Timestamp,
        id: String,
        reason: UntrustedReason,
    ) -> Result<(), Refusal> {
        let process = self.begin(now)?;
        process.network_blocks += 1;
        self.count_untrusted(reason);
        let (kind, text) = match reason {
            UntrustedReason::KeyUntrusted => {
                (EventType::KeyUntrusted, "Source signs with a key outside of the keyring")
            }
            UntrustedReason::OriginDenied => {
                (EventType::ConnectorBlocked, "Source address is not on the allow-list")
            }
        };
        let event = Event::new(kind, "system").bundle(id).reason(text);
        self.record_bundle(&event.with("reason", reason.as_str()));
        Ok(())
    }

    fn count_untrusted(&mut self, reason: UntrustedReason) {
        self.disk.last.untrusted[reason.index()] = self.now;
        self.disk.counters.untrusted[reason.index()] += 1;
    }

    /// In the original, writing a bundle event fails, and the failure is swallowed.
    fn record_bundle(&mut self, event: &Event) {
        if self.config.profile == Profile::AsDocumented {
            self.record(event);
        }
    }

    /// Somebody outside asks the AXE for something: blocked, counted and audited.
    ///
    /// # Errors
    /// If the address is trusted, or the process is down.
    pub fn axe_violation(&mut self, now: Timestamp, ip: IpAddr) -> Result<AxeVerdict, Refusal> {
        self.begin(now)?;
        let tier = self.tier_of(ip);
        if tier != Tier::External {
            return Err(Refusal::NotExternal { ip, tier });
        }
        self.disk.last.axe = self.now;
        self.disk.counters.axe += 1;
        for (kind, text) in [
            (EventType::TrustTierViolation, "Request from outside of every trusted tier"),
            (EventType::RequestBlocked, "Request blocked with 403"),
        ] {
            let mut event = Event::new(kind, "system")
                .reason(text)
                .with("source_ip", ip.to_string())
                .with("trust_tier", tier.as_str());
            event.ipv6_related = ip.is_ipv6();
            self.record(&event);
        }
        Ok(AxeVerdict { tier, allowed: false })
    }

    /// Whom the AXE takes an address for.
    pub fn tier_of(&self, ip: IpAddr) -> Tier {
        if ip.is_loopback() {
            Tier::Local
        } else if self.config.dmz.contains(&ip) {
            Tier::Dmz
        } else {
            Tier::External
        }
    }
}
