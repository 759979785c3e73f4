//! Whether two answers say the same.

use super::ask::{Answer, Found};

/// Relative difference of two values that count as the same: both sides add and multiply in their own order.
const TOLERANCE: f64 = 1e-9;

/// How two answers differ, or nothing.
pub(crate) fn difference(theirs: &Answer, ours: &Answer, sorted: bool) -> Option<String> {
    match (theirs, ours) {
        (Answer::Error { .. }, Answer::Error { .. }) => None,
        (Answer::Error { message, .. }, Answer::Found(_)) => {
            Some(format!("only Prometheus refuses: {message}"))
        }
        (Answer::Found(_), Answer::Error { message, .. }) => Some(format!("only we refuse: {message}")),
        (Answer::Found(theirs), Answer::Found(ours)) => between(theirs, ours, sorted),
    }
}

fn between(theirs: &Found, ours: &Found, sorted: bool) -> Option<String> {
    if theirs.kind != ours.kind {
        return Some(format!("a {} against our {}", theirs.kind, ours.kind));
    }
    if theirs.other != ours.other {
        return Some(format!("{:?} against our {:?}", theirs.other, ours.other));
    }
    if let Some(labels) = theirs.series.keys().find(|labels| !ours.series.contains_key(*labels)) {
        return Some(format!("we lack {labels} {:?}", shown(&theirs.series[labels])));
    }
    if let Some(labels) = ours.series.keys().find(|labels| !theirs.series.contains_key(*labels)) {
        return Some(format!("only we have {labels} {:?}", shown(&ours.series[labels])));
    }
    for (labels, points) in &theirs.series {
        let our_points = &ours.series[labels];
        for (at, value) in points {
            match our_points.iter().find(|(time, _)| time == at) {
                None => return Some(format!("{labels} at {at}: {value:?} against none of ours")),
                Some((_, our_value)) if !same(*value, *our_value) => {
                    return Some(format!("{labels} at {at}: {value:?} against our {our_value:?}"));
                }
                Some(_) => {}
            }
        }
        if let Some((at, value)) = our_points.iter().find(|(time, _)| points.iter().all(|(t, _)| t != time)) {
            return Some(format!("{labels} at {at}: none against our {value:?}"));
        }
    }
    if sorted && !theirs.order.iter().zip(&ours.order).all(|(a, b)| same(*a, *b)) {
        return Some(format!("order {:?} against our {:?}", theirs.order, ours.order));
    }
    None
}

/// Equal, or equal but for rounding; NaN is NaN.
pub(crate) fn same(a: f64, b: f64) -> bool {
    let near = || a.is_finite() && b.is_finite() && (a - b).abs() <= TOLERANCE * a.abs().max(b.abs());
    a == b || (a.is_nan() && b.is_nan()) || near()
}

/// Whether two answers that say the same do so to the last bit.
pub(crate) fn identical(theirs: &Answer, ours: &Answer) -> bool {
    let (Answer::Found(theirs), Answer::Found(ours)) = (theirs, ours) else { return false };
    let exact = |a: f64, b: f64| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    let pairs = theirs.series.values().flatten().zip(ours.series.values().flatten());
    pairs.into_iter().all(|((_, a), (_, b))| exact(*a, *b))
}

fn shown(points: &[(f64, f64)]) -> &[(f64, f64)] {
    &points[..points.len().min(4)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(points: &[(f64, f64)]) -> Answer {
        let series = [("{}".to_owned(), points.to_vec())].into();
        Answer::Found(Found { kind: "matrix".to_owned(), series, ..Found::default() })
    }

    #[test]
    fn values_are_the_same_up_to_rounding_and_nan_is_nan() {
        assert!(same(f64::NAN, -f64::NAN) && same(1.0, 1.0 + 1e-12) && same(f64::INFINITY, f64::INFINITY));
        assert!(!same(1.0, 1.0 + 1e-8) && !same(f64::NAN, 0.0) && !same(f64::INFINITY, -f64::INFINITY));
        assert!(!same(f64::INFINITY, 1.0));
    }

    #[test]
    fn a_point_that_is_missing_or_too_many_is_a_difference() {
        let both = found(&[(1.0, 5.0), (2.0, 6.0)]);
        let one = found(&[(1.0, 5.0)]);
        assert_eq!(difference(&both, &both, true), None);
        assert_eq!(difference(&both, &one, false).as_deref(), Some("{} at 2: 6.0 against none of ours"));
        assert_eq!(difference(&one, &both, false).as_deref(), Some("{} at 2: none against our 6.0"));
        let error = Answer::Error { kind: String::new(), message: "no".to_owned() };
        assert_eq!(difference(&error, &one, false).as_deref(), Some("only Prometheus refuses: no"));
        assert_eq!(difference(&error, &error, false), None);
    }
}
