use std::collections::BTreeMap;
use std::fmt;

use assurance_exposition::Format;
use assurance_metrics_model::{Duration, Labels};

use crate::RelabelRule;

/// Default bound of one response body after decompression, in bytes: 10 MiB, a hundred times what a thousand
/// verbose series need. Prometheus has none.
pub const DEFAULT_BODY_SIZE_LIMIT: u64 = 10 << 20;

/// Default bound of samples a scrape may bring after relabelling: 10 000 series are 300 times the governance
/// contract, and at 30 s still fewer than 350 samples a second from one target. Prometheus has none.
pub const DEFAULT_SAMPLE_LIMIT: u64 = 10_000;

/// Default bound of labels of one series, target labels included.
pub const DEFAULT_LABEL_LIMIT: u64 = 64;

/// Default bound of one label name, in bytes.
pub const DEFAULT_LABEL_NAME_LENGTH_LIMIT: u64 = 512;

/// Default bound of one label value, in bytes.
pub const DEFAULT_LABEL_VALUE_LENGTH_LIMIT: u64 = 4096;

/// Default bound of a job's targets: 10 000 at 30 s are 333 requests a second, past what one process should do
/// unasked.
pub const DEFAULT_TARGET_LIMIT: u64 = 10_000;

/// Default number of dropped targets a job remembers for display: a page that can still be read.
pub const DEFAULT_KEEP_DROPPED_TARGETS: u64 = 1_000;

/// Seconds between two readings of file-based target lists, as in Prometheus.
const DEFAULT_FILE_SD_REFRESH_SECS: i64 = 300;

/// Text that must not be shown: it has neither `Display` nor a `Debug` that tells, and cannot be serialised.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one who sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// A secret, or the file that holds it. The edge reads the file at each use, so that a rotated secret works
/// without a reload.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Credential {
    /// Given in the configuration.
    Inline(Secret),
    /// Path of the file; white space around its content does not count.
    File(String),
}

/// How a client says who it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Auth {
    /// HTTP basic authentication.
    Basic {
        /// The user's name.
        username: Credential,
        /// The password; none is sent as an empty one.
        password: Option<Credential>,
    },
    /// `Authorization: <scheme> <credentials>`.
    Authorization {
        /// `Bearer` unless written otherwise.
        scheme: String,
        /// What follows the scheme.
        credentials: Credential,
    },
}

/// A TLS version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// TLS 1.2
    Tls12,
    /// TLS 1.3
    Tls13,
}

/// How a client speaks TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TlsConfig {
    /// Certificates that are trusted instead of the system's.
    pub ca: Option<Credential>,
    /// The client's certificate chain, PEM.
    pub cert: Option<Credential>,
    /// The client's private key, PEM.
    pub key: Option<Credential>,
    /// The name expected in the server's certificate, if not the host's.
    pub server_name: Option<String>,
    /// Accept any certificate.
    pub insecure_skip_verify: bool,
    /// The oldest version accepted.
    pub min_version: Option<TlsVersion>,
    /// The newest version accepted.
    pub max_version: Option<TlsVersion>,
}

/// What an HTTP client needs to know, for scrapes and for notifications alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct HttpConfig {
    /// Who we say we are.
    pub auth: Option<Auth>,
    /// How TLS is spoken.
    pub tls: TlsConfig,
    /// Whether redirects are followed.
    pub follow_redirects: bool,
    /// Further headers, in order.
    pub headers: Vec<(String, Credential)>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self { auth: None, tls: TlsConfig::default(), follow_redirects: true, headers: Vec::new() }
    }
}

/// Targets that share labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetGroup {
    /// Added to each target. Names may begin with `__`.
    pub labels: Labels,
    /// Host and port each.
    pub targets: Vec<String>,
    /// Where the group was read, for messages.
    pub source: String,
}

/// Files that list targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSd {
    /// Paths, whose last part may be a pattern with `*`.
    pub files: Vec<String>,
    /// How often they are read.
    pub refresh_interval: Duration,
}

impl FileSd {
    /// Files read every five minutes, as Prometheus does.
    pub fn new(files: Vec<String>) -> Self {
        Self { files, refresh_interval: Duration::from_secs(DEFAULT_FILE_SD_REFRESH_SECS) }
    }
}

/// Bounds of one scrape; crossing one fails the whole scrape. Zero means: no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScrapeLimits {
    /// Bytes of the body, decompressed.
    pub body_size: u64,
    /// Samples left after relabelling.
    pub samples: u64,
    /// Labels of one series, the name and target labels among them.
    pub labels: u64,
    /// Bytes of a label's name.
    pub label_name_length: u64,
    /// Bytes of a label's value.
    pub label_value_length: u64,
    /// Targets of the job after relabelling.
    pub targets: u64,
    /// Dropped targets that are remembered for display. More are counted only.
    pub keep_dropped_targets: u64,
}

impl Default for ScrapeLimits {
    fn default() -> Self {
        Self {
            body_size: DEFAULT_BODY_SIZE_LIMIT,
            samples: DEFAULT_SAMPLE_LIMIT,
            labels: DEFAULT_LABEL_LIMIT,
            label_name_length: DEFAULT_LABEL_NAME_LENGTH_LIMIT,
            label_value_length: DEFAULT_LABEL_VALUE_LENGTH_LIMIT,
            targets: DEFAULT_TARGET_LIMIT,
            keep_dropped_targets: DEFAULT_KEEP_DROPPED_TARGETS,
        }
    }
}

