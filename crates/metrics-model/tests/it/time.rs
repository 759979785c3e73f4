use assurance_metrics_model::{Duration, DurationError, TimeRange, Timestamp};
use proptest::prelude::*;

#[test]
fn durations_read_as_prometheus_reads_them() {
    for (text, millis) in [
        ("0", 0),
        ("0s", 0),
        ("250ms", 250),
        ("30s", 30_000),
        ("90s", 90_000),
        ("5m", 300_000),
        ("1h30m", 5_400_000),
        ("1d", 86_400_000),
        ("1w", 604_800_000),
        ("1y", 31_536_000_000),
        ("1y2w3d4h5m6s7ms", 31_536_000_000 + 1_209_600_000 + 259_200_000 + 14_400_000 + 300_000 + 6_000 + 7),
    ] {
        assert_eq!(text.parse::<Duration>(), Ok(Duration::from_millis(millis)), "{text}");
    }
}

#[test]
fn what_is_no_duration_is_refused_with_the_reason() {
    for text in ["5", "m", "5x", "-5m", "1.5h", "5m5m", "5s5m", " 5m", "5m ", "5 m", "1ms1s"] {
        let error = text.parse::<Duration>().expect_err(text);
        assert_eq!(error, DurationError::Malformed { text: text.to_owned() });
    }
    assert_eq!("".parse::<Duration>(), Err(DurationError::Empty));
    for text in ["99999999999999999999s", "9223372036854775807w"] {
        let error = text.parse::<Duration>().expect_err(text);
        assert_eq!(error, DurationError::TooLong { text: text.to_owned() });
    }
    assert_eq!(
        "5 minutes".parse::<Duration>().expect_err("refused").to_string(),
        r#""5 minutes" is not a duration; write whole numbers with the units y, w, d, h, m, s, ms, largest first, such as 1h30m"#
    );
}

#[test]
fn durations_print_as_prometheus_prints_them() {
    for (millis, text) in [
        (0, "0s"),
        (1, "1ms"),
        (90_000, "1m30s"),
        (604_800_000, "1w"),
        (691_200_000, "8d"),
        (31_536_000_000, "1y"),
        (31_536_000_000 + 1000, "365d1s"),
        (-300_000, "-5m"),
    ] {
        assert_eq!(Duration::from_millis(millis).to_string(), text);
    }
}

#[test]
fn instants_print_as_rfc_3339() {
    for (millis, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_766_672_123_456, "2025-12-25T14:15:23.456Z"),
        (1_709_164_800_000, "2024-02-29T00:00:00Z"),
        (i64::MAX, "@9223372036854776"),
    ] {
        assert_eq!(Timestamp::from_millis(millis).to_string(), text);
    }
}

#[test]
fn ranges_are_open_on_the_left() {
    let at = Timestamp::from_secs;
    let range = TimeRange::new(at(10), at(20));
    assert_eq!([10, 11, 20, 21].map(|s| range.contains(at(s))), [false, true, true, false]);
    assert!(TimeRange::closed(at(10), at(20)).contains(at(10)));
    assert!(TimeRange::new(at(10), at(10)).is_empty());
    assert!(!TimeRange::closed(at(10), at(10)).is_empty());
}

#[test]
fn arithmetic_holds_at_the_ends_of_the_range() {
    let second = Duration::from_secs(1);
    assert_eq!(Timestamp::MAX + second, Timestamp::MAX);
    assert_eq!(Timestamp::MIN - second, Timestamp::MIN);
    assert_eq!(Timestamp::from_secs_f64(f64::INFINITY), Timestamp::MAX);
    assert_eq!(Timestamp::from_secs_f64(1.0005), Timestamp::from_millis(1001));
}

proptest! {
    #[test]
    fn a_printed_duration_reads_back(millis in 0..i64::MAX) {
        let duration = Duration::from_millis(millis);
        prop_assert_eq!(duration.to_string().parse::<Duration>(), Ok(duration));
    }

    /// Days are counted by hand, leap years and all, from an instant's own text.
    #[test]
    fn a_printed_instant_names_its_own_milliseconds(millis in -62_167_219_200_000i64..253_402_300_800_000) {
        let text = Timestamp::from_millis(millis).to_string();
        let number = |from: usize, to: usize| text[from..to].parse::<i64>().expect("digits");
        let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
        let leap = |y: i64| (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
        let lengths = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let before_year = 365 * year + (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400 - 719_528;
        let before_month: i64 = lengths[..usize::try_from(month - 1).expect("month")].iter().sum();
        let days = before_year + before_month + day - 1;
        let fraction = if text.len() > 20 { number(20, 23) } else { 0 };
        let seconds = number(11, 13) * 3600 + number(14, 16) * 60 + number(17, 19);
        prop_assert_eq!((days * 86_400 + seconds) * 1000 + fraction, millis);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,12}") {
        let _either = text.parse::<Duration>();
    }
}
