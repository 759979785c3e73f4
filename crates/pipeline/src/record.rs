//! Alerts and notifications as bytes that survive a restart.

use std::sync::Arc;

use assurance_metrics_model::{Duration, Labels, Timestamp};
use assurance_notifier::dispatch::DispatchState;
use assurance_notifier::{Alert, AlertStatus, Undelivered};
use assurance_rules::{AlertState, GroupRecord, ManagerState, Phase, RuleRecord};
use assurance_storage::crc32c;

use crate::bytes::{Reader, Writer};
use crate::record_dispatch;

/// The file's name, for whoever keeps it beside the samples.
pub const STATE_FILE: &str = "alerts.state";

/// The longest record: 10,000 alerts of one rule at 1 KiB each are 10 MiB, and as many wait for a receiver;
/// three times both leave room for series.
pub const MAX_STATE_BYTES: u64 = 64 << 20;

/// First in every record; a version that cannot read it says so.
const MAGIC: &[u8; 8] = b"ASSRALRT";

/// 1 knew nothing of notifications by route.
const VERSION: u32 = 2;

/// Magic, version, length and sum.
const HEADER_BYTES: usize = 8 + 4 + 8 + 4;

/// What a pipeline must not forget: the state of alerts, and what no receiver has taken yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertsState {
    /// The rules' alerts and series.
    pub rules: ManagerState,
    /// Alerts and notifications by the receiver's name.
    pub undelivered: Undelivered,
    /// Groups, silences, acknowledgements and chains, where alerts are routed.
    pub dispatch: Option<DispatchState>,
}

/// Why bytes are no [`AlertsState`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateError {
    /// They do not begin as such a record does.
    Foreign,
    /// Another version has written it.
    Version(u32),
    /// They were not written completely, or have changed since.
    Damaged(&'static str),
}

impl std::fmt::Display for StateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Foreign => f.write_str("it is not a record of alerts"),
            Self::Version(found) => {
                write!(
                    f,
                    "it is written in format version {found}, and this program reads versions up to {VERSION}"
                )
            }
            Self::Damaged(why) => write!(f, "it is damaged: {why}"),
        }
    }
}

impl std::error::Error for StateError {}

impl AlertsState {
    /// As bytes. Where they would be more than [`MAX_STATE_BYTES`], the rules' series are left out, which then
    /// end by growing old.
    ///
    /// # Errors
    /// The length, where alerts and notifications alone are more than that.
    pub fn encode(&self) -> Result<Vec<u8>, usize> {
        let fits = |bytes: &Vec<u8>| bytes.len() as u64 <= MAX_STATE_BYTES;
        let whole = self.write(true);
        if fits(&whole) {
            return Ok(whole);
        }
        let less = self.write(false);
        if fits(&less) { Ok(less) } else { Err(less.len()) }
    }

    fn write(&self, with_series: bool) -> Vec<u8> {
        let mut body = Writer::default();
        body.list(&self.rules.groups, |out, group| {
            out.text(&group.file);
            out.text(&group.name);
            out.time(group.last_evaluation);
            out.list(&group.rules, |out, rule| {
                out.byte(u8::from(rule.alerting));
                out.text(&rule.name);
                out.labels(&rule.labels);
                out.text(&rule.expression);
                out.number(rule.hold.as_millis());
                out.list(&rule.alerts, rule_alert);
                out.list(if with_series { &rule.written } else { &[] }, Writer::labels);
            });
        });
        body.list(&self.undelivered.alerts, |out, (receiver, alerts)| {
            out.text(receiver);
            out.list(alerts, alert);
        });
        body.list(&self.undelivered.notifications, |out, (receiver, notifications)| {
            out.text(receiver);
            out.list(notifications, |out, one| record_dispatch::notification(out, one));
        });
        body.option(self.dispatch.as_ref(), record_dispatch::write);
        let body = body.into_bytes();
        let mut all = Vec::with_capacity(HEADER_BYTES + body.len());
        all.extend_from_slice(MAGIC);
        all.extend_from_slice(&VERSION.to_le_bytes());
        all.extend_from_slice(&(body.len() as u64).to_le_bytes());
        all.extend_from_slice(&crc32c(&[&body]).to_le_bytes());
        all.extend_from_slice(&body);
        all
    }

