//! The directory of samples and alerts: who may use it, what is done about damage, what a power cut may take.

use std::path::Path;

use crate::net::{self, Server, get, value};
use crate::process::{Process, Ran, evaluator, eventually, expect, run};
use crate::start::{ACTIVE, QUIET, RULES, Running, configuration, folder, serve, write};

fn refused(folder: &Path) -> Ran {
    run(evaluator().args(["serve", "--web.listen-address=127.0.0.1:0"]), folder, "")
}

fn running(target: &Server) -> (tempfile::TempDir, Running) {
    let folder = folder(&configuration(&target.address), RULES);
    let server = serve(folder.path(), &[]);
    (folder, server)
}

#[test]
fn one_directory_is_for_one_process() {
    let target = Server::start(QUIET);
    let (folder, mut server) = running(&target);
    let ran = refused(folder.path());
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert!(ran.stderr.contains("one store is for one process"), "{ran:?}");
    assert!(ran.stderr.contains("= help: stop the other process"), "{ran:?}");
    assert!(server.process.is_running());
    // A process that is killed leaves nothing that keeps the next one out.
    server.process.kill();
    serve(folder.path(), &[]);
}

#[test]
fn a_directory_of_someone_else_is_left_alone() {
    let target = Server::start(QUIET);
    let folder = folder(&configuration(&target.address), RULES);
    fs_err::create_dir_all(folder.path().join("data/wal")).unwrap();
    // As a Prometheus names its own.
    let theirs = folder.path().join("data/wal/00000000");
    write(&theirs, &"something else ".repeat(100));
    let ran = refused(folder.path());
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert!(ran.stderr.contains("wal/00000000: not a file of this store"), "{ran:?}");
    assert!(ran.stderr.contains("in data"), "{ran:?}");
    assert_eq!(fs_err::read_to_string(theirs).unwrap().len(), 1500);
}

#[test]
fn a_directory_that_cannot_be_used_is_named() {
    let target = Server::start(QUIET);
    let folder = folder(&configuration(&target.address), RULES);
    write(folder.path().join("data"), "a file");
    let ran = refused(folder.path());
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert!(ran.stderr.contains("--storage.tsdb.path data cannot be used"), "{ran:?}");
    assert!(ran.stderr.contains("= help: give a directory"), "{ran:?}");
}

#[test]
fn sizes_and_intervals_that_make_no_sense_are_refused() {
    let target = Server::start(QUIET);
    let folder = folder(&configuration(&target.address), RULES);
    for (flag, help) in [
        ("--storage.tsdb.retention.size=10", "such as 512MB"),
        ("--storage.tsdb.retention.size=1XB", "such as 512MB"),
        ("--storage.tsdb.wal-sync-interval=0s", "from 10ms to 1h"),
        ("--storage.tsdb.wal-sync-interval=soon", "duration"),
    ] {
        let ran = run(evaluator().args(["serve", flag]), folder.path(), "");
        assert_eq!(ran.code, Some(2), "{flag}: {ran:?}");
        assert!(ran.stderr.contains(help), "{flag}: {ran:?}");
    }
    let more = ["--storage.tsdb.retention.size=64MiB", "--storage.tsdb.retention.time=3d"];
    let server = serve(folder.path(), &more);
    let flags = net::api(&server.address, "/api/v1/status/flags").unwrap();
    assert_eq!(flags["storage.tsdb.retention.size"], "64MiB", "{flags}");
    assert_eq!(flags["storage.tsdb.wal-sync-interval"], "1s", "{flags}");
}

#[test]
fn a_clean_stop_keeps_samples_and_alerts() {
    let target = Server::start(ACTIVE);
    let (folder, mut server) = running(&target);
    let since = |server: &Running| {
        let data = net::api(&server.address, "/api/v1/alerts")?;
        let found = data["alerts"].as_array().into_iter().flatten();
        let mut found: Vec<_> = found.map(|a| (a["labels"].clone(), a["activeAt"].clone())).collect();
        found.sort_by_key(|(labels, _)| labels.to_string());
        expect(found.len() == 2, format!("{data}")).map(|()| found)
    };
    let before = eventually("two alerts", || since(&server));
    let count = "count_over_time(sovereign_override_active[1h])";
    let samples: f64 = value(&server.address, count).unwrap().parse().unwrap();
    server.process.signal("TERM");
    assert!(server.process.wait().success());
    let server = serve(folder.path(), &[]);
    let after: f64 = value(&server.address, count).unwrap().parse().unwrap();
    assert!(after >= samples, "{after} of {samples}");
    assert_eq!(since(&server).unwrap(), before);
    let said = server.process.said();
    assert!(said.contains("samples of earlier runs are back"), "{said}");
    assert!(said.contains("clean=true"), "{said}");
}

