//! The table of endpoints is what is answered, and what the reference says.

use std::collections::BTreeSet;
use std::path::Path;

use crate::twin::router;
use assurance_web::{ENDPOINTS, reference};
use axum::body::Body;
use axum::http::Method;

use crate::world::{request, send, state};

#[tokio::test]
async fn every_endpoint_takes_its_methods_and_no_others() {
    let mut state = state();
    state.settings.remote_write_receiver = true;
    let app = router(state);
    for endpoint in ENDPOINTS {
        let path = endpoint.path.replace("{name}", "job").replace("{id}", "job");
        let taken: Vec<&str> = endpoint.methods.iter().map(|m| m.as_str()).collect();
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            let asked = request(method.clone(), &path).body(Body::empty()).unwrap();
            let status = send(app.clone(), asked).await.status;
            assert_eq!(status == 405, !taken.contains(&method.as_str()), "{method} {path}: {status}");
            assert_ne!(status, 404, "{path}");
        }
    }
}

#[test]
fn no_endpoint_is_there_twice_and_each_says_what_it_gives() {
    let paths: BTreeSet<_> = ENDPOINTS.iter().map(|endpoint| endpoint.path).collect();
    assert_eq!(paths.len(), ENDPOINTS.len());
    for endpoint in ENDPOINTS {
        assert!(endpoint.path.starts_with('/') && endpoint.note.ends_with('.'), "{endpoint:?}");
        assert!(!endpoint.methods.is_empty(), "{endpoint:?}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test that writes a file of the sources where it is told to")]
fn the_reference_is_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/http-api.md");
    if std::env::var("WRITE_REFERENCE").is_ok_and(|v| v == "1") {
        std::fs::write(&path, reference()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        written,
        reference(),
        "WRITE_REFERENCE=1 cargo test -p assurance-web reference writes it anew"
    );
}
