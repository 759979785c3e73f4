//! Brings what the machine asks for.

use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::PathBuf;

use assurance_evidence::{FetchError, Get, ReadFile, Response};
use assurance_runtime::http::{Client, ClientErrorKind, Limits};
use assurance_scrape::{Auth, Credential, HttpConfig};

use crate::args::Collect;

/// The backend's API, or a file.
pub(crate) struct Fetcher {
    client: Client,
    base: String,
    timeout: std::time::Duration,
}

impl Fetcher {
    /// A client with the certificates and the token that were asked for. Redirects are not followed: the
    /// address that was read from is written into the evidence.
    pub(crate) fn new(args: &Collect) -> Result<Self, ClientErrorKind> {
        let file = |path: &PathBuf| Credential::File(path.display().to_string());
        let mut config = HttpConfig::default();
        config.follow_redirects = false;
        config.tls.ca = args.ca_file.as_ref().map(file);
        config.auth = args
            .token_file
            .as_ref()
            .map(file)
            .map(|credentials| Auth::Authorization { scheme: "Bearer".to_owned(), credentials });
        let client = Client::new(config).map_err(|error| error.kind)?;
        let base = args.backend.clone().unwrap_or_default();
        Ok(Self { client, base, timeout: args.timeout.to_std() })
    }

    pub(crate) async fn get(&self, get: &Get) -> Result<Response, FetchError> {
        let url = format!("{}{}", self.base, get.path);
        let headers = [("accept".to_owned(), "application/json".to_owned())];
        let limits = Limits { timeout: self.timeout, body: get.max_bytes };
        let answer = match &get.post {
            None => self.client.get(&url, &headers, limits).await,
            Some(body) => {
                let [_, json] =
                    ["accept", "content-type"].map(|name| (name.to_owned(), "application/json".to_owned()));
                let lines = ("accept".to_owned(), "application/x-ndjson, application/json".to_owned());
                self.client.post(&url, &[lines, json], body.clone().into(), limits).await
            }
        };
        let answer = answer.map_err(|error| match error.kind {
            ClientErrorKind::BodyTooLong { .. } => FetchError::TooLong,
            kind @ (ClientErrorKind::Credential { .. }
            | ClientErrorKind::Header { .. }
            | ClientErrorKind::Url) => FetchError::NotAsked(kind.to_string()),
            kind => FetchError::Unreachable(kind.to_string()),
        })?;
        Ok(Response { status: answer.status, body: answer.body })
    }

    /// Reads from a local file. A piece is a few megabytes, and nothing else is waiting.
    pub(crate) fn read(read: &ReadFile) -> Result<Vec<u8>, FetchError> {
        let mut piece = Vec::new();
        fs_err::File::open(&read.path)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(read.offset))?;
                file.take(read.max_bytes).read_to_end(&mut piece)
            })
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => FetchError::NoFile,
                _ => FetchError::NotAsked(error.to_string()),
            })?;
        Ok(piece)
    }
}
