//! `query`: what promtool prints for the same question, and what is said of questions that are none.

use std::process::Command;

use crate::net::{self, Server};
use crate::peers::installed;
use crate::process::{Ran, evaluator, eventually, run};
use crate::start::{ACTIVE, RULES, configuration, folder, serve};

#[test]
fn answers_are_printed_as_by_promtool() {
    let body = format!("{ACTIVE}# TYPE odd gauge\nodd{{a=\"b\\\"c\"}} 1e21\nodd 0.25\n");
    let target = Server::start(&body);
    let folder = folder(&configuration(&target.address), RULES);
    let server = serve(folder.path(), &[]);
    eventually("a scrape", || net::value(&server.address, "sovereign_override_active"));
    let url = format!("http://{}", server.address);
    let ours = |args: &[&str]| run(evaluator().arg("query").args(args), folder.path(), "");
    let with_promtool = installed("promtool");
    let theirs = |args: &[&str]| run(Command::new("promtool").arg("query").args(args), folder.path(), "");
    let now = ours(&["instant", "-o", "json", &url, "time()"]);
    let now: serde_json::Value = serde_json::from_str(&now.stdout).unwrap();
    let now = now[1].as_str().unwrap().to_owned();
    let before = now.parse::<f64>().unwrap() - 1.5;
    let (start, end, time) =
        (format!("--start={before:.3}"), format!("--end={now}"), format!("--time={now}"));
    for args in [
        &["instant", &time, &url, "sort(odd)"][..],
        &["instant", &time, &url, "up"],
        &["instant", &time, &url, "sum(up)"],
        &["instant", &time, &url, "1 / 0"],
        &["instant", &time, &url, "up > 1"],
        &["instant", &time, &url, "up[1m"],
        &["instant", &time, &url, "up @ 0"],
        &["range", &start, &end, &url, "odd"],
        &["range", &start, &end, "--step=1s", "--header=X-Scope-OrgID=1", &url, "vector(1)"],
        &["labels", &url, "job"],
        &["labels", &url, "none"],
        &["series", "--match=odd", "--match=up", &url],
    ] {
        let ours = ours(args);
        assert!(ours.code.is_some_and(|code| code <= 1), "{args:?}: {}", ours.shown());
        if with_promtool {
            let theirs = theirs(args);
            assert_eq!((ours.code, &ours.stdout), (theirs.code, &theirs.stdout), "{args:?}: {}", ours.stderr);
        }
    }
    let vector = ours(&["instant", &time, &url, "odd{a!=\"\"}"]);
    let expected = format!(
        "odd{{a=\"b\\\"c\", instance=\"{}\", job=\"brain-governance\"}} => 1000000000000000000000 @[",
        target.address
    );
    assert!(vector.stdout.starts_with(&expected), "{}", vector.shown());
}

#[test]
fn questions_that_are_none_and_servers_that_are_away() {
    let folder = tempfile::tempdir().unwrap();
    let query = |args: &[&str]| -> Ran { run(evaluator().arg("query").args(args), folder.path(), "") };
    let away = query(&["instant", "http://127.0.0.1:1", "up"]);
    assert!(away.code == Some(1) && away.stderr.starts_with("error: query error:"), "{}", away.shown());
    for args in [
        &["instant", "--time=yesterday", "http://127.0.0.1:1", "up"][..],
        &["instant", "--header=none", "http://127.0.0.1:1", "up"],
        &["range", "--start=5", "--end=4", "http://127.0.0.1:1", "up"],
        &["instant", "127.0.0.1:1", "up"],
        &["instant", "http://127.0.0.1:1"],
    ] {
        let ran = query(args);
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.shown());
    }
}
