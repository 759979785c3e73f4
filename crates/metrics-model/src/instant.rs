//! Instants as people write them: seconds since 1970, or RFC 3339.

use std::str::FromStr;

use crate::Timestamp;

/// A text that is no instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no time; write seconds since 1970 or RFC 3339, such as 2026-01-02T03:04:05Z")]
pub struct TimestampError {
    /// What was given.
    pub text: String,
}

/// Reads `1767323045`, `1767323045.678` and `2026-01-02T03:04:05.678+01:00`, as Prometheus's API does.
impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seconds = text.parse::<f64>().ok();
        let instant = match seconds {
            // Far past every year that can be written; beyond it milliseconds would not fit.
            Some(seconds) => (seconds.abs() < 9e15).then(|| Self::from_secs_f64(seconds)),
            None => rfc3339(text),
        };
        instant.ok_or_else(|| TimestampError { text: text.to_owned() })
    }
}

/// `2026-01-02T03:04:05[.678](Z|±hh:mm)`, every part of exactly so many digits.
fn rfc3339(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_once(['T', 't'])?;
    let (clock, zone) = rest.split_at(rest.find(['Z', 'z', '+', '-'])?);
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let (whole, fraction) = clock.split_once('.').map_or((clock, None), |(w, f)| (w, Some(f)));
    let [hour, minute, second] = numbers(whole, ':', [2, 2, 2])?;
    if fraction.is_some_and(|f| f.is_empty() || !f.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days_in_month).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let millis: i64 = format!("{:0<3}", fraction.unwrap_or_default()).get(..3)?.parse().ok()?;
    let offset = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => 0,
        (sign @ ("+" | "-"), span) => {
            let [hours, minutes] = numbers(span, ':', [2, 2])?;
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if sign == "-" { -1 } else { 1 }
        }
        _ => return None,
    };
    // The calendar year begins in March here, so that the leap day is its last.
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468;
    let secs = days * 86_400 + hour * 3600 + (minute - offset) * 60 + second;
    Some(Timestamp::from_millis(secs * 1000 + millis))
}

/// Numbers of exactly so many digits each.
fn numbers<const N: usize>(text: &str, by: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(by);
    let mut out = [0; N];
    for (digits, out) in digits.into_iter().zip(&mut out) {
        let part = parts.next()?;
        if part.len() != digits || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *out = part.parse().ok()?;
    }
    parts.next().is_none().then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_seconds_or_rfc_3339() {
        for (text, millis) in [
            ("0", Some(0)),
            ("1609459200", Some(1_609_459_200_000)),
            ("-1.5", Some(-1500)),
            ("2021-01-01T00:00:00Z", Some(1_609_459_200_000)),
            ("2021-01-01T01:30:00.25+01:30", Some(1_609_459_200_250)),
            ("2024-02-29T23:59:59-00:01", Some(1_709_251_259_000)),
            ("1969-12-31T23:59:59.999Z", Some(-1)),
            ("2023-02-29T00:00:00Z", None),
            ("2021-01-01T24:00:00Z", None),
            ("2021-01-01T00:00:00", None),
            ("2021-1-1T00:00:00Z", None),
            ("1e300", None),
            ("NaN", None),
            ("inf", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), millis.map(Timestamp::from_millis), "{text}");
        }
    }
}
