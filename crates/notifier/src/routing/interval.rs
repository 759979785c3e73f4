use std::ops::RangeInclusive;

use assurance_metrics_model::Timestamp;

/// Times with a name, which routes refer to: any of its spans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeInterval {
    /// The name.
    pub name: String,
    /// A time is inside where one of these holds it; none holds no time.
    pub spans: Vec<TimeSpan>,
}

/// Times of day on some days, in UTC. Each part that is given must hold; a part that is given and empty never
/// does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeSpan {
    /// Times of day.
    pub times: Option<Vec<MinuteRange>>,
    /// Days of the week, 0 for Sunday.
    pub weekdays: Option<Vec<RangeInclusive<u8>>>,
    /// Days of the month.
    pub days_of_month: Option<Vec<DayRange>>,
    /// Months, 1 for January.
    pub months: Option<Vec<RangeInclusive<u8>>>,
    /// Years.
    pub years: Option<Vec<RangeInclusive<i32>>>,
}

/// Minutes of a day, counted from midnight; the last is outside, so that `24:00` ends a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinuteRange {
    /// The first minute, 0 to 1439.
    pub start: u16,
    /// The minute after the last, up to 1440.
    pub end: u16,
}

/// Days of a month, both inside; -1 is the last day, -2 the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayRange {
    /// The first day, 1 to 31 or -31 to -1.
    pub begin: i8,
    /// The last day, 1 to 31 or -31 to -1.
    pub end: i8,
}

impl DayRange {
    /// Whether a day belongs, in a month of so many days. What reaches out of the month is cut off at its end.
    fn contains(self, day: i64, days_in_month: i64) -> bool {
        let from_end = |day: i8| if day < 0 { days_in_month + i64::from(day) + 1 } else { i64::from(day) };
        (from_end(self.begin)..=from_end(self.end)).contains(&day)
    }
}

impl TimeInterval {
    /// Whether a time is inside.
    pub fn contains(&self, at: Timestamp) -> bool {
        let at = Calendar::of(at);
        self.spans.iter().any(|span| span.holds(&at))
    }
}

impl TimeSpan {
    /// Whether a time is inside.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.holds(&Calendar::of(at))
    }

    fn holds(&self, at: &Calendar) -> bool {
        fn given<T>(ranges: Option<&Vec<T>>, holds: impl FnMut(&T) -> bool) -> bool {
            ranges.is_none_or(|ranges| ranges.iter().any(holds))
        }
        given(self.times.as_ref(), |range| (range.start..range.end).contains(&at.minute))
            && given(self.days_of_month.as_ref(), |range| range.contains(at.day, at.days_in_month))
            && given(self.months.as_ref(), |range| range.contains(&at.month))
            && given(self.weekdays.as_ref(), |range| range.contains(&at.weekday))
            && given(self.years.as_ref(), |range| {
                (i64::from(*range.start())..=i64::from(*range.end())).contains(&at.year)
            })
    }
}

/// An instant in the Gregorian calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Calendar {
    year: i64,
    month: u8,
    day: i64,
    days_in_month: i64,
    /// 0 for Sunday.
    weekday: u8,
    minute: u16,
}

const DAY_MILLIS: i64 = 86_400_000;

impl Calendar {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "remainders of small numbers"
    )]
    fn of(at: Timestamp) -> Self {
        let days = at.as_millis().div_euclid(DAY_MILLIS);
        let minute = (at.as_millis().rem_euclid(DAY_MILLIS) / 60_000) as u16;
        // Day 0 was a Thursday.
        let weekday = (days + 4).rem_euclid(7) as u8;
        // Years that begin in March have their leap day at the end; 400 of them have 146,097 days.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days_in_month = match month {
            2 => 28 + i64::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        Self { year, month: month as u8, day, days_in_month, weekday, minute }
    }
}