#[test]
fn alerts_that_cannot_be_read_begin_anew_and_are_put_aside() {
    let target = Server::start(ACTIVE);
    let (folder, mut server) = running(&target);
    eventually("an alert", || value(&server.address, "ALERTS{alertstate=\"firing\"}"));
    let file = folder.path().join("data/alerts.state");
    eventually("the record", || fs_err::metadata(&file).map_err(|error| error.to_string()));
    server.process.kill();
    let mut bytes = fs_err::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs_err::write(&file, &bytes).unwrap();
    let server = serve(folder.path(), &[]);
    let said = server.process.said();
    assert!(said.contains("the alerts of earlier runs cannot be read"), "{said}");
    assert!(said.contains("quarantine/alerts.state.0"), "{said}");
    assert_eq!(fs_err::read(folder.path().join("data/quarantine/alerts.state.0")).unwrap(), bytes);
    eventually("the alert again", || value(&server.address, "ALERTS{alertstate=\"firing\"}"));
}

#[test]
fn a_log_whose_end_is_missing_is_cut_and_told() {
    let target = Server::start(ACTIVE);
    let (folder, mut server) = running(&target);
    let count = "count_over_time(up[1h]) > 1";
    // One more than is asked for afterwards: the last commit goes with the end of the file.
    eventually("samples", || value(&server.address, "count_over_time(up[1h]) > 3"));
    server.process.kill();
    let log = folder.path().join("data/wal/00000000");
    let bytes = fs_err::read(&log).unwrap();
    fs_err::write(&log, &bytes[..bytes.len() - 3]).unwrap();
    let server = serve(folder.path(), &[]);
    let said = server.process.said();
    assert!(said.contains("the end of a log file was not written completely"), "{said}");
    value(&server.address, count).unwrap();
}

#[test]
fn a_rule_that_has_changed_says_so_and_starts_anew() {
    let target = Server::start(ACTIVE);
    let (folder, mut server) = running(&target);
    let pending = "ALERTS{alertname=\"OverrideForHours\"}";
    eventually("the alert", || value(&server.address, pending));
    let file = folder.path().join("data/alerts.state");
    eventually("the record", || fs_err::metadata(&file).map_err(|error| error.to_string()));
    server.process.kill();
    write(folder.path().join("rules/a.yml"), &RULES.replace("for: 2h", "for: 3h"));
    let server = serve(folder.path(), &[]);
    let said = server.process.said();
    assert!(said.contains("another expression or for: its alert starts anew"), "{said}");
    assert!(said.contains("OverrideForHours"), "{said}");
}

/// A directory in the place of the record: what a person may do by mistake, and root's rights do not help.
#[test]
fn alerts_that_cannot_be_written_are_told_of_everywhere_and_sent_all_the_same() {
    let target = Server::start(ACTIVE);
    let receiver = Server::start("");
    let folder = folder(&configuration(&target.address), RULES);
    fs_err::create_dir_all(folder.path().join("data/alerts.state")).unwrap();
    let hook = format!("--notify.webhook=http://{}/hook", receiver.address);
    let server = serve(folder.path(), &[&hook]);
    receiver.wait_for_alert("GovernanceOverrideActive", "firing");
    let metrics = get(&server.address, "/metrics").unwrap().body;
    assert!(metrics.contains("assurance_storage_faults{kind=\"alerts\"} 1"), "{metrics}");
    let page = get(&server.address, "/").unwrap().body;
    assert!(page.contains("<h1>Storage</h1>") && page.contains("alerts are not written down"), "{page}");
    for path in ["query?query=up", "labels", "series?match[]=up"] {
        let answer = get(&server.address, &format!("/api/v1/{path}")).unwrap().json();
        assert!(answer["warnings"].to_string().contains("storage: alerts are not written down"), "{answer}");
    }
    let said = server.process.said();
    assert_eq!(said.matches("alerts are not written down").count(), 1, "{said}");
    // Once it can be written again, all is well.
    fs_err::remove_dir(folder.path().join("data/alerts.state")).unwrap();
    eventually("no fault", || {
        let metrics = get(&server.address, "/metrics")?.body;
        expect(metrics.contains("assurance_storage_faults{kind=\"alerts\"} 0"), metrics)
    });
    assert!(get(&server.address, "/api/v1/labels").unwrap().json()["warnings"].is_null());
}

