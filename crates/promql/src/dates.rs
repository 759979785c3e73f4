//! Parts of a date, in UTC.

use crate::function::Date;

/// The part of the instant `secs` after 1970 (a fraction is cut off); NaN where it is no instant.
pub(crate) fn part(date: Date, secs: f64) -> f64 {
    if !secs.is_finite() || secs.abs() > 1e15 {
        return f64::NAN;
    }
    #[expect(clippy::cast_possible_truncation, reason = "bounded above; a fraction is cut off on purpose")]
    let secs = secs as i64;
    let days = secs.div_euclid(86_400);
    let of_day = secs.rem_euclid(86_400);
    let (year, month, day) = civil(days);
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let number = match date {
        Date::Minute => of_day / 60 % 60,
        Date::Hour => of_day / 3600,
        // 1970-01-01 was a Thursday.
        Date::DayOfWeek => (days + 4).rem_euclid(7),
        Date::DayOfMonth => day,
        Date::DayOfYear => days - days_before(year) + 1,
        Date::DaysInMonth => match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        },
        Date::Month => month,
        Date::Year => year,
    };
    #[expect(clippy::cast_precision_loss, reason = "calendar numbers are small")]
    let number = number as f64;
    number
}

/// Days from 1970-01-01 to the first day of a year.
fn days_before(year: i64) -> i64 {
    let y = year - 1;
    365 * (year - 1970) + (y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400)) - 477
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // A guess by the mean length of a year is off by one at most.
    let mut year = 1970 + days.div_euclid(365);
    while days_before(year) > days {
        let over = days_before(year) - days;
        year -= (over / 366).max(1);
    }
    while days_before(year + 1) <= days {
        year += 1;
    }
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let mut rest = days - days_before(year);
    let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    (year, month, rest + 1)
}
