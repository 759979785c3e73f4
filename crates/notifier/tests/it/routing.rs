use assurance_metrics_model::{Duration, Labels, MatchOp, Matcher, Timestamp};
use assurance_notifier::routing::{
    Chain, DayRange, GroupBy, InhibitRule, MinuteRange, Route, Routing, ShowMatchers, Step, TimeInterval,
    TimeSpan, Unless, parse_matcher, parse_matchers,
};
use proptest::prelude::*;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied())
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn routing(root: Route) -> Routing {
    Routing {
        root,
        receivers: Vec::new(),
        inhibit_rules: Vec::new(),
        time_intervals: Vec::new(),
        resolve_timeout: Duration::from_minutes(5),
    }
}

fn span(fill: impl FnOnce(&mut TimeSpan)) -> TimeInterval {
    let mut span = TimeSpan::default();
    fill(&mut span);
    TimeInterval { name: "x".to_owned(), spans: vec![span] }
}

#[test]
fn a_day_ends_where_its_last_minute_does() {
    let night = span(|s| s.times = Some(vec![MinuteRange { start: 1320, end: 1440 }]));
    for (time, inside) in [
        ("2026-01-01T21:59:59.999Z", false),
        ("2026-01-01T22:00:00Z", true),
        ("2026-01-01T23:59:59.999Z", true),
        ("2026-01-02T00:00:00Z", false),
        ("1969-12-31T23:30:00Z", true),
    ] {
        assert_eq!(night.contains(at(time)), inside, "{time}");
    }
}

#[test]
fn days_from_the_end_are_counted_in_each_month() {
    let last_three = span(|s| s.days_of_month = Some(vec![DayRange { begin: -3, end: -1 }]));
    let to_the_end = span(|s| s.days_of_month = Some(vec![DayRange { begin: 27, end: -1 }]));
    let long = span(|s| s.days_of_month = Some(vec![DayRange { begin: 30, end: 31 }]));
    let early = span(|s| s.days_of_month = Some(vec![DayRange { begin: -31, end: -30 }]));
    for (day, wanted) in [
        ("2026-02-25", [false, false, false, false]),
        ("2026-02-26", [true, false, false, false]),
        ("2026-02-28", [true, true, false, false]),
        ("2024-02-27", [true, true, false, false]),
        ("2024-02-26", [false, false, false, false]),
        ("2024-02-29", [true, true, false, false]),
        ("2026-04-30", [true, true, true, false]),
        ("2026-03-31", [true, true, true, false]),
        ("2026-03-01", [false, false, false, true]),
        ("2026-03-02", [false, false, false, true]),
        ("2026-04-01", [false, false, false, true]),
        ("2026-02-01", [false, false, false, false]),
        ("1900-02-28", [true, true, false, false]),
    ] {
        let time = at(&format!("{day}T12:00:00Z"));
        let got = [&last_three, &to_the_end, &long, &early].map(|interval| interval.contains(time));
        assert_eq!(got, wanted, "{day}");
    }
}

#[test]
fn every_part_must_hold_and_an_empty_one_never_does() {
    let both = span(|s| {
        s.weekdays = Some(vec![1..=5]);
        s.months = Some(vec![11..=12]);
        s.years = Some(vec![2026..=2026]);
    });
    assert!(both.contains(at("2026-11-24T00:00:00Z")), "a Tuesday in November");
    assert!(!both.contains(at("2026-11-22T00:00:00Z")), "a Sunday");
    assert!(!both.contains(at("2026-10-27T00:00:00Z")), "October");
    assert!(!both.contains(at("2027-11-23T00:00:00Z")), "another year");
    assert!(!span(|s| s.times = Some(Vec::new())).contains(at("2026-11-24T00:00:00Z")));
    assert!(span(|_| ()).contains(at("2026-11-24T00:00:00Z")));
    assert!(!TimeInterval { name: String::new(), spans: Vec::new() }.contains(at("2026-11-24T00:00:00Z")));
}

