//! The real amtool takes what we take, refuses what we refuse, and sends alerts where we send them.

use std::io::Write as _;
use std::process::Command;

use assurance_config::load_notify;
use assurance_metrics_model::Labels;
use assurance_notifier::routing::{MatchingTree, RouteTree};

use super::read;
use crate::fixtures::{directory, names, source};

/// Where amtool 0.25 differs from us, and why.
const DIFFERENT: [(&str, &str); 4] = [
    ("every-new-kind.yml", "its keys are younger"),
    ("intervals_location.yml", "we know no time zones but UTC"),
    ("webhook_client.yml", "we make requests without proxy and without OAuth"),
    ("webhook_global-client.yml", "we make requests without a proxy"),
];

/// Whether amtool is installed, and the one these tests are written for.
#[expect(clippy::disallowed_methods, reason = "where the tests run decides what must be there")]
fn installed() -> bool {
    let version = Command::new("amtool").arg("--version").output();
    let version = version.map_or(String::new(), |output| {
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    });
    let found = version.contains("version 0.25.");
    let required = std::env::var("ASSURANCE_REQUIRE_PEERS").is_ok_and(|v| v == "1");
    assert!(
        !version.is_empty() || !required,
        "amtool is not installed, and ASSURANCE_REQUIRE_PEERS=1 demands it"
    );
    if !found {
        // Written past the harness, which hides what passing tests print.
        let note = writeln!(std::io::stderr(), "skipped: amtool 0.25 is not installed");
        note.expect("standard error takes a line");
    }
    found
}

struct Files(std::path::PathBuf);

impl Files {
    #[expect(clippy::disallowed_methods, reason = "amtool reads files")]
    fn new(name: &str) -> Self {
        let path = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).expect("a folder for amtool's files");
        Self(path)
    }

    #[expect(clippy::disallowed_methods, reason = "amtool reads files")]
    fn write(&self, text: &str) -> std::path::PathBuf {
        let path = self.0.join("alertmanager.yml");
        std::fs::write(&path, text).expect("the file is written");
        path
    }
}

