//! `tsdb import` and `tsdb export`: a Prometheus's history into ours and back, and what is said on the way.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use assurance_runtime::Clock;
use insta::assert_snapshot;

use crate::net;
use crate::peers::installed;
use crate::process::{Process, Ran, evaluator, run};
use crate::start::{RULES, configuration, folder, serve, write};

const MINUTE: i64 = 60;

/// Two days and a half before `end` of what a governed service shows, a sample a minute, as OpenMetrics.
fn history(end: i64) -> String {
    let mut out = String::new();
    let times = || (0..60 * 60).map(move |n| (n, end - (60 * 60 - n) * MINUTE));
    let mut add = |series: &str, value: &dyn Fn(i64) -> f64| {
        for (n, at) in times() {
            // As scrapes are: never quite on time.
            let late = (n * 7919) % 90;
            let _infallible = writeln!(out, "{series} {} {at}.{late:03}", value(n));
        }
    };
    add("gate_decisions_total{gate=\"DG-1\",job=\"brain\"}", &|n| (n % 1900 * 3) as f64);
    add("gate_decisions_total{gate=\"DG-2\",job=\"brain\"}", &|n| (n / 7) as f64);
    for (bound, share) in [("0.1", 2), ("1.0", 3), ("+Inf", 4)] {
        add(&format!("latency_seconds_bucket{{job=\"brain\",le=\"{bound}\"}}"), &|n| (n * share) as f64);
    }
    add("risk_score{job=\"brain\",note=\"a \\\"quoted\\\" \\\\ é\\nline\"}", &|n| {
        (n * n % 997) as f64 / 8.0
    });
    add("sovereign_override_active{job=\"brain\"}", &|n| f64::from(n % 500 < 30));
    out.push_str("# EOF\n");
    out
}

fn tsdb(folder: &Path, args: &[&str], input: &str) -> Ran {
    run(evaluator().arg("tsdb").args(args), folder, input)
}

fn ours(folder: &Path, args: &[&str]) -> String {
    let ran = tsdb(folder, args, "");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.stdout
}

fn promtool(folder: &Path, args: &[&str]) -> String {
    let ran = run(Command::new("promtool").args(args), folder, "");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.stdout
}

/// What promtool makes of blocks; it misses the log that a Prometheus would have beside them.
fn dumped(folder: &Path, blocks: &str) -> String {
    fs_err::create_dir(folder.join(blocks).join("wal")).expect("a new folder");
    promtool(folder, &["tsdb", "dump", blocks])
}

fn an_hour_ago() -> i64 {
    Clock::system().now().as_millis() / 3_600_000 * 3600 - 3600
}

/// Lines in some order: stores have their own.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn what_is_imported_is_exported_and_imported_again() {
    let folder = tempfile::tempdir().unwrap();
    let text = history(an_hour_ago());
    let first = tsdb(folder.path(), &["import", "a"], &text);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.stdout.starts_with("25200 of 25200 samples of 7 series imported"), "{first:?}");
    let exported = ours(folder.path(), &["export", "a"]);
    assert_eq!(exported.lines().count(), text.lines().count());
    ours(folder.path(), &["export", "a", "-o", "a.om"]);
    assert_eq!(exported, fs_err::read_to_string(folder.path().join("a.om")).unwrap());
    let again = ours(folder.path(), &["import", "a", "a.om"]);
    assert!(
        again.contains("0 of 25200 samples") && again.contains("there already: 25200 samples"),
        "{again}"
    );
    ours(folder.path(), &["import", "b", "a.om"]);
    assert_eq!(ours(folder.path(), &["export", "b"]), exported);
    let some = ours(folder.path(), &["export", "b", "--match", "{gate=~\".+\"}", "--match", "risk_score"]);
    assert_eq!(some.lines().count(), 3 * 3600 + 1);
    // Written as our own checks want it.
    let check = run(
        evaluator().args(["check", "metrics", "--format=openmetrics", "--lint=none"]),
        folder.path(),
        &exported,
    );
    assert_eq!(check.code, Some(0), "{}", check.stdout.lines().take(5).collect::<String>());
}

