use assurance_metrics_model::{Duration, Timestamp};
use assurance_simulator::{
    Gate, GateState, Mode, OverrideRequest, Refusal, SwitchRequest, World, WorldConfig,
};
use proptest::prelude::*;

use crate::{T0, an_override, field, json, sample, secs, types, world};

#[test]
fn creation_is_audited_with_everything_a_responder_asks() {
    let mut world = world();
    world.create_override(T0, an_override()).unwrap();
    let entry = json(world.audit(1, None)[0]);
    assert_eq!(entry["event_type"], "sovereign.mode_override_created");
    assert_eq!(entry["severity"], "warning");
    assert_eq!(
        entry["metadata"],
        serde_json::json!({
            "override_id": "ovr_a1b2c3d4e5f6", "ttl_seconds": 3600, "expires_at": "2025-12-25T15:15:23",
            "created_by": "api", "single_use": true, "consumed": false,
        })
    );
}

#[test]
fn an_override_lives_until_the_millisecond_of_its_expiry() {
    let mut world = world();
    let live = world.create_override(T0, an_override()).unwrap();
    assert_eq!(world.poll_timeout(), Some(live.expires_at));
    world.advance(live.expires_at - Duration::from_millis(1));
    assert!(world.live_override().is_some());
    world.advance(live.expires_at);
    assert!(world.live_override().is_none());
    assert_eq!(world.poll_timeout(), None);
}

#[test]
fn expiry_is_stamped_with_its_own_time_however_late_somebody_looks() {
    let mut world = world();
    world.create_override(T0, an_override()).unwrap();
    world.advance(secs(10_000));
    let last = world.audit(1, None)[0].to_owned();
    assert_eq!(field(&last, "event_type"), "sovereign.mode_override_expired");
    assert_eq!(field(&last, "timestamp"), "2025-12-25T15:15:23");
    assert_eq!(json(&last)["success"], false);
    assert_eq!(field(&last, "severity"), "info");
}

#[test]
fn limits_are_those_of_the_schema() {
    let cases = [
        ("ten chars!", 60, None),
        ("ten chars!", 86_400, None),
        ("zehn ÄÖÜ ✓", 3600, None),
        ("too short", 3600, Some("override reason has 9 characters; give at least 10")),
        ("ten chars!", 59, Some("override duration 59s is outside 1m to 1d")),
        ("ten chars!", 86_401, Some("override duration 1d1s is outside 1m to 1d")),
    ];
    for (reason, ttl, refusal) in cases {
        let request = OverrideRequest::new(reason, Duration::from_secs(ttl));
        let result = world().create_override(T0, request);
        assert_eq!(result.err().map(|r| r.to_string()).as_deref(), refusal, "{reason:?} for {ttl}");
    }
}

#[test]
fn a_second_creation_is_refused_while_the_first_lives() {
    let mut world = world();
    let first = world.create_override(T0, an_override()).unwrap();
    let second = OverrideRequest::new("another good reason", Duration::from_secs(60));
    let refused = world.create_override(secs(1), second.clone()).unwrap_err();
    let OverrideLive { id, expires_at } = live(refused);
    assert_eq!((id, expires_at), (first.id, first.expires_at));
    assert_eq!(types(&world), ["sovereign.mode_override_created"]);

    let second = world.create_override(first.expires_at, second).unwrap();
    assert!(second.id.starts_with("ovr_") && second.id.len() == 16, "{}", second.id);
}

struct OverrideLive {
    id: String,
    expires_at: Timestamp,
}

fn live(refusal: Refusal) -> OverrideLive {
    match refusal {
        Refusal::OverrideLive { id, expires_at } => OverrideLive { id, expires_at },
        other => panic!("{other}"),
    }
}

#[test]
fn a_token_opens_blocked_gates_once() {
    let mut world = world();
    world
        .handle(T0, assurance_simulator::Command::SetGate { gate: Gate::Dmz, state: GateState::Fail })
        .unwrap();
    let token = world.create_override(T0, an_override()).unwrap().id;
    let switch = SwitchRequest::to(Mode::Sovereign).using(&token);
    let switched = world.switch_mode(secs(5), switch).unwrap();
    assert_eq!(switched.override_used, Some(token.clone()));
    assert_eq!(
        types(&world)[1..],
        ["sovereign.mode_preflight_failed", "sovereign.mode_override_used", "sovereign.mode_changed"]
    );
    assert_eq!(json(world.audit(1, None)[0])["metadata"]["override_used"], true);
    assert_eq!(sample(&mut world, secs(5), "sovereign_override_active"), Some(0.0));
    assert_eq!(sample(&mut world, secs(5), "sovereign_override_usage_total"), Some(1.0));

    let again = world.switch_mode(secs(6), SwitchRequest::to(Mode::Online).using(&token));
    assert_eq!(again, Err(Refusal::UnknownToken { token }));
    assert_eq!(world.mode(), Mode::Sovereign);
}

