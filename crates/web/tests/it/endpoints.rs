//! The shape of every endpoint, held by snapshots.

use insta::assert_json_snapshot;

use crate::world::{get, get_of, state};

macro_rules! shapes {
    ($($test:ident: $uri:expr;)*) => {$(
        #[tokio::test]
        async fn $test() {
            let answer = get($uri).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert_json_snapshot!(stringify!($test), answer.json(), $uri);
        }
    )*};
}

shapes! {
    query_vector: "/api/v1/query?query=sovereign_override_active";
    query_scalar: "/api/v1/query?query=1%2B1&time=4";
    query_string: "/api/v1/query?query=%22a%22&time=4.25";
    query_range_selector: "/api/v1/query?query=sovereign_mode_switch_total%5B90s%5D";
    query_empty: "/api/v1/query?query=absent_metric";
    query_range: "/api/v1/query_range?query=up&start=1766671740&end=1766671800&step=15";
    query_exemplars: "/api/v1/query_exemplars?query=up";
    format_query: "/api/v1/format_query?query=sum+by(job)(rate(x%5B5m%5D))";
    format_query_long: "/api/v1/format_query?query=sum+by(job,instance)(rate(sovereign_mode_switch_total%5B5m%5D))/on(job)group_left+count+by(job)(up%7Bjob=~%22a.*%22%7D)";
    parse_query: "/api/v1/parse_query?query=topk+by(a)(2,-rate(x%7Ba=~%22b%22%7D%5B5m%5D+offset+-1m))%3E+bool+on(a)group_left(c)max_over_time((y)%5B1h:5m%5D+@+end())%2Blabel_join(z+@+60,%22a%22,%22%22)";
    labels: "/api/v1/labels";
    label_values: "/api/v1/label/__name__/values";
    label_values_unknown: "/api/v1/label/nothing/values";
    series: "/api/v1/series?match%5B%5D=up&match%5B%5D=sovereign_override_active";
    series_none: "/api/v1/series?match%5B%5D=nothing";
    metadata: "/api/v1/metadata";
    targets: "/api/v1/targets";
    targets_metadata: "/api/v1/targets/metadata?match_target=%7Bjob%3D%22brain-governance%22%7D&metric=sovereign_override_active";
    scrape_pools: "/api/v1/scrape_pools";
    rules: "/api/v1/rules";
    alerts: "/api/v1/alerts";
    alertmanagers: "/api/v1/alertmanagers";
    build_info: "/api/v1/status/buildinfo";
    runtime_info: "/api/v1/status/runtimeinfo";
}

fn names(groups: &serde_json::Value) -> Vec<String> {
    let groups = groups["data"]["groups"].as_array().unwrap();
    groups
        .iter()
        .flat_map(|group| {
            group["rules"].as_array().unwrap().iter().map(move |rule| {
                format!("{}/{}", group["name"].as_str().unwrap(), rule["name"].as_str().unwrap())
            })
        })
        .collect()
}

#[tokio::test]
async fn rules_are_filtered_by_every_parameter() {
    let all = 7;
    for (query, expected) in [
        ("", all),
        ("?type=alert", 6),
        ("?type=record", 1),
        ("?rule_group[]=overrides", 4),
        ("?rule_group[]=overrides&rule_group[]=monitoring", all),
        ("?rule_name[]=Watchdog", 1),
        ("?rule_name[]=Watchdog&type=record", 0),
        ("?file[]=rules.yml", all),
        ("?file[]=other.yml", 0),
        ("?match[]=%7Bseverity%3D%22critical%22%7D", 1),
        ("?match[]=%7Bseverity%3D%22critical%22%7D&match[]=%7Bteam%3D%22governance%22%7D", 2),
    ] {
        let answer = get(&format!("/api/v1/rules{query}")).await.json();
        assert_eq!(names(&answer).len(), expected, "{query}: {:?}", names(&answer));
    }
}

