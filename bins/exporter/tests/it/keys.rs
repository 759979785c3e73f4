use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::backend::Backend;
use crate::command::{assert_sound, contents, days_ago, entry, exporter, init, keygen, on, ran, read, run};

fn mode(file: &Path) -> u32 {
    fs_err::metadata(file).expect("it is there").permissions().mode() & 0o777
}

fn set_mode(file: &Path, mode: u32) {
    fs_err::set_permissions(file, std::fs::Permissions::from_mode(mode)).expect("it is ours");
}

#[test]
fn a_key_is_made_for_its_owner_alone_and_never_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("log.key");
    let made = ran(exporter().args(["keygen", "--origin", "example.org/evidence"]).arg(&file));
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    assert!(made.stdout.starts_with("example.org/evidence+"), "{}", made.stdout);
    assert_eq!(made.stdout.lines().count(), 1);
    assert_eq!(mode(&file), 0o600);
    let secret = read(&file);
    assert!(secret.starts_with("PRIVATE+KEY+example.org/evidence+"), "not a signed-note key");
    assert!(!made.stdout.contains(secret.trim_end().rsplit('+').next().unwrap()));

    let again = ran(exporter().arg("keygen").arg(&file));
    assert_eq!((again.code, again.stdout.as_str()), (Some(2), ""), "{}", again.stderr);
    assert!(again.stderr.contains("a key is never overwritten"), "{}", again.stderr);
    assert_eq!(read(&file), secret);
    assert_ne!(keygen(&directory.path().join("other.key")), keygen(&directory.path().join("third.key")));

    let nowhere = ran(exporter().arg("keygen").arg(directory.path().join("nowhere/log.key")));
    assert_eq!(nowhere.code, Some(5), "{}", nowhere.stderr);
    let nameless = ran(exporter().args(["keygen", "--origin", "a b"]).arg(directory.path().join("k")));
    assert_eq!(nameless.code, Some(2), "{}", nameless.stderr);
    assert!(!directory.path().join("k").exists());
}

#[test]
fn a_key_that_others_may_read_is_refused_before_anything_is_done() {
    let directory = tempfile::tempdir().unwrap();
    let (dir, key) = (directory.path().join("evidence"), directory.path().join("log.key"));
    let backend = Backend::start();
    keygen(&key);
    let key = key.display().to_string();
    for open in [0o640, 0o604, 0o660, 0o620] {
        set_mode(Path::new(&key), open);
        let refused = on(&dir, &["init", "--key", &key]);
        assert_eq!(refused.code, Some(2), "{open:o}: {}", refused.stderr);
        assert!(refused.stderr.contains(&format!("chmod 600 {key}")), "{}", refused.stderr);
        assert!(refused.stderr.contains(&format!("mode {open:03o}")), "{}", refused.stderr);
    }
    set_mode(Path::new(&key), 0o600);
    assert_eq!(on(&dir, &["init", "--key", &key]).code, Some(0));
    assert!(!dir.join("state/log.key").exists(), "the key stays where it is");
    backend.write(&entry(1, days_ago(1, 0)));
    let before = contents(&dir);
    set_mode(Path::new(&key), 0o644);
    for command in [
        &["run", "--backend", backend.url.as_str(), "--key", &key][..],
        &["seal", "--key", &key],
        &["rotate", "--key", &key, "--new-key", &key, "--reason", "r"],
        &["hold", "add", "--key", &key, "--id", "i", "--from", "2026-01-01", "--reason", "r", "--by", "b"],
    ] {
        let refused = on(&dir, command);
        assert_eq!(refused.code, Some(2), "{command:?}: {}", refused.stderr);
        assert!(refused.stderr.contains("chmod 600"), "{}", refused.stderr);
        assert_eq!(contents(&dir), before, "{command:?}");
    }
    set_mode(Path::new(&key), 0o400);
    let sealed = on(&dir, &["run", "--grace", "0", "--backend", &backend.url, "--key", &key]);
    assert_eq!(sealed.code, Some(0), "{}", sealed.stderr);
    assert_sound(&dir, "with a key elsewhere");
}

#[test]
fn a_key_that_is_none_or_is_not_there_is_named_and_never_shown() {
    let directory = tempfile::tempdir().unwrap();
    let (dir, key) = (directory.path().join("evidence"), directory.path().join("log.key"));
    let path = key.display().to_string();
    let missing = on(&dir, &["init", "--key", &path]);
    assert_eq!(missing.code, Some(2), "{}", missing.stderr);
    assert!(missing.stderr.contains(&path) && missing.stderr.contains("keygen"), "{}", missing.stderr);
    keygen(&key);
    let secret = read(&key);
    fs_err::write(&key, secret.replace("PRIVATE", "PRIVAT")).unwrap();
    let none = on(&dir, &["init", "--key", &path]);
    assert_eq!(none.code, Some(2), "{}", none.stderr);
    let hidden = secret.trim_end().rsplit('+').next().unwrap();
    assert!(none.stderr.contains(&path) && !none.stderr.contains(hidden), "{}", none.stderr);
}

