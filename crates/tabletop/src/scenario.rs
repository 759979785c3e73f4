use std::fmt;

use assurance_diagnostics::{Diagnostic, Source};
use assurance_metrics_model::{Duration, Timestamp};
use assurance_policy::Pack;
use assurance_simulator::{Command, EventType};

use crate::claim::{Change, Claim};
use crate::lower;
use crate::when::{ExerciseClock, When};

/// Longest time from the beginning of the lead-in to the end of the exercise: a day. At 30 s that is 2,880
/// scrapes, less than a second of computing.
pub const MAX_SPAN: Duration = Duration::from_secs(86_400);

/// An exercise as data: what happens to the backend, what people are told, and what is claimed to follow.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Scenario {
    /// Its name, such as `TABLETOP-001`.
    pub id: String,
    /// In one line.
    pub title: String,
    /// In a paragraph.
    pub summary: String,
    /// How bad it is, in the words of the runbooks.
    pub severity: Option<String>,
    /// When it takes place.
    pub clock: ExerciseClock,
    /// What surrounds it.
    pub environment: Environment,
    /// Who takes part.
    pub roles: Vec<Role>,
    /// What it is for.
    pub objectives: Vec<String>,
    /// What happens to the backend, in the order of the file.
    pub world: Vec<Step>,
    /// What people are told.
    pub injects: Vec<Inject>,
    /// What must follow.
    pub claims: Vec<Claim>,
}

/// What surrounds an exercise.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Environment {
    /// How long monitoring and the exporter run before the backend is touched.
    pub lead_in: Duration,
    /// Whether evidence is collected.
    pub exporter: bool,
    /// Scrapes that time out: the job, the first instant and the first after.
    pub lost_scrapes: Vec<(String, When, When)>,
    /// Deliveries that the receiver refuses for now.
    pub refused_deliveries: Vec<(When, When)>,
}

/// Somebody who takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// How the file names the role.
    pub id: String,
    /// How people do.
    pub name: String,
    /// What the role does.
    pub part: String,
}

/// Something that happens to the backend.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When.
    pub at: When,
    /// What.
    pub action: Action,
    /// Whether the backend is expected to refuse it.
    pub refused: bool,
}

/// What a step is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Something is done.
    Do(Box<Command>),
    /// Nothing is done; an override is expected to expire now by itself.
    OverrideExpires {
        /// Which.
        id: String,
    },
}

/// Something people are told, and what they are expected to make of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Inject {
    /// How the file names it.
    pub id: String,
    /// What brings it about.
    pub trigger: Trigger,
    /// How much later.
    pub delay: Duration,
    /// The role that is told.
    pub to: String,
    /// The role that tells, if it is one.
    pub from: Option<String>,
    /// By which means.
    pub via: String,
    /// What is said.
    pub text: String,
    /// What should follow; not for participants.
    pub expect: Option<String>,
}

/// What brings an inject about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trigger {
    /// The clock.
    At(When),
    /// A change of an alert.
    Alert {
        /// The alert's id.
        id: String,
        /// The change.
        change: Change,
    },
    /// An audit event.
    Audit(EventType),
    /// Something a participant does.
    Action(String),
    /// A participant asks, and the simulated systems answer.
    Request,
}

impl Trigger {
    /// Whether it needs a participant.
    pub const fn needs_people(&self) -> bool {
        matches!(self, Self::Action(_) | Self::Request)
    }
}

/// As the file writes it.
impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(when) => when.fmt(f),
            Self::Alert { id, change } => write!(f, "alert {id} {}", change.as_str()),
            Self::Audit(event) => write!(f, "audit {}", event.as_str()),
            Self::Action(name) => write!(f, "action {name}"),
            Self::Request => f.write_str("request"),
        }
    }
}

impl Scenario {
    /// Reads a scenario and holds it to the pack: alerts, jobs and metrics it names must be there.
    ///
    /// # Errors
    /// Every flaw, at its place; only the first where the file cannot be read at all.
    pub fn parse(source: &Source, pack: &Pack) -> Result<Self, Vec<Diagnostic>> {
        lower::scenario(source, pack)
    }

    /// When monitoring begins.
    pub fn start(&self) -> Timestamp {
        self.clock.t0 - self.environment.lead_in
    }
}

/// A command in a few words.
pub(crate) fn describe(command: &Command) -> String {
    match command {
        Command::CreateOverride(request) => {
            let id = request.id.as_deref().unwrap_or("?");
            format!("override.create {id} for {} by {}", request.ttl, request.requested_by)
        }
        Command::SwitchMode(request) => match &request.override_token {
            Some(token) => format!("override.use {token} for {}", request.target.as_str()),
            None => format!("mode.switch to {}", request.target.as_str()),
        },
        Command::Preflight { target } => format!("mode.preflight for {}", target.as_str()),
        Command::SetGate { gate, state } => format!("gate.set {} to {state:?}", gate.as_str()).to_lowercase(),
        Command::PreflightFailure { gate } => format!("gate.fail_once {}", gate.as_str()),
        Command::BreakNextCommit { point } => format!("commit.break_next at {point}"),
        Command::ValidateBundle { id } => format!("bundle.validate {id}"),
        Command::QuarantineBundle { id, .. } | Command::SignatureFailure { id } => {
            format!("bundle.quarantine {id}")
        }
        Command::UntrustedSource { id, reason } => format!("bundle.refuse {id}: {}", reason.as_str()),
        Command::AxeViolation { ip } => format!("axe.violation from {ip}"),
        Command::ExportAudit(_) => "audit.export".to_owned(),
        Command::Stop => "backend.stop".to_owned(),
        Command::Start => "backend.start".to_owned(),
        Command::Restart => "backend.restart".to_owned(),
        other => format!("{other:?}"),
    }
}

/// In a few words.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Do(command) => f.write_str(&describe(command)),
            Self::OverrideExpires { id } => write!(f, "override.expire {id}"),
        }
    }
}
