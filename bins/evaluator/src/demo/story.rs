//! The story, step by step: each waits until what it tells can be read back, and names itself if it cannot.

use std::future::Future;
use std::process::Command;
use std::sync::PoisonError;
use std::time::Duration as StdDuration;

use assurance_evidence::{audit, verify_day};
use assurance_metrics_model::{Duration, Timestamp};
use assurance_simulator::{Outcome, OverrideRequest};
use assurance_tlog::policy::Policy;
use serde_json::Value;

use super::look;
use super::stage::Stage;
use super::tell;

const ALERT: &str = "GovernanceOverrideActive";
const DAY: &str = "2026-03-14";
const REASON: &str = "Emergency switch to sovereign mode, no ticket yet";
/// How long the override lives: the page comes after five minutes, and all is quiet again before midnight.
const TTL: Duration = Duration::from_minutes(18);

/// How often a step looks whether it has happened.
const LOOK_EVERY: StdDuration = StdDuration::from_millis(50);

pub(super) async fn tell_it(stage: &Stage) -> Result<(), String> {
    let (client, brain, evaluator) = (&stage.client, &stage.backend_url, &stage.evaluator.url);
    let minutes = Duration::from_minutes;

    step(stage, "scraped", minutes(2), async || {
        let up = look::query(client, evaluator, "up{job=\"brain-governance\"}").await?;
        expect(up == "1", &format!("up is {up}"))?;
        Ok(format!("the evaluator scrapes the backend: up = {up}  [GET /api/v1/query]"))
    })
    .await?;

    create_override(stage)?;
    let created = step(stage, "created", minutes(1), async || {
        let event = look::audit_event(client, brain, "sovereign.mode_override_created").await?;
        Ok(format!(
            "{}, reason {}, at {}  [GET /api/sovereign-mode/audit]",
            plain(&event["id"]),
            plain(&event["reason"]),
            plain(&event["timestamp"])
        ))
    })
    .await?;
    step(stage, "seen", minutes(2), async || {
        let value = look::query(client, evaluator, "sovereign_override_active").await?;
        expect(value == "1", &format!("sovereign_override_active is {value}"))?;
        Ok(format!("sovereign_override_active = {value}  [GET /api/v1/query]"))
    })
    .await?;
    step(stage, "pending", minutes(2), async || {
        let alert = look::alert(client, evaluator, ALERT).await?.ok_or(format!("{ALERT} is not active"))?;
        expect(alert["state"] == "pending", &format!("{ALERT} is {}", plain(&alert["state"])))?;
        Ok(format!("{ALERT} since {}  [GET /api/v1/alerts]", plain(&alert["activeAt"])))
    })
    .await?;
    let fired = step(stage, "firing", minutes(8), async || {
        let alert = look::alert(client, evaluator, ALERT).await?.ok_or(format!("{ALERT} is not active"))?;
        expect(alert["state"] == "firing", &format!("{ALERT} is {}", plain(&alert["state"])))?;
        Ok(format!(
            "{ALERT}, severity {}, active since {}  [GET /api/v1/alerts]",
            plain(&alert["labels"]["severity"]),
            plain(&alert["activeAt"])
        ))
    })
    .await?;
    let delivered = step(stage, "delivered", minutes(3), async || {
        let alert = look::told(client, &stage.receiver_url, ALERT, "firing").await?;
        Ok(format!(
            "the receiver has {}: {}  [GET /received]",
            plain(&alert["status"]),
            plain(&alert["annotations"]["summary"])
        ))
    })
    .await?;
    step(stage, "expired", TTL + minutes(2), async || {
        let event = look::audit_event(client, brain, "sovereign.mode_override_expired").await?;
        Ok(format!(
            "{} at {}  [GET /api/sovereign-mode/audit]",
            plain(&event["id"]),
            plain(&event["timestamp"])
        ))
    })
    .await?;
    step(stage, "inactive", minutes(6), async || {
        let value = look::query(client, evaluator, "sovereign_override_active").await?;
        let alert = look::alert(client, evaluator, ALERT).await?;
        expect(
            value == "0" && alert.is_none(),
            &format!("sovereign_override_active is {value}, {ALERT} still {}", state(alert.as_ref())),
        )?;
        Ok(format!("sovereign_override_active = {value}, {ALERT} is no longer active  [GET /api/v1/alerts]"))
    })
    .await?;
    step(stage, "resolved", minutes(3), async || {
        let alert = look::told(client, &stage.receiver_url, ALERT, "resolved").await?;
        Ok(format!(
            "the receiver has {} as of {}  [GET /received]",
            plain(&alert["status"]),
            plain(&alert["endsAt"])
        ))
    })
    .await?;

    let file = stage.evidence.join(format!("hot/audit-{DAY}.jsonl"));
    step(stage, "preserved", minutes(20), async || {
        let text = fs_err::read_to_string(&file).map_err(|error| error.to_string())?;
        for event in ["sovereign.mode_override_created", "sovereign.mode_override_expired"] {
            expect(text.contains(event), &format!("the day's evidence lacks {event}"))?;
        }
        Ok(format!("{} has {} events, created and expired among them", file.display(), text.lines().count()))
    })
    .await?;
    step(stage, "verified", minutes(5), async || {
        let day = DAY.parse().map_err(|error| format!("{error:?}"))?;
        let report = verify_day(&*stage.disk, day).map_err(|error| error.to_string())?;
        expect(report.is_intact() && !report.files.is_empty(), &format!("{:?}", report.files))?;
        let own = format!("{} files are what their SHA-256 says", report.files.len());
        Ok(match sha256sum(stage) {
            Some(Ok(said)) => format!("{own}; sha256sum -c: {said}"),
            Some(Err(said)) => return Err(format!("sha256sum -c: {said}")),
            None => own,
        })
    })
    .await?;
    step(stage, "sealed", minutes(5), async || {
        let mut options = audit::Options::at(stage.clock.now());
        options.policy = stage.policy.as_deref().map(Policy::parse).transpose().map_err(|e| e.to_string())?;
        let report = audit::verify(&*stage.disk, &options, &mut |_| {}).map_err(|error| error.to_string())?;
        let found = report.findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        expect(found.is_empty() && report.days == 1, &format!("{} days are sealed; {found}", report.days))?;
        let log = report.log.ok_or("there is no log")?;
        Ok(format!(
            "{} events are what {} signed, by its public key; root {}",
            report.events, log.origin, log.root
        ))
    })
    .await?;
    tell(&format!(
        "\nFrom the override to the page: {} on the clock of the backend (the policy allows 6m30s to fire).",
        rounded(delivered - created)
    ));
    expect(fired - created <= Duration::from_secs(390), "the alert fired later than the policy allows")
}