#[test]
fn the_key_is_found_among_the_credentials_of_a_service() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("evidence");
    let credentials = directory.path().join("credentials");
    fs_err::create_dir(&credentials).unwrap();
    let public = keygen(&credentials.join("log-key"));
    let made = ran(exporter().arg("init").arg("--dir").arg(&dir).env("CREDENTIALS_DIRECTORY", &credentials));
    assert_eq!((made.code, made.stdout.trim_end()), (Some(0), public.as_str()), "{}", made.stderr);
    assert!(!dir.join("state/log.key").exists());
    let backend = Backend::start();
    backend.write(&entry(1, days_ago(1, 0)));
    let collect = on(&dir, &["collect", "--once", "--backend", &backend.url]);
    assert_eq!(collect.code, Some(0), "collecting needs no key: {}", collect.stderr);
    let keyless = on(&dir, &["seal", "--grace", "0"]);
    assert_eq!(keyless.code, Some(2), "{}", keyless.stderr);
    let mut seal = exporter();
    seal.args(["seal", "--grace", "0", "--dir"]).arg(&dir).env("CREDENTIALS_DIRECTORY", &credentials);
    let sealed = ran(&mut seal);
    assert_eq!(sealed.code, Some(0), "{}", sealed.stderr);
    assert_sound(&dir, "with a credential");
}

#[test]
fn after_a_rotation_the_new_key_signs_and_an_auditor_with_the_old_one_follows() {
    let directory = tempfile::tempdir().unwrap();
    let (dir, new) = (directory.path().join("evidence"), directory.path().join("new.key"));
    let backend = Backend::start();
    backend.write(&entry(1, days_ago(2, 0)));
    assert_eq!(run(&dir, &backend.url).code, Some(0));
    let public = keygen(&new);
    let new = new.display().to_string();
    let rotated = on(&dir, &["rotate", "--new-key", &new, "--reason", "yearly"]);
    assert_eq!((rotated.code, rotated.stdout.trim_end()), (Some(0), public.as_str()), "{}", rotated.stderr);
    assert_eq!(read(dir.join("log/checkpoint")).matches('—').count(), 2, "both keys sign the passing");
    assert_sound(&dir, "after the rotation");

    backend.write(&entry(2, days_ago(2, 0)));
    let old = run(&dir, &backend.url);
    assert_eq!(old.code, Some(2), "{}", old.stderr);
    assert!(old.stderr.contains("is not the log's"), "{}", old.stderr);
    assert!(old.stderr.contains(&public), "{}", old.stderr);
    let sealed = on(&dir, &["seal", "--grace", "0", "--key", &new]);
    assert_eq!(sealed.code, Some(0), "{}", sealed.stderr);
    assert!(sealed.stdout.contains("supplement-1.jsonl.zst"), "{}", sealed.stdout);
    assert_eq!(read(dir.join("log/checkpoint")).matches('—').count(), 1);
    assert_sound(&dir, "under the new key");
    // Back to the first one: nobody else's would do.
    let first = dir.join("state/log.key").display().to_string();
    let stolen = on(&dir, &["rotate", "--key", &first, "--new-key", &first, "--reason", "r"]);
    assert_eq!(stolen.code, Some(2), "{}", stolen.stderr);
}

#[test]
fn a_log_whose_key_is_lost_is_gone_on_from_in_a_new_directory() {
    let directory = tempfile::tempdir().unwrap();
    let (old, new) = (directory.path().join("old"), directory.path().join("new"));
    let backend = Backend::start();
    backend.write(&entry(1, days_ago(1, 0)));
    assert_eq!(run(&old, &backend.url).code, Some(0));
    let last = old.join("log/checkpoint").display().to_string();
    let reasonless = on(&new, &["init", "--succeeds", &last]);
    assert_eq!(reasonless.code, Some(2), "{}", reasonless.stderr);
    let none = on(&new, &["init", "--reason", "r", "--succeeds", "/dev/null"]);
    assert_eq!(none.code, Some(2), "{}", none.stderr);
    assert!(!new.join("log/checkpoint").exists());
    let made = on(&new, &["init", "--succeeds", &last, "--reason", "the key was lost with its disk"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    init(&new);
    backend.write(&entry(2, days_ago(1, 1)));
    assert_eq!(run(&new, &backend.url).code, Some(0));
    assert_sound(&new, "the new log");
    let bundle = fs_err::read(new.join("log/tile/entries/000.p/1")).unwrap();
    let bundle = String::from_utf8_lossy(&bundle);
    let checkpoint = read(&last);
    assert!(bundle.contains(checkpoint.lines().nth(2).unwrap()), "it commits to the old log's root");
}