#[test]
fn inhibition_asks_for_equal_labels_and_never_turns_round() {
    let rule = InhibitRule {
        source: vec![Matcher::equal("severity", "critical")],
        target: vec![Matcher::new("severity", MatchOp::Regex, "critical|warning").expect("it compiles")],
        equal: vec!["instance".to_owned()],
    };
    let critical = labels(&[("severity", "critical"), ("instance", "a")]);
    let warning = labels(&[("severity", "warning"), ("instance", "a")]);
    assert!(rule.inhibits(&critical, &warning));
    assert!(!rule.inhibits(&warning, &critical));
    assert!(!rule.inhibits(&critical, &warning.with("instance", "b")));
    // Absent on both sides is equal; absent on one is not.
    assert!(rule.inhibits(&critical.without(&["instance"]), &warning.without(&["instance"])));
    assert!(!rule.inhibits(&critical, &warning.without(&["instance"])));
    // Both match both sides: neither inhibits the other, nor itself.
    assert!(!rule.inhibits(&critical, &critical));
    assert!(!rule.inhibits(&critical.with("alertname", "other"), &critical));
    assert!(rule.is_source(&critical) && !rule.is_source(&warning));
}

#[test]
fn the_inhibitor_is_one_that_fires() {
    let mut routing = routing(Route::new("a"));
    routing.inhibit_rules = vec![
        InhibitRule {
            source: vec![Matcher::equal("a", "1")],
            target: vec![Matcher::equal("b", "1")],
            equal: vec![],
        },
        InhibitRule {
            source: vec![Matcher::equal("c", "1")],
            target: vec![Matcher::equal("b", "1")],
            equal: vec![],
        },
    ];
    let target = labels(&[("b", "1")]);
    let (a, c) = (labels(&[("a", "1")]), labels(&[("c", "1")]));
    assert!(routing.inhibitor(&target, [] as [&Labels; 0]).is_none());
    assert_eq!(routing.inhibitor(&target, [&c, &a]).map(|(_, by)| by), Some(&c));
    let by_c = routing.inhibitor(&target, [&c]).map(|(rule, _)| rule.source[0].name().to_owned());
    assert_eq!(by_c.as_deref(), Some("c"));
    assert!(routing.inhibitor(&target, [&labels(&[("d", "1")]), &target]).is_none());
    assert!(routing.inhibitor(&a, [&c]).is_none());
}

