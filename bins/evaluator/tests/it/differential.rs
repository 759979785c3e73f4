//! Random expressions over random samples are answered as by a real Prometheus.

use std::process::Command;

use crate::peers::installed;

/// A small part of `cargo xtask differential`, always the same one.
#[test]
fn random_queries_are_answered_as_by_prometheus() {
    if !installed("prometheus") {
        return;
    }
    let evaluator = env!("CARGO_BIN_EXE_assurance-evaluator");
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "xtask", "--"])
        .args(["differential", "--seed", "3", "--queries", "600", "--ours", evaluator])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo starts");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("600 queries"), "{said}");
}
