//! Who may depend on whom: the one table that the crate graph is held to.

use std::collections::{BTreeMap, BTreeSet};

/// A room (or binary) and the rooms it may depend on. What those may depend on, it may as well; every room
/// may depend on `diagnostics`. Rooms that do not exist yet stand here already: the design names them.
pub(crate) const ARROWS: &[(&str, &[&str])] = &[
    // 0: know nobody
    ("metrics-model", &[]),
    ("diagnostics", &[]),
    ("template", &[]),
    ("tlog", &[]),
    ("storage", &[]),
    // 1
    ("exposition", &["metrics-model"]),
    ("promql", &["metrics-model"]),
    ("remote-write", &["metrics-model"]),
    ("tsdb", &["metrics-model", "storage"]),
    ("notifier", &["metrics-model", "template"]),
    ("journal", &["tlog", "storage"]),
    ("evidence", &["tlog", "storage", "exposition"]),
    // Its wall clock shows a `Timestamp`, which whoever drives a machine by it passes on.
    ("disk", &["storage", "metrics-model"]),
    // 2
    ("scrape", &["exposition"]),
    ("promqltest", &["promql"]),
    // 3
    ("rules", &["promql", "promqltest", "template"]),
    // 4
    ("config", &["scrape", "rules", "notifier"]),
    ("pipeline", &["scrape", "tsdb", "rules", "notifier", "journal"]),
    ("policy", &["rules", "notifier", "config"]),
    ("lint", &["policy", "config", "notifier", "rules"]),
    // 5
    ("simulator", &["pipeline", "evidence"]),
    ("web", &["pipeline", "evidence", "remote-write"]),
    // 6
    ("prover", &["simulator", "policy"]),
    ("tabletop", &["simulator", "policy"]),
    // 7
    ("brain-http", &["simulator"]),
    ("control-cell", &["tabletop"]),
    ("receivers", &["notifier"]),
    ("sinks", &["evidence"]),
    // 8
    ("runtime", &["config", "pipeline", "web", "receivers", "sinks"]),
    ("evaluator", &["runtime", "disk", "policy", "lint", "prover", "brain-http", "evidence"]),
    ("exporter", &["runtime", "disk", "evidence", "sinks"]),
    ("facilitator", &["runtime", "disk", "tabletop", "control-cell", "brain-http"]),
    ("auditor", &["evidence", "disk"]),
];

/// A third party and the rooms that may depend on it; binaries are rooms here too.
pub(crate) const DOORS: &[(&str, &[&str])] = &[
    ("promql-parser", &["promql"]),
    ("yaml_serde", &["diagnostics", "xtask"]),
    ("saphyr-parser", &["diagnostics"]),
    ("gotmpl", &["template"]),
    ("rustix", &["disk"]),
    ("fs-err", &["disk", "runtime", "evaluator", "exporter", "facilitator", "auditor", "xtask"]),
    ("tokio", EDGE),
    ("hyper", EDGE),
    ("hyper-util", EDGE),
    ("hyper-rustls", EDGE),
    ("axum", EDGE),
    ("rustls", EDGE),
    ("tokio-rustls", EDGE),
    ("http", EDGE),
    ("http-body-util", EDGE),
    ("tower", EDGE),
];

/// The rooms that touch the outside world, or carry its types.
const EDGE: &[&str] = &[
    "web",
    "brain-http",
    "control-cell",
    "receivers",
    "sinks",
    "runtime",
    "evaluator",
    "exporter",
    "facilitator",
];

/// One package of the workspace with its direct dependencies, by name.
#[derive(Debug)]
pub(crate) struct Package {
    /// Without the `assurance-` prefix.
    pub(crate) name: String,
    /// Normal and build dependencies.
    pub(crate) dependencies: Vec<String>,
    /// Dependencies of tests and benches alone.
    pub(crate) dev_dependencies: Vec<String>,
}

const PREFIX: &str = "assurance-";

