//! Rules a page at a time.

use crate::world::get;

#[tokio::test]
async fn groups_come_a_page_at_a_time_and_each_once() {
    let mut names = Vec::new();
    let mut uri = "/api/v1/rules?group_limit=1".to_owned();
    for _page in 0..5 {
        let data = get(&uri).await.json()["data"].clone();
        let groups = data["groups"].as_array().unwrap();
        assert_eq!(groups.len(), 1, "{data}");
        names.push(groups[0]["name"].as_str().unwrap().to_owned());
        let Some(token) = data.get("groupNextToken") else { break };
        let token = token.as_str().unwrap();
        assert!(token.len() == 40 && token.bytes().all(|b| b.is_ascii_hexdigit()), "{token}");
        uri = format!("/api/v1/rules?group_limit=1&group_next_token={token}");
    }
    assert_eq!(names, ["overrides", "monitoring"]);
}

#[tokio::test]
async fn a_page_that_holds_all_has_no_next() {
    for uri in ["/api/v1/rules", "/api/v1/rules?group_limit=2", "/api/v1/rules?group_limit=1&type=record"] {
        let data = get(uri).await.json()["data"].clone();
        assert_eq!(data.get("groupNextToken"), None, "{uri}");
    }
}
