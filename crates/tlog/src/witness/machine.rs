use std::collections::BTreeMap;

use crate::cosignature::{self, CosignerKey};
use crate::hash::{Hash, empty_root};
use crate::merkle::{ProofError, verify_consistency};
use crate::note::{KeyError, KeyKind, NoteSignature, SignedNote, VerifierKey, VerifyError, verify};
use crate::text;

use super::request::{AddCheckpoint, RequestError};

/// The content type of an answer 409, whose body is a size.
pub const SIZE_CONTENT_TYPE: &str = "text/x.tlog.size";

/// What a witness must remember of a log: the latest tree it cosigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// How many leaves.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// A witness: its keys, and the logs it knows.
#[derive(Clone, Debug)]
pub struct Witness {
    cosigners: Vec<CosignerKey>,
    logs: BTreeMap<String, Vec<VerifierKey>>,
}

/// Why there is no such witness.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// It has no key to cosign with.
    #[error("a witness needs at least one key to cosign with")]
    NoKey,
    /// A log's key is of the wrong kind.
    #[error("the log \"{}\": {error}", text::excerpt(.origin))]
    LogKey {
        /// The log.
        origin: String,
        /// What is wrong with its key.
        error: KeyError,
    },
}

/// What a witness decided about a request.
#[derive(Debug)]
#[must_use]
pub enum Decision {
    /// To cosign, once that is persisted.
    Sign(Pending),
    /// Not to.
    Refuse(Refusal),
}

/// Why a witness does not cosign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// 400: the body is no request.
    #[error(transparent)]
    BadRequest(#[from] RequestError),
    /// 400: the checkpoint is older than the size the proof starts from.
    #[error("the old size {old} is larger than the checkpoint's, {size}")]
    OldBeyond {
        /// The old size of the request.
        old: u64,
        /// The checkpoint's size.
        size: u64,
    },
    /// 404: the log is not known here.
    #[error("no log of the origin \"{}\" is known here", text::excerpt(.origin))]
    UnknownOrigin {
        /// The checkpoint's origin.
        origin: String,
    },
    /// 403: no trusted key of the log signed the checkpoint.
    #[error(transparent)]
    BadSignature(#[from] VerifyError),
    /// 409: the proof starts from another size than was cosigned last. The answer tells that size.
    #[error("the latest checkpoint cosigned here has the size {size}; start the proof from there")]
    Conflict {
        /// The size cosigned last.
        size: u64,
    },
    /// 409: the log signed two different trees of one size. It has forked: the request is evidence of that, to
    /// be kept.
    #[error(
        "the root {claimed} differs from {cosigned}, cosigned here for the same size {size}: the log has forked"
    )]
    Fork {
        /// The size of both.
        size: u64,
        /// The root cosigned here.
        cosigned: Hash,
        /// The root of the request.
        claimed: Hash,
    },
    /// 422: the proof does not show that the log only grew. The request may be evidence that it did not.
    #[error("the consistency proof fails: {0}")]
    BadProof(ProofError),
}

impl Refusal {
    /// The answer to whoever asked.
    #[must_use]
    pub fn response(&self) -> Response {
        let status = match self {
            Self::BadRequest(_) | Self::OldBeyond { .. } => 400,
            Self::BadSignature(_) => 403,
            Self::UnknownOrigin { .. } => 404,
            Self::Conflict { .. } | Self::Fork { .. } => 409,
            Self::BadProof(_) => 422,
        };
        match self {
            Self::Conflict { size } | Self::Fork { size, .. } => {
                Response { status, content_type: SIZE_CONTENT_TYPE, body: format!("{size}\n") }
            }
            _ => Response { status, content_type: "text/plain; charset=utf-8", body: format!("{self}\n") },
        }
    }
}

/// An answer of the witness, for whoever speaks HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The content type.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// What became of an attempt to compare and persist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// What was stored was as expected, and what is next is durable in its place.
    Yes,
    /// Something else was stored meanwhile, of this size; nothing was changed.
    Moved {
        /// The size that is stored.
        size: u64,
    },
}

/// A decision to cosign, of which nothing may leave before it is persisted.
#[derive(Debug)]
#[must_use = "nothing is cosigned before it is committed"]
pub struct Pending {
    origin: String,
    expected: Option<TreeHead>,
    next: TreeHead,
    note: SignedNote,
    cosignatures: Vec<NoteSignature>,
}

impl Pending {
    /// Which log.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What the decision was made from.
    #[must_use]
    pub fn expected(&self) -> Option<TreeHead> {
        self.expected
    }

    /// What has to be remembered from now on.
    #[must_use]
    pub fn next(&self) -> TreeHead {
        self.next
    }

    /// The checkpoint with the log's signatures and the new cosignatures, which monitors may fetch. It is for the
    /// record to be persisted; until it is, it must not be shown to anyone.
    #[must_use]
    pub fn cosigned(&self) -> &SignedNote {
        &self.note
    }

