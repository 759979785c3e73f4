//! Every way to fail, as it is told.

use std::fmt::Write as _;

use assurance_template::{Data, Externals, MAX_TEMPLATE_BYTES, QuerySample, RenderError, Template};

#[test]
fn refused_at_load() {
    let mut out = String::new();
    for text in [
        "{{",
        "{{ $value ",
        "{{ \u{a0} }}",
        "{{ if $value }}x",
        "{{ end }}",
        "a\nb {{ $label.instance }}",
        "{{ $labels.instance | humanise }}",
        "{{ tmpl \"a\" . }}",
        "{{ $labels.bad-name }}",
        "{{ range $value }}{{ $i }}{{ end }}",
        "{{ define \"x\" }}{{ $labels.a }}{{ end }}",
        "{{ break }}",
        "{{ __member . \"Labels\" }}",
        "{{ nil }}",
        "{{ $value | 1 }}",
        "{{ else }}",
        "{{ end }} text that would be lost",
        "{{ with $labels.job }}{{ else }}",
        "{{ define \"x\" }}a{{ end }}{{ define \"x\" }}b{{ end }}",
        "{{ \"unclosed }}",
        "{{ if $value }}{{ $x := 1 }}{{ end }}{{ $x }}",
    ] {
        match Template::parse(text) {
            Ok(_) => writeln!(out, "{text:?}\n    accepted").unwrap(),
            Err(error) => {
                writeln!(out, "{text:?}\n    {error}\n    at {:?}", &text[error.span.clone()]).unwrap();
            }
        }
    }
    let long = "x".repeat(MAX_TEMPLATE_BYTES + 1);
    let too_long = Template::parse(&long).expect_err("it is too long");
    writeln!(out, "too long\n    {too_long}").unwrap();
    insta::assert_snapshot!(out);
}

#[test]
fn found_at_load() {
    let mut out = String::new();
    for text in [
        "Total: {{ query \"up\" }}",
        "{{ $x := query \"up\" | sortByLabel \"job\" }}{{ $x }}",
        "{{ query \"up\" | first }}",
        "{{ $labels }}",
        "{{ .ExternalLabels }}",
        "{{ . }} and {{ with $labels }}{{ . }}{{ end }}",
        "{{ $labels | len }}{{ range $name, $value := $labels }}{{ $name }}{{ end }}{{ with $labels }}x{{ end }}",
        "{{ .instance }}",
        "{{ $.Labes.x }}",
        "{{ (query \"up\").banana }}",
        "{{ range query \"up\" }}{{ .labels.job }}{{ end }}",
        "{{ humanize }}",
        "{{ $value | humanize 3 }}",
        "{{ template \"nowhere\" }}",
    ] {
        let template = Template::parse(text).unwrap();
        writeln!(out, "{text:?}").unwrap();
        for finding in template.findings() {
            writeln!(out, "    {finding}\n    at {:?}", &text[finding.span.clone()]).unwrap();
            if let Some(help) = finding.kind.help() {
                writeln!(out, "    help: {help}").unwrap();
            }
        }
    }
    insta::assert_snapshot!(out);
}

fn render(text: &str) -> Result<String, RenderError> {
    let externals = Externals::new([("site", "north")], "http://localhost:9090");
    let data = Data::new([("job", "x")], 11.0, &externals, 0.0);
    let template = Template::parse(text).expect("a template");
    template.render(&data, &|expression| match expression {
        "none" => Ok(Vec::new()),
        "broken" => Err("it is broken".to_owned()),
        _ => Ok(vec![QuerySample { labels: [("instance".to_owned(), "a".to_owned())].into(), value: 1.0 }]),
    })
}

#[test]
fn failing_at_run_time() {
    let mut out = String::new();
    for text in [
        "{{ query \"none\" | first }}",
        "{{ query \"broken\" | first | value }}",
        "{{ (query \"none\").banana }}",
        "{{ humanize \"one\" }}",
        "{{ humanize \"1e999\" }}",
        "{{ humanize $labels }}",
        "{{ humanizeTimestamp 1e300 }}",
        "{{ toTime 1e300 }}",
        "{{ parseDuration \"1 hour\" }}",
        "{{ reReplaceAll \"(\" \"\" \"x\" }}",
        "{{ match \"[\" \"x\" }}",
        "{{ label \"job\" $labels }}",
        "{{ $value.Foo }}",
        "{{ $labels.job.Foo }}",
        "{{ .instance }}",
        "{{ (now | toTime).Banana }}",
        "{{ (now | toTime).Format }}",
        "{{ call . \"Labels\" }}",
        "{{ index (query \"up\") 3 }}",
        "{{ range $value }}x{{ end }}",
        "{{ template \"nowhere\" }}",
        "{{ printf \"%99999d\" 1 }}",
        "{{ printf \"%*d\" 99999 1 }}",
        "{{ range 1000000 }}x{{ end }}",
        "{{ range 9000 }}{{ printf \"%900d\" . }}{{ end }}",
        "{{ $x := \"aa\" }}{{ range 9000 }}{{ $x = print $x $x }}{{ end }}",
        "{{ range 200 }}{{ query (print \"q\" .) | len }}{{ end }}",
        "{{ define \"x\" }}{{ template \"x\" }}{{ end }}{{ template \"x\" }}",
    ] {
        match render(text) {
            Ok(text) => writeln!(out, "{text:?}\n    rendered").unwrap(),
            Err(error) => writeln!(out, "{text:?}\n    {error}").unwrap(),
        }
    }
    insta::assert_snapshot!(out);
}
