use assurance_simulator::{
    Command, Health, QuarantineCause, Refusal, Tier, UntrustedReason, World, WorldConfig,
};

use crate::{T0, json, sample, secs, types, world};

#[test]
fn each_cause_of_quarantine_has_its_events_and_counts() {
    let cases = [
        (QuarantineCause::SignatureInvalid, Some("sovereign.bundle_signature_invalid"), 1.0, 0.0),
        (QuarantineCause::KeyUntrusted, Some("sovereign.bundle_key_untrusted"), 0.0, 1.0),
        (QuarantineCause::Unsigned, Some("sovereign.bundle_unsigned"), 0.0, 0.0),
        (QuarantineCause::HashMismatch, None, 0.0, 0.0),
    ];
    for (cause, why, signature_failures, untrusted) in cases {
        let mut world = world();
        world.quarantine_bundle(secs(3), "bundle-x".to_owned(), cause).unwrap();
        let expected: Vec<_> = why.into_iter().chain(["sovereign.bundle_quarantined"]).collect();
        assert_eq!(types(&world), expected, "{cause:?}");
        for (series, value) in [
            ("sovereign_bundle_quarantine_total", 1.0),
            ("sovereign_bundle_quarantine_last_timestamp_seconds", secs(3).as_secs_f64()),
            ("sovereign_bundles_quarantined", 1.0),
            ("sovereign_bundle_signature_failure_total", signature_failures),
            (r#"sovereign_bundle_untrusted_source_total{reason="key_untrusted"}"#, untrusted),
        ] {
            assert_eq!(sample(&mut world, secs(3), series), Some(value), "{cause:?}: {series}");
        }
        assert_eq!(world.governance_status().unwrap().g1_bundle_trust.status, Health::Warning);
    }
}

#[test]
fn with_no_bundle_left_trust_is_critical_until_one_is_validated() {
    let mut world = world();
    world.handle(T0, Command::SignatureFailure { id: "bundle-core".to_owned() }).unwrap();
    assert_eq!(world.governance_status().unwrap().g1_bundle_trust.status, Health::Critical);
    world.handle(T0, Command::ValidateBundle { id: "bundle-core".to_owned() }).unwrap();
    assert_eq!(sample(&mut world, T0, "sovereign_bundles_quarantined"), Some(0.0));
    assert_eq!(
        world.governance_status().unwrap().g1_bundle_trust.status,
        Health::Warning,
        "it is remembered"
    );
}

#[test]
fn an_untrusted_source_counts_under_its_reason() {
    for (reason, event) in [
        (UntrustedReason::KeyUntrusted, "sovereign.bundle_key_untrusted"),
        (UntrustedReason::OriginDenied, "sovereign.connector_blocked"),
    ] {
        let mut world = world();
        world.untrusted_source(secs(9), "bundle-y".to_owned(), reason).unwrap();
        assert_eq!(types(&world), [event]);
        let series = |stem: &str| {
            format!("sovereign_bundle_untrusted_source_{stem}{{reason=\"{}\"}}", reason.as_str())
        };
        assert_eq!(sample(&mut world, secs(9), &series("total")), Some(1.0));
        let last = sample(&mut world, secs(9), &series("last_timestamp_seconds"));
        assert_eq!(last, Some(secs(9).as_secs_f64()));
        assert_eq!(world.status().network_blocks_count, 1);
    }
}

#[test]
fn a_stranger_is_blocked_counted_and_named() {
    let mut world = world();
    let verdict = world.axe_violation(secs(1), "2001:db8::7".parse().unwrap()).unwrap();
    assert_eq!((verdict.tier, verdict.allowed), (Tier::External, false));
    assert_eq!(types(&world), ["axe.trust_tier_violation", "axe.request_blocked"]);
    let event = json(world.audit(2, None)[0]);
    assert_eq!(event["metadata"]["source_ip"], "2001:db8::7");
    assert_eq!(event["ipv6_related"], true);
    assert_eq!(sample(&mut world, secs(1), r#"axe_trust_violation_total{trust_tier="external"}"#), Some(1.0));
    assert_eq!(world.governance_status().unwrap().g3_axe_security.trust_violations_24h, 1);
}

#[test]
fn friends_are_no_violation() {
    let gateway = "10.0.0.7".parse().unwrap();
    let mut world = World::new(WorldConfig { dmz: vec![gateway], ..WorldConfig::default() }, T0);
    for (ip, tier) in [("127.0.0.1", Tier::Local), ("::1", Tier::Local), ("10.0.0.7", Tier::Dmz)] {
        let ip = ip.parse().unwrap();
        assert_eq!(world.axe_violation(T0, ip), Err(Refusal::NotExternal { ip, tier }));
    }
    assert_eq!(types(&world), [""; 0]);
}
