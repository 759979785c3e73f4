//! Queries over ninety days: the questions of a dashboard, and the heavy ones of an audit.

use super::options::Options;
use super::side::{IDLE, PROMETHEUS, Side, Sides, VICTORIA};
use super::table::{Goal, Spread, Table, verdict};
use super::{fill, governance};
use crate::differential::{Answer, When, ask, difference, request};
use crate::peers::process::{Peer, now, scratch};
use crate::peers::usage::{Memory, load_average};

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// Seconds of CPU after which enough was seen of one query.
const ENOUGH_CPU: f64 = 0.6;
const LEAST_RUNS: usize = 5;
/// For the small ones: the kernel counts CPU in ticks of 10 ms.
const MAX_RUNS: usize = 500;

/// Windows lie within the data: what a counter did before its first sample is guessed otherwise since Prometheus 3.
///
/// Name, expression, seconds of the range and its step, and the ratios of CPU that are aimed at.
type Question = (&'static str, &'static str, Option<(i64, i64)>, &'static [Goal]);

const QUESTIONS: &[Question] = &[
    ("g1", "sovereign_override_active == 1", None, FEW),
    ("g2", "increase(policy_violations_total[5m]) > 0", None, FEW),
    ("g3", "rate(policy_violations_total[1h]) > 0.0027", None, FEW),
    ("g4", "sum by (gate) (increase(gate_decisions_total[24h]))", None, FEW),
    ("g5", "topk(3, sum by (gate) (rate(gate_decisions_total{decision=\"deny\"}[1h])))", None, FEW),
    ("g6", "histogram_quantile(0.99, sum by (gate, le) (rate(gate_latency_seconds_bucket[1h])))", None, FEW),
    ("r1", "sum by (gate) (rate(gate_decisions_total[5m]))", Some((7 * DAY, 300)), MANY),
    ("h1", "sum by (gate) (rate(gate_decisions_total[1h]))", Some((90 * DAY, HOUR)), MANY),
    ("h2", "max_over_time(risk_score[90d])", None, SUMMARIES),
    ("h3", "quantile_over_time(0.99, audit_lag_seconds[30d])", None, SELECTION),
    ("h4", "sum(count_over_time(gate_latency_seconds_bucket[90d]))", None, SUMMARIES),
    (
        "h5",
        "histogram_quantile(0.99, sum by (gate, le) (rate(gate_latency_seconds_bucket[1h])))",
        Some((90 * DAY, HOUR)),
        MANY,
    ),
    ("h6", "increase(gate_decisions_total[90d])", None, MANY),
    ("h7", "sum by (gate) (increase(gate_decisions_total[7d]))", Some((83 * DAY, DAY)), MANY),
];

/// Most of it is HTTP.
const FEW: &[Goal] = &[Goal::Times(0.5, PROMETHEUS), Goal::Times(0.5, VICTORIA)];
/// Every sample is looked at.
const MANY: &[Goal] = &[Goal::Times(0.1, PROMETHEUS), Goal::Times(0.6, VICTORIA)];
/// Most of them need not be.
const SUMMARIES: &[Goal] = &[Goal::Times(0.1, PROMETHEUS), Goal::Times(0.1, VICTORIA)];
/// The n-th of many, without sorting.
const SELECTION: &[Goal] = &[Goal::Times(0.3, VICTORIA)];

#[expect(clippy::print_stdout, reason = "the tables are its output")]
pub(super) fn run(options: &Options) -> Result<(), String> {
    let sides = Sides::find(options)?;
    let days = options.number("days", 90, 2);
    let series = governance::generate(days as i64);
    println!("{days} days of 100 series at 30 s, all of them finished: in segments, blocks and parts");
    let folder = scratch("query")?;
    let mut peers = Vec::new();
    for side in &sides.all {
        let mut own = folder.join(side.name());
        match side {
            Side::Ours => fill::ours(&sides, &own, &series)?,
            Side::Prometheus => own = fill::prometheus(options, &format!("governance-{days}d"), &series)?,
            Side::Victoria => fill::victoria(&sides, &own, &series)?,
        }
        peers.push((*side, sides.start(*side, &own, IDLE)?));
    }
    drop(series);
    let names = sides.names();
    let mut cpu = Table::new("CPU ms a query", &names).unjudged_if(options.is_quick);
    let mut latency = Table::new("latency ms: median (least–most)", &names);
    let mut faults = Vec::new();
    for (name, expression, range, goals) in QUESTIONS {
        let when = when(*range, days as i64);
        let expression = &within(expression, days);
        let differing = differing(&peers, expression, when)?;
        let note = if differing.is_some() { "answers differ" } else { "" };
        faults.extend(differing.map(|what| format!("{name}: {what}")));
        let (mut used, mut waited) = (Vec::new(), Vec::new());
        for (side, peer) in &peers {
            let (cpu, waits) = measure(*side, peer, expression, when)?;
            used.push(Some(cpu.into()));
            waited.push(Some(waits));
        }
        let what = format!("{name} {expression}");
        cpu.row(&what, used, goals, note);
        latency.row(&what, waited, &[], "");
    }
    let mut memory = Table::new("MiB afterwards", &names);
    let weighed: Vec<_> = peers.iter().map(|(_, peer)| peer.memory()).collect::<Result<_, _>>()?;
    let values = |value: fn(&Memory) -> f64| weighed.iter().map(|one| Some(value(one).into())).collect();
    memory.row("resident", values(|memory| memory.resident), &[], "");
    memory.row("  of it its own", values(|memory| memory.anonymous), &[], "");
    memory.row("  the most ever", values(|memory| memory.peak), &[], "");
    println!("\n{cpu}\n{latency}\n{memory}\nload average {} at the end", load_average());
    faults.extend(cpu.missed());
    verdict("query", &faults)
}

fn when(range: Option<(i64, i64)>, days: i64) -> When {
    // A second off the samples: whether a window holds its left end changed with Prometheus 3.
    let end = governance::END * 1000 - 1000;
    // Of fewer days, a range takes what its longest window leaves.
    let longest = if days < 90 { (days - 7).max(1) * DAY } else { 90 * DAY };
    range.map_or(When::At(end), |(span, step)| When::Range {
        start: end - span.min(longest) * 1000,
        end,
        step: step * 1000,
    })
}

/// The question with no window longer than the data.
fn within(expression: &str, days: usize) -> String {
    // Half of a few days, so that there is something before a range's first window.
    let days = if days < 14 { days.div_ceil(2) } else { days };
    ["90d", "30d", "7d"].iter().fold(expression.to_owned(), |text, window| {
        let length = window.trim_end_matches('d').parse().unwrap_or(days);
        text.replace(&format!("[{window}]"), &format!("[{}d]", days.min(length)))
    })
}

/// What the answers of ours and Prometheus differ in. VictoriaMetrics takes windows differently, and is not asked.
fn differing(peers: &[(Side, Peer)], expression: &str, when: When) -> Result<Option<String>, String> {
    let ask_of = |side: Side| {
        let peer = peers.iter().find(|(of, _)| *of == side);
        peer.map(|(_, peer)| ask(&mut peer.client(), expression, when)).transpose()
    };
    let (theirs, ours) = (ask_of(Side::Prometheus)?, ask_of(Side::Ours)?);
    if let Some(Answer::Error { message, .. }) = &ours {
        return Ok(Some(message.clone()));
    }
    Ok(theirs.zip(ours).and_then(|(theirs, ours)| difference(&theirs, &ours, false)))
}

/// Milliseconds of CPU for one answer, and of waiting for it.
fn measure(side: Side, peer: &Peer, expression: &str, when: When) -> Result<(f64, Spread), String> {
    let mut client = peer.client();
    // What is remembered of an earlier answer is no measure of finding it.
    let fields = if side == Side::Victoria { &[("nocache", "1")][..] } else { &[] };
    let mut once = || -> Result<f64, String> {
        let start = now();
        let response = request(&mut client, expression, when, fields)?;
        if response.status != 200 {
            let said = String::from_utf8_lossy(&response.body).into_owned();
            return Err(format!("{} answers {expression} with {}: {said}", side.name(), response.status));
        }
        Ok(start.elapsed().as_secs_f64() * 1e3)
    };
    once()?;
    let before = peer.cpu()?;
    let mut waits = Vec::new();
    loop {
        waits.push(once()?);
        let used = peer.cpu()? - before;
        if waits.len() >= LEAST_RUNS && (used >= ENOUGH_CPU || waits.len() >= MAX_RUNS) {
            return Ok((used * 1e3 / waits.len() as f64, Spread::of(&waits)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_question_looks_beyond_the_data() {
        assert_eq!(within("increase(x[90d]) + rate(y[1h])", 90), "increase(x[90d]) + rate(y[1h])");
        assert_eq!(within("increase(x[90d]) + rate(y[7d])", 30), "increase(x[30d]) + rate(y[7d])");
        assert_eq!(within("increase(x[30d])", 2), "increase(x[1d])");
        for (days, least) in [(90, 90), (2, 1), (30, 23)] {
            let When::Range { start, end, .. } = when(Some((90 * DAY, HOUR)), days) else {
                panic!("a range")
            };
            assert_eq!((end - start) / 1000, least * DAY, "{days}");
        }
        assert!(matches!(when(None, 90), When::At(at) if at == governance::END * 1000 - 1000));
    }
}
