//! The command line, with Prometheus's names where a flag does what Prometheus's does.

use std::path::PathBuf;

use assurance_metrics_model::{Duration, MatchOp, Matcher};
use assurance_scrape::CounterBirth;
use clap::{Parser, Subcommand, ValueEnum};

/// Detects governance violations: scrapes, stores, evaluates PromQL alerting rules and notifies.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Scrape, evaluate, notify, and answer Prometheus's HTTP API.
    Serve(Box<Serve>),
    /// Watch an owner override being detected, preserved and resolved, in under a minute, offline.
    Demo(Demo),
    /// Check files without using them: configuration, rules, notifications, metrics, web configuration.
    Check(Check),
    /// Find what is wrong with rules, their routing and their runbooks before they run.
    Lint(crate::lint::Lint),
    /// Run unit tests of rules, as promtool does.
    Test(Test),
    /// Say where alerts go, as amtool does.
    Routes {
        #[command(subcommand)]
        what: crate::routes::Routes,
    },
    /// Look for worlds in which alerts do not keep their promises.
    Prove {
        #[command(subcommand)]
        what: crate::prove::Prove,
    },
    /// Write the governance pack out, or tell what it knows of an alert.
    Pack {
        #[command(subcommand)]
        what: crate::pack::Pack,
    },
    /// Ask a running server, ours or a Prometheus, as promtool does.
    Query(Query),
    /// Look at the files of a sample store, whether a server runs on them or not.
    Tsdb {
        #[command(subcommand)]
        what: crate::tsdb::Tsdb,
    },
    /// Ask a running server whether it is healthy; exit code 0 or 4.
    Healthcheck(Healthcheck),
}

#[derive(Clone, Debug, Parser)]
pub(crate) struct Serve {
    /// The configuration file, as Prometheus reads it.
    #[arg(long = "config.file", value_name = "FILE", default_value = "prometheus.yml")]
    pub(crate) config_file: PathBuf,
    /// Where samples and alerts are kept, for one process at a time.
    #[arg(long = "storage.tsdb.path", value_name = "DIR", default_value = "data")]
    pub(crate) storage_path: PathBuf,
    #[command(flatten)]
    pub(crate) storage: crate::storage::Flags,
    /// The address to listen on; loopback unless a web configuration protects it.
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    pub(crate) listen_address: String,
    /// TLS, users and headers, as Prometheus's exporter-toolkit reads them.
    #[arg(long = "web.config.file", value_name = "FILE")]
    pub(crate) web_config: Option<PathBuf>,
    /// Where this server is reached from outside, for links in notifications.
    #[arg(long = "web.external-url", value_name = "URL", value_parser = url)]
    pub(crate) external_url: Option<String>,
    /// Which origins' pages may read the API: a regular expression over all of https://host:port. None by
    /// default, unlike in Prometheus: any page in a browser could read what listens on loopback.
    #[arg(long = "web.cors.origin", value_name = "REGEX", default_value = "", value_parser = origins)]
    pub(crate) cors_origin: Matcher,
    /// Allow POST /-/reload and /-/quit.
    #[arg(long = "web.enable-lifecycle")]
    pub(crate) lifecycle: bool,
    /// Allow POST /api/v1/admin/tsdb/snapshot, which copies the samples.
    #[arg(long = "web.enable-admin-api")]
    pub(crate) admin_api: bool,
    /// Listen beyond loopback although no web configuration protects it.
    #[arg(long = "web.insecure-allow-remote")]
    pub(crate) allow_remote: bool,
    /// How old a sample may be to count as a series' value now.
    #[arg(long = "query.lookback-delta", value_name = "DURATION", default_value = "5m")]
    pub(crate) lookback: Duration,
    /// What is taken of a counter that appears between two scrapes of a target.
    #[arg(long = "scrape.counter-birth", value_name = "ZERO|UNKNOWN", default_value = "zero")]
    pub(crate) counter_birth: Birth,
    /// A webhook that is told of every alert, beside the Alertmanagers of the configuration file.
    #[arg(long = "notify.webhook", value_name = "URL", value_parser = url)]
    pub(crate) webhooks: Vec<String>,
    /// An alertmanager.yml: alerts are routed, grouped, silenced and repeated here.
    #[arg(long = "notify.config", value_name = "FILE")]
    pub(crate) notify_config: Option<PathBuf>,
    /// Who is told when nobody acknowledges an alert, or it goes on.
    #[arg(long = "notify.escalation", value_name = "FILE", requires = "notify_config")]
    pub(crate) notify_escalation: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) intake: crate::intake::Intake,
    #[command(flatten)]
    pub(crate) logs: Logs,
}

