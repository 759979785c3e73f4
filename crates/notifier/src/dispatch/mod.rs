//! When somebody is told of what, as Alertmanager times it, and what Alertmanager does not know: that somebody
//! took an alert, and who is told next where nobody does.
//!
//! [`Dispatch`] is a machine without clock, sockets or files. Alerts go in ([`Dispatch::handle_alerts`]), are put
//! into one group for each route they take, and come out as notifications ([`Dispatch::poll_output`]):
//!
//! - A new group waits for `group_wait`, or not at all for an alert that has been firing longer than that;
//!   from then on the group is looked at every `group_interval`.
//! - What inhibition, the route's time intervals or silences keep quiet is left out, in this order.
//! - An integration of the route's receiver is told when an alert fires that it has not been told of, when
//!   alerts it was told of are over (and it wants to hear of that, or nothing fires any more), or when
//!   `repeat_interval` has passed. As Alertmanager asks for *more* than `repeat_interval`, one that is a multiple
//!   of `group_interval` ends at the look after it.
//! - What is over leaves the group with the look that saw it, told or kept quiet. An empty group lives on until
//!   the next of the instants, 30 s apart, at which Alertmanager removes them: what fires before joins it, and
//!   waits for its interval rather than for `group_wait`.
//!
//! One thing differs on purpose: what came out counts as told. Where Alertmanager gives a delivery up and looks
//! again an interval later, the queue behind this machine keeps it until its receiver takes it.
//!
//! **Escalation.** The chain of an alert begins when it is first told (or would be, had its receiver an
//! integration). Each step is told once, to the step's receiver, unless the alert was acknowledged (where the
//! step says so) or is over by then; while the alert is kept quiet, its steps wait. A chain ends when the
//! alert leaves its group; those who were told by a step then hear of the end. An acknowledgement is told to the
//! same, and lives until the alert has left all its groups.
//!
//! ```
//! use assurance_metrics_model::{Duration, Labels, Timestamp};
//! use assurance_notifier::Alert;
//! use assurance_notifier::dispatch::{Dispatch, Reason};
//! use assurance_notifier::routing::{Integration, IntegrationKind, ReceiverDefinition, Route, Routing};
//!
//! let pager = Integration {
//!     kind: IntegrationKind::PagerDuty,
//!     index: 0,
//!     description: "pagerduty:on-call".to_owned(),
//!     send_resolved: true,
//! };
//! let routing = Routing {
//!     root: Route::new("on-call"),
//!     receivers: vec![ReceiverDefinition { name: "on-call".to_owned(), integrations: vec![pager] }],
//!     inhibit_rules: Vec::new(),
//!     time_intervals: Vec::new(),
//!     resolve_timeout: Duration::from_minutes(5),
//! };
//! let start = Timestamp::from_secs(1_000);
//! let mut dispatch = Dispatch::new(routing, None, start);
//! let alert = Alert::firing(Labels::from_pairs([("alertname", "Override")]), start);
//! assert!(dispatch.handle_alerts(start, &[alert]).is_empty(), "nothing was refused");
//! assert!(dispatch.poll_output(start).is_none(), "the group waits");
//!
//! let due = dispatch.poll_timeout().expect("the group is looked at");
//! assert_eq!(due, start + Route::DEFAULT_GROUP_WAIT);
//! let told = dispatch.poll_output(due).expect("the first notification");
//! assert_eq!((told.reason, &*told.receiver, told.alerts.len()), (Reason::First, "on-call", 1));
//! ```
//!
//! **Invariants.** Equal calls give equal outputs in equal order. A state exported at any instant and restored
//! in another machine goes on as the first would have. Nothing is refused, kept quiet or left out without being
//! countable: [`Dispatch::groups`] says of every alert why nobody is told.

mod alerts;
mod escalate;
mod flush;
mod group;
mod machine;
mod mute;
mod notification;
mod plan;
mod silence;
mod state;
mod status;

pub use alerts::{MAX_ALERTS, MAX_ALERTS_PER_GROUP, MAX_GROUPS, Refusal, Refused};
pub use escalate::{AckError, AckTarget, Acknowledged, Acknowledgement, Climb, MAX_ACK_TEXT_BYTES};
pub use machine::Dispatch;
pub use mute::Suppression;
pub use notification::{Notification, Reason, ReasonKind};
pub use plan::Plan;
pub use silence::{
    MAX_SILENCE_MATCHERS, MAX_SILENCE_TEXT_BYTES, MAX_SILENCES, NewSilence, SILENCE_RETENTION, Silence,
    SilenceError, SilenceId, SilencePhase,
};
pub use state::{AlertRecord, ClimbRecord, DispatchState, GroupName, GroupRecord, LogRecord, Restored};
pub use status::{AlertView, Counters, GroupView};