#[test]
fn a_token_is_spent_even_where_no_gate_blocks() {
    let mut world = world();
    let token = world.create_override(T0, an_override()).unwrap().id;
    world.switch_mode(secs(1), SwitchRequest::to(Mode::Offline).using(token)).unwrap();
    assert!(world.live_override().is_none());
}

#[test]
fn another_token_opens_nothing_and_spends_nothing() {
    let mut world = world();
    world.create_override(T0, an_override()).unwrap();
    let result = world.switch_mode(secs(1), SwitchRequest::to(Mode::Offline).using("ovr_000000000000"));
    assert!(matches!(result, Err(Refusal::UnknownToken { .. })), "{result:?}");
    assert!(world.live_override().is_some());
    assert_eq!(types(&world), ["sovereign.mode_override_created"], "not even the gates were asked");
}

#[test]
fn an_expired_token_opens_nothing() {
    let mut world = world();
    let live = world.create_override(T0, an_override()).unwrap();
    let result = world.switch_mode(live.expires_at, SwitchRequest::to(Mode::Offline).using(live.id));
    assert!(matches!(result, Err(Refusal::UnknownToken { .. })), "{result:?}");
}

#[test]
fn a_reason_given_with_a_blocked_switch_makes_an_override_for_it_alone() {
    let mut world = world();
    world
        .handle(T0, assurance_simulator::Command::SetGate { gate: Gate::Ipv6, state: GateState::Fail })
        .unwrap();
    let mut switch = SwitchRequest::to(Mode::Sovereign);
    switch.override_reason = Some("maintenance window 7".to_owned());
    world.switch_mode(T0, switch).unwrap();
    assert_eq!(
        types(&world),
        [
            "sovereign.mode_preflight_failed",
            "sovereign.mode_override_created",
            "sovereign.mode_override_used",
            "sovereign.mode_changed"
        ]
    );
    assert!(world.live_override().is_none());
}

#[test]
fn made_up_ids_depend_on_the_seed_alone() {
    let id = |seed| {
        let mut world = World::new(WorldConfig { seed, ..WorldConfig::default() }, T0);
        let request = OverrideRequest::new("a reason that will do", Duration::from_secs(60));
        world.create_override(T0, request).unwrap().id
    };
    assert_eq!(id(7), id(7));
    assert_ne!(id(7), id(8));
}

#[derive(Clone, Debug)]
enum Step {
    Create(i64),
    Use,
    Wait(i64),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (60..400i64).prop_map(Step::Create),
        Just(Step::Use),
        (1..500i64).prop_map(Step::Wait),
        Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// A model of one line: the override of the last successful creation lives until its time or its use.
    #[test]
    fn the_gauge_is_one_exactly_while_an_override_lives(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = world();
        let mut now = T0;
        let mut model: Option<(String, Timestamp)> = None;
        for step in steps {
            match step {
                Step::Create(ttl) => {
                    let request = OverrideRequest::new("a reason that will do", Duration::from_secs(ttl));
                    let created = world.create_override(now, request);
                    prop_assert_eq!(created.is_err(), model.is_some());
                    if let Ok(created) = created {
                        prop_assert_eq!(created.expires_at, now + Duration::from_secs(ttl));
                        model = Some((created.id, created.expires_at));
                    }
                }
                Step::Use => {
                    if let Some((id, _)) = model.take() {
                        let mut switch = SwitchRequest::to(Mode::Sovereign).using(id);
                        switch.force = true;
                        prop_assert!(world.switch_mode(now, switch).is_ok());
                    }
                }
                Step::Wait(secs) => now += Duration::from_secs(secs),
                Step::Restart => world.restart(now).unwrap(),
            }
            model = model.filter(|(_, expires)| now < *expires);
            let gauge = sample(&mut world, now, "sovereign_override_active");
            prop_assert_eq!(gauge, Some(f64::from(u8::from(model.is_some()))));
            let expires = sample(&mut world, now, "sovereign_override_expires_timestamp_seconds");
            prop_assert_eq!(expires, Some(model.as_ref().map_or(0.0, |(_, at)| at.as_secs_f64())));
            // Every creation has at most one end in the file, and exactly one unless it lives.
            let count = |name: &str| world.audit_file().iter().filter(|raw| raw.contains(name)).count();
            let ends = count("mode_override_used\"") + count("mode_override_expired\"");
            prop_assert_eq!(count("mode_override_created\""), ends + usize::from(model.is_some()));
        }
    }
}