#[derive(Clone, Debug, Parser)]
pub(crate) struct Logs {
    /// The least important message that is shown.
    #[arg(long = "log.level", value_name = "LEVEL", default_value = "info")]
    pub(crate) level: Level,
    /// How messages are written.
    #[arg(long = "log.format", value_name = "FORMAT", default_value = "logfmt")]
    pub(crate) format: LogFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    Logfmt,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Birth {
    /// It stood at 0 at the scrape before, if that scrape succeeded without it.
    Zero,
    /// Nothing, as Prometheus does.
    Unknown,
}

impl From<Birth> for CounterBirth {
    fn from(birth: Birth) -> Self {
        match birth {
            Birth::Zero => Self::Zero,
            Birth::Unknown => Self::Unknown,
        }
    }
}

#[derive(Clone, Debug, Parser)]
pub(crate) struct Demo {
    /// How many times as fast as life the demonstration runs.
    #[arg(long, default_value_t = 60.0, value_parser = speed)]
    pub(crate) speed: f64,
    /// Keep the status page up after the story, until interrupted.
    #[arg(long)]
    pub(crate) keep_running: bool,
    /// Leave a part out, to see that its absence does not go unnoticed.
    #[arg(long, value_name = "PART")]
    pub(crate) without: Option<Part>,
    /// The address of the evaluator's API and status page; a free port by default.
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(crate) listen_address: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// The rule that sees an active override.
    Rule,
    /// The webhook receiver.
    Receiver,
    /// The exporter of audit events.
    Exporter,
}

/// A URL that can be posted to or linked: refused now rather than at the first alert.
fn url(text: &str) -> Result<String, String> {
    let parsed = text.parse::<axum::http::Uri>().ok();
    let usable = parsed.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    });
    if usable { Ok(text.to_owned()) } else { Err("write http:// or https:// and a host".to_owned()) }
}

fn origins(text: &str) -> Result<Matcher, String> {
    Matcher::new("origin", MatchOp::Regex, text).map_err(|error| error.reason)
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        // Above 120 the scrape interval of 30 s is below 250 ms, and a busy machine misses scrapes.
        Ok(speed) if (1.0..=120.0).contains(&speed) => Ok(speed),
        _ => Err("write a number from 1 to 120".to_owned()),
    }
}

#[derive(Clone, Debug, Parser)]
pub(crate) struct Test {
    #[command(subcommand)]
    pub(crate) what: TestWhat,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum TestWhat {
    /// Tests in promtool's format. Exit code 1 if any expectation is not met.
    Rules(TestRules),
}

#[derive(Clone, Debug, Parser)]
pub(crate) struct TestRules {
    /// One or more test files; they name their rule files.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Only tests whose name matches; may be given more than once.
    #[arg(long, value_name = "REGEX")]
    pub(crate) run: Vec<String>,
    /// Also write the result as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Show what became of alerts, and all samples.
    #[arg(long)]
    pub(crate) debug: bool,
    /// Show what was expected and what was got as one list of differences.
    #[arg(long)]
    pub(crate) diff: bool,
    /// Pass over keys of rule files that a server would refuse.
    #[arg(long)]
    pub(crate) ignore_unknown_fields: bool,
    /// Evaluate every group at the file's evaluation_interval, as promtool does.
    #[arg(long)]
    pub(crate) ignore_group_intervals: bool,
    /// Features by Prometheus's names, separated by commas.
    #[arg(long = "enable-feature", value_name = "NAMES", value_delimiter = ',')]
    pub(crate) features: Vec<String>,
    /// Fail if less than this share of the rules is proven by the tests.
    #[arg(long, value_name = "PERCENT")]
    pub(crate) min_coverage: Option<f64>,
    /// For people or for programs.
    #[arg(short, long, default_value = "text")]
    pub(crate) output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    #[value(alias = "promql")]
    Text,
    Json,
}

#[derive(Clone, Debug, Parser)]
pub(crate) struct Query {
    #[command(subcommand)]
    pub(crate) what: QueryWhat,
}

/// Whom to ask, and how to print it.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Asking {
    /// Like http://127.0.0.1:9090.
    #[arg(value_parser = url)]
    pub(crate) server: String,
    /// For people or for programs.
    #[arg(short, long, alias = "format", default_value = "text")]
    pub(crate) output: Output,
    /// A header to send, such as X-Scope-OrgID=1; may be given more than once.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) header: Vec<String>,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum QueryWhat {
    /// The value of an expression at one instant.
    Instant {
        #[command(flatten)]
        asking: Asking,
        /// In PromQL.
        expression: String,
        /// RFC 3339 or seconds since 1970; now by default.
        #[arg(long)]
        time: Option<String>,
    },
    /// The values of an expression over a range of time.
    Range {
        #[command(flatten)]
        asking: Asking,
        /// In PromQL.
        expression: String,
        /// RFC 3339 or seconds since 1970; five minutes before the end by default.
        #[arg(long)]
        start: Option<String>,
        /// RFC 3339 or seconds since 1970; now by default.
        #[arg(long)]
        end: Option<String>,
        /// From one value to the next; a 250th of the range by default.
        #[arg(long)]
        step: Option<Duration>,
    },
    /// The series that selectors match.
    Series {
        #[command(flatten)]
        asking: Asking,
        /// Selectors, such as up{job="brain"}.
        expressions: Vec<String>,
        /// A selector; may be given more than once.
        #[arg(long = "match", value_name = "SELECTOR")]
        matches: Vec<String>,
        /// RFC 3339 or seconds since 1970.
        #[arg(long)]
        start: Option<String>,
        /// RFC 3339 or seconds since 1970.
        #[arg(long)]
        end: Option<String>,
    },
    /// The values of a label.
    Labels {
        #[command(flatten)]
        asking: Asking,
        /// The label's name.
        name: String,
        /// Only of series that this selector matches; may be given more than once.
        #[arg(long = "match", value_name = "SELECTOR")]
        matches: Vec<String>,
        /// RFC 3339 or seconds since 1970.
        #[arg(long)]
        start: Option<String>,
        /// RFC 3339 or seconds since 1970.
        #[arg(long)]
        end: Option<String>,
    },
}