#[test]
fn matchers_in_both_forms() {
    let read = |text: &str| parse_matchers(text).map(|matchers| ShowMatchers(&matchers).to_string());
    for (text, shown) in [
        ("", "{}"),
        ("a=b", r#"{a="b"}"#),
        (r#"{a="b", c=~"d|e",}"#, r#"{a="b",c=~"d|e"}"#),
        (r#"a="x\"y\\z\n\q""#, "{a=\"x\\\"y\\\\z\\n\\\\q\"}"),
        (r#"a="b,\d",c=e"#, r#"{a="b,\\d",c="e"}"#),
        ("a!=b c , d!~e", r#"{a!="b c",d!~"e"}"#),
        ("a:b=", r#"{a:b=""}"#),
        (r#"{"service.name"="a b", tier!~x}"#, r#"{"service.name"="a b",tier!~"x"}"#),
        ("ü=ö", r#"{"ü"="ö"}"#),
    ] {
        assert_eq!(read(text).as_deref(), Ok(shown), "{text}");
    }
    for (text, at, reason) in [
        ("a", 0..1, "there is no =, !=, =~ or !~ behind the name"),
        ("a=b, =c", 5..7, "a matcher begins with a label name"),
        ("a=\"b", 2..4, "the value's double quote is not closed"),
        ("a=b\"c\"", 2..6, "a double quote inside of the value needs a \\ before it"),
        ("b=~\"(\"", 3..6, "the regular expression is wrong: unclosed group"),
        ("\"a b\"", 5..5, "there is no =, !=, =~ or !~ behind the name"),
        ("\"a b\"=c d=e", 8..9, "matchers are separated by commas"),
        ("{\"a b\"=c", 8..8, "the { is not closed by a }"),
        ("\"\"=c", 0..2, "a label name is not empty"),
        ("\"a b\"=", 6..6, "here a value is missing"),
        ("\"a\\x\"=c", 2..3, "after a \\ in quotes there is one of n, t, r, \\ and \""),
    ] {
        let error = parse_matchers(text).expect_err(text);
        assert_eq!((error.at, error.reason.as_str()), (at, reason), "{text}");
    }
    assert_eq!(parse_matcher("a=b,c=d").map(|m| m.value().to_owned()).as_deref(), Ok("b,c=d"));
    assert_eq!(parse_matcher(r#""a b"=c"#).map(|m| m.name().to_owned()).as_deref(), Ok("a b"));
    assert!(parse_matcher("").is_err() && parse_matcher(r#""a b"=c,"d e"=f"#).is_err());
}

#[test]
fn a_chain_knows_when_to_come_back() {
    let step = |after, unless| Step { after: Duration::from_minutes(after), unless, notify: "a".to_owned() };
    let steps = vec![step(5, Unless::Acknowledged), step(15, Unless::Resolved)];
    let chain = Chain { name: "c".to_owned(), matchers: Vec::new(), receivers: Vec::new(), steps };
    let minute = |m: i64| Timestamp::from_secs(m * 60);
    let next = |acked: Option<i64>, resolved: Option<i64>, now: i64| {
        chain.next_due(minute(0), acked.map(minute), resolved.map(minute), minute(now))
    };
    assert_eq!(next(None, None, 0), Some(minute(5)));
    assert_eq!(next(None, None, 5), Some(minute(15)));
    assert_eq!(next(Some(1), None, 1), Some(minute(15)));
    assert_eq!(next(Some(1), Some(2), 2), None);
    assert_eq!(next(None, None, 15), None);
    let due: Vec<usize> = chain.due(minute(0), None, None, minute(20)).map(|due| due.index).collect();
    assert_eq!(due, [0, 1]);
}

/// A tree of routes over three labels with two values each.
fn route(depth: u32) -> BoxedStrategy<Route> {
    let matcher = (0..3usize, prop_oneof![Just(MatchOp::Equal), Just(MatchOp::NotEqual)], 0..3usize)
        .prop_map(|(name, op, value)| Matcher::new(["a", "b", "c"][name], op, ["", "1", "2"][value]));
    let node = (proptest::collection::vec(matcher, 0..3), any::<bool>(), 0..1000u32).prop_map(
        |(matchers, continues, number)| {
            let mut route = Route::new(&number.to_string());
            route.matchers = matchers.into_iter().flatten().collect();
            route.continues = continues;
            route
        },
    );
    if depth == 0 {
        return node.boxed();
    }
    (node, proptest::collection::vec(route(depth - 1), 0..4))
        .prop_map(|(mut node, routes)| {
            node.routes = routes;
            node
        })
        .boxed()
}

fn alert() -> impl Strategy<Value = Labels> {
    proptest::collection::vec(0..3usize, 3).prop_map(|values| {
        Labels::from_pairs(
            ["a", "b", "c"].into_iter().zip(values).map(|(name, value)| (name, ["", "1", "2"][value])),
        )
    })
}

/// The rule in other words: a matching route takes the alert unless a child does; children after the first
/// matching one without `continue` are not asked.
fn expected<'a>(route: &'a Route, labels: &Labels) -> Vec<&'a Route> {
    if !route.matches(labels) {
        return Vec::new();
    }
    let stop = route.routes.iter().position(|child| child.matches(labels) && !child.continues);
    let asked = stop.map_or(route.routes.len(), |stop| stop + 1);
    let below: Vec<&Route> = route.routes[..asked].iter().flat_map(|child| expected(child, labels)).collect();
    if below.is_empty() { vec![route] } else { below }
}

proptest! {
    #[test]
    fn alerts_take_the_routes_that_the_rule_says(mut root in route(3), labels in alert()) {
        root.matchers = Vec::new();
        let routing = routing(root);
        let found = routing.find(&labels);
        prop_assert!(!found.is_empty());
        let addresses = |routes: &[&Route]| routes.iter().map(|r| std::ptr::from_ref(*r)).collect::<Vec<_>>();
        prop_assert_eq!(addresses(&found), addresses(&expected(&routing.root, &labels)));
        for route in found {
            prop_assert!(route.matches(&labels));
            prop_assert_eq!(Routing::group_labels(route, &labels), Labels::empty());
        }
    }

    #[test]
    fn groups_are_named_by_the_labels_there_are(labels in alert(), names in proptest::collection::vec("[abcd]", 0..4)) {
        let mut route = Route::new("x");
        route.group_by = GroupBy::Labels(names.clone());
        let group = Routing::group_labels(&route, &labels);
        for (name, value) in &labels {
            let named = names.iter().any(|n| n == name);
            prop_assert_eq!(group.get(name), named.then_some(value));
        }
        prop_assert!(group.len() <= labels.len());
        route.group_by = GroupBy::All;
        prop_assert_eq!(Routing::group_labels(&route, &labels), labels);
    }

    #[test]
    fn no_alert_inhibits_itself(rule in (route(0), route(0)), one in alert(), other in alert()) {
        let rule = InhibitRule { source: rule.0.matchers, target: rule.1.matchers, equal: vec!["c".to_owned()] };
        prop_assert!(!rule.inhibits(&one, &one));
        // Nor do two keep each other quiet: somebody is always told.
        prop_assert!(!(rule.inhibits(&one, &other) && rule.inhibits(&other, &one)));
    }

    #[test]
    fn what_is_shown_of_matchers_reads_as_the_same(
        matchers in proptest::collection::vec(("[a-z_:][a-z0-9_:.ü ]{0,6}", 0..2usize, any::<String>()), 1..4)
    ) {
        let ops = [MatchOp::Equal, MatchOp::NotEqual];
        let written: Vec<Matcher> =
            matchers.iter().map(|(name, op, value)| Matcher::new(name, ops[*op], value).expect("no regex")).collect();
        let text = ShowMatchers(&written).to_string();
        let read = parse_matchers(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        let parts = |matchers: &[Matcher]| -> Vec<(String, MatchOp, String)> {
            matchers.iter().map(|m| (m.name().to_owned(), m.op(), m.value().to_owned())).collect()
        };
        prop_assert_eq!(parts(&read), parts(&written), "{}", text);
    }

    #[test]
    fn nothing_that_is_read_as_matchers_panics(text in any::<String>(), signs in "[a=\"\\\\{},!~ü ]{0,12}") {
        for text in [text, signs] {
            if let Err(error) = parse_matchers(&text) {
                prop_assert!(text.get(error.at.clone()).is_some(), "{:?} in {:?}", error, text);
            }
            let _either = parse_matcher(&text);
        }
    }

    #[test]
    fn a_date_is_in_itself_and_in_no_other(
        year in 1900..2200i32, month in 1..=12u8, day in 1..=28i8, minute in 0..1440u16, later in 1..400i64
    ) {
        let date = span(|s| {
            s.years = Some(vec![year..=year]);
            s.months = Some(vec![month..=month]);
            s.days_of_month = Some(vec![DayRange { begin: day, end: day }]);
            s.times = Some(vec![MinuteRange { start: minute, end: minute + 1 }]);
        });
        let (hour, min) = (minute / 60, minute % 60);
        let time = at(&format!("{year:04}-{month:02}-{day:02}T{hour:02}:{min:02}:30Z"));
        prop_assert!(date.contains(time));
        for away in [Duration::from_minutes(1), Duration::from_secs(later * 86_400)] {
            prop_assert!(!date.contains(time + away) && !date.contains(time - away));
        }
        // A Thursday began the epoch.
        let days = time.as_millis().div_euclid(86_400_000);
        let weekday = u8::try_from((days + 4).rem_euclid(7)).expect("less than seven");
        prop_assert!(span(|s| s.weekdays = Some(vec![weekday..=weekday])).contains(time));
        prop_assert!(!span(|s| s.weekdays = Some(vec![(weekday + 1) % 7..=(weekday + 1) % 7])).contains(time));
    }
}