#[test]
fn a_history_goes_to_promtool_and_comes_back() {
    if !installed("promtool") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let text = history(an_hour_ago());
    assert_eq!(tsdb(folder.path(), &["import", "a"], &text).code, Some(0));
    ours(folder.path(), &["export", "a", "-o", "a.om"]);
    promtool(folder.path(), &["tsdb", "create-blocks-from", "openmetrics", "-q", "a.om", "blocks"]);
    let dump = dumped(folder.path(), "blocks");
    assert_eq!(dump.lines().count(), 25_200);
    write(folder.path().join("blocks.dump"), &dump);
    ours(folder.path(), &["import", "b", "blocks.dump"]);
    assert_eq!(
        ours(folder.path(), &["export", "b"]),
        fs_err::read_to_string(folder.path().join("a.om")).unwrap()
    );
    // Promtool makes of the file as it was what it makes of our export.
    write(folder.path().join("given.om"), &text);
    promtool(folder.path(), &["tsdb", "create-blocks-from", "openmetrics", "-q", "given.om", "given"]);
    let given = dumped(folder.path(), "given");
    assert_eq!(sorted(&given).len(), sorted(&dump).len());
}

/// The steps of docs/operations/migrating-from-prometheus.md.
#[test]
fn a_prometheus_and_the_server_that_follows_it_answer_alike() {
    if !installed("promtool") || !installed("prometheus") {
        return;
    }
    let target = net::Server::start("");
    let folder = folder(&configuration(&target.address), RULES);
    let end = an_hour_ago();
    write(folder.path().join("history.om"), &history(end));
    promtool(folder.path(), &["tsdb", "create-blocks-from", "openmetrics", "-q", "history.om", "prometheus"]);
    let dump = dumped(folder.path(), "prometheus");
    write(folder.path().join("history.dump"), &dump);
    let said = ours(folder.path(), &["import", "--dry-run", "data", "history.dump"]);
    assert!(said.contains("would be imported"), "{said}");
    assert!(!folder.path().join("data").exists());
    ours(folder.path(), &["import", "data", "history.dump"]);

    write(folder.path().join("none.yml"), "global: {}\n");
    let mut theirs = Command::new("prometheus");
    theirs.current_dir(folder.path()).args([
        "--config.file=none.yml",
        "--storage.tsdb.path=prometheus",
        "--storage.tsdb.retention.time=100y",
        "--web.listen-address=127.0.0.1:0",
    ]);
    let mut theirs = Process::start(&mut theirs);
    let theirs_at = theirs.wait_for("msg=\"Listening on\" address=");
    let server = serve(folder.path(), &[]);
    let queries = [
        "sum by (gate) (increase(gate_decisions_total[1h]))",
        "rate(gate_decisions_total[5m])",
        "histogram_quantile(0.9, sum by (le) (rate(latency_seconds_bucket[10m])))",
        "max_over_time(risk_score[1d])",
        "count_over_time(sovereign_override_active[2d])",
        "avg_over_time(risk_score[36h:7m])",
        "{job=\"brain\"}",
    ];
    for query in queries {
        for back in [1, 12 * 3600, 30 * 3600] {
            let ask = |address: &str| {
                // Off the samples: whether a window holds its left end changed with Prometheus 3.
                let path = format!("/api/v1/query?query={}&time={}.5", escaped(query), end - back);
                crate::process::eventually(query, || net::api(address, &path))
            };
            let [theirs, ours] = [ask(&theirs_at), ask(&server.address)].map(|answer| {
                let rows = answer["result"].as_array().expect("a vector").iter();
                let value =
                    |row: &serde_json::Value| row["value"][1].as_str().expect("a value").parse::<f64>();
                rows.map(|row| (row["metric"].to_string(), value(row).expect("a number")))
                    .collect::<std::collections::BTreeMap<String, f64>>()
            });
            assert!(theirs.keys().eq(ours.keys()), "{query} {back} s before the end: {theirs:?} {ours:?}");
            // The last digits depend on the order of multiplications.
            let is_close = |a: &f64, b: &f64| (a - b).abs() <= 1e-12 * a.abs();
            assert!(
                theirs.values().zip(ours.values()).all(|(a, b)| is_close(a, b)),
                "{query} {back} s before the end: {theirs:?} {ours:?}"
            );
            assert!(!theirs.is_empty(), "{query}");
        }
    }
}