/// Compares the crate graph with the two tables; one finding a line.
///
/// Tests may lean on any room below the edge, since what they need is not shipped, but a core room's tests
/// may not pull the edge in.
pub(crate) fn check(packages: &[Package]) -> Vec<String> {
    let mut findings = Vec::new();
    let allowed = closure();
    for package in packages.iter().filter(|p| p.name != "xtask") {
        let Some(may) = allowed.get(package.name.as_str()) else {
            findings.push(format!(
                "{}: this room is not in the table of arrows (xtask/src/arrows.rs)",
                package.name
            ));
            continue;
        };
        for dependency in package.dependencies.iter().filter_map(|d| d.strip_prefix(PREFIX)) {
            if dependency != "diagnostics" && !may.contains(dependency) {
                findings.push(format!(
                    "{} ─▶ {dependency}: no such arrow in the table; move the code, or argue for the arrow in docs/architecture.md and add it to xtask/src/arrows.rs",
                    package.name
                ));
            }
        }
        let core = !EDGE.contains(&package.name.as_str()) && package.name != "disk";
        for dependency in package.dev_dependencies.iter().filter_map(|d| d.strip_prefix(PREFIX)) {
            if core && EDGE.contains(&dependency) {
                findings.push(format!(
                    "{} ─▶ {dependency}: tests of a core room may not need the edge",
                    package.name
                ));
            }
        }
        for (third_party, rooms) in DOORS {
            let depends = package.dependencies.iter().any(|d| d == third_party);
            if depends && !rooms.contains(&package.name.as_str()) {
                findings.push(format!(
                    "{} ─▶ {third_party}: only {} may depend on it",
                    package.name,
                    rooms.join(", ")
                ));
            }
        }
    }
    findings
}

/// For each room the rooms it may depend on, directly or through others.
fn closure() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    // The table is sorted from the bottom up, so each row's targets are complete when it is reached; `runtime`
    // and the binaries come last.
    for (room, targets) in ARROWS {
        let mut reached: BTreeSet<&str> = targets.iter().copied().collect();
        for target in *targets {
            match all.get(target) {
                Some(further) => reached.extend(further),
                None => panic!("{room} ─▶ {target}: the table must list {target} first"),
            }
        }
        all.insert(room, reached);
    }
    all
}

/// The table as Markdown, for docs/architecture.md.
pub(crate) fn table() -> String {
    let mut out = String::from("| room | may depend on |\n| --- | --- |\n");
    for (room, targets) in ARROWS {
        let targets = if targets.is_empty() { "nobody".to_owned() } else { targets.join(", ") };
        out.push_str(&format!("| {room} | {targets} |\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[&str], dev: &[&str]) -> Package {
        let owned = |all: &[&str]| all.iter().map(ToString::to_string).collect();
        Package { name: name.to_owned(), dependencies: owned(dependencies), dev_dependencies: owned(dev) }
    }

    #[test]
    fn arrows_in_the_table_and_through_it_are_fine() {
        let packages = [
            package("rules", &["assurance-promql", "assurance-metrics-model", "assurance-diagnostics"], &[]),
            package("web", &["axum", "tokio"], &["assurance-brain-http"]),
        ];
        assert_eq!(check(&packages), [""; 0]);
    }

    #[test]
    fn an_arrow_that_the_table_lacks_is_found() {
        let findings = check(&[package("promql", &["assurance-rules"], &[])]);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("promql ─▶ rules: no such arrow"), "{findings:?}");
    }

    #[test]
    fn a_third_party_through_the_wrong_door_is_found() {
        let findings = check(&[package("rules", &["promql-parser", "tokio"], &[])]);
        assert_eq!(findings.len(), 2);
        assert_eq!(findings[0], "rules ─▶ promql-parser: only promql may depend on it");
    }

    #[test]
    fn a_core_room_may_not_test_through_the_edge() {
        let findings = check(&[package("rules", &[], &["assurance-web", "assurance-tsdb"])]);
        assert_eq!(findings, ["rules ─▶ web: tests of a core room may not need the edge"]);
    }

    #[test]
    fn a_room_without_a_row_is_found() {
        assert_eq!(check(&[package("utils", &[], &[])]).len(), 1);
    }
}
