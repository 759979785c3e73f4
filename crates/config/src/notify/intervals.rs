use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use assurance_notifier::routing::{DayRange, MinuteRange, TimeInterval, TimeSpan};

use super::{raw, taken};
use crate::findings::{Findings, Place};

/// Names of time zones that are UTC; the others need a database of zones.
const UTC: [&str; 10] =
    ["", "UTC", "Etc/UTC", "Etc/UCT", "UCT", "Etc/Universal", "Universal", "Etc/Zulu", "Zulu", "GMT"];

const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// `mute_time_intervals` and `time_intervals`, whose names are one set.
pub(crate) fn intervals(
    findings: &mut Findings<'_>,
    root: &Place,
    mute: Vec<Option<raw::TimeInterval>>,
    time: Vec<Option<raw::TimeInterval>>,
) -> Vec<TimeInterval> {
    let mute_place = root.at("mute_time_intervals");
    if !mute.is_empty() {
        findings.warn(&mute_place, "mute_time_intervals is deprecated", "move its entries to time_intervals");
    }
    let mut out = Vec::new();
    for (place, list) in [(mute_place, mute), (root.at("time_intervals"), time)] {
        for (index, raw) in list.into_iter().enumerate() {
            let place = place.at(index);
            let raw = raw.unwrap_or_default();
            let name = raw.name.unwrap_or_default();
            if name.is_empty() {
                findings.error(&place, "the time interval has no name", "add name; routes refer to it");
            }
            let place_of_spans = place.at("time_intervals");
            let spans = raw.time_intervals.unwrap_or_default().into_iter().enumerate();
            let spans =
                spans.map(|(at, raw)| span(findings, &place_of_spans.at(at), raw.unwrap_or_default()));
            out.push((place.at("name"), TimeInterval { name, spans: spans.collect() }));
        }
    }
    let mut names = BTreeMap::new();
    for (index, (place, interval)) in out.iter().enumerate() {
        if !interval.name.is_empty() && taken(&mut names, &interval.name, index).is_some() {
            findings.error(
                place,
                format!("there is another time interval {:?}", interval.name),
                "names of time intervals must be unique",
            );
        }
    }
    out.into_iter().map(|(_, interval)| interval).collect()
}

fn span(findings: &mut Findings<'_>, place: &Place, raw: raw::TimeSpan) -> TimeSpan {
    if let Some(zone) = raw.location.filter(|zone| !UTC.contains(&zone.as_str())) {
        findings.error(
            &place.at("location"),
            format!("times cannot be told in the zone {zone:?}"),
            "write the times in UTC and remove location; mind that they move where summer time begins and ends",
        );
    }
    let times = raw.times.map(|list| {
        let place = place.at("times");
        let list = list.into_iter().enumerate();
        list.filter_map(|(at, raw)| times(findings, &place.at(at), &raw.unwrap_or_default())).collect()
    });
    let weekdays = raw.weekdays.map(|list| {
        ranges(findings, &place.at("weekdays"), &list, |text| {
            named(&WEEKDAYS, text, 0).ok_or_else(|| "write a weekday such as monday".to_owned())
        })
    });
    let months = raw.months.map(|list| {
        ranges(findings, &place.at("months"), &list, |text| {
            let number = text.parse().ok().filter(|month| (1..=12).contains(month));
            named(&MONTHS, text, 1)
                .or(number)
                .ok_or_else(|| "write a month such as march, or its number from 1 to 12".to_owned())
        })
    });
    let years = raw.years.map(|list| {
        ranges(findings, &place.at("years"), &list, |text| number::<i32>(text, "write a year such as 2026"))
    });
    let days_of_month = raw.days_of_month.map(|list| days(findings, &place.at("days_of_month"), &list));
    TimeSpan { times, weekdays, days_of_month, months, years }
}

fn named(names: &[&str], text: &str, first: u8) -> Option<u8> {
    let at = names.iter().position(|name| name.eq_ignore_ascii_case(text))?;
    u8::try_from(at).ok().map(|at| at + first)
}

