//! From what a scenario file says to what it means, with every flaw at its place.

use std::collections::BTreeSet;
use std::ops::Range;

use assurance_diagnostics::yaml::{self, PathSegment};
use assurance_diagnostics::{Diagnostic, Source, suggest};
use assurance_evidence::parse_instant;
use assurance_metrics_model::{Duration, METRIC_NAME, MatchOp, Timestamp};
use assurance_policy::Pack;
use assurance_simulator::{
    Command, ExportRequest, MAX_OVERRIDE_TTL, MIN_OVERRIDE_REASON_CHARS, MIN_OVERRIDE_TTL, OverrideRequest,
    SwitchRequest,
};

use crate::claim::{Change, Claim, ClaimError, event};
use crate::raw::{RawClock, RawCreate, RawEnvironment, RawInject, RawScenario, RawStep};
use crate::scenario::{Action, Environment, Inject, MAX_SPAN, Role, Scenario, Step, Trigger};
use crate::when::{ExerciseClock, WHEN_HELP, When, Window};

/// Series that monitoring writes by itself, whatever the contract says.
const OWN_SERIES: &[&str] = &[
    "up",
    "ALERTS",
    "ALERTS_FOR_STATE",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
];

const TRIGGERS: &str = "\
triggers are: `alert ID fires|resolves|notifies|clears`, `audit EVENT`, `action NAME`, `request`; a time goes into `at`";

pub(crate) fn scenario(source: &Source, pack: &Pack) -> Result<Scenario, Vec<Diagnostic>> {
    let raw: RawScenario = yaml::parse(source).map_err(|problem| vec![problem])?;
    let mut reader = Reader { source, pack, findings: Vec::new(), clock_is_known: false };
    let scenario = reader.scenario(raw);
    if reader.findings.is_empty() { Ok(scenario) } else { Err(reader.findings) }
}

struct Reader<'a> {
    source: &'a Source,
    pack: &'a Pack,
    findings: Vec<Diagnostic>,
    /// Without a clock, nothing can be said about what lies inside of it.
    clock_is_known: bool,
}

/// The path of a value: `path!["world", 0, "at"]`.
macro_rules! path {
    ($($segment:expr),* $(,)?) => { [$(PathSegment::from($segment)),*] };
}

