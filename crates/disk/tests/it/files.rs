use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use assurance_disk::{Disk, WallClock};
use assurance_metrics_model::Timestamp;
use assurance_storage::{Storage, StorageErrorKind};

fn mode(path: &Path) -> u32 {
    fs_err::metadata(path).expect("there").permissions().mode() & 0o7777
}

#[test]
fn a_real_directory_keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    crate::contract::check(&Disk::open(directory.path()).unwrap());
}

#[test]
fn named_temporaries_keep_the_contract_and_leave_no_litter() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    crate::contract::check(&Disk::open(root).unwrap().with_named_temporaries());
    for below in ["published", "replaced"] {
        for entry in fs_err::read_dir(root.join(below)).unwrap() {
            let name = entry.unwrap().file_name();
            assert!(!name.to_string_lossy().starts_with(".tmp-"), "{name:?}");
        }
    }
}

#[test]
fn a_left_over_temporary_file_is_taken_away_and_never_shown() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Disk::open(directory.path()).unwrap().with_named_temporaries();
    for name in ["day", "cursor"] {
        fs_err::write(directory.path().join(format!(".tmp-{name}")), "half").unwrap();
    }
    assert_eq!(disk.list("").unwrap(), []);
    disk.publish("day", &mut &b"whole"[..]).unwrap();
    disk.replace("cursor", b"1").unwrap();
    assert_eq!(disk.read("day", 10).unwrap(), b"whole");
    assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 2);
}

#[test]
fn a_missing_root_is_created_with_its_parents_or_named() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("a/b/evidence");
    let error = Disk::open(&root).unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(error.name, root.display().to_string());
    Disk::create(&root).unwrap().publish("hot/day", &mut &b"x"[..]).unwrap();
    Disk::create(&root).unwrap();
    assert_eq!(fs_err::read(root.join("hot/day")).unwrap(), b"x");
}

#[test]
fn modes_are_640_and_750_less_the_umask() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("evidence");
    let disk = Disk::create(&root).unwrap();
    disk.publish("hot/day", &mut &b"x"[..]).unwrap();
    disk.replace("state/cursor", b"x").unwrap();
    disk.open_append("state/open").unwrap();
    // The umask can only be read by setting it, so it is taken from what the system made of another file.
    let umask = 0o777 & !mode_of_fresh_directory(directory.path());
    for file in ["hot/day", "state/cursor", "state/open"] {
        assert_eq!(mode(&root.join(file)), 0o640 & !umask, "{file}");
    }
    for below in ["", "hot", "state"] {
        assert_eq!(mode(&root.join(below)), 0o750 & !umask, "{below}");
    }
}

fn mode_of_fresh_directory(parent: &Path) -> u32 {
    let path = parent.join("fresh");
    fs_err::create_dir(&path).expect("created");
    mode(&path)
}

#[test]
fn links_pipes_and_directories_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let root = directory.path();
    let disk = Disk::open(root).unwrap();
    fs_err::write(outside.path().join("secret"), "secret").unwrap();
    symlink(outside.path().join("secret"), root.join("link")).unwrap();
    symlink(outside.path(), root.join("hot")).unwrap();
    fs_err::create_dir(root.join("dir")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(root.join("pipe")).status().unwrap().success());

    let not_regular = |kind: StorageErrorKind| matches!(kind, StorageErrorKind::NotRegular { .. });
    assert!(not_regular(disk.read("link", 100).unwrap_err().kind));
    assert!(not_regular(disk.open_append("link").unwrap_err().kind));
    assert!(not_regular(disk.lock("link").unwrap_err().kind));
    assert!(not_regular(disk.read("hot/secret", 100).unwrap_err().kind));
    assert!(not_regular(disk.publish("hot/day", &mut &b"x"[..]).unwrap_err().kind));
    assert!(not_regular(disk.list("hot").unwrap_err().kind));
    assert!(not_regular(disk.read("dir", 100).unwrap_err().kind));
    assert!(not_regular(disk.read("pipe", 100).unwrap_err().kind));
    assert!(disk.publish("link", &mut &b"x"[..]).unwrap_err().is_already_exists());
    // Replacing puts a file in the place of the link and leaves what it pointed to alone.
    disk.replace("link", b"mine").unwrap();
    assert_eq!(fs_err::read_to_string(outside.path().join("secret")).unwrap(), "secret");
    assert_eq!(fs_err::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn a_lock_names_its_holder_and_ends_with_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Disk::open(directory.path()).unwrap();
    let held = disk.lock("state/lock").unwrap();
    let error = Disk::open(directory.path()).unwrap().lock("state/lock").unwrap_err();
    let pid = std::process::id();
    assert!(matches!(error.kind, StorageErrorKind::Locked { holder } if holder == Some(pid)), "{error}");
    let path = directory.path().join("state/lock").display().to_string();
    assert_eq!(
        error.to_string(),
        format!("cannot lock {path}: process {pid} holds the lock; wait until it has finished, or stop it")
    );
    drop(held);
    // A stale file with another's number does not lock anything.
    fs_err::write(directory.path().join("state/lock"), "999999999\n").unwrap();
    disk.lock("state/lock").unwrap();
}