/// Directories in the place of the next log files.
#[test]
fn samples_that_cannot_be_written_are_told_of_everywhere_can_be_asked_for_and_are_saved_later() {
    let target = Server::start(ACTIVE);
    let folder = folder(&configuration(&target.address), RULES);
    let blocked = |number| folder.path().join(format!("data/wal/{number:08}"));
    for number in 0..100 {
        fs_err::create_dir_all(blocked(number)).unwrap();
    }
    let mut server = serve(folder.path(), &[]);
    let warned = eventually("a warning", || {
        let answer = get(&server.address, "/api/v1/query?query=up")?.json();
        let found = answer["data"]["result"].as_array().is_some_and(|all| !all.is_empty());
        let warnings = answer["warnings"].to_string();
        expect(found && warnings.contains("storage: "), answer.to_string()).map(|()| warnings)
    });
    assert!(warned.contains("memory"), "{warned}");
    let page = get(&server.address, "/").unwrap().body;
    assert!(page.contains("<h1>Storage</h1>"), "{page}");
    let series = get(&server.address, "/api/v1/series?match[]=up").unwrap().json();
    assert!(series["warnings"].to_string().contains("storage: "), "{series}");
    eventually("a line in the log", || {
        let said = server.process.said();
        expect(said.contains("scraping, evaluation and notification go on"), said)
    });
    let metrics = get(&server.address, "/metrics").unwrap().body;
    assert!(metrics.contains("assurance_storage_faults{kind=\"log\"} 1"), "{metrics}");
    // It lasts: told once, and tried again from time to time, not as fast as can be.
    let count = "count_over_time(up[1h])";
    let before: f64 = value(&server.address, count).unwrap().parse().unwrap();
    eventually("further samples", || {
        let samples = value(&server.address, count)?;
        expect(samples.parse::<f64>().is_ok_and(|samples| samples >= before + 5.0), samples)
    });
    let said = server.process.said();
    assert_eq!(said.matches("scraping, evaluation and notification go on").count(), 1, "{said}");
    for number in 0..100 {
        fs_err::remove_dir(blocked(number)).unwrap();
    }
    eventually("no fault", || {
        let metrics = get(&server.address, "/metrics")?.body;
        expect(metrics.contains("assurance_storage_faults{kind=\"log\"} 0"), metrics)
    });
    let answer = get(&server.address, "/api/v1/query?query=up").unwrap().json();
    assert!(answer["warnings"].is_null(), "{answer}");
    let samples: f64 = value(&server.address, count).unwrap().parse().unwrap();
    server.process.kill();
    let server = serve(folder.path(), &[]);
    let after: f64 = value(&server.address, count).unwrap().parse().unwrap();
    assert!(after >= samples, "{after} of {samples}");
    assert!(server.process.said().contains("clean=true"), "{}", server.process.said());
}

/// A directory in the place of the first log file only.
#[test]
fn a_fault_that_passes_is_over_within_seconds() {
    let target = Server::start(ACTIVE);
    let folder = folder(&configuration(&target.address), RULES);
    fs_err::create_dir_all(folder.path().join("data/wal/00000000")).unwrap();
    let mut server = serve(folder.path(), &[]);
    server.process.wait_for("what failed here works again");
    let said = server.process.said();
    assert!(said.contains("samples are in memory only since"), "{said}");
    value(&server.address, "up").unwrap();
}

