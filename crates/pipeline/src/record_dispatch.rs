//! The state of the dispatch, and notifications, as bytes.

use std::sync::Arc;

use assurance_metrics_model::{Labels, MatchOp, Matcher, Timestamp};
use assurance_notifier::dispatch::{
    Acknowledgement, AlertRecord, ClimbRecord, DispatchState, GroupName, GroupRecord, LogRecord,
    Notification, Reason, Silence, SilenceId,
};

use crate::bytes::{Reader, Writer};
use crate::record::{alert, read_alert};

pub(crate) fn write(out: &mut Writer, state: &DispatchState) {
    out.time(Some(state.started));
    out.time(Some(state.exported));
    out.unsigned(state.routes);
    out.list(&state.alerts, |out, record| {
        alert(out, &record.alert);
        out.byte(u8::from(record.is_guess));
        out.time(Some(record.updated_at));
        out.option(record.acknowledged.as_ref(), |out, ack| {
            out.text(&ack.by);
            out.time(Some(ack.at));
            out.text(&ack.comment);
        });
        out.option(record.climb.as_ref(), |out, climb| {
            out.text(&climb.chain);
            name(out, &climb.group);
            out.time(Some(climb.started));
            out.unsigned(climb.next as u64);
            out.time(climb.due);
            out.list(&climb.told, |out, told| out.text(told));
        });
    });
    out.list(&state.groups, |out, group| {
        name(out, &group.name);
        out.time(Some(group.next_look));
        out.byte(u8::from(group.is_known));
        out.list(&group.members, Writer::labels);
        out.list(&group.log, log);
    });
    out.list(&state.remembered, |out, (group, records)| {
        name(out, group);
        out.list(records, log);
    });
    out.unsigned(state.silences_made);
    out.list(&state.silences, |out, silence| {
        out.text(silence.id.as_str());
        out.list(&silence.matchers, |out, matcher| {
            out.text(matcher.name());
            out.text(matcher.op().as_str());
            out.text(matcher.value());
        });
        out.time(Some(silence.starts_at));
        out.time(Some(silence.ends_at));
        out.text(&silence.created_by);
        out.text(&silence.comment);
        out.time(Some(silence.updated_at));
    });
    out.unsigned(state.next_number);
    out.list(&state.waiting, notification);
    out.time(state.cleanup_at);
}

fn name(out: &mut Writer, name: &GroupName) {
    out.text(&name.route);
    out.text(&name.receiver);
    out.labels(&name.labels);
}

fn log(out: &mut Writer, log: &LogRecord) {
    out.text(&log.integration);
    out.list(&log.firing, |out, print| out.unsigned(*print));
    out.list(&log.resolved, |out, print| out.unsigned(*print));
    out.time(Some(log.at));
}

pub(crate) fn notification(out: &mut Writer, told: &Notification) {
    out.unsigned(told.number);
    out.time(Some(told.at));
    out.text(&told.receiver);
    out.unsigned(told.integration as u64);
    out.text(&told.route);
    out.labels(&told.group_labels);
    match &told.reason {
        Reason::Escalation { chain, step } => {
            out.byte(4);
            out.text(chain);
            out.unsigned(*step as u64);
        }
        Reason::Acknowledged { by } => {
            out.byte(5);
            out.text(by);
        }
        reason => out.byte(reason.kind() as u8),
    }
    out.list(&told.alerts, |out, one| alert(out, one));
}

pub(crate) fn read(from: &mut Reader<'_>) -> Option<DispatchState> {
    Some(DispatchState {
        started: from.instant()?,
        exported: from.instant()?,
        routes: from.unsigned()?,
        alerts: from.list(read_record)?,
        groups: from.list(|from| {
            Some(GroupRecord {
                name: read_name(from)?,
                next_look: from.instant()?,
                is_known: from.byte()? != 0,
                members: from.list(Reader::labels)?,
                log: from.list(read_log)?,
            })
        })?,
        remembered: from.list(|from| Some((read_name(from)?, from.list(read_log)?)))?,
        silences_made: from.unsigned()?,
        silences: from.list(read_silence)?,
        next_number: from.unsigned()?,
        waiting: from.list(read_notification)?,
        cleanup_at: from.time()?,
    })
}

fn read_record(from: &mut Reader<'_>) -> Option<AlertRecord> {
    Some(AlertRecord {
        alert: read_alert(from)?,
        is_guess: from.byte()? != 0,
        updated_at: from.instant()?,
        acknowledged: from.option(|from| {
            Some(Acknowledgement { by: from.shared()?, at: from.instant()?, comment: from.shared()? })
        })?,
        climb: from.option(|from| {
            Some(ClimbRecord {
                chain: from.shared()?,
                group: read_name(from)?,
                started: from.instant()?,
                next: from.place()?,
                due: from.time()?,
                told: from.list(Reader::shared)?,
            })
        })?,
    })
}

fn read_name(from: &mut Reader<'_>) -> Option<GroupName> {
    Some(GroupName { route: from.shared()?, receiver: from.shared()?, labels: from.labels()? })
}

fn read_log(from: &mut Reader<'_>) -> Option<LogRecord> {
    Some(LogRecord {
        integration: from.text()?,
        firing: from.list(Reader::unsigned)?,
        resolved: from.list(Reader::unsigned)?,
        at: from.instant()?,
    })
}

fn read_silence(from: &mut Reader<'_>) -> Option<Silence> {
    Some(Silence {
        id: SilenceId::new(&from.text()?),
        matchers: from.list(read_matcher)?,
        starts_at: from.instant()?,
        ends_at: from.instant()?,
        created_by: from.text()?,
        comment: from.text()?,
        updated_at: from.instant()?,
    })
}

fn read_matcher(from: &mut Reader<'_>) -> Option<Matcher> {
    let (name, op, value) = (from.text()?, from.text()?, from.text()?);
    let all = [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex];
    let op = all.into_iter().find(|known| known.as_str() == op)?;
    Matcher::new(&name, op, &value).ok()
}

pub(crate) fn read_notification(from: &mut Reader<'_>) -> Option<Notification> {
    let number = from.unsigned()?;
    let at: Timestamp = from.instant()?;
    let receiver: Arc<str> = from.shared()?;
    let integration = from.place()?;
    let route = from.shared()?;
    let group_labels: Labels = from.labels()?;
    let reason = match from.byte()? {
        0 => Reason::First,
        1 => Reason::Changed,
        2 => Reason::Resolved,
        3 => Reason::Repeat,
        4 => Reason::Escalation { chain: from.shared()?, step: from.place()? },
        5 => Reason::Acknowledged { by: from.shared()? },
        _ => return None,
    };
    let alerts = from.list(|from| read_alert(from).map(Arc::new))?;
    Some(Notification { number, at, receiver, integration, route, group_labels, reason, alerts })
}
