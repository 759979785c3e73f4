//! The documents that are made of the pack: the policy, and the runbooks beside it.

use std::collections::BTreeSet;
use std::path::Path;

use assurance_metrics_model::{Duration, Labels};
use assurance_notifier::routing::{GroupBy, Routing, Unless};
use assurance_policy::intents::{Intent, Intents, Subject, Violation};
use assurance_policy::{
    Alert, Pack, Statement, aliases, escalation, pack, pack_intents, routing, runbooks, statements,
};
use assurance_rules::Rule;

use crate::boundaries;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const HOW: &str = "WRITE_REFERENCE=1 cargo test -p assurance-policy reference";

/// Compares a document with what it should be, or writes it.
fn check(path: &str, text: &str) {
    let file = Path::new(ROOT).join(path);
    if std::env::var_os("WRITE_REFERENCE").is_some() {
        std::fs::write(&file, text).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(there == text, "{path} is out of date: {HOW}");
}

#[test]
fn the_reference_of_runbooks_is_the_packs() {
    let folder = Path::new(ROOT).join("docs/operations/runbooks");
    let mut there: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    for (name, text) in runbooks() {
        let name = name.trim_start_matches("runbooks/");
        let (title, rest) = text.split_once('\n').expect("a title");
        check(
            &format!("docs/operations/runbooks/{name}"),
            &format!("{title}\n\n<!-- Copied from crates/policy/pack/runbooks by: {HOW} -->\n{rest}"),
        );
        there.remove(name);
    }
    assert_eq!(there, BTreeSet::new(), "these are not the pack's");
}

#[test]
fn the_reference_of_the_policy_is_what_the_pack_says() {
    check("docs/alerting-policy.md", &Policy::load().page());
}

/// Deadlines are promised that the configuration can keep when nothing is lost.
#[test]
fn no_promise_is_shorter_than_the_configuration_allows() {
    let policy = Policy::load();
    for intent in &policy.intents.intents {
        if matches!(intent.violation, Violation::Never(_)) {
            continue;
        }
        let alert = policy.alert_of(intent);
        let (_, worst) = policy.budget(alert, intent);
        assert!(worst <= intent.detect_within, "{}: {worst} > {}", intent.id, intent.detect_within);
        let notified = worst + policy.wait(alert);
        let promised = intent.notify_within.expect("every alert is for somebody");
        assert!(notified <= promised, "{}: {notified} > {promised}", intent.id);
    }
}

struct Policy {
    pack: Pack,
    intents: Intents,
    statements: Vec<Statement>,
    routing: Routing,
}

impl Policy {
    fn load() -> Self {
        let flawed = |flaws: Vec<assurance_diagnostics::Diagnostic>| -> ! { panic!("{}", flaws[0]) };
        Self {
            pack: pack().unwrap_or_else(|flaws| flawed(flaws)),
            intents: pack_intents().unwrap_or_else(|flaw| flawed(vec![flaw])),
            statements: statements().unwrap_or_else(|flaw| flawed(vec![flaw])),
            routing: routing().unwrap_or_else(|flaws| flawed(flaws)),
        }
    }

    fn alert_of(&self, intent: &Intent) -> &Alert {
        self.pack.alerts.iter().find(|alert| alert.keeps(intent)).expect("every intent has its rule")
    }

    fn interval(&self, alert: &Alert) -> Duration {
        let group = self.pack.groups.iter().find(|group| {
            group.file == alert.file
                && group.rules.iter().any(|rule| matches!(rule, Rule::Alerting(r) if r.alert == alert.name))
        });
        group.and_then(|group| group.interval).expect("every group has its interval")
    }

    /// From the violation to the alert: at best and at worst, as long as nothing is lost.
    fn budget(&self, alert: &Alert, intent: &Intent) -> (Duration, Duration) {
        let every = self.interval(alert);
        let job = &self.pack.contract.jobs["brain-governance"];
        let seen = match &intent.violation {
            Violation::Always => Duration::ZERO,
            Violation::Absence { of: Subject::Job(_), .. } => job.scrape_interval + job.scrape_timeout,
            Violation::Absence { of: Subject::Events(_), .. } => Duration::ZERO,
            _ => job.scrape_interval,
        };
        (alert.hold, seen + every + alert.hold)
    }

    fn wait(&self, alert: &Alert) -> Duration {
        self.route(alert).group_wait
    }

    fn route(&self, alert: &Alert) -> &assurance_notifier::routing::Route {
        self.routing.find(&Labels::from_pairs(alert.fixed_labels()))[0]
    }

    fn page(&self) -> String {
        let mut out = format!(
            "# The alerting policy\n\n<!-- Written by: {HOW} -->\n\n\
             What the governance alerts must catch, when exactly they fire, who is told and what they cannot see.\n\
             All of it is made of the pack in `crates/policy/pack/`: rules, intents, routing, escalation; \
             `assurance-evaluator pack explain GA-004` says the same of one alert, and `pack dump DIR` writes the files.\n\n\
             ## The alerts\n\n| id | alert | severity | fires | found within | told within | runbook |\n|---|---|---|---|---|---|---|\n"
        );
        for statement in &self.statements {
            for alert in self.pack.alerts.iter().filter(|alert| alert.id == statement.id) {
                let intent = self.intents.intents.iter().find(|intent| alert.keeps(intent));
                let within = |d: Option<Duration>| d.map(|d| d.to_string()).unwrap_or_default();
                let event = alert.fixed_labels().into_iter().find(|(name, _)| *name == "event");
                out += &format!(
                    "| [{id}](#{anchor}) | {name} | {severity} | {summary}{event} | {} | {} | [{rb}](operations/runbooks/{rb}.md) |\n",
                    within(intent.map(|intent| intent.detect_within)),
                    within(intent.and_then(|intent| intent.notify_within)),
                    id = alert.id,
                    anchor = anchor(&alert.id, &alert.name),
                    name = alert.name,
                    severity = alert.severity,
                    summary = alert.summary,
                    event = event.map(|(_, value)| format!(" (`event=\"{value}\"`)")).unwrap_or_default(),
                    rb = alert.runbook,
                );
            }
        }
        out += "\nTimes are promised counted from the violation; each scrape and each evaluation that fails adds 30 s. \
                `assurance-evaluator prove` looks for worlds in which a promise is broken, within the environment of `intents.yml`: \
                two scrapes lost in a row, an evaluation skipped, two restarts of the backend an hour and one of the monitoring.\n";
        for statement in &self.statements {
            out += &self.section(statement);
        }
        out += &self.routes();
        out += &older();
        out += WHY;
        out
    }

    fn section(&self, statement: &Statement) -> String {
        let alerts: Vec<&Alert> = self.pack.alerts.iter().filter(|a| a.id == statement.id).collect();
        let first = alerts[0];
        let mut out = format!(
            "\n## {} {}\n\n- Catches: {}\n- Fires: {}\n- Clears: {}\n",
            statement.id, first.name, statement.catches, statement.fires, statement.clears
        );
        for alert in &alerts {
            out += &format!("\n```promql\n{}\n```\n\n", alert.expression);
            let intent = self.intents.intents.iter().find(|intent| alert.keeps(intent));
            let route = self.route(alert);
            out +=
                &format!("{}{}, team {}: {}.\n", alert.severity, alert.timing(), alert.team, alert.summary);
            if let Some(intent) = intent.filter(|i| !matches!(i.violation, Violation::Never(_))) {
                let (best, worst) = self.budget(alert, intent);
                out += &format!(
                    "Found {best} to {worst} after the violation as configured, told {} to {}; promised: {} and {}.\n",
                    best + route.group_wait,
                    worst + route.group_wait,
                    intent.detect_within,
                    intent.notify_within.expect("every alert is for somebody"),
                );
                let table = boundaries::table(&self.pack, alert, intent);
                if !table.is_empty() {
                    out += &format!("\n{table}");
                }
            }
        }
        let route = self.route(first);
        out += &format!(
            "\nTold: {}. Escalation: {}. Runbook: [{rb}](operations/runbooks/{rb}.md).\n",
            alerts
                .iter()
                .map(|a| format!("`{}`", self.route(a).receiver))
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>()
                .join(", "),
            escalation_of(first, &route.receiver),
            rb = first.runbook,
        );
        if !statement.residuals.is_empty() {
            out += "\n| what it cannot see | remedy |\n|---|---|\n";
            for residual in &statement.residuals {
                out += &format!("| {} | {} |\n", residual.what, residual.remedy);
            }
        }
        out
    }

    fn routes(&self) -> String {
        let mut out = "\n## Who is told\n\nThe first route that matches takes an alert; the first line takes what no other does.\n\n\
                       | route | receiver | reached by | waits | again after | repeated after |\n|---|---|---|---|---|---|\n"
            .to_owned();
        let root = &self.routing.root;
        for route in std::iter::once(root).chain(&root.routes) {
            let matchers: Vec<String> = route.matchers.iter().map(|m| format!("`{m}`")).collect();
            let receiver =
                self.routing.receivers.iter().find(|r| r.name == route.receiver).expect("it is defined");
            let reached: Vec<&str> = receiver.integrations.iter().map(|i| i.description.as_str()).collect();
            out += &format!(
                "| {} | `{}` | {} | {} | {} | {} |\n",
                if matchers.is_empty() { "any".to_owned() } else { matchers.join(", ") },
                route.receiver,
                reached.join(", "),
                route.group_wait,
                route.group_interval,
                route.repeat_interval
            );
        }
        if let GroupBy::Labels(labels) = &root.group_by {
            out += &format!("\nAlerts that agree in {} are one notification.\n", labels.join(", "));
        }
        for rule in &self.routing.inhibit_rules {
            let side = |matchers: &[assurance_metrics_model::Matcher]| {
                matchers.iter().map(|m| format!("`{m}`")).collect::<Vec<_>>().join(", ")
            };
            out += &format!(
                "While {} fires, {} is not told, where both agree in {}.\n",
                side(&rule.source),
                side(&rule.target),
                rule.equal.join(" and ")
            );
        }
        let chains = escalation().unwrap_or_else(|flaws| panic!("{}", flaws[0]));
        out += "That no metrics come inhibits nothing: an alert that fired before stays.\n\n## Escalation\n\n\
                Times count from the first notification. Suspected breaches do not wait for them.\n\n\
                | chain | alerts | after | unless | told |\n|---|---|---|---|---|\n";
        for chain in &chains.chains {
            let matchers: Vec<String> = chain.matchers.iter().map(|m| format!("`{m}`")).collect();
            for step in &chain.steps {
                out += &format!(
                    "| {} | {} | {} | {} | `{}` |\n",
                    chain.name,
                    matchers.join(", "),
                    step.after,
                    step.unless.as_str(),
                    step.notify
                );
            }
        }
        out
    }
}

fn escalation_of(alert: &Alert, receiver: &str) -> String {
    let chains = escalation().unwrap_or_else(|flaws| panic!("{}", flaws[0]));
    let labels = Labels::from_pairs(alert.fixed_labels());
    let Some(chain) = chains.chain(&labels, &[receiver]) else { return "none".to_owned() };
    let step = |step: &assurance_notifier::routing::Step| {
        let not = match step.unless {
            Unless::Acknowledged => "not acknowledged",
            Unless::Resolved => "not resolved",
        };
        format!("{not} after {}: `{}`", step.after, step.notify)
    };
    chain.steps.iter().map(step).collect::<Vec<_>>().join("; ")
}

/// As the heading's link is made.
fn anchor(id: &str, name: &str) -> String {
    format!("{id}-{name}").to_lowercase()
}

fn older() -> String {
    let aliases = aliases().unwrap_or_else(|flaws| panic!("{}", flaws[0]));
    let mut out = "\n## Ids in older documents\n\nThe ids above are the namespace `policy`. \
                   An id that means different alerts is not understood without its namespace.\n\n\
                   | written there | called there | means | without the namespace |\n|---|---|---|---|\n"
        .to_owned();
    let mut all: Vec<_> =
        pack().unwrap_or_else(|flaws| panic!("{}", flaws[0])).alerts.into_iter().map(|a| a.id).collect();
    all.sort_unstable();
    all.dedup();
    let mut rows: Vec<_> = all.iter().flat_map(|id| aliases.elsewhere(id)).collect();
    rows.sort();
    for meaning in rows {
        let bare = match aliases.resolve(&meaning.alias) {
            Ok(id) => id.to_owned(),
            Err(_) => "refused".to_owned(),
        };
        out += &format!(
            "| `{}:{}` | {} | {} | {bare} |\n",
            meaning.namespace, meaning.alias, meaning.called, meaning.id
        );
    }
    out
}

const WHY: &str = "
## Why the rules look as they do

Each of these was a way for an alert to stay silent, or to cry wolf, and is a unit test now.

- A counter that is born with its first event has no increase, and one that restarts and comes back to the same value has none either: what happens once is seen by the time of the last event, which survives a restart.
- An event just before an outage arrives late: its time is looked at for ten minutes, longer than any outage that is allowed for.
- `increase()` extrapolates: five events of the first half minute look like ten, and five on an old counter like 5.04. Counters survive restarts, so what they have grown by is the number of events, and thresholds lie half an event above the number in the policy.
- What has happened within an hour has happened: counts fire at once, and stay for five minutes, so that an event that leaves the hour while another is not yet scraped does not end them.
- One failed scrape ends a series for a moment and would start `for` anew: states are what was seen last, for five minutes.
- The policy counts all gates and all modes together: rules sum before they compare.
- A rule that names the wrong job, label or value never fires: the contract check finds it without a server.
- An override can be created and used between two scrapes: GA-001b sees what GA-001 cannot.
- A quarantine outlasts its alert: GA-002b stays until the bundle is dealt with.
- A backend that does not serve what the alerts read looks like peace: GA-007b tells it.
- A target that is down and then answers with nothing has been away all the time: GA-007 has one form for both.
";
