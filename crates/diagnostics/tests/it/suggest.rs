use assurance_diagnostics::suggest;

#[test]
fn the_nearest_name_wins() {
    let fields = ["alert", "expr", "for", "keep_firing_for", "labels", "annotations", "record"];
    for (wrong, meant) in [
        ("exp", Some("expr")),
        ("epxr", Some("expr")),
        ("lables", Some("labels")),
        ("anotations", Some("annotations")),
        ("keep_firing", None),
        ("fro", Some("for")),
        ("expr", None),
        ("", None),
        ("summary", None),
    ] {
        assert_eq!(suggest(wrong, fields), meant, "{wrong}");
    }
}

#[test]
fn of_two_equally_near_names_the_first_wins() {
    assert_eq!(suggest("ab", ["ac", "ad"]), Some("ac"));
}

#[test]
fn very_long_names_are_not_compared() {
    let long = "a".repeat(1 << 20);
    assert_eq!(suggest(&long, ["a"]), None);
    assert_eq!(suggest("a", [long.as_str()]), None);
}
