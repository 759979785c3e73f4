use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::note::{SignedNote, VerifierKey, VerifyError, verify};
use crate::text;

use super::{Member, Policy, Witness};

/// What a policy says of a checkpoint that one of its logs signed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// What the log signed.
    pub checkpoint: Checkpoint,
    /// The log's key.
    pub log: VerifierKey,
    /// The policy's witnesses that cosigned, in the policy's order.
    pub witnesses: Vec<Witnessed>,
    /// Whether they are enough.
    pub quorum: Quorum,
}

/// A witness that cosigned a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Witnessed {
    /// Its name within the policy.
    pub name: String,
    /// The earliest time, in seconds since 1970, at which it says to have seen the checkpoint: not written later.
    pub first: u64,
    /// The latest time at which it says that the log had no later checkpoint: how fresh it is.
    pub last: u64,
}

/// Whether enough witnesses cosigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quorum {
    /// The policy asks for no witness.
    NotNeeded,
    /// Enough have.
    Met,
    /// At least this many further cosignatures are needed.
    Missing(usize),
}

impl Quorum {
    /// Whether the policy is satisfied.
    #[must_use]
    pub fn is_met(self) -> bool {
        matches!(self, Self::NotNeeded | Self::Met)
    }
}

/// Why a policy believes nothing of a note.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// It is no checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The policy has no log of this origin.
    #[error("the policy has no log of the origin \"{}\"", text::excerpt(.origin))]
    UnknownOrigin {
        /// The checkpoint's origin.
        origin: String,
    },
    /// The log has not signed, or a signature is false.
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

impl Policy {
    /// Looks who signed a checkpoint.
    ///
    /// A verdict means that a log of the policy signed it; whether the witnesses are enough stands in
    /// [`Verdict::quorum`], for callers that must tell the two apart.
    ///
    /// # Errors
    ///
    /// When no log of the policy signed it under its own origin, or any signature of a known key is false.
    pub fn check(&self, note: &SignedNote) -> Result<Verdict, CheckError> {
        let checkpoint = Checkpoint::of_note(note)?;
        let origin = checkpoint.origin();
        let logs: Vec<VerifierKey> =
            self.logs.iter().filter(|log| log.key.name() == origin).map(|log| log.key.clone()).collect();
        if logs.is_empty() {
            return Err(CheckError::UnknownOrigin { origin: origin.to_owned() });
        }
        let signed = verify(note, &logs)?;
        let log = signed.first().and_then(|signature| logs.get(signature.key)).cloned();
        // `verify` gives at least one signature, of one of its keys.
        let log = log.ok_or(VerifyError::Unsigned { signers: Vec::new() })?;
        let mut witnesses = Vec::new();
        let mut lacking = Vec::with_capacity(self.members.len());
        for member in &self.members {
            lacking.push(match member {
                Member::Witness(witness) => match witnessed(witness, note)? {
                    Some(found) => {
                        witnesses.push(found);
                        0
                    }
                    None => 1,
                },
                Member::Group { threshold, members, .. } => {
                    // No witness counts twice, so the cheapest members are the cheapest way.
                    let mut costs: Vec<usize> = members.iter().map(|place| lacking[*place]).collect();
                    costs.sort_unstable();
                    costs[..*threshold].iter().sum()
                }
            });
        }
        let quorum = match self.quorum.map(|place| lacking[place]) {
            None => Quorum::NotNeeded,
            Some(0) => Quorum::Met,
            Some(missing) => Quorum::Missing(missing),
        };
        Ok(Verdict { checkpoint, log, witnesses, quorum })
    }
}

fn witnessed(witness: &Witness, note: &SignedNote) -> Result<Option<Witnessed>, VerifyError> {
    let signatures = match verify(note, std::slice::from_ref(&witness.key)) {
        Ok(signatures) => signatures,
        Err(VerifyError::Unsigned { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let times = || signatures.iter().filter_map(|signature| signature.time);
    let (first, last) = (times().min(), times().max());
    Ok(first.zip(last).map(|(first, last)| Witnessed { name: witness.name.clone(), first, last }))
}
