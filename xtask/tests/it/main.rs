//! The bans of `.clippy.toml` fail a build.

use std::path::Path;
use std::process::Command;

/// Lints a crate of one function with this repository's bans; returns whether it passes, and what clippy said.
fn lint(code: &str) -> (bool, String) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let write = |path: &str, text: &str| fs_err::write(dir.path().join(path), text).expect("written");
    fs_err::create_dir(dir.path().join("src")).expect("created");
    write("Cargo.toml", "[package]\nname = \"banned\"\nedition = \"2024\"\n[workspace]\n");
    write("src/lib.rs", code);
    fs_err::copy(root.join(".clippy.toml"), dir.path().join(".clippy.toml")).expect("copied");
    let output = Command::new(env!("CARGO"))
        .args(["clippy", "--quiet", "--offline", "--", "-D", "warnings"])
        .current_dir(dir.path())
        .env("CARGO_TARGET_DIR", dir.path().join("target"))
        .output()
        .expect("cargo runs");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn the_ambient_world_is_banned() {
    let (passes, said) = lint("//! Clean.\n/// One.\npub fn one() -> u32 {\n    1\n}\n");
    assert!(passes, "{said}");
    for (code, banned) in [
        ("pub fn f() -> std::time::SystemTime {\n    std::time::SystemTime::now()\n}\n", "SystemTime::now"),
        ("pub fn f() -> std::time::Instant {\n    std::time::Instant::now()\n}\n", "Instant::now"),
        ("pub fn f() -> Option<Vec<u8>> {\n    std::fs::read(\"x\").ok()\n}\n", "std::fs::read"),
        ("pub fn f() -> Option<String> {\n    std::env::var(\"HOSTNAME\").ok()\n}\n", "std::env::var"),
        ("pub fn f(_file: &std::fs::File) {}\n", "std::fs::File"),
    ] {
        let (passes, said) = lint(code);
        assert!(!passes && said.contains("use of a disallowed") && said.contains(banned), "{banned}: {said}");
    }
}
