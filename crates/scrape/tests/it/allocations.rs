//! What a scrape costs in allocations, once its series are known: nothing for a sample.

use std::fmt::Write as _;

use allocation_counter::measure;
use assurance_metrics_model::{AppendError, Appender, Duration, Labels, SeriesRef, Timestamp, Value};
use assurance_scrape::{JobConfig, Manager, Output, Response, TargetGroup};

/// Takes samples and forgets them.
struct Nowhere(u64);

impl Appender for Nowhere {
    fn append(
        &mut self,
        hint: Option<SeriesRef>,
        _labels: &Labels,
        _at: Timestamp,
        _value: Value,
    ) -> Result<SeriesRef, AppendError> {
        self.0 += 1;
        Ok(hint.unwrap_or(SeriesRef(self.0)))
    }
}

fn body(series: usize, scrape: usize) -> String {
    let mut out = String::from("# HELP took_seconds How long it took.\n# TYPE took_seconds histogram\n");
    for n in 0..series / 4 {
        let _infallible = write!(
            out,
            "took_seconds_bucket{{route=\"/gates/{n}\",le=\"1.0\"}} {scrape}\n\
             took_seconds_bucket{{route=\"/gates/{n}\",le=\"+Inf\"}} {scrape}5\n\
             took_seconds_count{{route=\"/gates/{n}\"}} {scrape}5\n\
             took_seconds_sum{{route=\"/gates/{n}\"}} {scrape}.25\n"
        );
    }
    out
}

/// Allocations and samples written of the last of some scrapes.
fn last_of(scrapes: usize, series: usize) -> (u64, u64) {
    let start = Timestamp::from_secs(1_767_225_600);
    let mut job = JobConfig::new("j");
    job.static_targets = vec![TargetGroup { targets: vec!["t:1".into()], ..TargetGroup::default() }];
    let mut manager = Manager::new(vec![job], &Labels::empty(), start);
    let mut out = Nowhere(0);
    let mut last = (0, 0);
    for scrape in 1..=scrapes {
        let now = manager.poll_timeout().expect("a target is due");
        manager.handle_timeout(now, &mut out);
        let Some(Output::Scrape(request)) = manager.poll_output() else { panic!("it is due") };
        let response = Response {
            status: 200,
            content_type: Some("text/plain; version=0.0.4".into()),
            body: body(series, scrape).into_bytes(),
            started: now,
            duration: Duration::from_millis(3),
        };
        let before = out.0;
        let info = measure(|| {
            let report = manager.handle_response(now, request.id, Ok(response), &mut out);
            assert!(report.is_some_and(|report| report.up()));
        });
        last = (info.count_total, out.0 - before);
    }
    last
}

#[test]
fn known_series_cost_no_allocation() {
    let (few, many) = (last_of(4, 4), last_of(4, 1000));
    assert_eq!((few.1, many.1), (4 + 5, 1000 + 5));
    assert_eq!(many.0, few.0, "as many for a thousand series as for four");
    assert!(few.0 <= 4, "{} allocations a scrape", few.0);
}
