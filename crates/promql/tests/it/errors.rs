#![expect(clippy::disallowed_methods, reason = "tests read the project's fixtures")]

use assurance_promql::parse;

#[test]
fn bad_expressions_are_refused_with_place_and_reason() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/promql/bad.txt");
    let text = std::fs::read_to_string(path).expect("the fixture");
    let said: Vec<String> = text
        .lines()
        .map(|expr| match parse(expr) {
            Ok(tree) => panic!("{expr} was read as {tree}"),
            Err(error) => error.to_diagnostic(expr).to_string(),
        })
        .collect();
    assert!(said.len() >= 25);
    insta::assert_snapshot!(said.join("\n"));
}
