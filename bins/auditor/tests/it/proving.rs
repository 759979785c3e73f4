use crate::archive::Archive;

#[test]
fn an_event_is_proven_with_nothing_but_the_policy() {
    let archive = Archive::sound();
    let ran = archive.run("prove archive --event mode_changed_4 --out proof");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let proof = archive.read("proof");
    assert_eq!(ran.stderr, format!("assurance-auditor: {} bytes in proof\n", proof.len()));
    insta::assert_snapshot!("proof", proof);
    // The archive is gone, and the proof still stands.
    fs_err::remove_dir_all(archive.dir()).unwrap();
    insta::assert_snapshot!("proven", archive.run("verify-proof proof --policy policy").all());
    insta::assert_snapshot!("proven_json", archive.run("verify-proof proof --policy policy -o json").all());
}

#[test]
fn an_event_is_found_by_its_day_and_line_too() {
    let archive = Archive::sound();
    let by_id = archive.run("prove archive --event mode_changed_2");
    let by_line = archive.run("prove archive --event 2026-01-02:2");
    assert_eq!((by_id.code, &by_id.stdout), (Some(0), &by_line.stdout));
    let of_day = archive.run("prove archive --event mode_changed_2 --day 2026-01-02");
    assert_eq!(of_day.stdout, by_id.stdout);
    for event in ["mode_changed_6", "2026-01-02:4", "2026-01-03:1", "2026-02-01:1"] {
        let ran = archive.run(&format!("prove archive --event {event}"));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{event}: {ran:?}");
    }
    let ran = archive.run("prove archive --event mode_changed_2 --day 2026-01-04");
    assert_eq!(ran.code, Some(2), "{ran:?}");
}

#[test]
fn a_proof_that_was_changed_or_is_of_another_log_exits_with_6() {
    let archive = Archive::sound();
    archive.run("prove archive --event mode_changed_4 --out proof");
    assert_eq!(archive.run("verify-proof proof --policy other-key").code, Some(6));
    let lines: Vec<String> = archive.read("proof").lines().map(str::to_owned).collect();
    for gone in 0..lines.len() {
        let mut left = lines.clone();
        left.remove(gone);
        archive.write("less", &(left.join("\n") + "\n"));
        let ran = archive.run("verify-proof less --policy policy");
        assert!(matches!(ran.code, Some(6 | 8)), "without line {gone}: {ran:?}");
    }
}

#[test]
fn a_proof_without_the_quorum_exits_with_8() {
    let archive = Archive::sound();
    for entry in fs_err::read_dir(archive.path("archive/log/cosignatures")).unwrap() {
        fs_err::remove_file(entry.unwrap().path()).unwrap();
    }
    archive.run("prove archive --event mode_changed_4 --out proof");
    let ran = archive.run("verify-proof proof --policy policy");
    assert_eq!(ran.code, Some(8), "{ran:?}");
    assert_eq!(archive.run("verify-proof proof --policy no-witness").code, Some(0));
}

#[test]
fn nothing_is_proven_from_a_day_that_was_changed() {
    let archive = Archive::sound();
    let events = "archive/hot/audit-2026-01-04.jsonl";
    archive.write(events, &archive.read(events).replace("mode_changed_5", "mode_changed_7"));
    archive.remove("archive/cold/audit-2026-01-04.jsonl.zst");
    for event in ["2026-01-04:2", "mode_changed_7 --day 2026-01-04"] {
        let ran = archive.run(&format!("prove archive --event {event}"));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(6), ""), "{event}: {ran:?}");
    }
}
