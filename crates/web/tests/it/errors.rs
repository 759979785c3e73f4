//! What goes wrong is said in the envelope, with Prometheus's word and status for it.

use std::fmt::Write as _;

use axum::http::Method;

use crate::world::{get, post_form, request, send, state};

#[tokio::test]
async fn errors_name_the_parameter_and_the_place() {
    let mut shown = String::new();
    for uri in [
        "/api/v1/query",
        "/api/v1/query?query=",
        "/api/v1/query?query=sum(",
        "/api/v1/query?query=up+%2B%0A+%2B)",
        "/api/v1/query?query=up&time=yesterday",
        "/api/v1/query?query=up&timeout=soon",
        "/api/v1/query?query=up&limit=-1",
        "/api/v1/query?query=up+*+on()+group_left()+up",
        "/api/v1/query_range?query=up&start=0&end=1",
        "/api/v1/query_range?query=up&start=10&end=0&step=1",
        "/api/v1/query_range?query=up&start=0&end=10&step=0",
        "/api/v1/query_range?query=up&start=0&end=10&step=-1s",
        "/api/v1/query_range?query=up&start=0&end=11001&step=1",
        "/api/v1/query_range?query=up%5B5m%5D&start=0&end=10&step=1",
        "/api/v1/series",
        "/api/v1/series?match%5B%5D=%7B",
        "/api/v1/series?match%5B%5D=%7B%7D",
        "/api/v1/labels?start=never",
        "/api/v1/rules?type=other",
        "/api/v1/rules?exclude_alerts=perhaps",
        "/api/v1/query_exemplars",
        "/api/v1/metadata?limit=many",
        "/api/v1/metadata?limit_per_metric=1.5",
        "/api/v1/status/tsdb?limit=0",
        "/api/v1/rules?group_limit=0",
        "/api/v1/rules?group_limit=x",
        "/api/v1/rules?group_next_token=abc",
        "/api/v1/rules?group_limit=1&group_next_token=abc",
        "/api/v1/label//values",
        "/api/v1/format_query?query=",
    ] {
        let answer = get(uri).await;
        assert!(answer.status.is_client_error(), "{uri}: {}", answer.status);
        let json = answer.json();
        assert_eq!(json["status"], "error");
        let (kind, error) = (json["errorType"].as_str().unwrap(), json["error"].as_str().unwrap());
        writeln!(shown, "{uri}\n    {} {kind}: {error}", answer.status.as_u16()).unwrap();
    }
    insta::assert_snapshot!(shown);
}

#[tokio::test]
async fn eleven_thousand_steps_are_the_most() {
    let of = |end| format!("/api/v1/query_range?query=vector(1)&start=0&end={end}&step=1");
    let most = get(&of(11_000)).await;
    assert_eq!(most.status, 200, "{}", most.body);
    let more = get(&of(11_001)).await;
    assert_eq!(more.status, 400);
    let error = more.json()["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("exceeded maximum resolution of 11,000 points per timeseries"), "{error}");
}

#[tokio::test]
async fn extreme_times_are_answered_not_crashed_on() {
    for uri in [
        "/api/v1/query_range?query=1&start=-8e15&end=8e15&step=8e15",
        "/api/v1/query?query=up&time=-8e15",
        "/api/v1/query?query=up%5B1000y%5D&time=8e15",
        "/api/v1/series?match%5B%5D=up&start=8e15&end=-8e15",
        "/api/v1/labels?start=9223372036854775807-01-01T00:00:00Z",
    ] {
        let answer = get(uri).await;
        assert!(!answer.status.is_server_error(), "{uri}: {} {}", answer.status, answer.body);
        answer.json();
    }
}

#[tokio::test]
async fn bodies_over_a_mebibyte_are_413() {
    let form = format!("query=1&pad={}", "x".repeat(assurance_web::MAX_BODY_BYTES));
    let answer = post_form("/api/v1/query", &form).await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json()["status"], "error");
    let fits = format!("query=1&pad={}", "x".repeat(assurance_web::MAX_BODY_BYTES - 100));
    assert_eq!(post_form("/api/v1/query", &fits).await.status, 200);
}

#[tokio::test]
async fn a_form_that_is_no_text_is_bad_data() {
    let request = request(Method::POST, "/api/v1/query")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(b"query=\xff".to_vec().into())
        .unwrap();
    let answer = send(crate::twin::router(state()), request).await;
    assert_eq!((answer.status.as_u16(), answer.json()["errorType"].as_str()), (400, Some("bad_data")));
}

#[tokio::test]
async fn only_what_takes_forms_takes_post() {
    for uri in ["query", "query_range", "labels", "series", "query_exemplars", "format_query"] {
        let answer = post_form(&format!("/api/v1/{uri}"), "").await;
        assert_ne!(answer.status, 405, "{uri}");
    }
    for uri in ["label/job/values", "metadata", "targets", "rules", "alerts", "status/buildinfo"] {
        let answer = post_form(&format!("/api/v1/{uri}"), "").await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (405, "Method Not Allowed\n"), "{uri}");
        assert_eq!(answer.header("allow"), "GET,HEAD");
    }
    let delete = request(Method::DELETE, "/api/v1/series?match[]=up").body("".into()).unwrap();
    assert_eq!(send(crate::twin::router(state()), delete).await.status, 405);
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_in_gos_words() {
    for uri in ["/api/v1/nothing", "/api/v1/rules/test/test", "/api/nothing", "/nothing"] {
        let answer = get(uri).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (404, "404 page not found\n"), "{uri}");
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    }
}