#[derive(Clone, Debug, Parser)]
pub(crate) struct Check {
    #[command(subcommand)]
    pub(crate) what: What,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum What {
    /// Configuration files, and the rule files and certificates they name.
    Config {
        /// Like prometheus.yml.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Judge the file alone, not what it names.
        #[arg(long)]
        syntax_only: bool,
        /// Pass over keys of rule files that a server would refuse.
        #[arg(long)]
        ignore_unknown_fields: bool,
        /// Features by Prometheus's names, separated by commas.
        #[arg(long = "enable-feature", value_name = "NAMES", value_delimiter = ',')]
        features: Vec<String>,
        #[command(flatten)]
        linting: Linting,
    },
    /// Rule files.
    Rules {
        /// Rule files; standard input where there are none, or for `-`.
        files: Vec<PathBuf>,
        /// Pass over keys that a server would refuse.
        #[arg(long)]
        ignore_unknown_fields: bool,
        /// Features by Prometheus's names, separated by commas.
        #[arg(long = "enable-feature", value_name = "NAMES", value_delimiter = ',')]
        features: Vec<String>,
        #[command(flatten)]
        linting: Linting,
    },
    /// Notification files: like alertmanager.yml.
    Notify {
        /// Like alertmanager.yml.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Also judge this escalation file, by the receivers of each.
        #[arg(long, value_name = "FILE")]
        escalation: Option<PathBuf>,
        /// Warnings fail the check, with exit code 3.
        #[arg(long)]
        lint_fatal: bool,
    },
    /// Metrics on standard input.
    Metrics {
        /// The format they are in.
        #[arg(long, default_value = "text")]
        format: MetricsFormat,
        /// Whether style is checked beside syntax.
        #[arg(long, default_value = "all")]
        lint: Lint,
        /// Also list how many series each metric has.
        #[arg(long)]
        extended: bool,
    },
    /// Web configuration files.
    WebConfig {
        /// Like web-config.yml.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

/// What is looked for beyond faults.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Linting {
    /// What is warned of. promtool warns of duplicate-rules alone where it is not told.
    #[arg(long, default_value = "all", value_delimiter = ',')]
    pub(crate) lint: Vec<RuleLint>,
    /// Warnings fail the check, with exit code 3.
    #[arg(long)]
    pub(crate) lint_fatal: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuleLint {
    /// All that is odd.
    All,
    /// Rules of one name and the same labels.
    DuplicateRules,
    /// Scrapes so rare that queries lose sight of their samples.
    TooLongScrapeInterval,
    /// Nothing.
    None,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum MetricsFormat {
    Text,
    Openmetrics,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lint {
    None,
    All,
}

#[derive(Clone, Debug, Parser)]
pub(crate) struct Healthcheck {
    /// The address that the server listens on.
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    pub(crate) listen_address: String,
    /// The web configuration that the server runs with, if any: it says whether TLS is spoken.
    #[arg(long = "web.config.file", value_name = "FILE")]
    pub(crate) web_config: Option<PathBuf>,
    /// Ask whether it is ready instead of whether it is alive.
    #[arg(long)]
    pub(crate) ready: bool,
    /// Certificates that sign the server's, PEM: TLS is spoken, and no other certificate taken.
    #[arg(long = "tls.ca-file", value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// The certificate shown to the server, PEM.
    #[arg(long = "tls.cert-file", value_name = "FILE", requires = "key_file")]
    pub(crate) cert_file: Option<PathBuf>,
    /// Its key, PEM.
    #[arg(long = "tls.key-file", value_name = "FILE", requires = "cert_file")]
    pub(crate) key_file: Option<PathBuf>,
    /// The name expected in the server's certificate, if not the address's.
    #[arg(long = "tls.server-name", value_name = "NAME", requires = "ca_file")]
    pub(crate) server_name: Option<String>,
    /// The user to ask as.
    #[arg(long = "basic-auth.username", value_name = "NAME", requires = "password_file")]
    pub(crate) username: Option<String>,
    /// The file that holds the user's password.
    #[arg(long = "basic-auth.password-file", value_name = "FILE", requires = "username")]
    pub(crate) password_file: Option<PathBuf>,
}
