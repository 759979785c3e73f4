//! Configuration files, read as a whole into what the pipeline and the senders need.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assurance_diagnostics::{Diagnostic, Source, yaml};
use assurance_metrics_model::Duration;
use assurance_notifier::{Receiver, ReceiverKind};
use assurance_pipeline as pipeline;
use assurance_promql::{self as promql, Options};
use assurance_rules::{Reading, RuleFile};
use assurance_scrape::{CounterBirth, HttpConfig, TargetGroup, parse_file_sd};

use crate::http::{Client, ClientError};
use crate::notify;

/// Largest file that is read: a rule file of 10,000 rules has 5 MB.
const MAX_FILE_BYTES: u64 = 10 << 20;

/// What the command line says beside the configuration file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The path of `prometheus.yml`.
    pub config_file: PathBuf,
    /// Where this server is reached, for links.
    pub external_url: String,
    /// How expressions are evaluated.
    pub options: Options,
    /// What is taken of counters that appear.
    pub counter_birth: CounterBirth,
    /// Webhooks that are told of every alert, beside the Alertmanagers of the file.
    pub webhooks: Vec<String>,
    /// An `alertmanager.yml` by which alerts are routed here.
    pub notify_config: Option<PathBuf>,
    /// Chains of escalation beside it.
    pub notify_escalation: Option<PathBuf>,
    /// Features asked for by Prometheus's names.
    pub features: BTreeSet<String>,
    /// Whether keys that no rule file has are passed over: for checks, not for servers.
    pub ignore_unknown_fields: bool,
}

impl Settings {
    /// A file under defaults.
    pub fn new(config_file: impl Into<PathBuf>) -> Self {
        Self {
            config_file: config_file.into(),
            external_url: "http://127.0.0.1:9090".to_owned(),
            options: Options::default(),
            counter_birth: CounterBirth::default(),
            webhooks: Vec::new(),
            notify_config: None,
            notify_escalation: None,
            features: BTreeSet::new(),
            ignore_unknown_fields: false,
        }
    }
}

impl Settings {
    /// The parts of PromQL that rules may use.
    pub fn promql_features(&self) -> promql::Features {
        let mut features = promql::Features::default();
        features.experimental_functions = self.features.contains("promql-experimental-functions");
        features
    }
}

/// Everything a configuration says, ready to be used.
#[derive(Debug)]
#[non_exhaustive]
pub struct Setup {
    /// For the pipeline.
    pub pipeline: pipeline::Config,
    /// For who executes what the pipeline asks.
    pub senders: Senders,
    /// How long samples are kept, where the file says so.
    pub retention: Option<Duration>,
    /// How many bytes samples may take, where the file says so.
    pub retention_size: Option<u64>,
    /// How late samples may come, where the file says so.
    pub out_of_order_window: Option<Duration>,
    /// What is odd without keeping it from being used.
    pub warnings: Vec<Diagnostic>,
    /// The rule files read.
    pub rule_files: Vec<String>,
}

/// Clients by what they are for.
#[derive(Clone, Debug, Default)]
pub struct Senders {
    jobs: HashMap<String, Client>,
    receivers: HashMap<String, Client>,
}

impl Senders {
    /// The client of a scrape job.
    pub fn job(&self, name: &str) -> Option<&Client> {
        self.jobs.get(name)
    }

    /// The client of a receiver.
    pub fn receiver(&self, name: &str) -> Option<&Client> {
        self.receivers.get(name)
    }
}