    /// Persists the decision, and only then gives the answer out.
    ///
    /// `swap` must, in one step that no other request can come between: see that what is stored for the
    /// [origin](Self::origin) is still [what was expected](Self::expected); store [what is next](Self::next);
    /// and return [`Stored::Yes`] only when that is durable. Without the comparison two requests at once could
    /// roll the record back, and the witness would cosign a fork.
    ///
    /// # Errors
    ///
    /// The error of `swap`. No cosignature leaves then, though it may have been stored: the log may ask again.
    pub fn commit<E>(self, swap: impl FnOnce(&Self) -> Result<Stored, E>) -> Result<Response, E> {
        match swap(&self)? {
            Stored::Yes => Ok(Response {
                status: 200,
                content_type: "text/plain; charset=utf-8",
                body: self.cosignatures.iter().map(|signature| format!("{signature}\n")).collect(),
            }),
            Stored::Moved { size } => Ok(Refusal::Conflict { size }.response()),
        }
    }
}

impl Witness {
    /// A witness with one or more keys, that knows no log yet.
    ///
    /// # Errors
    ///
    /// When there is no key.
    pub fn new(cosigners: Vec<CosignerKey>) -> Result<Self, WitnessError> {
        if cosigners.is_empty() {
            return Err(WitnessError::NoKey);
        }
        Ok(Self { cosigners, logs: BTreeMap::new() })
    }

    /// Makes a log known by its origin and one of its keys; more keys for one origin are all trusted.
    ///
    /// There is no way to forget a log: one that came back would start from nothing, and could be forked.
    ///
    /// # Errors
    ///
    /// When the key is none of a log.
    pub fn add_log(&mut self, origin: &str, key: VerifierKey) -> Result<(), WitnessError> {
        let key = key
            .expect_kind(KeyKind::Ed25519)
            .map_err(|error| WitnessError::LogKey { origin: origin.to_owned(), error })?;
        let keys = self.logs.entry(origin.to_owned()).or_default();
        if !keys.contains(&key) {
            keys.push(key);
        }
        Ok(())
    }

    /// The origins of the logs that are known.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.logs.keys().map(String::as_str)
    }

    /// The public keys that it cosigns with.
    pub fn verifier_keys(&self) -> impl Iterator<Item = &VerifierKey> {
        self.cosigners.iter().map(CosignerKey::verifier_key)
    }

    /// Decides about a request's body, given what was cosigned last of each log, at `now` (seconds since 1970).
    ///
    /// `last` is asked for an origin only once a trusted key of that log signed the checkpoint.
    ///
    /// # Errors
    ///
    /// The error of `last`; nothing is decided then.
    pub fn handle<E>(
        &self,
        body: &[u8],
        last: impl FnOnce(&str) -> Result<Option<TreeHead>, E>,
        now: u64,
    ) -> Result<Decision, E> {
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(error) => return Ok(Decision::Refuse(error.into())),
        };
        if let Err(refusal) = self.signed(&request) {
            return Ok(Decision::Refuse(refusal));
        }
        Ok(self.decide(&request, last(request.checkpoint().origin())?, now))
    }

    /// Decides about a request, given what was cosigned last of its log, at `now` (seconds since 1970).
    pub fn decide(&self, request: &AddCheckpoint, last: Option<TreeHead>, now: u64) -> Decision {
        match self.judge(request, last) {
            Ok(()) => self.cosign(request, last, now),
            Err(refusal) => Decision::Refuse(refusal),
        }
    }

    fn signed(&self, request: &AddCheckpoint) -> Result<(), Refusal> {
        let origin = request.checkpoint().origin();
        let keys = self.logs.get(origin);
        let keys = keys.ok_or_else(|| Refusal::UnknownOrigin { origin: origin.to_owned() })?;
        verify(request.note(), keys)?;
        Ok(())
    }

    fn judge(&self, request: &AddCheckpoint, last: Option<TreeHead>) -> Result<(), Refusal> {
        self.signed(request)?;
        let (old, checkpoint) = (request.old(), request.checkpoint());
        if old > checkpoint.size() {
            return Err(Refusal::OldBeyond { old, size: checkpoint.size() });
        }
        let last = last.unwrap_or(TreeHead { size: 0, root: empty_root() });
        if old != last.size {
            return Err(Refusal::Conflict { size: last.size });
        }
        let (size, root) = (checkpoint.size(), checkpoint.root());
        if old == size && last.root != root && size > 0 {
            return Err(Refusal::Fork { size, cosigned: last.root, claimed: root });
        }
        verify_consistency(last.size, &last.root, size, &root, request.proof()).map_err(Refusal::BadProof)
    }

    fn cosign(&self, request: &AddCheckpoint, expected: Option<TreeHead>, now: u64) -> Decision {
        let checkpoint = request.checkpoint();
        let mut note = request.note().clone();
        let mut cosignatures = Vec::with_capacity(self.cosigners.len());
        for cosigner in &self.cosigners {
            let signature = cosignature::sign(cosigner, checkpoint, now);
            // A note so full that ours no longer fits is cosigned all the same; it is only kept without.
            note.add(signature.clone()).ok();
            cosignatures.push(signature);
        }
        Decision::Sign(Pending {
            origin: checkpoint.origin().to_owned(),
            expected,
            next: TreeHead { size: checkpoint.size(), root: checkpoint.root() },
            note,
            cosignatures,
        })
    }
}
