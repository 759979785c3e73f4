use serde_json::Value;

use crate::net::{self, Server};
use crate::process::{evaluator, eventually, expect, run};
use crate::start::{ACTIVE, QUIET, RULES, USERS, configuration, folder, serve, write};

#[test]
fn an_override_is_scraped_stored_evaluated_told_and_resolved() {
    let (target, receiver) = (Server::start(ACTIVE), Server::start(""));
    let folder = folder(&configuration(&target.address), RULES);
    let hook = format!("--notify.webhook=http://{}/page", receiver.address);
    let mut server = serve(folder.path(), &[&hook, "--web.external-url=http://assurance.example/prom"]);

    let (alert, message) = receiver.wait_for_alert("GovernanceOverrideActive", "firing");
    assert_eq!(message["version"], "4");
    assert_eq!(message["status"], "firing");
    assert_eq!(alert["labels"]["cluster"], "brain", "external labels are on every alert: {alert}");
    assert_eq!(alert["labels"]["job"], "brain-governance");
    assert_eq!(alert["annotations"]["summary"], "override on brain-governance, value 1");
    let link = alert["generatorURL"].as_str().expect("a link");
    assert!(link.starts_with("http://assurance.example/prom/graph?g0.expr="), "{link}");
    let asked = receiver.requests().remove(0);
    assert!(asked.head.starts_with("POST /page HTTP/1.1\r\n"), "{}", asked.head);
    assert!(asked.has_line("content-type: application/json"), "{}", asked.head);

    let scraped = target.requests().remove(0);
    assert!(scraped.head.starts_with("GET /api/sovereign-mode/metrics HTTP/1.1\r\n"), "{}", scraped.head);
    assert!(scraped.has_line("x-prometheus-scrape-timeout-seconds: 0.5"), "{}", scraped.head);

    let address = server.address.as_str();
    assert_eq!(net::value(address, "up"), Ok("1".to_owned()));
    eventually("the recording rule", || {
        let sum = net::value(address, "job:overrides:sum{job=\"brain-governance\"}")?;
        expect(sum == "1", sum)
    });
    let alerts = net::api(address, "/api/v1/alerts").unwrap();
    assert_eq!(states(&alerts), [("GovernanceOverrideActive", "firing"), ("OverrideForHours", "pending")]);

    target.answer(QUIET);
    let (resolved, _message) = receiver.wait_for_alert("GovernanceOverrideActive", "resolved");
    assert_eq!(resolved["startsAt"], alert["startsAt"], "the same alert has ended");
    assert!(resolved["endsAt"].as_str() > resolved["startsAt"].as_str(), "{resolved}");
    eventually("an empty list of alerts", || {
        let alerts = net::api(address, "/api/v1/alerts")?;
        expect(states(&alerts).is_empty(), alerts.to_string())
    });

    server.process.signal("TERM");
    assert_eq!(server.process.wait().code(), Some(0), "{}", server.process.said());
}

/// Names and states, sorted.
fn states(alerts: &Value) -> Vec<(&str, &str)> {
    let all = alerts["alerts"].as_array().expect("a list");
    let mut all: Vec<(&str, &str)> = all
        .iter()
        .map(|a| {
            let name = a["labels"]["alertname"].as_str().expect("a name");
            (name, a["state"].as_str().expect("a state"))
        })
        .collect();
    all.sort_unstable();
    all
}

