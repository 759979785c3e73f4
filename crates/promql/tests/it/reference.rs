//! The page that says what is understood is written from the code.
#![expect(clippy::disallowed_methods, reason = "the page is a file of the project")]

use std::fmt::Write as _;

use assurance_promql::{
    AggregateOp, BinaryOp, Features, Function, MAX_DEPTH, MAX_EXPRESSION_BYTES, Options, parse, parse_with,
};

const PAGE: &str = "../../docs/reference/promql.md";

/// Syntax with an example of each; those that Prometheus hides behind a feature are marked.
const SYNTAX: &[(&str, &str, &str)] = &[
    ("selector", r#"up{job="brain", instance!~"x.*"}"#, ""),
    ("UTF-8 names", r#"{"brain.lag", "service.name"="api"}"#, ""),
    ("range", "rate(up[5m])", ""),
    ("subquery", "max_over_time(rate(up[5m])[1h:1m])", "the step is 1m where none is given"),
    ("offset", "up offset 5m", ""),
    ("negative offset", "up offset -5m", ""),
    ("pinned time", "up @ 1700000000 + up @ start() + up @ end()", ""),
    ("numbers", "0x1F + 1e3 + Inf + NaN + 5m", "a duration is a number of seconds"),
    ("comparison that gives 0 or 1", "up == bool 1", ""),
    ("matching", "up * on(job) group_left(version) build_info", ""),
    (
        "missing sides",
        "up + fill(0) down + fill_left(1) fill_right(2) other",
        "upstream: `promql-binop-fill-modifiers`",
    ),
    ("aggregation", r#"sum by (job) (up) + count_values without (job) ("v", up)"#, ""),
    ("anchored range", "increase(up_total[5m] anchored)", "upstream: `promql-extended-range-selectors`"),
    (
        "smoothed range",
        "rate(up_total[5m] smoothed) + up smoothed",
        "upstream: `promql-extended-range-selectors`",
    ),
    (
        "durations computed",
        "rate(up_total[step() * 2 + 30s]) + up offset max_of(1m, range())",
        "upstream: `promql-duration-expr`",
    ),
    ("trimmed histograms", "latency </ 0.5 + latency >/ 0.1", ""),
    ("comments", "up # whether it answers", ""),
];

const LONG_WINDOWS: &str = "\
## Long windows

The store keeps beside each chunk of a finished day (480 samples at most) what it comes to: how many samples, the \
first and the last, the smallest and the largest, how often the value changes and falls. Windows of an hour or more are \
computed from these where they hold whole chunks, and from the samples of the chunks that their ends divide, if \
that saves at least half of the samples. Every answer is the same, to the bit, as from the samples alone:

| function | the samples of a chunk are read |
|---|---|
| `count_over_time`, `present_over_time`, `absent_over_time`, `first_over_time`, `last_over_time`, `ts_of_first_over_time`, `ts_of_last_over_time`, `delta`, `min_over_time`, `max_over_time`, `changes`, `resets` | where NaN or stale markers are among them |
| `rate`, `increase` | also where the value falls more than once |
| `sum_over_time`, `avg_over_time` | also unless they are whole numbers that fall at least once, or stand still, and whose sum is below 2^53 |

Late samples, and those that are in memory, are always read, with what else there is of their days. A series with \
histograms is read as a whole, and so is everything for the other functions, for subqueries, and for `anchored` and \
`smoothed` ranges.

Samples that are not read take no memory, and do not count against the limit on samples held at once; `stats` counts \
them among those that were queried.

";

fn page() -> String {
    let mut out = String::from(
        "# PromQL\n\n<!-- Written by: WRITE_REFERENCE=1 cargo test -p assurance-promql reference -->\n\n\
         The language of Prometheus 3, on floats, classic and native histograms. Names are removed late \
         (upstream: `promql-delayed-name-removal`). What is marked experimental needs \
         `--enable-feature=promql-experimental-functions`, as in Prometheus; everything else is always on.\n\n\
         ## Syntax\n\n| what | example | note |\n|---|---|---|\n",
    );
    for (what, example, note) in SYNTAX {
        parse_with(example, Features::all()).unwrap_or_else(|error| panic!("{example}: {error}"));
        let _infallible = writeln!(out, "| {what} | `{}` | {note} |", example.replace('|', "\\|"));
    }
    let experimental = |yes: bool| if yes { "yes" } else { "" };
    out.push_str("\n## Operators\n\n");
    let operators: Vec<String> = BinaryOp::ALL.iter().map(|op| format!("`{}`", op.as_str())).collect();
    let _infallible = writeln!(out, "{}", operators.join(" "));
    out.push_str("\n## Aggregations\n\n| name | experimental |\n|---|---|\n");
    for op in AggregateOp::ALL {
        let param = match op {
            AggregateOp::CountValues => "\"x\", ",
            AggregateOp::Topk
            | AggregateOp::Bottomk
            | AggregateOp::Quantile
            | AggregateOp::Limitk
            | AggregateOp::LimitRatio => "1, ",
            _ => "",
        };
        let gated = parse(&format!("{}({param}up)", op.as_str())).is_err();
        let _infallible = writeln!(out, "| `{}` | {} |", op.as_str(), experimental(gated));
    }
    out.push_str("\n## Functions\n\n| function | gives | experimental |\n|---|---|---|\n");
    for function in Function::names().filter_map(Function::named) {
        let (needed, most) = function.arguments_allowed();
        let mut args: Vec<String> = Vec::new();
        for (n, arg) in function.arguments().iter().enumerate() {
            let optional = n >= needed;
            args.push(if optional { format!("[{}]", arg.as_str()) } else { arg.as_str().to_owned() });
        }
        if most > function.arguments().len() {
            args.push("…".to_owned());
        }
        let _infallible = writeln!(
            out,
            "| `{}({})` | {} | {} |",
            function.name(),
            args.join(", "),
            function.returns().as_str(),
            experimental(function.is_experimental())
        );
    }
    let options = Options::default();
    let _infallible = write!(
        out,
        "\n## Limits\n\n| what | limit |\n|---|---|\n| length of an expression | {MAX_EXPRESSION_BYTES} bytes |\n\
         | depth of an expression | {MAX_DEPTH} |\n| samples held at once | {} |\n| memory held at once | {} bytes |\n\
         | points of one series in a range query | {} |\n| length of a label value that a function makes | 1048576 bytes |\n\n\
         Time and the number of queries at once are limited where queries come in: see [HTTP API](http-api.md).\n\n",
        options.max_samples, options.max_bytes, options.max_points
    );
    out.push_str(LONG_WINDOWS);
    out.push_str(
        "## Differences from Prometheus\n\n\
         - Start timestamps of samples are not kept, so `rate`, `increase` and `resets` see a reset by values and hints alone.\n\
         - `limitk` keeps the first series by their labels, and `limit_ratio` chooses by a hash of its own: the share is the same, the choice is not.\n\
         - Of equal values `topk` and `bottomk` keep the first by labels; upstream's choice among them is chance.\n\
         - Windows that overlap add up in another order than Prometheus's: results agree to about 12 digits.\n\
         - What [the conformance suite](conformance.md) still finds is listed there.\n",
    );
    out
}

#[test]
fn the_reference_is_what_the_code_says() {
    let page = page();
    if std::env::var_os("WRITE_REFERENCE").is_some() {
        std::fs::write(PAGE, &page).expect("the page is written");
    }
    let written = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        written == page,
        "docs/reference/promql.md is out of date: WRITE_REFERENCE=1 cargo test -p assurance-promql reference"
    );
}
