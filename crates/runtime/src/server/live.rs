//! What a web configuration makes of a server, anew whenever its files change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use http::{HeaderName, HeaderValue};
use tokio_rustls::TlsAcceptor;

use super::auth::Gate;
use super::web_config::WebConfig;
use super::{ServerError, tls};

/// How often the files are looked at: a rotated certificate is served, and a removed user kept out, within it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is in force.
pub(super) struct Secured {
    pub(super) gate: Option<Gate>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) tls: Option<TlsAcceptor>,
}

impl Secured {
    pub(super) fn new(web: &WebConfig) -> Result<Self, ServerError> {
        let gate = (!web.users.is_empty()).then(|| Gate::new(web.users.clone()));
        let tls = web.tls.as_ref().map(tls::acceptor).transpose()?;
        Ok(Self { gate, headers: web.headers.clone(), tls })
    }

    fn protects(&self) -> bool {
        self.gate.is_some() || self.tls.is_some()
    }
}

/// What is in force now, and the files it comes from.
pub(super) struct Live {
    current: RwLock<Arc<Secured>>,
    watched: Mutex<Watched>,
}

/// The configuration file, if there is one, and all files as they were at the last look.
struct Watched {
    path: Option<PathBuf>,
    seen: Vec<(PathBuf, Stamp)>,
}

/// What tells that a file changed; none where it cannot be seen.
type Stamp = Option<(Option<SystemTime>, u64)>;

fn stamp(path: &Path) -> Stamp {
    let metadata = fs_err::metadata(path).ok()?;
    Some((metadata.modified().ok(), metadata.len()))
}

fn stamps(paths: impl IntoIterator<Item = PathBuf>) -> Vec<(PathBuf, Stamp)> {
    paths.into_iter().map(|path| (path.clone(), stamp(&path))).collect()
}

impl Live {
    pub(super) fn new(secured: Secured, web: &WebConfig) -> Self {
        let watched = Mutex::new(Watched { path: None, seen: stamps(web.files()) });
        Self { current: RwLock::new(Arc::new(secured)), watched }
    }

    pub(super) fn watch(&self, path: &Path) {
        let mut watched = self.watched();
        watched.path = Some(path.to_owned());
        watched.seen.push((path.to_owned(), stamp(path)));
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn current(&self) -> Arc<Secured> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the files for as long as it is polled.
    pub(super) async fn keep_up(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let live = Arc::clone(&self);
            // A fault in there has been logged by its own thread; the next look comes anyway.
            let _faulted = tokio::task::spawn_blocking(move || live.look(false)).await;
        }
    }

    /// Takes what the files say if they changed, or in any case; says in the log what became of it.
    pub(super) fn look(&self, in_any_case: bool) {
        let mut watched = self.watched();
        let Some(path) = watched.path.clone() else { return };
        let changed = watched.seen.iter().any(|(path, before)| stamp(path) != *before);
        if !changed && !in_any_case {
            return;
        }
        // Before the files are read: what changes meanwhile is seen at the next look.
        for (path, seen) in &mut watched.seen {
            *seen = stamp(path);
        }
        match self.replace(&path) {
            Ok(web) => {
                let named: Vec<PathBuf> = web.files().chain([path.clone()]).collect();
                watched.seen.retain(|(path, _)| named.contains(path));
                for path in named {
                    if !watched.seen.iter().any(|(p, _)| *p == path) {
                        watched.seen.push((path.clone(), stamp(&path)));
                    }
                }
                tracing::info!(file = %path.display(), "web configuration read anew");
            }
            Err(error) => {
                tracing::error!(
                    "the new web configuration is not used, the old one stays in force:\n{error}"
                );
            }
        }
    }

    fn replace(&self, path: &Path) -> Result<WebConfig, String> {
        let web = WebConfig::load(path)?;
        let new = Secured::new(&web).map_err(|error| error.to_string())?;
        let old = self.current();
        if new.tls.is_some() != old.tls.is_some() {
            return Err("TLS is switched on or off by a restart only".to_owned());
        }
        if old.protects() && !new.protects() {
            return Err(format!(
                "{} names no users any more, and nothing else protects the port; restart to open it",
                path.display()
            ));
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
        Ok(web)
    }
}

impl WebConfig {
    /// Reads a file; paths in it are seen from its directory.
    ///
    /// # Errors
    /// If the file cannot be read, or says something wrong: with its place and remedy.
    pub fn load(path: &Path) -> Result<Self, String> {
        let source = crate::setup::read_source(path).map_err(|error| error.to_string())?;
        Self::parse(&source, path.parent().unwrap_or(Path::new(""))).map_err(|error| error.to_string())
    }

    /// The files that it names.
    fn files(&self) -> impl Iterator<Item = PathBuf> {
        let named = self.tls.iter().flat_map(|tls| {
            [Some(&tls.cert_file), Some(&tls.key_file), tls.client_ca_file.as_ref()].into_iter().flatten()
        });
        named.map(PathBuf::from).collect::<Vec<_>>().into_iter()
    }
}
