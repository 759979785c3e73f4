//! Instants and spans as Go's `time` prints them, for `toTime`, `humanizeTimestamp` and the durations.

use std::fmt;

use time::OffsetDateTime;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// An instant in UTC with a resolution of milliseconds (`model.Time`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(OffsetDateTime);

impl Instant {
    /// From seconds since the epoch; what does not fit in 64 bits of nanoseconds is refused, as in Prometheus.
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked on the line before")]
    pub(crate) fn from_seconds(value: f64) -> Result<Self, String> {
        let nanos = value * 1e9;
        // 2^63 itself is no i64, but rounds to the same float as the largest one.
        if nanos.is_nan() || nanos > i64::MAX as f64 || nanos < i64::MIN as f64 {
            return Err(format!(
                "{} seconds cannot be represented as a nanoseconds timestamp since it overflows int64",
                crate::number::plain(value)
            ));
        }
        let millis = (nanos as i64) / 1_000_000;
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
            .map(Self)
            .map_err(|source| source.to_string())
    }

    fn field(self, name: &str) -> Option<i64> {
        Some(match name {
            "Unix" => self.0.unix_timestamp(),
            "UnixMilli" => i64::try_from(self.0.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX),
            "Year" => i64::from(self.0.year()),
            "Day" => i64::from(self.0.day()),
            "Hour" => i64::from(self.0.hour()),
            "Minute" => i64::from(self.0.minute()),
            "Second" => i64::from(self.0.second()),
            "YearDay" => i64::from(self.0.ordinal()),
            _ => return None,
        })
    }

    /// What a method without arguments gives, or `None` where we know no such method.
    pub(crate) fn method(self, name: &str) -> Option<gotmpl::Value> {
        if let Some(number) = self.field(name) {
            return Some(gotmpl::Value::Int(number));
        }
        match name {
            "Month" => Some(gotmpl::Value::String(self.month().into())),
            "Weekday" => Some(gotmpl::Value::String(self.weekday().into())),
            "String" => Some(gotmpl::Value::String(self.to_string().into())),
            _ => None,
        }
    }

    pub(crate) fn add(self, span: Span) -> Result<Self, String> {
        self.0
            .checked_add(time::Duration::nanoseconds(span.0))
            .map(Self)
            .ok_or_else(|| "the time leaves the calendar".to_owned())
    }

    fn month(self) -> &'static str {
        MONTHS[usize::from(u8::from(self.0.month())) - 1]
    }

    fn weekday(self) -> &'static str {
        WEEKDAYS[usize::from(self.0.weekday().number_days_from_sunday())]
    }

    /// Go's `Time.Format` in UTC: the layout shows how 2006-01-02 15:04:05 would look.
    pub(crate) fn format(self, layout: &str) -> String {
        let mut out = String::new();
        let mut rest = layout;
        while let Some(first) = rest.chars().next() {
            match LAYOUT.iter().find(|(token, _)| rest.starts_with(token)) {
                // `Jan` is no month inside a longer word, such as `Janet`; and `_2006` is a line and a year.
                Some((token, part)) if !is_other_word(rest, token) => {
                    self.write_part(*part, &mut out);
                    rest = &rest[token.len()..];
                }
                _ => match fraction(rest, &out) {
                    Some((length, trim)) => {
                        self.write_fraction(rest.as_bytes()[0], length - 1, trim, &mut out);
                        rest = &rest[length..];
                    }
                    None => {
                        out.push(first);
                        rest = &rest[first.len_utf8()..];
                    }
                },
            }
        }
        out
    }

    fn write_part(self, part: Part, out: &mut String) {
        let t = self.0;
        let twelve = match t.hour() % 12 {
            0 => 12,
            h => h,
        };
        let text = match part {
            Part::LongMonth => self.month().to_owned(),
            Part::Month => self.month()[..3].to_owned(),
            Part::NumMonth => u8::from(t.month()).to_string(),
            Part::ZeroMonth => format!("{:02}", u8::from(t.month())),
            Part::LongWeekday => self.weekday().to_owned(),
            Part::Weekday => self.weekday()[..3].to_owned(),
            Part::Day => t.day().to_string(),
            Part::UnderDay => format!("{:2}", t.day()),
            Part::ZeroDay => format!("{:02}", t.day()),
            Part::YearDay => format!("{:03}", t.ordinal()),
            Part::Hour => format!("{:02}", t.hour()),
            Part::Hour12 => twelve.to_string(),
            Part::ZeroHour12 => format!("{twelve:02}"),
            Part::Minute => t.minute().to_string(),
            Part::ZeroMinute => format!("{:02}", t.minute()),
            Part::Second => t.second().to_string(),
            Part::ZeroSecond => format!("{:02}", t.second()),
            Part::LongYear => format!("{:04}", t.year()),
            Part::Year => format!("{:02}", t.year().rem_euclid(100)),
            Part::UpperMeridiem => if t.hour() >= 12 { "PM" } else { "AM" }.to_owned(),
            Part::LowerMeridiem => if t.hour() >= 12 { "pm" } else { "am" }.to_owned(),
            Part::Literal(text) => text.to_owned(),
        };
        out.push_str(&text);
    }

    fn write_fraction(self, separator: u8, digits: usize, trim: bool, out: &mut String) {
        let all = format!("{:09}", self.0.nanosecond());
        let kept = &all[..digits.min(9)];
        let kept = if trim { kept.trim_end_matches('0') } else { kept };
        if !kept.is_empty() {
            out.push(char::from(separator));
            out.push_str(kept);
        }
    }
}

