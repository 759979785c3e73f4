//! `tsdb`: what it says word for word, beside promtool, and while a server writes.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use assurance_disk::Disk;
use assurance_metrics_model::{Appender as _, Labels, TimeRange, Timestamp, stale_nan};
use assurance_tsdb::inspect::Inspection;
use assurance_tsdb::{Config, Store};
use insta::assert_snapshot;

use crate::net::{self, Server};
use crate::peers::installed;
use crate::process::{Process, Ran, evaluator, eventually, expect, run};
use crate::start::{ACTIVE, RULES, configuration, folder, serve, write};

fn tsdb(folder: &Path, args: &[&str]) -> Ran {
    run(evaluator().arg("tsdb").args(args), folder, "")
}

/// A copy of the files of version 1, as a store leaves them, in `data`.
fn golden() -> tempfile::TempDir {
    let from = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tsdb/v1");
    let folder = tempfile::tempdir().unwrap();
    for name in ["wal/00000001", "wal/00000002", "segments/1970-01-01.0"] {
        let to = folder.path().join("data").join(name);
        fs_err::create_dir_all(to.parent().unwrap()).unwrap();
        fs_err::copy(from.join(name), to).unwrap();
    }
    folder
}

fn flip(file: &Path, place: usize) {
    let mut bytes = fs_err::read(file).unwrap();
    bytes[place] ^= 1;
    fs_err::write(file, bytes).unwrap();
}

/// With damage of several kinds, and the end of a record missing.
fn damaged() -> tempfile::TempDir {
    let folder = golden();
    let data = folder.path().join("data");
    flip(&data.join("segments/1970-01-01.0"), 100);
    flip(&data.join("wal/00000001"), 100);
    let newest = data.join("wal/00000002");
    let bytes = fs_err::read(&newest).unwrap();
    fs_err::write(&newest, &bytes[..bytes.len() - 3]).unwrap();
    write(data.join("segments/notes.txt"), "not a segment");
    fs_err::create_dir_all(data.join("quarantine")).unwrap();
    write(data.join("quarantine/wal-00000000.16-187"), &"x".repeat(171));
    folder
}

#[test]
fn a_sound_store() {
    let folder = golden();
    assert_snapshot!("list", tsdb(folder.path(), &["list"]).shown());
    assert_snapshot!("list_for_people", tsdb(folder.path(), &["list", "-r", "data"]).shown());
    assert_snapshot!("list_json", tsdb(folder.path(), &["list", "-o", "json"]).shown());
    assert_snapshot!("analyze", tsdb(folder.path(), &["analyze", "--limit=3"]).shown());
    let one = ["analyze", "data", "1970-01-01.0", "--match={__name__=~\"n.*\"}", "-o", "json"];
    assert_snapshot!("analyze_json", tsdb(folder.path(), &one).shown());
    let some = ["dump", "--min-time=4200000", "--max-time=1970-01-01T01:30:00Z"];
    assert_snapshot!("dump", tsdb(folder.path(), &some).shown());
    let json =
        ["dump", "data", "-ojson", "--match=decimal", "--match={__name__=\"noise\"}", "--max-time=6e5"];
    assert_snapshot!("dump_refused", tsdb(folder.path(), &json).shown());
    let json =
        ["dump", "data", "-ojson", "--match=decimal", "--match={__name__=\"noise\"}", "--max-time=600000"];
    assert_snapshot!("dump_json", tsdb(folder.path(), &json).shown());
    assert_snapshot!("verify", tsdb(folder.path(), &["verify"]).shown());
    assert_snapshot!("snapshot", tsdb(folder.path(), &["snapshot", "data", "copy"]).shown());
    assert_snapshot!("snapshot_again", tsdb(folder.path(), &["snapshot", "data", "copy"]).shown());
    fs_err::create_dir(folder.path().join("empty")).unwrap();
    let into = tsdb(folder.path(), &["snapshot", "data", "empty/", "--skip-head"]);
    assert_eq!(into.code, Some(0), "{into:?}");
    let there = held(&folder.path().join("empty"));
    assert_eq!((there.0.len(), there.1), (576, 1), "finished days alone");
}

