use std::collections::BTreeMap;

use assurance_template::{Data, Externals, QuerySample, Template};

#[derive(Default)]
struct Case {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
    samples: Vec<QuerySample>,
    template: String,
    expected: Vec<(String, String)>,
}

fn read(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut section: Option<String> = None;
    let mut body: Vec<&str> = Vec::new();
    fn close(case: Option<&mut Case>, section: Option<String>, body: &mut Vec<&str>) {
        let (Some(case), Some(section)) = (case, section) else { return };
        let text = std::mem::take(body).join("\n");
        match section.as_str() {
            "template" => case.template = text,
            _ => case.expected.push((section, text)),
        }
    }
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("=== ") {
            close(cases.last_mut(), section.take(), &mut body);
            cases.push(Case { name: name.to_owned(), ..Case::default() });
        } else if let Some(next) = line.strip_prefix("--- ") {
            close(cases.last_mut(), section.take(), &mut body);
            section = Some(next.to_owned());
        } else if section.is_some() {
            body.push(line);
        } else {
            let case = cases.last_mut().expect("a case comes first");
            set(case, line);
        }
    }
    close(cases.last_mut(), section, &mut body);
    cases
}

fn set(case: &mut Case, line: &str) {
    let pair = |text: &str| {
        let (name, value) = text.split_once('=').expect("name=value");
        (name.to_owned(), value.to_owned())
    };
    let (word, rest) = line.split_once(' ').expect("a word and its argument");
    match word {
        "label" => case.labels.push(pair(rest)),
        "value" => case.value = rest.parse().expect("a number"),
        "sample" => {
            let mut parts = rest.split(' ');
            let value = parts.next().expect("a value").parse().expect("a number");
            case.samples.push(QuerySample { labels: parts.map(pair).collect::<BTreeMap<_, _>>(), value });
        }
        "no" => {}
        other => panic!("unknown setting {other}"),
    }
}

fn outcome(case: &Case) -> Vec<(String, String)> {
    let section = |name: &str, text: String| (name.to_owned(), text);
    let template = match Template::parse(&case.template) {
        Ok(template) => template,
        Err(error) => return vec![section("parse error", error.to_string())],
    };
    let mut all: Vec<_> = template
        .findings()
        .iter()
        .map(|f| section("finding", format!("{}: {}", &case.template[f.span.clone()], f.kind)))
        .collect();
    let externals = Externals::new([("site", "north")], "http://testhost:9090/path/prefix");
    let data = Data::new(case.labels.iter().map(|(n, v)| (n, v)), case.value, &externals, 1_767_323_045.0);
    all.push(match template.render(&data, &|_expression| Ok(case.samples.clone())) {
        Ok(text) => section("output", text),
        Err(error) => section("render error", error.to_string()),
    });
    all
}

fn run(file: &str, text: &str) {
    let cases = read(text);
    assert!(cases.len() > 10, "{file} has too few cases to be read rightly");
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let got = outcome(case);
            (got != case.expected).then(|| {
                format!(
                    "{file}: {}\n  template {:?}\n  expected {:?}\n       got {got:?}",
                    case.name, case.template, case.expected
                )
            })
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn values() {
    run("values.txt", include_str!("../../../../fixtures/template/values.txt"));
}

#[test]
fn texts() {
    run("texts.txt", include_str!("../../../../fixtures/template/texts.txt"));
}

#[test]
fn numbers() {
    run("numbers.txt", include_str!("../../../../fixtures/template/numbers.txt"));
}
