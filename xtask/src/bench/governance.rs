//! Ninety days of a hundred governance series at 30 s, the same at every run.

use crate::peers::Series;
use crate::rng::Rng;

/// 2026-01-01T00:00:00Z, where the data ends.
pub(crate) const END: i64 = 1_767_225_600;
const STEP: i64 = 30;
const BOUNDS: &[&str] = &["0.005", "0.01", "0.025", "0.1", "0.25", "1", "2.5", "+Inf"];

/// How a series moves.
#[derive(Clone, Copy, Debug)]
enum Move {
    /// 0, and 1 for an hour now and then.
    Flag,
    /// Counts one now and then.
    Rare,
    /// Counts up to this many a step.
    Busy(i64),
    /// Wanders between 0 and 1 in thousandths.
    Risk,
    /// Seconds in thousandths, mostly small.
    Lag,
}

/// All series with their samples.
pub(crate) fn generate(days: i64) -> Vec<Series> {
    let mut rng = Rng::new(2026);
    series()
        .into_iter()
        .map(|(labels, how)| Series { labels, samples: samples(how, END - days * 86_400, &mut rng) })
        .collect()
}

fn samples(how: Move, start: i64, rng: &mut Rng) -> Vec<(i64, f64)> {
    let (mut count, mut until, mut value) = (0, 0, 500);
    let mut out = Vec::new();
    for at in (start + STEP..=END).step_by(STEP as usize) {
        match how {
            Move::Flag => {
                if rng.chance(0.0002) {
                    until = at + 3600;
                }
                count = i64::from(at < until);
            }
            Move::Rare => count += i64::from(rng.chance(0.01)),
            // A process starts anew every two weeks or so.
            Move::Busy(most) => count = if rng.chance(2.5e-5) { 0 } else { count + rng.between(0, most) },
            Move::Risk => value = (value + rng.between(-9, 10)).clamp(0, 1000),
            Move::Lag => value = (value * 3 / 4 + rng.between(0, 900)).max(1),
        }
        let thousandths = matches!(how, Move::Risk | Move::Lag);
        out.push((at * 1000, if thousandths { value as f64 / 1000.0 } else { count as f64 }));
    }
    out
}

/// The labels of every series, and how it moves.
fn series() -> Vec<(Vec<(String, String)>, Move)> {
    let mut all = Vec::new();
    let mut add = |name: &str, place: usize, labels: &[(&str, String)], how: Move| {
        let mut pairs = vec![
            ("__name__".to_owned(), name.to_owned()),
            ("instance".to_owned(), format!("brain-{}:8000", place % 2)),
            ("job".to_owned(), "brain-governance".to_owned()),
        ];
        pairs.extend(labels.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        pairs.sort();
        all.push((pairs, how));
    };
    for n in 0..2 {
        add("sovereign_override_active", n, &[("system", format!("system-{n}"))], Move::Flag);
    }
    for n in 0..20 {
        add("policy_violations_total", n, &[("policy", format!("policy-{n}"))], Move::Rare);
    }
    for gate in 0..8 {
        for (decision, most) in [("allow", 40), ("deny", 3), ("defer", 3)] {
            let labels = [("gate", format!("gate-{gate}")), ("decision", decision.to_owned())];
            add("gate_decisions_total", gate, &labels, Move::Busy(most));
        }
    }
    for gate in 0..4 {
        for (at, bound) in BOUNDS.iter().enumerate() {
            let labels = [("gate", format!("gate-{gate}")), ("le", (*bound).to_owned())];
            add("gate_latency_seconds_bucket", gate, &labels, Move::Busy(4 * (at as i64 + 1)));
        }
    }
    for (name, label, count, how) in [
        ("risk_score", "system", 4, Move::Risk),
        ("audit_lag_seconds", "node", 8, Move::Lag),
        ("monitor_heartbeats_total", "node", 10, Move::Busy(2)),
    ] {
        for n in 0..count {
            add(name, n, &[(label, format!("{label}-{n}"))], how);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    #[test]
    fn there_are_a_hundred_series() {
        assert_eq!(super::series().len(), 100);
    }
}
