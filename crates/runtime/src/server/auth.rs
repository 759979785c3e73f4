use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use tokio::sync::Semaphore;

/// Passwords checked against bcrypt at once: each takes a core for tens of milliseconds.
const MAX_CHECKS: usize = 2;

/// Verdicts remembered, so that a dashboard does not pay bcrypt at every request.
const MAX_REMEMBERED: usize = 256;

/// A hash of no password, at the usual cost: checked for unknown users, so that they take as long as known ones.
const NOBODY: &str = "$2b$10$pumUH1XkU3YfLxTP/WiotOxZ0RkB7lPKSqeXf83DgmOX23eVDI9rO";

/// Lets requests with the right user and password through.
#[derive(Debug)]
pub(super) struct Gate {
    /// User names and bcrypt hashes.
    users: BTreeMap<String, String>,
    checks: Semaphore,
    /// Verdicts by a keyed digest of user, hash and password, each behind its length: no two triples share one.
    remembered: Mutex<HashMap<[u8; 32], bool>>,
    key: [u8; 32],
}

impl Gate {
    pub(super) fn new(users: BTreeMap<String, String>) -> Self {
        let mut key = [0; 32];
        // The provider has a random source wherever it has TLS. Without one the key is known, which only lets
        // who can read this process's memory test guesses.
        let _unlikely = rustls::crypto::ring::default_provider().secure_random.fill(&mut key);
        Self { users, checks: Semaphore::new(MAX_CHECKS), remembered: Mutex::default(), key }
    }

    pub(super) async fn allows(&self, headers: &HeaderMap) -> bool {
        let Some((user, password)) = credentials(headers) else { return false };
        let known = self.users.get(&user);
        let hash = known.map_or(NOBODY, String::as_str).to_owned();
        let digest = self.digest(&[&user, &hash, &password]);
        if let Some(verdict) = self.remembered().get(&digest) {
            return *verdict;
        }
        let Ok(_turn) = self.checks.acquire().await else { return false };
        let checked =
            tokio::task::spawn_blocking(move || bcrypt::verify(password, &hash).unwrap_or(false)).await;
        let verdict = checked.unwrap_or(false) && known.is_some();
        let mut remembered = self.remembered();
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(digest, verdict);
        verdict
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], bool>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn digest(&self, parts: &[&str]) -> [u8; 32] {
        use sha2::Digest as _;
        let mut hasher = sha2::Sha256::new();
        hasher.update(self.key);
        for part in parts {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().into()
    }
}

fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}