/// Go's `Time.String` in UTC.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format("2006-01-02 15:04:05.999999999 -0700 MST"))
    }
}

fn is_other_word(rest: &str, token: &str) -> bool {
    let tail = &rest[token.len()..];
    match token {
        "Jan" | "Mon" => tail.starts_with(|c: char| c.is_ascii_lowercase()),
        "_2" => tail.starts_with("006"),
        _ => false,
    }
}

/// `.000` or `,999` after seconds: its length with the separator, and whether zeros at the end are cut.
fn fraction(rest: &str, before: &str) -> Option<(usize, bool)> {
    let bytes = rest.as_bytes();
    let digit = *bytes.get(1)?;
    if !matches!(bytes[0], b'.' | b',') || !matches!(digit, b'0' | b'9') {
        return None;
    }
    let digits = bytes[1..].iter().take_while(|b| **b == digit).count();
    // A further digit means that this is a number, not a fraction; trimmed fractions follow seconds only.
    let ends = bytes.get(1 + digits).is_none_or(|b| !b.is_ascii_digit());
    (ends && before.ends_with(|c: char| c.is_ascii_digit())).then_some((1 + digits, digit == b'9'))
}

#[derive(Clone, Copy)]
enum Part {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    YearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperMeridiem,
    LowerMeridiem,
    Literal(&'static str),
}

/// Layout elements of Go's `time`, each before any that it begins with.
const LAYOUT: &[(&str, Part)] = &[
    ("January", Part::LongMonth),
    ("Jan", Part::Month),
    ("Monday", Part::LongWeekday),
    ("Mon", Part::Weekday),
    ("MST", Part::Literal("UTC")),
    ("2006", Part::LongYear),
    ("__2", Part::YearDay),
    ("_2", Part::UnderDay),
    ("002", Part::YearDay),
    ("01", Part::ZeroMonth),
    ("02", Part::ZeroDay),
    ("03", Part::ZeroHour12),
    ("04", Part::ZeroMinute),
    ("05", Part::ZeroSecond),
    ("06", Part::Year),
    ("15", Part::Hour),
    ("-07:00:00", Part::Literal("+00:00:00")),
    ("-070000", Part::Literal("+000000")),
    ("-07:00", Part::Literal("+00:00")),
    ("-0700", Part::Literal("+0000")),
    ("-07", Part::Literal("+00")),
    ("Z07:00:00", Part::Literal("Z")),
    ("Z070000", Part::Literal("Z")),
    ("Z07:00", Part::Literal("Z")),
    ("Z0700", Part::Literal("Z")),
    ("PM", Part::UpperMeridiem),
    ("pm", Part::LowerMeridiem),
    ("1", Part::NumMonth),
    ("2", Part::Day),
    ("3", Part::Hour12),
    ("4", Part::Minute),
    ("5", Part::Second),
];

/// A span of nanoseconds (`time.Duration`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(i64);

impl Span {
    pub(crate) fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From seconds with a fraction, as `toDuration` takes them.
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked on the line before")]
    pub(crate) fn from_seconds(value: f64) -> Result<Self, String> {
        let nanos = value * 1e9;
        if nanos.is_nan() || nanos > i64::MAX as f64 || nanos < i64::MIN as f64 {
            return Err(format!("{} seconds do not fit in a duration", crate::number::plain(value)));
        }
        Ok(Self(nanos as i64))
    }

