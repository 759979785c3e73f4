use assurance_diagnostics::{Diagnostic, Severity, Source};

fn at(source: &Source, part: &str) -> std::ops::Range<usize> {
    let start = source.text().find(part).expect("the part is in the text");
    start..start + part.len()
}

#[test]
fn all_parts_are_shown() {
    let source = Source::new("a/rules.yml", "one\ntwo\n  three four\n");
    let found = Diagnostic::warning(&source, Some(at(&source, "four")), "this is odd")
        .with_code("rule/odd")
        .with_label("here")
        .with_help("try\nagain");
    insta::assert_snapshot!(found, @r"
    warning[rule/odd]: this is odd
     --> a/rules.yml:3:9
      |
    3 |   three four
      |         ^^^^ here
      |
      = help: try
              again
    ");
    assert_eq!((found.line(), found.column()), (Some(3), Some(9)));
}

#[test]
fn without_a_span_the_file_is_named() {
    let source = Source::new("prometheus.yml", "");
    let found = Diagnostic::error(&source, None, "no scrape jobs").with_label("a note").with_help("add one");
    insta::assert_snapshot!(found, @r"
    error: no scrape jobs
     --> prometheus.yml
      |
      = note: a note
      = help: add one
    ");
    assert_eq!((found.line(), found.column()), (None, None));
}

#[test]
fn carets_stand_below_wide_letters_and_tabs() {
    let source = Source::new("f", "\t漢字 é x!\n");
    insta::assert_snapshot!(Diagnostic::error(&source, Some(at(&source, "x!")), "m"), @r"
    error: m
     --> f:1:7
      |
    1 |     漢字 é x!
      |            ^^
    ");
}

#[test]
fn a_place_of_several_lines_shows_its_first() {
    let source = Source::new("f", "a: b\nc: d\ne: f\n");
    insta::assert_snapshot!(Diagnostic::error(&source, Some(5..14), "m").with_label("begins here"), @r"
    error: m
     --> f:2:1
      |
    2 | c: d
      | ^^^^... begins here
    ");
}

#[test]
fn places_at_the_end_of_a_line_and_of_the_text_have_one_caret() {
    let source = Source::new("f", "ab\ncd");
    for (span, shown) in
        [(2..2, "1 | ab\n  |   ^\n"), (5..5, "2 | cd\n  |   ^\n"), (90..99, "2 | cd\n  |   ^\n")]
    {
        let text = Diagnostic::error(&source, Some(span.clone()), "m").to_string();
        assert!(text.ends_with(shown), "{span:?}: {text}");
    }
}

#[test]
fn long_lines_are_cut_around_the_carets() {
    let text = format!("{}needle{}", "x".repeat(5000), "y".repeat(5000));
    let source = Source::new("f", text);
    let shown = Diagnostic::error(&source, Some(at(&source, "needle")), "m").to_string();
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines.iter().all(|l| l.chars().count() < 120), "{shown}");
    let caret = lines[4].find('^').expect("carets");
    assert_eq!(lines[3].chars().skip(caret).take(6).collect::<String>(), "needle");
    assert_eq!(lines[4].matches('^').count(), 6);
}

#[test]
fn a_place_longer_than_the_terminal_is_cut() {
    let source = Source::new("f", "x".repeat(100_000));
    let shown = Diagnostic::error(&source, Some(0..100_000), "m").to_string();
    assert!(shown.len() < 400, "{shown}");
    assert!(shown.contains('…'), "{shown}");
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let source = Source::new("f\u{7}", "a \u{1b}[31m b \u{202e} c\n");
    let shown = Diagnostic::error(&source, Some(at(&source, "b")), "m \u{1b}]0;x\u{7}")
        .with_help("h\u{1b}")
        .to_string();
    assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown:?}");
}

#[test]
fn a_finding_outlives_its_source_and_severities_order() {
    let found = Diagnostic::new(Severity::Info, &Source::new("f", "text"), Some(0..4), "m");
    assert!(found.to_string().contains("1 | text"));
    assert!(Severity::Error > Severity::Warning && Severity::Warning > Severity::Info);
}

#[test]
fn crlf_lines_show_without_the_return() {
    let source = Source::new("f", "ab\r\ncd\r\n");
    insta::assert_snapshot!(Diagnostic::error(&source, Some(0..2), "m"), @r"
    error: m
     --> f:1:1
      |
    1 | ab
      | ^^
    ");
}

#[test]
fn secrets_are_not_printed() {
    for (line, shown) in [
        ("password: hunter2", "password: <hidden>"),
        ("  pasword: hunter2", "pasword: <hidden>"),
        ("- {username: u, password: 'hunter2'}", "- {username: u, password: <hidden>"),
        ("    credentials: [hunter2]", "credentials: <hidden>"),
        ("  \"bearer_token\": hunter2", "\"bearer_token\": <hidden>"),
    ] {
        for needle in ["hunter2", line.trim().get(..4).expect("long enough")] {
            let at = line.find(needle).expect("there");
            let said = Diagnostic::error(&Source::new("x.yml", line), Some(at..at + needle.len()), "odd")
                .to_string();
            assert!(said.contains(shown) && !said.contains("hunter2"), "{said}");
        }
    }
    for line in
        ["password_file: /etc/secret", "expr: rate(token_total[5m])", "expr: job:token:rate5m > 0", "token:"]
    {
        let said = Diagnostic::error(&Source::new("x.yml", line), Some(0..3), "odd").to_string();
        assert!(said.contains(line), "{said}");
    }
    let said =
        Diagnostic::error(&Source::new("x.yml", "alice: hunter2"), Some(7..14), "odd").with_hidden_line();
    assert_eq!(said.to_string(), "error: odd\n --> x.yml:1:8\n  |\n1 | <hidden>\n  | ^^^^^^^^\n");
}