/// A configuration that cannot be used. Nothing of it is in force.
#[derive(Debug)]
pub struct SetupError {
    /// Everything that was found wrong.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// Inside a file.
    Content(Box<Diagnostic>),
    /// A file that cannot be read.
    File(std::io::Error),
    /// A credential or certificate that cannot be used.
    Client {
        /// Whose.
        of: String,
        /// What is wrong.
        source: Box<ClientError>,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content(diagnostic) => write!(f, "{diagnostic}"),
            Self::File(error) => writeln!(f, "error: {error}"),
            Self::Client { of, source } => writeln!(f, "error: {of}: {}", source.kind),
        }
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.problems.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for SetupError {}

impl From<Vec<Diagnostic>> for SetupError {
    fn from(found: Vec<Diagnostic>) -> Self {
        Self { problems: found.into_iter().map(|d| Problem::Content(Box::new(d))).collect() }
    }
}

impl From<std::io::Error> for SetupError {
    fn from(error: std::io::Error) -> Self {
        Self { problems: vec![Problem::File(error)] }
    }
}

/// Reads the configuration file and all it names.
///
/// # Errors
/// Everything that is wrong, in all files, so that one run shows it all.
pub fn load(settings: &Settings) -> Result<Setup, SetupError> {
    let source = read_source(&settings.config_file)?;
    let directory = settings.config_file.parent().unwrap_or(Path::new(""));
    let loaded = assurance_config::load(&source, &directory.to_string_lossy())?;
    let mut warnings = loaded.warnings;
    let mut problems: Vec<Problem> = Vec::new();

    let mut reading = Reading::default();
    reading.features = settings.promql_features();
    reading.ignore_unknown_fields = settings.ignore_unknown_fields;
    let mut groups = Vec::new();
    let mut rule_files = Vec::new();
    for (n, pattern) in loaded.rule_files.iter().enumerate() {
        let paths = expand(pattern)?;
        if paths.is_empty() {
            let place = yaml::locate(&source, &["rule_files".into(), n.into()]);
            let message = format!("no rule file matches {pattern}");
            warnings.push(
                Diagnostic::warning(&source, place, message)
                    .with_help("correct the pattern, or add the files"),
            );
        }
        for path in paths {
            match read_rules(Path::new(&path), reading) {
                Ok(file) => {
                    groups.extend(file.groups);
                    warnings.extend(file.warnings);
                    rule_files.push(path);
                }
                Err(error) => problems.extend(error.problems),
            }
        }
    }

    let mut rules = assurance_rules::Config::new(groups);
    rules.default_interval = loaded.global.evaluation_interval;
    rules.query_offset = loaded.global.rule_query_offset;
    rules.external_labels = loaded.global.external_labels.clone();
    rules.external_url.clone_from(&settings.external_url);
    rules.options = settings.options.clone();
    rules.features = settings.promql_features();

    let mut clients = Clients::default();
    let mut senders = Senders::default();
    let mut jobs = loaded.jobs;
    for job in &mut jobs {
        job.counter_birth = settings.counter_birth;
        let of = format!("scrape job {}", job.job_name);
        match clients.get(&of, &job.http) {
            Ok(client) => {
                let client = client.with_compression(job.enable_compression);
                senders.jobs.insert(job.job_name.clone(), client);
            }
            Err(problem) => problems.push(problem),
        }
    }
    let mut receivers: Vec<Receiver> = Vec::new();
    let mut add = |receiver: Receiver, http: &HttpConfig| {
        match clients.get(&format!("receiver {}", receiver.name), http) {
            Ok(client) => {
                senders.receivers.insert(receiver.name.clone(), client);
            }
            Err(problem) => problems.push(problem),
        }
        receivers.push(receiver);
    };
    for manager in &loaded.alerting.alertmanagers {
        if !manager.alert_relabel.is_empty() {
            let message = "alert_relabel_configs of a single Alertmanager are not done";
            let found = Diagnostic::error(&source, None, message)
                .with_help("write them under alerting, where they hold for all receivers");
            return Err(vec![found].into());
        }
        let discovered = discover(&manager.file_sd)?;
        for receiver in manager.receivers(&discovered) {
            add(receiver, &manager.http);
        }
    }
    for (n, url) in settings.webhooks.iter().enumerate() {
        let name = if n == 0 { "webhook".to_owned() } else { format!("webhook-{}", n + 1) };
        add(Receiver::new(&name, ReceiverKind::Webhook, url), &HttpConfig::default());
    }
    let routing = match &settings.notify_config {
        None => None,
        Some(path) => match notify::load(path, settings.notify_escalation.as_deref()) {
            Ok(loaded) => {
                loaded.hooks.into_iter().for_each(|(receiver, http)| add(receiver, &http));
                warnings.extend(loaded.warnings);
                Some(Arc::new(loaded.plan))
            }
            Err(error) => {
                problems.extend(error.problems);
                None
            }
        },
    };
    if !problems.is_empty() {
        return Err(SetupError { problems });
    }
    let pipeline = pipeline::Config {
        scrape: jobs,
        rules,
        notifier: assurance_notifier::Config::new(receivers),
        routing,
        alert_relabel: loaded.alerting.alert_relabel,
        external_labels: loaded.global.external_labels,
    };
    Ok(Setup {
        pipeline,
        senders,
        retention: loaded.storage.retention_time,
        retention_size: loaded.storage.retention_size,
        out_of_order_window: loaded.storage.out_of_order_time_window,
        warnings,
        rule_files,
    })
}

/// One client for each set of credentials and TLS settings.
#[derive(Default)]
struct Clients {
    known: HashMap<HttpConfig, Client>,
}

impl Clients {
    fn get(&mut self, of: &str, config: &HttpConfig) -> Result<Client, Problem> {
        if let Some(client) = self.known.get(config) {
            return Ok(client.clone());
        }
        let client = Client::new(config.clone())
            .map_err(|source| Problem::Client { of: of.to_owned(), source: Box::new(source) })?;
        self.known.insert(config.clone(), client.clone());
        Ok(client)
    }
}

/// Alertmanagers listed in files, as they are when the configuration is read.
fn discover(lists: &[assurance_scrape::FileSd]) -> Result<Vec<TargetGroup>, SetupError> {
    let mut groups = Vec::new();
    for list in lists {
        for pattern in &list.files {
            for path in expand(pattern)? {
                let source = read_source(Path::new(&path))?;
                groups.extend(parse_file_sd(&source).map_err(|found| SetupError::from(vec![found]))?);
            }
        }
    }
    Ok(groups)
}

/// Reads a rule file.
///
/// # Errors
/// Everything wrong in it, or why it cannot be read.
fn read_rules(path: &Path, reading: Reading) -> Result<RuleFile, SetupError> {
    let source = read_source(path)?;
    Ok(RuleFile::parse_with(&source, reading)?)
}

/// Reads a text file under its path as name.
///
/// # Errors
/// If it cannot be opened, is no UTF-8, or is larger than 10 MiB.
pub fn read_source(path: &Path) -> std::io::Result<Source> {
    let mut file = fs_err::File::open(path)?;
    let size = file.metadata()?.len();
    if size > MAX_FILE_BYTES {
        let message =
            format!("{}: {size} bytes are more than the {MAX_FILE_BYTES} that are read", path.display());
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, message));
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(Source::new(path.to_string_lossy().into_owned(), text))
}