/// Waits until `look` succeeds, tells what it found, and returns when that was; past `within` on the clock,
/// says which step did not happen and what was there instead.
async fn step<F>(
    stage: &Stage,
    name: &str,
    within: Duration,
    look: impl Fn() -> F,
) -> Result<Timestamp, String>
where
    F: Future<Output = Result<String, String>>,
{
    let started = stage.clock.now();
    loop {
        let now = stage.clock.now();
        match look().await {
            Ok(found) => {
                tell(&format!("{}  {name:<10} {found}", whole_seconds(now)));
                return Ok(now);
            }
            Err(missing) if now - started > within => {
                return Err(format!("the step `{name}` did not happen within {within}: {missing}"));
            }
            Err(_not_yet) => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

fn create_override(stage: &Stage) -> Result<(), String> {
    let mut world = stage.world.lock().unwrap_or_else(PoisonError::into_inner);
    let request = OverrideRequest::new(REASON, TTL);
    let command = assurance_simulator::Command::CreateOverride(request);
    match world.handle(stage.clock.now(), command) {
        Ok(Outcome::OverrideCreated(_)) => Ok(()),
        Ok(other) => Err(format!("the backend answered the override with {other:?}")),
        Err(refusal) => Err(format!("the backend refused the override: {refusal}")),
    }
}

/// What the tool that every auditor has says of the checksums; `None` where it is not installed.
fn sha256sum(stage: &Stage) -> Option<Result<String, String>> {
    let folder = stage.evidence.join("hot");
    let sidecar = format!("audit-{DAY}.jsonl.sha256");
    let sidecar = if folder.join(&sidecar).exists() { sidecar } else { format!("audit-{DAY}.sha256") };
    let output = Command::new("sha256sum").args(["-c", &sidecar]).current_dir(folder).output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Some(if output.status.success() { Ok(said) } else { Err(said) })
}

fn expect(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}

fn state(alert: Option<&Value>) -> String {
    alert.map_or_else(|| "inactive".to_owned(), |alert| alert["state"].to_string())
}

/// A text as it is, without quotes.
fn plain(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_secs(at.as_millis().div_euclid(1000))
}

fn rounded(span: Duration) -> Duration {
    Duration::from_secs(span.as_millis() / 1000)
}