impl Reader<'_> {
    fn find(&mut self, path: &[PathSegment], message: impl Into<String>, help: impl Into<String>) {
        let span = yaml::locate(self.source, path);
        self.find_at(span, message, help);
    }

    fn find_at(&mut self, span: Option<Range<usize>>, message: impl Into<String>, help: impl Into<String>) {
        self.findings.push(Diagnostic::error(self.source, span, message.into()).with_help(help.into()));
    }

    /// A flaw inside of a text.
    fn find_within(&mut self, path: &[PathSegment], error: ClaimError) {
        let length = error.span.len();
        let span = yaml::locate_within(self.source, path, error.span.start, length);
        self.find_at(span.or_else(|| yaml::locate(self.source, path)), error.message, error.help);
    }

    fn scenario(&mut self, raw: RawScenario) -> Scenario {
        let well_formed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
        if raw.id.is_empty() || !raw.id.chars().all(well_formed) {
            let help = "use capital letters, digits and hyphens, such as TABLETOP-001";
            self.find(&path!["id"], format!("`{}` is no id of a scenario", raw.id), help);
        }
        let clock = self.clock(&raw.clock);
        let environment = self.environment(raw.environment);
        let start = clock.t0 - environment.lead_in;
        if self.clock_is_known && clock.endex - start > MAX_SPAN {
            let message = format!("the scenario spans {}, and {MAX_SPAN} is the most", clock.endex - start);
            self.find(&path!["clock", "endex"], message, "end the exercise earlier, or cut the lead-in");
        }
        let world = self.world(raw.world, &clock, start);
        let roles = self.roles(raw.roles.into_iter().map(|r| Role { id: r.id, name: r.name, part: r.part }));
        let injects = self.injects(raw.injects, &clock, start, &roles);
        if raw.claims.is_empty() {
            let help = "say what must follow, such as `alert GA-001 fires in [T+5m, T+6m30s]`";
            self.find(&path!["claims"], "a scenario that claims nothing cannot fail", help);
        }
        let claims = self.claims(&raw.claims, &clock, start);
        Scenario {
            id: raw.id,
            title: raw.title,
            summary: raw.summary,
            severity: raw.severity,
            clock,
            environment,
            roles,
            objectives: raw.objectives,
            world,
            injects,
            claims,
        }
    }

    fn clock(&mut self, raw: &RawClock) -> ExerciseClock {
        let t0 = self.instant(&path!["clock", "t0"], &raw.t0);
        let startex = self.instant(&path!["clock", "startex"], &raw.startex);
        let endex = self.instant(&path!["clock", "endex"], &raw.endex);
        let clock = ExerciseClock {
            t0: t0.unwrap_or_default(),
            startex: startex.unwrap_or_default(),
            endex: endex.unwrap_or_default(),
        };
        if let (Some(t0), Some(startex), Some(endex)) = (t0, startex, endex) {
            self.clock_is_known = true;
            if startex < t0 {
                let message = format!("the exercise starts at {startex}, before anything happens at {t0}");
                self.find(&path!["clock", "startex"], message, "start it at or after `t0`");
            }
            if endex <= startex {
                let message = format!("the exercise ends at {endex}, but starts at {startex}");
                self.find(&path!["clock", "endex"], message, "end it after `startex`");
            }
        }
        clock
    }

    fn instant(&mut self, path: &[PathSegment], text: &str) -> Option<Timestamp> {
        let at = parse_instant(text).filter(|_| text.ends_with('Z'));
        if at.is_none() {
            self.find(path, format!("`{text}` is not an instant in UTC"), "write it as 2025-12-25T14:15:23Z");
        }
        at
    }

    fn duration(&mut self, path: &[PathSegment], text: &str) -> Duration {
        text.parse().unwrap_or_else(|_source| {
            let help = "write whole numbers with units, largest first, such as 30s, 5m or 1h30m";
            self.find(path, format!("`{text}` is not a duration"), help);
            Duration::ZERO
        })
    }

    fn when(&mut self, path: &[PathSegment], text: &str) -> Option<When> {
        let when = text.parse();
        if when.is_err() {
            self.find(path, format!("`{text}` is not an instant of a scenario"), WHEN_HELP);
        }
        when.ok()
    }

    fn environment(&mut self, raw: RawEnvironment) -> Environment {
        let lead_in = self.duration(&path!["environment", "lead_in"], &raw.lead_in);
        let jobs: Vec<&str> = self.pack.contract.jobs.keys().map(String::as_str).collect();
        let mut lost_scrapes = Vec::new();
        for (index, lost) in raw.lost_scrapes.into_iter().enumerate() {
            let base = || path!["environment", "lost_scrapes", index].to_vec();
            if !jobs.contains(&lost.job.as_str()) {
                let help = match suggest(&lost.job, jobs.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("jobs are: {}", jobs.join(", ")),
                };
                let path = [base(), path!["job"].to_vec()].concat();
                self.find(&path, format!("nothing is scraped by a job `{}`", lost.job), help);
            }
            if let Some((from, until)) = self.span(&base(), &lost.from, &lost.until) {
                lost_scrapes.push((lost.job, from, until));
            }
        }
        let mut refused_deliveries = Vec::new();
        for (index, refused) in raw.refused_deliveries.into_iter().enumerate() {
            let base = path!["environment", "refused_deliveries", index];
            refused_deliveries.extend(self.span(&base, &refused.from, &refused.until));
        }
        Environment { lead_in, exporter: raw.exporter, lost_scrapes, refused_deliveries }
    }

    fn span(&mut self, base: &[PathSegment], from: &str, until: &str) -> Option<(When, When)> {
        let from = self.when(&[base, &path!["from"]].concat(), from);
        let until = self.when(&[base, &path!["until"]].concat(), until);
        Some((from?, until?))
    }

    fn world(&mut self, raw: Vec<RawStep>, clock: &ExerciseClock, start: Timestamp) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for (index, raw) in raw.into_iter().enumerate() {
            let base = path!["world", index];
            let at_path = [&base[..], &path!["at"]].concat();
            let at = self.when(&at_path, &raw.at);
            if let Some(at) = at {
                self.inside(yaml::locate(self.source, &at_path), at, clock, start);
            }
            let refused = raw.refused;
            let Some(action) = self.action(&base, raw) else { continue };
            let Some(at) = at else { continue };
            self.overrides(&base, &steps, at, &action, clock);
            steps.push(Step { at, action, refused });
        }
        steps
    }

    fn inside(&mut self, span: Option<Range<usize>>, at: When, clock: &ExerciseClock, start: Timestamp) {
        let resolved = clock.resolve(at);
        if self.clock_is_known && (resolved < start || resolved > clock.endex) {
            let (first, last) = (clock.relative(start), clock.relative(clock.endex));
            let help = format!("the scenario lasts from {first} to {last}");
            self.find_at(span, format!("{at} is outside of the scenario"), help);
        }
    }

    /// Overrides are named before they are used, and expire when their ttl says so.
    fn overrides(
        &mut self,
        base: &[PathSegment],
        before: &[Step],
        at: When,
        action: &Action,
        clock: &ExerciseClock,
    ) {
        let (key, id) = match action {
            Action::OverrideExpires { id } => ("override.expire", id),
            Action::Do(command) => match &**command {
                Command::SwitchMode(SwitchRequest { override_token: Some(id), .. }) => ("override.use", id),
                _ => return,
            },
        };
        let created = before.iter().rev().find_map(|step| match &step.action {
            Action::Do(command) => match &**command {
                Command::CreateOverride(request) if request.id.as_ref() == Some(id) => {
                    Some((step.at, request.ttl))
                }
                _ => None,
            },
            Action::OverrideExpires { .. } => None,
        });
        let id_path = [base, &path![key, "id"]].concat();
        let Some((created, ttl)) = created else {
            let help = "create it in a step before, with `override.create`";
            return self.find(&id_path, format!("no step before this creates an override `{id}`"), help);
        };
        let expires = clock.resolve(created) + ttl;
        if key == "override.expire" && expires != clock.resolve(at) {
            let expires = clock.relative(expires);
            let message =
                format!("`{id}` was created at {created} for {ttl} and expires at {expires}, not {at}");
            self.find(
                &[base, &path!["at"]].concat(),
                message,
                format!("write {expires}, or correct the ttl"),
            );
        }
    }

    fn action(&mut self, base: &[PathSegment], raw: RawStep) -> Option<Action> {
        let run = |command| Action::Do(Box::new(command));
        let mut actions = Vec::new();
        if let Some(create) = raw.override_create {
            actions.push(run(self.create(base, create, raw.refused)));
        }
        if let Some(used) = raw.override_use {
            let mut request = SwitchRequest::to(used.target).using(used.id);
            request.reason = used.reason;
            actions.push(run(Command::SwitchMode(request)));
        }
        actions.extend(raw.override_expire.map(|expire| Action::OverrideExpires { id: expire.id }));
        if let Some(switch) = raw.mode_switch {
            let mut request = SwitchRequest::to(switch.target);
            (request.reason, request.force) = (switch.reason, switch.force);
            actions.push(run(Command::SwitchMode(request)));
        }
        actions.extend(raw.mode_preflight.map(|p| run(Command::Preflight { target: p.target })));
        actions.extend(raw.gate_set.map(|g| run(Command::SetGate { gate: g.gate, state: g.state })));
        actions.extend(raw.gate_fail_once.map(|g| run(Command::PreflightFailure { gate: g.gate })));
        actions.extend(raw.commit_break_next.map(|b| run(Command::BreakNextCommit { point: b.point })));
        actions.extend(raw.bundle_validate.map(|b| run(Command::ValidateBundle { id: b.id })));
        actions.extend(
            raw.bundle_quarantine.map(|b| run(Command::QuarantineBundle { id: b.id, cause: b.cause })),
        );
        actions
            .extend(raw.bundle_refuse.map(|b| run(Command::UntrustedSource { id: b.id, reason: b.reason })));
        if let Some(violation) = raw.axe_violation {
            match violation.ip.parse() {
                Ok(ip) => actions.push(run(Command::AxeViolation { ip })),
                Err(_) => {
                    let path = [base, &path!["axe.violation", "ip"]].concat();
                    let message = format!("`{}` is not an IP address", violation.ip);
                    self.find(&path, message, "write an IPv4 or IPv6 address, such as 203.0.113.9");
                    return None;
                }
            }
        }
        let all = ExportRequest { include_hash: true, ..ExportRequest::default() };
        actions.extend(raw.audit_export.map(|_| run(Command::ExportAudit(all))));
        actions.extend(raw.backend_stop.map(|_| run(Command::Stop)));
        actions.extend(raw.backend_start.map(|_| run(Command::Start)));
        actions.extend(raw.backend_restart.map(|_| run(Command::Restart)));
        if actions.len() != 1 {
            let message = format!("a step has one action, this one has {}", actions.len());
            let help =
                "write one action beside `at`, such as `axe.violation: {ip: 203.0.113.9}`, and a step each";
            self.find(base, message, help);
            return None;
        }
        actions.pop()
    }

    /// Limits are held here only where the backend is not expected to hold them.
    fn create(&mut self, base: &[PathSegment], create: RawCreate, refused: bool) -> Command {
        let at = |key| [base, &path!["override.create", key]].concat();
        let ttl = self.duration(&at("ttl"), &create.ttl);
        if !refused && !ttl.is_zero() && !(MIN_OVERRIDE_TTL..=MAX_OVERRIDE_TTL).contains(&ttl) {
            let message = format!("the backend refuses a ttl of {ttl}");
            self.find(
                &at("ttl"),
                message,
                format!("write one from {MIN_OVERRIDE_TTL} to {MAX_OVERRIDE_TTL}"),
            );
        }
        let chars = create.reason.chars().count();
        if !refused && chars < MIN_OVERRIDE_REASON_CHARS {
            let message = format!("the backend refuses a reason of {chars} characters");
            self.find(&at("reason"), message, format!("write at least {MIN_OVERRIDE_REASON_CHARS}"));
        }
        Command::CreateOverride(OverrideRequest {
            id: Some(create.id),
            reason: create.reason,
            ttl,
            requested_by: create.by,
        })
    }

    fn roles(&mut self, roles: impl Iterator<Item = Role>) -> Vec<Role> {
        let mut known = BTreeSet::new();
        let mut kept = Vec::new();
        for (index, role) in roles.enumerate() {
            if !known.insert(role.id.clone()) {
                let message = format!("there is already a role `{}`", role.id);
                self.find(&path!["roles", index, "id"], message, "give each role an id of its own");
            }
            kept.push(role);
        }
        kept
    }

    fn injects(
        &mut self,
        raw: Vec<RawInject>,
        clock: &ExerciseClock,
        start: Timestamp,
        roles: &[Role],
    ) -> Vec<Inject> {
        let mut known = BTreeSet::new();
        let mut injects = Vec::new();
        for (index, raw) in raw.into_iter().enumerate() {
            let at = |key| path!["injects", index, key];
            if !known.insert(raw.id.clone()) {
                let message = format!("there is already an inject `{}`", raw.id);
                self.find(&at("id"), message, "give each inject an id of its own");
            }
            self.role(&at("to"), &raw.to, roles);
            if let Some(from) = &raw.from {
                self.role(&at("from"), from, roles);
            }
            let trigger = match (&raw.at, &raw.on) {
                (Some(text), None) => {
                    let when = self.when(&at("at"), text);
                    if let Some(when) = when {
                        self.inside(yaml::locate(self.source, &at("at")), when, clock, start);
                    }
                    when.map(Trigger::At)
                }
                (None, Some(text)) => self.trigger(&at("on"), text),
                _ => {
                    let message = format!("inject `{}` needs either `at` or `on`", raw.id);
                    self.find(
                        &path!["injects", index],
                        message,
                        "write `at: E+10m`, or `on: alert GA-001 fires`",
                    );
                    None
                }
            };
            let delay = raw.delay.as_ref().map_or(Duration::ZERO, |text| self.duration(&at("delay"), text));
            let Some(trigger) = trigger else { continue };
            injects.push(Inject {
                id: raw.id,
                trigger,
                delay,
                to: raw.to,
                from: raw.from,
                via: raw.via,
                text: raw.text,
                expect: raw.expect,
            });
        }
        injects
    }

    fn role(&mut self, path: &[PathSegment], id: &str, roles: &[Role]) {
        if roles.iter().any(|role| role.id == id) {
            return;
        }
        let ids: Vec<&str> = roles.iter().map(|role| role.id.as_str()).collect();
        let help = match suggest(id, ids.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if ids.is_empty() => "list the roles under `roles`".to_owned(),
            None => format!("roles are: {}", ids.join(", ")),
        };
        self.find(path, format!("there is no role `{id}`"), help);
    }

    fn trigger(&mut self, path: &[PathSegment], text: &str) -> Option<Trigger> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            ["request"] => return Some(Trigger::Request),
            ["action", name] => return Some(Trigger::Action((*name).to_owned())),
            ["alert", id, change] => {
                self.alert(path, text, id);
                if let Some(change) = Change::from_word(change) {
                    return Some(Trigger::Alert { id: (*id).to_owned(), change });
                }
            }
            ["audit", name] => {
                let at = text.find(name).unwrap_or(0);
                return match event(name, at..at + name.len()) {
                    Ok(event) => Some(Trigger::Audit(event)),
                    Err(error) => {
                        self.find_within(path, error);
                        None
                    }
                };
            }
            _ => {}
        }
        self.find(path, format!("`{text}` brings nothing about"), TRIGGERS);
        None
    }

    /// The alert of an id that stands in a text.
    fn alert(&mut self, path: &[PathSegment], text: &str, id: &str) {
        let mut ids: Vec<&str> = self.pack.alerts.iter().map(|alert| alert.id.as_str()).collect();
        ids.dedup();
        if ids.contains(&id) {
            return;
        }
        let by_name = self.pack.alerts.iter().find(|alert| alert.name == id);
        let help = match (by_name, suggest(id, ids.iter().copied())) {
            (Some(alert), _) => format!("its id is `{}`", alert.id),
            (None, Some(near)) => format!("did you mean `{near}`?"),
            (None, None) => format!("alerts are: {}", ids.join(", ")),
        };
        let at = text.find(id).unwrap_or(0);
        let message = format!("no rule of the pack has the alert id `{id}`");
        self.find_within(path, ClaimError { span: at..at + id.len(), message, help });
    }

    fn claims(&mut self, raw: &[String], clock: &ExerciseClock, start: Timestamp) -> Vec<Claim> {
        let mut claims: Vec<Claim> = Vec::new();
        for (index, text) in raw.iter().enumerate() {
            let path = path!["claims", index];
            let claim = match Claim::parse(text) {
                Ok(claim) => claim,
                Err(error) => {
                    self.find_within(&path, error);
                    continue;
                }
            };
            if claims.contains(&claim) {
                self.find(&path, format!("`{claim}` is claimed twice"), "leave one of them out");
            }
            match &claim {
                Claim::Alert { id, window, .. } => {
                    self.alert(&path, text, id);
                    self.window(&path, text, *window, clock, start);
                }
                Claim::AlertNever { id } => self.alert(&path, text, id),
                Claim::MetricIs { selector, at, .. } => {
                    self.metric(&path, text, selector);
                    self.inside(yaml::locate(self.source, &path), *at, clock, start);
                }
                Claim::MetricUnchanged { selector } => self.metric(&path, text, selector),
                _ => {}
            }
            claims.push(claim);
        }
        claims
    }

    fn window(
        &mut self,
        path: &[PathSegment],
        text: &str,
        window: Window,
        clock: &ExerciseClock,
        start: Timestamp,
    ) {
        let from = text.find('[').unwrap_or(0);
        let span = yaml::locate_within(self.source, path, from, text.len() - from);
        let (first, last) = (clock.resolve(window.from), clock.resolve(window.until));
        if self.clock_is_known && first > last {
            self.find_at(span, format!("the window {window} ends before it begins"), "exchange its instants");
        } else {
            // One finding a window is enough.
            let outside = if first < start { window.from } else { window.until };
            self.inside(span, outside, clock, start);
        }
    }

    fn metric(&mut self, path: &[PathSegment], text: &str, selector: &str) {
        let Ok(matchers) = assurance_promql::parse_selector(selector) else { return };
        let named = matchers.iter().find(|m| m.name() == METRIC_NAME && m.op() == MatchOp::Equal);
        let Some(name) = named.map(|m| m.value().to_owned()) else { return };
        let known: Vec<&str> = self.pack.contract.metrics.iter().map(|m| m.name.as_str()).collect();
        if known.contains(&name.as_str()) || OWN_SERIES.contains(&name.as_str()) {
            return;
        }
        let help = match suggest(&name, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "the metric contract of the pack lists what there is".to_owned(),
        };
        let at = text.find(&name).unwrap_or(0);
        let message = format!("nobody promises a metric `{name}`");
        self.find_within(path, ClaimError { span: at..at + name.len(), message, help });
    }
}
