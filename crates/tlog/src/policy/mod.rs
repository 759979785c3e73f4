//! Whom to believe (c2sp.org/tlog-policy): logs, witnesses, and how many of which witnesses make a quorum.

mod check;
mod parse;

pub use check::{CheckError, Quorum, Verdict, Witnessed};
pub use parse::{MAX_POLICY_BYTES, MAX_POLICY_GROUPS, MAX_POLICY_KEYS, PolicyError, PolicyErrorKind};

use crate::note::VerifierKey;

/// A policy that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub(crate) logs: Vec<Log>,
    pub(crate) members: Vec<Member>,
    /// The place in `members` of what must have witnessed; `None` when nothing must.
    pub(crate) quorum: Option<usize>,
}

/// A log that a policy trusts to exist, not to be honest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Log {
    /// Its key, whose name is the log's origin.
    pub key: VerifierKey,
    /// Where it is reached, if the policy says.
    pub url: Option<String>,
}

/// A witness of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Witness {
    /// Its name within the policy.
    pub name: String,
    /// Its key.
    pub key: VerifierKey,
    /// Where it is reached, if the policy says.
    pub url: Option<String>,
}

/// Something that can have witnessed a checkpoint; groups name only members that stand before them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    Witness(Box<Witness>),
    Group { name: String, threshold: usize, members: Vec<usize> },
}

impl Member {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Witness(witness) => &witness.name,
            Self::Group { name, .. } => name,
        }
    }
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    ///
    /// When it is not exactly of the form that c2sp.org/tlog-policy describes, or beyond the bounds of this room.
    /// Text that is not UTF-8 is not read at all, though the specification would allow it in comments and names.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        parse::parse(text)
    }

    /// The logs, in the policy's order.
    #[must_use]
    pub fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// The witnesses, in the policy's order.
    pub fn witnesses(&self) -> impl Iterator<Item = &Witness> {
        self.members.iter().filter_map(|member| match member {
            Member::Witness(witness) => Some(&**witness),
            Member::Group { .. } => None,
        })
    }

    /// Whether the policy asks for any witness.
    #[must_use]
    pub fn needs_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// This policy with one more log, for policies whose logs are known from elsewhere.
    ///
    /// # Errors
    ///
    /// When the key is none of a log, or the policy has the log already.
    pub fn with_log(mut self, key: VerifierKey) -> Result<Self, PolicyErrorKind> {
        parse::add_log(&mut self.logs, key, None)?;
        Ok(self)
    }
}

impl std::str::FromStr for Policy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        Self::parse(text)
    }
}
