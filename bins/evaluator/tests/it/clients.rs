//! The clients that others use, against the real binary: promtool, and prometheus-api-client for Python.

use std::path::PathBuf;
use std::process::Command;

use crate::net::{self, Server};
use crate::peers::installed;
use crate::process::{Ran, eventually, expect, run};
use crate::start::{RULES, Running, configuration, folder, serve};

const BODY: &str = "# HELP sovereign_override_active Whether an override is active.\n\
    # TYPE sovereign_override_active gauge\nsovereign_override_active{zone=\"a\"} 1\n\
    sovereign_override_active{zone=\"b\"} 3\n";

/// Where the gate installs the Python client; see `.ci/run`.
const PYTHON: &str = "/tmp/assurance-peers/bin/python3";

/// A server that has watched a target for some scrapes.
fn watching(target: &Server) -> (tempfile::TempDir, Running) {
    let folder = folder(&configuration(&target.address), RULES);
    let server = serve(folder.path(), &[]);
    eventually("some samples", || {
        let samples: f64 =
            net::value(&server.address, "min(count_over_time(sovereign_override_active[1m]))")?
                .parse()
                .expect("a number");
        expect(samples >= 4.0, samples.to_string())
    });
    (folder, server)
}

#[test]
fn promtool_asks_all_it_can_ask() {
    if !installed("promtool") {
        return;
    }
    let target = Server::start(BODY);
    let (folder, server) = watching(&target);
    let url = format!("http://{}", server.address);
    let promtool = |args: &[&str]| run(Command::new("promtool").args(args), folder.path(), "");
    let told = |ran: &Ran, words: &str| assert!(ran.code == Some(0) && ran.stdout.contains(words), "{ran:?}");

    told(&promtool(&["query", "instant", &url, "sum(sovereign_override_active)"]), "=> 4 @[");
    told(&promtool(&["query", "instant", "--time=4", &url, "scalar(vector(7))"]), "scalar: 7 @[4]");
    told(&promtool(&["query", "range", "--step=1s", &url, "up"]), "1 @[");
    told(&promtool(&["query", "series", "--match=up", "--match=ALERTS", &url]), "__name__=\"up\"");
    told(&promtool(&["query", "series", "--match=up", "--start=1", "--end=2", &url]), "");
    told(&promtool(&["query", "labels", &url, "zone"]), "a\nb\n");
    told(&promtool(&["query", "labels", "--match=up", &url, "zone"]), "");
    // The profiles are of Go.
    told(&promtool(&["debug", "metrics", &url]), "debug.tar.gz");
    let range = promtool(&["query", "range", "--step=1ms", "--start=0", "--end=12", &url, "up"]);
    assert!(range.code == Some(1) && range.stderr.contains("exceeded maximum resolution"), "{range:?}");

    // Probes came after Debian 12's promtool.
    if promtool(&["--help-long"]).stdout.contains("check healthy") {
        let flag = format!("--url={url}");
        told(&promtool(&["check", "healthy", &flag]), "");
        told(&promtool(&["check", "ready", &flag]), "");
    }
}

/// All that the client has, and what must come of it.
const CALLS: &str = r#"
import sys
from datetime import datetime, timedelta
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException

NAME = "sovereign_override_active"
end = datetime.now() + timedelta(seconds=1)
start = end - timedelta(minutes=2)

for method in ("GET", "POST"):
    prom = PrometheusConnect(url=sys.argv[1], disable_ssl=True, method=method)
    assert prom.check_prometheus_connection() is True
    assert {NAME, "up", "ALERTS", "job:overrides:sum"} <= set(prom.all_metrics())
    assert {"__name__", "instance", "job", "zone"} <= set(prom.get_label_names())
    assert prom.get_label_names(params={"match[]": "up"}) == ["__name__", "instance", "job"]
    assert prom.get_label_values("zone") == ["a", "b"]
    assert prom.get_label_values("nothing") == []

    series = prom.get_series(start, end, params={"match[]": NAME})
    assert [s["zone"] for s in series] == ["a", "b"], series

    current = prom.get_current_metric_value(NAME, label_config={"zone": "b"})
    assert len(current) == 1 and current[0]["metric"]["zone"] == "b", current
    assert current[0]["value"][1] == "3", current
    assert prom.get_current_metric_value("no_such_metric") == []

    past = prom.get_metric_range_data(NAME, {"zone": "a"}, start, end, chunk_size=timedelta(minutes=1))
    assert past and all(p["values"] for p in past), past
    assert {v[1] for p in past for v in p["values"]} == {"1"}, past

    assert prom.custom_query(f"sum({NAME})")[0]["value"][1] == "4"
    assert prom.custom_query("no_such_metric") == []
    rows = prom.custom_query_range(f"max({NAME})", start, end, step="5")
    assert rows[0]["values"][-1][1] == "3", rows
    try:
        prom.custom_query("sum(")
    except PrometheusApiClientException as error:
        assert "parse error" in str(error), error
    else:
        raise AssertionError("half a query must not be answered")

    figures = prom.get_metric_aggregation(NAME, ["sum", "max", "min", "average", "percentile_50", "deviation", "variance"])
    assert (figures["sum"], figures["max"], figures["min"], figures["average"]) == (4, 3, 1, 2), figures
    figures = prom.get_metric_aggregation(NAME, ["max"], start_time=start, end_time=end, step="5")
    assert figures == {"max": 3}, figures

    assert prom.get_scrape_pools() == ["brain-governance"]
    targets = prom.get_targets()
    assert [t["health"] for t in targets["activeTargets"]] == ["up"] and targets["droppedTargets"] == [], targets
    assert prom.get_targets(state="dropped")["activeTargets"] == []
    assert prom.get_targets(scrape_pool="other")["activeTargets"] == []
    assert len(prom.get_targets(state="active", scrape_pool="brain-governance")["activeTargets"]) == 1

    [entry] = prom.get_target_metadata({"job": "brain-governance"}, NAME)
    assert (entry["type"], entry["help"]) == ("gauge", "Whether an override is active."), entry
    assert prom.get_target_metadata({"job": "other"}) == []
    [entry] = prom.get_metric_metadata(NAME)
    assert (entry["metric_name"], entry["type"]) == (NAME, "gauge"), entry
    assert len(prom.get_metric_metadata(None, limit=1, limit_per_metric=1)) == 1
    prom.close()
print("all of it")
"#;

#[test]
fn the_python_client_finds_all_it_looks_for() {
    if !installed(PYTHON) {
        return;
    }
    let target = Server::start(BODY);
    let (folder, server) = watching(&target);
    let script = folder.path().join("calls.py");
    crate::start::write(&script, CALLS);
    let url = format!("http://{}", server.address);
    let mut command = Command::new(PathBuf::from(PYTHON));
    let ran = run(command.arg(script).arg(&url), folder.path(), "");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "all of it\n"), "{}", ran.stderr);
}
