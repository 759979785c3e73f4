use assurance_template::{Data, Externals, QuerySample, Template};
use proptest::prelude::*;

fn rendered(text: &str, value: f64) -> Option<String> {
    let externals = Externals::new([("site", "north")], "http://localhost:9090");
    let data = Data::new([("job", "x"), ("instance", "a:1")], value, &externals, 0.0);
    let sample = QuerySample { labels: [("instance".to_owned(), "a".to_owned())].into(), value };
    Template::parse(text).ok()?.render(&data, &|_| Ok(vec![sample.clone()])).ok()
}

proptest! {
    /// No text makes the reader, the check or the renderer panic.
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,60}") {
        rendered(&text, 1.0);
        rendered(&format!("{{{{ {text} }}}}"), 1.0);
    }

    /// Nor does any sequence of the words the language is made of.
    #[test]
    fn any_sequence_of_words_is_read_or_refused(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "{{", "}}", "if", "else", "end", "range", "with", "define \"x\"", "template \"x\"", "|", "(", ")",
                ".", "$labels", "$value", "$x", ":=", "=", "query", "first", "value", "label", "\"up\"", "1",
                "-", "printf", "\"%v\"", ".Labels", ".job", "toTime", ".Format", "nil", "and", "index", "break",
            ]),
            0..14,
        ),
    ) {
        rendered(&words.join(" "), 2.5);
        rendered(&format!("{{{{ {} }}}}", words.join(" ")), 2.5);
    }

    /// Text without actions is itself.
    #[test]
    fn plain_text_is_itself(text in "[^{}]{0,80}") {
        prop_assert_eq!(rendered(&text, 1.0), Some(text));
    }

    /// Every float that is printed reads back as itself.
    #[test]
    fn printed_floats_read_back(value in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO) {
        let text = rendered("{{ $value }}", value).unwrap_or_default();
        prop_assert_eq!(text.parse::<f64>().ok().map(f64::to_bits), Some(value.to_bits()));
    }

    /// Rendering twice gives the same text.
    #[test]
    fn rendering_is_a_function(value in any::<f64>()) {
        let text = "{{ query \"up\" }}{{ $value }}{{ $labels }}{{ range query \"up\" }}{{ . }}{{ end }}";
        prop_assert_eq!(rendered(text, value), rendered(text, value));
    }
}