/// A process has copies of all descriptors from when it is started to when it becomes its program.
#[test]
fn a_lock_that_was_given_back_is_free_whatever_is_started_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Disk::open(directory.path()).unwrap();
    std::thread::scope(|scope| {
        let starter = scope.spawn(|| {
            for _ in 0..100 {
                assert!(std::process::Command::new("true").status().unwrap().success());
            }
        });
        while !starter.is_finished() {
            drop(disk.lock("lock").unwrap());
        }
    });
}

#[test]
fn a_published_file_is_one_link_to_one_inode() {
    let directory = tempfile::tempdir().unwrap();
    for disk in [
        Disk::open(directory.path()).unwrap(),
        Disk::open(directory.path()).unwrap().with_named_temporaries(),
    ] {
        let name = format!("day-{}", disk.list("").unwrap().len());
        disk.publish(&name, &mut &b"x"[..]).unwrap();
        assert_eq!(fs_err::metadata(directory.path().join(&name)).unwrap().nlink(), 1);
    }
}

#[test]
fn the_wall_clock_agrees_with_the_system() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("now");
    fs_err::write(&path, "").unwrap();
    let written = Timestamp::from_secs(fs_err::metadata(&path).unwrap().mtime());
    let distance = (WallClock.now() - written).as_millis().abs();
    assert!(distance < 60_000, "{distance} ms apart");
}

/// Takes the attribute away again, or the directory could not be removed.
struct AppendOnly<'p>(&'p Path);

impl<'p> AppendOnly<'p> {
    /// Nothing where the attribute cannot be set: not every file system knows it, and not every user may.
    fn set(directory: &'p Path) -> Option<Self> {
        Self::chattr("+a", directory).then_some(Self(directory))
    }

    fn chattr(change: &str, directory: &Path) -> bool {
        let run = std::process::Command::new("chattr").arg(change).arg(directory).output();
        run.is_ok_and(|output| output.status.success())
    }
}

impl Drop for AppendOnly<'_> {
    fn drop(&mut self) {
        Self::chattr("-a", self.0);
    }
}

#[test]
fn an_append_only_directory_is_known_as_one_and_takes_what_is_published() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Disk::open(directory.path()).unwrap();
    assert!(!disk.is_append_only("cold").unwrap(), "a directory that is not there");
    disk.publish("cold/day", &mut &b"1"[..]).unwrap();
    assert!(!disk.is_append_only("cold").unwrap() && !disk.is_append_only("").unwrap());
    let cold = directory.path().join("cold");
    let Some(_set) = AppendOnly::set(&cold) else { return };
    assert!(disk.is_append_only("cold").unwrap() && !disk.is_append_only("").unwrap());
    disk.publish("cold/next", &mut &b"2"[..]).unwrap();
    assert!(disk.remove("cold/day").is_err());
}

#[test]
fn a_file_that_is_kept_open_is_closed_when_its_name_goes() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Disk::create(directory.path()).unwrap().with_open_files(2);
    let read = |name: &str| {
        let mut buffer = [0; 8];
        disk.read_at(name, 0, &mut buffer).map(|count| buffer[..count].to_vec())
    };
    let open = || {
        let links = fs_err::read_dir("/proc/self/fd").unwrap();
        let targets = links.filter_map(|link| fs_err::read_link(link.unwrap().path()).ok());
        targets.filter(|target| target.starts_with(directory.path().join("days"))).count()
    };
    for name in ["days/a", "days/b", "days/c"] {
        disk.publish(name, &mut name.as_bytes()).unwrap();
        assert_eq!(read(name).unwrap(), name.as_bytes());
        assert_eq!(read(name).unwrap(), name.as_bytes());
    }
    assert_eq!(open(), 2);
    disk.replace("days/c", b"new").unwrap();
    assert_eq!(read("days/c").unwrap(), b"new");
    disk.remove("days/c").unwrap();
    assert_eq!(open(), 1);
    assert!(read("days/c").unwrap_err().is_not_found());
    disk.publish("days/c", &mut &b"again"[..]).unwrap();
    assert_eq!(read("days/c").unwrap(), b"again");
}
