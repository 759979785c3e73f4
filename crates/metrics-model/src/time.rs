use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

/// An instant in milliseconds since 1970-01-01T00:00:00Z, negative before it.
///
/// The resolution and epoch are Prometheus's (`model/timestamp`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// The earliest instant that can be written.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest instant that can be written.
    pub const MAX: Self = Self(i64::MAX);

    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From whole seconds since the epoch, saturating at the ends of the range.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// From seconds with a fraction, rounded to the nearest millisecond, saturating; NaN becomes the epoch.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "float-to-int casts saturate, which is what is documented"
    )]
    pub fn from_secs_f64(secs: f64) -> Self {
        Self((secs * 1000.0).round() as i64)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Seconds since the epoch, as PromQL's `time()` and the HTTP API print them.
    #[expect(clippy::cast_precision_loss, reason = "exact for every instant within 285,000 years of 1970")]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// `self + duration`, held at the ends of the range instead of overflowing.
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.0))
    }

    /// `self - duration`, held at the ends of the range instead of overflowing.
    #[must_use]
    pub const fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration.0))
    }
}

/// RFC 3339 in UTC with milliseconds (`2026-01-02T03:04:05.678Z`), the fraction left out when it is zero.
///
/// Years outside 0000..=9999 print as `@` and seconds, which RFC 3339 cannot write.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.0.div_euclid(1000);
        let millis = self.0.rem_euclid(1000);
        let days = secs.div_euclid(86_400);
        let of_day = secs.rem_euclid(86_400);
        let (year, month, day) = civil_from_days(days);
        if !(0..=9999).contains(&year) {
            return write!(f, "@{}", self.as_secs_f64());
        }
        let (h, m, s) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}")?;
        if millis != 0 {
            write!(f, ".{millis:03}")?;
        }
        f.write_str("Z")
    }
}

/// Days since 1970-01-01 to year, month (1..=12) and day (1..=31) of the proleptic Gregorian calendar,
/// by Howard Hinnant's `civil_from_days` (chrono-Compatible Low-Level Date Algorithms, 2013).
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days.saturating_add(719_468);
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// A span of time in milliseconds, negative where an offset may be (`offset -5m`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(i64);

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From whole seconds, saturating at the ends of the range.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// From whole minutes, saturating at the ends of the range.
    pub const fn from_minutes(minutes: i64) -> Self {
        Self(minutes.saturating_mul(60_000))
    }

    /// Milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Seconds with a fraction.
    #[expect(clippy::cast_precision_loss, reason = "exact for every span within 285,000 years")]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// Whether this is zero milliseconds.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// As the standard library's duration; a negative span becomes zero.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(u64::try_from(self.0).unwrap_or(0))
    }
}

impl From<std::time::Duration> for Duration {
    /// Rounds down to whole milliseconds and saturates.
    fn from(value: std::time::Duration) -> Self {
        Self(i64::try_from(value.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Units of Prometheus durations, largest first. A year is 365 days, a week 7 (`model.ParseDuration`).
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// As Prometheus prints durations: `90s` is `1m30s`, `604800s` is `1w`, zero is `0s`; years and weeks only
/// when the span is a whole number of them (`model.Duration.String`).
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let mut rest = self.0.unsigned_abs();
        for (unit, millis) in UNITS {
            let millis = millis.unsigned_abs();
            let only_exact = matches!(unit, "y" | "w");
            if rest >= millis && (!only_exact || rest.is_multiple_of(millis)) {
                write!(f, "{}{unit}", rest / millis)?;
                rest %= millis;
            }
        }
        Ok(())
    }
}

/// Why a text is not a Prometheus duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// The text was empty.
    #[error("empty duration; write a number with a unit, such as 30s, 5m or 1h30m")]
    Empty,
    /// The text is not numbers with units from largest to smallest, each unit at most once.
    #[error(
        "{text:?} is not a duration; write whole numbers with the units y, w, d, h, m, s, ms, largest first, such as 1h30m"
    )]
    Malformed {
        /// What was given.
        text: String,
    },
    /// The span does not fit in 64 bits of milliseconds.
    #[error("duration {text:?} is too long")]
    TooLong {
        /// What was given.
        text: String,
    },
}

/// Reads `5m`, `1h30m`, `250ms`, `0`; the grammar is `model.ParseDuration`'s: whole numbers, each unit at
/// most once, largest first, no sign.
impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(DurationError::Empty);
        }
        if text == "0" {
            return Ok(Self::ZERO);
        }
        let malformed = || DurationError::Malformed { text: text.to_owned() };
        let too_long = || DurationError::TooLong { text: text.to_owned() };
        let mut rest = text;
        let mut next_unit = 0;
        let mut total: i64 = 0;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at(digits);
            if number.is_empty() {
                return Err(malformed());
            }
            let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (name, tail) = tail.split_at(letters);
            let at = UNITS.iter().position(|(unit, _)| *unit == name).ok_or_else(malformed)?;
            if at < next_unit {
                return Err(malformed());
            }
            next_unit = at + 1;
            let number: i64 = number.parse().map_err(|_source| too_long())?;
            let millis = number.checked_mul(UNITS[at].1).ok_or_else(too_long)?;
            total = total.checked_add(millis).ok_or_else(too_long)?;
            rest = tail;
        }
        Ok(Self(total))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        self.saturating_add(rhs)
    }
}

impl AddAssign<Duration> for Timestamp {
    fn add_assign(&mut self, rhs: Duration) {
        *self = *self + rhs;
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, rhs: Duration) -> Self {
        self.saturating_sub(rhs)
    }
}

impl SubAssign<Duration> for Timestamp {
    fn sub_assign(&mut self, rhs: Duration) {
        *self = *self - rhs;
    }
}

impl Sub for Timestamp {
    type Output = Duration;
    fn sub(self, rhs: Self) -> Duration {
        Duration(self.0.saturating_sub(rhs.0))
    }
}

impl Add for Duration {
    type Output = Self;
    fn add(self, rhs: Self) -> Self {
        Self(self.0.saturating_add(rhs.0))
    }
}

impl Sub for Duration {
    type Output = Self;
    fn sub(self, rhs: Self) -> Self {
        Self(self.0.saturating_sub(rhs.0))
    }
}

impl Neg for Duration {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl std::ops::Mul<i64> for Duration {
    type Output = Self;
    fn mul(self, rhs: i64) -> Self {
        Self(self.0.saturating_mul(rhs))
    }
}

/// A left-open span of time: every instant `t` with `after < t && t <= until`.
///
/// Left-open as Prometheus 3 reads ranges and lookback: a sample exactly five minutes old is outside `[5m]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeRange {
    /// The instant before the range begins, itself outside.
    pub after: Timestamp,
    /// The last instant inside.
    pub until: Timestamp,
}

impl TimeRange {
    /// Every instant that can be written but the very first.
    pub const ALL: Self = Self { after: Timestamp::MIN, until: Timestamp::MAX };

    /// The range `(after, until]`.
    pub const fn new(after: Timestamp, until: Timestamp) -> Self {
        Self { after, until }
    }

    /// The closed range `[first, until]`.
    pub const fn closed(first: Timestamp, until: Timestamp) -> Self {
        Self { after: Timestamp(first.0.saturating_sub(1)), until }
    }

    /// Whether `at` lies inside.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.after < at && at <= self.until
    }

    /// Whether no instant lies inside.
    pub fn is_empty(&self) -> bool {
        self.until <= self.after
    }
}