fn accepts(path: &std::path::Path) -> (bool, String) {
    let output = Command::new("amtool").arg("check-config").arg(path).output().expect("amtool runs");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn verdicts_agree_on_the_fixtures() {
    if !installed() {
        return;
    }
    for kind in ["notifier/good", "notifier/bad"] {
        for name in names(kind) {
            let ours = load_notify(&source(kind, &name), "").is_ok();
            let (theirs, said) = accepts(&directory(kind).join(&name));
            let different = DIFFERENT.iter().any(|(different, _)| *different == name);
            assert_eq!(ours != theirs, different, "{kind}/{name}: amtool says {said}");
        }
    }
}

/// Small texts that are put into a whole file: where they go, the text, and why we differ, if we do.
const TEXTS: &[(&str, &str, Option<&str>)] = &[
    ("matchers", "'a=b,'", None),
    ("matchers", "','", None),
    ("matchers", "''", None),
    ("matchers", "'{a=b,c=d}'", None),
    ("matchers", "'{a=\"b,c\"}'", None),
    ("matchers", "'{a=b'", None),
    ("matchers", "'a=b}'", None),
    ("matchers", "'{}'", None),
    ("matchers", "'a=\"b'", None),
    ("matchers", "'a=b\"'", None),
    ("matchers", "'a=\"b\\\"c\"'", None),
    ("matchers", "'a=\"b\\\"'", None),
    ("matchers", "'a=b\\'", None),
    ("matchers", "'a = b'", None),
    ("matchers", "'a=b c'", None),
    ("matchers", "'a==b'", None),
    ("matchers", "'a=~\"[\"'", None),
    ("matchers", "'a!~b|c'", None),
    ("matchers", "'a=~\"x{,3}\"'", Some("Go takes a repetition without a lower bound for a text")),
    ("matchers", "'a'", None),
    ("matchers", "'1a=b'", Some("names of any letters are younger")),
    ("matchers", "'a:b=c'", None),
    ("matchers", "'a='", None),
    ("matchers", "'=a'", None),
    ("matchers", "' a=b '", None),
    ("matchers", "'  {a=b}'", Some("the form with quoted names, which is younger, takes it")),
    ("matchers", "'\"a b\"=c'", Some("names in quotes are younger")),
    ("matchers", "'ü=c'", Some("names of any letters are younger")),
    ("route", "group_by: []", None),
    ("route", "group_by: ['a.b']", Some("names of any letters are younger")),
    ("route", "group_by: ['...', '...']", None),
    ("route", "group_by: ['']", None),
    ("route", "group_wait: 0s", None),
    ("route", "group_wait: 1h30m", None),
    ("route", "group_wait: 1.5h", None),
    ("route", "group_wait: -1s", None),
    ("route", "group_wait: 30", None),
    ("route", "group_wait: ''", None),
    ("route", "group_wait:", None),
    ("route", "receiver: ''", None),
    ("route", "continue: maybe", None),
    ("route", "continue: on", None),
    ("route", "match: {a: 1, b: true, c: }", None),
    ("route", "match: {a-b: c}", None),
    ("route", "match_re: {a: }", None),
    ("route", "match_re: {a: '('}", None),
    ("route", "mute_time_intervals: [none]", None),
    ("route", "routes: {}", None),
    ("span", "{months: ['13:14']}", Some("there are twelve months")),
    ("span", "{months: ['0:3']}", Some("there is no month 0")),
    ("span", "{months: ['march : 5']}", None),
    ("span", "{months: ['March:may', 3, '+4']}", None),
    ("span", "{years: ['2020:2019']}", None),
    ("span", "{years: [' 2020']}", None),
    ("span", "{days_of_month: ['1:-1', '27:-1', '-3']}", None),
    ("span", "{days_of_month: ['28:-1']}", None),
    ("span", "{days_of_month: ['-3:2']}", None),
    ("span", "{days_of_month: ['0']}", None),
    ("span", "{days_of_month: ['5:-28']}", None),
    ("span", "{weekdays: ['1:2']}", None),
    ("span", "{weekdays: ['Monday:FRIDAY', sunday]}", None),
    ("span", "{weekdays: ['saturday:sunday']}", None),
    ("span", "{times: [{start_time: 09:00, end_time: 24:00}]}", None),
    ("span", "{times: [{start_time: '9:00', end_time: '10:00'}]}", None),
    ("span", "{times: [{start_time: '10:00', end_time: '10:00'}]}", None),
    ("span", "{times: [{start_time: '10:00'}]}", None),
    ("span", "{times: []}", None),
    ("span", "{location: UTC}", None),
    ("span", "{location: ''}", None),
    ("span", "{location: Nowhere}", None),
    ("span", "{location: Local}", Some("what is local is not known")),
    ("span", "null", None),
    ("inhibit", "{}", None),
    ("inhibit", "null", None),
    ("inhibit", "{equal: [a]}", None),
    ("inhibit", "{name: a}", Some("names of rules are younger")),
    ("inhibit", "{source_matchers: [a], target_matchers: [b=c]}", None),
    ("inhibit", "{source_match: {a-b: c}}", None),
    ("inhibit", "{target_match_re: {a: '['}}", None),
    ("receiver", "webhook_configs: [{url: 'http://a'}]", None),
    ("receiver", "webhook_configs: [{url: 'http://a', timeout: 5s}]", Some("timeout is younger")),
    ("receiver", "webhook_configs: [{url: 'http://a:b'}]", None),
    ("receiver", "webhook_configs: [{url: 'http://:80'}]", Some("a URL without a host reaches nobody")),
    ("receiver", "webhook_configs: [{url: 'HTTP://a'}]", None),
    ("receiver", "webhook_configs: [{url: '<secret>'}]", None),
    (
        "receiver",
        "webhook_configs: [{url: 'http://a', http_config: {bearer_token: a, bearer_token_file: b}}]",
        None,
    ),
    (
        "receiver",
        "webhook_configs: [{url: 'http://a', http_config: {basic_auth: {password: a, password_file: b}}}]",
        None,
    ),
    (
        "receiver",
        "webhook_configs: [{url: 'http://a', http_config: {tls_config: {insecure_skip_verify: true}}}]",
        None,
    ),
    (
        "receiver",
        "webhook_configs: [{url: 'http://a', http_config: {authorization: {type: Basic, credentials: a}}}]",
        None,
    ),
    ("receiver", "slack_configs: [{api_url: '<secret>'}]", None),
    ("receiver", "email_configs: [{to: a, from: b, smarthost: 'm'}]", None),
    ("receiver", "email_configs: [{to: a, from: b, smarthost: 'm:'}]", None),
    ("receiver", "email_configs: [{to: a, from: b, smarthost: '[::1]:25'}]", None),
    ("receiver", "email_configs: [{to: a, from: b, smarthost: '::1:25'}]", None),
    ("receiver", "sns_configs: [{}]", None),
    ("receiver", "sns_configs: [{topic_arn: a, sigv4: {access_key: b}}]", None),
    (
        "receiver",
        "sns_configs: [{topic_arn: a, phone_number: b, target_arn: c}]",
        Some("one of them is told, not three"),
    ),
    ("receiver", "telegram_configs: [{bot_token: a, chat_id: 0}]", None),
    ("receiver", "opsgenie_configs: [{api_key: a, responders: [{name: b}]}]", None),
    ("receiver", "pushover_configs: [{user_key: a, token: b, retry: 1m, expire: 0}]", None),
    ("receiver", "pagerduty_configs: [{service_key: ''}]", None),
    ("receiver", "victorops_configs: [{api_key: a}]", None),
    ("receiver", "unknown_configs: []", None),
];

fn whole(place: &str, text: &str) -> String {
    let at = |here: &str, form: &str| if place == here { form.replace('@', text) } else { String::new() };
    format!(
        "route:\n  receiver: a\n  routes:\n  - receiver: a{}\n{}{}{}receivers:\n- name: a{}\n",
        at("matchers", "\n    matchers: [@]"),
        if place == "route" {
            // A key the route has already takes its place.
            text.strip_prefix("receiver")
                .map_or(format!("  - receiver: a\n    {text}\n"), |rest| format!("  - receiver{rest}\n"))
        } else {
            String::new()
        },
        at("span", "time_intervals:\n- name: x\n  time_intervals: [@]\n"),
        at("inhibit", "inhibit_rules: [@]\n"),
        at("receiver", "\n  @"),
    )
}

#[test]
fn verdicts_agree_on_small_texts() {
    if !installed() {
        return;
    }
    let files = Files::new("amtool-texts");
    for (place, text, different) in TEXTS {
        let text = whole(place, text);
        let ours = read(&text);
        let (theirs, said) = accepts(&files.write(&text));
        let ours_said = ours.as_ref().err().map(|problems| problems[0].to_string()).unwrap_or_default();
        assert_eq!(
            ours.is_ok() != theirs,
            different.is_some(),
            "{text}\namtool says {said}\nwe say {}{ours_said}",
            ours.is_ok()
        );
    }
}

/// A good file with one flaw, or none: a line that is gone or there twice, another value, a misspelt key.
fn mutilated(lines: &[&str], at: usize, dice: &mut Dice) -> String {
    let line = lines[at];
    let here = match (dice.roll(6), line.split_once(": ").or_else(|| line.split_once(':'))) {
        (0, _) => String::new(),
        (1, _) => format!("{line}\n{line}"),
        (2, Some((key, rest))) => format!("{}: {rest}", &key[..key.len() - 1]),
        (_, Some((key, _))) => {
            let values = [
                "",
                "x",
                "''",
                "5",
                "-1",
                "[x]",
                "{}",
                "[{}]",
                "null",
                "true",
                "5m",
                "http://a",
                "'{{ x }}'",
            ];
            format!("{key}: {}", dice.pick(&values))
        }
        (_, None) => line.replacen(['a', 'e', 'o'], "", 1),
    };
    [&lines[..at], &[here.as_str()], &lines[at + 1..]].concat().join("\n")
}

#[test]
fn verdicts_agree_on_mutilated_files() {
    if !installed() {
        return;
    }
    let files = Files::new("amtool-mutilated");
    let mut dice = Dice(3);
    let mut verdicts = [0, 0];
    for name in ["governance-like.yml", "every-old-kind.yml", "http-clients.yml", "yaml-forms.yml"] {
        let source = source("notifier/good", name);
        let lines: Vec<&str> = source.text().lines().collect();
        for at in (0..lines.len()).filter(|at| !lines[*at].is_empty()) {
            let text = mutilated(&lines, at, &mut dice);
            let ours = read(&text).map(|_notify| ());
            let (theirs, said) = accepts(&files.write(&text));
            assert_eq!(ours.is_ok(), theirs, "{name}:{at}:\n{text}\namtool says {said}\nwe say {ours:?}");
            let shown: String = ours.err().into_iter().flatten().map(|problem| problem.to_string()).collect();
            assert!(!shown.contains("never-shown"), "{shown}");
            verdicts[usize::from(theirs)] += 1;
        }
    }
    assert!(verdicts.iter().all(|count| *count > 20), "{verdicts:?}");
}

/// Numbers that are the same each time (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % sides
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }
}