fn escaped(query: &str) -> String {
    query.bytes().fold(String::new(), |mut out, byte| {
        let _infallible = write!(out, "%{byte:02X}");
        out
    })
}

#[test]
fn what_cannot_be_taken_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let shown = |args: &[&str], input: &str| tsdb(folder.path(), args, input).shown();
    let text = "\
# TYPE a counter
a_total{x=\"1\"} 1 1700000000
a_total{x=\"1\"} 2 1700000030
a_total{x=\"1\"} 3 1700000030
a_total{x=\"1\"} 2 1700000030
a_total{x=\"1\"} 0 1699999990
# TYPE a counter
b NaN 1700000000 # {trace_id=\"x\"} 1
c 1 1700000000000
# EOF
";
    assert_snapshot!("import_findings", shown(&["import", "a"], text));
    assert_snapshot!("import_findings_json", shown(&["import", "--dry-run", "-o", "json", "a"], text));
    assert_snapshot!(
        "import_malformed",
        shown(&["import", "b"], "a 1 1700000000\nb{x=1} 1 1700000000\n# EOF\n")
    );
    assert_snapshot!("import_no_end", shown(&["import", "b"], "a 1 1700000000\n"));
    assert_snapshot!("import_no_time", shown(&["import", "b", "--format", "text"], "a 1\n"));
    assert_snapshot!("import_no_file", shown(&["import", "b", "missing"], ""));
    let dump = "{__name__=\"a\"} 1 1700000000000\n{__name__=\"a\"} NaN 1700000030000\n{__name__=\"h\"} {count:1} 5\n";
    assert_snapshot!("import_dump", shown(&["import", "c"], dump));
    assert_snapshot!("export_without_stale_markers", shown(&["export", "c"], ""));
    assert_snapshot!("export_with_stale_markers", shown(&["export", "c", "--stale-as-nan"], ""));
    // What promtool would have to take for a number comes back as what it was, in the same bytes of the same file.
    let exported = tsdb(folder.path(), &["export", "c", "--stale-as-nan"], "").stdout;
    assert_eq!(tsdb(folder.path(), &["import", "d", "--nan", "stale"], &exported).code, Some(0));
    let file = |store: &str| fs_err::read(folder.path().join(store).join("segments/2023-11-14.0")).unwrap();
    assert_eq!(file("c"), file("d"));
    write(folder.path().join("there"), "");
    assert_snapshot!("export_never_overwrites", shown(&["export", "c", "-o", "there"], ""));
    assert_snapshot!("export_of_nothing", shown(&["export", "nowhere"], ""));
}

#[test]
fn an_import_waits_for_no_server_and_an_export_needs_none_to_stop() {
    let target = net::Server::start("up 1\n");
    let folder = folder(&configuration(&target.address), RULES);
    let server = serve(folder.path(), &[]);
    crate::process::eventually("a scrape", || net::value(&server.address, "up"));
    let import = tsdb(folder.path(), &["import", "data"], "a 1 1700000000\n# EOF\n");
    assert_eq!(import.code, Some(5), "{import:?}");
    assert!(import.stderr.contains("stop the server that runs on data"), "{import:?}");
    let export = tsdb(folder.path(), &["export", "data", "--match", "up"], "");
    assert_eq!(export.code, Some(0), "{export:?}");
    assert!(export.stdout.contains("up{") && export.stdout.ends_with("# EOF\n"), "{export:?}");
}
