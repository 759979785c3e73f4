use crate::rig::{Rig, job, ok};
use assurance_scrape::Response;

/// Whatever moves in the body, the same series get the same values as if each were looked up by its labels.
#[test]
fn bodies_may_change_their_order() {
    let bodies = [
        "a 1\nb 1\nc 1\nd 1\n",
        "a 2\nb 2\nc 2\nd 2\n",
        "d 3\nc 3\nb 3\na 3\n",
        "a 4\nx 4\nb 4\nc 4\nd 4\n",
        "b 5\nc 5\nd 5\na 5\n",
        "a 6\nb 6\nc 6\nd 6\n",
    ];
    let mut rig = Rig::new(job());
    for body in bodies {
        assert!(rig.body(body).up());
    }
    let want: Vec<_> = (1..=6).map(|v| Some(f64::from(v))).collect();
    for name in ["a", "b", "c", "d"] {
        assert_eq!(rig.values(name), want, "{name}");
    }
    assert_eq!(rig.values("x"), [Some(4.0), None]);
}

#[test]
fn known_series_come_with_the_store_s_number() {
    let mut rig = Rig::new(job());
    rig.body("a 1\nb 1\n");
    let first = rig.store.without_hint;
    assert_eq!(first, 7);
    rig.body("b 1\na 1\n");
    rig.fail();
    rig.body("a 1\nb 1\n");
    assert_eq!(rig.store.without_hint, first, "also after a failure");
}

#[test]
fn the_cache_holds_the_last_body_only() {
    let mut rig = Rig::new(job());
    for n in 0..50 {
        rig.body(&format!("a{{n=\"{n}\"}} 1\nstays 1\n"));
        if n % 7 == 0 {
            rig.body(&format!("lost{{n=\"{n}\"}} 1\nbroken\n"));
        }
    }
    assert_eq!(rig.manager.targets().next().map(|t| t.series), Some(2));
}

#[test]
fn another_format_is_read_anew() {
    let mut rig = Rig::new(job());
    let text = "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n";
    let open =
        "# TYPE h histogram\nh_bucket{le=\"1.0\"} 2\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 1.0\n# EOF\n";
    rig.body(text);
    let report = rig.outcome(|at| {
        let content_type = Some("application/openmetrics-text; version=1.0.0".to_owned());
        ok(open, at).map(|r| Response { content_type, ..r })
    });
    assert!(report.up(), "{report:?}");
    assert_eq!(report.counts.stale, 0);
    assert_eq!(
        rig.store.values(r#"h_bucket{instance="t:1",job="j",le="1.0"}"#),
        [Some(1.0), Some(2.0)],
        "bounds are canonical in both"
    );
}
