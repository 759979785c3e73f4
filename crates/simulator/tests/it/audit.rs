use assurance_metrics_model::Duration;
use assurance_simulator::{
    Command, EventType, ExportRequest, Gate, GateState, Mode, QuarantineCause, SwitchRequest, UntrustedReason,
};

use crate::{T0, an_override, field, secs, types, world};

/// One of every event.
fn eventful() -> assurance_simulator::World {
    let mut world = world();
    world.create_override(T0, an_override()).unwrap();
    world.switch_mode(secs(1), SwitchRequest::to(Mode::Sovereign).using("ovr_a1b2c3d4e5f6")).unwrap();
    world.create_override(secs(2), an_override().by("ops.meier")).unwrap();
    world.handle(secs(3), Command::PreflightFailure { gate: Gate::Ipv6 }).unwrap();
    world.handle(secs(4), Command::SetGate { gate: Gate::Dmz, state: GateState::Warning }).unwrap();
    world.handle(secs(4), Command::BreakNextCommit { point: "config save".to_owned() }).unwrap();
    world.switch_mode(secs(4), SwitchRequest::to(Mode::Offline).because("Prüfung \"A\"")).unwrap_err();
    for (id, cause) in [
        ("bundle-a", QuarantineCause::SignatureInvalid),
        ("bundle-b", QuarantineCause::KeyUntrusted),
        ("bundle-c", QuarantineCause::Unsigned),
    ] {
        world.quarantine_bundle(secs(5), id.to_owned(), cause).unwrap();
    }
    world.untrusted_source(secs(6), "bundle-d".to_owned(), UntrustedReason::OriginDenied).unwrap();
    world.axe_violation(secs(7) + Duration::from_millis(250), "203.0.113.9".parse().unwrap()).unwrap();
    world.advance(secs(3602));
    world
        .export_audit(secs(3603), &ExportRequest { include_hash: true, ..ExportRequest::default() })
        .unwrap();
    world
}

#[test]
fn every_event_as_it_is_written() {
    let world = eventful();
    insta::assert_snapshot!(world.audit(1000, None).join("\n"));
    let seen = types(&world);
    for kind in EventType::ALL {
        assert!(seen.iter().any(|name| name == kind.as_str()), "{} is not shown", kind.as_str());
    }
}

#[test]
fn an_answer_is_the_same_bytes_each_time() {
    let mut world = eventful();
    let before: Vec<String> = world.audit(1000, None).into_iter().map(str::to_owned).collect();
    world.axe_violation(secs(4000), "203.0.113.9".parse().unwrap()).unwrap();
    let after = world.audit(1000, None);
    assert_eq!(after[..before.len()], before);
    assert_eq!(after.len(), before.len() + 2);
}

#[test]
fn the_newest_entries_oldest_first() {
    let world = eventful();
    let all = types(&world);
    for limit in [1, 3, all.len(), 1000] {
        let some = world.audit(limit, None);
        assert_eq!(some.len(), limit.min(all.len()));
        assert_eq!(some.last(), world.audit(1, None).first());
    }
    assert_eq!(world.audit(0, None), [""; 0]);
}

#[test]
fn a_filter_takes_one_whole_name_and_the_documents_names_for_creation() {
    let world = eventful();
    let count = |name| world.audit(1000, Some(name)).len();
    assert_eq!(count("sovereign.mode_override_created"), 2);
    assert_eq!(count("sovereign.governance_override_created"), 2);
    assert_eq!(count("MODE_OVERRIDE_CREATED"), 2);
    assert_eq!(count("sovereign.bundle_quarantined"), 3);
    for nothing in ["mode_changed", "sovereign.", "", "sovereign.mode_override_consumed"] {
        assert_eq!(count(nothing), 0, "{nothing:?}");
    }
    assert_eq!(world.audit(1, Some("sovereign.bundle_quarantined"))[0].matches("bundle-c").count(), 1);
}

#[test]
fn ids_repeat_within_a_millisecond_and_entries_do_not() {
    let world = eventful();
    let quarantined = world.audit(1000, Some("sovereign.bundle_quarantined"));
    assert_eq!(field(quarantined[0], "id"), "bundle_quarantined_1766672128000");
    assert_eq!(field(quarantined[0], "id"), field(quarantined[1], "id"));
    assert_ne!(quarantined[0], quarantined[1]);
}

#[test]
fn statistics_count_the_list() {
    let world = eventful();
    assert_eq!(world.statistics().audit_entries, world.audit(1000, None).len());
}

#[test]
fn stamps_never_leave_their_millisecond() {
    let mut world = world();
    for _ in 0..30 {
        world.handle(T0, Command::PreflightFailure { gate: Gate::Dmz }).unwrap();
    }
    let stamps: Vec<String> = world.audit(1000, None).iter().map(|raw| field(raw, "timestamp")).collect();
    assert_eq!(stamps[0], "2025-12-25T14:15:23");
    assert_eq!(stamps[1], "2025-12-25T14:15:23.000043");
    assert_eq!(stamps[29], "2025-12-25T14:15:23.000999");
    assert!(stamps.is_sorted());
}

#[test]
fn an_export_hashes_what_it_counts_and_is_recorded() {
    let mut world = world();
    world.axe_violation(secs(1), "203.0.113.9".parse().unwrap()).unwrap();
    world.switch_mode(secs(2), SwitchRequest::to(Mode::Offline).because("Prüfung")).unwrap();
    let all = ExportRequest { include_hash: true, ..ExportRequest::default() };
    let lines = world.audit(1000, None).join("\n");
    let export = world.export_audit(secs(3), &all).unwrap();
    assert_eq!(export.event_count, 4);
    assert_eq!(export.export_id.len(), "export_2025-12-25_14-15-26_ab12cd34".len());
    // The same hash by hand: the one character outside of ASCII is escaped first.
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(lines.replace('ü', "\\u00fc"));
    let by_hand: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(export.content_hash, Some(by_hand));
    assert_eq!(types(&world).last().unwrap(), "sovereign.governance_audit_exported");

    let first_second =
        ExportRequest { from: Some(secs(1)), until: Some(secs(1)), ..ExportRequest::default() };
    let export = world.export_audit(secs(4), &first_second).unwrap();
    assert_eq!(
        (export.event_count, export.content_hash),
        (1, None),
        "the block came 43 µs after that instant"
    );
    let switches = ExportRequest {
        event_types: Some(vec!["sovereign.mode_changed".to_owned()]),
        ..ExportRequest::default()
    };
    assert_eq!(world.export_audit(secs(5), &switches).unwrap().event_count, 1);
}
