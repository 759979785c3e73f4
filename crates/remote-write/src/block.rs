//! Snappy's block format.

use crate::{DecodeError, Limits};

/// Decompresses a body, whose header says how long it will be.
pub(crate) fn decompress(body: &[u8], limits: &Limits) -> Result<Vec<u8>, DecodeError> {
    if body.len() > limits.compressed_bytes {
        return Err(DecodeError::Compressed { bytes: body.len(), limit: limits.compressed_bytes });
    }
    let snappy = |error: snap::Error| DecodeError::Snappy { reason: error.to_string() };
    let bytes = snap::raw::decompress_len(body).map_err(snappy)?;
    if bytes > limits.decompressed_bytes {
        return Err(DecodeError::Decompressed { bytes, limit: limits.decompressed_bytes });
    }
    snap::raw::Decoder::new().decompress_vec(body).map_err(snappy)
}