const NAMES: [&str; 4] = ["severity", "team", "env", "x"];
const VALUES: [&str; 5] = ["", "a", "b", "ab", "a b"];
const PATTERNS: [&str; 7] = ["", "a|b", "a.*", ".+", "[^a]*", "b?", "(ab|a b)"];

fn routes(dice: &mut Dice, depth: usize, indent: &str, out: &mut String) {
    use std::fmt::Write as _;

    for _ in 0..1 + dice.roll(3) {
        let receiver = dice.pick(&["one", "two", "three", "four"]);
        let _fits = writeln!(out, "{indent}- receiver: {receiver}");
        if dice.roll(2) == 0 {
            let _fits = writeln!(out, "{indent}  continue: true");
        }
        if dice.roll(3) == 0 {
            let _fits = writeln!(out, "{indent}  match: {{{}: '{}'}}", dice.pick(&NAMES), dice.pick(&VALUES));
        }
        if dice.roll(4) == 0 {
            let _fits = writeln!(out, "{indent}  match_re: {{y: '{}'}}", dice.pick(&PATTERNS));
        }
        let matchers: Vec<String> = (0..dice.roll(3))
            .map(|_| match dice.roll(4) {
                0 => format!("{}=\"{}\"", dice.pick(&NAMES), dice.pick(&VALUES)),
                1 => format!("{} != {}", dice.pick(&NAMES), dice.pick(&VALUES)),
                2 => format!("{}=~\"{}\"", dice.pick(&NAMES), dice.pick(&PATTERNS)),
                _ => format!("{}!~{}", dice.pick(&NAMES), dice.pick(&PATTERNS)),
            })
            .collect();
        if dice.roll(2) == 0 {
            let _fits = writeln!(out, "{indent}  matchers: ['{{{}}}']", matchers.join(", "));
        } else {
            let quoted: Vec<String> = matchers.iter().map(|m| format!("'{m}'")).collect();
            let _fits = writeln!(out, "{indent}  matchers: [{}]", quoted.join(", "));
        }
        if depth < 3 && dice.roll(2) == 0 {
            let _fits = writeln!(out, "{indent}  routes:");
            routes(dice, depth + 1, &format!("{indent}  "), out);
        }
    }
}