#[test]
fn the_api_has_the_shapes_that_clients_read() {
    let target = Server::start(ACTIVE);
    let folder = folder(&configuration(&target.address), RULES);
    let server = serve(folder.path(), &[]);
    let address = server.address.as_str();
    eventually("a scrape", || net::value(address, "sovereign_override_active"));

    // Grafana's "save & test", at an ancient time.
    let scalar = net::api(address, "/api/v1/query?query=1%2B1&time=4").unwrap();
    assert_eq!(scalar, serde_json::json!({"resultType": "scalar", "result": [4, "2"]}));
    let form = net::request(
        "POST",
        address,
        "/api/v1/query",
        &["Content-Type: application/x-www-form-urlencoded"],
        "query=up&time=1",
    );
    assert_eq!(form.unwrap().json()["data"], serde_json::json!({"resultType": "vector", "result": []}));
    let names = net::api(address, "/api/v1/label/__name__/values").unwrap();
    assert!(names.as_array().unwrap().contains(&"scrape_duration_seconds".into()), "{names}");
    assert_eq!(net::api(address, "/api/v1/label/nothing/values").unwrap(), serde_json::json!([]));
    let metadata = net::api(address, "/api/v1/metadata").unwrap();
    assert_eq!(metadata["sovereign_override_active"][0]["type"], "gauge", "{metadata}");
    let build = net::api(address, "/api/v1/status/buildinfo").unwrap();
    assert!(build["version"].is_string() && build.get("features").is_none(), "{build}");
    let targets = net::api(address, "/api/v1/targets").unwrap();
    assert_eq!(targets["activeTargets"][0]["health"], "up", "{targets}");
    assert_eq!(targets["activeTargets"][0]["scrapePool"], "brain-governance");
    assert_eq!(targets["droppedTargets"], serde_json::json!([]));
    let rules = net::api(address, "/api/v1/rules").unwrap();
    assert_eq!(rules["groups"][0]["name"], "overrides", "{rules}");
    assert_eq!(rules["groups"][0]["rules"][2]["type"], "recording", "{rules}");

    let wrong = net::get(address, "/api/v1/query?query=up%7B").unwrap();
    assert_eq!((wrong.status, &wrong.json()["errorType"]), (400, &"bad_data".into()), "{}", wrong.body);
    let range = net::get(address, "/api/v1/query_range?query=up&start=0&end=100000&step=1").unwrap();
    assert_eq!(range.status, 400);
    assert!(range.body.contains("11,000 points per timeseries"), "{}", range.body);
}

