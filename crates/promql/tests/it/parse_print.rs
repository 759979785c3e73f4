//! What prints reads back, on one line or over many, and is what Prometheus prints.

use assurance_promql::{Expr, Features, parse_with};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::language::{Age, vector};

fn read(text: &str) -> Expr {
    parse_with(text, Features::all()).unwrap_or_else(|error| panic!("{}", error.to_diagnostic(text)))
}

#[test]
fn a_printed_expression_reads_back() {
    let mut runner = TestRunner::new(ProptestConfig::default());
    let mut seen = 0;
    for _ in 0..2_000 {
        let text = vector(Age::Newest).new_tree(&mut runner).expect("an expression").current();
        let Ok(tree) = parse_with(&text, Features::all()) else { continue };
        seen += 1;
        for printed in [tree.to_string(), tree.pretty()] {
            let again = read(&printed);
            assert_eq!(again.to_string(), tree.to_string(), "{text}");
            // A NaN is no equal of itself.
            assert!(again == tree || printed.contains("NaN"), "{text}\n{printed}\n{again:?}\n{tree:?}");
        }
        let longest = tree.to_string().len();
        assert!(longest > 100 || !tree.pretty().contains('\n'), "{text}");
    }
    assert!(seen > 1_000, "{seen} of 2,000 are expressions");
}

#[test]
fn expressions_print_as_prometheus_prints_them() {
    for (text, printed) in [
        ("sum by() (x)", "sum(x)"),
        ("SUM(x) BY (a,b)", "sum by (a, b) (x)"),
        ("sum(x) without()", "sum without () (x)"),
        ("topk ( 5,x )", "topk(5, x)"),
        ("count_values('v',x)", "count_values(\"v\", x)"),
        ("sum by (\"a.b\", c) (x)", "sum by (\"a.b\", c) (x)"),
        ("a+on()b", "a + on () b"),
        ("a + ignoring() b", "a + b"),
        ("a * ignoring(x) group_left b", "a * ignoring (x) group_left () b"),
        ("a * on(x) group_right(y,z) b", "a * on (x) group_right (y, z) b"),
        ("a >BOOL on(x) b", "a > bool on (x) b"),
        ("1 + on() x", "1 + x"),
        ("a - fill( 0 ) b", "a - fill (0) b"),
        ("a - on(x) fill_right(-1) fill_left(Inf) b", "a - on (x) fill_left (+Inf) fill_right (-1) b"),
        ("a</b", "a </ b"),
        ("h>/ 2", "h >/ 2"),
        ("x{b='2',a=\"1\"}", "x{a=\"1\",b=\"2\"}"),
        ("x{}", "x"),
        ("{'x'}", "x"),
        ("{\"x y\", a=`\\d`}", "{__name__=\"x y\",a=\"\\\\d\"}"),
        ("{__name__=\"bool\"}", "{__name__=\"bool\"}"),
        ("{__name__=\"a\",__name__=\"b\"}", "{__name__=\"a\",__name__=\"b\"}"),
        ("{\"a.b\"='x'}", "{\"a.b\"=\"x\"}"),
        ("x[300]", "x[5m]"),
        ("x[90s] offset 1w", "x[1m30s] offset 1w"),
        ("x offset -300", "x offset -5m"),
        ("x offset 0s", "x"),
        ("x offset 5m @ 1609746000", "x @ 1609746000.000 offset 5m"),
        ("x @ END()", "x @ end()"),
        ("x @ -1.5", "x @ -1.500"),
        ("x[5m] offset 1m smoothed @ start()", "x[5m] smoothed @ start() offset 1m"),
        ("x anchored offset 5m", "x anchored offset 5m"),
        ("x[1h:]", "x[1h:]"),
        ("x[1h : 60] offset 1m", "x[1h:1m] offset 1m"),
        ("x[STEP()+1]", "x[step() + 1]"),
        ("x[((2*(5m)))]", "x[(2 * 5m)]"),
        ("x[min_of(step( ),1h):max_of(range(),-1)]", "x[min_of(step(), 1h):max_of(range(), -1)]"),
        ("x offset +step()", "x offset step()"),
        ("x offset -step()", "x offset -step()"),
        ("x offset 100 + 2", "x offset 1m40s + 2"),
        ("x offset (100 + 2)", "x offset (100 + 2)"),
        ("x[(-1) ^ 2]", "x[(-1) ^ 2]"),
        ("x offset (-5m)", "x offset -5m"),
        ("x offset -(-(5m))", "x offset 5m"),
        ("x offset (5m) * 2", "x offset (5m * 2)"),
        ("x offset (step()) @ 5 * 2", "x @ 5.000 offset +(step()) * 2"),
        ("x offset 5m @ 5 * 2", "x @ 5.000 offset 5m * 2"),
        ("Inf ^ 2 + Inf", "Inf ^ 2 + +Inf"),
        ("x offset (-2 ^ 2)", "x offset (-2 ^ 2)"),
        ("x offset -(min_of(step(), 2s)-5)+8000", "x offset -(min_of(step(), 2s) - 5) + 8000"),
        ("-1^2", "-1 ^ 2"),
        ("- - 1", "1"),
        ("+x", "+x"),
        ("--x", "--x"),
        ("0x1F + 017 + 1_000 + 1e3 + .5 + inF", "31 + 15 + 1000 + 1000 + 0.5 + +Inf"),
        ("vector(5m)", "vector(300)"),
        ("'a\\'b\\x41\\u00e9'", "\"a'bAé\""),
        ("`a\\n\"`", "\"a\\\\n\\\"\""),
        ("info(x, {__name__=\"y\"})", "info(x, {__name__=\"y\"})"),
        ("info(x, {a=\"\"})", "info(x, {a=\"\"})"),
        ("a # why\n + b", "a + b"),
    ] {
        assert_eq!(read(text).to_string(), printed, "{text}");
        assert_eq!(read(printed).to_string(), printed);
    }
}

#[test]
fn long_expressions_are_laid_out_as_prometheus_lays_them_out() {
    let long = "a_metric_with_a_name_of_forty_characters_";
    let other = "another_metric_whose_name_is_rather_long";
    let text = format!(
        "sum by (job) (rate({long}{{job=\"x\"}}[5m])) / on (job) group_left () (topk(3, {other}{{x=\"1\"}}) + -label_replace({long}, \"a\", \"$1\", \"b\", \"(.*)\")) > bool histogram_quantile(0.99, {other})"
    );
    insta::assert_snapshot!(read(&text).pretty());
    let subquery = format!("max_over_time(({long} + {other} + {long})[1h:5m] offset 1d)");
    insta::assert_snapshot!(read(&subquery).pretty());
    assert_eq!(read("sum ( x )").pretty(), "sum(x)");
}