/// A log whose end is long and empty takes a while to be read.
#[test]
fn a_server_that_reads_a_log_says_so_and_can_be_stopped() {
    let target = Server::start(ACTIVE);
    let (folder, mut server) = running(&target);
    eventually("samples", || value(&server.address, "up"));
    server.process.kill();
    let log = fs_err::OpenOptions::new().write(true).open(folder.path().join("data/wal/00000000")).unwrap();
    log.set_len(4 << 30).unwrap();
    let start = || {
        let mut command = evaluator();
        command.current_dir(folder.path()).args(["serve", "--web.listen-address=127.0.0.1:0"]);
        let mut process = Process::start(&mut command);
        let url = process.wait_for("are back\" url=");
        (process, url.trim_start_matches("http://").to_owned())
    };
    let (mut process, address) = start();
    assert_eq!(get(&address, "/-/healthy").unwrap().status, 200);
    for path in ["/-/ready", "/api/v1/query?query=up", "/"] {
        let answer = get(&address, path).unwrap();
        assert_eq!((answer.status, &*answer.body), (503, "Service Unavailable\n"), "{path}");
    }
    let replay = net::api(&address, "/api/v1/status/walreplay").unwrap();
    assert_eq!((&replay["min"], &replay["max"], &replay["current"]), (&0.into(), &0.into(), &0.into()));
    process.signal("TERM");
    assert!(process.wait().success(), "{}", process.said());
    let said = process.said();
    assert!(said.contains("stopping before the samples of earlier runs are back"), "{said}");
    assert!(!said.contains("msg=ready"), "{said}");
    // The same socket goes on once all is read.
    log.set_len(64 << 20).unwrap();
    let (mut process, address) = start();
    assert_eq!(get(&address, "/-/ready").unwrap().status, 503);
    process.wait_for("msg=ready url=");
    assert_eq!(get(&address, "/-/ready").unwrap().status, 200);
    value(&address, "count_over_time(up[1h])").unwrap();
}

/// What even root may not write to.
#[test]
fn places_that_cannot_be_written_to_are_refused_by_name() {
    let target = Server::start(QUIET);
    let folder = folder(&configuration(&target.address), RULES);
    write(folder.path().join("file"), "no directory");
    for (path, why) in [
        ("/sys/assurance", "cannot open /sys/assurance"),
        ("/sys/kernel", "/sys/kernel/lock"),
        ("file/data", "file/data"),
        ("/proc/assurance", "cannot open /proc/assurance"),
    ] {
        let flag = format!("--storage.tsdb.path={path}");
        let ran =
            run(evaluator().args(["serve", "--web.listen-address=127.0.0.1:0", &flag]), folder.path(), "");
        assert_eq!(ran.code, Some(5), "{path}: {ran:?}");
        assert!(ran.stderr.contains(&format!("--storage.tsdb.path {path} cannot be used")), "{ran:?}");
        assert!(ran.stderr.contains(why) && ran.stderr.contains("= help: give a directory"), "{ran:?}");
    }
    // Parents that are missing are made.
    let server = serve(folder.path(), &["--storage.tsdb.path=a/b/c"]);
    drop(server);
    assert!(folder.path().join("a/b/c/lock").exists());
}

/// On a device of 64 KiB without room, where the machine lets tests mount one.
#[test]
fn a_full_device_is_named_at_the_start() {
    let target = Server::start(QUIET);
    let folder = folder(&configuration(&target.address), RULES);
    fs_err::create_dir(folder.path().join("full")).unwrap();
    let mount = "mount -t tmpfs -o size=64k none full";
    let may = std::process::Command::new("unshare")
        .current_dir(folder.path())
        .args(["-rm", "sh", "-c", mount])
        .status()
        .is_ok_and(|status| status.success());
    if !may {
        return;
    }
    let program = evaluator().get_program().to_string_lossy().into_owned();
    let script = format!(
        "{mount} && (cat /dev/zero > full/fill 2> /dev/null; \
         exec {program} serve --web.listen-address=127.0.0.1:0 --storage.tsdb.path=full)"
    );
    let ran =
        run(std::process::Command::new("unshare").args(["-rm", "sh", "-c", &script]), folder.path(), "");
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert!(ran.stderr.contains("--storage.tsdb.path full cannot be used"), "{ran:?}");
    assert!(ran.stderr.contains("no space is left"), "{ran:?}");
}