#[test]
fn the_page_shows_what_fires_escapes_it_and_lets_no_script_in() {
    let target = Server::start(ACTIVE);
    let folder = folder(&configuration(&target.address), RULES);
    let server = serve(folder.path(), &[]);
    let page = eventually("the alert on the page", || {
        let page = net::get(&server.address, "/")?;
        expect(page.body.contains("GovernanceOverrideActive") && page.body.contains("onerror"), "not there")?;
        Ok(page)
    });
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").is_some_and(|t| t.starts_with("text/html")), "{}", page.head);
    assert!(!page.body.contains("<img"), "a label became an element:\n{}", page.body);
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'self'") || policy.contains("default-src 'none'"), "{policy}");
    assert!(!policy.contains("unsafe-inline"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(page.header("access-control-allow-origin"), None);
}

#[test]
fn a_name_that_is_not_ours_is_refused_so_that_no_page_can_read_through_dns() {
    let folder = folder(&configuration("127.0.0.1:9"), RULES);
    let server = serve(folder.path(), &["--web.external-url=http://assurance.example"]);
    let host = |name: &str| {
        let line = format!("Host: {name}");
        net::request("GET", &server.address, "/api/v1/alerts", &[&line], "").unwrap().status
    };
    assert_eq!(host("evil.example"), 421);
    assert_eq!(host("127.0.0.1.evil.example:9090"), 421);
    assert_eq!(host("localhost:9090"), 200);
    assert_eq!(host("assurance.example"), 200);
}

#[test]
fn the_reason_of_a_failed_scrape_is_told() {
    let target = Server::start("sovereign_override_active 1\nthis is {no metric\n");
    let folder = folder(&configuration(&target.address), RULES);
    let server = serve(folder.path(), &[]);
    eventually("a scrape", || expect(net::value(&server.address, "up")? == "0", "up is not 0"));
    let targets = net::api(&server.address, "/api/v1/targets").unwrap();
    let target = &targets["activeTargets"][0];
    assert_eq!(target["health"], "down", "{target}");
    assert!(
        target["lastError"].as_str().is_some_and(|e| e.contains("line 2") || e.contains("2:")),
        "{target}"
    );
    assert!(net::value(&server.address, "sovereign_override_active").is_err(), "half a scrape was kept");
}

#[test]
fn a_target_that_hangs_does_not_keep_it_from_stopping() {
    let target = Server::start(ACTIVE);
    target.fall_silent();
    let config = configuration(&target.address)
        .replace("scrape_interval: 500ms", "scrape_interval: 50s")
        .replace("scrape_timeout: 500ms", "scrape_timeout: 50s");
    let folder = folder(&config, RULES);
    let mut server = serve(folder.path(), &[]);
    eventually("a status that answers", || net::get(&server.address, "/-/ready"));
    server.process.signal("INT");
    assert_eq!(server.process.wait().code(), Some(0), "{}", server.process.said());
}

#[test]
fn what_cannot_start_says_why_with_the_exit_code_that_scripts_know() {
    let folder = folder(&configuration("127.0.0.1:9"), RULES);
    let start = |args: &[&str]| run(evaluator().arg("serve").args(args), folder.path(), "");

    let open = start(&["--web.listen-address=0.0.0.0:0"]);
    assert_eq!(open.code, Some(2), "{open:?}");
    assert!(open.stderr.contains("--web.insecure-allow-remote"), "{}", open.stderr);
    let nowhere = start(&["--web.listen-address=nowhere"]);
    assert_eq!(nowhere.code, Some(2), "{nowhere:?}");
    assert!(nowhere.stderr.contains("host:port"), "{}", nowhere.stderr);
    let missing = start(&["--config.file=missing.yml", "--web.listen-address=127.0.0.1:0"]);
    assert_eq!(missing.code, Some(2), "{missing:?}");
    assert!(missing.stderr.contains("missing.yml"), "{}", missing.stderr);
    let flag = start(&["--storage.tsdb.path=data", "--storage.agent.path=data"]);
    assert_eq!(flag.code, Some(2), "{flag:?}");

    for url in ["nonsense", "ftp://pager.example", "http://"] {
        let hook = start(&["--web.listen-address=127.0.0.1:0", &format!("--notify.webhook={url}")]);
        assert_eq!(hook.code, Some(2), "{hook:?}");
        assert!(hook.stderr.contains("--notify.webhook"), "{}", hook.stderr);
    }
    write(
        folder.path().join("web.yml"),
        "tls_server_config: {cert_file: absent.pem, key_file: absent.pem}\n",
    );
    let tls = start(&["--web.listen-address=127.0.0.1:0", "--web.config.file=web.yml"]);
    assert_eq!(tls.code, Some(2), "{tls:?}");
    assert!(tls.stderr.contains("absent.pem"), "{}", tls.stderr);

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("--web.listen-address={}", taken.local_addr().unwrap());
    let busy = start(&[&address]);
    assert_eq!(busy.code, Some(5), "{busy:?}");
    assert!(busy.stderr.contains("is another process using it?"), "{}", busy.stderr);

    write(folder.path().join("rules/a.yml"), "groups: [{name: a, rules: [{alert: A, expr: 'up{'}]}]\n");
    let rules = start(&["--web.listen-address=127.0.0.1:0"]);
    assert_eq!(rules.code, Some(2), "{rules:?}");
    assert!(rules.stderr.contains("rules/a.yml:1:"), "{}", rules.stderr);
}

#[test]
fn beyond_loopback_it_listens_only_when_told_or_guarded() {
    let folder = folder(&configuration("127.0.0.1:9"), RULES);
    write(folder.path().join("web.yml"), USERS);
    let serve = |more: &[&str]| {
        let mut command = evaluator();
        command.current_dir(folder.path()).args(["serve", "--web.listen-address=0.0.0.0:0"]).args(more);
        let mut process = crate::process::Process::start(&mut command);
        let url = process.wait_for("msg=ready url=http://0.0.0.0:");
        (process, format!("127.0.0.1:{url}"))
    };
    let (_process, open) = serve(&["--web.insecure-allow-remote"]);
    assert_eq!(net::get(&open, "/-/healthy").unwrap().status, 200);
    let (_process, guarded) = serve(&["--web.config.file=web.yml", "--storage.tsdb.path=guarded"]);
    let refused = net::get(&guarded, "/api/v1/alerts").unwrap();
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").is_some_and(|h| h.starts_with("Basic")), "{}", refused.head);
    let let_in = ["Authorization: Basic YWRtaW46Y29ycmVjdCBob3JzZQ=="];
    let answer = net::request("GET", &guarded, "/api/v1/alerts", &let_in, "").unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn the_first_event_of_a_counter_counts_unless_told_to_be_as_prometheus() {
    let increase = |more: &[&str]| {
        let target = Server::start(QUIET);
        let folder = folder(&configuration(&target.address), RULES);
        let server = serve(folder.path(), more);
        eventually("two scrapes without the counter", || {
            let scrapes = net::value(&server.address, "count_over_time(up[1m])")?;
            expect(scrapes.parse::<f64>().is_ok_and(|n| n >= 2.0), scrapes)
        });
        target.answer(&format!("{QUIET}# TYPE quarantines_total counter\nquarantines_total 1\n"));
        eventually("two scrapes with the counter", || {
            let scrapes = net::value(&server.address, "count_over_time((quarantines_total == 1)[1m:500ms])")?;
            expect(scrapes.parse::<f64>().is_ok_and(|n| n >= 3.0), scrapes)
        });
        net::value(&server.address, "increase(quarantines_total[1m])").unwrap().parse::<f64>().unwrap()
    };
    assert!(increase(&[]) >= 1.0);
    assert!(increase(&["--scrape.counter-birth=unknown"]).abs() < f64::EPSILON);
}

#[test]
fn targets_listed_in_files_come_and_go_and_half_a_file_changes_nothing() {
    let (one, two) = (Server::start(ACTIVE), Server::start(ACTIVE));
    let static_list = format!("    static_configs:\n      - targets: ['{}']\n", one.address);
    let lists = "    file_sd_configs: [{files: ['targets/*.json'], refresh_interval: 1s}]\n";
    let folder = folder(&configuration(&one.address).replace(&static_list, lists), RULES);
    let targets = folder.path().join("targets");
    fs_err::create_dir(&targets).unwrap();
    let list = |address: &str| format!("[{{\"targets\": [\"{address}\"], \"labels\": {{\"zone\": \"a\"}}}}]");
    write(targets.join("one.json"), &list(&one.address));
    let server = serve(folder.path(), &[]);
    let up = || net::value(&server.address, "count(up{zone=\"a\"} == 1)");
    let wait_for = |count: &str| {
        eventually(&format!("{count} targets up"), || {
            let up = up()?;
            expect(up == count, up)
        });
    };
    wait_for("1");
    write(targets.join("two.json"), &list(&two.address));
    wait_for("2");

    // As an editor leaves it between two writes.
    write(targets.join("one.json"), "[{\"targets\": [\"127.0");
    let seen = one.requests().len();
    eventually("four more scrapes", || {
        let now = one.requests().len();
        expect(now >= seen + 4, format!("{now} after {seen}"))
    });
    wait_for("2");

    fs_err::remove_file(targets.join("one.json")).unwrap();
    wait_for("1");
    let left = net::api(&server.address, "/api/v1/query?query=up").unwrap();
    assert_eq!(left["result"][0]["metric"]["instance"], two.address.as_str(), "{left}");
}
