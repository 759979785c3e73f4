use super::read;
use crate::fixtures::{names, source};

/// Every bad file is refused, and what is said of it names file, line, cause and remedy, and no secret.
#[test]
fn every_fault_is_told_with_place_and_remedy() {
    let names = names("notifier/bad");
    assert!(names.len() >= 50, "{names:?}");
    let mut told = String::new();
    for name in names {
        let problems = assurance_config::load_notify(&source("notifier/bad", &name), "").expect_err(&name);
        for problem in &problems {
            assert!(problem.help.is_some(), "{name}: no remedy in {problem}");
            // What is not there has no line.
            let missing = problem.message.starts_with("there is no route");
            assert!(problem.line().is_some() || missing, "{name}: no line in {problem}");
        }
        told.extend(problems.iter().map(ToString::to_string));
    }
    assert!(!told.contains("never-shown"), "a secret is shown: {told}");
    insta::assert_snapshot!("notify_bad", told);
}

/// Secrets are in no printed form of what was read.
#[test]
fn secrets_have_no_printed_form() {
    for name in names("notifier/good") {
        let loaded = super::good(&name);
        let warnings: String = loaded.warnings.iter().map(ToString::to_string).collect();
        let shown = format!("{loaded:?}{warnings}");
        assert!(!shown.contains("never-shown"), "{name}: {shown}");
    }
}

#[test]
fn too_much_is_refused() {
    let rules = "- {source_matchers: [a=b], target_matchers: [c=d]}\n".repeat(1001);
    let text = format!("route: {{receiver: a}}\nreceivers: [{{name: a}}]\ninhibit_rules:\n{rules}");
    assert_eq!(read(&text).expect_err("too many")[0].message.as_ref(), "there are 1001 inhibition rules");
    let routes = "  - {matchers: [a=b]}\n".repeat(10_000);
    let text = format!("receivers: [{{name: a}}]\nroute:\n  receiver: a\n  routes:\n{routes}");
    assert_eq!(read(&text).expect_err("too many")[0].message.as_ref(), "there are more than 10000 routes");
    let text = format!("receivers: [{{name: a}}]\nroute:\n  receiver: a\n  routes:\n{}", &routes[22..]);
    assert!(read(&text).is_ok(), "one less is taken");
}
