use crate::stage::{app, get};

#[tokio::test]
async fn the_page_shows_what_is_wrong_what_cannot_be_seen_and_who_was_told() {
    let page = get(&app(), "/").await;
    assert!(page.headers["content-type"].to_str().expect("text").starts_with("text/html"));
    insta::assert_snapshot!(page.body.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[tokio::test]
async fn what_a_target_exposes_is_text_and_never_markup() {
    let page = get(&app(), "/").await.body;
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"));
    assert!(!page.contains("<img") && !page.contains("<script"));
    let style = get(&app(), "/static/style.css").await;
    assert!(style.headers["content-type"].to_str().expect("text").starts_with("text/css"));
}
