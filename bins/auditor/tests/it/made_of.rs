//! An auditor must be able to believe that the program talks to nobody.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::archive::{exists, repository};

/// What talks to a network, or waits for one.
const NETWORK: &[&str] = &[
    "async-std",
    "axum",
    "curl",
    "h2",
    "http",
    "hyper",
    "hyper-rustls",
    "hyper-util",
    "isahc",
    "mio",
    "native-tls",
    "openssl",
    "openssl-sys",
    "quinn",
    "reqwest",
    "rustls",
    "smol",
    "socket2",
    "surf",
    "tokio",
    "tokio-rustls",
    "tower",
    "tungstenite",
    "ureq",
    "assurance-runtime",
    "assurance-web",
    "assurance-sinks",
];

fn tree() -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", "assurance-auditor", "--edges", "normal,build", "--target", "all"])
        .args(["--prefix", "none", "--format", "{p}", "--offline", "--locked"])
        .current_dir(repository())
        .output()
        .expect("cargo runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn there_is_no_network_in_the_tree() {
    let tree = tree();
    // So that a misspelt question does not pass for an answer.
    for known in ["assurance-auditor", "assurance-evidence", "assurance-tlog", "sha2", "zstd-sys"] {
        assert!(tree.contains(known), "{known} is not in {tree:?}");
    }
    let found: Vec<&str> = NETWORK.iter().copied().filter(|name| tree.contains(*name)).collect();
    assert_eq!(found, [""; 0]);
}

#[test]
fn none_of_our_own_sources_in_it_opens_a_socket() {
    let mut read = 0;
    for room in tree().iter().filter_map(|name| name.strip_prefix("assurance-")) {
        let place = if room == "auditor" { "bins" } else { "crates" };
        let mut left = vec![repository().join(place).join(room).join("src")];
        while let Some(directory) = left.pop() {
            for entry in fs_err::read_dir(directory).expect("listed") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    left.push(path);
                    continue;
                }
                let text = fs_err::read_to_string(&path).expect("text");
                read += 1;
                for socket in ["std::net", "unix::net", "rustix::net", "TcpStream", "UdpSocket"] {
                    assert!(!text.contains(socket), "{} has {socket}", path.display());
                }
            }
        }
    }
    assert!(read > 40, "only {read} sources were read");
}

#[test]
fn it_builds_as_a_static_binary() {
    const TARGET: &str = "x86_64-unknown-linux-musl";
    let installed = Command::new("rustup").args(["target", "list", "--installed"]).output();
    let has_target = installed.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(TARGET));
    if !has_target || !exists("musl-gcc") {
        eprintln!("skipped: the target {TARGET} or musl-tools are not installed");
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--package", "assurance-auditor", "--target", TARGET, "--offline", "--locked"])
        .env("CARGO_TARGET_DIR", directory.path())
        .env("CC_x86_64_unknown_linux_musl", "musl-gcc")
        .current_dir(repository())
        .status()
        .expect("cargo runs");
    assert!(built.success());
    let binary = directory.path().join(TARGET).join("debug/assurance-auditor");
    assert!(!wants_an_interpreter(&binary), "it is linked dynamically");
}

/// Whether an ELF file of 64 bits asks for a dynamic linker: a program header of type 3.
fn wants_an_interpreter(binary: &Path) -> bool {
    let bytes = fs_err::read(binary).expect("a binary");
    let number = |at: usize, length: usize| {
        bytes[at..at + length].iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    };
    let (start, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    (0..count).any(|header| number(start + header * size, 4) == 3)
}

#[test]
fn an_interpreter_is_seen() {
    let own = std::env::current_exe().expect("this test is a file");
    assert!(wants_an_interpreter(&own), "tests are linked dynamically");
}