fn number<T: FromStr>(text: &str, help: &str) -> Result<T, String> {
    text.parse().map_err(|_error| help.to_owned())
}

/// `a` or `a:b`, each read by `member`.
fn pair<T: Copy>(text: &str, member: impl Fn(&str) -> Result<T, String>) -> Result<(T, T), String> {
    match text.split(':').collect::<Vec<_>>()[..] {
        [one] => member(one).map(|one| (one, one)),
        [first, last] => Ok((member(first)?, member(last)?)),
        _ => Err("write one, or the first and the last with a colon between them".to_owned()),
    }
}

fn ranges<T: Copy + Ord + Display>(
    findings: &mut Findings<'_>,
    place: &Place,
    list: &[String],
    member: impl Fn(&str) -> Result<T, String>,
) -> Vec<RangeInclusive<T>> {
    let mut out = Vec::new();
    for (at, text) in list.iter().enumerate() {
        match pair(text, &member) {
            Ok((first, last)) if first > last => findings.error(
                &place.at(at),
                format!("{text:?} ends before it begins"),
                "write the earlier first; what goes over the end needs two entries",
            ),
            Ok((first, last)) => out.push(first..=last),
            Err(help) => findings.error(&place.at(at), format!("{text:?} cannot be read"), help),
        }
    }
    out
}

/// The shortest month: what ends before it begins there can never have been meant.
const SHORTEST_MONTH: i8 = 28;

fn days(findings: &mut Findings<'_>, place: &Place, list: &[String]) -> Vec<DayRange> {
    let member = |text: &str| {
        let help = "write a day from 1 to 31, or from -31 to -1 counted from the end of the month";
        number::<i8>(text, help).and_then(|day| match day {
            -31..=-1 | 1..=31 => Ok(day),
            _ => Err(help.to_owned()),
        })
    };
    let mut out = Vec::new();
    for (at, text) in list.iter().enumerate() {
        let place = place.at(at);
        match pair(text, member) {
            Ok((begin, end)) => {
                let in_shortest = |day: i8| if day < 0 { SHORTEST_MONTH + day } else { day };
                if begin < 0 && end > 0 {
                    findings.error(
                        &place,
                        format!("{text:?} begins at the end of the month and ends at its beginning"),
                        "write two entries",
                    );
                } else if in_shortest(begin) > in_shortest(end) {
                    findings.error(
                        &place,
                        format!("{text:?} ends before it begins, in short months at least"),
                        "write the earlier day first",
                    );
                } else {
                    out.push(DayRange { begin, end });
                }
            }
            Err(help) => findings.error(&place, format!("{text:?} cannot be read"), help),
        }
    }
    out
}

fn times(findings: &mut Findings<'_>, place: &Place, raw: &raw::Times) -> Option<MinuteRange> {
    let mut read = |key: &str, text: Option<&String>| {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            findings.error(
                place,
                format!("{key} is missing"),
                "write start_time and end_time, such as '09:00'",
            );
            return None;
        };
        let minutes = minutes(text);
        if minutes.is_none() {
            findings.error(
                &place.at(key),
                format!("{text:?} is no time of day"),
                "write hours and minutes of two digits each, such as '09:00', up to '24:00'",
            );
        }
        minutes
    };
    let start = read("start_time", raw.start_time.as_ref());
    let end = read("end_time", raw.end_time.as_ref());
    let (start, end) = (start?, end?);
    if start >= end {
        findings.error(
            &place.at("end_time"),
            "the times end before they begin",
            "write the earlier first; what goes over midnight needs two entries",
        );
        return None;
    }
    Some(MinuteRange { start, end })
}

fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |digits: &str| {
        (digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit()))
            .then(|| digits.parse::<u16>().ok())?
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (minutes < 60 && (hours < 24 || (hours == 24 && minutes == 0))).then_some(hours * 60 + minutes)
}
