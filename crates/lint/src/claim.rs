//! What the texts of an alert say in numbers: "more than ten failures an hour", "for five minutes".

use std::ops::Range;

use assurance_metrics_model::Duration;

/// How a number is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// "more than 10"
    MoreThan,
    /// "at least 10"
    AtLeast,
    /// "fewer than 10"
    LessThan,
    /// "~10", "about ten", "threshold: 10"
    About,
    /// Just "10".
    Plain,
}

/// "More than 10 in an hour".
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rate {
    pub(crate) count: f64,
    pub(crate) per: Duration,
    pub(crate) bound: Bound,
    /// "in an hour" rather than "an hour": the window itself is claimed.
    pub(crate) windowed: bool,
    /// From the first word that belongs to it.
    pub(crate) place: Range<usize>,
    /// The sentence or line around it.
    pub(crate) sentence: Range<usize>,
}

/// "For five minutes".
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) length: Duration,
    pub(crate) place: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Word(String),
    Sign(&'static str),
    /// The end of a sentence, a line of a list, or a template's action.
    Break,
}

/// How many words may stand between a number and its unit: "ten preflight gates failed within an hour".
const MAX_WORDS: usize = 6;

/// How far before a number its qualifier may stand: "threshold of more than".
const MAX_LOOK_BACK: usize = 3;

/// Every statement of a count within a time.
pub(crate) fn rates(text: &str) -> Vec<Rate> {
    let tokens = tokens(text);
    let mut found: Vec<Rate> = Vec::new();
    for (at, (token, place)) in tokens.iter().enumerate() {
        let Token::Number(count) = token else { continue };
        // Part of the unit of the statement before: "in 1 hour".
        if found.last().is_some_and(|rate| rate.place.end >= place.end) {
            continue;
        }
        let Some((per, windowed, end)) = unit_after(&tokens, at + 1) else { continue };
        let (bound, first) = bound(&tokens, at);
        let place = tokens[first].1.start..tokens[end].1.end;
        let sentence = sentence(&tokens, at, text.len());
        found.push(Rate { count: *count, per, bound, windowed, place, sentence });
    }
    found
}

/// Every statement of how long something holds.
pub(crate) fn spans(text: &str) -> Vec<Span> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let Token::Word(word) = &tokens[at].0 else { continue };
        if word != "for" {
            continue;
        }
        let mut next = at + 1;
        let skipped = ["more", "than", "at", "least", "over", "the", "last", "past", "about"];
        while matches!(tokens.get(next), Some((Token::Word(w), _)) if skipped.contains(&w.as_str())) {
            next += 1;
        }
        while matches!(tokens.get(next), Some((Token::Sign(">" | ">=" | "~"), _))) {
            next += 1;
        }
        let (Some((Token::Number(count), _)), Some((Token::Word(unit), place))) =
            (tokens.get(next), tokens.get(next + 1))
        else {
            continue;
        };
        if let Some(one) = unit_of(unit) {
            let place = tokens[at].1.start..place.end;
            found.push(Span { length: times(one, *count), place });
        }
    }
    found
}

/// The unit that belongs to a number before `at`: its length, whether it is a window, and its last token.
fn unit_after(tokens: &[(Token, Range<usize>)], at: usize) -> Option<(Duration, bool, usize)> {
    let mut words = 0;
    let mut next = at;
    while words <= MAX_WORDS {
        match &tokens.get(next)?.0 {
            Token::Sign("/") => {
                let Token::Word(unit) = &tokens.get(next + 1)?.0 else { return None };
                return unit_of(unit).map(|unit| (unit, false, next + 1));
            }
            Token::Word(word) => {
                let windowed = ["in", "within", "during", "over"].contains(&word.as_str());
                let joins = windowed || ["per", "an", "a", "each", "every"].contains(&word.as_str());
                if let Some((unit, end)) = length(tokens, next + 1).filter(|_| joins) {
                    return Some((unit, windowed, end));
                }
                // "two hours to spare" is no rate.
                if next == at && unit_of(word).is_some() {
                    return None;
                }
                words += 1;
                next += 1;
            }
            _ => return None,
        }
    }
    None
}

/// "hour", "the last hour", "1 hour", "an hour", "five minutes".
fn length(tokens: &[(Token, Range<usize>)], at: usize) -> Option<(Duration, usize)> {
    let mut next = at;
    let mut count = 1.0;
    loop {
        match &tokens.get(next)?.0 {
            Token::Word(word) if ["the", "last", "past", "any", "an", "a"].contains(&word.as_str()) => {
                next += 1;
            }
            Token::Number(number) => {
                count = *number;
                next += 1;
            }
            Token::Word(unit) => return unit_of(unit).map(|unit| (times(unit, count), next)),
            _ => return None,
        }
        if next > at + 3 {
            return None;
        }
    }
}