/// The paths that a pattern stands for, sorted: `*`, `?` and `[a-z]` may stand in any of its parts, and each
/// stands for something inside of that part. A pattern may match nothing; a plain path must exist, which
/// reading it finds out.
///
/// # Errors
/// If a folder on the way cannot be listed, but for being absent.
pub fn expand(pattern: &str) -> std::io::Result<Vec<String>> {
    if !has_wildcard(pattern) {
        return Ok(vec![pattern.to_owned()]);
    }
    let path = Path::new(pattern);
    let last = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let parent = path.parent().unwrap_or(Path::new(""));
    let folders = expand(&parent.to_string_lossy())?;
    let mut found = Vec::new();
    for folder in folders.iter().map(Path::new) {
        let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if !has_wildcard(&last) {
            let path = folder.join(&last);
            if path.exists() {
                found.push(path.to_string_lossy().into_owned());
            }
            continue;
        }
        let entries = match fs_err::read_dir(listed) {
            Ok(entries) => entries,
            Err(error) if is_no_folder(&error) => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if matches_pattern(last.as_bytes(), name.as_bytes()) {
                found.push(folder.join(name).to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

fn is_no_folder(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// Shell patterns of `*`, `?` and `[a-z]`, without backtracking beyond the last star.
fn matches_pattern(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, n));
            p += 1;
        } else if let Some(used) = matches_one(&pattern[p..], name[n]) {
            p += used;
            n += 1;
        } else if let Some((at, from)) = star {
            p = at + 1;
            n = from + 1;
            star = Some((at, n));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

/// How much of the pattern stands for this one byte, if it does.
fn matches_one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'[', class @ ..] => {
            let (negated, class) = match class {
                [b'^' | b'!', rest @ ..] => (true, rest),
                rest => (false, rest),
            };
            let end = class.iter().skip(1).position(|b| *b == b']')? + 1;
            let mut members = &class[..end];
            let mut found = false;
            while let Some((first, rest)) = members.split_first() {
                if let [b'-', last, after @ ..] = rest {
                    found |= (*first..=*last).contains(&byte);
                    members = after;
                } else {
                    found |= *first == byte;
                    members = rest;
                }
            }
            (found != negated).then_some(end + 2 + usize::from(negated))
        }
        [literal, ..] if *literal == byte => Some(1),
        _ => None,
    }
}

/// The clients in force, replaced as a whole at a reload.
#[derive(Debug, Default)]
pub struct SharedSenders(std::sync::RwLock<Arc<Senders>>);

impl SharedSenders {
    /// These to begin with.
    pub fn new(senders: Senders) -> Self {
        Self(std::sync::RwLock::new(Arc::new(senders)))
    }

    /// Those in force now.
    pub fn get(&self) -> Arc<Senders> {
        Arc::clone(&self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Puts others in force.
    pub fn set(&self, senders: Senders) {
        *self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(senders);
    }
}
