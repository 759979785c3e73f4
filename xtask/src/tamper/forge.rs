//! What whoever has the log's key can do: another history, with a tree, tiles and signatures to it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};

use crate::files::Files;
use crate::hand::{Unit, compress, fit, hex, lines, sha256};
use crate::world::{ORIGIN, log_seed};

type Hash = [u8; 32];

/// A key and the name it signs under.
pub(crate) struct Key {
    secret: SigningKey,
}

impl Key {
    /// The log's n-th.
    pub(crate) fn of_log(number: u8) -> Self {
        Self { secret: SigningKey::from_bytes(&log_seed(number)) }
    }

    /// One that the log never had.
    pub(crate) fn stranger(number: u8) -> Self {
        Self { secret: SigningKey::from_bytes(&[0xe0 | number; 32]) }
    }

    fn public(&self) -> Vec<u8> {
        [&[1], self.secret.verifying_key().as_bytes().as_slice()].concat()
    }

    fn id(&self) -> [u8; 4] {
        let hash = sha256(&[ORIGIN.as_bytes(), b"\n", &self.public()].concat());
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// As leaves and policies have it.
    pub(crate) fn text(&self) -> String {
        format!("{ORIGIN}+{}+{}", hex(&self.id()), STANDARD.encode(self.public()))
    }

    fn signature(&self, body: &str) -> String {
        let signature = self.secret.sign(body.as_bytes()).to_bytes();
        let text = STANDARD.encode([self.id().as_slice(), &signature].concat());
        format!("\u{2014} {ORIGIN} {text}\n")
    }

    fn has_signed(&self, note: &str) -> bool {
        signature_lines(note).any(|line| {
            let base = line.rsplit(' ').next().unwrap_or_default();
            STANDARD.decode(base).is_ok_and(|bytes| bytes.starts_with(&self.id()))
        })
    }
}

fn signature_lines(note: &str) -> impl Iterator<Item = &str> {
    note.split_once("\n\n").map_or("", |(_, signatures)| signatures).lines()
}

pub(crate) fn leaf_hash(entry: &[u8]) -> Hash {
    sha256(&[&[0], entry].concat())
}

/// The root of a tree (RFC 6962, section 2.1), by its definition.
pub(crate) fn root(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => sha256(b""),
        [one] => *one,
        _ => {
            let split = hashes.len().next_power_of_two() / 2;
            sha256(&[&[1], root(&hashes[..split]).as_slice(), &root(&hashes[split..])].concat())
        }
    }
}

fn root_of(entries: &[String]) -> Hash {
    root(&entries.iter().map(|entry| leaf_hash(entry.as_bytes())).collect::<Vec<_>>())
}

/// The size that a checkpoint is of.
pub(crate) fn size_of(files: &Files) -> usize {
    let note = String::from_utf8_lossy(&files["log/checkpoint"]);
    note.lines().nth(1).and_then(|line| line.parse().ok()).expect("a checkpoint")
}

pub(crate) fn bundle_name(size: usize) -> String {
    format!("log/tile/entries/000.p/{size}")
}

/// The leaves of the log. No archive here has 256, which would be a second bundle.
pub(crate) fn entries(files: &Files) -> Vec<String> {
    let size = size_of(files);
    let mut rest = files[&bundle_name(size)].as_slice();
    let mut entries = Vec::new();
    while let [high, low, after @ ..] = rest {
        let (entry, after) = after.split_at(usize::from(*high) * 256 + usize::from(*low));
        entries.push(String::from_utf8_lossy(entry).into_owned());
        rest = after;
    }
    assert_eq!(entries.len(), size);
    entries
}

/// The value of a field of a leaf that is a string, wherever it stands first.
pub(crate) fn text_field<'e>(entry: &'e str, name: &str) -> Option<&'e str> {
    entry.split_once(&format!("\"{name}\":\""))?.1.split_once('"').map(|(value, _)| value)
}

/// When a leaf says it was made.
pub(crate) fn time_of(entry: &str) -> Option<&str> {
    let name = if is_kind(entry, "day") || is_kind(entry, "supplement") { "sealed_at" } else { "at" };
    text_field(entry, name)
}

pub(crate) fn is_kind(entry: &str, kind: &str) -> bool {
    text_field(entry, "kind") == Some(kind)
}

/// The leaf that sealed a file.
pub(crate) fn leaf_of(entries: &[String], unit: &Unit) -> Option<usize> {
    let file = format!("\"file\":\"{}\"", unit.plain().trim_start_matches("hot/"));
    entries.iter().position(|entry| entry.contains(&file))
}

