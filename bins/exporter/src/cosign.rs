//! Asks the witnesses of a policy for their signatures.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use assurance_disk::Disk;
use assurance_evidence::cosign::{Answer, Asking, MAX_TRIES, followed};
use assurance_runtime::http::{Client, Limits};
use assurance_scrape::{Credential, HttpConfig};
use assurance_storage::Storage;
use assurance_tlog::note::{NoteSignature, VerifierKey};
use assurance_tlog::policy::Policy;
use assurance_tlog::witness::MAX_ANSWER_BYTES;
use tokio::task::JoinSet;

use crate::args::{Ask, Cosign};
use crate::log;
use crate::talk::{Exit, say};

pub(crate) async fn run(args: &Cosign) -> Exit {
    let ready = log::required(&args.directory).and_then(|()| Asker::new(&args.policy, &args.ask));
    let asker = match ready {
        Ok(asker) => asker,
        Err(exit) => return exit,
    };
    match Disk::open(args.directory.path()) {
        Ok(disk) => asker.ask(&(Arc::new(disk) as Arc<dyn Storage>)).await,
        Err(error) => log::failed(&error.into()),
    }
}

/// A policy, and the way to its witnesses.
pub(crate) struct Asker {
    policy: Policy,
    addresses: Vec<(String, String)>,
    client: Client,
    timeout: Duration,
}

/// What one witness said in the end.
enum Said {
    Signed(NoteSignature),
    Contradicts(String),
    Nothing(String),
}

impl Asker {
    pub(crate) fn new(policy: &Path, ask: &Ask) -> Result<Self, Exit> {
        let policy = log::policy(policy)?;
        if let Some((name, _)) =
            ask.witnesses.iter().find(|(name, _)| !policy.witnesses().any(|witness| witness.name == *name))
        {
            return Err(log::refused(&format_args!(
                "--witness {name}=…: the policy has no witness of that name"
            )));
        }
        // No redirects: what the policy names is who is asked.
        let mut config = HttpConfig::default();
        config.follow_redirects = false;
        config.tls.ca = ask.witness_ca_file.as_ref().map(|path| Credential::File(path.display().to_string()));
        let client = Client::new(config).map_err(|error| log::refused(&error.kind))?;
        Ok(Self { policy, addresses: ask.witnesses.clone(), client, timeout: ask.witness_timeout.to_std() })
    }

    /// Asks every witness that has not signed the newest checkpoint, all at once, and keeps what they sign.
    pub(crate) async fn ask(&self, storage: &Arc<dyn Storage>) -> Exit {
        let asking = match Asking::read(&**storage) {
            Ok(Ok(asking)) => Arc::new(asking),
            Ok(Err(finding)) => {
                say(format_args!("error: {finding}; no witness is asked about such a log"));
                return Exit::Integrity;
            }
            Err(error) => return log::failed(&error.into()),
        };
        let (mut signatures, mut exit) = (Vec::new(), Exit::Done);
        for (name, said) in self.all(&asking).await {
            match said {
                Said::Signed(signature) => {
                    say(format_args!("witness {name} signed {} leaves", asking.size()));
                    signatures.push(signature);
                }
                Said::Contradicts(message) => {
                    say(format_args!("error: witness {name}: {message}"));
                    exit = Exit::Integrity;
                }
                Said::Nothing(message) => say(format_args!("witness {name} did not sign: {message}")),
            }
        }
        if !signatures.is_empty() {
            let _lock = match log::lock(&**storage).await {
                Ok(lock) => lock,
                Err(exit) => return exit,
            };
            if let Err(error) = asking.keep(storage, &signatures) {
                return log::failed(&error);
            }
        }
        exit.and(self.look(&**storage))
    }

    /// Whether enough witnesses have signed the newest checkpoint.
    pub(crate) fn look(&self, storage: &dyn Storage) -> Exit {
        match followed(storage, &self.policy) {
            Ok(Ok(followed)) if followed.behind == 0 => Exit::Done,
            Ok(Ok(followed)) => {
                say(format_args!(
                    "sealed, but not witnessed: {} of the policy's witnesses signed the newest checkpoint, which is \
                     too few; {} checkpoints wait for it; `cosign` asks again",
                    followed.witnesses, followed.behind
                ));
                Exit::Unwitnessed
            }
            Ok(Err(finding)) => {
                say(format_args!("error: {finding}"));
                Exit::Integrity
            }
            Err(error) => log::failed(&error.into()),
        }
    }

    async fn all(&self, asking: &Arc<Asking>) -> Vec<(String, Said)> {
        let mut tasks = JoinSet::new();
        let mut all = Vec::new();
        for witness in self.policy.witnesses().filter(|witness| !asking.has(&witness.key)) {
            let named = self.addresses.iter().find(|(name, _)| *name == witness.name).map(|(_, url)| url);
            let name = witness.name.clone();
            match named.or(witness.url.as_ref()) {
                None => {
                    let message = "the policy does not say where it is; give --witness NAME=URL".to_owned();
                    all.push((name, Said::Nothing(message)));
                }
                Some(url) => {
                    let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
                    let (client, asking, key) =
                        (self.client.clone(), Arc::clone(asking), witness.key.clone());
                    let limits = Limits { timeout: self.timeout, body: MAX_ANSWER_BYTES as u64 };
                    tasks.spawn(async move { (name, one(&client, &url, limits, &asking, &key).await) });
                }
            }
        }
        while let Some(done) = tasks.join_next().await {
            match done {
                Ok(said) => all.push(said),
                Err(error) => say(format_args!("error: {error}")),
            }
        }
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }
}

/// Asks one witness, and again with the proof that it needs.
async fn one(client: &Client, url: &str, limits: Limits, asking: &Asking, key: &VerifierKey) -> Said {
    let mut old = asking.known_size(key);
    for _ in 0..MAX_TRIES {
        let Some(body) = asking.request(old) else {
            return Said::Nothing(format!("there is no proof from {old} leaves to {}", asking.size()));
        };
        let headers = [("content-type".to_owned(), "text/plain; charset=utf-8".to_owned())];
        let response = match client.post(url, &headers, body.into_bytes().into(), limits).await {
            Ok(response) => response,
            Err(error) => return Said::Nothing(error.to_string()),
        };
        match asking.answer(key, old, response.status, &response.body) {
            Answer::Signed(signature) => return Said::Signed(signature),
            Answer::Contradicts(message) => return Said::Contradicts(message),
            Answer::Refused(message) => return Said::Nothing(message),
            Answer::Again(size) => old = size,
        }
    }
    Said::Nothing(format!("it moved {MAX_TRIES} times while it was asked"))
}
