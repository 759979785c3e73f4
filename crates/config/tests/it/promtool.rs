use std::process::Command;

use crate::fixtures::{directory, names, source};

/// Files on which promtool 2.42 differs from us, and why.
const DIFFERENT: [(&str, &str); 6] = [
    ("prometheus-3.yml", "its keys are younger"),
    ("alertmanager_api-version.yml", "we do not speak v1"),
    ("global_metric-name-escaping-scheme.yml", "its keys are younger"),
    ("proxy-url_not-supported.yml", "we make requests without a proxy"),
    ("remote-write_not-supported.yml", "we do not send samples on"),
    ("tls-config_version.yml", "we do not speak TLS 1.1"),
];

/// promtool accepts what we accept, and refuses what we refuse.
#[test]
fn verdicts_agree_with_promtool() {
    let Ok(version) = Command::new("promtool").arg("--version").output() else {
        eprintln!("skipped: promtool is not installed");
        return;
    };
    if !String::from_utf8_lossy(&version.stdout).contains("version 2.") {
        eprintln!("skipped: the list of differences is for promtool 2");
        return;
    }
    for kind in ["config/good", "config/bad"] {
        for name in names(kind) {
            if DIFFERENT.iter().any(|(different, _)| *different == name) {
                continue;
            }
            let ours = assurance_config::load(&source(kind, &name), "").is_ok();
            let theirs = Command::new("promtool")
                .args(["check", "config", "--syntax-only"])
                .arg(directory(kind).join(&name))
                .output()
                .expect("promtool runs");
            let said = String::from_utf8_lossy(&theirs.stderr);
            assert_eq!(ours, theirs.status.success(), "{kind}/{name}: promtool says {said}");
        }
    }
}