#[tokio::test]
async fn excluded_alerts_leave_an_empty_list() {
    for (value, expected) in [("true", 0), ("1", 0), ("false", 1)] {
        let uri = format!("/api/v1/rules?rule_name[]=GovernanceOverrideActive&exclude_alerts={value}");
        let answer = get(&uri).await.json();
        let alerts = &answer["data"]["groups"][0]["rules"][0]["alerts"];
        assert_eq!(alerts.as_array().unwrap().len(), expected, "{value}");
    }
}

#[tokio::test]
async fn a_rule_that_sees_nothing_says_so() {
    let answer = get("/api/v1/rules?rule_name[]=Misspelt").await.json();
    let rule = &answer["data"]["groups"][0]["rules"][0];
    assert_eq!((rule["state"].as_str(), rule["health"].as_str()), (Some("inactive"), Some("ok")));
    assert_eq!(rule["matched"], serde_json::json!({"now": 0, "ever": 0}));
}

#[tokio::test]
async fn targets_are_filtered_by_state_and_pool() {
    for (query, active, dropped) in [
        ("", 2, 1),
        ("?state=any", 2, 1),
        ("?state=active", 2, 0),
        ("?state=dropped", 0, 1),
        ("?scrapePool=brain-evidence", 1, 0),
        ("?scrapePool=nothing", 0, 0),
    ] {
        let data = get(&format!("/api/v1/targets{query}")).await.json()["data"].clone();
        let count = |name: &str| data[name].as_array().unwrap().len();
        assert_eq!((count("activeTargets"), count("droppedTargets")), (active, dropped), "{query}");
    }
}

#[tokio::test]
async fn limits_are_said_to_have_cut() {
    for uri in
        ["/api/v1/labels?limit=1", "/api/v1/query?query=up&limit=1", "/api/v1/label/job/values?limit=1"]
    {
        let answer = get(uri).await.json();
        assert_eq!(answer["warnings"], serde_json::json!(["results truncated due to limit"]), "{uri}");
    }
    assert_eq!(get("/api/v1/query?query=up&limit=2").await.json().get("warnings"), None);
}

#[tokio::test]
async fn label_values_are_found_under_escaped_names() {
    let answer = get("/api/v1/label/U__job/values").await.json();
    assert_eq!(answer["data"], serde_json::json!(["brain-evidence", "brain-governance"]));
}

#[tokio::test]
async fn a_tree_has_the_nodes_that_prometheus_has() {
    let tree = |query: &'static str| async move {
        get(&format!("/api/v1/parse_query?query={query}")).await.json()["data"].clone()
    };
    assert_eq!(tree("-1.5").await, serde_json::json!({"type": "numberLiteral", "val": "-1.5"}));
    assert_eq!(tree("%22a%22").await, serde_json::json!({"type": "stringLiteral", "val": "a"}));
    assert_eq!(tree("1%2B2").await["matching"], serde_json::Value::Null);
    let joined = tree("a+and+b").await;
    assert_eq!(
        joined["matching"],
        serde_json::json!({
            "card": "many-to-many", "labels": [], "on": false, "include": [],
            "fillValues": {"lhs": null, "rhs": null},
        })
    );
    assert_eq!(tree("sum(up)").await["param"], serde_json::Value::Null);
    assert_eq!(tree("round(up)").await["func"]["variadic"], 1);
    assert_eq!(tree("time()").await["func"]["argTypes"], serde_json::json!([]));
    let wrong = get("/api/v1/parse_query?query=sum(").await;
    assert_eq!((wrong.status.as_u16(), wrong.json()["errorType"].as_str()), (400, Some("bad_data")));
}

#[tokio::test]
async fn experimental_functions_are_a_feature() {
    let uri = "/api/v1/query?query=max_of(1,2)&time=4";
    assert_eq!(get(uri).await.status, 400);
    let mut state = state();
    state.settings.features.insert("promql-experimental-functions".to_owned());
    assert_eq!(get_of(state, uri).await.json()["data"]["result"], serde_json::json!([4, "2"]));
}
