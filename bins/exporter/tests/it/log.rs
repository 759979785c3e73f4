use crate::backend::Backend;
use crate::command::{
    assert_sound, contents, day, days_ago, entry, exporter, init, keygen, names, on, ran, read, run,
};

#[test]
fn a_log_is_created_once_on_purpose() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("evidence");
    let made = on(&dir, &["init", "--origin", "example.org/evidence"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    assert_eq!(made.stdout, read(dir.join("log/vkey")));
    assert!(made.stderr.contains("give auditors its key"), "{}", made.stderr);
    assert_eq!(names(&dir), ["log", "state"]);
    assert_sound(&dir, "an empty log");
    let before = contents(&dir);
    let again = on(&dir, &["init"]);
    assert_eq!((again.code, again.stdout.as_str()), (Some(2), ""), "{}", again.stderr);
    assert!(again.stderr.contains("there is a log already, example.org/evidence"), "{}", again.stderr);
    assert_eq!(contents(&dir), before);

    let key = directory.path().join("key");
    keygen(&key);
    let other = directory.path().join("other");
    let key = key.display().to_string();
    let misnamed = on(&other, &["init", "--key", &key, "--origin", "example.org/other"]);
    assert_eq!(misnamed.code, Some(2), "{}", misnamed.stderr);
    assert!(misnamed.stderr.contains("the key is for"), "{}", misnamed.stderr);
    assert!(!other.join("log").exists());
}

#[test]
fn without_a_log_nothing_is_collected_sealed_or_changed() {
    let directory = tempfile::tempdir().unwrap();
    let (dir, key) = (directory.path(), directory.path().join("key"));
    keygen(&key);
    let key = key.display().to_string();
    let before = contents(dir);
    let mut all = String::new();
    for command in [
        &["run", "--backend", "http://127.0.0.1:9"][..],
        &["collect", "--once", "--backend", "http://127.0.0.1:9"],
        &["seal"],
        &["seal", "--dry-run"],
        &["rotate", "--key", &key, "--new-key", &key, "--reason", "r"],
        &["hold", "add", "--id", "i", "--from", "2026-01-01", "--reason", "r", "--by", "b"],
        &["hold", "release", "--id", "i", "--reason", "r", "--by", "b"],
        &["hold", "list"],
        &["prune"],
    ] {
        let refused = on(dir, command);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{command:?}: {}", refused.stderr);
        all.push_str(&refused.stderr.replace(&dir.display().to_string(), "DIR"));
        assert_eq!(contents(dir), before);
        let nowhere = on(&dir.join("nowhere"), command);
        assert_eq!(nowhere.code, Some(2), "{command:?}: {}", nowhere.stderr);
        assert!(nowhere.stderr.contains("assurance-exporter init --dir"), "{}", nowhere.stderr);
    }
    insta::assert_snapshot!(all);
}

#[test]
fn what_is_known_of_a_log_is_never_created_anew() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("evidence");
    let backend = Backend::start();
    backend.write(&entry(1, days_ago(2, 0)));
    assert_eq!(run(&dir, &backend.url).code, Some(0));
    let old = read(dir.join("log/checkpoint"));
    backend.write(&entry(2, days_ago(2, 0)));
    assert_eq!(run(&dir, &backend.url).code, Some(0));
    let sound = contents(&dir);
    let mut all = String::new();
    for (file, content) in [
        ("state/log.json", None),
        ("state/log.json", Some("{}\n")),
        ("state/log.json", Some("")),
        ("state/cursor.json", None),
        ("log/checkpoint", None),
        ("log/checkpoint", Some(old.as_str())),
        ("log/tile/entries/000.p/3", None),
    ] {
        let path = dir.join(file);
        match content {
            None => fs_err::remove_file(&path).unwrap(),
            Some(content) => fs_err::write(&path, content).unwrap(),
        }
        for command in [&["run", "--backend", backend.url.as_str()][..], &["seal"], &["init"]] {
            let before = contents(&dir);
            let refused = on(&dir, command);
            // Of the cursor the log knows nothing: there is one already, and that is all.
            let expected = if file == "state/cursor.json" && command == ["init"] { 2 } else { 6 };
            assert_eq!(refused.code, Some(expected), "{file} {command:?}: {}", refused.stderr);
            assert_eq!(refused.stdout, "");
            // Collecting goes on where only the log is damaged: what is not read now may be gone later.
            let same = contents(&dir) == before;
            assert!(same || command[0] == "run", "{file} {command:?} changed something");
            if command == ["seal"] {
                // Keys and hashes are others every time.
                let said = refused.stderr.replace(&day(days_ago(2, 0)), "DAY");
                all.push_str(&format!("{file}: {}\n", said.split(" leaves and root").next().unwrap()));
            }
        }
        fs_err::write(&path, &sound[&path]).unwrap();
        let whole = run(&dir, &backend.url);
        assert_eq!(whole.code, Some(0), "{file}: {}", whole.stderr);
        assert_sound(&dir, file);
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_dry_run_of_sealing_prints_the_same_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path();
    let backend = Backend::start();
    init(dir);
    for days in [3, 1] {
        backend.write(&entry(1, days_ago(days, 0)));
    }
    assert_eq!(on(dir, &["collect", "--once", "--backend", &backend.url]).code, Some(0));
    let before = contents(dir);
    let dry = on(dir, &["seal", "--grace", "0", "--dry-run"]);
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    assert!(dry.stderr.contains("dry run: nothing is changed"), "{}", dry.stderr);
    assert_eq!(contents(dir), before);
    let variable = ran(exporter().args(["seal", "--grace", "0", "--dir"]).arg(dir).env("DRY_RUN", "true"));
    assert_eq!((variable.code, &variable.stdout), (Some(0), &dry.stdout), "{}", variable.stderr);
    assert_eq!(contents(dir), before);
    let wet = on(dir, &["seal", "--grace", "0"]);
    assert_eq!((wet.code, &wet.stdout), (Some(0), &dry.stdout), "{}", wet.stderr);
    assert_eq!(wet.stdout.lines().count(), 4, "{}", wet.stdout);
    assert_sound(dir, "after the dry runs");
    let again = on(dir, &["seal", "--grace", "0"]);
    assert_eq!((again.code, again.stdout.as_str()), (Some(0), ""));
}

#[test]
fn a_policy_whose_witnesses_did_not_sign_exits_with_8_after_sealing() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("evidence");
    let backend = Backend::start();
    init(&dir);
    backend.write(&entry(1, days_ago(1, 0)));
    let vkey = read(dir.join("log/vkey"));
    let policy = directory.path().join("policy");
    let (none, path) = (format!("log {vkey}quorum none\n"), policy.display().to_string());
    // A witness's key is that of a signed-note cosignature, such as sigsum's.
    let witness = "witness w example.com/witness+1b9a22c5+BP5mvDPpzFJJUqQOJ2CLZXM+T+mjTx/tPkBZnWUzrqnv";
    fs_err::write(&policy, format!("log {vkey}{witness}\nquorum w\n")).unwrap();
    let sealed = on(&dir, &["run", "--grace", "0", "--backend", &backend.url, "--policy", &path]);
    assert_eq!(sealed.code, Some(8), "{}", sealed.stderr);
    assert!(
        sealed.stderr.contains("sealed, but not witnessed: 0 of the policy's witnesses"),
        "{}",
        sealed.stderr
    );
    assert_eq!(sealed.stdout.lines().count(), 2, "{}", sealed.stdout);
    assert_sound(&dir, "sealed, if not witnessed");
    fs_err::write(&policy, none).unwrap();
    assert_eq!(on(&dir, &["seal", "--policy", &path]).code, Some(0));
    fs_err::write(&policy, "quorum\n").unwrap();
    let wrong = on(&dir, &["seal", "--policy", &path]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
    assert!(wrong.stderr.contains(&path), "{}", wrong.stderr);
}