/// Trees made by chance, and alerts made by chance; `--tree` shows the way as well as the end.
#[test]
fn alerts_go_where_amtool_sends_them() {
    if !installed() {
        return;
    }
    let files = Files::new("amtool-routes");
    let mut dice = Dice(7);
    let mut several = 0;
    for _tree in 0..40 {
        let mut text = String::from("receivers: [{name: one}, {name: two}, {name: three}, {name: four}]\n");
        text += "route:\n  receiver: one\n  routes:\n";
        routes(&mut dice, 0, "  ", &mut text);
        let routing = read(&text).unwrap_or_else(|problems| panic!("{}", problems[0])).routing;
        let path = files.write(&text);
        let amtool = |args: &[String]| {
            let mut command = Command::new("amtool");
            command.args(["config", "routes"]).args(args).arg("--config.file").arg(&path);
            // What 0.25 shows of match_re is what it compiles, and it sorts by that: so match_re has a label
            // of its own here.
            String::from_utf8_lossy(&command.output().expect("amtool runs").stdout)
                .replace("^(?:", "")
                .replace(")$\"", "\"")
        };
        let shown = amtool(&["show".to_owned()]);
        assert_eq!(format!("Routing tree:\n{}\n", RouteTree(&routing.root)), shown, "{text}");
        for _alert in 0..6 {
            let labels: Vec<(&str, &str)> = (0..1 + dice.roll(4))
                .map(|_| (dice.pick(&["severity", "team", "env", "x", "y"]), dice.pick(&VALUES[1..])))
                .collect();
            let labels = Labels::from_pairs(labels);
            let mut args = vec!["test".to_owned(), "--tree".to_owned()];
            args.extend(labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")));
            let found: Vec<&str> =
                routing.find(&labels).iter().map(|route| route.receiver.as_str()).collect();
            several += usize::from(found.len() > 1);
            let tree = MatchingTree { root: &routing.root, labels: &labels };
            let ours = format!("Matching routes:\n{tree}\n\n{}\n", found.join(","));
            assert_eq!(ours, amtool(&args), "{labels} in\n{text}");
        }
    }
    assert!(several > 20, "alerts that take several routes: {several}");
}
