//! Answers in gzip.

use std::io::Read as _;

use crate::twin::router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use flate2::read::GzDecoder;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::world::{get, request, state};

async fn raw(request: Request<Body>) -> (HeaderMap, Vec<u8>) {
    let response = router(state()).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    (parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
}

#[tokio::test]
async fn who_asks_for_gzip_gets_the_same_in_less() {
    for uri in ["/api/v1/rules", "/metrics", "/", "/api/v1/status/tsdb"] {
        let asked = request(Method::GET, uri).header("accept-encoding", "deflate, gzip").body(Body::empty());
        let (headers, packed) = raw(asked.unwrap()).await;
        assert_eq!(headers.get("content-encoding").map(|v| v.to_str().unwrap()), Some("gzip"), "{uri}");
        assert!(headers.get_all("vary").iter().any(|v| v == "Accept-Encoding"), "{uri}");
        let mut text = String::new();
        GzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
        let plain = get(uri).await;
        assert_eq!(text, plain.body, "{uri}");
        assert!(packed.len() < text.len(), "{uri}");
        assert!(!plain.headers.contains_key("content-encoding"), "{uri}");
        assert!(plain.headers.get_all("vary").iter().any(|v| v == "Accept-Encoding"), "{uri}");
    }
}

#[tokio::test]
async fn what_is_short_stays_as_it_is() {
    let asked = request(Method::GET, "/api/v1/query?query=1").header("accept-encoding", "gzip");
    let (headers, body) = raw(asked.body(Body::empty()).unwrap()).await;
    assert!(!headers.contains_key("content-encoding"), "{headers:?}");
    assert!(body.starts_with(b"{\"status\""));
}
