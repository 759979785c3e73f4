//! Another implementation reads what ours wrote: the log of the Go project's checksum database.

use std::process::Command;

use crate::archive::{Archive, Ran, exists, repository};

/// Where Debian's golang-golang-x-mod-dev puts its sources.
const GOPATH: &str = "/usr/share/gocode";

fn sumdb(archive: &Archive, key: &str, proof: &str) -> Ran {
    let mut command = Command::new("go");
    command.arg("run").arg(repository().join("fixtures/interop/sumdb.go"));
    command.arg(key).arg(archive.dir().join("log")).arg(archive.path(proof));
    command.env("GO111MODULE", "off").env("GOPATH", GOPATH).env("GOFLAGS", "");
    command.env("GOCACHE", archive.path("go-cache"));
    command.output().expect("go runs").into()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whoever requires the peers says so in the environment")]
fn go_reads_the_log_and_the_proof() {
    if !exists("go") || !std::path::Path::new(GOPATH).join("src/golang.org/x/mod/sumdb").exists() {
        let required = std::env::var("ASSURANCE_REQUIRE_PEERS").is_ok_and(|value| value == "1");
        assert!(!required, "golang-go or golang-golang-x-mod-dev is not installed");
        return;
    }
    let archive = Archive::sound();
    archive.run("prove archive --event mode_changed_4 --out proof");
    let key = archive.read("archive/log/vkey");
    let ran = sumdb(&archive, key.trim(), "proof");
    let expected = "4 entries are in the tree\n4 checkpoints are its beginnings\nthe proof shows entry 3\n";
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), expected), "{ran:?}");

    let proof = archive.read("proof").replace("\nindex 3\n", "\nindex 2\n");
    archive.write("moved", &proof);
    let ran = sumdb(&archive, key.trim(), "moved");
    assert_eq!(ran.code, Some(1), "{ran:?}");
}