    /// From bytes that [`AlertsState::encode`] made.
    ///
    /// # Errors
    /// If they are anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        let mut header = Reader::new(bytes.get(..HEADER_BYTES).unwrap_or(bytes));
        if header.take(MAGIC.len()) != Some(MAGIC) {
            return Err(StateError::Foreign);
        }
        let cut = StateError::Damaged("its end is missing");
        let version = header.array().map(u32::from_le_bytes).ok_or(cut.clone())?;
        if !(1..=VERSION).contains(&version) {
            return Err(StateError::Version(version));
        }
        let length = header.array().map(u64::from_le_bytes).ok_or(cut.clone())?;
        let sum = header.array().map(u32::from_le_bytes).ok_or(cut.clone())?;
        let body = &bytes[HEADER_BYTES..];
        if body.len() as u64 != length {
            return Err(cut);
        }
        if crc32c(&[body]) != sum {
            return Err(StateError::Damaged("its sum does not match"));
        }
        read(&mut Reader::new(body), version)
            .ok_or(StateError::Damaged("its sum matches, but it cannot be read"))
    }
}

fn rule_alert(out: &mut Writer, alert: &AlertState) {
    out.labels(&alert.labels);
    out.pairs(&alert.annotations);
    out.float(alert.value);
    out.byte(match alert.phase {
        Phase::Inactive => 0,
        Phase::Pending => 1,
        Phase::Firing => 2,
    });
    out.time(Some(alert.active_at));
    for time in
        [alert.fired_at, alert.resolved_at, alert.keep_firing_since, alert.last_sent_at, alert.valid_until]
    {
        out.time(time);
    }
}

pub(crate) fn alert(out: &mut Writer, alert: &Alert) {
    out.labels(&alert.labels);
    out.pairs(&alert.annotations);
    out.byte(match alert.status {
        AlertStatus::Firing => 0,
        AlertStatus::Resolved => 1,
    });
    out.time(Some(alert.starts_at));
    out.time(Some(alert.ends_at));
    out.float(alert.value);
    out.text(&alert.generator_url);
}

fn read(from: &mut Reader<'_>, version: u32) -> Option<AlertsState> {
    let groups = from.list(|from| {
        Some(GroupRecord {
            file: from.text()?,
            name: from.text()?,
            last_evaluation: from.time()?,
            rules: from.list(|from| {
                Some(RuleRecord {
                    alerting: from.byte()? != 0,
                    name: from.text()?,
                    labels: from.labels()?,
                    expression: from.text()?,
                    hold: Duration::from_millis(from.number()?),
                    alerts: from.list(read_rule_alert)?,
                    written: from.list(Reader::labels)?,
                })
            })?,
        })
    })?;
    let mut undelivered = Undelivered {
        alerts: from.list(|from| Some((from.text()?, from.list(read_alert)?)))?,
        notifications: Vec::new(),
    };
    let mut dispatch = None;
    if version >= 2 {
        let notification = |from: &mut Reader<'_>| record_dispatch::read_notification(from).map(Arc::new);
        undelivered.notifications = from.list(|from| Some((from.text()?, from.list(notification)?)))?;
        dispatch = from.option(record_dispatch::read)?;
    }
    from.is_at_end().then_some(AlertsState { rules: ManagerState { groups }, undelivered, dispatch })
}

fn read_rule_alert(from: &mut Reader<'_>) -> Option<AlertState> {
    let labels: Labels = from.labels()?;
    Some(AlertState {
        labels,
        annotations: from.pairs()?,
        value: from.float()?,
        phase: match from.byte()? {
            0 => Phase::Inactive,
            1 => Phase::Pending,
            2 => Phase::Firing,
            _ => return None,
        },
        active_at: from.time()??,
        fired_at: from.time()?,
        resolved_at: from.time()?,
        keep_firing_since: from.time()?,
        last_sent_at: from.time()?,
        valid_until: from.time()?,
    })
}

pub(crate) fn read_alert(from: &mut Reader<'_>) -> Option<Alert> {
    let time = |time: Option<Option<Timestamp>>| time.flatten();
    Some(Alert {
        labels: from.labels()?,
        annotations: from.pairs()?,
        status: match from.byte()? {
            0 => AlertStatus::Firing,
            1 => AlertStatus::Resolved,
            _ => return None,
        },
        starts_at: time(from.time())?,
        ends_at: time(from.time())?,
        value: from.float()?,
        generator_url: from.text()?,
    })
}
