use crate::note::{KeyError, KeyKind, VerifierKey};
use crate::text;

use super::{Log, Member, Policy, Witness};

/// The longest policy: every bound below reached, with lines of 300 bytes, is 230 kB.
pub const MAX_POLICY_BYTES: usize = 256 * 1024;

/// The most logs, and the most witnesses; the specification asks for 32 at least.
pub const MAX_POLICY_KEYS: usize = 256;

/// The most groups; the specification asks for 32 at least.
pub const MAX_POLICY_GROUPS: usize = 256;

/// A text that is no policy, and in which line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("policy, line {line}: {kind}")]
#[non_exhaustive]
pub struct PolicyError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub kind: PolicyErrorKind,
}

/// What is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyErrorKind {
    /// It is too long.
    #[error("a policy of {0} bytes is more than the {MAX_POLICY_BYTES} that are read")]
    TooLong(usize),
    /// There are too many definitions of one kind.
    #[error("there are more than {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are read.
        max: usize,
    },
    /// A control character, such as a carriage return.
    #[error("the control character U+{:04X} is not allowed; lines end in a line feed alone", *.0 as u32)]
    Control(char),
    /// The last line is cut off.
    #[error("the last line must end in a line feed: the policy may be cut off")]
    Unterminated,
    /// The line does not begin with a known word.
    #[error("\"{0}\" is none of log, witness, group, quorum")]
    Keyword(String),
    /// The line has too few or too many words.
    #[error("the line must read: {0}")]
    Form(&'static str),
    /// A key is wrong.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The same public key stands in two lines of one kind.
    #[error("the public key of {0} stands in an earlier line already, if under another name")]
    DuplicateKey(String),
    /// A name is defined twice, or is `none`.
    #[error("the name \"{0}\" is taken")]
    NameTaken(String),
    /// A name is not defined in an earlier line.
    #[error("\"{0}\" is not defined in an earlier line")]
    Undefined(String),
    /// A name is member of two groups, or twice of one.
    #[error("\"{0}\" is a member of a group already; it may count once")]
    MemberTwice(String),
    /// A threshold that is no number, nothing, or more than the members.
    #[error("the threshold \"{threshold}\" must be all, any, or a number from 1 to the {members} members")]
    Threshold {
        /// What stands there.
        threshold: String,
        /// How many members the group has.
        members: usize,
    },
    /// There is a second quorum line.
    #[error("there is a quorum line already")]
    SecondQuorum,
    /// There is no quorum line.
    #[error("there is no quorum line; write \"quorum none\" if no witness is needed")]
    NoQuorum,
}

pub(super) fn parse(policy: &str) -> Result<Policy, PolicyError> {
    let last = policy.matches('\n').count() + 1;
    if policy.len() > MAX_POLICY_BYTES {
        return Err(PolicyError { line: last, kind: PolicyErrorKind::TooLong(policy.len()) });
    }
    let mut reading = Reading::default();
    for (line, number) in policy.split_inclusive('\n').zip(1..) {
        reading.line(line).map_err(|kind| PolicyError { line: number, kind })?;
    }
    match reading.quorum {
        Some(quorum) => Ok(Policy { logs: reading.logs, members: reading.members, quorum }),
        None => Err(PolicyError { line: last, kind: PolicyErrorKind::NoQuorum }),
    }
}

#[derive(Default)]
struct Reading {
    logs: Vec<Log>,
    members: Vec<Member>,
    /// By place in `members`, whether a group has it already.
    grouped: Vec<bool>,
    quorum: Option<Option<usize>>,
}

pub(super) fn add_log(
    logs: &mut Vec<Log>,
    key: VerifierKey,
    url: Option<String>,
) -> Result<(), PolicyErrorKind> {
    let key = key.expect_kind(KeyKind::Ed25519)?;
    if logs.len() >= MAX_POLICY_KEYS {
        return Err(PolicyErrorKind::TooMany { what: "logs", max: MAX_POLICY_KEYS });
    }
    if logs.iter().any(|log| log.key.public_bytes() == key.public_bytes()) {
        return Err(PolicyErrorKind::DuplicateKey(key.name().to_owned()));
    }
    logs.push(Log { key, url });
    Ok(())
}