fn bound(tokens: &[(Token, Range<usize>)], at: usize) -> (Bound, usize) {
    let from = at.saturating_sub(MAX_LOOK_BACK);
    let mut about = None;
    for back in (from..at).rev() {
        match &tokens[back].0 {
            Token::Break => break,
            Token::Sign(">") => return (Bound::MoreThan, back),
            Token::Sign(">=") => return (Bound::AtLeast, back),
            Token::Sign("<") => return (Bound::LessThan, back),
            Token::Sign("~") => about = about.or(Some(back)),
            Token::Word(word) => match word.as_str() {
                "more" | "over" | "above" | "exceeds" | "exceeding" | "exceeded" | "beyond" => {
                    return (Bound::MoreThan, back);
                }
                "least" => return (Bound::AtLeast, back),
                "less" | "fewer" | "below" | "under" | "most" | "up" => return (Bound::LessThan, back),
                "about" | "around" | "roughly" | "approximately" | "threshold" => {
                    about = about.or(Some(back));
                }
                _ => {}
            },
            _ => {}
        }
    }
    about.map_or((Bound::Plain, at), |back| (Bound::About, back))
}

fn sentence(tokens: &[(Token, Range<usize>)], at: usize, len: usize) -> Range<usize> {
    let is_break = |(_, (token, _)): &(usize, &(Token, Range<usize>))| *token == Token::Break;
    let start = tokens[..at].iter().enumerate().rev().find(is_break).map_or(0, |(_, t)| t.1.end);
    let end = tokens[at..].iter().enumerate().find(is_break).map_or(len, |(_, t)| t.1.start);
    start..end.max(start)
}

fn times(unit: Duration, count: f64) -> Duration {
    // What does not fit is no time that anybody means.
    Duration::from_millis(assurance_millis(unit.as_secs_f64() * count * 1000.0))
}

#[expect(clippy::cast_possible_truncation, reason = "bounded on both sides first")]
fn assurance_millis(millis: f64) -> i64 {
    millis.round().clamp(0.0, 1e15) as i64
}

fn unit_of(word: &str) -> Option<Duration> {
    Some(match word {
        "s" | "sec" | "secs" | "second" | "seconds" => Duration::from_secs(1),
        "m" | "min" | "mins" | "minute" | "minutes" => Duration::from_minutes(1),
        "h" | "hr" | "hrs" | "hour" | "hours" => Duration::from_minutes(60),
        "d" | "day" | "days" => Duration::from_minutes(24 * 60),
        "week" | "weeks" => Duration::from_minutes(7 * 24 * 60),
        _ => return None,
    })
}

const NUMBERS: [&str; 13] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
];

fn number_word(word: &str) -> Option<f64> {
    let tens = [("fifteen", 15.0), ("twenty", 20.0), ("thirty", 30.0), ("fifty", 50.0), ("hundred", 100.0)];
    // `one` is rather a pronoun.
    let small = NUMBERS.iter().enumerate().skip(2).find(|(_, name)| **name == word);
    #[expect(clippy::cast_precision_loss, reason = "at most twelve")]
    small.map(|(n, _)| n as f64).or_else(|| tens.iter().find(|(name, _)| *name == word).map(|(_, n)| *n))
}

fn tokens(text: &str) -> Vec<(Token, Range<usize>)> {
    let mut out: Vec<(Token, Range<usize>)> = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let (token, len) = if rest.starts_with("{{") {
            (Some(Token::Break), rest.find("}}").map_or(rest.len(), |n| n + 2))
        } else if c.is_ascii_digit() {
            let len = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',').unwrap_or(rest.len());
            let digits = rest[..len].trim_end_matches(['.', ',']);
            number(digits, &rest[digits.len()..])
        } else if c.is_alphabetic() {
            let len = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let word = rest[..len].to_lowercase();
            (Some(number_word(&word).map_or(Token::Word(word), Token::Number)), len)
        } else if c == '\n' {
            let next = rest[1..].trim_start();
            let list = next.is_empty()
                || next.starts_with(['-', '*', '#'])
                || next.starts_with(|c: char| c.is_ascii_digit()) && next.contains(". ")
                || rest[1..].starts_with('\n');
            (list.then_some(Token::Break), 1)
        } else {
            let signs =
                [(">=", ">="), ("≥", ">="), (">", ">"), ("<", "<"), ("~", "~"), ("≈", "~"), ("/", "/")];
            let sign = signs.iter().find(|(sign, _)| rest.starts_with(sign));
            match (sign, c) {
                (Some((sign, meaning)), _) => (Some(Token::Sign(meaning)), sign.len()),
                (None, '.' | ';' | '!' | '?') => (Some(Token::Break), c.len_utf8()),
                _ => (None, c.len_utf8()),
            }
        };
        out.extend(token.map(|token| (token, at..at + len)));
        at += len.max(c.len_utf8().min(rest.len()));
    }
    out
}

