//! Faults in the words of Prometheus, which its clients know, and at the place they are about.

use assurance_promql::{Features, parse_with};

/// An expression with its fault between `«` and `»`, and what is said of it.
#[rustfmt::skip]
const FAULTS: &[(&str, &str)] = &[
    // Nothing, and not enough.
    ("«»", "no expression found in input"),
    ("«# nothing\n»", "no expression found in input"),
    ("1 /«»", "unexpected end of input"),
    ("«(»1", "unclosed left parenthesis"),
    ("(1)«)»", "unexpected right parenthesis ')'"),
    ("x«]»", "unexpected right bracket ']'"),
    ("x«}»", "unexpected character: '}'"),
    ("x«[»", "unexpected end of input in duration expression"),
    ("x«[»5m", "unclosed left bracket"),
    ("x[5m«[»", "unexpected left bracket '['"),
    ("x«{»", "unexpected end of input inside braces"),
    ("x{«{»", "unexpected left brace '{'"),
    // Characters.
    ("«.»", "unexpected character: '.'"),
    ("«$»x", "unexpected character: '$'"),
    ("«é»", "unexpected character: 'é'"),
    ("1 !«~» 1", "unexpected character after '!': '~'"),
    ("1 =«~» 1", "unexpected character after '=': '~'"),
    ("x{a«:»b=\"b\"}", "unexpected character inside braces: ':'"),
    ("x{a!«x»}", "unexpected character after '!' inside braces: 'x'"),
    ("x{«1»}", "unexpected character inside braces: '1'"),
    ("x[«\"»5m\"]", "unexpected character in duration expression: '\"'"),
    ("x[«job»]", "unexpected character in duration expression: 'j'"),
    ("x[5s «x» 5s]", "unexpected character: 'x', expected ':'"),
    // Texts.
    ("«\"»abc", "unterminated quoted string"),
    ("«'»abc\n'", "unterminated quoted string"),
    ("«`»abc", "unterminated raw string"),
    ("\"«\\c»\"", "unknown escape sequence U+0063 'c'"),
    ("'«\\\"»'", "unknown escape sequence U+0022 '\"'"),
    ("\"«\\x.»\"", "illegal character U+002E '.' in escape sequence"),
    ("\"«\\ud800»\"", "escape sequence is an invalid Unicode code point"),
    ("\"«\\400»\"", "escape sequence is an invalid Unicode code point"),
    ("\"«\\»", "escape sequence not terminated"),
    ("count_values(«\"a\\xc5z\"», x)", "invalid label name \"a\\xc5z\""),
    ("label_replace(x, «\"\\xff\"», \"\", \"src\", \"\")", "invalid destination label name in label_replace(): \"\\xff\""),
    // Numbers.
    ("«2.5.»", "bad number or duration syntax: \"2.5.\""),
    ("«100..4»", "bad number or duration syntax: \"100..\""),
    ("«0deadbeef»", "bad number or duration syntax: \"0de\""),
    ("«5x»", "bad number or duration syntax: \"5\""),
    ("x[«5mm»]", "bad number or duration syntax: \"5mm\""),
    ("x[5m:«1m1»]", "bad number or duration syntax: \"1m1\""),
    ("«1e»", "bad number or duration syntax: \"1e\""),
    ("«1e400»", "error parsing number: strconv.ParseFloat: parsing \"1e400\": value out of range"),
    ("«1__0»", "error parsing number: strconv.ParseFloat: parsing \"1__0\": invalid syntax"),
    ("«0x»", "error parsing number: strconv.ParseFloat: parsing \"0x\": invalid syntax"),
    // Lengths.
    ("x[«5y1hs»]", "unknown unit \"hs\" in duration \"5y1hs\""),
    ("x[«5m1h»]", "not a valid duration string: \"5m1h\""),
    ("x[«1.5h»]", "not a valid duration string: \"1.5h\""),
    ("x[«300y»]", "duration out of range"),
    ("x[«9.5e10»]", "duration out of range"),
    ("x offset «9.5e10»", "duration out of range"),
    ("x[«Inf»]", "unexpected character in duration expression: 'I'"),
    ("x offset «inf»", "duration out of range"),
    ("x offset «nan»", "duration out of range"),
    ("x[«0m»]", "duration must be greater than 0"),
    ("x[«-1»]", "duration must be greater than 0"),
    ("x[5m:«0»]", "duration must be greater than 0"),
    ("x[step()«/»0d]", "division by zero"),
    ("x offset (4d«%»0)", "modulo by zero"),
    ("x[«]»", "unexpected \"]\" in subquery or range selector, expected number, duration, step(), or range()"),
    ("x[step«]»", "unexpected \"]\" in subquery or range selector, expected number, duration, step(), or range()"),
    ("x[5m «6m»]", "unexpected duration \"6m\" in subquery or range, expected \":\" or \"]\""),
    ("x[5m:5m «6m»]", "unexpected duration \"6m\" in subquery selector, expected \"]\""),
    // Labels.
    ("x{a=«b»}", "unexpected identifier \"b\" in label matching, expected string"),
    ("x{a«}»", "unexpected \"}\" in label matching, expected label matching operator"),
    ("x{«,»}", "unexpected \",\" in label matching, expected identifier or \"}\""),
    ("x{a=\"b\" «lol»}", "unexpected identifier \"lol\" in label matching, expected \",\" or \"}\""),
    ("{\"a\" «b»}", "unexpected identifier \"b\" in label matching, expected \",\" or \"}\""),
    ("(x or «y»(a)", "unknown function with name \"y\""),
    ("x{\"a\"=«}»", "unexpected \"}\" in label matching, expected string"),
    ("«x{__name__=\"y\"}»", "metric name must not be set twice: \"x\" or \"y\""),
    ("«{}»", "vector selector must contain at least one non-empty matcher"),
    ("«{x=\"\"}»", "vector selector must contain at least one non-empty matcher"),
    ("rate(«{x!~\".+\"}»[5m])", "vector selector must contain at least one non-empty matcher"),
    ("sum without(«==»)(x)", "unexpected <op:==> in grouping opts, expected label"),
    ("sum without(a,«,»)(x)", "unexpected \",\" in grouping opts, expected label"),
    ("sum without(a «b»)(x)", "unexpected identifier \"b\" in grouping opts, expected \",\" or \")\""),
    ("sum(x) by «test»", "unexpected identifier \"test\" in grouping opts, expected \"(\""),
    ("sum by («\"\"») (x)", "invalid label name for grouping: \"\""),
    // Aggregations.
    ("sum «x» by (test)", "unexpected identifier \"x\""),
    ("sum by (job) «up»[5m]", "unexpected identifier \"up\" in aggregation"),
    ("sum(a «b»)", "unexpected identifier \"b\" in aggregation"),
    ("sum without (a) (x) «by» (b)", "unexpected <by>"),
    ("«sum () by (test)»", "no arguments for aggregate expression provided"),
    ("«topk(x)»", "wrong number of arguments for aggregate expression provided, expected 2, got 1"),
    ("1 + «sum(x, y)»", "wrong number of arguments for aggregate expression provided, expected 1, got 2"),
    ("topk(«x», y)", "expected type scalar in aggregation parameter, got instant vector"),
    ("count_values(«5», y)", "expected type string in aggregation parameter, got scalar"),
    ("sum(«x[5m]»)", "expected type instant vector in aggregation expression, got range vector"),
    // Calls.
    ("«b»()", "unknown function with name \"b\""),
    ("topk(5«,»)", "trailing commas not allowed in function call args"),
    ("«floor()»", "expected 1 argument(s) in call to \"floor\", got 0"),
    ("1 + «hour(x, y, z)»", "expected at most 1 argument(s) in call to \"hour\", got 3"),
    ("«label_join(x)»", "expected at least 3 argument(s) in call to \"label_join\", got 1"),
    ("floor(«1»)", "expected type instant vector in call to function \"floor\", got scalar"),
    ("rate(«avg»)", "expected type range vector in call to function \"rate\", got instant vector"),
    ("label_join(x, \"a\", \"b\", \"c\", «1»)", "expected type string in call to function \"label_join\", got scalar"),
    ("info(x, «y{a=\"b\"}»)", "expected label selectors only, got vector selector instead"),
    ("info(x, «{a=\"b\"} == 1»)", "expected label selectors only"),
    ("info(x, «1»)", "expected type instant vector in call to function \"info\", got scalar"),
    ("foo:bar«(»x)", "unexpected \"(\""),
    ("resets(«x[3m] smoothed»)", "smoothed modifier can only be used with: delta, increase, rate - not with resets"),
    ("deriv(«x[3m] anchored»)", "anchored modifier can only be used with: changes, delta, increase, rate, resets - not with deriv"),
    // Operators.
    ("«*»1", "unexpected <op:*>"),
    ("«@»@", "unexpected <op:@>"),
    ("-«=»", "unexpected \"=\""),
    ("a «b»", "unexpected identifier \"b\""),
    ("a «\"long text, and more\"»", "unexpected string \"\\\"long text\"..."),
    ("a - on(b) «ignoring»(c) d", "unexpected <ignoring>"),
    ("a + «group_left»(b) c", "unexpected <group_left>"),
    ("«1 and 1»", "set operator \"and\" not allowed in binary scalar expression"),
    ("1 «==» 1", "comparisons between scalars must use BOOL modifier"),
    ("x «+» bool y", "bool modifier can only be used on comparison operators"),
    ("x «</» bool 1", "bool modifier can only be used on comparison operators"),
    ("x «+» on(a) group_left(b, a) y", "label \"a\" must not occur in ON and GROUP clause at once"),
    ("«x or on(a) group_left y»", "no grouping allowed for \"or\" operation"),
    ("«x == on(a) 10»", "vector matching only allowed between instant vectors"),
    ("«x + fill(0) 10»", "filling in missing series only allowed between instant vectors"),
    ("«x or fill(0) y»", "filling in missing series not allowed for set operators"),
    ("x + fill(«y»)", "unexpected identifier \"y\" in fill modifier, expected number"),
    ("x + fill(1) «fill_left»(1) y", "unexpected <fill_left>"),
    ("«x[5m]» + 1", "binary expression must contain only scalar and instant vector types"),
    ("1 + «\"x\"»", "binary expression must contain only scalar and instant vector types"),
    ("«-\"x\"»", "unary expression only allowed on expressions of type scalar or instant vector, got \"string\""),
    ("1 + «-x[5m]»", "unary expression only allowed on expressions of type scalar or instant vector, got \"range vector\""),
    // What stands behind.
    ("«1» offset 1d", "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery"),
    ("«x offset 1s» offset 2s", "offset may not be set multiple times"),
    ("x offset«»", "unexpected end of input in offset, expected number, duration, step(), or range()"),
    ("x offset «by»", "unexpected <by> in offset, expected number, duration, step(), or range()"),
    ("«rate(x[5m])» @ 1234", "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery"),
    ("«x @ 1» @ end()", "@ <timestamp> may not be set multiple times"),
    ("x @«»", "unexpected end of input in @, expected timestamp"),
    ("x @ «y»", "unexpected identifier \"y\" in @, expected timestamp"),
    ("x @ «+Inf»", "timestamp out of bounds for @ modifier: +Inf"),
    ("x @ «NaN»", "timestamp out of bounds for @ modifier: NaN"),
    ("x @ «1e19»", "timestamp out of bounds for @ modifier: 10000000000000000000.000000"),
    ("x offset 1m«[5m]»", "no offset modifiers allowed before range"),
    ("x @ 1234 «[5m]»", "no @ modifiers allowed before range"),
    ("(x + y)«[5m]»", "ranges only allowed for vector selectors"),
    ("«x[5m] [10m:5s]»", "subquery is only allowed on instant vector, got matrix instead"),
    ("«1[5m:]»", "subquery is only allowed on instant vector, got scalar instead"),
    ("«x anchored» smoothed", "anchored and smoothed modifiers cannot be used together"),
    ("«x[5m:]» smoothed", "smoothed modifier is not supported for subqueries"),
    ("1 «anchored»", "anchored modifier not implemented"),
];

#[test]
fn faults_are_told_in_the_words_of_prometheus() {
    let mut wrong = Vec::new();
    for (marked, message) in FAULTS {
        let start = marked.find('«').expect("a mark");
        let end = marked.find('»').expect("a mark") - '«'.len_utf8();
        let text = marked.replace(['«', '»'], "");
        match parse_with(&text, Features::all()) {
            Ok(tree) => wrong.push(format!("{text} is read as {tree}")),
            Err(error) if error.to_string() != *message || error.span != (start..end) => {
                let at = text.get(error.span.clone()).unwrap_or("nowhere");
                wrong.push(format!("{text}\n  says {error}\n  not  {message}\n  at {at:?}"));
            }
            Err(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
