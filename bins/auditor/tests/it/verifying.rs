use std::process::Command;

use crate::archive::{Archive, NOW, Ran, exists};

const EVENTS: &str = "archive/hot/audit-2026-01-04.jsonl";

#[test]
fn what_is_sound_exits_with_0() {
    let archive = Archive::sound();
    let ran = archive.verify("--policy policy --since kept --max-age 26h");
    insta::assert_snapshot!("sound", ran.all());
    insta::assert_snapshot!("sound_json", archive.verify("--policy policy -o json").all());
    // Without a policy the archive's own key is taken, and that is said.
    let ran = archive.verify("");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("unpinned-key"), "{ran:?}");
    // A directory can be given either way.
    assert_eq!(archive.run(&format!("verify --dir archive --at {NOW} --policy policy")).code, Some(0));
}

#[test]
fn a_changed_line_exits_with_6_and_is_named() {
    let archive = Archive::sound();
    let sealed = archive.read(EVENTS);
    archive.write(EVENTS, &sealed.replace("mode_changed_5", "mode_kept_the_same_5"));
    insta::assert_snapshot!("changed_line", archive.verify("--policy policy").all());
    insta::assert_snapshot!("changed_line_json", archive.verify("--policy policy -o json").all());
}

#[test]
fn events_that_may_be_missing_exit_with_7() {
    let archive = Archive::of(&[2, 6], 3);
    insta::assert_snapshot!("gap", archive.verify("--policy policy").all());
}

#[test]
fn a_seal_that_is_too_old_exits_with_7() {
    let archive = Archive::sound();
    assert_eq!(archive.verify("--policy policy --max-age 26h").code, Some(0));
    let ran = archive.verify("--policy policy --max-age 30m");
    assert_eq!(ran.code, Some(7), "{ran:?}");
    assert!(ran.stdout.contains("incomplete: log/checkpoint: stale: "), "{ran:?}");
}

#[test]
fn without_the_quorum_it_exits_with_8() {
    let archive = Archive::sound();
    for entry in fs_err::read_dir(archive.path("archive/log/cosignatures")).unwrap() {
        fs_err::remove_file(entry.unwrap().path()).unwrap();
    }
    insta::assert_snapshot!("unwitnessed", archive.verify("--policy policy").all());
    assert_eq!(archive.verify("--policy no-witness").code, Some(0));
}

#[test]
fn another_key_than_the_policys_exits_with_6() {
    let ran = Archive::sound().verify("--policy other-key");
    assert_eq!(ran.code, Some(6), "{ran:?}");
    assert!(ran.stdout.contains("log/checkpoint: key-swap: "), "{ran:?}");
}

#[test]
fn a_log_that_was_rolled_back_is_told_by_what_was_kept() {
    let archive = Archive::of(&[1, 1, 1, 1], 1000);
    archive.write("newest", &archive.read("archive/log/checkpoint"));
    archive.write("archive/log/checkpoint", &archive.read("archive/log/checkpoints/4"));
    archive.remove("archive/log/checkpoints/5");
    for entry in fs_err::read_dir(archive.path("archive/log/cosignatures")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("5.") {
            fs_err::remove_file(path).unwrap();
        }
    }
    assert_eq!(archive.verify("--policy policy").code, Some(0), "nothing there knows better");
    let ran = archive.verify("--policy policy --since newest");
    assert_eq!(ran.code, Some(6), "{ran:?}");
    assert!(ran.stdout.contains("the checkpoint kept from before: rolled-back: "), "{ran:?}");
}

#[test]
fn wrong_command_lines_and_policies_exit_with_2() {
    let archive = Archive::sound();
    archive.write("broken", "log nonsense\n");
    let ran: Vec<String> = [
        "",
        "verify",
        "verify archive --max-age soon",
        "verify archive --at yesterday",
        "verify archive --policy broken",
        "verify archive --policy none",
        "verify archive --since none",
        "verify archive --output xml",
    ]
    .iter()
    .map(|words| {
        let ran = archive.run(words);
        assert_eq!(ran.code, Some(2), "{words}: {ran:?}");
        format!("$ assurance-auditor {words}\n{}", ran.stderr)
    })
    .collect();
    insta::assert_snapshot!("wrong", ran.join("\n"));
}

#[test]
fn what_cannot_be_read_exits_with_5() {
    let archive = Archive::sound();
    let ran = archive.run("verify nowhere");
    assert_eq!(ran.code, Some(5), "{ran:?}");
    // A directory in a file's place.
    archive.remove(EVENTS);
    fs_err::create_dir(archive.path(EVENTS)).unwrap();
    let ran = archive.verify("--policy policy");
    assert!(ran.code == Some(5) || ran.code == Some(6), "{ran:?}");
}

#[test]
fn verifying_changes_nothing() {
    let archive = Archive::sound();
    let listing = |archive: &Archive| -> Vec<(String, u64, std::time::SystemTime)> {
        let mut all = Vec::new();
        let mut left = vec![archive.dir()];
        while let Some(directory) = left.pop() {
            for entry in fs_err::read_dir(directory).unwrap() {
                let entry = entry.unwrap();
                let metadata = entry.metadata().unwrap();
                if metadata.is_dir() {
                    left.push(entry.path());
                }
                let name = entry.path().to_string_lossy().into_owned();
                all.push((name, metadata.len(), metadata.modified().unwrap()));
            }
        }
        all.sort();
        all
    };
    let before = listing(&archive);
    archive.verify("--policy policy");
    archive.run("prove archive --event mode_changed_1");
    archive.run("show archive");
    assert_eq!(listing(&archive), before);
}

#[test]
fn progress_is_drawn_on_a_terminal_only() {
    let archive = Archive::sound();
    assert_eq!(archive.verify("--policy policy").stderr.matches('\r').count(), 0);
    if !exists("script") {
        eprintln!("skipped: script(1), which gives a terminal, is not here");
        return;
    }
    let line =
        format!("{} verify archive --at {NOW} --policy policy", env!("CARGO_BIN_EXE_assurance-auditor"));
    let ran = Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .current_dir(archive.path("."))
        .output()
        .unwrap();
    let ran = Ran::from(ran);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("\r1 of 3 days"), "{ran:?}");
}