#[test]
fn a_damaged_store() {
    let folder = damaged();
    assert_snapshot!("list_damaged", tsdb(folder.path(), &["list"]).shown());
    assert_snapshot!("verify_damaged", tsdb(folder.path(), &["verify"]).shown());
    assert_snapshot!("verify_damaged_json", tsdb(folder.path(), &["verify", "-o", "json"]).shown());
    let dump = tsdb(folder.path(), &["dump", "--match=noise", "--max-time=0"]);
    assert_eq!(dump.code, Some(6), "{dump:?}");
    assert!(dump.stderr.contains("notes.txt"), "{dump:?}");
    // It is copied as it is, and said to be.
    let copy = tsdb(folder.path(), &["snapshot", "data", "copy"]);
    assert_eq!(copy.code, Some(6), "{copy:?}");
    assert!(copy.stderr.contains("wal/00000001"), "{copy:?}");
}

#[test]
fn directories_that_are_none_and_selectors_that_cannot_be_read() {
    let folder = golden();
    fs_err::create_dir(folder.path().join("empty")).unwrap();
    for (args, code, says) in [
        (&["list", "nowhere"][..], 5, "nowhere"),
        (&["verify", "empty"], 5, "neither in wal/ nor in segments/"),
        (&["dump", "data", "--match=sum(up)"], 2, "--match sum(up)"),
        (&["dump", "data", "--min-time=5", "--max-time=4"], 2, "--max-time lies before --min-time"),
        (&["analyze", "data", "1970-01-02.0"], 2, "there is no segment 1970-01-02.0"),
        (&["snapshot", "data"], 2, "<TO>"),
        (&["snapshot", "data", "data"], 2, "data is not empty"),
        (&["snapshot", "data", ".."], 2, "is not empty"),
        (&["snapshot", "data", "no/such/folder/copy", "-o", "xml"], 2, "invalid value"),
    ] {
        let ran = tsdb(folder.path(), args);
        assert!(ran.code == Some(code) && ran.stderr.contains(says), "{args:?}: {ran:?}");
    }
    fs_err::create_dir(folder.path().join("copy.partial")).unwrap();
    let ran = tsdb(folder.path(), &["snapshot", "data", "copy"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("copy.partial is there"), "{ran:?}");
}

#[test]
fn the_record_of_alerts_is_verified_and_copied() {
    let folder = golden();
    write(folder.path().join("data/alerts.state"), "no such thing");
    let ran = tsdb(folder.path(), &["verify"]);
    assert!(ran.code == Some(6) && ran.stdout.contains("error: alerts.state: "), "{ran:?}");
    let ran = tsdb(folder.path(), &["snapshot", "data", "copy"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(fs_err::read_to_string(folder.path().join("copy/alerts.state")).unwrap(), "no such thing");
}

/// Values whose digits differ between programs that are careless about them.
const VALUES: [f64; 12] = [
    0.0,
    1.5,
    -2.25,
    123_456.0,
    1e6,
    123_456_789.0,
    1e21,
    1.2e-5,
    1e-4,
    1e300,
    f64::INFINITY,
    f64::NEG_INFINITY,
];

#[test]
fn a_dump_is_what_promtool_prints_of_the_same_samples() {
    if !installed("promtool") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (store, _) =
        Store::open(Config::default(), Arc::new(Disk::create(folder.path().join("ours")).unwrap())).unwrap();
    let mut text = String::new();
    for (metric, odd) in [("a_metric", "quote\" back\\ line\n tab\t ä"), ("b", "x"), ("b", "y z")] {
        let labels = Labels::from_pairs([("__name__", metric), ("job", "j"), ("odd", odd)]);
        let mut appender = store.appender();
        for (n, value) in (0_i64..).zip(VALUES) {
            let at = Timestamp::from_secs(1_700_000_000 + 30 * n);
            appender.append(None, &labels, at, value.into()).unwrap();
            let escaped = odd.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            text += &format!("{metric}{{job=\"j\",odd=\"{escaped}\"}} {value:e} {}\n", at.as_millis() / 1000);
        }
        appender.commit();
    }
    // A part in a segment, a part in the log.
    assert_eq!(store.maintain(Timestamp::from_secs(1_700_100_000)).sealed.len(), 1);
    drop(store);
    write(folder.path().join("in.om"), &(text.replace("inf", "Inf") + "# EOF\n"));
    let promtool = |args: &[&str]| run(Command::new("promtool").args(args), folder.path(), "");
    let made = promtool(&["tsdb", "create-blocks-from", "openmetrics", "in.om", "theirs"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    fs_err::create_dir_all(folder.path().join("theirs/wal")).unwrap();
    let theirs = promtool(&["tsdb", "dump", "theirs"]);
    let ours = tsdb(folder.path(), &["dump", "ours"]);
    assert_eq!(theirs.stdout.lines().count(), 36, "{theirs:?}");
    assert_eq!(ours.stdout, theirs.stdout);
    let some = ["--min-time=1700000060000", "--max-time=1700000090000"];
    let theirs = promtool(&["tsdb", "dump", some[0], some[1], "--match={odd=\"x\"}", "theirs"]);
    let ours = tsdb(folder.path(), &["dump", "ours", some[0], some[1], "--match={odd=\"x\"}"]);
    assert_eq!(theirs.stdout.lines().count(), 2, "{theirs:?}");
    assert_eq!(ours.stdout, theirs.stdout);
}

#[test]
fn a_stale_marker_is_no_number() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(Config::default(), Arc::new(Disk::create(folder.path()).unwrap())).unwrap();
    let up = Labels::from_pairs([("__name__", "up")]);
    let mut appender = store.appender();
    for (secs, value) in [(1, 1.0), (2, f64::NAN), (3, stale_nan())] {
        appender.append(None, &up, Timestamp::from_secs(secs), value.into()).unwrap();
    }
    appender.commit();
    // The store is still open.
    let ran = tsdb(folder.path(), &["dump", "."]);
    assert_eq!(
        ran.stdout,
        "{__name__=\"up\"} 1 1000\n{__name__=\"up\"} NaN 2000\n{__name__=\"up\"} stale 3000\n"
    );
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let data = Arc::new(Disk::create(folder.path().join("data")).unwrap());
    let (store, _) = Store::open(Config::default(), data).unwrap();
    let up = Labels::from_pairs([("__name__", "up"), ("long", &*"x".repeat(100))]);
    let mut appender = store.appender();
    // More than a pipe holds, and more than is written at once.
    for secs in 0..20_000 {
        appender.append(None, &up, Timestamp::from_secs(secs), 1.0.into()).unwrap();
    }
    appender.commit();
    let line = format!("{} tsdb dump data | head -1", env!("CARGO_BIN_EXE_assurance-evaluator"));
    let ran = run(Command::new("bash").args(["-c", &format!("set -o pipefail; {line}")]), folder.path(), "");
    assert_eq!((ran.code, ran.stdout.lines().count(), ran.stderr.as_str()), (Some(0), 1, ""), "{ran:?}");
}

/// Samples by series and time.
type Samples = BTreeMap<(String, i64), u64>;

/// All that a server shows.
fn shown(address: &str) -> Result<Samples, String> {
    let data = net::api(address, "/api/v1/query?query=%7B__name__%3D~%22.%2B%22%7D%5B60d%5D")?;
    let mut all = Samples::new();
    for series in data["result"].as_array().into_iter().flatten() {
        let pairs = series["metric"].as_object().into_iter().flatten();
        let labels = Labels::from_pairs(pairs.filter_map(|(name, value)| Some((name, value.as_str()?))));
        for pair in series["values"].as_array().into_iter().flatten() {
            let millis = (pair[0].as_f64().ok_or("no time")? * 1000.0).round() as i64;
            let value: f64 =
                pair[1].as_str().ok_or("no value")?.parse().map_err(|error| format!("{error}"))?;
            all.insert((labels.to_string(), millis), value.to_bits());
        }
    }
    Ok(all)
}

/// All that files hold, and how many segments there are.
fn held(directory: &Path) -> (Samples, usize) {
    let disk = Arc::new(Disk::open(directory).unwrap());
    let inspection = Inspection::new(disk);
    let mut all = Samples::new();
    let dumped = inspection.dump(&[], TimeRange::ALL, &mut |labels, column| {
        let labels = labels.to_string();
        for (at, value) in column.timestamps().iter().zip(column.floats()) {
            assert!(
                all.insert((labels.clone(), at.as_millis()), value.to_bits()).is_none(),
                "{labels} {at} twice"
            );
        }
        Ok(())
    });
    assert!(dumped.unwrap().findings.is_empty());
    (all, inspection.list().unwrap().segments.len())
}

/// Days that are over, in the log: the first maintenance of a server seals one after the other.
fn old_days(data: &Path) -> Samples {
    let (store, _) = Store::open(Config::default(), Arc::new(Disk::create(data).unwrap())).unwrap();
    let now = assurance_runtime::Clock::system().now();
    let mut old = Samples::new();
    for day in (2..42).rev() {
        let mut appender = store.appender();
        for n in 0..500 {
            let labels = Labels::from_pairs([("__name__", "old"), ("n", &*n.to_string())]);
            let at = now - assurance_metrics_model::Duration::from_secs(day * 86_400);
            appender.append(None, &labels, at, f64::from(n).into()).unwrap();
            old.insert((labels.to_string(), at.as_millis()), f64::from(n).to_bits());
        }
        appender.commit();
    }
    old
}

#[test]
fn a_server_is_copied_while_it_scrapes_seals_and_makes_checkpoints() {
    let target = Server::start("# TYPE pulse counter\npulse_total 1\n");
    let folder = folder(&configuration(&target.address), RULES);
    let old = old_days(&folder.path().join("data"));
    let mut command = evaluator();
    command.current_dir(folder.path()).args(["serve", "--web.listen-address=127.0.0.1:0"]);
    let mut server = Process::start(&mut command);
    let (mut copies, mut stages) = (0, std::collections::BTreeSet::new());
    let mut address = None;
    eventually("copies before, during and after sealing", || {
        if address.is_none() && server.said().contains("msg=ready url=") {
            address = Some(server.wait_for("msg=ready url=").trim_start_matches("http://").to_owned());
        }
        let mut before = address.as_ref().map_or_else(|| Ok(Samples::new()), |address| shown(address))?;
        before.extend(old.clone());
        let name = format!("copy-{copies}");
        let ran = tsdb(folder.path(), &["snapshot", "data", &name]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let (found, segments) = held(&folder.path().join(&name));
        let missing: Vec<_> =
            before.iter().filter(|(sample, value)| found.get(sample) != Some(value)).collect();
        let all = before.len();
        assert!(missing.is_empty(), "{name}: {} of {all} are missing: {:?}", missing.len(), missing[0]);
        copies += 1;
        stages.insert(segments);
        let scraped = before.len() - old.len();
        expect(
            segments == 40 && scraped > 10 && copies > 5,
            format!("{copies} copies, {stages:?}, {scraped} scraped"),
        )
    });
    let ran = tsdb(folder.path(), &["verify"]);
    assert_eq!(ran.code, Some(0), "the server's own files are as they were: {ran:?}");
    // A server goes on with the last copy as if it were its own.
    let data = format!("--storage.tsdb.path=copy-{}", copies - 1);
    let copy = serve(folder.path(), &[&data]);
    let found = shown(&copy.address).unwrap();
    assert!(
        old.iter().all(|(sample, value)| found.get(sample) == Some(value)),
        "{} of {}",
        found.len(),
        old.len()
    );
}

#[test]
fn a_server_copies_itself_where_that_is_switched_on() {
    let target = Server::start(ACTIVE);
    let folder = folder(&configuration(&target.address), RULES);
    let server = serve(folder.path(), &["--web.enable-admin-api"]);
    let alerts = folder.path().join("data/alerts.state");
    eventually("the record of an alert", || fs_err::metadata(&alerts).map_err(|error| error.to_string()));
    let before = shown(&server.address).unwrap();
    let answer = net::request("POST", &server.address, "/api/v1/admin/tsdb/snapshot", &[], "").unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let data = answer.json()["data"].clone();
    let copy = folder.path().join("data/snapshots").join(data["name"].as_str().unwrap());
    let (found, _) = held(&copy);
    assert!(!before.is_empty() && before.iter().all(|(sample, value)| found.get(sample) == Some(value)));
    assert!(copy.join("alerts.state").exists(), "{data}");
}