impl Reading {
    fn line(&mut self, line: &str) -> Result<(), PolicyErrorKind> {
        let line = line.strip_suffix('\n').ok_or(PolicyErrorKind::Unterminated)?;
        if let Some(control) = line.chars().find(|c| c.is_ascii_control() && *c != '\t') {
            return Err(PolicyErrorKind::Control(control));
        }
        // Only space and tab separate: other spaces of Unicode may be part of a name.
        let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with('#') => Ok(()),
            ["log", key] => self.log(key, None),
            ["log", key, url] => self.log(key, Some(url)),
            ["log", ..] => Err(PolicyErrorKind::Form("log <vkey> [<url>]")),
            ["witness", name, key] => self.witness(name, key, None),
            ["witness", name, key, url] => self.witness(name, key, Some(url)),
            ["witness", ..] => Err(PolicyErrorKind::Form("witness <name> <vkey> [<url>]")),
            ["group", name, threshold, members @ ..] if !members.is_empty() => {
                self.group(name, threshold, members)
            }
            ["group", ..] => Err(PolicyErrorKind::Form("group <name> all|any|<number> <name>...")),
            ["quorum", name] => self.quorum(name),
            ["quorum", ..] => Err(PolicyErrorKind::Form("quorum <name>|none")),
            [other, ..] => Err(PolicyErrorKind::Keyword(text::excerpt(other))),
        }
    }

    fn log(&mut self, key: &str, url: Option<&&str>) -> Result<(), PolicyErrorKind> {
        add_log(&mut self.logs, key.parse()?, url.map(|url| (*url).to_owned()))
    }

    fn witness(&mut self, name: &str, key: &str, url: Option<&&str>) -> Result<(), PolicyErrorKind> {
        let key = key.parse::<VerifierKey>()?.expect_kind(KeyKind::CosignatureV1)?;
        self.free(name)?;
        let known = self.members.iter().filter_map(|member| match member {
            Member::Witness(witness) => Some(&witness.key),
            Member::Group { .. } => None,
        });
        if known.clone().count() >= MAX_POLICY_KEYS {
            return Err(PolicyErrorKind::TooMany { what: "witnesses", max: MAX_POLICY_KEYS });
        }
        if known.clone().any(|known| known.public_bytes() == key.public_bytes()) {
            return Err(PolicyErrorKind::DuplicateKey(key.name().to_owned()));
        }
        let url = url.map(|url| (*url).to_owned());
        self.add(Member::Witness(Box::new(Witness { name: name.to_owned(), key, url })));
        Ok(())
    }

    fn group(&mut self, name: &str, threshold: &str, members: &[&str]) -> Result<(), PolicyErrorKind> {
        self.free(name)?;
        let groups = self.members.iter().filter(|member| matches!(member, Member::Group { .. })).count();
        if groups >= MAX_POLICY_GROUPS {
            return Err(PolicyErrorKind::TooMany { what: "groups", max: MAX_POLICY_GROUPS });
        }
        let count = members.len();
        let number = match threshold {
            "all" => Some(count),
            "any" => Some(1),
            number => text::decimal(number).and_then(|number| usize::try_from(number).ok()),
        };
        let threshold = number.filter(|number| (1..=count).contains(number)).ok_or_else(|| {
            PolicyErrorKind::Threshold { threshold: text::excerpt(threshold), members: count }
        })?;
        let mut places = Vec::with_capacity(count);
        for member in members {
            let place = self.find(member)?;
            if std::mem::replace(&mut self.grouped[place], true) {
                return Err(PolicyErrorKind::MemberTwice(text::excerpt(member)));
            }
            places.push(place);
        }
        self.add(Member::Group { name: name.to_owned(), threshold, members: places });
        Ok(())
    }

    fn quorum(&mut self, name: &str) -> Result<(), PolicyErrorKind> {
        if self.quorum.is_some() {
            return Err(PolicyErrorKind::SecondQuorum);
        }
        self.quorum = Some(if name == "none" { None } else { Some(self.find(name)?) });
        Ok(())
    }

    fn add(&mut self, member: Member) {
        self.members.push(member);
        self.grouped.push(false);
    }

    fn free(&self, name: &str) -> Result<(), PolicyErrorKind> {
        if name == "none" || self.find(name).is_ok() {
            return Err(PolicyErrorKind::NameTaken(text::excerpt(name)));
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Result<usize, PolicyErrorKind> {
        let place = self.members.iter().position(|member| member.name() == name);
        place.ok_or_else(|| PolicyErrorKind::Undefined(text::excerpt(name)))
    }
}