/// A count, or what only begins like one: a share, "5xx", "99th".
fn number(digits: &str, after: &str) -> (Option<Token>, usize) {
    let tail = after.find(|c: char| !c.is_alphanumeric()).unwrap_or(after.len());
    if tail > 0 && unit_of(&after[..tail]).is_none() {
        return (Some(Token::Word(format!("{digits}{}", &after[..tail]))), digits.len() + tail);
    }
    let next = after.trim_start();
    if next.starts_with('%') || next.starts_with("percent") || next.starts_with("quantile") {
        return (Some(Token::Word(digits.to_owned())), digits.len());
    }
    (digits.replace(',', "").parse().ok().map(Token::Number), digits.len())
}

#[cfg(test)]
mod tests {
    use proptest::strategy::Strategy as _;

    use super::*;

    fn told(text: &str) -> Vec<String> {
        rates(text)
            .into_iter()
            .map(|r| format!("{:?} {} per {} = {:?}", r.bound, r.count, r.per, &text[r.place]))
            .collect()
    }

    #[test]
    fn counts_in_a_time_are_understood_however_they_are_written() {
        for (text, wanted) in [
            ("# ~10/hour", "About 10 per 1h = \"~10/hour\""),
            ("Threshold: 5 per hour", "About 5 per 1h = \"Threshold: 5 per hour\""),
            ("more than 10 in 1 hour", "MoreThan 10 per 1h = \"more than 10 in 1 hour\""),
            (
                "More than ten gates failed within an hour",
                "MoreThan 10 per 1h = \"More than ten gates failed within an hour\"",
            ),
            ("over 36 failures a day", "MoreThan 36 per 1d = \"over 36 failures a day\""),
            ("at least 3 requests/min", "AtLeast 3 per 1m = \"least 3 requests/min\""),
            ("0.0027 failures/second", "Plain 0.0027 per 1s = \"0.0027 failures/second\""),
            ("> 5 in the last 30 minutes", "MoreThan 5 per 30m = \"> 5 in the last 30 minutes\""),
        ] {
            assert_eq!(told(text), [wanted], "{text}");
        }
    }

    #[test]
    fn other_numbers_are_no_rates() {
        for text in [
            "Verify the reason (min 10 chars)",
            "published once a day, with two hours to spare",
            "Switches in last hour: {{ $value }}",
            "1. Check the log\n2. Look within an hour",
            "5 minutes have passed. It ends in an hour",
            "more than 5% of the requests failed in an hour",
            "5xx answers per second, by the 99th percentile over 5m",
            "the 99.9 percentile over 5 minutes",
        ] {
            assert!(told(text).is_empty(), "{text}: {:?}", told(text));
        }
    }

    #[test]
    fn lengths_of_time_are_understood() {
        let lengths = |text| spans(text).into_iter().map(|s| s.length.to_string()).collect::<Vec<_>>();
        assert_eq!(lengths("has been active for five minutes"), ["5m"]);
        assert_eq!(lengths("Alert on it for > 30 minutes"), ["30m"]);
        assert_eq!(lengths("nothing for more than 26 hours"), ["1d2h"]);
        assert!(lengths("wait for the backend").is_empty());
    }

    proptest::proptest! {
        /// Words that claims are made of, and anything else between them.
        #[test]
        fn every_place_lies_in_its_text(parts in proptest::collection::vec(
            proptest::prop_oneof![
                "\\PC{0,4}",
                proptest::sample::select(vec!["10", " more than ", "/", "hour", " in ", " an ", "\n- ", "{{ x }}", "~", "for ", "5m", "%"])
                    .prop_map(str::to_owned),
            ], 0..24)) {
            let text = parts.concat();
            for rate in rates(&text) {
                assert!(text.get(rate.place.clone()).is_some() && text.get(rate.sentence.clone()).is_some());
                assert!(rate.count.is_finite() && text[rate.place].ends_with(char::is_alphanumeric));
            }
            for span in spans(&text) {
                assert!(text.get(span.place).is_some());
            }
        }
    }
}
