use serde_json::Value;

use crate::net::{self, Server};
use crate::process::{eventually, expect};
use crate::start::{ACTIVE, RULES, Running, configuration, folder, serve, write};

const MORE: &str = "groups: [{name: more, rules: [{alert: Second, expr: up == 0}]}]\n";
const BAD: &str = "groups: [{name: more, rules: [{alert: Second, expr: 'up =='}]}]\n";

#[test]
fn sighup_takes_a_good_configuration_and_keeps_what_an_alert_knows() {
    let target = Server::start(ACTIVE);
    let folder = folder(&configuration(&target.address), RULES);
    let server = serve(folder.path(), &[]);
    let before = eventually("the alert", || firing(&server.address));

    write(folder.path().join("rules/b.yml"), MORE);
    server.process.signal("HUP");
    eventually("the new rule", || {
        let names = rule_names(&server.address)?;
        expect(names.iter().any(|n| n == "Second"), format!("{names:?}"))
    });
    assert_eq!(
        firing(&server.address).unwrap(),
        before,
        "a reload must not move since when an alert is active"
    );
    assert_eq!(reload_metric(&server), "1");
}

#[test]
fn sighup_refuses_a_bad_configuration_as_a_whole() {
    let target = Server::start(ACTIVE);
    let folder = folder(&configuration(&target.address), RULES);
    let mut server = serve(folder.path(), &[]);
    let names = rule_names(&server.address).unwrap();
    assert_eq!(reload_metric(&server), "1");

    // The scrape job is new and good, the rule file is bad: neither may come into force.
    write(
        folder.path().join("prometheus.yml"),
        &configuration("127.0.0.1:9").replace("brain-gov", "other-gov"),
    );
    write(folder.path().join("rules/b.yml"), BAD);
    server.process.signal("HUP");
    eventually("the metric", || expect(reload_metric(&server) == "0", server.process.said()));
    eventually("what it says of it", || {
        let said = server.process.said();
        expect(said.contains("the old one stays in force") && said.contains("rules/b.yml:1:"), said)
    });
    assert_eq!(rule_names(&server.address).unwrap(), names);
    let targets = net::api(&server.address, "/api/v1/targets").unwrap();
    assert_eq!(targets["activeTargets"][0]["scrapePool"], "brain-governance");
    assert!(server.process.is_running());

    write(folder.path().join("rules/b.yml"), MORE);
    server.process.signal("HUP");
    eventually("the other job", || {
        let targets = net::api(&server.address, "/api/v1/targets")?;
        expect(targets["activeTargets"][0]["scrapePool"] == "other-governance", targets.to_string())
    });
    eventually("the metric again", || expect(reload_metric(&server) == "1", server.process.said()));
}

#[test]
fn post_reload_works_where_it_is_enabled_and_not_from_other_sites() {
    let target = Server::start(ACTIVE);
    let folder = folder(&configuration(&target.address), RULES);
    let server = serve(folder.path(), &["--web.enable-lifecycle"]);
    let post = |lines: &[&str]| net::request("POST", &server.address, "/-/reload", lines, "").unwrap();

    write(folder.path().join("rules/b.yml"), BAD);
    let foreign = post(&["Origin: http://evil.example", "Sec-Fetch-Site: cross-site"]);
    assert_eq!(foreign.status, 403, "{foreign:?}");
    assert_eq!(reload_metric(&server), "1", "a refused request reloaded");
    let foreign = post(&["Origin: http://evil.example"]);
    assert_eq!(foreign.status, 403, "a browser without Sec-Fetch-Site: {foreign:?}");
    let bad = post(&[&format!("Origin: http://{}", server.address)]);
    assert_eq!(bad.status, 500, "{bad:?}");
    assert!(bad.body.contains("rules/b.yml:1:"), "{}", bad.body);
    write(folder.path().join("rules/b.yml"), MORE);
    let good = post(&[]);
    assert_eq!(good.status, 200, "{good:?}");
    assert!(rule_names(&server.address).unwrap().iter().any(|n| n == "Second"));
    assert_eq!(net::get(&server.address, "/-/reload").unwrap().status, 405);
}

#[test]
fn post_reload_is_off_by_default() {
    let folder = folder(&configuration("127.0.0.1:9"), RULES);
    let server = serve(folder.path(), &[]);
    let refused = net::request("POST", &server.address, "/-/reload", &[], "").unwrap();
    assert_eq!(refused.status, 403, "{refused:?}");
}

/// Since when the override alert fires.
fn firing(address: &str) -> Result<Value, String> {
    let alerts = net::api(address, "/api/v1/alerts")?;
    let all = alerts["alerts"].as_array().expect("a list");
    let found = all.iter().find(|a| a["state"] == "firing");
    found.map(|a| a["activeAt"].clone()).ok_or_else(|| alerts.to_string())
}

fn rule_names(address: &str) -> Result<Vec<String>, String> {
    let rules = net::api(address, "/api/v1/rules")?;
    let groups = rules["groups"].as_array().expect("a list");
    let names = groups.iter().flat_map(|g| g["rules"].as_array().expect("a list"));
    Ok(names.map(|r| r["name"].as_str().expect("a name").to_owned()).collect())
}

fn reload_metric(server: &Running) -> String {
    let metrics = net::get(&server.address, "/metrics").unwrap_or_else(|error| panic!("{error}"));
    let line = metrics.body.lines().find(|l| l.starts_with("prometheus_config_last_reload_successful "));
    line.and_then(|l| l.split(' ').nth(1)).unwrap_or_else(|| panic!("{}", metrics.body)).to_owned()
}
