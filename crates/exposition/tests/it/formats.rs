//! Which format a header names.

use assurance_exposition::{ACCEPT, Format};

#[test]
fn content_types_are_recognised_without_their_parameters() {
    for (header, format) in [
        ("text/plain", Some(Format::Text)),
        ("Text/Plain; version=0.0.4; charset=utf-8", Some(Format::Text)),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", Some(Format::OpenMetrics)),
        ("application/openmetrics-text", Some(Format::OpenMetrics)),
        ("application/vnd.google.protobuf", None),
        ("text/html", None),
        ("", None),
    ] {
        assert_eq!(Format::named_by(header), format, "{header}");
        assert_eq!(Format::from_content_type(header), format.unwrap_or(Format::Text), "{header}");
    }
    for format in [Format::Text, Format::OpenMetrics] {
        assert_eq!(Format::named_by(format.content_type()), Some(format));
    }
}

#[test]
fn open_metrics_is_given_to_those_who_ask_for_it() {
    for (accept, format) in [
        (ACCEPT, Format::OpenMetrics),
        ("", Format::Text),
        ("*/*", Format::Text),
        ("text/html,*/*;q=0.1", Format::Text),
        ("application/openmetrics-text", Format::OpenMetrics),
        ("application/openmetrics-text;q=0.3, text/plain;q=0.5", Format::Text),
        ("application/openmetrics-text; version=1.0.0; q=0.5, text/plain; q=0.5", Format::OpenMetrics),
        ("application/openmetrics-text;q=0", Format::Text),
        ("application/openmetrics-text;q=high, text/plain", Format::Text),
    ] {
        assert_eq!(Format::negotiate(accept), format, "{accept}");
    }
}
