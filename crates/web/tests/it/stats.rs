//! What queries cost, for those who ask.

use crate::world::get;

#[tokio::test]
async fn stats_are_told_where_asked_for() {
    let count = |uri: &'static str| async move {
        let data = get(uri).await.json()["data"].clone();
        let stats = &data["stats"];
        for name in [
            "evalTotalTime",
            "resultSortTime",
            "queryPreparationTime",
            "innerEvalTime",
            "execQueueTime",
            "execTotalTime",
        ] {
            assert!(
                stats["timings"][name].as_f64().is_some_and(|t| (0.0..60.0).contains(&t)),
                "{name}: {data}"
            );
        }
        let samples = &stats["samples"];
        (samples["totalQueryableSamples"].as_u64().unwrap(), samples["peakSamples"].as_u64().unwrap())
    };
    // Scrapes every 30 s: ten in five minutes, of each of two targets.
    assert_eq!(count("/api/v1/query?query=count_over_time(up[5m])&stats=all").await, (20, 10));
    assert_eq!(count("/api/v1/query?query=1&stats=true").await, (0, 0));
    let range = count(
        "/api/v1/query_range?query=max_over_time(up[1m])&start=1766671740&end=1766671800&step=30&stats=all",
    );
    assert!(range.await.0 >= 8);
}

#[tokio::test]
async fn stats_are_not_told_unasked() {
    let data = get("/api/v1/query?query=up").await.json()["data"].clone();
    assert_eq!(data.get("stats"), None);
}
