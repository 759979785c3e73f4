use assurance_promql::{Features, parse, parse_with};

#[test]
fn bad_expressions_are_refused_with_place_and_reason() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/promql/bad.txt");
    let text = std::fs::read_to_string(path).expect("the fixture");
    let said: Vec<String> = text
        .lines()
        .map(|expr| match parse_with(expr, Features::all()) {
            Ok(tree) => panic!("{expr} was read as {tree}"),
            Err(error) => error.to_diagnostic(expr).to_string(),
        })
        .collect();
    assert!(said.len() >= 25);
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn experimental_functions_must_be_enabled() {
    for (text, message) in [
        ("info(up)", "function \"info\" is not enabled"),
        ("sort_by_label(up, \"job\")", "function \"sort_by_label\" is not enabled"),
        (
            "limitk(1, up)",
            "limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
        ),
    ] {
        assert_eq!(parse(text).expect_err(text).to_string(), message);
        assert!(parse_with(text, Features::all()).is_ok(), "{text}");
    }
}
