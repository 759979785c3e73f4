use std::io::Read as _;

use flate2::bufread::MultiGzDecoder;

#[derive(Debug)]
pub(super) enum GunzipError {
    TooLong,
    Broken(String),
}

/// Decompresses up to `limit` bytes; stops at the first byte more, however much is behind it.
pub(super) fn gunzip(bytes: &[u8], limit: u64) -> Result<Vec<u8>, GunzipError> {
    let mut out = Vec::new();
    let mut reader = MultiGzDecoder::new(bytes).take(limit.saturating_add(1));
    reader.read_to_end(&mut out).map_err(|source| GunzipError::Broken(source.to_string()))?;
    if out.len() as u64 > limit { Err(GunzipError::TooLong) } else { Ok(out) }
}