    /// Reads `1h30m`, `-5m` as Prometheus reads durations: whole numbers, units from largest to smallest.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        const UNITS: [(&str, i64); 7] = [
            ("y", 365 * 86_400_000),
            ("w", 7 * 86_400_000),
            ("d", 86_400_000),
            ("h", 3_600_000),
            ("m", 60_000),
            ("s", 1000),
            ("ms", 1),
        ];
        let wrong = || format!("{text:?} is not a duration; write whole numbers with units, such as 1h30m");
        let (negative, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(wrong());
        }
        let mut next = 0;
        let mut millis: i64 = 0;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at(digits);
            let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, tail) = tail.split_at(letters);
            let at = UNITS.iter().position(|(name, _)| *name == unit).filter(|at| *at >= next);
            let at = at.ok_or_else(wrong)?;
            let number: i64 = number.parse().map_err(|_source| wrong())?;
            millis = number
                .checked_mul(UNITS[at].1)
                .and_then(|part| millis.checked_add(part))
                .ok_or_else(|| format!("the duration {text:?} is too long"))?;
            next = at + 1;
            rest = tail;
        }
        let nanos =
            millis.checked_mul(1_000_000).ok_or_else(|| format!("the duration {text:?} is too long"))?;
        Ok(Self(if negative { -nanos } else { nanos }))
    }

    #[expect(clippy::cast_precision_loss, reason = "a float of seconds is what Go gives as well")]
    pub(crate) fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// What a method without arguments gives, or `None` where we know no such method.
    pub(crate) fn method(self, name: &str) -> Option<gotmpl::Value> {
        Some(match name {
            "Seconds" => gotmpl::Value::Float(self.seconds()),
            "Minutes" => gotmpl::Value::Float(self.seconds() / 60.0),
            "Hours" => gotmpl::Value::Float(self.seconds() / 3600.0),
            "Milliseconds" => gotmpl::Value::Int(self.0 / 1_000_000),
            "Nanoseconds" => gotmpl::Value::Int(self.0),
            "String" => gotmpl::Value::String(self.to_string().into()),
            _ => return None,
        })
    }
}

/// Go's `Duration.String`: `1h2m10.01s`, `1.5ms`, `0s`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        if nanos == 0 {
            return f.write_str("0s");
        }
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let decimal = |whole: u64, part: u64, width: usize| {
            let fraction = format!("{part:0width$}");
            match fraction.trim_end_matches('0') {
                "" => whole.to_string(),
                fraction => format!("{whole}.{fraction}"),
            }
        };
        if nanos < 1000 {
            return write!(f, "{nanos}ns");
        }
        if nanos < 1_000_000 {
            return write!(f, "{}µs", decimal(nanos / 1000, nanos % 1000, 3));
        }
        if nanos < 1_000_000_000 {
            return write!(f, "{}ms", decimal(nanos / 1_000_000, nanos % 1_000_000, 6));
        }
        let seconds = nanos / 1_000_000_000;
        if seconds >= 3600 {
            write!(f, "{}h", seconds / 3600)?;
        }
        if seconds >= 60 {
            write!(f, "{}m", seconds / 60 % 60)?;
        }
        write!(f, "{}s", decimal(seconds % 60, nanos % 1_000_000_000, 9))
    }
}
