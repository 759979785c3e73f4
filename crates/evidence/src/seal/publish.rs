use std::io::Read;

use assurance_storage::{Reader, Storage};

use super::{SealError, SealErrorKind};
use crate::Digest;
use crate::names::{MAX_SIDECAR_BYTES, in_published, sidecar};

/// Publishes bytes, unless these very bytes are there already.
pub(super) fn publish(storage: &dyn Storage, name: &str, bytes: &[u8]) -> Result<(), SealError> {
    match storage.publish(name, &mut &bytes[..]) {
        Ok(()) => Ok(()),
        Err(error) if error.is_already_exists() => {
            let (found, _) = digest(storage, name)?;
            if found == Digest::of(bytes) {
                return Ok(());
            }
            Err(SealError::new(name, SealErrorKind::Conflict))
        }
        Err(error) => Err(error.into()),
    }
}

/// The checksum and length of a file.
pub(super) fn digest(storage: &dyn Storage, name: &str) -> Result<(Digest, u64), SealError> {
    of_content(name, &mut Reader::new(storage, name))
}

pub(super) fn of_content(name: &str, content: &mut dyn Read) -> Result<(Digest, u64), SealError> {
    Digest::of_reader(content).map_err(|source| {
        let kind = assurance_storage::StorageErrorKind::Content(source);
        assurance_storage::StorageError::new(assurance_storage::Operation::Read, name, kind).into()
    })
}

/// The checksum that a file was published with.
pub(super) fn checksum(storage: &dyn Storage, bare: &str) -> Result<Digest, SealError> {
    let name = in_published(&sidecar(bare));
    let text = match storage.read(&name, MAX_SIDECAR_BYTES) {
        Ok(text) => text,
        Err(error) if error.is_too_large() => {
            return Err(SealError::new(name, SealErrorKind::Changed));
        }
        Err(error) => return Err(error.into()),
    };
    let digest = std::str::from_utf8(&text).ok().and_then(|text| text.strip_suffix(&format!("  {bare}\n")));
    let digest = digest.and_then(|digest| digest.parse().ok());
    digest.ok_or_else(|| SealError::new(name, SealErrorKind::Changed))
}