/// Writes the log anew: every bundle, tile and checkpoint that there is, and those of its size now. What one of
/// `known` had signed is signed by that one of `signers` in its place, and a new size by the last of them.
pub(crate) fn rewrite(files: &mut Files, entries: &[String], known: &[Key], signers: &[Key]) {
    let size = entries.len();
    let tiles: Vec<String> = files.keys().filter(|name| name.starts_with("log/tile/")).cloned().collect();
    let sizes = tiles.iter().filter_map(|name| name.rsplit('/').next()?.parse::<usize>().ok());
    for width in sizes.chain([size]).filter(|width| *width <= size) {
        let bundle = entries[..width].iter().flat_map(|entry| {
            let length = u16::try_from(entry.len()).expect("short").to_be_bytes();
            [&length, entry.as_bytes()].concat()
        });
        files.insert(bundle_name(width), bundle.collect());
        let hashes = entries[..width].iter().flat_map(|entry| leaf_hash(entry.as_bytes()));
        files.insert(format!("log/tile/0/000.p/{width}"), hashes.collect());
    }
    for name in tiles {
        if name
            .rsplit('/')
            .next()
            .and_then(|width| width.parse().ok())
            .is_some_and(|width: usize| width > size)
        {
            files.remove(&name);
        }
    }
    let copies: Vec<String> =
        files.keys().filter(|name| name.starts_with("log/checkpoints/")).cloned().collect();
    for name in copies {
        let of: usize = name.rsplit('/').next().and_then(|size| size.parse().ok()).expect("a size");
        if of > size {
            files.remove(&name);
            continue;
        }
        let old = String::from_utf8_lossy(&files[&name]).into_owned();
        let body = body(&entries[..of]);
        if !old.starts_with(&body) {
            let pairs = known.iter().zip(signers);
            let by: Vec<&Key> =
                pairs.filter(|(known, _)| known.has_signed(&old)).map(|(_, signer)| signer).collect();
            files.insert(name, note(&body, &by).into_bytes());
        }
    }
    let copy = format!("log/checkpoints/{size}");
    let checkpoint = match files.get(&copy) {
        Some(copy) => copy.clone(),
        None => note(&body(entries), &[signers.last().expect("a key")]).into_bytes(),
    };
    files.insert(copy, checkpoint.clone());
    files.insert("log/checkpoint".to_owned(), checkpoint);
}

pub(crate) fn body(entries: &[String]) -> String {
    format!("{ORIGIN}\n{}\n{}\n", entries.len(), STANDARD.encode(root_of(entries)))
}

pub(crate) fn note(body: &str, keys: &[&Key]) -> String {
    let signatures: String = keys.iter().map(|key| key.signature(body)).collect();
    format!("{body}\n{signatures}")
}

/// Seals other events in place of those of a unit: files and leaf. Gives the leaf's number.
pub(crate) fn reseal(
    files: &mut Files,
    entries: &mut [String],
    unit: &Unit,
    content: &[u8],
) -> Option<usize> {
    let index = leaf_of(entries, unit)?;
    let measures = |content: &[u8], cold: &[u8]| {
        let hashes: Vec<Hash> =
            lines(content).iter().map(|line| leaf_hash(line.strip_suffix(b"\n").unwrap_or(line))).collect();
        let text = format!(
            r#""bytes":{},"lines":{},"sha256":"{}","root":"{}","zstd":{{"file":"{}","bytes":{},"sha256":"{}"}}"#,
            content.len(),
            hashes.len(),
            hex(&sha256(content)),
            hex(&root(&hashes)),
            unit.cold().trim_start_matches("cold/"),
            cold.len(),
            hex(&sha256(cold)),
        );
        (text, hashes.concat())
    };
    let frame = compress(content);
    let (old, _) = measures(&unit.content(files), &files[&unit.cold()]);
    let (new, leaves) = measures(content, &frame);
    if !entries[index].contains(&old) {
        return None;
    }
    entries[index] = entries[index].replace(&old, &new);
    if unit.is_hot(files) {
        files.insert(unit.plain(), content.to_vec());
        fit(files, &unit.plain());
        files.insert(unit.manifest(), format!("{}\n", entries[index]).into_bytes());
    }
    files.insert(unit.cold(), frame);
    fit(files, &unit.cold());
    files.insert(unit.leaves(), leaves);
    Some(index)
}