/// What is taken of a counter series that appears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CounterBirth {
    /// A counter that was absent from the last successful scrape stood at 0 then, and after a restart that can
    /// be seen it stood at 0 when the process started: a sample says so.
    #[default]
    Zero,
    /// Nothing is taken, as in Prometheus: the first increment of a series cannot be seen.
    Unknown,
}

impl CounterBirth {
    /// The word on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::Unknown => "unknown",
        }
    }
}

/// A format that can be asked for, best first, in `Accept`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScrapeProtocol {
    /// OpenMetrics 1.0.0
    OpenMetrics1,
    /// OpenMetrics 0.0.1
    OpenMetrics0,
    /// Prometheus text 1.0.0
    PrometheusText1,
    /// Prometheus text 0.0.4
    PrometheusText0,
}

impl ScrapeProtocol {
    /// All, in Prometheus's order of preference.
    pub const ALL: [Self; 4] =
        [Self::OpenMetrics1, Self::OpenMetrics0, Self::PrometheusText1, Self::PrometheusText0];

    /// The word in configuration files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenMetrics1 => "OpenMetricsText1.0.0",
            Self::OpenMetrics0 => "OpenMetricsText0.0.1",
            Self::PrometheusText1 => "PrometheusText1.0.0",
            Self::PrometheusText0 => "PrometheusText0.0.4",
        }
    }

    /// The format bodies of this protocol are read as.
    pub const fn format(self) -> Format {
        match self {
            Self::OpenMetrics1 | Self::OpenMetrics0 => Format::OpenMetrics,
            Self::PrometheusText1 | Self::PrometheusText0 => Format::Text,
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::OpenMetrics1 => "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
            Self::OpenMetrics0 => "application/openmetrics-text;version=0.0.1",
            Self::PrometheusText1 => "text/plain;version=1.0.0;escaping=allow-utf-8",
            Self::PrometheusText0 => "text/plain;version=0.0.4",
        }
    }

    /// The `Accept` header that asks for these, best first, and for anything after them.
    pub fn accept(protocols: &[Self]) -> String {
        let mut out = String::new();
        let mut weight = protocols.len() + 1;
        for protocol in protocols {
            out.push_str(protocol.media_type());
            out.push_str(&format!(";q=0.{weight},"));
            weight -= 1;
        }
        out.push_str(&format!("*/*;q=0.{weight}"));
        out
    }
}

/// How one job is scraped: plain data, filled from `scrape_configs` or by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobConfig {
    /// Unique among the jobs; becomes the label `job`.
    pub job_name: String,
    /// Time between two scrapes of a target.
    pub scrape_interval: Duration,
    /// Time one scrape may take; at most the interval.
    pub scrape_timeout: Duration,
    /// Path of the request.
    pub metrics_path: String,
    /// `http` or `https`.
    pub scheme: String,
    /// Query parameters, several values each.
    pub params: BTreeMap<String, Vec<String>>,
    /// Where a scraped label clashes with a target's: keep the scraped one, instead of renaming it to
    /// `exported_…`.
    pub honor_labels: bool,
    /// Whether timestamps in the body count.
    pub honor_timestamps: bool,
    /// Whether series with timestamps in the body are marked stale when they vanish.
    pub track_timestamps_staleness: bool,
    /// Targets known from the start.
    pub static_targets: Vec<TargetGroup>,
    /// Targets read from files.
    pub file_sd: Vec<FileSd>,
    /// Applied to targets.
    pub relabel: Vec<RelabelRule>,
    /// Applied to scraped series.
    pub metric_relabel: Vec<RelabelRule>,
    /// How requests are made.
    pub http: HttpConfig,
    /// Whether compressed bodies are asked for.
    pub enable_compression: bool,
    /// Formats asked for, best first.
    pub protocols: Vec<ScrapeProtocol>,
    /// How a body without a known content type is read.
    pub fallback: Format,
    /// Bounds.
    pub limits: ScrapeLimits,
    /// What is taken of a counter series that appears.
    pub counter_birth: CounterBirth,
    /// When targets are scraped: at every multiple of the interval after this, counted from the epoch. `None`,
    /// as in Prometheus, spreads them by a hash; whoever plans a timeline says it.
    pub phase: Option<Duration>,
    /// Also write `scrape_timeout_seconds`, `scrape_sample_limit` and `scrape_body_size_bytes`.
    pub extra_metrics: bool,
}

impl JobConfig {
    /// A job with Prometheus's defaults, our finite limits, and no targets.
    pub fn new(job_name: &str) -> Self {
        Self {
            job_name: job_name.to_owned(),
            scrape_interval: Duration::from_minutes(1),
            scrape_timeout: Duration::from_secs(10),
            metrics_path: "/metrics".to_owned(),
            scheme: "http".to_owned(),
            params: BTreeMap::new(),
            honor_labels: false,
            honor_timestamps: true,
            track_timestamps_staleness: false,
            static_targets: Vec::new(),
            file_sd: Vec::new(),
            relabel: Vec::new(),
            metric_relabel: Vec::new(),
            http: HttpConfig::default(),
            enable_compression: true,
            protocols: ScrapeProtocol::ALL.to_vec(),
            fallback: Format::Text,
            limits: ScrapeLimits::default(),
            counter_birth: CounterBirth::default(),
            phase: None,
            extra_metrics: false,
        }
    }
}
